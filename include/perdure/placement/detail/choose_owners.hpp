// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_DETAIL_CHOOSE_OWNERS_HPP
#define PERDURE_PLACEMENT_DETAIL_CHOOSE_OWNERS_HPP

// Which nodes own a slot, as docs/formats/placement.md has it.

#include <perdure/bytes/hash.hpp>
#include <perdure/placement/detail/best_owners.hpp>
#include <perdure/placement/detail/copyset_table.hpp>
#include <perdure/placement/detail/draw.hpp>
#include <perdure/placement/detail/place_tree.hpp>
#include <perdure/placement/placement_rules.hpp>

#include <cstdint>
#include <vector>

namespace perdure::detail {

/// When a node of this weight would take a slot, from the number that it drew for it.
inline double draw_time(std::uint64_t drawn, double weight) noexcept
{
    return static_cast<double>(draw(drawn)) / weight;
}

/// Whether a number drawn is too small for a time before `cutoff`, without its logarithm; `quick` is
/// draw_bound / weight.
inline bool hopeless(std::uint64_t drawn, double quick, double cutoff) noexcept
{
    auto const missing = ~drawn;
    return static_cast<double>(static_cast<std::int64_t>(missing >> 1)) * 2 * quick > cutoff &&
           missing > draw_bound_from;
}

template <class Less>
void offer_to_slot(best_owners<Less>& best, std::uint32_t slot, contender const& c) noexcept
{
    auto const drawn = hash_key(std::uint64_t{slot}, c.seed);
    if (!hopeless(drawn, c.quick, best.cutoff()))
        best.offer({draw_time(drawn, c.weight), c.node, c.where});
}

/// Offers all nodes to a slot: within the limits that the rules ask for as far as they go, then step
/// by step up to those that can be kept.
template <class Less>
void choose_owners(best_owners<Less>& best, std::uint32_t slot,
                   std::vector<contender> const& contenders, placement_limits wanted,
                   placement_limits const& kept) noexcept
{
    do {
        best.widen(wanted);
        for (auto const& c : contenders)
            offer_to_slot(best, slot, c);
    } while (widen(wanted, kept));
}

/// Offers the members of one copyset: the one with the largest hash. They take their turns as
/// primary.
template <class Less>
void choose_set(best_owners<Less>& best, std::uint32_t slot,
                std::vector<contender> const& contenders,
                std::vector<copyset_table::set> const& sets) noexcept
{
    std::uint64_t largest = 0;
    auto const* chosen = &sets.front();
    for (auto const& s : sets) {
        auto const drawn = hash_key(std::uint64_t{slot}, s.seed);
        if (drawn > largest) {
            largest = drawn;
            chosen = &s;
        }
    }
    for (auto m : chosen->members)
        offer_to_slot(best, slot, contenders[m]);
}

} // namespace perdure::detail

#endif
