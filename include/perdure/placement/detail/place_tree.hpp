// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_DETAIL_PLACE_TREE_HPP
#define PERDURE_PLACEMENT_DETAIL_PLACE_TREE_HPP

#include <perdure/placement/cluster_node.hpp>
#include <perdure/placement/placement_rules.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace perdure::detail {

/// Where a node stands, as numbers: equal ones stand together, and a rack determines its zone.
struct place {
    std::uint32_t zone = 0;
    std::uint32_t rack = 0;
    std::uint32_t host = 0;
};

/// Numbers the places of nodes, in the order in which it is asked.
class place_numbers {
public:
    place of(cluster_node const& n)
    {
        auto const zone = number(zones_, {n.zone, {}, {}, {}});
        auto const rack = number(racks_, {n.zone, n.rack, {}, {}});
        // A node without a host is its own, whatever hosts are called.
        auto const host =
            number(hosts_, {n.zone, n.rack, n.host, n.host.empty() ? n.name : std::string()});
        return {zone, rack, host};
    }
    std::size_t zones() const noexcept { return zones_.size(); }

private:
    using path = std::tuple<std::string, std::string, std::string, std::string>;
    static std::uint32_t number(std::map<path, std::uint32_t>& all, path key)
    {
        return all.try_emplace(std::move(key), static_cast<std::uint32_t>(all.size()))
            .first->second;
    }
    std::map<path, std::uint32_t> zones_, racks_, hosts_;
};

/// How many copies of a slot fit on these places under limits.
inline std::uint64_t room(std::span<place const> places, placement_limits const& limits)
{
    // Sorted, the nodes of a host, the hosts of a rack and the racks of a zone are neighbours.
    std::vector<place> all(places.begin(), places.end());
    std::sort(all.begin(), all.end(), [](place const& a, place const& b) {
        return std::tie(a.zone, a.rack, a.host) < std::tie(b.zone, b.rack, b.host);
    });
    std::uint64_t total = 0, zone = 0, rack = 0, host = 0;
    for (std::size_t i = 0; i != all.size(); ++i) {
        bool const last = i + 1 == all.size();
        ++host;
        if (last || all[i + 1].host != all[i].host) {
            rack += std::min<std::uint64_t>(host, limits.per_host);
            host = 0;
        }
        if (last || all[i + 1].rack != all[i].rack) {
            zone += std::min<std::uint64_t>(rack, limits.per_rack);
            rack = 0;
        }
        if (last || all[i + 1].zone != all[i].zone) {
            total += std::min<std::uint64_t>(zone, limits.per_zone);
            zone = 0;
        }
    }
    return std::min<std::uint64_t>(total, limits.copies);
}

/// The limits that the rules ask for, "no limit" written as the number of copies.
inline placement_limits wanted_limits(placement_rules const& rules)
{
    auto const limit = [&](std::uint32_t l) {
        return l == 0 ? rules.copies : std::min(l, rules.copies);
    };
    return {rules.copies, limit(rules.at_most_per_zone), limit(rules.at_most_per_rack),
            limit(rules.at_most_per_host)};
}

/// Limits one step wider, as far as `widest`; false if they are that already.
inline bool widen(placement_limits& limits, placement_limits const& widest)
{
    auto const before = limits;
    limits.per_zone = std::min(limits.per_zone + 1, widest.per_zone);
    limits.per_rack = std::min(limits.per_rack + 1, widest.per_rack);
    limits.per_host = std::min(limits.per_host + 1, widest.per_host);
    return !(limits == before);
}

/** What of the rules can be kept on these places.
 *
 *  Where there are too few, the widest limit is given up first, since two copies in one zone are
 *  less of a danger than two on one host; and none further than it must be.
 */
inline placement_limits limits_for(std::span<place const> places, placement_rules const& rules)
{
    auto wanted = wanted_limits(rules);
    if (rules.shortage == when_short::fewer_copies) {
        wanted.copies = static_cast<std::uint32_t>(room(places, wanted));
        return wanted;
    }
    wanted.copies =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(places.size(), rules.copies));
    auto loose = wanted;
    loose.per_zone = loose.per_rack = rules.copies;
    while (room(places, loose) < wanted.copies)
        ++loose.per_host;
    loose.per_rack = wanted.per_rack;
    while (room(places, loose) < wanted.copies)
        ++loose.per_rack;
    loose.per_zone = wanted.per_zone;
    while (room(places, loose) < wanted.copies)
        ++loose.per_zone;
    return loose;
}

} // namespace perdure::detail

#endif
