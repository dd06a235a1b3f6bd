// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_ROUNDED_UP_HPP
#define PERDURE_RING_DETAIL_ROUNDED_UP_HPP

#include <cstdint>

namespace perdure::detail {

// std::ceil for 0 <= x < 2^63. <cmath> would add a tenth to what the ring costs to include.
constexpr double rounded_up(double x) noexcept
{
    auto const whole = static_cast<double>(static_cast<std::int64_t>(x));
    return whole < x ? whole + 1 : whole;
}

} // namespace perdure::detail

#endif
