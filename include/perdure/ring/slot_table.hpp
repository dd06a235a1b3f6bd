// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_SLOT_TABLE_HPP
#define PERDURE_RING_SLOT_TABLE_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/fwd.hpp>
#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/node_registry.hpp>
#include <perdure/ring/detail/rehash_cursor.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/// How many slots there are.
struct slot_table_options {
    /// How many slots the keys are divided among: a power of two from 2 to 2^24, best a hundred
    /// times the number of nodes that there will ever be. It cannot change without moving the keys.
    std::uint32_t slots = 16384;
};

/// A slot passes from one node to another; no_node where there was or will be none.
struct slot_move {
    std::uint32_t slot{}; ///< its number
    node_index from{}; ///< who has it before
    node_index to{}; ///< who has it after
    friend bool operator==(slot_move const&, slot_move const&) = default;
};

/** Which node owns each of 2^k slots: the fastest lookup, ideal balance and ideal movement.
 *
 *  A table like this is state: which slots a node has depends on what happened before. So it has an
 *  epoch, and processes that share it must exchange it (assignment(), and the constructor from one)
 *  rather than compute it. In exchange every node always has its share rounded up or down, and a
 *  change moves no more slots than it must: Dynamo's equal partitions (G. DeCandia et al., SOSP
 *  2007, 6.2, strategy 3); Redis Cluster.
 *
 *  A key's further copies are the same for all keys of a slot.
 *
 *  @par Complexity  Lookup O(1); a change O(slots + nodes log nodes). 2 bytes a slot.
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 */
template <class Node, class Hash>
class basic_slot_table : public detail::lookup<basic_slot_table<Node, Hash>> {
    static_assert(ring_node<Node> && std::invocable<Hash const&, Node const&>,
                  "a node is copyable, ordered, and hashed by the hasher");

public:
    /// What keys are assigned to.
    using node_type = Node;
    /// What hashes keys, and nodes where they have names.
    using hasher_type = Hash;
    /// Gives a key's nodes one by one in its order of preference; cursor() makes it.
    using cursor_type = detail::rehash_cursor<basic_slot_table>;

    /// All there is to know, for a process that joins.
    struct assignment_type {
        std::uint64_t epoch = 0; ///< of the table that it is from
        std::vector<weighted_node<Node>> nodes; ///< in an order that depends on the nodes alone
        /// Of each slot, as a position in `nodes`.
        std::vector<std::uint16_t> owners; // slot -> position in nodes
        friend bool operator==(assignment_type const& a, assignment_type const& b)
        {
            if (a.epoch != b.epoch || a.owners != b.owners || a.nodes.size() != b.nodes.size())
                return false;
            for (std::size_t i = 0; i != a.nodes.size(); ++i)
                if (a.nodes[i].node != b.nodes[i].node || a.nodes[i].weight != b.nodes[i].weight)
                    return false;
            return true;
        }
    };

    /// Throws std::invalid_argument if `slots` is no power of two from 2 to 2^24.
    explicit basic_slot_table(slot_table_options options = {}, Hash hash = Hash())
        : hash_(std::move(hash)), shift_(64 - bits_of(options.slots)), owners_(options.slots)
    {
    }
    /// Throws std::invalid_argument if the assignment is none: a number of slots that is no power of
    /// two, owners that do not exist, nodes that are there twice, weights that are none.
    explicit basic_slot_table(assignment_type const& a, Hash hash = Hash())
        : hash_(std::move(hash)),
          shift_(64 - bits_of(a.owners.size())),
          owners_(a.owners),
          epoch_(a.epoch)
    {
        nodes_.assign(
            "slot_table", nodes_max(), a.nodes, [&](auto const& n) { return hash_(n.node); },
            [](auto const& n) {
                detail::check_weight("slot_table", n.weight);
                return extra{n.weight};
            });
        for (auto owner : owners_)
            if (owner >= a.nodes.size() && !(a.nodes.empty() && owner == 0))
                detail::throw_bad_option("slot_table", "an owner", std::to_string(owner),
                                         "it must be the position of a node");
            else if (!a.nodes.empty())
                ++nodes_.extra(owner).slots;
    }

    /** Adds a node; what moves. Each change leaves everything as it was if it throws.
     *
     *  Throws std::invalid_argument if the weight is not a finite number above 0, if the node is
     *  here already, or if there are min(slots, 65535) nodes.
     */
    std::vector<slot_move> add(Node node, double weight = 1)
    {
        detail::check_weight("slot_table", weight);
        auto changed = *this;
        auto const seed = hash_(node);
        changed.nodes_.put("slot_table", nodes_max(), std::move(node), seed, {weight});
        return take(std::move(changed));
    }
    /// Takes a node out; what moves. Nothing if it was not here.
    template <class Key = Node>
    std::vector<slot_move> remove(Key const& node)
    {
        auto const n = index_of(node);
        if (n == no_node)
            return {};
        auto changed = *this;
        changed.nodes_.erase(n, changed.nodes_.prepare_erase(n));
        return take(std::move(changed));
    }
    /// Gives a node another weight; what moves. Nothing if it is not here. Throws as add does.
    template <class Key = Node>
    std::vector<slot_move> set_weight(Key const& node, double weight)
    {
        auto const n = index_of(node);
        if (n == no_node)
            return {};
        detail::check_weight("slot_table", weight);
        auto changed = *this;
        changed.nodes_.extra(n).weight = weight;
        return take(std::move(changed));
    }

    std::size_t size() const noexcept { return nodes_.size(); }
    /// One more than the largest index in use.
    std::size_t bound() const noexcept { return nodes_.bound(); }
    /// Whether an index below bound() belongs to a node.
    bool present(node_index n) const noexcept { return nodes_.used(n); }
    /// Precondition: `n` is the index of a node that is in it.
    Node const& node(node_index n) const noexcept { return nodes_.node(n); }
    /// A node's weight. Precondition: `n` is the index of a node that is in it.
    double weight(node_index n) const noexcept { return nodes_.extra(n).weight; }
    /// The index of a node, or no_node. O(log size()).
    template <class Key = Node>
    node_index index_of(Key const& node) const noexcept
    {
        return nodes_.find(node, hash_(node));
    }
    /// What hashes the keys.
    Hash const& hasher() const noexcept { return hash_; }

    /// Grows by one with every change.
    std::uint64_t epoch() const noexcept { return epoch_; }
    /// How many there are.
    std::size_t slots() const noexcept { return owners_.size(); }
    /// The slot of a key: the top bits of its hash.
    template <class Key>
    std::uint32_t slot_of(Key const& key) const noexcept
    {
        return static_cast<std::uint32_t>(this->hash_of(key) >> shift_);
    }
    /// A slot's node, or no_node if there are none. Precondition: slot < slots().
    node_index owner(std::uint32_t slot) const noexcept
    {
        return this->empty() ? no_node : owners_[slot];
    }
    /// How many slots a node has.
    std::size_t slots_of(node_index n) const noexcept { return nodes_.extra(n).slots; }

    /// All of it, for another process to take over. O(slots).
    assignment_type assignment() const
    {
        assignment_type a;
        a.epoch = epoch_;
        std::vector<std::uint16_t> position(nodes_.bound());
        for (auto n : nodes_.in_order()) {
            position[n] = static_cast<std::uint16_t>(a.nodes.size());
            a.nodes.push_back({node(n), weight(n)});
        }
        a.owners.reserve(owners_.size());
        for (auto owner : owners_)
            a.owners.push_back(this->empty() ? std::uint16_t{0} : position[owner]);
        return a;
    }
    /// What a lookup reads, in bytes; the nodes themselves are kept apart.
    std::size_t memory() const noexcept { return owners_.capacity() * sizeof(owners_[0]); }

    /// The index of the node of a hash. Precondition: there are nodes.
    node_index locate(std::uint64_t hash) const noexcept { return owners_[hash >> shift_]; }
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept
    {
        return {*this, hash >> shift_ << shift_}; // the same for all keys of a slot
    }

private:
    struct extra {
        double weight = 1;
        std::size_t slots = 0;
    };

    static int bits_of(std::size_t slots)
    {
        if (slots < 2 || slots > std::size_t{1} << 24 || !std::has_single_bit(slots))
            detail::throw_bad_option("slot_table", "slots", std::to_string(slots),
                                     "it must be a power of two from 2 to 2^24");
        return std::countr_zero(slots);
    }
    std::size_t nodes_max() const noexcept
    {
        return owners_.size() < 65535 ? owners_.size() : 65535;
    }

    std::vector<slot_move> take(basic_slot_table changed)
    {
        auto moves = changed.rebalance(this->empty());
        ++changed.epoch_;
        *this = std::move(changed);
        return moves;
    }

    /// How many slots each node is to have: its exact share rounded down or up, and up first for
    /// those that have more already, so that nothing moves without need.
    std::vector<std::size_t> quotas(std::vector<node_index> const& order,
                                    std::vector<std::size_t> const& have) const
    {
        struct claim {
            node_index node;
            bool keeps;
            double rest;
        };
        double total = 0;
        for (auto n : order)
            total += weight(n);
        std::vector<std::size_t> quota(nodes_.bound());
        std::vector<claim> claims;
        std::size_t given = 0;
        for (auto n : order) {
            // The number of slots is a power of two: one rounding, in the division.
            auto const share = static_cast<double>(owners_.size()) * weight(n) / total;
            quota[n] = static_cast<std::size_t>(share);
            given += quota[n];
            // A share that is a whole number is not rounded up, whatever the node has had.
            auto const rest = share - static_cast<double>(quota[n]);
            claims.push_back({n, rest > 0 && have[n] > quota[n], rest});
        }
        // Of equal claims the smaller node's comes first: the order is total.
        std::vector<std::size_t> rank(nodes_.bound());
        for (std::size_t i = 0; i != order.size(); ++i)
            rank[order[i]] = i;
        detail::sort(claims, [&](claim const& x, claim const& y) {
            return x.keeps != y.keeps ? x.keeps
                   : x.rest != y.rest ? x.rest > y.rest
                                      : rank[x.node] < rank[y.node];
        });
        for (std::size_t i = 0; given < owners_.size(); i = (i + 1) % claims.size(), ++given)
            ++quota[claims[i].node];
        return quota;
    }

    std::vector<slot_move> rebalance(bool was_empty)
    {
        std::vector<slot_move> moves;
        if (nodes_.size() == 0) {
            for (std::uint32_t s = 0; s != owners_.size(); ++s)
                moves.push_back({s, owners_[s], no_node});
            for (auto& owner : owners_)
                owner = 0;
            return moves;
        }
        std::vector<std::size_t> have(nodes_.bound());
        auto const order = nodes_.in_order();
        for (auto n : order)
            have[n] = nodes_.extra(n).slots;
        auto const quota = quotas(order, have);
        // What each index must give: all, where no node has it any more.
        std::vector<std::size_t> gives(nodes_.bound());
        struct claimant {
            node_index node;
            std::size_t missing;
        };
        std::vector<claimant> claims;
        for (node_index n = 0; n != nodes_.bound(); ++n)
            if (!nodes_.used(n))
                gives[n] = owners_.size();
            else if (have[n] > quota[n])
                gives[n] = have[n] - quota[n];
        std::size_t count = 0;
        for (auto n : order)
            if (have[n] < quota[n]) {
                claims.push_back({n, quota[n] - have[n]});
                count += claims.back().missing;
            }
        std::vector<node_index> takers; // as often as each may take a slot, in turns
        takers.reserve(count);
        while (!claims.empty()) {
            std::size_t left = 0;
            for (auto c : claims) {
                takers.push_back(c.node);
                if (--c.missing != 0)
                    claims[left++] = c;
            }
            claims.resize(left);
        }
        moves.reserve(count);
        for (std::uint32_t s = 0; moves.size() != count; ++s) {
            auto const owner = owners_[s];
            if (!was_empty) {
                if (gives[owner] == 0) [[likely]]
                    continue;
                --gives[owner];
            }
            auto const taker = takers[moves.size()];
            moves.push_back({s, was_empty ? no_node : node_index{owner}, taker});
            owners_[s] = static_cast<std::uint16_t>(taker);
        }
        for (auto n : order)
            nodes_.extra(n).slots = quota[n];
        return moves;
    }

    Hash hash_;
    int shift_;
    detail::node_registry<Node, extra> nodes_;
    std::vector<std::uint16_t> owners_;
    std::uint64_t epoch_ = 0;
};

} // namespace perdure

#endif
