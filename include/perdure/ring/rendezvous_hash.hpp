// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_RENDEZVOUS_HASH_HPP
#define PERDURE_RING_RENDEZVOUS_HASH_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/fwd.hpp>
#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/fixed_log.hpp>
#include <perdure/ring/detail/node_registry.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace perdure {

namespace detail {
/// Every node's score is the hash of key and node; the largest wins.
struct equal_scores {
    using score = std::uint64_t;
    static score of(std::uint64_t drawn, double) noexcept { return drawn; }
};
/// The node with the earliest of exponentially distributed times wins: -log(u) / weight.
struct weighted_scores {
    using score = double;
    static score of(std::uint64_t drawn, double weight) noexcept
    {
        return -(static_cast<double>(negative_log2(drawn)) / weight);
    }
};
} // namespace detail

/** Rendezvous (highest random weight) hashing: asks every node for a score, the best one wins.
 *
 *  Perfect in everything but speed: a node that joins, leaves or changes its weight moves keys to or
 *  from itself only; a failed node's keys go evenly to all others; the order of preference is
 *  complete, and independent for every key; no memory besides the nodes. For up to some ten nodes.
 *
 *  @par Algorithm   D. Thaler, C. Ravishankar, IEEE/ACM ToN 6(1), 1998: score = H(hash, H(node,
 *                   seed)), ties to the smaller node. Weighted: M. Hofri's and J. Resch's
 *                   -log(u) / weight; the logarithm is of fixed point (detail/fixed_log.hpp), since
 *                   those of two C libraries may differ in the last bit.
 *  @par Complexity  O(size()) a lookup; each further node of a preference list costs the same again.
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 */
template <class Node, class Hash, bool Weighted>
class basic_rendezvous_hash : public detail::lookup<basic_rendezvous_hash<Node, Hash, Weighted>> {
    static_assert(ring_node<Node> && std::invocable<Hash const&, Node const&>,
                  "a node is copyable, ordered, and hashed by the hasher");

    using scores = std::conditional_t<Weighted, detail::weighted_scores, detail::equal_scores>;

public:
    /// What keys are assigned to.
    using node_type = Node;
    /// What hashes keys, and nodes where they have names.
    using hasher_type = Hash;

    /// Without nodes.
    explicit basic_rendezvous_hash(Hash hash = Hash()) : hash_(std::move(hash)) {}

    /// Adds a node. Throws std::invalid_argument if it is here already.
    node_index add(Node node)
        requires(!Weighted)
    {
        auto const seed = hash_(node);
        return nodes_.put("rendezvous_hash", nodes_max, std::move(node), seed, {});
    }
    /// Adds a node. Throws std::invalid_argument if it is here already, or if the weight is not a
    /// finite number above 0.
    node_index add(Node node, double weight = 1)
        requires Weighted
    {
        detail::check_weight("rendezvous_hash", weight);
        auto const seed = hash_(node);
        return nodes_.put("rendezvous_hash", nodes_max, std::move(node), seed, {weight});
    }
    /// False if it was not here.
    template <class Key = Node>
    bool remove(Key const& node)
    {
        auto const n = index_of(node);
        if (n == no_node)
            return false;
        nodes_.erase(n, nodes_.prepare_erase(n));
        return true;
    }
    /// False if it is not here. Throws std::invalid_argument as add does.
    template <class Key = Node>
    bool set_weight(Key const& node, double weight)
        requires Weighted
    {
        auto const n = index_of(node);
        if (n == no_node)
            return false;
        detail::check_weight("rendezvous_hash", weight);
        nodes_.extra(n).weight = weight;
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

    /// The index of the node of a hash. Precondition: there are nodes.
    node_index locate(std::uint64_t hash) const noexcept
    {
        if constexpr (!Weighted) {
            // best() without a branch on scores, which no processor could foresee.
            std::uint64_t score = 0;
            node_index winner = no_node;
            bool tie = false;
            for (auto const& [seed, n] : nodes_.by_identity()) {
                auto const other = hash_key(hash, seed);
                tie |= other == score;
                winner = other > score ? n : winner;
                score = other > score ? other : score;
            }
            if (!tie) [[likely]]
                return winner;
        }
        return best(hash, [](candidate const&) { return true; }).node;
    }

    /// Gives the nodes one by one in the order of a hash; each costs O(size()).
    class cursor_type {
    public:
        /// At the beginning of the order of a hash.
        cursor_type(basic_rendezvous_hash const& h, std::uint64_t hash) noexcept
            : h_(&h), hash_(hash), left_(h.size())
        {
        }
        /// The next node, or no_node after the last.
        node_index next() noexcept
        {
            if (left_ == 0)
                return no_node;
            --left_;
            // The best of those that the last one beats.
            last_ = h_->best(hash_, [&](candidate const& c) {
                return last_.node == no_node || h_->beats(last_, c);
            });
            return last_.node;
        }

    private:
        basic_rendezvous_hash const* h_;
        std::uint64_t hash_;
        std::size_t left_;
        typename basic_rendezvous_hash::candidate last_{};
    };
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept { return {*this, hash}; }

private:
    static constexpr std::size_t nodes_max = std::size_t{1} << 30;
    struct extra {
        double weight = 1;
    };
    struct candidate {
        typename scores::score score{};
        node_index node = no_node;
    };

    bool beats(candidate const& a, candidate const& b) const noexcept
    {
        return a.score != b.score ? a.score > b.score
                                  : a.node != b.node && node(a.node) < node(b.node);
    }

    template <class Admit>
    candidate best(std::uint64_t hash, Admit admit) const noexcept
    {
        candidate winner;
        for (auto const& [seed, n] : nodes_.by_identity()) {
            candidate const c{scores::of(hash_key(hash, seed), nodes_.extra(n).weight), n};
            if ((winner.node == no_node || beats(c, winner)) && admit(c))
                winner = c;
        }
        return winner;
    }

    Hash hash_;
    detail::node_registry<Node, extra> nodes_;
};

} // namespace perdure

#endif
