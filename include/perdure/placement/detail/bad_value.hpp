// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_DETAIL_BAD_VALUE_HPP
#define PERDURE_PLACEMENT_DETAIL_BAD_VALUE_HPP

#include <stdexcept>
#include <string>

namespace perdure::detail {

/// "perdure::<type>: <field> is <value>; <rule>"
[[noreturn]] inline void throw_bad_value(char const* type, std::string const& field,
                                         std::string const& value, char const* rule)
{
    throw std::invalid_argument(std::string("perdure::") + type + ": " + field + " is " + value +
                                "; " + rule);
}

} // namespace perdure::detail

#endif
