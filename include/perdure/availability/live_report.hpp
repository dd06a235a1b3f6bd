// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_LIVE_REPORT_HPP
#define PERDURE_AVAILABILITY_LIVE_REPORT_HPP

#include <perdure/availability/estimate.hpp>
#include <perdure/availability/history.hpp>
#include <perdure/availability/text.hpp>
#include <perdure/availability/unavailability.hpp>
#include <perdure/availability/what_if.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace perdure::availability {

/// What is known of one part.
struct live_unit_report {
    std::string name;
    bool up;                           ///< its state when the report was made
    evidence seen;                     ///< corrected for the detector, over all runs
    estimate<mtbf> between_failures;   ///< from the data alone
    estimate<mttr> to_repair;          ///< from the data alone
    estimate<unavailability> measured; ///< from the data alone
    two_state unit;                    ///< with the mean rates, from the plan and the data
    estimate<unavailability> believed; ///< with the plan: its median and interval
    /// Of the whole's unavailability that goes if this part never fails.
    double share;
};

/// What is known of the whole.
struct live_report {
    unavailability value;              ///< with the mean rates of every part
    estimate<unavailability> believed; ///< median, with the uncertainty of all parts
    /// One for each part, in the order in which they were given.
    std::vector<live_unit_report> units;
    std::vector<breaking_set> broken_by; ///< single points of failure and pairs
};

/// How one part moved between two reports.
struct live_change {
    std::string name;
    double factor;          ///< its unavailability now over then; above 1 it got worse
    double failures_factor; ///< its failure rate now over then
    double repair_factor;   ///< its mean repair now over then
    double nines;           ///< of the whole that this part alone cost (negative) or gave, about
};

/** Which parts moved the whole from one report to another, the largest effect first.
 *
 *  The effect of a part is its share of the whole's unavailability then times the growth of its
 *  own, to first order. Parts are matched by name; new and vanished ones are left out.
 */
inline std::vector<live_change> what_changed(live_report const& then, live_report const& now)
{
    std::vector<live_change> result;
    for (auto const& after : now.units) {
        for (auto const& before : then.units) {
            if (before.name != after.name) {
                continue;
            }
            auto const ratio = [](double x, double y) { return x == y ? 1 : x / y; };
            double const factor =
                ratio(after.unit.steady_state().value(), before.unit.steady_state().value());
            double const whole = 1 + before.share * (factor - 1);
            result.push_back(
                {after.name, factor,
                 ratio(after.unit.failures().per_second(), before.unit.failures().per_second()),
                 ratio(before.unit.repairs().per_second(), after.unit.repairs().per_second()),
                 0 - std::log10(std::max(whole, 1e-300))});
        }
    }
    std::stable_sort(result.begin(), result.end(), [](auto const& a, auto const& b) {
        return std::abs(a.nines) > std::abs(b.nines);
    });
    return result;
}

/// A table for people: the whole, every part, and what breaks the whole.
inline std::string to_text(live_report const& report)
{
    std::string text = "availability " + to_text(report.believed) + "\n";
    std::size_t width = 4;
    for (auto const& u : report.units) {
        width = std::max(width, u.name.size());
    }
    char line[512];
    for (auto const& u : report.units) {
        std::snprintf(line, sizeof line,
                      "  %-*s %-5s %3.0f %s in %-9s %s, %2.0f %% of the whole's\n",
                      static_cast<int>(std::min<std::size_t>(width, 40)), u.name.c_str(),
                      u.up ? "up" : "down", u.seen.failures,
                      u.seen.failures == 1 ? "failure" : "failures", to_text(u.seen.total()).c_str(),
                      to_text(u.believed).c_str(), 100 * u.share);
        text += line;
    }
    for (auto const& set : report.broken_by) {
        if (set.share < 0.01) {
            continue;
        }
        text += set.parts.size() == 1 ? "  single point of failure:" : "  broken by:";
        for (auto i : set.parts) {
            text += " " + report.units[i].name;
        }
        std::snprintf(line, sizeof line, " (%.0f %%)\n", 100 * std::min(set.share, 1.));
        text += line;
    }
    return text;
}

} // namespace perdure::availability

#endif
