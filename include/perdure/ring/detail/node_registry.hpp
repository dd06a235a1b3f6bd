// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_NODE_REGISTRY_HPP
#define PERDURE_RING_DETAIL_NODE_REGISTRY_HPP

#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/node_store.hpp>
#include <perdure/ring/detail/sort.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace perdure::detail {

/** The nodes of a ring or table: by index, and found by identity.
 *
 *  `Extra` is what the owner keeps with each node. An index stays with its node until the node is
 *  taken out; the index freed last is given out first.
 */
template <class Node, class Extra>
class node_registry {
public:
    struct slot {
        std::uint64_t seed = 0; // the node's own hash
        Extra extra{};
        bool used = false;
    };

    std::size_t size() const noexcept { return by_identity_.size(); }
    std::size_t bound() const noexcept { return slots_.size(); }
    Node const& node(node_index n) const noexcept { return nodes_[n]; }
    bool used(node_index n) const noexcept { return slots_[n].used; }
    std::uint64_t seed(node_index n) const noexcept { return slots_[n].seed; }
    Extra const& extra(node_index n) const noexcept { return slots_[n].extra; }
    Extra& extra(node_index n) noexcept { return slots_[n].extra; }
    std::vector<slot> const& slots() const noexcept { return slots_; }

    template <class Key>
    node_index find(Key const& node, std::uint64_t seed) const noexcept
    {
        auto i = std::lower_bound(by_identity_.begin(), by_identity_.end(), identity{seed, 0});
        for (; i != by_identity_.end() && i->first == seed; ++i)
            if (nodes_[i->second] == node)
                return i->second;
        return no_node;
    }

    /// Throws std::invalid_argument, naming `type`, if the node is here or there are `nodes_max`.
    /// Strong exception guarantee; undo_put takes the node out again without throwing.
    node_index put(char const* type, std::size_t nodes_max, Node node, std::uint64_t seed,
                   Extra extra)
    {
        if (find(node, seed) != no_node)
            throw_duplicate(type, node);
        if (size() >= nodes_max)
            throw_bad_option(type, "the number of nodes", std::to_string(size() + 1),
                             "it must be at most " + std::to_string(nodes_max));
        auto const index = free_.empty() ? static_cast<node_index>(slots_.size()) : free_.back();
        make_room(slots_);
        make_room(by_identity_);
        free_.reserve(slots_.capacity());
        nodes_.put(index, std::move(node));
        if (index == slots_.size())
            slots_.push_back({});
        else
            free_.pop_back();
        slots_[index] = {seed, std::move(extra), true};
        by_identity_.insert(
            std::lower_bound(by_identity_.begin(), by_identity_.end(), identity{seed, index}),
            {seed, index});
        return index;
    }
    void undo_put(node_index n) noexcept
    {
        forget(n);
        free_.push_back(n); // has room since put
    }

    /// Taking a node out may fail only in its first half: prepare, then erase.
    node_store<Node> prepare_erase(node_index n)
    {
        free_.reserve(slots_.size());
        auto without = nodes_;
        without.erase(n);
        return without;
    }
    void erase(node_index n, node_store<Node> prepared) noexcept
    {
        forget(n);
        nodes_ = std::move(prepared);
        free_.push_back(n);
    }

    /// Fills an empty registry with nodes 0 .. n - 1. Throws as put does.
    template <class Nodes, class SeedOf, class ExtraOf>
    void assign(char const* type, std::size_t nodes_max, Nodes const& added, SeedOf seed_of,
                ExtraOf extra_of)
    {
        if (added.size() > nodes_max)
            throw_bad_option(type, "the number of nodes", std::to_string(added.size()),
                             "it must be at most " + std::to_string(nodes_max));
        std::vector<Node> nodes;
        for (auto const& n : added) {
            auto const seed = seed_of(n);
            by_identity_.push_back({seed, static_cast<node_index>(slots_.size())});
            slots_.push_back({seed, extra_of(n), true});
            nodes.push_back(n.node);
        }
        nodes_.assign(std::move(nodes));
        sort(by_identity_, [](auto const& x, auto const& y) { return x < y; });
        for (std::size_t i = 0; i < by_identity_.size(); ++i)
            for (auto j = i + 1;
                 j < by_identity_.size() && by_identity_[j].first == by_identity_[i].first; ++j)
                if (node(by_identity_[i].second) == node(by_identity_[j].second))
                    throw_duplicate(type, node(by_identity_[i].second));
    }

    /// (hash of the node, index), in the order of the hash.
    std::vector<std::pair<std::uint64_t, node_index>> const& by_identity() const noexcept
    {
        return by_identity_;
    }

    /// All indexes, in an order that depends on the nodes alone.
    std::vector<node_index> in_order() const
    {
        std::vector<node_index> all;
        all.reserve(size());
        for (auto const& [seed, index] : by_identity_)
            all.push_back(index);
        sort(all, [&](node_index a, node_index b) { return node(a) < node(b); });
        return all;
    }

    std::size_t memory() const noexcept
    {
        return nodes_.memory() + slots_.capacity() * sizeof(slots_[0]) +
               by_identity_.capacity() * sizeof(by_identity_[0]) +
               free_.capacity() * sizeof(free_[0]);
    }

private:
    using identity = std::pair<std::uint64_t, node_index>;

    [[noreturn]] static void throw_duplicate(char const* type, Node const& node)
    {
        throw_bad_option(type, "node", printable(node),
                         "it is there already, and each may be added once");
    }
    template <class Vector>
    static void make_room(Vector& v)
    {
        if (v.size() == v.capacity())
            v.reserve(v.size() + v.size() / 2 + 4);
    }
    void forget(node_index n) noexcept
    {
        auto const i =
            std::lower_bound(by_identity_.begin(), by_identity_.end(), identity{slots_[n].seed, n});
        by_identity_.erase(i);
        slots_[n] = {};
    }

    node_store<Node> nodes_;
    std::vector<slot> slots_;
    std::vector<identity> by_identity_;
    std::vector<node_index> free_;
};

} // namespace perdure::detail

#endif
