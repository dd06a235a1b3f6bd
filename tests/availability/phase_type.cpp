// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/phase_type.hpp>

#include <boost/math/special_functions/gamma.hpp>

#include <array>
#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::WithinAbs;
using perdure::tests::WithinRel;

TEST_CASE("phase_type: exponential and Erlang have their closed forms", "[availability]")
{
    for (unsigned stages : {1U, 2U, 7U, 40U, 256U}) {
        auto const p = phase_type::erlang(stages, 10min);
        CAPTURE(stages);
        CHECK_THAT(p.mean() / minutes(1), WithinRel(10, 1e-13));
        CHECK_THAT(p.variation_squared(), WithinRel(1. / stages, 1e-10));
        for (double t : {0.5, 5., 10., 20., 40.}) {
            double const below = boost::math::gamma_p(double(stages), stages * t / 10);
            double const above = boost::math::gamma_q(double(stages), stages * t / 10);
            CAPTURE(t, below, above);
            if (below > 1e-290) {
                CHECK_THAT(p.within(minutes(t)).value(), WithinRel(below, 1e-11));
            }
            CHECK_THAT(p.longer_than(minutes(t)).value(), WithinAbs(above, 1e-12));
        }
    }
}

TEST_CASE("phase_type: phases in a row, also with equal means", "[availability]")
{
    // Two different phases: 1 - (b e^{-at} - a e^{-bt}) / (b - a).
    std::array<duration, 2> const means = {1h, 15min};
    auto const p = phase_type::sequence(means);
    double const a = 1, b = 4;
    for (double t : {0.01, 0.3, 1., 5.}) {
        double const exact = 1 - (b * std::exp(-a * t) - a * std::exp(-b * t)) / (b - a);
        CHECK_THAT(p.within(hours(t)).value(), WithinRel(exact, t < 0.1 ? 1e-10 : 1e-13));
    }
    std::array<duration, 3> const same = {1h, 1h, 1h};
    CHECK_THAT(phase_type::sequence(same).within(2h).value(),
               WithinRel(phase_type::erlang(3, 3h).within(2h).value(), 1e-14));
    CHECK_THROWS_AS(phase_type::sequence({}), std::invalid_argument);
    // A phase a billion times shorter than the other does no harm.
    std::array<duration, 2> const stiff = {1h, 3600ns};
    CHECK_THAT(phase_type::sequence(stiff).within(1h).value(), WithinRel(1 - std::exp(-1.), 1e-8));
}

TEST_CASE("phase_type: mixtures and sums", "[availability]")
{
    auto const quick = phase_type::exponential(1min);
    auto const person = phase_type::erlang(3, 2h);
    auto const repair = phase_type::mixture(probability(0.9), quick, person);
    CHECK_THAT(repair.mean() / minutes(1), WithinRel(0.9 + 12, 1e-13));
    for (auto t : {duration(30s), duration(10min), duration(3h)}) {
        CHECK_THAT(
            repair.within(t).value(),
            WithinRel(0.9 * quick.within(t).value() + 0.1 * person.within(t).value(), 1e-13));
    }
    auto const both = repair + quick;
    CHECK(both.size() == repair.size() + 1);
    CHECK_THAT(both.mean() / minutes(1), WithinRel(13.9, 1e-13));
    // Variances of independent times add up.
    auto const variance = [](phase_type const& p) {
        return p.variation_squared() * std::pow(p.mean().count(), 2);
    };
    CHECK_THAT(variance(both), WithinRel(variance(repair) + variance(quick), 1e-12));
}

TEST_CASE("phase_type: takes a measured mean and variance", "[availability]")
{
    for (double c : {1 / 256., 0.011, 0.2, 0.25, 0.3, 0.5, 0.7, 0.999, 1., 1.001, 2., 50., 1e9}) {
        auto const p = phase_type::with_moments(17min, c);
        CAPTURE(c, p.size());
        CHECK_THAT(p.mean() / minutes(1), WithinRel(17, 1e-11));
        CHECK_THAT(p.variation_squared(), WithinRel(c, 1e-8));
    }
    CHECK(phase_type::with_moments(1s, 1).size() == 1);
    CHECK_THROWS_AS(phase_type::with_moments(1s, 0.001), std::invalid_argument);
    CHECK_THROWS_AS(phase_type::with_moments(0s, 1), std::invalid_argument);
}

TEST_CASE("phase_type: is a distribution, and its quantile inverts it", "[availability]")
{
    auto const p = phase_type::mixture(probability(0.7), phase_type::erlang(5, 1min),
                                       phase_type::exponential(30min));
    double before = 0;
    for (double t = 0; t < 300; t += 1.5) {
        double const below = p.within(minutes(t)).value();
        REQUIRE(below >= before);
        REQUIRE_THAT(below + p.longer_than(minutes(t)).value(), WithinRel(1, 1e-12));
        before = below;
    }
    for (double sure : {1e-9, 0.01, 0.5, 0.99, 0.9999999}) {
        CAPTURE(sure);
        auto const t = p.quantile(sure);
        if (sure < 0.5) {
            CHECK_THAT(p.within(t).value(), WithinRel(sure, 1e-9));
        } else {
            CHECK_THAT(p.longer_than(t).value(), WithinRel(1 - sure, 1e-8));
        }
    }
    CHECK(p.within(0s) == 0);
    CHECK(p.within(-1s) == 0);
    CHECK(p.longer_than(0s) == 1);
    CHECK_THAT(phase_type::exponential(1h).quantile(0.5) / hours(1),
               WithinRel(std::log(2.), 1e-11));
    CHECK_THROWS_AS(p.quantile(1), std::invalid_argument);
    CHECK_THROWS_AS(phase_type::erlang(0, 1s), std::invalid_argument);
    CHECK_THROWS_AS(phase_type::erlang(256, 1s) + phase_type::exponential(1s),
                    std::invalid_argument);
}
