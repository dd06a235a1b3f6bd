// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/posterior.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

TEST_CASE("rate_posterior: Jeffreys' interval of a rate", "[availability]")
{
    rate_posterior const p(10, 100h);
    CHECK_THAT(p.mean().per_hour(), WithinRel(0.105, 1e-14));
    // Half of the chi-squared quantiles with 21 degrees of freedom: 10.28290 and 35.47888.
    CHECK_THAT(p.quantile(0.025).per_hour(), WithinRel(10.282897782522859 / 200, 1e-13));
    CHECK_THAT(p.quantile(0.975).per_hour(), WithinRel(35.478875905727255 / 200, 1e-13));
    CHECK(rate_posterior(0, 100h).quantile(0.5) > rate{});
    CHECK_THROWS_AS(rate_posterior(1, 0h), std::invalid_argument);
    CHECK_THROWS_AS(rate_posterior(-1, 1h), std::invalid_argument);
}

TEST_CASE("rate_posterior: an assumption fades with the data", "[availability]")
{
    auto const assumed = rate::per(10h);
    CHECK_THAT(rate_posterior(0, 0h, assumed, 1).mean().per_hour(), WithinRel(0.1, 1e-14));
    CHECK_THAT(rate_posterior(1, 30h, assumed, 1).mean().per_hour(), WithinRel(2 / 40., 1e-14));
    CHECK_THAT(rate_posterior(1000, 30000h, assumed, 1).mean().per_hour(),
               WithinRel(1 / 30., 1e-3));
    CHECK_THROWS_AS(rate_posterior(0, 0h, assumed, 0), std::invalid_argument);
}

TEST_CASE("probability_posterior: Jeffreys' interval of a proportion", "[availability]")
{
    probability_posterior const p(7, 50);
    CHECK_THAT(p.quantile(0.025).value(), WithinRel(0.0648717011505, 1e-11));
    CHECK_THAT(p.quantile(0.975).value(), WithinRel(0.255325028156, 1e-11));
    CHECK_THAT(p.mean().value(), WithinRel(7.5 / 51, 1e-14));
    CHECK_THROWS_AS(probability_posterior(2, 1), std::invalid_argument);
}

TEST_CASE("unavailability_posterior: without data it is the plan", "[availability]")
{
    assumption const before{two_state(mtbf(720h), mttr(1h)), 3};
    unavailability_posterior const p({}, before);
    CHECK_THAT(p.value().value(), WithinRel(1 / 721., 1e-14));
    // Equal shapes: the odds' median is the plan's.
    CHECK_THAT(p.quantile(0.5).value(), WithinRel(1 / 721., 1e-12));
    CHECK(p.quantile(0.05) < p.quantile(0.95));
    CHECK_THAT(p.unit().failures().mean() / hours(1), WithinRel(720, 1e-14));
}

TEST_CASE("unavailability_posterior: with much data it is the exact interval", "[availability]")
{
    // r complete cycles and hardly any prior: the F interval.
    assumption const hardly{two_state(mtbf(1000h), mttr(1h)), 1e-9};
    unavailability_posterior const p(evidence(5, 5, 1000h, 1h), hardly);
    CHECK_THAT(p.quantile(0.025).value(), WithinRel(0.0002689768649, 1e-6));
    CHECK_THAT(p.quantile(0.975).value(), WithinRel(0.003703028478, 1e-6));
    CHECK_THAT(p.value().value(), WithinRel(1 / 1001., 1e-7));
    // Far smaller ones keep their digits.
    unavailability_posterior const tiny(evidence(5, 5, 1e27 * 1000h, 1h), hardly);
    CHECK_THAT(tiny.quantile(0.025).value(),
               WithinRel(0.0002689768649 / (1 - 0.0002689768649) * 1e-27, 1e-6));
    CHECK_THROWS_AS(unavailability_posterior({}, {two_state(rate{}, rate::per(1h)), 1}),
                    std::invalid_argument);
    CHECK_THROWS_AS(unavailability_posterior({}, {two_state(rate::per(1h), rate{}), 1}),
                    std::invalid_argument);
    CHECK_THROWS_AS(unavailability_posterior({}, {two_state(mtbf(1h), mttr(1h)), 0}),
                    std::invalid_argument);
}

TEST_CASE("unavailability_posterior: covers about as often as it says, if the plan is right",
          "[availability]")
{
    random_numbers random(161);
    auto const exponential = [&](double mean) { return -mean * std::log1p(-random.uniform()); };
    int covered = 0;
    constexpr int trials = 1000;
    assumption const plan{two_state(mtbf(24h), mttr(1h)), 0.5};
    for (int i = 0; i < trials; ++i) {
        evidence seen;
        for (double t = 0; t < 300;) {
            double const up = exponential(24), down = exponential(1);
            seen.failures += 1;
            seen.repairs += 1;
            seen.up += hours(up);
            seen.down += hours(down);
            t += up + down;
        }
        unavailability_posterior const p(seen, plan);
        covered += p.quantile(0.1) < 1 / 25. && p.quantile(0.9) > 1 / 25. ? 1 : 0;
    }
    CHECK(std::abs(covered / double(trials) - 0.8) < 0.06);
}
