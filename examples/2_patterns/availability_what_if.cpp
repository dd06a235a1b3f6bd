// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Live availability and what would help it most. A service of a switch, three stores of which two
// are needed, and a coordinator pair is fed with the up and down events of a failure detector
// (here from a small script). Prints the report with intervals and single points of failure, what
// changed since last week, changes ranked by the nines they buy, and shows that the evidence
// survives a restart.

#include <perdure/availability/composition.hpp>
#include <perdure/availability/live.hpp>

#include <cstdio>

using namespace std::chrono_literals;
using namespace perdure::availability;

int main()
{
    // What the whole needs of its parts, as one function of their unavailabilities.
    auto const service = [](std::span<unavailability const> u) {
        return series({u[0], k_of_n(2, u.subspan(1, 3)), parallel(u.subspan(4, 2))});
    };
    assumption const network{two_state(mtbf(days(365)), mttr(30min))};
    assumption const process{two_state(mtbf(days(30)), mttr(5min))};
    std::vector<live_unit> const units = {{"switch", network},  {"store-1", process},
                                          {"store-2", process}, {"store-3", process},
                                          {"lead-1", process},  {"lead-2", process}};
    // The detector needs 3 s to notice, and 1 s to notice that all is well again.
    detector_quality const detector{3s, 1s, {}, {}};
    auto const at = [](auto t) { return std::chrono::steady_clock::time_point(t); };
    live running(service, units, at(0s), detector);
    auto const sure = confidence::two_sided(0.9);

    running.handle_down(2, at(60h));
    running.handle_up(2, at(60h + 4min));
    running.handle_down(4, at(100h));
    running.handle_false_alarm(4, at(100h + 20s)); // it answered again and had not restarted
    auto const last_week = running.report(at(168h), sure);

    running.handle_down(0, at(200h));
    running.handle_up(0, at(203h));
    running.handle_down(3, at(300h));
    running.handle_up(3, at(300h + 9min));
    auto const report = running.report(at(336h), sure);
    std::printf("After two weeks: %s\n", to_text(report).c_str());

    std::puts("What changed since last week");
    for (auto const& c : what_changed(last_week, report)) {
        if (c.factor > 1.1) {
            std::printf(
                "  %s is down %.1f times as much (failures x %.1f, repairs x %.1f): %+.2f nines\n",
                c.name.c_str(), c.factor, c.failures_factor, c.repair_factor, c.nines);
        }
    }

    what_if changes(running.model(), running.units(at(336h)));
    changes.divide_repair_time(0, 2).duplicate(0).divide_repair_time(2, 2).divide_failure_rate(0,
                                                                                               2);
    changes.replace("a fourth store", [](std::span<unavailability const> u) {
        return series({u[0], k_of_n(2, {u[1], u[2], u[3], u[1]}), parallel(u.subspan(4, 2))});
    });
    std::puts("\nWhat would help");
    int rank = 0;
    for (auto const& c : changes.ranked()) {
        std::printf("  %d. %+.2f nines: %s (%s)\n", ++rank, c.nines_gained, c.change.c_str(),
                    to_text(c.whole).c_str());
    }

    live restarted(service, units, at(0s), detector);
    restarted.load(running.save(at(336h)));
    std::printf("\nAfter a restart: %s\n", to_text(restarted.value(at(0s))).c_str());
}
