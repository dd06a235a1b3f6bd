// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DX_HASH_HPP
#define PERDURE_RING_DX_HASH_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/fwd.hpp>
#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/draws_cursor.hpp>
#include <perdure/ring/detail/level_draws.hpp>
#include <perdure/ring/detail/node_registry.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/** A hash for nodes that leave and come back in any order, at the cost of one bit a node.
 *
 *  A node sits in a slot; a key goes to the first slot in use of the key's own series of slots. So
 *  a node that leaves gives its keys, evenly, to all others, a node that joins takes keys evenly
 *  from all others, and nothing else moves. The mapping depends on which slots are in use, and on
 *  nothing else: two processes agree if they agree on node and slot (`index_of`), whatever the
 *  order in which they learned of joins and leaves.
 *
 *  @par Algorithm   DxHash (C. Dong, F. Wang, arXiv:2107.07930) over detail::level_draws.
 *                   Departure: there is no capacity to choose; the paper's doubling of the capacity
 *                   moves half of the keys, this one none. AnchorHash and MementoHash depend on the
 *                   order of removals; with slots {3,7} and {7,3} taken out of ten, 17.5 % of the
 *                   keys disagree.
 *  @par Complexity  Lookup: 2^bits / size() draws on average, where 2^bits is the power of two above
 *                   the largest slot: between 1 and 2 if none is free, twice that if half are.
 *  @par Balance     As good as random: no virtual nodes. All nodes weigh the same.
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 */
template <class Node, class Hash>
class basic_dx_hash : public detail::lookup<basic_dx_hash<Node, Hash>> {
    static_assert(ring_node<Node> && std::invocable<Hash const&, Node const&>,
                  "a node is copyable, ordered, and hashed by the hasher");

public:
    /// What keys are assigned to.
    using node_type = Node;
    /// What hashes keys, and nodes where they have names.
    using hasher_type = Hash;
    /// Gives a key's nodes one by one in its order of preference; cursor() makes it.
    using cursor_type = detail::draws_cursor<basic_dx_hash>;

    /// Without nodes.
    explicit basic_dx_hash(Hash hash = Hash()) : hash_(std::move(hash)) {}

    /// Adds a node to the slot that was freed last, or a new one: the index that is returned. Throws
    /// std::invalid_argument if the node is here already.
    node_index add(Node node)
    {
        auto const seed = hash_(node);
        used_.reserve(words_for(static_cast<int>(std::bit_width(nodes_.bound()))));
        auto const n = nodes_.put("dx_hash", std::size_t{1} << detail::level_draws::levels_max,
                                  std::move(node), seed, {});
        used_.resize(std::max<std::size_t>(used_.size(), n / 64 + 1)); // there is room
        used_[n / 64] |= std::uint64_t{1} << (n % 64);
        set_levels();
        return n;
    }

    /// False if it was not here.
    template <class Key = Node>
    bool remove(Key const& node)
    {
        auto const n = index_of(node);
        if (n == no_node)
            return false;
        nodes_.erase(n, nodes_.prepare_erase(n));
        used_[n / 64] &= ~(std::uint64_t{1} << (n % 64));
        set_levels();
        return true;
    }

    std::size_t size() const noexcept { return nodes_.size(); }
    /// One more than the largest index in use.
    std::size_t bound() const noexcept { return nodes_.bound(); }
    /// Whether an index below bound() belongs to a node.
    bool present(node_index n) const noexcept { return nodes_.used(n); }
    /// Precondition: `n` is the index of a node that is in it.
    Node const& node(node_index n) const noexcept { return nodes_.node(n); }
    /// The index of a node, or no_node. O(log size()).
    template <class Key = Node>
    node_index index_of(Key const& node) const noexcept
    {
        return nodes_.find(node, hash_(node));
    }
    /// What hashes the keys.
    Hash const& hasher() const noexcept { return hash_; }
    /// What a lookup reads, in bytes; the nodes themselves are kept apart.
    std::size_t memory() const noexcept { return used_.capacity() * sizeof(used_[0]); }

    /// The index of the node of a hash. Precondition: there are nodes.
    node_index locate(std::uint64_t hash) const noexcept
    {
        return detail::first_in_use(*this, hash);
    }
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept { return {*this, hash}; }

    /// Precondition: slot < 2^levels().
    bool in_use(std::uint32_t slot) const noexcept { return used_[slot / 64] >> (slot % 64) & 1; }
    /// How many bits the slots' numbers have: a lookup draws among 2^levels().
    int levels() const noexcept { return levels_; }
    /// Whether less than three quarters of the 2^levels() numbers are in use.
    bool sparse() const noexcept { return sparse_; }

private:
    void set_levels() noexcept
    {
        auto top = used_.size();
        while (top != 0 && used_[top - 1] == 0)
            --top;
        std::uint64_t const largest =
            top == 0 ? 0
                     : top * 64 - 1 - static_cast<std::size_t>(std::countl_zero(used_[top - 1]));
        levels_ = static_cast<int>(std::bit_width(largest));
        // A draw may name any slot below 2^levels.
        used_.resize(words_for(levels_));
        sparse_ = detail::is_sparse(size(), levels_);
    }
    static std::size_t words_for(int levels) noexcept
    {
        return ((std::size_t{1} << levels) + 63) / 64;
    }

    Hash hash_;
    detail::node_registry<Node, char> nodes_;
    std::vector<std::uint64_t> used_;
    int levels_ = 0;
    bool sparse_ = true;
};

} // namespace perdure

#endif
