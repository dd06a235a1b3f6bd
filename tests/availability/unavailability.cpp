// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/unavailability.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::published;
using perdure::tests::WithinRel;

TEST_CASE("unavailability: keeps digits that 1 - availability has lost", "[availability]")
{
    // Carrying 1 - A instead would make these wrong by 3e-8, 8e-4 and 11 %.
    CHECK(unavailability(1e-9).value() == 1e-9);
    CHECK(std::abs(unavailability::from_availability(1 - 1e-9).value() / 1e-9 - 1) > 1e-9);
    CHECK(std::abs(unavailability::from_availability(1 - 1e-15).value() / 1e-15 - 1) > 1e-4);
    CHECK(std::abs(unavailability::from_availability(1 - 1e-16).value() / 1e-16 - 1) > 0.1);
    CHECK_THAT(unavailability(1e-30).nines(), WithinRel(30, 1e-15));
    CHECK_THAT(unavailability(5e-4).nines(), WithinRel(3.30102999566398, 1e-14));
    CHECK(unavailability(0).nines() == detail::infinity);
    CHECK(unavailability(1).nines() == 0);
}

TEST_CASE("whole_nines: is exact at every power of ten", "[availability]")
{
    for (int n = 1; n <= 30; ++n) {
        CAPTURE(n);
        double const power = std::stod("1e-" + std::to_string(n));
        CHECK(whole_nines(unavailability(power)) == n);
        CHECK(whole_nines(unavailability(std::nextafter(power, 1))) == n - 1);
    }
    CHECK(whole_nines(unavailability(1)) == 0);
    CHECK(whole_nines(unavailability(0)) == 30);
    // floor(-log10(U)) says 2 for 1e-3 with some libraries' rounding; the comparison cannot.
    static_assert(whole_nines(unavailability(1e-3)) == 3);
}

TEST_CASE("downtime: Google's table of budgets", "[availability]")
{
    // Site Reliability Engineering (Google, 2016), Appendix A: year 365 d, quarter 90 d, month 30
    // d.
    struct row {
        double down;
        duration period, unit;
        published budget;
    };
    auto const& c = sre_calendar;
    duration const d = days(1), h = hours(1), min = minutes(1), s = duration(1);
    row const rows[] = {
        {1e-2, c.year, d, {"3.65"}},    {1e-2, c.quarter, h, {"21.6"}},
        {1e-2, c.month, h, {"7.2"}},    {1e-2, c.week, h, {"1.68"}},
        {1e-2, c.day, min, {"14.4"}},   {1e-2, h, s, {"36"}},
        {1e-3, c.year, h, {"8.76"}},    {1e-3, c.quarter, h, {"2.16"}},
        {1e-3, c.month, min, {"43.2"}}, {1e-3, c.week, min, {"10.1"}},
        {1e-3, c.day, min, {"1.44"}},   {1e-3, h, s, {"3.6"}},
        {5e-4, c.year, h, {"4.38"}},    {5e-4, c.quarter, h, {"1.08"}},
        {5e-4, c.month, min, {"21.6"}}, {5e-4, c.week, min, {"5.04"}},
        {5e-4, c.day, s, {"43.2"}},     {5e-4, h, s, {"1.8"}},
        {1e-4, c.year, min, {"52.6"}},  {1e-4, c.quarter, min, {"12.96"}},
        {1e-4, c.month, min, {"4.32"}}, {1e-4, c.week, s, {"60.5"}},
        {1e-4, c.day, s, {"8.64"}},     {1e-4, h, s, {"0.36"}},
        {1e-5, c.year, min, {"5.26"}},  {1e-5, c.quarter, min, {"1.30"}},
        {1e-5, c.month, s, {"25.9"}},   {1e-5, c.week, s, {"6.05"}},
        {1e-5, c.day, s, {"0.87"}},     {1e-5, h, s, {"0.04"}},
    };
    for (auto const& r : rows) {
        CAPTURE(r.down, r.period.count(), r.budget);
        double const budget = unavailability(r.down).downtime(r.period) / r.unit;
        // The book prints .87 s a day for five nines, which is 0.864 rounded up.
        CHECK((r.budget.agrees(budget) ||
               (r.budget.value() == 0.87 && published{"0.864"}.agrees(budget))));
    }
}

TEST_CASE("downtime: the table of the AWS Reliability Pillar, which cuts its minutes off",
          "[availability]")
{
    struct row {
        double down;
        duration a_year;
    };
    row const rows[] = {
        {1e-2, days(3) + 15h}, {1e-3, 8h + 45min}, {5e-4, 4h + 22min}, {1e-4, 52min}, {1e-5, 5min}};
    for (auto const& r : rows) {
        auto const budget = unavailability(r.down).downtime(sre_calendar.year);
        CAPTURE(r.down, budget / minutes(1));
        CHECK(budget >= r.a_year);
        CHECK(budget < r.a_year + (r.down == 1e-2 ? duration(1h) : duration(1min)));
    }
}

TEST_CASE("downtime: a month is not the same month everywhere", "[availability]")
{
    auto const three = unavailability(1e-3);
    CHECK(published{"8.77"}.agrees(three.downtime(julian_calendar.year) / hours(1)));
    CHECK(published{"43.83"}.agrees(three.downtime(julian_calendar.month) / minutes(1)));
    CHECK(published{"43.2"}.agrees(three.downtime(sre_calendar.month) / minutes(1)));
}

TEST_CASE("probability and unavailability refuse what is not in [0, 1]", "[availability]")
{
    auto const refused = [](double x) {
        return message_of<std::invalid_argument>([&] { unavailability{x}; }).size() > 0 &&
               message_of<std::invalid_argument>([&] { probability{x}; }).size() > 0;
    };
    CHECK(refused(-1e-300));
    CHECK(refused(std::nextafter(1., 2.)));
    CHECK(refused(std::nan("")));
    CHECK_FALSE(refused(0));
    CHECK_FALSE(refused(1));
    CHECK(message_of<std::invalid_argument>([] { unavailability::from_availability(99.9); }) ==
          "availability is 99.9; it must lie in [0, 1]");
}

TEST_CASE("unavailability: a number or an availability does not turn into one by itself",
          "[availability]")
{
    static_assert(!std::is_convertible_v<double, unavailability>);
    static_assert(!std::is_convertible_v<probability, unavailability>);
    static_assert(std::is_convertible_v<unavailability, probability>);
    static_assert(unavailability(1e-4) <= 1e-4 && unavailability(1e-4) < unavailability(1e-3));
    SUCCEED();
}
