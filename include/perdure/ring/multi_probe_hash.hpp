// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_MULTI_PROBE_HASH_HPP
#define PERDURE_RING_MULTI_PROBE_HASH_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/fwd.hpp>
#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/rehash_cursor.hpp>
#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace perdure {

/// How many probes a key takes.
struct multi_probe_options {
    /// Probes a lookup: the largest share exceeds the mean by about 2 / probes. From 1 to 1024.
    std::uint32_t probes = 21;
};

/** Multi-probe consistent hashing: one point a node, many probes a key.
 *
 *  A ring of one point a node, so very little memory and cheap changes; each lookup probes several
 *  places and takes the one that is nearest before its point. Where the ring with its hundred points
 *  a node has room, it is many times faster.
 *
 *  @par Algorithm   B. Appleton, M. O'Reilly, Multi-Probe Consistent Hashing, arXiv:1505.00062.
 *                   Probe 0 is the key's hash h, probe i is H(i, h); ties go to the smaller node.
 *                   All nodes weigh the same.
 *  @par Complexity  O(probes) a lookup.
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 */
template <class Node, class Hash>
class basic_multi_probe_hash : public detail::lookup<basic_multi_probe_hash<Node, Hash>> {
    static_assert(ring_node<Node> && std::invocable<Hash const&, Node const&>,
                  "a node is copyable, ordered, and hashed by the hasher");

public:
    /// What keys are assigned to.
    using node_type = Node;
    /// What hashes keys, and nodes where they have names.
    using hasher_type = Hash;
    /// Gives a key's nodes one by one in its order of preference; cursor() makes it.
    using cursor_type = detail::rehash_cursor<basic_multi_probe_hash>;

    /// Throws std::invalid_argument if `probes` is not from 1 to 1024.
    explicit basic_multi_probe_hash(multi_probe_options options = {}, Hash hash = Hash())
        : options_(options), ring_({.points_per_weight = 1}, std::move(hash))
    {
        if (options.probes < 1 || options.probes > 1024)
            detail::throw_bad_option("multi_probe_hash", "probes", std::to_string(options.probes),
                                     "it must be from 1 to 1024");
    }

    /// Adds a node. Throws std::invalid_argument if it is here already.
    node_index add(Node node) { return ring_.add(std::move(node)); }
    /// False if it was not here.
    template <class Key = Node>
    bool remove(Key const& node)
    {
        return ring_.remove(node);
    }

    std::size_t size() const noexcept { return ring_.size(); }
    /// One more than the largest index in use.
    std::size_t bound() const noexcept { return ring_.index_bound(); }
    /// Whether an index below bound() belongs to a node.
    bool present(node_index n) const noexcept { return ring_.points_of(n) != 0; }
    /// Precondition: `n` is the index of a node that is in it.
    Node const& node(node_index n) const noexcept { return ring_.node(n); }
    /// The index of a node, or no_node. O(log size()).
    template <class Key = Node>
    node_index index_of(Key const& node) const noexcept
    {
        return ring_.index_of(node);
    }
    /// What hashes the keys.
    Hash const& hasher() const noexcept { return ring_.hasher(); }
    /// Bytes that a lookup reads.
    std::size_t memory() const noexcept { return ring_.memory(); }

    /// The index of the node of a hash. Precondition: there are nodes.
    node_index locate(std::uint64_t hash) const noexcept
    {
        auto nearest = no_node;
        std::uint64_t distance = ~std::uint64_t{0};
        for (std::uint32_t i = 0; i != options_.probes; ++i) {
            auto const probe = i == 0 ? hash : hash_key(i, hash);
            auto const n = ring_.locate(probe);
            auto const d = ring_.point(n, 0) - probe; // around the end if need be
            if (d < distance || nearest == no_node ||
                (d == distance && n != nearest && node(n) < node(nearest))) {
                nearest = n;
                distance = d;
            }
        }
        return nearest;
    }
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept { return {*this, hash}; }

private:
    multi_probe_options options_;
    basic_hash_ring<Node, Hash> ring_;
};

} // namespace perdure

#endif
