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
 *  Nodes are positions in plan.nodes; `slot` may number anything that has owners.
 */
class plan_builder {
public:
    /// What may be done with what a node has.
    enum class copies_are : std::uint8_t { gone, draining, live };

    /// `copies` wanted of everything, and the limits that those on nodes that are up are to keep.
    plan_builder(std::uint32_t copies, placement_limits const& limits)
        : copies_(copies), limits_(limits)
    {
    }

    /// For the slots of a map, whose nodes keep their indexes.
    explicit plan_builder(placement_map const& map) : plan_builder(map.rules().copies, map.limits())
    {
        plan_.epoch_before = plan_.epoch_after = map.epoch();
        plan_.slots = map.slots();
        for (auto i : map.indexes()) {
            add_node(i, map.node(i), {map.zone_of(i), map.rack_of(i), map.host_of(i)});
            plan_.nodes[i].after = map.copies_on(i);
            plan_.copies_wanted += map.copies_on(i);
        }
    }

    movement_plan& plan() noexcept { return plan_; }

    void add_node(std::size_t position, cluster_node const& node, place const& where)
    {
        add(position, node);
        plan_.nodes[position].is_here = true;
        places_[position] = where;
    }
    /// A node that is not there any more, at a position that is free.
    void add_stranger(std::size_t position, cluster_node const& node)
    {
        add(position, node);
        places_[position] = {no_place, no_place, no_place};
    }

    /// What the copies on each node are worth; the nodes' `before` are final. `placed`: whoever has a
    /// copy of a slot keeps the map's limits, so that it need not be looked at.
    void begin(std::vector<copies_are> worth, bool placed, bool reserve = true)
    {
        worth_ = std::move(worth);
        placed_ = placed;
        for (auto const& n : plan_.nodes)
            plan_.minimum += n.after > n.before ? n.after - n.before : 0;
        plan_.moves.reserve(reserve ? static_cast<std::size_t>(plan_.minimum) : 0);
        read_from_.assign(plan_.nodes.size(), 0);
    }

    /// The nodes that have a copy of a slot, and those that are to have one. `cost` is what reading
    /// it counts when the work is shared out.
    void slot(std::uint32_t slot, std::uint64_t bytes, std::uint64_t cost,
              std::span<node_index const> have, std::span<node_index const> want)
    {
        auto const [live, draining, kept, had, readable] =
            have.size() == 3 && want.size() == 3 ? compare(std::span<node_index const, 3>(have),
                                                           std::span<node_index const, 3>(want))
                                                 : compare(have, want);
        auto new_ones = ~had & ((std::uint32_t{1} << want.size()) - 1);
        if (new_ones == 0)
            return;
        auto given = readable & ~kept;
        auto const why =
            danger_of(live, draining, copies_, !placed_ && live >= copies_ && misplaced(have));
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
                auto const c = (read_from_[h] + cost) << (places_[h].zone != places_[w].zone);
                m.from = c < least ? h : m.from;
                least = std::min(least, c);
            }
            auto& from = plan_.nodes[m.from];
            auto& to = plan_.nodes[w];
            read_from_[m.from] += cost;
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
    struct comparison {
        std::uint32_t live = 0, draining = 0;
        std::uint32_t kept = 0;     // bits: of those that have, which are to have
        std::uint32_t had = 0;      // of those that are to have, which have
        std::uint32_t readable = 0; // of those that have
    };
    /// Without branches, since they could not be predicted: which owner is new differs by slot. With
    /// spans of a fixed size it is unrolled.
    template <class Span>
    comparison compare(Span have, Span want) const noexcept
    {
        comparison c;
        for (std::size_t i = 0; i != have.size(); ++i) {
            auto const worth = worth_[have[i]];
            c.live += worth == copies_are::live;
            c.draining += worth == copies_are::draining;
            c.readable |= static_cast<std::uint32_t>(worth != copies_are::gone) << i;
            for (std::size_t j = 0; j != want.size(); ++j) {
                auto const both = static_cast<std::uint32_t>(have[i] == want[j]);
                c.kept |= both << i;
                c.had |= both << j;
            }
        }
        return c;
    }

    static constexpr std::uint32_t no_place = 0xffffffff;

    bool misplaced(std::span<node_index const> have) const
    {
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
            if (zone > limits_.per_zone || rack > limits_.per_rack || host > limits_.per_host)
                return true;
        }
        return false;
    }

    void add(std::size_t position, cluster_node const& node)
    {
        if (position >= plan_.nodes.size()) {
            plan_.nodes.resize(position + 1);
            places_.resize(position + 1);
        }
        plan_.nodes[position].name = node.name;
        plan_.nodes[position].zone = node.zone;
        plan_.nodes[position].state = node.state;
    }

    std::uint32_t copies_;
    placement_limits limits_;
    movement_plan plan_;
    std::vector<place> places_;
    std::vector<copies_are> worth_;
    std::vector<std::uint64_t> read_from_;
    bool placed_ = false;
};

/// Throws std::invalid_argument unless there is one size for each slot, or none.
inline void check_sizes(std::span<std::uint64_t const> sizes, std::uint32_t slots)
{
    if (!sizes.empty() && sizes.size() != slots)
        throw_bad_value("movement_plan", "the number of sizes", std::to_string(sizes.size()),
                        "there must be one for each slot, or none");
}

} // namespace perdure::detail

#endif
