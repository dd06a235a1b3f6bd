// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_CLUSTER_NODE_HPP
#define PERDURE_PLACEMENT_CLUSTER_NODE_HPP

#include <cstdint>
#include <string>

namespace perdure {

/// What a placement makes of a node.
enum class node_state : std::uint8_t {
    up,       ///< owns what the rules give it
    joining,  ///< likewise, but its copies have not arrived: nothing is read from it
    draining, ///< is to own nothing, but what it has is still read
    down      ///< is to own nothing, and what it had counts as gone
};

/// The enumerator's name.
inline char const* to_string(node_state state) noexcept
{
    switch (state) {
    case node_state::up:
        return "up";
    case node_state::joining:
        return "joining";
    case node_state::draining:
        return "draining";
    case node_state::down:
        return "down";
    }
    return "?";
}

/// Whether the rules may give copies to a node in this state.
constexpr bool may_own(node_state state) noexcept
{
    return state == node_state::up || state == node_state::joining;
}

/// Whether the copies on a node in this state can be read.
constexpr bool may_be_read(node_state state) noexcept
{
    return state == node_state::up || state == node_state::draining;
}

/** A node of a cluster: what it is called, where it stands, how much it takes.
 *
 *  Places form a tree: a zone holds racks, a rack holds hosts, a host holds nodes. Racks of equal
 *  names in two zones are two racks. An empty zone or rack is a place like any other, so that nodes
 *  of which nothing is known count as standing together; an empty host means that the node is its
 *  own host.
 */
struct cluster_node {
    std::string name{}; ///< stays the same when the node gets another address; not empty
    /// What fails together at the largest: a data centre, a region. Up to 255 bytes.
    std::string zone{};
    std::string rack{}; ///< within the zone. Up to 255 bytes.
    std::string host{}; ///< within the rack. Up to 255 bytes; empty: the node is its own host.
    double weight = 1; ///< its share of the copies is in proportion; finite and above 0
    node_state state = node_state::up; ///< whether it owns and is read

    friend bool operator==(cluster_node const&, cluster_node const&) = default;
};

} // namespace perdure

#endif
