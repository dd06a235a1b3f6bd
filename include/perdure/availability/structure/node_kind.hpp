// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_NODE_KIND_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_NODE_KIND_HPP

#include <cstdint>

namespace perdure::availability {

/// What a node of a fault tree or of an expression is.
enum class node_kind : std::uint8_t {
    constant, ///< threshold 1: always, 0: never
    event,
    all_of,   ///< and
    any_of,   ///< or
    at_least, ///< threshold or more of the inputs
    odd,      ///< an odd number of the inputs; exclusive or of two
    negation, ///< not
};

} // namespace perdure::availability

#endif
