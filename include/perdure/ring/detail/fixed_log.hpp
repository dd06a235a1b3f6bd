// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_FIXED_LOG_HPP
#define PERDURE_RING_DETAIL_FIXED_LOG_HPP

// -log2 of a random number in integers only, so that every platform draws the same.
//
// x = 2^e * m with m in [1, 2); c is the middle of m's interval of 128, r = m / c - 1, |r| < 2^-8:
// log2 x = e + log2 c + (r - r^2/2 + r^3/3 - r^4/4 + r^5/5) / ln 2. Error below 2^-49.

#include <perdure/ring/detail/log_steps.hpp>
#include <perdure/ring/detail/multiply.hpp>

#include <bit>
#include <cstdint>

namespace perdure::detail {

/// a * b of signed numbers with 63 fractional bits, towards zero.
constexpr std::int64_t multiply_fractions(std::int64_t a, std::int64_t b) noexcept
{
    auto const p = multiply(static_cast<std::uint64_t>(a < 0 ? -a : a),
                            static_cast<std::uint64_t>(b < 0 ? -b : b));
    auto const magnitude = static_cast<std::int64_t>(p.high << 1 | p.low >> 63);
    return (a < 0) != (b < 0) ? -magnitude : magnitude;
}

/// -log2(x / 2^64) in units of 2^-56, for a uniformly distributed x; 0 counts as 1.
constexpr std::uint64_t negative_log2(std::uint64_t x) noexcept
{
    if (x == 0)
        x = 1;
    int const zeros = std::countl_zero(x);
    std::uint64_t const m = x << zeros; // 1.63 bits
    auto const& step = log_steps[(m >> 56) & 127];
    auto const r =
        static_cast<std::int64_t>(multiply(m, step.inverse).high - (std::uint64_t{1} << 63));
    constexpr std::int64_t half = std::int64_t{1} << 62, third = 3074457345618258603,
                           quarter = half / 2, fifth = 1844674407370955162;
    auto s = multiply_fractions(r, fifth);
    s = multiply_fractions(r, s - quarter);
    s = multiply_fractions(r, s + third);
    s = multiply_fractions(r, s - half);
    s = r + multiply_fractions(r, s); // ln(1 + r)
    // 1 / ln 2 - 1 = 0.4426950408889634...
    s += multiply_fractions(s, 4083141060989546684);
    auto const log = static_cast<std::int64_t>(step.log) + (s >> 7) +
                     (static_cast<std::int64_t>(63 - zeros) << 56);
    auto const negative = (std::int64_t{64} << 56) - log;
    return static_cast<std::uint64_t>(negative < 1 ? 1 : negative); // no time is 0
}

} // namespace perdure::detail

#endif
