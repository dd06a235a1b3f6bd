// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_DETAIL_BEST_OWNERS_HPP
#define PERDURE_PLACEMENT_DETAIL_BEST_OWNERS_HPP

#include <perdure/placement/detail/place_tree.hpp>
#include <perdure/placement/placement_rules.hpp>
#include <perdure/ring/node_index.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace perdure::detail {

struct candidate {
    double time = 0; // the earlier the better
    node_index node = no_node;
    place where{};
};

/** The best owners of a slot under limits, from candidates in any order.
 *
 *  Limits on zones, racks and hosts and on the total are a laminar matroid, of which the greedy
 *  choice (always the best one that fits) is the best basis: so it does not depend on the order in
 *  which candidates come, and one more or one fewer candidate changes one owner at most. That is
 *  what makes movement minimal. (J. Edmonds, Matroids and the greedy algorithm, 1971.)
 *
 *  `less(a, b)` orders candidates: by time, ties by identity.
 */
template <class Less>
class best_owners {
public:
    best_owners(placement_limits const& limits, Less less) noexcept : limits_(limits), less_(less)
    {
    }

    /// Candidates of a later time change nothing.
    double cutoff() const noexcept { return cutoff_; }

    /// Keeps the owners found so far whatever comes, and goes on with wider limits.
    void widen(placement_limits const& limits) noexcept
    {
        limits_ = limits;
        kept_ = size_;
        update_cutoff();
    }

    void offer(candidate const& c) noexcept
    {
        if (kept_ == limits_.copies)
            return;
        for (std::size_t i = 0; i != kept_; ++i)
            if (best_[i].node == c.node)
                return;
        std::uint32_t host = 0, rack = 0, zone = 0;
        for (std::size_t i = 0; i != size_; ++i) {
            host += best_[i].where.host == c.where.host;
            rack += best_[i].where.rack == c.where.rack;
            zone += best_[i].where.zone == c.where.zone;
        }
        // The innermost place that is full decides whom it competes with.
        std::size_t worst;
        if (host >= limits_.per_host)
            worst = worst_of([&](candidate const& b) { return b.where.host == c.where.host; });
        else if (rack >= limits_.per_rack)
            worst = worst_of([&](candidate const& b) { return b.where.rack == c.where.rack; });
        else if (zone >= limits_.per_zone)
            worst = worst_of([&](candidate const& b) { return b.where.zone == c.where.zone; });
        else if (size_ == limits_.copies)
            worst = worst_of([](candidate const&) { return true; });
        else
            worst = size_++;
        if (worst == none || (best_[worst].node != no_node && !less_(c, best_[worst])))
            return;
        best_[worst] = c;
        update_cutoff();
    }

    /// Sorts, the best first; then owner(i) tells.
    std::size_t finish() noexcept
    {
        for (std::size_t i = 1; i < size_; ++i)
            for (std::size_t j = i; j != 0 && less_(best_[j], best_[j - 1]); --j) {
                auto const swapped = best_[j];
                best_[j] = best_[j - 1];
                best_[j - 1] = swapped;
            }
        return size_;
    }
    node_index owner(std::size_t i) const noexcept { return best_[i].node; }

private:
    template <class Competes>
    std::size_t worst_of(Competes competes) const noexcept
    {
        std::size_t worst = none;
        for (std::size_t i = kept_; i != size_; ++i)
            if (competes(best_[i]) && (worst == none || less_(best_[worst], best_[i])))
                worst = i;
        return worst;
    }
    void update_cutoff() noexcept
    {
        if (size_ == limits_.copies && kept_ != size_)
            cutoff_ = best_[worst_of([](candidate const&) { return true; })].time;
    }

    static constexpr std::size_t none = ~std::size_t{0};

    placement_limits limits_;
    Less less_;
    candidate best_[placement_rules::copies_max];
    std::size_t size_ = 0;
    std::size_t kept_ = 0; // of the narrower limits: they do not compete
    double cutoff_ = std::numeric_limits<double>::infinity();
};

} // namespace perdure::detail

#endif
