// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_DETAIL_REQUIRE_HPP
#define PERDURE_AVAILABILITY_DETAIL_REQUIRE_HPP

#include <charconv>
#include <stdexcept>
#include <string>

namespace perdure::availability::detail {

inline std::string shortest(double value)
{
    char text[32];
    auto const end = std::to_chars(text, text + sizeof text, value).ptr;
    return {text, end};
}

/// Throws std::invalid_argument "<field> is <value>; <rule>". Reaching it in a constant expression
/// is a compile error.
[[noreturn]] inline void refuse(char const* field, double value, char const* rule)
{
    throw std::invalid_argument(std::string(field) + " is " + shortest(value) + "; " + rule);
}

/// Also false for NaN, unlike !(x < low).
constexpr bool within(double x, double low, double high)
{
    return x >= low && x <= high;
}

constexpr void require(bool good, char const* field, double value, char const* rule)
{
    if (!good) {
        refuse(field, value, rule);
    }
}

} // namespace perdure::availability::detail

#endif
