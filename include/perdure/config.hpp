// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_CONFIG_HPP
#define PERDURE_CONFIG_HPP

// Said before pages of other errors.
#if __cplusplus < 202002L
#error "perdure needs C++20: compile with -std=c++20 or newer"
#endif

/// The version of these headers, for programs that print it; nothing in the library depends on it.
#define PERDURE_VERSION_MAJOR 0
#define PERDURE_VERSION_MINOR 1
#define PERDURE_VERSION_PATCH 0

namespace boost::asio {} // namespace boost::asio

namespace perdure {
namespace asio = boost::asio;
} // namespace perdure

#endif
