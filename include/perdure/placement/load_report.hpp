// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_LOAD_REPORT_HPP
#define PERDURE_PLACEMENT_LOAD_REPORT_HPP

#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/placement_map.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace perdure {

/// How evenly a load lies on nodes; each node's load is divided by its weight first.
struct balance {
    double peak_to_average = 0;          ///< 1 is ideal
    double coefficient_of_variation = 0; ///< 0 is ideal
    node_index peak = no_node;           ///< the node with the most
    std::size_t idle = 0;                ///< nodes that may own and have nothing
};

/// What one zone holds.
struct zone_load {
    std::string zone; ///< its name
    double nodes_share = 0; ///< of the weights of nodes that may own
    double copies_share = 0; ///< of all copies, 0 to 1
    double traffic_share = 0; ///< of all traffic, at the primaries; 0 to 1
};

/// What a map loads its nodes with.
struct load_report {
    balance copies;    ///< slots of which a node has a copy, or their bytes if sizes were given
    balance primaries; ///< slots of which it is the primary, likewise
    balance traffic;   ///< of the slots of which it is the primary; 0 without traffic
    std::vector<zone_load> zones; ///< in the order of their names
    std::uint32_t hottest_slot = 0; ///< the slot with the most traffic
    double hottest_share = 0; ///< of all traffic

    /// A few lines for a person to read.
    std::string text() const
    {
        char line[200];
        std::string t;
        auto const add = [&](char const* what, balance const& b) {
            std::snprintf(line, sizeof line,
                          "%s: peak to average %.3f, coefficient of variation %.3f%s\n", what,
                          b.peak_to_average, b.coefficient_of_variation,
                          b.idle == 0 ? "" : (", idle " + std::to_string(b.idle)).c_str());
            t += line;
        };
        add("copies", copies);
        add("primaries", primaries);
        if (hottest_share != 0) {
            add("traffic", traffic);
            std::snprintf(line, sizeof line, "hottest slot: %u with %.2f %% of the traffic\n",
                          hottest_slot, 100 * hottest_share);
            t += line;
        }
        for (auto const& z : zones) {
            std::snprintf(line, sizeof line, ": %.1f %% of the weight, %.1f %% of the copies\n",
                          100 * z.nodes_share, 100 * z.copies_share);
            t += "zone " + (z.zone.empty() ? "''" : z.zone) + line;
        }
        return t;
    }

    /// Writes text().
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        load_report const& r)
    {
        return out << r.text();
    }
};

/** How a map loads its nodes; nodes that may not own are left out.
 *
 *  `traffic` (requests of each slot, say) and `sizes` (its bytes): one for each slot, or none. Throws
 *  std::invalid_argument if there is another number of them, or one is negative or not finite.
 *  O(slots * copies).
 */
inline load_report measure_load(placement_map const& map, std::span<double const> traffic = {},
                                std::span<std::uint64_t const> sizes = {})
{
    if (!sizes.empty() && sizes.size() != map.slots())
        detail::throw_bad_value("measure_load", "the number of sizes", std::to_string(sizes.size()),
                                "there must be one for each slot, or none");
    if (!traffic.empty() && traffic.size() != map.slots())
        detail::throw_bad_value("measure_load", "the number of traffics",
                                std::to_string(traffic.size()),
                                "there must be one for each slot, or none");
    load_report report;
    std::vector<double> copies(map.index_bound()), primaries(copies), hits(copies);
    double all_traffic = 0;
    for (std::uint32_t s = 0; s != map.slots(); ++s) {
        auto const bytes = sizes.empty() ? 1.0 : static_cast<double>(sizes[s]);
        auto const t = traffic.empty() ? 0.0 : traffic[s];
        if (!(t >= 0 && t <= 1.7976931348623157e308))
            detail::throw_bad_value("measure_load", "traffic", std::to_string(t),
                                    "it must be a finite number of at least 0");
        auto const owners = map.owners(s);
        for (auto o : owners)
            copies[o] += bytes;
        if (!owners.empty()) {
            primaries[owners[0]] += bytes;
            hits[owners[0]] += t;
        }
        all_traffic += t;
        if (!traffic.empty() && t > traffic[report.hottest_slot])
            report.hottest_slot = s;
    }
    if (all_traffic > 0)
        report.hottest_share = traffic[report.hottest_slot] / all_traffic;
    auto const measure = [&](std::vector<double> const& load) {
        balance b;
        double sum = 0, squares = 0, weights = 0, most = -1;
        std::size_t count = 0;
        for (auto i : map.indexes())
            if (may_own(map.node(i).state)) {
                ++count;
                sum += load[i];
                weights += map.node(i).weight;
            }
        if (count == 0 || sum == 0)
            return b;
        for (auto i : map.indexes()) {
            if (!may_own(map.node(i).state))
                continue;
            // 1 where the node has what its weight entitles it to.
            auto const relative = load[i] / map.node(i).weight * weights / sum;
            squares += (relative - 1) * (relative - 1);
            b.idle += load[i] == 0;
            if (relative > most) {
                most = relative;
                b.peak = i;
            }
        }
        b.peak_to_average = most;
        b.coefficient_of_variation = std::sqrt(squares / static_cast<double>(count));
        return b;
    };
    report.copies = measure(copies);
    report.primaries = measure(primaries);
    report.traffic = measure(hits);

    std::map<std::string, zone_load> zones;
    double weights = 0, all_copies = 0;
    for (auto i : map.indexes()) {
        auto const& n = map.node(i);
        auto& z = zones[n.zone];
        z.copies_share += copies[i];
        z.traffic_share += hits[i];
        all_copies += copies[i];
        if (may_own(n.state)) {
            z.nodes_share += n.weight;
            weights += n.weight;
        }
    }
    for (auto& [name, z] : zones) {
        z.zone = name;
        z.nodes_share = weights == 0 ? 0 : z.nodes_share / weights;
        z.copies_share = all_copies == 0 ? 0 : z.copies_share / all_copies;
        z.traffic_share = all_traffic == 0 ? 0 : z.traffic_share / all_traffic;
        report.zones.push_back(z);
    }
    return report;
}

} // namespace perdure

#endif
