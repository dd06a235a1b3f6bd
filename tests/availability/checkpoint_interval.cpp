// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/checkpoint_interval.hpp>

#include <boost/math/special_functions/lambert_w.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::published;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;
using wide = boost::multiprecision::cpp_bin_float_50;

TEST_CASE("checkpoint intervals: Daly's three figures", "[availability]")
{
    // J. T. Daly, FGCS 22 (2006), figures 3 to 5: save 5 min; 117 min, 57 min, 9.1 min. Then
    // restart 10 min.
    struct row {
        duration mtbf_;
        double young, daly, exact;
        published figure;
        double stretch, stretch_of_young;
    };
    row const rows[] = {
        {24h, 120, 116.6898148, 116.6900733, {"117"}, 1.09576356491, 1.09579832755},
        {6h, 60, 56.71296296, 56.714002, {"57"}, 1.22043281364, 1.22073878946},
        {15min, 12.24744871, 9.140919986, 9.166502821, {"9.1"}, 5.00831828987, 5.14703886424}};
    for (auto const& r : rows) {
        CAPTURE(r.mtbf_.count());
        mtbf const m(r.mtbf_);
        CHECK_THAT(young_interval(5min, m) / minutes(1), WithinRel(r.young, 1e-9));
        CHECK_THAT(daly_interval(5min, m) / minutes(1), WithinRel(r.daly, 1e-9));
        CHECK_THAT(optimal_interval(5min, m) / minutes(1), WithinRel(r.exact, 1e-8));
        CHECK(r.figure.agrees(daly_interval(5min, m) / minutes(1)));
        CHECK_THAT(expected_stretch(optimal_interval(5min, m), 5min, 10min, m),
                   WithinRel(r.stretch, 1e-11));
        CHECK_THAT(expected_stretch(young_interval(5min, m), 5min, 10min, m),
                   WithinRel(r.stretch_of_young, 1e-11));
    }
}

TEST_CASE("daly_interval: has its guard", "[availability]")
{
    CHECK(daly_interval(2h, mtbf(1h)) == 1h);
    CHECK(daly_interval(3h, mtbf(1h)) == 1h);
    CHECK(daly_interval(1h, mtbf(1h)) < 1h);
}

TEST_CASE("optimal_interval: solves the equation of Lambert's W to the last digits",
          "[availability]")
{
    random_numbers random(91);
    for (int i = 0; i < 200; ++i) {
        double const s = std::pow(10., 16 * random.uniform() - 14); // save / mtbf
        double const y = optimal_interval(duration(s), mtbf(duration(1))).count();
        // In 50 digits: the exact solution is near, by one Newton step from y.
        wide const exact =
            wide(y) - (-log1p(-wide(y)) - wide(y) - wide(s)) * (1 - wide(y)) / wide(y);
        CAPTURE(s, y);
        if (y < 0.999) {
            REQUIRE_THAT(y, WithinRel(static_cast<double>(exact), 1e-14));
        }
    }
    // Boost's W agrees where it has digits.
    CHECK_THAT(optimal_interval(1h, mtbf(1h)) / hours(1),
               WithinRel(1 + boost::math::lambert_w0(-std::exp(-2.)), 1e-14));
    CHECK_THAT(optimal_interval(100h, mtbf(1h)) / hours(1), WithinRel(1, 1e-14));
}

TEST_CASE("optimal_interval: is the minimum, and a flat one", "[availability]")
{
    for (auto m : {mtbf(24h), mtbf(6h), mtbf(15min)}) {
        auto const best = optimal_interval(5min, m);
        double const least = expected_stretch(best, 5min, 10min, m);
        for (double factor : {0.5, 0.7, 0.99, 1.01, 1.3, 2.}) {
            CHECK(expected_stretch(factor * best, 5min, 10min, m) > least);
        }
        // 30 % off costs 0.3 to 1.0 % at 24 h and 6 h, 2 to 4 % at 15 min; a factor of 2 off 2 to
        // 4 % and 14 to 19 %.
        bool const rare = m > mtbf(1h);
        for (double factor : {0.7, 1.3}) {
            double const cost = expected_stretch(factor * best, 5min, 10min, m) / least - 1;
            CHECK(cost > (rare ? 0.002 : 0.02));
            CHECK(cost < (rare ? 0.01 : 0.04));
        }
        for (double factor : {0.5, 2.}) {
            double const cost = expected_stretch(factor * best, 5min, 10min, m) / least - 1;
            CHECK(cost > (rare ? 0.015 : 0.13));
            CHECK(cost < (rare ? 0.045 : 0.2));
        }
    }
}

TEST_CASE("expected_stretch: agrees with a simulated run", "[availability]")
{
    random_numbers random(92);
    double const m = 60, interval = 20, save = 3, restart = 5; // minutes
    double t = 0;
    constexpr int rounds = 40000;
    auto const next = [&] { return -m * std::log1p(-random.uniform()); };
    for (int i = 0; i < rounds; ++i) {
        double failure = next();
        while (failure < interval + save) {
            t += failure;
            for (failure = next(); failure < restart; failure = next()) {
                t += failure;
            }
            t += restart;
            failure = next();
        }
        t += interval + save;
    }
    double const stretch =
        expected_stretch(minutes(interval), minutes(save), minutes(restart), mtbf(minutes(m)));
    CHECK_THAT(t / (rounds * interval), WithinRel(stretch, 0.01));
}

TEST_CASE("optimal_interval: carries the interval of the MTBF", "[availability]")
{
    estimate<mtbf> const measured{mtbf(24h), mtbf(12h), mtbf::infinite(), confidence::lower(0.9)};
    auto const e = optimal_interval(5min, measured);
    CHECK(e.value == optimal_interval(5min, mtbf(24h)));
    CHECK(e.lower == optimal_interval(5min, mtbf(12h)));
    CHECK(e.upper.count() == detail::infinity);
}

TEST_CASE("snapshot_interval: quick replay allows rare snapshots", "[availability]")
{
    CHECK(snapshot_interval(5min, mtbf(24h), 1) == young_interval(5min, mtbf(24h)));
    CHECK_THAT(snapshot_interval(5min, mtbf(24h), 0.01) / young_interval(5min, mtbf(24h)),
               WithinRel(10, 1e-14));
    CHECK_THROWS_AS(snapshot_interval(5min, mtbf(24h), 0), std::invalid_argument);
}

TEST_CASE("two-level: one level is the case without near failures", "[availability]")
{
    two_level_costs c{1s, 5min, 1s, 10min, rate{}, rate::per(6h)};
    for (double minutes_ : {5., 60., 200.}) {
        CHECK_THAT(expected_stretch(c, minutes(minutes_), 1),
                   WithinRel(expected_stretch(minutes(minutes_), 5min, 10min, mtbf(6h)), 1e-12));
    }
    auto const plan = optimal_two_level(c);
    CHECK(plan.far_every == 1);
    CHECK_THAT(plan.interval / optimal_interval(5min, mtbf(6h)), WithinRel(1, 1e-6));
}

TEST_CASE("two-level: agrees with a simulated run", "[availability]")
{
    random_numbers random(93);
    two_level_costs const c{1min, 6min, 2min, 12min, rate::per(60min), rate::per(300min)};
    double const all = 1 / 60. + 1 / 300.;
    auto const next = [&] { return -std::log1p(-random.uniform()) / all; };
    constexpr unsigned n = 4;
    double t = 0;
    constexpr int rounds = 10000;
    for (int i = 0; i < rounds; ++i) {
        for (unsigned segment = 0; segment < n;) {
            double const s = 10 + (segment + 1 == n ? 6 : 1);
            double failure = next();
            if (failure >= s) {
                t += s;
                ++segment;
                continue;
            }
            t += failure;
            bool const far = random.uniform() < (1 / 300.) / all;
            double const restart = far ? 12 : 2;
            for (failure = next(); failure < restart; failure = next()) {
                t += failure;
            }
            t += restart;
            segment = far ? 0 : segment;
        }
    }
    CHECK_THAT(t / (rounds * n * 10.), WithinRel(expected_stretch(c, 10min, n), 0.01));
}

TEST_CASE("optimal_two_level: beats its neighbours and one level alone", "[availability]")
{
    two_level_costs const c{2s, 5min, 5s, 10min, rate::per(2h), rate::per(48h)};
    auto const plan = optimal_two_level(c);
    CAPTURE(plan.far_every, plan.interval.count(), plan.stretch);
    CHECK(plan.far_every > 1);
    for (double factor : {0.9, 1.1}) {
        CHECK(expected_stretch(c, factor * plan.interval, plan.far_every) > plan.stretch);
    }
    CHECK(expected_stretch(c, plan.interval, plan.far_every + 5) > plan.stretch);
    CHECK(expected_stretch(c, plan.interval, plan.far_every - 5) > plan.stretch);
    // All failures served by the far copy alone:
    mtbf const all = mtbf_of(c.near_failures + c.far_failures);
    CHECK(plan.stretch < expected_stretch(optimal_interval(5min, all), 5min, 10min, all));
    // Near the first-order optimum: sqrt(2 * 2 s * 2 h) = 170 s of near interval, far every 2.7 h.
    CHECK_THAT(plan.interval.count(), WithinRel(std::sqrt(2. * 2 * 7200), 0.1));
    CHECK_THAT((plan.interval * plan.far_every).count(),
               WithinRel(std::sqrt(2. * 300 * 172800), 0.1));
}

TEST_CASE("checkpoint intervals: refuse what has no optimum", "[availability]")
{
    CHECK(message_of<std::invalid_argument>([] {
              young_interval(0s, mtbf(1h));
          }).find("save is 0") == 0);
    CHECK_THROWS_AS(optimal_interval(1s, mtbf::infinite()), std::invalid_argument);
    CHECK_THROWS_AS(optimal_interval(1s, mtbf(0s)), std::invalid_argument);
    CHECK_THROWS_AS(expected_stretch(0s, 1s, 1s, mtbf(1h)), std::invalid_argument);
    two_level_costs c{1s, 1s, 1s, 1s, rate::per(1h), rate{}};
    CHECK_THROWS_AS(optimal_two_level(c), std::invalid_argument);
    c.far_failures = rate::per(1h);
    CHECK_THROWS_AS(expected_stretch(c, 1s, 0), std::invalid_argument);
    c.near_save = 0s;
    CHECK_THROWS_AS(optimal_two_level(c), std::invalid_argument);
}
