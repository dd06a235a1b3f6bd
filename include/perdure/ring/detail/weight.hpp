// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_WEIGHT_HPP
#define PERDURE_RING_DETAIL_WEIGHT_HPP

#include <bit>
#include <cstdint>

namespace perdure::detail {

/** weight * scale, rounded half up, exactly.
 *
 *  In integers, since a floating-point product may be rounded, contracted or kept in a wider
 *  register differently by another compiler, and one point more or less is another mapping.
 *  Preconditions: 0 < weight <= 2^30, 1 <= scale < 2^32.
 */
constexpr std::uint64_t scaled(double weight, std::uint32_t scale) noexcept
{
    auto const bits = std::bit_cast<std::uint64_t>(weight);
    auto const exponent = static_cast<int>(bits >> 52);
    std::uint64_t mantissa = bits & ((std::uint64_t{1} << 52) - 1);
    if (exponent != 0)
        mantissa |= std::uint64_t{1} << 52;
    // weight = mantissa / 2^shift, and shift >= 22 since weight <= 2^30.
    int const shift = 1075 - (exponent == 0 ? 1 : exponent);
    // The product in two limbs: high * 2^32 + low.
    std::uint64_t const low = (mantissa & 0xffffffff) * scale;
    std::uint64_t const high = (mantissa >> 32) * scale + (low >> 32);
    if (shift - 33 >= 64)
        return 0;
    if (shift >= 33)
        return (shift == 96 ? 0 : high >> (shift - 32)) + ((high >> (shift - 33)) & 1);
    return (high << (32 - shift)) + ((low & 0xffffffff) >> shift) +
           (((low & 0xffffffff) >> (shift - 1)) & 1);
}

} // namespace perdure::detail

#endif
