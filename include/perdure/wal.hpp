// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_HPP
#define PERDURE_WAL_HPP

#include <perdure/wal/basic_wal.hpp>
#include <perdure/wal/log_follower.hpp>
#include <perdure/wal/log_scrubber.hpp>

#endif
