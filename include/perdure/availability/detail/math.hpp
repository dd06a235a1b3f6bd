// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_DETAIL_MATH_HPP
#define PERDURE_AVAILABILITY_DETAIL_MATH_HPP

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

// exp, log and their kin for constant expressions, where std:: has none before C++26 (GCC folds
// them as an extension, Clang does not). At run time each one is the standard function. Relative
// error of the constant forms: below 4 units in the last place against 50-digit references
// (tests/availability/detail/math.cpp).
namespace perdure::availability::detail {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double ln2 = 0.69314718055994530942;
// ln2 in two parts: k * ln2_high is exact for |k| < 2^11, so that reductions by k ln2 lose nothing.
inline constexpr double ln2_high = 0x1.62e42fee00000p-1;
inline constexpr double ln2_low = 0x1.a39ef35793c76p-33;

/// 2^k for any k; 0 or infinity beyond the range of double.
constexpr double power_of_two(int k)
{
    double factor = 1;
    for (; k > 1023; k -= 1023) {
        factor *= 0x1p1023;
    }
    for (; k < -1022; k += 1022) {
        factor *= 0x1p-1022;
        if (factor == 0) {
            return 0;
        }
    }
    return factor * std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

constexpr double expm1_constant(double x)
{
    if (!(x < 709.8)) {
        return x; // infinity or NaN; above 709.78 the result overflows
    }
    if (x < -45) {
        return -1;
    }
    int const k = static_cast<int>(x / ln2 + (x < 0 ? -0.5 : 0.5));
    double const r = (x - k * ln2_high) - k * ln2_low;
    double sum = 0;
    for (int i = 18; i >= 1; --i) { // |r| <= 0.35: the 19th term is below 1e-25
        sum = r / i * (1 + sum);
    }
    double const scale = power_of_two(k);
    return k == 0 ? sum : scale * sum + (scale - 1);
}

constexpr double exp_constant(double x)
{
    if (x != x) {
        return x;
    }
    if (x > 709.8) {
        return infinity;
    }
    if (x < -746) {
        return 0;
    }
    int const k = static_cast<int>(x / ln2 + (x < 0 ? -0.5 : 0.5));
    double const r = (x - k * ln2_high) - k * ln2_low;
    // In two steps, so that results in the subnormal range round once.
    return power_of_two(k / 2) * (1 + expm1_constant(r)) * power_of_two(k - k / 2);
}

constexpr double log_constant(double x)
{
    if (x != x || x == infinity) {
        return x;
    }
    if (x < 0) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    if (x == 0) {
        return -infinity;
    }
    int k = 0;
    if (x < std::numeric_limits<double>::min()) {
        x *= 0x1p54;
        k = -54;
    }
    auto const bits = std::bit_cast<std::uint64_t>(x);
    k += static_cast<int>(bits >> 52) - 1023;
    double m = std::bit_cast<double>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
    if (m > 1.41421356237309504880) {
        m /= 2;
        ++k;
    }
    // ln m = 2 artanh s with |s| <= 0.1716. The leading m - 1 is exact and carries the result
    // near 1.
    double const f = m - 1;
    double const s = f / (m + 1);
    double const s2 = s * s;
    double tail = 0;
    for (int i = 27; i >= 3; i -= 2) {
        tail = s2 * (1.0 / i + tail);
    }
    // 2s = f - s f, hence ln m = f - s (f - 2 tail).
    return k * ln2_high + (f - (s * (f - 2 * tail) - k * ln2_low));
}

constexpr double log1p_constant(double x)
{
    if (x != x || x == infinity) {
        return x;
    }
    if (x < 0.41 && x > -0.29) {
        double const s = x / (2 + x);
        double const s2 = s * s;
        double tail = 0;
        for (int i = 27; i >= 3; i -= 2) {
            tail = s2 * (1.0 / i + tail);
        }
        return x - s * (x - 2 * tail);
    }
    double const u = 1 + x;
    return u <= 0 ? log_constant(u) : log_constant(u) + (x - (u - 1)) / u;
}

constexpr double expm1(double x)
{
    if (std::is_constant_evaluated()) {
        return expm1_constant(x);
    }
    return std::expm1(x);
}

constexpr double exp(double x)
{
    if (std::is_constant_evaluated()) {
        return exp_constant(x);
    }
    return std::exp(x);
}

constexpr double log(double x)
{
    if (std::is_constant_evaluated()) {
        return log_constant(x);
    }
    return std::log(x);
}

constexpr double log1p(double x)
{
    if (std::is_constant_evaluated()) {
        return log1p_constant(x);
    }
    return std::log1p(x);
}

constexpr double log10(double x)
{
    if (std::is_constant_evaluated()) {
        return log_constant(x) / 2.30258509299404568402;
    }
    return std::log10(x);
}

} // namespace perdure::availability::detail

#endif
