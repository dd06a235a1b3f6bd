// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_SURVIVAL_HPP
#define PERDURE_PLACEMENT_SURVIVAL_HPP

#include <perdure/placement/placement_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <tuple>
#include <vector>

namespace perdure {

/** What every slot of a map survives: verified against each one, not concluded from the rules.
 *
 *  "Survives any k zones" means: whichever k zones fail, every slot keeps `needed` copies on nodes
 *  that can be read. -1: some slot lacks them already, and `weakest_slot` is one.
 */
struct survival_report {
    std::uint32_t needed = 1; ///< copies that must be left: 1 to lose nothing, a quorum to serve
    std::int64_t nodes = -1; ///< whichever so many nodes fail
    std::int64_t hosts = -1; ///< whichever so many hosts fail
    std::int64_t racks = -1; ///< whichever so many racks fail
    std::int64_t zones = -1; ///< whichever so many zones fail
    /// A slot that survives the fewest zones, and of those the fewest racks, hosts and nodes.
    std::uint32_t weakest_slot = 0;
    placement_rules rules; ///< what was asked for
    placement_limits limits; ///< what of it could be kept
    std::size_t slots_short = 0; ///< slots with fewer copies that can be read than the rules want

    /// Whether the rules are kept in full.
    bool kept() const noexcept
    {
        auto const limit = [&](std::uint32_t l) {
            return l == 0 || l > rules.copies ? rules.copies : l;
        };
        return slots_short == 0 && limits.copies == rules.copies &&
               limits.per_zone <= limit(rules.at_most_per_zone) &&
               limits.per_rack <= limit(rules.at_most_per_rack) &&
               limits.per_host <= limit(rules.at_most_per_host);
    }

    /// "keeps 1 of 3 copies of everything if any 2 zones, 2 racks, 2 hosts or 2 nodes fail"
    std::string text() const
    {
        auto const n = [](std::int64_t k, char const* what) {
            return std::to_string(k) + " " + what + (k == 1 ? "" : "s");
        };
        std::string t;
        if (nodes < 0)
            t = "slot " + std::to_string(weakest_slot) + " lacks " +
                n(needed, needed == 1 ? "readable copy" : "readable copie") + " already";
        else
            t = "keeps " + std::to_string(needed) + " of " + std::to_string(rules.copies) +
                " copies of everything if any " + n(zones, "zone") + ", " + n(racks, "rack") +
                ", " + n(hosts, "host") + " or " + n(nodes, "node") + " fail";
        if (limits.copies < rules.copies)
            t += "; only " + std::to_string(limits.copies) + " of " + std::to_string(rules.copies) +
                 " copies can be placed";
        auto const relaxed = [&](char const* place, std::uint32_t wanted, std::uint32_t kept) {
            if (wanted != 0 && kept > wanted)
                t += "; up to " + std::to_string(kept) + " copies in a " + place + " instead of " +
                     std::to_string(wanted);
        };
        relaxed("zone", rules.at_most_per_zone, limits.per_zone);
        relaxed("rack", rules.at_most_per_rack, limits.per_rack);
        relaxed("host", rules.at_most_per_host, limits.per_host);
        if (slots_short != 0)
            t += "; " + n(static_cast<std::int64_t>(slots_short), "slot") +
                 (slots_short == 1 ? " has" : " have") +
                 " fewer readable copies than the rules want";
        return t;
    }

    /// Writes text().
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        survival_report const& r)
    {
        return out << r.text();
    }
};

/// What every slot of a map survives, with `needed` copies to be left. Copies on nodes that are
/// down or joining do not count. O(slots * copies^2).
inline survival_report survival(placement_map const& map, std::uint32_t needed = 1)
{
    if (needed < 1 || needed > map.rules().copies)
        detail::throw_bad_value("survival", "needed", std::to_string(needed),
                                "it must be from 1 to the rules' copies");
    survival_report report;
    report.needed = needed;
    report.rules = map.rules();
    report.limits = map.limits();
    std::vector<std::uint32_t> counts;
    std::vector<node_index> owners;
    // How many places may fail, the fullest first, until fewer than `needed` copies are left.
    auto const survives = [&](auto place_of) -> std::int64_t {
        counts.clear();
        for (std::size_t i = 0; i != owners.size(); ++i) {
            bool first = true;
            std::uint32_t count = 0;
            for (std::size_t j = 0; j != owners.size(); ++j)
                if (place_of(owners[j]) == place_of(owners[i])) {
                    first = first && j >= i;
                    ++count;
                }
            if (first)
                counts.push_back(count);
        }
        std::sort(counts.begin(), counts.end(), [](auto a, auto b) { return a > b; });
        std::size_t left = owners.size();
        std::int64_t k = -1;
        for (std::size_t i = 0; left >= needed; ++i) {
            ++k;
            left -= counts[i];
        }
        return k;
    };
    bool first = true;
    for (std::uint32_t s = 0; s != map.slots(); ++s) {
        owners.clear();
        for (auto o : map.owners(s))
            if (may_be_read(map.node(o).state))
                owners.push_back(o);
        report.slots_short += owners.size() < map.rules().copies;
        auto const zones = survives([&](node_index n) { return map.zone_of(n); });
        auto const racks = survives([&](node_index n) { return map.rack_of(n); });
        auto const hosts = survives([&](node_index n) { return map.host_of(n); });
        auto const nodes = survives([](node_index n) { return n; });
        if (first || std::tie(zones, racks, hosts, nodes) <
                         std::tie(report.zones, report.racks, report.hosts, report.nodes))
            report.weakest_slot = s;
        report.zones = first ? zones : std::min(report.zones, zones);
        report.racks = first ? racks : std::min(report.racks, racks);
        report.hosts = first ? hosts : std::min(report.hosts, hosts);
        report.nodes = first ? nodes : std::min(report.nodes, nodes);
        first = false;
    }
    return report;
}

} // namespace perdure

#endif
