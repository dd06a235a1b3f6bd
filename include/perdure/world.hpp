// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_HPP
#define PERDURE_WORLD_HPP

#include <perdure/world/attachment.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/files.hpp>
#include <perdure/world/posix_calls.hpp>
#include <perdure/world/posix_files.hpp>
#include <perdure/world/shutdown.hpp>
#include <perdure/world/system_sockets.hpp>
#include <perdure/world/system_timer.hpp>
#include <perdure/world/system_world.hpp>
#include <perdure/world/waiter_queue.hpp>

#endif
