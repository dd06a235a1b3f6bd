// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_DECISION_DIAGRAM_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_DECISION_DIAGRAM_HPP

#include <perdure/availability/structure/detail/computed_table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

/** Reduced ordered binary decision diagrams with complemented edges, in one arena.
 *
 *  An edge is 2 * node + 1 where it is complemented. Node 0 is the terminal, so edge 0 is true and edge 1 is false. High
 *  edges are never complemented, which makes the form canonical: equal functions are equal edges. Nodes are made after what
 *  they point to, so a walk in index order needs no recursion. Nothing is ever freed: a manager lives as long as one
 *  construction, and what is worth keeping is copied out.
 *
 *  Once more than `nodes_max` nodes exist, operations stop working and exceeded() says so; what they return is then
 *  meaningless. (Exceptions would cost nothing here either, but this is the normal way in which an order loses a race.)
 *
 *  @par Source     Bryant, "Graph-based algorithms for Boolean function manipulation", IEEE Trans. Computers 35(8), 1986;
 *                  Brace, Rudell, Bryant, "Efficient implementation of a BDD package", DAC 1990.
 *  @par Recursion  as deep as there are levels.
 */
class decision_diagram {
public:
    using edge = std::uint32_t;
    static constexpr edge yes = 0;
    static constexpr edge no = 1;

    struct node {
        std::uint32_t level;
        edge high;
        edge low;
        std::uint32_t next; ///< in its bucket
    };

    explicit decision_diagram(std::size_t nodes_max) : nodes_max_(nodes_max)
    {
        nodes_.push_back({terminal_level, yes, yes, 0});
        buckets_.assign(1U << 10, 0);
    }

    [[nodiscard]] bool exceeded() const { return nodes_.size() > nodes_max_; }
    [[nodiscard]] std::vector<node> const& nodes() const { return nodes_; }
    [[nodiscard]] std::uint32_t level(edge e) const { return nodes_[e >> 1].level; }

    edge variable(std::uint32_t level) { return make(level, yes, no); }

    edge both(edge f, edge g)
    {
        if (f == g || g == yes) {
            return f;
        }
        if (f == yes) {
            return g;
        }
        if (f == no || g == no || f == (g ^ 1) || exceeded()) {
            return no;
        }
        if (f > g) {
            std::swap(f, g);
        }
        if (auto const* known = known_.find(f, g, no)) {
            return *known;
        }
        auto const top = std::min(level(f), level(g));
        edge const high = both(cofactor(f, top, true), cofactor(g, top, true));
        edge const low = both(cofactor(f, top, false), cofactor(g, top, false));
        return known_.remember(f, g, no, make(top, high, low));
    }
    edge either(edge f, edge g) { return both(f ^ 1, g ^ 1) ^ 1; }

    /// f ? g : h
    edge choose(edge f, edge g, edge h)
    {
        if (f == yes || g == h) {
            return g;
        }
        if (f == no) {
            return h;
        }
        if (f & 1) {
            f ^= 1;
            std::swap(g, h);
        }
        if (g == f) {
            g = yes;
        } else if (g == (f ^ 1)) {
            g = no;
        }
        if (h == f) {
            h = no;
        } else if (h == (f ^ 1)) {
            h = yes;
        }
        if (g == yes) {
            return h == no ? f : either(f, h);
        }
        if (g == no) {
            return h == yes ? f ^ 1 : both(f ^ 1, h);
        }
        if (h == no) {
            return both(f, g);
        }
        if (h == yes) {
            return both(f, g ^ 1) ^ 1;
        }
        if (exceeded()) {
            return no;
        }
        edge const sign = g & 1;
        g ^= sign;
        h ^= sign;
        if (auto const* known = known_.find(f, g, h)) {
            return *known ^ sign;
        }
        auto const top = std::min({level(f), level(g), level(h)});
        edge const high =
            choose(cofactor(f, top, true), cofactor(g, top, true), cofactor(h, top, true));
        edge const low =
            choose(cofactor(f, top, false), cofactor(g, top, false), cofactor(h, top, false));
        return known_.remember(f, g, h, make(top, high, low)) ^ sign;
    }

    edge make(std::uint32_t level, edge high, edge low)
    {
        if (high == low) {
            return high;
        }
        edge const sign = high & 1;
        high ^= sign;
        low ^= sign;
        auto bucket = mix(level, high, low) & (buckets_.size() - 1);
        for (auto i = buckets_[bucket]; i != 0; i = nodes_[i].next) {
            auto const& n = nodes_[i];
            if (n.level == level && n.high == high && n.low == low) {
                return i << 1 | sign;
            }
        }
        auto const index = static_cast<std::uint32_t>(nodes_.size());
        nodes_.push_back({level, high, low, buckets_[bucket]});
        buckets_[bucket] = index;
        if (nodes_.size() > buckets_.size()) {
            grow();
        }
        return index << 1 | sign;
    }

private:
    static constexpr std::uint32_t terminal_level = 0xffffffff;

    [[nodiscard]] edge cofactor(edge f, std::uint32_t level, bool high) const
    {
        auto const& n = nodes_[f >> 1];
        return n.level == level ? (high ? n.high : n.low) ^ (f & 1) : f;
    }
    void grow()
    {
        buckets_.assign(buckets_.size() * 2, 0);
        for (std::uint32_t i = 1; i < nodes_.size(); ++i) {
            auto& n = nodes_[i];
            auto const bucket = mix(n.level, n.high, n.low) & (buckets_.size() - 1);
            n.next = buckets_[bucket];
            buckets_[bucket] = i;
        }
    }

    std::size_t nodes_max_;
    std::vector<node> nodes_;
    std::vector<std::uint32_t> buckets_;
    /// What choose(f, g, h) gave; h = no stands for both(f, g), which choose() never looks up itself. Constants are answered
    /// without it.
    computed_table known_{no};
};

} // namespace perdure::availability::detail

#endif
