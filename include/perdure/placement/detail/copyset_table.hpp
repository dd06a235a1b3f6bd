// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_DETAIL_COPYSET_TABLE_HPP
#define PERDURE_PLACEMENT_DETAIL_COPYSET_TABLE_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/placement/detail/place_tree.hpp>
#include <perdure/placement/placement_rules.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace perdure::detail {

/// A node that may own, as the choice sees it.
struct contender {
    std::uint64_t seed = 0; // the hash of its name
    double weight = 1;
    double quick = 0; // draw_bound / weight
    std::uint32_t node = 0;
    place where{};
};

/** Sets of `limits.copies` nodes within the limits, so few that every node is in `roles` of them.
 *
 *  That many roles let a node share data with roles * (copies - 1) others, and nodes * roles /
 *  copies sets are the fewest that do (A. Cidon et al., Copysets, USENIX ATC 2013). Theirs are cut
 *  from permutations of all nodes, which change everywhere when one node joins. Here every set
 *  belongs to a node, its anchor, and takes the nodes that the anchor's own hash ranks first, as
 *  long as they have a role left; so sets change where the new node ranks high, and where the roles
 *  that it takes make room. A function of nodes and rules alone: sets are made in the order of their
 *  hashes. Roles are dealt out to the last one, so that load is even; the price is that a role taken
 *  leaves a gap that later sets move up to fill, some five of them for each role.
 */
class copyset_table {
public:
    struct set {
        std::uint64_t seed = 0;
        std::vector<std::uint32_t> members; // positions in `nodes`
    };

    /// `nodes` in the order of their names; limits.copies of them at least, and those at least 2.
    copyset_table(std::span<contender const> nodes, placement_limits const& limits,
                  std::uint32_t scatter_width)
    {
        std::uint64_t const copies = limits.copies;
        std::uint64_t const roles = std::max<std::uint64_t>(1, scatter_width / (copies - 1));
        std::uint64_t const count = (nodes.size() * roles + copies - 1) / copies;

        // Every node is the anchor of as many sets, those with the smallest hashes of one more.
        std::vector<std::pair<std::uint64_t, std::uint32_t>> by_hash;
        for (std::uint32_t i = 0; i != nodes.size(); ++i)
            by_hash.push_back({hash_key(std::uint64_t{0}, nodes[i].seed), i});
        std::sort(by_hash.begin(), by_hash.end());
        std::vector<std::uint32_t> used(nodes.size());
        for (std::uint64_t i = 0; i != count; ++i) {
            auto const anchor = by_hash[static_cast<std::size_t>(i % nodes.size())].second;
            sets_.push_back({hash_key(1 + i / nodes.size(), nodes[anchor].seed), {anchor}});
            ++used[anchor];
        }
        std::sort(sets_.begin(), sets_.end(),
                  [](set const& a, set const& b) { return a.seed < b.seed; });

        double total_weight = 0;
        for (auto const& n : nodes)
            total_weight += n.weight;
        std::vector<std::uint32_t> may(nodes.size());
        for (std::size_t i = 0; i != nodes.size(); ++i)
            // A share that is a whole number but for rounding is not rounded up.
            may[i] = static_cast<std::uint32_t>(
                std::min(std::ceil(static_cast<double>(nodes.size() * roles) * nodes[i].weight /
                                   total_weight * (1 - 1e-12)),
                         1e9));

        // Roles left in each zone, and how many of them the sets to come can take. A zone where they
        // are equal must not be passed over, or its last nodes would be left without a role.
        std::size_t zones = 0;
        for (auto const& n : nodes)
            zones = std::max<std::size_t>(zones, n.where.zone + 1);
        std::vector<std::uint64_t> left(zones), takes(zones, sets_.size() * limits.per_zone);
        for (std::size_t i = 0; i != nodes.size(); ++i)
            left[nodes[i].where.zone] += may[i] > used[i] ? may[i] - used[i] : 0;
        for (auto const& s : sets_)
            --takes[nodes[s.members[0]].where.zone];

        struct choice {
            bool full;
            bool may_wait;
            double load; // counts only among the full ones
            std::uint64_t hash;
            std::uint32_t i;
        };
        std::vector<choice> choices;
        for (auto& s : sets_) {
            choices.clear();
            for (std::uint32_t i = 0; i != nodes.size(); ++i) {
                bool const full = used[i] >= may[i];
                auto const zone = nodes[i].where.zone;
                choices.push_back({full, left[zone] < takes[zone],
                                   full ? used[i] / nodes[i].weight : 0,
                                   hash_key(s.seed, nodes[i].seed), i});
            }
            auto const later = [](choice const& a, choice const& b) {
                return a.full != b.full           ? a.full
                       : a.may_wait != b.may_wait ? a.may_wait
                       : a.load != b.load         ? a.load > b.load
                       : a.hash != b.hash         ? a.hash > b.hash
                                                  : a.i > b.i;
            };
            std::make_heap(choices.begin(), choices.end(), later);
            while (s.members.size() != copies && !choices.empty()) {
                std::pop_heap(choices.begin(), choices.end(), later);
                auto const i = choices.back().i;
                choices.pop_back();
                if (!fits(nodes, s.members, i, limits))
                    continue;
                s.members.push_back(i);
                left[nodes[i].where.zone] -= used[i] < may[i];
                ++used[i];
            }
            for (std::size_t z = 0; z != zones; ++z)
                takes[z] -= limits.per_zone - (nodes[s.members[0]].where.zone == z);
        }
    }

    std::vector<set> const& sets() const noexcept { return sets_; }

private:
    static bool fits(std::span<contender const> nodes, std::vector<std::uint32_t> const& members,
                     std::uint32_t i, placement_limits const& limits)
    {
        std::uint32_t zone = 0, rack = 0, host = 0;
        for (auto m : members) {
            if (m == i)
                return false;
            zone += nodes[m].where.zone == nodes[i].where.zone;
            rack += nodes[m].where.rack == nodes[i].where.rack;
            host += nodes[m].where.host == nodes[i].where.host;
        }
        return zone < limits.per_zone && rack < limits.per_rack && host < limits.per_host;
    }

    std::vector<set> sets_;
};

} // namespace perdure::detail

#endif
