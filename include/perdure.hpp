// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_HPP
#define PERDURE_HPP

// Every part that needs no optional library. For small programs; a service includes the parts it uses,
// which compiles several times faster.
#include <perdure/availability.hpp>
#include <perdure/detector.hpp>
#include <perdure/durable.hpp>
#include <perdure/error.hpp>
#include <perdure/ring.hpp>
#include <perdure/simulation.hpp>
#include <perdure/snapshot.hpp>
#include <perdure/wal.hpp>
#include <perdure/world.hpp>

#endif
