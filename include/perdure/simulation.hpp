// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_HPP
#define PERDURE_SIMULATION_HPP

// A deterministic cluster for tests: virtual time, a faulty network, faulty disks.
#include <perdure/simulation/acceptor.hpp>
#include <perdure/simulation/cluster.hpp>
#include <perdure/simulation/crash_search.hpp>
#include <perdure/simulation/crash_states.hpp>
#include <perdure/simulation/datagram_socket.hpp>
#include <perdure/simulation/disk.hpp>
#include <perdure/simulation/disk_files.hpp>
#include <perdure/simulation/disk_world.hpp>
#include <perdure/simulation/event.hpp>
#include <perdure/simulation/files.hpp>
#include <perdure/simulation/options.hpp>
#include <perdure/simulation/random.hpp>
#include <perdure/simulation/stream.hpp>
#include <perdure/simulation/timer.hpp>
#include <perdure/simulation/trace.hpp>
#include <perdure/simulation/world.hpp>

#endif
