// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/composition.hpp>
#include <perdure/availability/slo.hpp>

#include <vector>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::published;
using perdure::tests::WithinRel;

TEST_CASE("recommended_alerts: the workbook's table", "[availability]")
{
    // The Site Reliability Workbook (Google, 2018), table 5-8, for 30 days.
    auto const alerts = recommended_alerts(sre_calendar.month);
    CHECK_THAT(alerts[0].burn, WithinRel(14.4, 1e-14));
    CHECK_THAT(alerts[1].burn, WithinRel(6, 1e-14));
    CHECK_THAT(alerts[2].burn, WithinRel(1, 1e-14));
    CHECK(alerts[0].long_window == 1h);
    CHECK(alerts[0].short_window == 5min);
    CHECK(alerts[1].long_window == 6h);
    CHECK(alerts[1].short_window == 30min);
    CHECK(alerts[2].long_window == days(3));
    CHECK(alerts[2].short_window == 6h);
    CHECK((alerts[0].page && alerts[1].page && !alerts[2].page));
    CHECK_THAT(burn_spending(0.10, 24h, sre_calendar.month), WithinRel(3, 1e-14));
    CHECK_THAT(budget_spent(14.4, 1h, sre_calendar.month), WithinRel(0.02, 1e-14));
    // Other periods have other burn rates: a copy of 14.4 spends 8.6 % of a week's budget in an
    // hour.
    CHECK_THAT(recommended_alerts(days(7))[0].burn, WithinRel(3.36, 1e-14));
}

TEST_CASE("objective: budget and burning", "[availability]")
{
    constexpr objective month{unavailability(1e-3), sre_calendar.month};
    CHECK_THAT(month.budget() / minutes(1), WithinRel(43.2, 1e-14));
    CHECK_THAT(burn_rate(probability(0.0144), month.target), WithinRel(14.4, 1e-14));
    CHECK(burn_rate(probability(0), month.target) == 0);
    CHECK_THAT(time_to_exhaustion(1, 14.4, month.period) / hours(1), WithinRel(50, 1e-14));
    CHECK_THAT(time_to_exhaustion(0.5, 1, month.period) / days(1), WithinRel(15, 1e-14));
    CHECK(time_to_exhaustion(0.5, 0, month.period).count() == detail::infinity);
    CHECK_THROWS_AS(burn_rate(probability(0.1), unavailability(0)), std::invalid_argument);
    static_assert(month.budget() > 43min);
}

TEST_CASE("target_for_each: the rule of the extra nine", "[availability]")
{
    auto const each = target_for_each(unavailability(1e-4), 10);
    CHECK_THAT(each.value(), WithinRel(1.00004500285e-5, 1e-9));
    std::vector<unavailability> const parts(10, each);
    CHECK_THAT(series(parts).value(), WithinRel(1e-4, 1e-13));
    CHECK_THAT(target_for_each(unavailability(1e-20), 7).value(), WithinRel(1e-20 / 7, 1e-14));
    CHECK(target_for_each(unavailability(0), 3) == 0);
    CHECK(target_for_each(unavailability(1), 3) == 1);
    CHECK_THROWS_AS(target_for_each(unavailability(0.1), 0), std::invalid_argument);
}
