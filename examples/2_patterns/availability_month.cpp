// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Will we meet 99.9 % this month? Prints what an average of exactly 99.9 % is worth in single
// months, which target can be promised with 95 %, how the answer moves while the month goes by and
// outages burn the budget, and what repairs that are sometimes long do to it.

#include <perdure/availability/downtime.hpp>
#include <perdure/availability/renewal.hpp>
#include <perdure/availability/slo.hpp>
#include <perdure/availability/text.hpp>

#include <cstdio>

using namespace std::chrono_literals;
using namespace perdure::availability;

int main()
{
    constexpr objective slo{unavailability(1e-3), sre_calendar.month};
    std::printf("The objective: %s in 30 days, a budget of %s.\n\n", to_text(slo.target).c_str(),
                to_text(slo.budget()).c_str());

    // One failure a month of 43.2 minutes on average: exactly the objective in the long run.
    two_state const service(mtbf(720h), mttr(43.2min));
    downtime const month(service, slo.period);
    std::printf("A service that is up %s on average:\n", to_text(unavailability(service)).c_str());
    std::printf("  a month without any outage has probability %.2f\n", month.none().value());
    std::printf(
        "  the objective is met with probability %.4f, in all twelve months of a year with %.4f\n",
        month.meets(slo.target).value(), std::pow(month.meets(slo.target).value(), 12));
    std::printf("  a budget that lasts in 95 of 100 months: %s, that is a promise of %s\n\n",
                to_text(month.quantile(0.95)).c_str(),
                to_text(promise(service, slo.period, 0.95)).c_str());

    std::puts("This month, hour by hour. P(the objective will be missed):");
    struct moment {
        char const* what;
        window_so_far so_far;
    };
    moment const moments[] = {{"it begins", {0h, 0h, true}},
                              {"ten quiet days", {240h, 0h, true}},
                              {"an outage has begun", {240h, 0h, false}},
                              {"25 minutes later it is over", {240h + 25min, 25min, true}},
                              {"day 20, nothing more", {480h, 25min, true}},
                              {"day 29, another 10 minutes gone", {696h, 35min, true}},
                              {"an hour before the end", {719h, 35min, true}}};
    for (auto const& m : moments) {
        std::printf("  %-32s %.4f   budget left %s\n", m.what,
                    probability_of_missing(service, slo.target, slo.period, m.so_far).value(),
                    to_text(slo.budget() - m.so_far.down).c_str());
    }

    std::puts("\nThe same mean repair, spread differently. P(a month meets the objective):");
    for (double variation : {0.1, 1., 4., 20.}) {
        renewal_unit const unit(service.failures(), phase_type::with_moments(43.2min, variation));
        std::printf("  variance %4.1f times the mean squared: %.4f\n", variation,
                    unit.meets(slo.target, slo.period).value());
    }
}
