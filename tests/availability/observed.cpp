// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/observed.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

TEST_CASE("estimate_mtbf: factors of the NIST handbook", "[availability]")
{
    // NIST/SEMATECH e-Handbook 8.4.5.1 prints four digits of these (lower, upper) multiples of T /
    // r.
    struct row {
        std::uint64_t r;
        double level, lower, upper;
    };
    row const rows[] = {
        {1, 0.60, 0.333967, 4.481420},  {1, 0.80, 0.257088, 9.491222},
        {1, 0.90, 0.210799, 19.495726}, {1, 0.95, 0.179480, 39.497890},
        {2, 0.60, 0.467396, 2.426041},  {2, 0.80, 0.375776, 3.760730},
        {2, 0.90, 0.317672, 5.628072},  {2, 0.95, 0.276829, 8.257322},
        {5, 0.60, 0.632432, 1.618364},  {5, 0.80, 0.539103, 2.055422},
        {5, 0.90, 0.475600, 2.537878},  {5, 0.95, 0.428510, 3.079792},
        {10, 0.60, 0.732562, 1.371889}, {10, 0.80, 0.649071, 1.607380},
        {10, 0.90, 0.589545, 1.843180}, {10, 0.95, 0.543763, 2.085337},
        {20, 0.60, 0.808800, 1.236669}, {20, 0.95, 0.647493, 1.637127},
    };
    for (auto const& row : rows) {
        CAPTURE(row.r, row.level);
        history const h{row.r, row.r, 1000h * row.r, 1h};
        auto const e = estimate_mtbf(h, ended::at_time, confidence::two_sided(row.level));
        CHECK_THAT(e.value.in(hours(1)), WithinRel(1000, 1e-15));
        CHECK_THAT(e.lower.in(hours(1000)), WithinRel(row.lower, 2e-6));
        CHECK_THAT(e.upper.in(hours(1000)), WithinRel(row.upper, 1e-6));
    }
}

TEST_CASE("estimate_mtbf: without a failure there is a lower bound alone", "[availability]")
{
    history const h{0, 0, 1000h, 0h};
    auto const e = estimate_mtbf(h, ended::at_time, confidence::lower(0.95));
    CHECK(e.value.is_infinite());
    CHECK(e.upper.is_infinite());
    CHECK_THAT(e.lower.in(hours(1)), WithinRel(333.8082007, 1e-9));
    CHECK_THAT(e.lower.in(hours(1)), WithinRel(1000 / -std::log(0.05), 1e-13));
    CHECK_THAT(estimate_mtbf(h, ended::at_time, confidence::lower(0.6)).lower.in(hours(1)),
               WithinRel(1091.356668, 1e-9));
    // Two-sided has no upper side to spend risk on.
    CHECK_THAT(estimate_mtbf(h, ended::at_time, confidence::two_sided(0.95)).lower.in(hours(1)),
               WithinRel(333.8082007, 1e-9));
    CHECK(estimate_mtbf(h, ended::at_time, confidence::upper(0.95)).lower == mtbf(0s));
    // Stopped "at an event" that never came: nothing is known.
    CHECK(estimate_mtbf(h, ended::at_event, confidence::lower(0.95)).lower == mtbf(0s));
}

TEST_CASE("estimate_mtbf: the censoring matters", "[availability]")
{
    history const h{5, 5, 1000h, 10h};
    auto const sure = confidence::two_sided(0.9);
    auto const at_time = estimate_mtbf(h, ended::at_time, sure);
    auto const at_event = estimate_mtbf(h, ended::at_event, sure);
    CHECK(at_time.lower < at_event.lower);
    CHECK(at_time.upper == at_event.upper);
    // 2 * 1000 / chi2(0.95; 10), chi2 = 18.30703805327515
    CHECK_THAT(at_event.lower.in(hours(1)), WithinRel(2000 / 18.307038053275146, 1e-13));
    CHECK_THAT(estimate_mttr(h, ended::at_event, sure).lower.in(hours(1)),
               WithinRel(20 / 18.307038053275146, 1e-13));
    CHECK_THAT(estimate_mttr(h, ended::at_event, sure).value.in(hours(1)), WithinRel(2, 1e-15));
}

TEST_CASE("estimate_unavailability: exact interval from complete cycles", "[availability]")
{
    struct row {
        std::uint64_t r;
        double lower, upper;
    };
    row const rows[] = {{1, 2.56403682e-5, 0.0375360924},
                        {5, 0.0002689768649, 0.003703028478},
                        {20, 0.0005329929635, 0.001871687593}};
    for (auto const& row : rows) {
        CAPTURE(row.r);
        history const h{row.r, row.r, 1000h, 1h};
        auto const e = estimate_unavailability(h, ended::at_event, confidence::two_sided(0.95));
        CHECK_THAT(e.value.value(), WithinRel(1 / 1001., 1e-15));
        CHECK_THAT(e.lower.value(), WithinRel(row.lower, 5e-9));
        CHECK_THAT(e.upper.value(), WithinRel(row.upper, 5e-9));
        // Stopped by the clock instead, the interval has to be wider.
        auto const wider = estimate_unavailability(h, ended::at_time, confidence::two_sided(0.95));
        CHECK(wider.lower < e.lower);
        CHECK(wider.upper > e.upper);
    }
    // For one cycle the F distribution has the closed form F = p / (1 - p).
    auto const one = estimate_unavailability({1, 1, 1e30 * 1h, 1h}, ended::at_event,
                                             confidence::two_sided(0.95));
    CHECK_THAT(one.lower.value(), WithinRel(1e-30 * 0.025 / 0.975, 1e-12));
    CHECK_THAT(one.upper.value(), WithinRel(1e-30 * 0.975 / 0.025, 1e-12));
}

TEST_CASE("estimate_unavailability: what the data cannot bound stays open", "[availability]")
{
    auto const sure = confidence::two_sided(0.95);
    auto const none = estimate_unavailability({0, 0, 1000h, 0h}, ended::at_time, sure);
    CHECK(none.value == 0);
    CHECK(none.lower == 0);
    CHECK(none.upper == 1);
    auto const nothing = estimate_unavailability({}, ended::at_time, sure);
    CHECK(nothing.upper == 1);
    auto const still_down = estimate_unavailability({1, 0, 1000h, 1h}, ended::at_time, sure);
    CHECK(still_down.lower > 0);
    CHECK(still_down.upper == 1);
    auto const one_sided =
        estimate_unavailability({3, 3, 1000h, 1h}, ended::at_time, confidence::upper(0.95));
    CHECK(one_sided.lower == 0);
    CHECK(one_sided.upper < 1);
}

TEST_CASE("estimates contain the truth as often as they say", "[availability]")
{
    // 2000 observations of a week each, mean time up 24 h, down 1 h, stopped by the clock.
    random_numbers random(41);
    auto const sure = confidence::two_sided(0.8);
    auto const exponential = [&](double mean) { return -mean * std::log1p(-random.uniform()); };
    using time_point = std::chrono::time_point<std::chrono::steady_clock, hours>;
    int up = 0, u = 0;
    constexpr int trials = 2000;
    for (int i = 0; i < trials; ++i) {
        recorder<time_point> r{time_point{}};
        double t = 0;
        for (;;) {
            t += exponential(24);
            if (t > 168) {
                break;
            }
            r.handle_down(time_point(hours(t)));
            t += exponential(1);
            if (t > 168) {
                break;
            }
            r.handle_up(time_point(hours(t)));
        }
        auto const h = r.until(time_point(hours(168)));
        up += estimate_mtbf(h, ended::at_time, sure).contains(mtbf(24h)) ? 1 : 0;
        u += estimate_unavailability(h, ended::at_time, sure).contains(unavailability(1 / 25.)) ? 1
                                                                                                : 0;
    }
    // At least 80 %, less three standard deviations (2.7 %); far above would mean a useless
    // interval.
    CHECK(up > 0.773 * trials);
    CHECK(up < 0.92 * trials);
    CHECK(u > 0.773 * trials);
    CHECK(u < 0.93 * trials);
    INFO("coverage of mtbf " << up << ", of unavailability " << u << " of " << trials);
    CHECK(true);
}
