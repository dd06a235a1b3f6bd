// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// From a log of incidents to MTBF and MTTR. Prints both with 90 % intervals, the availability that
// follows, whether the model of constant rates fits the log at all (here it does not: failures get
// more frequent), and whether the second half of the year was worse than the first.

#include <perdure/availability/comparison.hpp>
#include <perdure/availability/observed.hpp>
#include <perdure/availability/text.hpp>
#include <perdure/availability/trend.hpp>

#include <chrono>
#include <cstdio>
#include <vector>

using namespace std::chrono_literals;
using namespace perdure::availability;

namespace {

using hour_point = std::chrono::time_point<std::chrono::steady_clock, hours>;

struct incident {
    double day;     ///< of the year, when it began
    double minutes; ///< until the service was back
};

// An invented year of one service, as an incident tracker exports it.
constexpr incident incidents[] = {{41.2, 18},  {97.9, 55},  {160.3, 7},  {188.1, 31}, {214.6, 12},
                                  {236.0, 94}, {251.4, 22}, {280.9, 9},  {299.5, 41}, {311.7, 26},
                                  {322.2, 13}, {338.8, 35}, {344.1, 16}, {357.3, 28}};

} // namespace

int main()
{
    auto const at = [](double day) { return hour_point(days(day)); };
    recorder<hour_point> log(at(0));
    std::vector<duration> gaps;
    duration since{};
    for (auto const& i : incidents) {
        log.handle_down(at(i.day));
        gaps.push_back(log.until(at(i.day)).up - since);
        since = log.until(at(i.day)).up;
        log.handle_up(hour_point(days(i.day) + minutes(i.minutes)));
    }
    auto const year = log.until(at(365));
    auto const sure = confidence::two_sided(0.9);
    std::printf("%d incidents in %s, down %s in all\n", static_cast<int>(year.failures),
                to_text(year.total()).c_str(), to_text(year.down).c_str());
    std::printf("mtbf          %s\n", to_text(estimate_mtbf(year, ended::at_time, sure)).c_str());
    std::printf("mttr          %s\n", to_text(estimate_mttr(year, ended::at_time, sure)).c_str());
    std::printf("availability  %s\n\n",
                to_text(estimate_unavailability(year, ended::at_time, sure)).c_str());

    std::puts("May these figures be believed? They assume a constant rate of failures.");
    auto const check = check_exponential(gaps, 0.95, year.up - since);
    std::printf("  trend (Laplace)           u = %+.2f, p = %.3f\n", check.laplace->u,
                check.laplace->p_value);
    std::printf("  shape of the gaps         %.2f (%.2f to %.2f), 1 is constant\n",
                check.shape->shape.value, check.shape->shape.lower, check.shape->shape.upper);
    std::printf("  distance (Anderson)       %.2f, p = %.3f\n", check.distance->statistic,
                check.distance->p_value);
    if (check.doubts.empty()) {
        std::puts("  nothing speaks against it");
    }
    for (auto d : check.doubts) {
        std::printf("  doubt: %s\n", to_text(d));
    }

    std::uint64_t first = 0;
    for (auto const& i : incidents) {
        first += i.day < 182.5 ? 1 : 0;
    }
    auto const halves =
        compare_rates({year.failures - first, days(182.5)}, {first, days(182.5)}, 0.9);
    std::printf("\nSecond half against first: %.1f times the rate (%.1f to %.1f), p = %.3f\n",
                halves.effect.value, halves.effect.lower, halves.effect.upper, halves.p_value);
    auto const growth = fit_power_law(gaps, ended::at_time, sure, year.up - since);
    std::printf("Failures until time t grow like t^%.2f (%.2f to %.2f).\n", growth.shape.value,
                growth.shape.lower, growth.shape.upper);
}
