// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_MULTIPLY_HPP
#define PERDURE_RING_DETAIL_MULTIPLY_HPP

#include <cstdint>

namespace perdure::detail {

/// A product of 128 bits.
struct wide_product {
    std::uint64_t high;
    std::uint64_t low;
};

constexpr wide_product multiply_in_halves(std::uint64_t a, std::uint64_t b) noexcept
{
    std::uint64_t const a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
    std::uint64_t const middle = a1 * b0 + (a0 * b0 >> 32);
    std::uint64_t const other = a0 * b1 + (middle & 0xffffffff);
    return {a1 * b1 + (middle >> 32) + (other >> 32), a * b};
}

constexpr wide_product multiply(std::uint64_t a, std::uint64_t b) noexcept
{
#if defined(__SIZEOF_INT128__)
    __extension__ using wide = unsigned __int128;
    auto const p = static_cast<wide>(a) * b;
    return {static_cast<std::uint64_t>(p >> 64), static_cast<std::uint64_t>(p)};
#else
    return multiply_in_halves(a, b);
#endif
}

/// Maps a hash to 0 .. size - 1 in proportion, without the division that `hash % size` costs.
constexpr std::uint64_t reduce(std::uint64_t hash, std::uint64_t size) noexcept
{
    return multiply(hash, size).high;
}

} // namespace perdure::detail

#endif
