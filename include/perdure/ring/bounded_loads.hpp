// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_BOUNDED_LOADS_HPP
#define PERDURE_RING_BOUNDED_LOADS_HPP

#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/rounded_up.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace perdure {

/// How much more than its share a node may get.
struct bounded_loads_options {
    /// No node takes more than this times its fair share, rounded up. Above 1; 1.25 is usual.
    double factor = 1.25;
};

/** Counts what each node is doing, and sends a key past nodes that have more than their share.
 *
 *  acquire gives the first node in the key's own order whose load is below
 *  ceil(factor * (total + 1) * its weight / all weights); release says that the work is done. There
 *  is always such a node. With virtual nodes hardly any key is displaced: of a million keys on a
 *  hundred nodes 0.02 % at factor 1.25.
 *
 *  @par Algorithm   V. Mirrokni, M. Thorup, M. Zadimoghaddam, Consistent Hashing with Bounded Loads,
 *                   SODA 2018 (arXiv:1608.01350), extended by weights.
 *  @par Complexity  One lookup if the first node has room; no allocation, wherever the key goes.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe; the loads are one process's
 *                   own view.
 *
 *  Refers to the hash, which outlives it. After nodes have come or gone, call refresh.
 */
template <consistent_hash H>
class bounded_loads {
public:
    /// Throws std::invalid_argument if the factor is not a finite number above 1.
    explicit bounded_loads(H const& h, bounded_loads_options options = {})
        : h_(&h), factor_(options.factor)
    {
        if (!(factor_ > 1 && factor_ <= 1e6))
            detail::throw_bad_option("bounded_loads", "factor", std::to_string(factor_),
                                     "it must be above 1 and at most 10^6");
        refresh();
    }

    /// The node for a piece of work, whose load grows by one; no_node if there are no nodes.
    template <class Key>
    node_index acquire(Key const& key) noexcept
    {
        if (h_->empty())
            return no_node;
        key_hash const hash{h_->hash_of(key)};
        auto n = h_->locate(hash.value);
        ++total_;
        auto& first = nodes_[n];
        // Where an earlier look found more room than is used yet, and the total is no less, there is
        // room still.
        if (first.load >= first.room || total_ < first.since) [[unlikely]]
            n = look_closer(n, hash);
        ++nodes_[n].load;
        return n;
    }

    /// A piece of work of this node is done. Precondition: it has one.
    void release(node_index n) noexcept
    {
        assert(nodes_[n].load > 0);
        --nodes_[n].load;
        --total_;
    }

    /// How many pieces of work the node has. Precondition: `n` is a node of the ring.
    std::uint64_t load(node_index n) const noexcept { return nodes_[n].load; }
    /// How many pieces of work there are on all nodes.
    std::uint64_t total() const noexcept { return total_; }
    /// How many keys have not gone to their first node since the beginning.
    std::uint64_t spilled() const noexcept { return spilled_; }
    /// The most that the node may have when one more piece of work comes.
    std::uint64_t capacity(node_index n) const noexcept
    {
        return static_cast<std::uint64_t>(
            detail::rounded_up(static_cast<double>(total_ + 1) * nodes_[n].share));
    }

    /// Looks at the hash's nodes and weights again. The work of a node that is gone is forgotten, as
    /// that of a node which left and whose index another one has taken: release it before.
    void refresh()
    {
        std::vector<entry> nodes;
        double weights = 0;
        // Any key's order of preference lists every node once.
        auto const all = h_->ranked(key_hash{0});
        for (auto i = all.begin(); i != all.end(); ++i) {
            if (i.index() >= nodes.size())
                nodes.resize(i.index() + 1);
            nodes[i.index()].share = weight_of(i.index());
            weights += weight_of(i.index());
        }
        total_ = 0;
        for (std::size_t n = 0; n != nodes.size(); ++n) {
            if (nodes[n].share == 0)
                continue;
            nodes[n].share *= factor_ / weights;
            nodes[n].load = n < nodes_.size() ? nodes_[n].load : 0;
            total_ += nodes[n].load;
        }
        nodes_ = std::move(nodes);
    }

private:
    struct entry {
        std::uint64_t load = 0;
        double share = 0; // factor * weight / all weights
        std::uint64_t room = 0, since = 0; // load may reach so much while the total is at least that
    };

    /// acquire, from the first node on; notes what it finds about it.
    [[gnu::noinline]] node_index look_closer(node_index n, key_hash hash) noexcept
    {
        auto const budget = static_cast<double>(total_);
        if (!has_room(n, budget)) {
            ++spilled_;
            return displaced(hash, budget);
        }
        // For a total somewhat smaller, so that work which ends does not make this useless at once.
        auto& e = nodes_[n];
        e.since = total_ - total_ / 16;
        e.room = static_cast<std::uint64_t>(static_cast<double>(e.since) * e.share);
        return n;
    }

    double weight_of(node_index n) const
    {
        if constexpr (requires { h_->weight(n); })
            return h_->weight(n);
        else
            return 1;
    }
    // load + 1 <= ceil(budget * share), without the rounding; the new piece of work is in the budget.
    bool has_room(node_index n, double budget) const noexcept
    {
        return static_cast<double>(nodes_[n].load) < budget * nodes_[n].share;
    }
    node_index displaced(key_hash hash, double budget) const noexcept
    {
        auto cursor = h_->cursor(hash.value);
        auto const first = cursor.next();
        for (auto n = cursor.next(); n != no_node; n = cursor.next())
            if (has_room(n, budget))
                return n;
        return first; // rounding alone could lead here
    }

    H const* h_;
    double factor_;
    std::vector<entry> nodes_;
    std::uint64_t total_ = 0;
    std::uint64_t spilled_ = 0;
};

} // namespace perdure

#endif
