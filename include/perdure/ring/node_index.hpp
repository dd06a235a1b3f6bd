// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_NODE_INDEX_HPP
#define PERDURE_RING_NODE_INDEX_HPP

#include <concepts>
#include <cstdint>

namespace perdure {

/** Names a node within one ring or table by a small number, good for indexing your own arrays.
 *
 *  Two objects that hold the same nodes may number them differently: what two processes exchange is
 *  the node itself, never its index.
 */
using node_index = std::uint32_t;

/// No node: an empty ring, or the end of a walk.
inline constexpr node_index no_node = 0xffffffff;

/// A key that is hashed already; every lookup accepts it in the place of the key.
struct key_hash {
    std::uint64_t value{}; ///< as the hasher gave it
    friend constexpr bool operator==(key_hash, key_hash) = default;
};

/// A node of a ring: what identifies it, the same in every process (a name rather than an address).
template <class T>
concept ring_node = std::copyable<T> && std::totally_ordered<T>;

/// A node's name and weight.
template <class Node>
struct weighted_node {
    Node node{}; ///< what it is called
    double weight = 1; ///< its share of the keys is in proportion
};

/// One point of a ring's circle, and the node it belongs to.
struct ring_point {
    std::uint64_t hash{}; ///< where on the circle of 2^64
    node_index node{}; ///< whose it is
    friend constexpr bool operator==(ring_point const&, ring_point const&) = default;
};

} // namespace perdure

#endif
