// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TIME_HPP
#define PERDURE_TIME_HPP

#include <chrono>

namespace perdure {

/// A point in steady time. Differences have a meaning, the value itself has none.
using time_point = std::chrono::steady_clock::time_point;

} // namespace perdure

#endif
