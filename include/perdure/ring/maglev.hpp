// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_MAGLEV_HPP
#define PERDURE_RING_MAGLEV_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/fwd.hpp>
#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/maglev_fill.hpp>
#include <perdure/ring/detail/multiply.hpp>
#include <perdure/ring/detail/node_registry.hpp>
#include <perdure/ring/detail/rehash_cursor.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/// The size of the table.
struct maglev_options {
    /// Entries of the table: a prime, at least the number of nodes; a hundred times as many keep
    /// shares within 1 %. Up to 2^24.
    std::uint32_t table_size = 65537;
};

/** Maglev hashing: one read of a small table, nearly perfect balance, a little more movement.
 *
 *  @par Algorithm   D. Eisenbud et al., Maglev: A Fast and Reliable Software Network Load Balancer,
 *                   NSDI 2016, 3.4: in turns, each node takes the next free entry of a permutation
 *                   of its own. Departures: weights (a node of half the weight takes every second
 *                   turn, as in Envoy); a hash is mapped to an entry by multiplication, not by a
 *                   division. The permutation of a node is offset + i * skip modulo table_size with
 *                   offset = H(0, H(node, seed)) mod table_size and
 *                   skip = H(1, H(node, seed)) mod (table_size - 1) + 1.
 *                   The mapping depends on nodes and weights alone.
 *  @par Movement    When one of n nodes leaves, some keys of others move too: 0.2 to 0.6 % of all
 *                   keys, at 1000 nodes six times the unavoidable.
 *  @par Complexity  Lookup O(1); every change builds the table, O(table_size). 2 bytes an entry.
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 */
template <class Node, class Hash>
class basic_maglev : public detail::lookup<basic_maglev<Node, Hash>> {
    static_assert(ring_node<Node> && std::invocable<Hash const&, Node const&>,
                  "a node is copyable, ordered, and hashed by the hasher");

public:
    /// What keys are assigned to.
    using node_type = Node;
    /// What hashes keys, and nodes where they have names.
    using hasher_type = Hash;
    /// Gives a key's nodes one by one in its order of preference; cursor() makes it.
    using cursor_type = detail::rehash_cursor<basic_maglev>;

    /// Throws std::invalid_argument if table_size is no prime, or above 2^24.
    explicit basic_maglev(maglev_options options = {}, Hash hash = Hash())
        : options_(options), hash_(std::move(hash))
    {
        if (options.table_size > 1u << 24 || !detail::is_prime(options.table_size))
            detail::throw_bad_option("maglev", "table_size", std::to_string(options.table_size),
                                     "it must be a prime below 2^24");
    }
    /// A table of nodes of weight 1. Throws as add does.
    basic_maglev(std::initializer_list<Node> nodes, maglev_options options = {}, Hash hash = Hash())
        : basic_maglev(options, std::move(hash))
    {
        std::vector<weighted_node<Node>> weighted;
        for (auto const& node : nodes)
            weighted.push_back({node, 1});
        add_all(weighted);
    }

    /** Adds a node. Leaves everything as it was if it throws.
     *
     *  Throws std::invalid_argument if the weight is not a finite number above 0, if the node is
     *  here already, or if there are min(table_size, 65535) nodes.
     */
    node_index add(Node node, double weight = 1)
    {
        weighted_node<Node> const one{std::move(node), weight};
        add_all({&one, 1});
        return index_of(one.node);
    }
    /// Adds many nodes and builds the table once.
    void add_all(std::span<weighted_node<Node> const> added)
    {
        auto changed = *this;
        for (auto const& n : added) {
            detail::check_weight("maglev", n.weight);
            changed.nodes_.put("maglev", nodes_max(), n.node, hash_(n.node), {n.weight});
        }
        changed.fill();
        *this = std::move(changed);
    }
    /// False if it was not here.
    template <class Key = Node>
    bool remove(Key const& node)
    {
        auto const n = index_of(node);
        if (n == no_node)
            return false;
        auto changed = *this;
        changed.nodes_.erase(n, changed.nodes_.prepare_erase(n));
        changed.fill();
        *this = std::move(changed);
        return true;
    }
    /// False if it is not here. Throws as add does.
    template <class Key = Node>
    bool set_weight(Key const& node, double weight)
    {
        auto const n = index_of(node);
        if (n == no_node)
            return false;
        detail::check_weight("maglev", weight);
        auto changed = *this;
        changed.nodes_.extra(n).weight = weight;
        changed.fill();
        *this = std::move(changed);
        return true;
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
    /// As given to the constructor.
    maglev_options const& options() const noexcept { return options_; }
    /// The table: the index of the node of each entry.
    std::span<std::uint16_t const> entries() const noexcept { return table_; }
    /// What a lookup reads, in bytes; the nodes themselves are kept apart.
    std::size_t memory() const noexcept { return table_.capacity() * sizeof(table_[0]); }

    /// The index of the node of a hash. Precondition: there are nodes.
    node_index locate(std::uint64_t hash) const noexcept
    {
        return table_[detail::reduce(hash, table_.size())];
    }
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept { return {*this, hash}; }

private:
    struct extra {
        double weight = 1;
    };

    std::size_t nodes_max() const noexcept
    {
        return options_.table_size < 65535 ? options_.table_size : 65535;
    }

    void fill()
    {
        // The order of turns is that of the nodes themselves, so that it has no history.
        std::vector<detail::maglev_turn> turns;
        for (auto n : nodes_.in_order()) {
            auto const seed = nodes_.seed(n);
            turns.push_back({static_cast<std::uint16_t>(n), hash_key(0, seed) % options_.table_size,
                             hash_key(1, seed) % (options_.table_size - 1) + 1,
                             nodes_.extra(n).weight});
        }
        table_ = detail::maglev_fill(turns, options_.table_size);
    }

    maglev_options options_;
    Hash hash_;
    detail::node_registry<Node, extra> nodes_;
    std::vector<std::uint16_t> table_;
};

} // namespace perdure

#endif
