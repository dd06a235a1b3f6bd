// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_BAD_OPTION_HPP
#define PERDURE_RING_DETAIL_BAD_OPTION_HPP

#include <perdure/bytes/hash.hpp>

#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>

namespace perdure::detail {

/// "perdure::<type>: <field> is <value>; <rule>"
[[noreturn]] inline void throw_bad_option(char const* type, char const* field,
                                          std::string const& value, std::string const& rule)
{
    throw std::invalid_argument(std::string("perdure::") + type + ": " + field + " is " + value +
                                "; " + rule);
}

/// Throws unless `weight` is a finite number above zero. NaN is not.
inline void check_weight(char const* type, double weight)
{
    if (!(weight > 0 && weight <= 1.7976931348623157e308))
        throw_bad_option(type, "weight", std::to_string(weight),
                         "it must be a finite number above 0");
}

/// A node's name for a message, if it has one that can be printed.
template <class Node>
std::string printable(Node const& node)
{
    if constexpr (text_like<Node>)
        return "'" + std::string(std::string_view(node)) + "'";
    else if constexpr (std::integral<Node>)
        return std::to_string(node);
    else
        return "a node";
}

} // namespace perdure::detail

#endif
