// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_HASH_RING_HPP
#define PERDURE_RING_HASH_RING_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/fwd.hpp>
#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/node_registry.hpp>
#include <perdure/ring/detail/point_table.hpp>
#include <perdure/ring/detail/walk_cursor.hpp>
#include <perdure/ring/detail/weight.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/// How finely a ring divides the keys, and whether it saves memory.
struct hash_ring_options {
    /// Points of a node of weight 1. More points balance better and cost memory: the standard
    /// deviation of a node's share is about 1/sqrt(points). From 1 to 65536.
    std::uint32_t points_per_weight = 100;
    /// A third less memory for somewhat slower lookups; the mapping is the same.
    bool compact = false;
};

/** The hash ring: every node owns the keys between its points and the points before them.
 *
 *  @par Mapping        A node has round(weight * points_per_weight) points, at least one:
 *                      point r is hash_key(r, hasher(node)). A key belongs to the first point at or
 *                      after hasher(key), around the end if need be. Where points of two nodes
 *                      coincide, the smaller node (by operator<) owns. docs/formats/hashes.md
 *                      states this as a format; it never changes.
 *                      D. Karger et al., Consistent Hashing and Random Trees, STOC 1997.
 *  @par Promises       A node that joins takes keys and nothing else moves; a node that leaves
 * gives its keys and nothing else moves; a weight that changes appends or removes the node's last
 * points, so keys move only to or from that node. The mapping depends on the present nodes and
 * weights, never on how they came about.
 *  @par Several copies The first k distinct nodes clockwise (Dynamo's preference list).
 *  @par Complexity     Lookup O(1) expected; add, remove and set_weight O(points of the node +
 *                      size()), now and then O(all points); copying about a byte a point. Memory 24
 *                      bytes a point, 16 if compact.
 *  @par Index          A node keeps its node_index while it is in the ring; later nodes reuse it.
 *  @par Thread safety  Distinct objects: safe, copies of one another included: a copy is an
 *                      immutable snapshot to hand to readers (see published.hpp). One object:
 *                      const members are safe together.
 *
 *  A moved-from ring may only be assigned to or destroyed.
 */
template <class Node, class Hash>
class basic_hash_ring : public detail::lookup<basic_hash_ring<Node, Hash>> {
    static_assert(ring_node<Node> && std::invocable<Hash const&, Node const&>,
                  "a node is copyable, ordered, and hashed by the hasher");

public:
    /// What keys are assigned to.
    using node_type = Node;
    /// What hashes keys, and nodes where they have names.
    using hasher_type = Hash;

    /// Throws std::invalid_argument if points_per_weight is not from 1 to 65536.
    explicit basic_hash_ring(hash_ring_options options = {}, Hash hash = Hash())
        : options_(options), hash_(std::move(hash)), table_(options.compact)
    {
        if (options.points_per_weight < 1 || options.points_per_weight > 65536)
            detail::throw_bad_option("hash_ring", "points_per_weight",
                                     std::to_string(options.points_per_weight),
                                     "it must be from 1 to 65536");
    }
    /// A ring of nodes of weight 1. Throws as add does.
    basic_hash_ring(std::initializer_list<Node> nodes, hash_ring_options options = {},
                    Hash hash = Hash())
        : basic_hash_ring(options, std::move(hash))
    {
        std::vector<weighted_node<Node>> weighted;
        for (auto const& node : nodes)
            weighted.push_back({node, 1});
        add_all(weighted);
    }

    // Changes. Each leaves the ring as it was if it throws.

    /** Adds a node.
     *
     *  Throws std::invalid_argument if the weight is not a finite number above 0, if the node is in
     *  the ring already, or if the ring would have more than 2^30 points.
     */
    node_index add(Node node, double weight = 1)
    {
        auto const points = points_for(weight, table_.points_count());
        auto const seed = hash_(node);
        auto const index = nodes_.put("hash_ring", detail::point_table::nodes_max, std::move(node),
                                      seed, {points, weight});
        try {
            table_.change(true, index, 0, points, nodes_.bound(), *this);
        } catch (...) {
            nodes_.undo_put(index);
            throw;
        }
        return index;
    }

    /// Adds many nodes at once, much faster than one by one. Throws as add does, and adds none then.
    void add_all(std::span<weighted_node<Node> const> added)
    {
        auto changed = this->empty() ? basic_hash_ring(options_, hash_) : *this;
        if (this->empty()) {
            std::uint64_t total = 0;
            changed.nodes_.assign(
                "hash_ring", detail::point_table::nodes_max, added,
                [&](auto const& n) { return hash_(n.node); },
                [&](auto const& n) {
                    auto const points = changed.points_for(n.weight, total);
                    total += points;
                    return extra{points, n.weight};
                });
            changed.table_.build(changed.nodes_.bound(), changed);
        } else {
            for (auto const& n : added)
                changed.add(n.node, n.weight);
        }
        *this = std::move(changed);
    }

    /// Takes a node out. False if it was not in the ring.
    template <class Key = Node>
    bool remove(Key const& node)
    {
        auto const index = index_of(node);
        if (index == no_node)
            return false;
        auto without = nodes_.prepare_erase(index);
        auto const points = std::exchange(nodes_.extra(index).points, 0);
        try {
            table_.change(false, index, 0, points, nodes_.bound(), *this);
        } catch (...) {
            nodes_.extra(index).points = points;
            throw;
        }
        nodes_.erase(index, std::move(without));
        return true;
    }

    /// Gives a node another weight. False if it is not in the ring. Throws as add does.
    template <class Key = Node>
    bool set_weight(Key const& node, double weight)
    {
        auto const index = index_of(node);
        if (index == no_node)
            return false;
        auto const before = nodes_.extra(index);
        auto const points = points_for(weight, table_.points_count() - before.points);
        nodes_.extra(index) = {points, weight};
        bool const more = points > before.points;
        try {
            table_.change(more, index, more ? before.points : points, more ? points : before.points,
                          nodes_.bound(), *this);
        } catch (...) {
            nodes_.extra(index) = before;
            throw;
        }
        return true;
    }

    // Queries; the lookups are those of consistent_hash (lookup.hpp).

    std::size_t size() const noexcept { return nodes_.size(); }
    /// How many points all nodes have together.
    std::uint64_t points_count() const noexcept { return table_.points_count(); }
    /// As given to the constructor.
    hash_ring_options const& options() const noexcept { return options_; }
    /// What hashes the keys.
    Hash const& hasher() const noexcept { return hash_; }

    /// Precondition: `index` is the index of a node that is in the ring.
    Node const& node(node_index index) const noexcept { return nodes_.node(index); }
    /// A node's weight. Precondition: `index` is that of a node that is in the ring.
    double weight(node_index index) const noexcept { return nodes_.extra(index).weight; }
    /// How many points a node has; 0 for an index below index_bound() that is free.
    std::uint32_t points_of(node_index index) const noexcept { return nodes_.extra(index).points; }
    /// The r-th point of a node, r < points_of(index).
    std::uint64_t point(node_index index, std::uint32_t r) const noexcept
    {
        return hash_key(r, nodes_.seed(index));
    }

    /// The index of a node, or no_node. O(log size()).
    template <class Key = Node>
    node_index index_of(Key const& node) const noexcept
    {
        return nodes_.find(node, hash_(node));
    }
    /// Whether a node is in the ring. O(log size()).
    template <class Key = Node>
    bool contains(Key const& node) const noexcept
    {
        return index_of(node) != no_node;
    }
    /// One more than the largest index in use: how large your own array by index must be.
    std::size_t index_bound() const noexcept { return nodes_.bound(); }

    /// The indexes of all nodes, in an order that depends on the nodes alone.
    std::vector<node_index> indexes() const { return nodes_.in_order(); }

    /// All points in the order of the circle. O(points).
    std::vector<ring_point> points() const { return table_.sorted(nodes_.bound(), *this).points; }

    /// The points of one node, in the order in which weight appends them.
    std::vector<std::uint64_t> points(node_index index) const
    {
        std::vector<std::uint64_t> own(points_of(index));
        for (std::uint32_t r = 0; r != own.size(); ++r)
            own[r] = point(index, r);
        return own;
    }

    /// One number that is equal for rings with equal nodes, points and hasher: to see whether two
    /// processes agree. (A difference of the hasher shows as long as the ring has a node.)
    std::uint64_t fingerprint() const noexcept
    {
        std::uint64_t f = hash_fields(0, "hash_ring 1", size());
        auto const& all = nodes_.by_identity();
        for (std::size_t i = 0; i != all.size();) {
            // Nodes whose hashes collide come in the order of their history: add, do not chain.
            std::uint64_t sum = 0;
            auto const seed = all[i].first;
            for (; i != all.size() && all[i].first == seed; ++i)
                sum += hash_key(points_of(all[i].second));
            f = hash_fields(f, seed, sum);
        }
        return f;
    }

    /// Bytes held, the nodes' own heap memory left out.
    std::size_t memory() const noexcept
    {
        return sizeof(*this) + table_.memory() + nodes_.memory();
    }

    // What the lookups are made of.

    /// The index of the node of a hash. Precondition: there are nodes.
    node_index locate(std::uint64_t hash) const noexcept { return table_.locate(hash, *this); }

    /// Writes the first distinct nodes of a hash to `out`, and returns how many. Precondition:
    /// neither the ring nor `out` is empty.
    std::size_t locate_distinct(std::uint64_t hash, std::span<node_index> out) const noexcept
    {
        auto const wanted = std::min(out.size(), size());
        if (wanted == 3 && table_.locate_three(hash, out.data()))
            return 3;
        auto at = table_.find(hash, *this);
        out[0] = at.node();
        for (std::size_t count = 1; count < wanted;) {
            at = table_.next(at);
            auto const node = at.node();
            std::size_t i = 0;
            while (i != count && out[i] != node)
                ++i;
            if (i == count)
                out[count++] = node;
        }
        return wanted;
    }

    /// locate of many hashes at once. Preconditions: there are nodes, out.size() >= in.size().
    void locate_batch(std::span<key_hash const> in, std::span<node_index> out) const noexcept
    {
        table_.locate_batch(in, out, *this);
    }

    /// Walks the distinct nodes in the order of a hash; about 300 bytes.
    class cursor_type : public detail::walk_cursor {
    public:
        /// At the beginning of the order of a hash.
        cursor_type(basic_hash_ring const& ring, std::uint64_t hash) noexcept
            : walk_cursor(ring.table_, ring, ring.size(), hash)
        {
        }
    };
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept { return {*this, hash}; }

    /** Walks the points from a hash clockwise, endlessly: `*w` is the node of a point, `++w` goes on.
     *
     *  For rules of your own about which nodes to take, where a node that comes again costs nothing
     *  to pass over. Precondition: the ring is not empty; it must not change while this is used.
     */
    detail::point_walk walk(std::uint64_t hash) const noexcept { return {table_, *this, hash}; }

    /// The order of nodes by themselves, whatever their indexes: decides where points coincide.
    bool identity_less(node_index a, node_index b) const noexcept { return node(a) < node(b); }

private:
    struct extra {
        std::uint32_t points = 0;
        double weight = 0;
    };

    std::uint32_t points_for(double weight, std::uint64_t others) const
    {
        detail::check_weight("hash_ring", weight);
        auto const limit = detail::point_table::points_max;
        auto const points =
            weight > double(1 << 30)
                ? limit + 1
                : std::max<std::uint64_t>(1, detail::scaled(weight, options_.points_per_weight));
        if (points > limit - others)
            detail::throw_bad_option("hash_ring", "weight", std::to_string(weight),
                                     "with points_per_weight and the other nodes' weights it must "
                                     "give at most 2^30 points");
        return static_cast<std::uint32_t>(points);
    }

    hash_ring_options options_;
    Hash hash_;
    detail::point_table table_;
    detail::node_registry<Node, extra> nodes_;
};

} // namespace perdure

#endif
