// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_DETAIL_PLAN_BUILDER_HPP
#define PERDURE_PLACEMENT_DETAIL_PLAN_BUILDER_HPP

#include <perdure/placement/movement_plan.hpp>
#include <perdure/placement/placement_map.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace perdure::detail {

/** Makes a plan slot by slot from who has a copy and who is to have one.
 *
 *  Nodes are positions in plan.nodes; those of the map keep their indexes there, and others (which
 *  only have copies) come behind or in gaps.
 */
class plan_builder {
public:
    /// What may be done with what a node has.
    enum class copies_are : std::uint8_t { gone, draining, live };

    plan_builder(placement_map const& map, std::span<std::uint64_t const> sizes)
        : map_(map), sizes_(sizes)
    {
        if (!sizes.empty() && sizes.size() != map.slots())
            throw_bad_value("movement_plan", "the number of sizes", std::to_string(sizes.size()),
                            "there must be one for each slot, or none");
        plan_.epoch_before = plan_.epoch_after = map.epoch();
        plan_.slots = map.slots();
        plan_.nodes.resize(map.index_bound());
        places_.resize(map.index_bound());
        for (auto i : map.indexes()) {
            auto& n = plan_.nodes[i];
            n.name = map.node(i).name;
            n.zone = map.node(i).zone;
            n.is_here = true;
            n.after = map.copies_on(i);
            plan_.copies_wanted += n.after;
            places_[i] = {map.zone_of(i), map.rack_of(i), map.host_of(i)};
        }
    }

    movement_plan& plan() noexcept { return plan_; }

    /// A node that is not in the map, at a position that is free.
    void add_stranger(std::size_t position, cluster_node const& node)
    {
        if (position >= plan_.nodes.size()) {
            plan_.nodes.resize(position + 1);
            places_.resize(position + 1);
        }
        plan_.nodes[position].name = node.name;
        plan_.nodes[position].zone = node.zone;
        places_[position] = {no_place, no_place, no_place};
    }

    /// What the copies on each node are worth; the nodes' `before` are final. `placed`: whoever has a
    /// copy of a slot keeps the map's limits, so that it need not be looked at.
    void begin(std::vector<copies_are> worth, bool placed)
    {
        worth_ = std::move(worth);
        placed_ = placed;
        for (auto const& n : plan_.nodes)
            plan_.minimum += n.after > n.before ? n.after - n.before : 0;
        plan_.moves.reserve(static_cast<std::size_t>(plan_.minimum));
    }

    /// The nodes that have a copy of a slot, and those that are to have one.
    void slot(std::uint32_t slot, std::span<node_index const> have,
              std::span<node_index const> want)
    {
        // Without branches where they cannot be predicted: which owner is new differs by slot.
        std::uint32_t live = 0, draining = 0, kept = 0, had = 0, readable = 0;
        for (std::size_t i = 0; i != have.size(); ++i) {
            auto const worth = worth_[have[i]];
            live += worth == copies_are::live;
            draining += worth == copies_are::draining;
            readable |= static_cast<std::uint32_t>(worth != copies_are::gone) << i;
            for (std::size_t j = 0; j != want.size(); ++j) {
                auto const both = static_cast<std::uint32_t>(have[i] == want[j]);
                kept |= both << i;
                had |= both << j;
            }
        }
        auto new_ones = ~had & ((std::uint32_t{1} << want.size()) - 1);
        if (new_ones == 0)
            return;
        auto given = readable & ~kept;
        auto const bytes = sizes_.empty() ? 0 : sizes_[slot];
        auto const why = danger_of(live, draining, map_.rules().copies,
                                   !placed_ && live >= map_.rules().copies && misplaced(have));
        for (; new_ones != 0; new_ones &= new_ones - 1) {
            auto const w = want[static_cast<std::size_t>(std::countr_zero(new_ones))];
            copy_move m{slot, no_node, w, no_node, bytes, why, static_cast<std::uint8_t>(live)};
            if (given != 0) {
                m.gives_up = have[static_cast<std::size_t>(std::countr_zero(given))];
                given &= given - 1;
            }
            if (why == danger::lost) {
                plan_.lost.push_back(m);
                continue;
            }
            // Who has read least for others so far; another zone counts double.
            std::uint64_t least = ~std::uint64_t{0};
            for (auto left = readable; left != 0; left &= left - 1) {
                auto const h = have[static_cast<std::size_t>(std::countr_zero(left))];
                auto const& n = plan_.nodes[h];
                auto const c = (sizes_.empty() ? n.out + 1 : n.bytes_out + bytes)
                               << (places_[h].zone != places_[w].zone);
                m.from = c < least ? h : m.from;
                least = std::min(least, c);
            }
            auto& from = plan_.nodes[m.from];
            auto& to = plan_.nodes[w];
            ++from.out;
            from.bytes_out += bytes;
            ++to.in;
            to.bytes_in += bytes;
            plan_.bytes += bytes;
            plan_.moves.push_back(m);
        }
    }

    movement_plan finish()
    {
        auto const first = [](copy_move const& a, copy_move const& b) {
            return a.why != b.why ? a.why < b.why : a.live < b.live;
        };
        if (!std::is_sorted(plan_.moves.begin(), plan_.moves.end(), first))
            std::stable_sort(plan_.moves.begin(), plan_.moves.end(), first);
        return std::move(plan_);
    }

private:
    static constexpr std::uint32_t no_place = 0xffffffff;

    bool misplaced(std::span<node_index const> have) const
    {
        auto const& limits = map_.limits();
        for (auto a : have) {
            if (worth_[a] != copies_are::live)
                continue;
            std::uint32_t zone = 0, rack = 0, host = 0;
            for (auto b : have) {
                if (worth_[b] != copies_are::live)
                    continue;
                zone += places_[a].zone == places_[b].zone;
                rack += places_[a].rack == places_[b].rack;
                host += places_[a].host == places_[b].host;
            }
            if (zone > limits.per_zone || rack > limits.per_rack || host > limits.per_host)
                return true;
        }
        return false;
    }

    placement_map const& map_;
    std::span<std::uint64_t const> sizes_;
    movement_plan plan_;
    std::vector<place> places_;
    std::vector<copies_are> worth_;
    bool placed_ = false;
};

} // namespace perdure::detail

#endif
