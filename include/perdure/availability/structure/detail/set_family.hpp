// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_SET_FAMILY_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_SET_FAMILY_HPP

#include <perdure/availability/structure/detail/computed_table.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

/** Families of sets as zero-suppressed decision diagrams, in one arena.
 *
 *  Node 0 is the family without a set, node 1 the family of the empty set; any other is (sets of `high`, each with `level`
 *  added) and (sets of `low`). Families in here are antichains: none of their sets contains another one. So a family with the
 *  empty set is node 1.
 *
 *  @par Source     Minato, "Zero-suppressed BDDs for set manipulation in combinatorial problems", DAC 1993.
 */
class set_families {
public:
    using family = std::uint32_t;
    static constexpr family none = 0;
    static constexpr family empty_set = 1;

    struct node {
        std::uint32_t level;
        family high;
        family low;
        std::uint32_t next;
    };

    explicit set_families(std::size_t nodes_max) : nodes_max_(nodes_max)
    {
        nodes_.resize(2, {0xffffffff, 0, 0, 0});
        buckets_.assign(1U << 10, 0);
    }

    [[nodiscard]] std::vector<node> const& nodes() const { return nodes_; }

    family make(std::uint32_t level, family high, family low)
    {
        if (high == none) {
            return low;
        }
        auto const bucket = mix(level, high, low) & (buckets_.size() - 1);
        for (auto i = buckets_[bucket]; i != 0; i = nodes_[i].next) {
            auto const& n = nodes_[i];
            if (n.level == level && n.high == high && n.low == low) {
                return i;
            }
        }
        if (nodes_.size() >= nodes_max_) {
            throw std::length_error("the cut sets need more than " + std::to_string(nodes_max_) +
                                    " nodes (nodes_max); limit their order");
        }
        auto const index = static_cast<family>(nodes_.size());
        nodes_.push_back({level, high, low, buckets_[bucket]});
        buckets_[bucket] = index;
        if (nodes_.size() > buckets_.size()) {
            grow();
        }
        return index;
    }

    /// The sets of f that contain no set of g.
    family without(family f, family g)
    {
        if (f == none || g == empty_set || f == g) {
            return none;
        }
        if (g == none || f == empty_set) {
            return f;
        }
        // A set of g with a member above f's first level is contained in no set of f.
        while (nodes_[g].level < nodes_[f].level) {
            g = nodes_[g].low;
        }
        if (g == none || g == empty_set || f == g) {
            return g == none ? f : none;
        }
        if (auto const* known = known_.find(f, g, 0)) {
            return *known;
        }
        node const a = nodes_[f];
        node const b = nodes_[g];
        family high, low;
        if (a.level == b.level) {
            high = without(without(a.high, b.high), b.low);
            low = without(a.low, b.low);
        } else {
            high = without(a.high, g);
            low = without(a.low, g);
        }
        return known_.remember(f, g, 0, make(a.level, high, low));
    }

    /// The sets of f that are not sets of g.
    family difference(family f, family g)
    {
        if (f == none || f == g) {
            return none;
        }
        if (g == none) {
            return f;
        }
        while (g > empty_set && nodes_[g].level < nodes_[f].level) {
            g = nodes_[g].low;
        }
        if (g == none || f == g) {
            return g == none ? f : none;
        }
        if (f == empty_set) {
            return f; // g has a first member, and an antichain with others lacks the empty set
        }
        if (auto const* known = known_.find(f, g, 1)) {
            return *known;
        }
        node const a = nodes_[f];
        bool const same = g != empty_set && nodes_[g].level == a.level;
        family const high = same ? difference(a.high, nodes_[g].high) : a.high;
        family const low = difference(a.low, same ? nodes_[g].low : g);
        return known_.remember(f, g, 1, make(a.level, high, low));
    }

private:
    void grow()
    {
        buckets_.assign(buckets_.size() * 2, 0);
        for (family i = 2; i < nodes_.size(); ++i) {
            auto& n = nodes_[i];
            auto const bucket = mix(n.level, n.high, n.low) & (buckets_.size() - 1);
            n.next = buckets_[bucket];
            buckets_[bucket] = i;
        }
    }

    std::size_t nodes_max_;
    std::vector<node> nodes_;
    std::vector<std::uint32_t> buckets_;
    computed_table known_{none}; ///< third word: 0 without(), 1 difference()
};

} // namespace perdure::availability::detail

#endif
