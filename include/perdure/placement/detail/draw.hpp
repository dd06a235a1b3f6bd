// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_DETAIL_DRAW_HPP
#define PERDURE_PLACEMENT_DETAIL_DRAW_HPP

// Exponentially distributed times in integers, so that every platform draws the same.
//
// -log2 of a 64-bit random number x = 2^63 m / 2^zeros with m in [1, 2): zeros + 1 - log2 m, and
// log2 m by a table of 256 intervals, linear between its entries plus the parabola of the middle of
// the interval. Near 1, where the earliest of many times lie, the relative error is below 1e-5;
// since all nodes use the same function, only the proportion of unequal weights feels it at all.

#include <array>
#include <bit>
#include <cstdint>

namespace perdure::detail {

constexpr std::uint64_t high_product(std::uint64_t a, std::uint64_t b) noexcept
{
#if defined(__SIZEOF_INT128__)
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint64_t>(static_cast<wide>(a) * b >> 64);
#else
    std::uint64_t const a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
    std::uint64_t const middle = a1 * b0 + (a0 * b0 >> 32);
    std::uint64_t const other = a0 * b1 + (middle & 0xffffffff);
    return a1 * b1 + (middle >> 32) + (other >> 32);
#endif
}

struct draw_table {
    std::array<std::uint64_t, 257> log{};       // log2(1 + i / 256), in units of 2^-48
    std::array<std::uint64_t, 256> curvature{}; // 1 / (2 ln 2 (256.5 + i)^2), likewise
};

inline constexpr draw_table draws = [] {
    draw_table t;
    for (std::uint64_t i = 0; i != 256; ++i) {
        // By squaring: every bit of the logarithm is whether the square has reached 2.
        std::uint64_t m = (256 + i) << 55; // 1.63 bits
        for (int bit = 47; bit >= 0; --bit) {
            std::uint64_t const low = m * m;
            std::uint64_t const square = high_product(m, m); // 2.62 bits
            if (square >> 63) {
                t.log[i] |= std::uint64_t{1} << bit;
                m = square;
            } else {
                m = square << 1 | low >> 63;
            }
        }
        t.curvature[i] = 812165106069599 / ((513 + 2 * i) * (513 + 2 * i)); // 2^50 / (2 ln 2)
    }
    t.log[256] = std::uint64_t{1} << 48;
    return t;
}();

/// -log2(x / 2^64) in units of 2^-48; 0 counts as 1, and no result is 0.
constexpr std::uint64_t draw(std::uint64_t x) noexcept
{
    if (x == 0)
        x = 1;
    int const zeros = std::countl_zero(x);
    std::uint64_t const m = x << zeros;
    auto const i = static_cast<std::size_t>((m >> 55) & 255);
    std::uint64_t const f = m << 9; // where in its interval, in units of 2^-64
    std::uint64_t const log = draws.log[i] + high_product(f, draws.log[i + 1] - draws.log[i]) +
                              high_product(high_product(f, ~f), draws.curvature[i]);
    std::uint64_t const all = static_cast<std::uint64_t>(zeros + 1) << 48;
    return log < all ? all - log : 1;
}

/// What draw(x) >= draw_bound * (2^64 - 1 - x) makes of a look at x alone; 0.2 % are to spare, and
/// below draw_bound_from the rounding of draw would use them up.
inline constexpr double draw_bound = 1.44 / 65536;
inline constexpr std::uint64_t draw_bound_from = std::uint64_t{1} << 28;

} // namespace perdure::detail

#endif
