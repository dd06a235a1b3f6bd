// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_TIME_TO_LOSS_HPP
#define PERDURE_PLACEMENT_TIME_TO_LOSS_HPP

// Not in <perdure/placement.hpp>: needs the part availability too.

#include <perdure/availability/durability.hpp>
#include <perdure/availability/units.hpp>
#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/placed_copysets.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

namespace perdure {

/// How nodes fail for good, and how fast their data are copied again.
struct node_failures {
    availability::rate of_node;         ///< failures of one node
    availability::duration detection{}; ///< until copying begins
    double bytes_of_node = 0;           ///< to be copied again when one fails
    double bytes_per_second = 0;        ///< that one helper reads and writes for it
};

/// How long data is expected to last.
struct time_to_loss_report {
    availability::duration rebuild;                           ///< of one node, with all its helpers
    availability::mtbf mean = availability::mtbf::infinite(); ///< until the first loss of anything
    /// P(anything is lost within a year).
    availability::probability within_a_year = availability::probability(0);
};

/** The time to the first loss of data when nodes fail independently and their data are copied again.
 *
 *  Every copyset is a group that loses its data when all its nodes are failed at once
 *  (availability::data_group); a node is whole again after detection and after bytes_of_node were
 *  copied by as many helpers as it shares data with on average. Copysets count as independent, which
 *  overstates the risk a little. For failures at once, such as of power, see loss_if_fail.
 *
 *  Throws std::invalid_argument if bytes are negative or not finite, bytes_per_second is not above 0,
 *  or there is no copyset.
 */
inline time_to_loss_report time_to_loss(placed_copysets const& placed, node_failures const& f)
{
    auto const infinity = std::numeric_limits<double>::infinity();
    if (!(f.bytes_of_node >= 0 && f.bytes_of_node < infinity))
        detail::throw_bad_value("time_to_loss", "bytes_of_node", std::to_string(f.bytes_of_node),
                                "it must be a finite number of at least 0");
    if (!(f.bytes_per_second > 0 && f.bytes_per_second < infinity))
        detail::throw_bad_value("time_to_loss", "bytes_per_second",
                                std::to_string(f.bytes_per_second),
                                "it must be a finite number above 0");
    if (placed.count() == 0)
        detail::throw_bad_value("time_to_loss", "the number of copysets", "0",
                                "nothing is placed that could be lost");
    time_to_loss_report report;
    auto const helpers = std::max(1.0, placed.mean_scatter_width());
    report.rebuild =
        f.detection + availability::duration(f.bytes_of_node / (f.bytes_per_second * helpers));
    std::map<std::size_t, std::uint64_t> sizes;
    for (auto const& s : placed.sets())
        ++sizes[s.members.size()];
    double losses = 0, survival = 0; // a second; the logarithm of P(no loss)
    for (auto const& [size, count] : sizes) {
        availability::data_group group;
        group.pieces = static_cast<unsigned>(size);
        group.failures = f.of_node;
        group.rebuilds =
            availability::rate::per(availability::duration(std::max(report.rebuild.count(), 1e-9)));
        losses +=
            static_cast<double>(count) / availability::mean_time_to_loss(group).value().count();
        auto const one =
            availability::loss_within(group, availability::duration(365.25 * 86400)).value();
        survival += static_cast<double>(count) * std::log1p(-one);
    }
    report.mean = losses == 0 ? availability::mtbf::infinite()
                              : availability::mtbf(availability::duration(1 / losses));
    report.within_a_year = availability::probability(-std::expm1(survival));
    return report;
}

} // namespace perdure

#endif
