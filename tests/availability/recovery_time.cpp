// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/recovery_time.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::random_numbers;
using perdure::tests::WithinAbs;
using perdure::tests::WithinRel;

TEST_CASE("recovery_time: fixed and even phases have their closed forms", "[availability]")
{
    recovery_time const r({detection_phase(100ms, 500ms), fixed_phase("decision", 20ms)});
    CHECK_THAT(r.mean().count(), WithinRel(0.47, 1e-14));
    CHECK(r.within(420ms) == 0);
    CHECK_THAT(r.within(470ms).value(), WithinRel(0.5, 1e-12));
    CHECK(r.within(520ms) == 1);
    CHECK_THAT(r.quantile(0.9).count(), WithinRel(0.51, 1e-8));
    recovery_time const fixed({fixed_phase("all", 3s)});
    CHECK(fixed.within(duration(2.999)) == 0);
    CHECK(fixed.within(3s) == 1);
    CHECK(fixed.quantile(0.01) == 3s);
    CHECK(fixed.quantile(0.99) == 3s);
}

TEST_CASE("recovery_time: an even and a random phase together", "[availability]")
{
    // P(U + X <= t) with U on [0, w] and X exponential: the mean of 1 - e^{-(t-u)/m} over u.
    double const w = 2, m = 3;
    recovery_time const r(
        {uniform_phase("replay", 0s, 2s), random_phase("restart", phase_type::exponential(3s))});
    auto const exact = [&](double t) {
        double const u = std::min(t, w);
        return (u - m * (std::exp(-(t - u) / m) - std::exp(-t / m))) / w;
    };
    for (double t : {0.1, 1., 2., 5., 30.}) {
        CHECK_THAT(r.within(duration(t)).value(), WithinAbs(exact(t), 1e-10));
    }
    CHECK_THAT(r.within(r.quantile(0.99)).value(), WithinRel(0.99, 1e-8));
}

TEST_CASE("recovery_time: agrees with simulated recoveries of all kinds of phases",
          "[availability]")
{
    random_numbers random(141);
    auto const exponential = [&](double mean) { return -mean * std::log1p(-random.uniform()); };
    std::vector<duration> const loads = {200ms, 300ms, 900ms};
    recovery_time const predicted({detection_phase(200ms, 1s), fixed_phase("decision", 10ms),
                                   measured_phase("load", loads), replaying_phase(50e6, 100e6),
                                   random_phase("catch-up", phase_type::erlang(2, 400ms))});
    std::vector<duration> took;
    double sum = 0;
    for (int i = 0; i < 20000; ++i) {
        double const t = 0.8 + 0.2 * random.uniform() + 0.01 + loads[random.below(3)].count() +
                         0.5 * random.uniform() + exponential(0.2) + exponential(0.2);
        took.emplace_back(t);
        sum += t;
    }
    CHECK_THAT(predicted.mean().count(), WithinRel(sum / 20000, 0.01));
    auto const check = check_prediction(predicted, took);
    CHECK(check.distance < 0.015);
    CHECK(check.p_value > 0.001);
    // A prediction that forgets a phase is refuted by 200 recoveries.
    recovery_time const hasty({detection_phase(200ms, 1s), measured_phase("load", loads),
                               random_phase("catch-up", phase_type::erlang(2, 400ms))});
    took.resize(200);
    CHECK(check_prediction(hasty, took).p_value < 1e-6);
    CHECK(check_prediction(predicted, took).p_value > 0.001);
}

TEST_CASE("check_prediction: false doubts are as rare as they should be", "[availability]")
{
    random_numbers random(142);
    recovery_time const predicted({random_phase("all", phase_type::exponential(1s))});
    int doubted = 0;
    constexpr int trials = 1000;
    for (int i = 0; i < trials; ++i) {
        std::vector<duration> took;
        for (int j = 0; j < 20; ++j) {
            took.emplace_back(-std::log1p(-random.uniform()));
        }
        doubted += check_prediction(predicted, took).p_value < 0.1 ? 1 : 0;
    }
    CHECK_THAT(doubted / double(trials), WithinAbs(0.1, 0.035));
}

TEST_CASE("recovery_time: several spreads are a little coarse, as documented", "[availability]")
{
    // The sum of two uniforms on [0, 1] is within 1 with probability 1/2, within 0.5 with 1/8.
    recovery_time const r({uniform_phase("a", 0s, 1s), uniform_phase("b", 0s, 1s)});
    CHECK_THAT(r.within(1s).value(), WithinAbs(0.5, 1e-3));
    CHECK_THAT(r.within(500ms).value(), WithinAbs(0.125, 1e-3));
    CHECK(r.within(2s) == 1);
}

TEST_CASE("recovery_time: refuses what cannot be", "[availability]")
{
    auto const refused = [](recovery_phase phase) {
        return message_of<std::invalid_argument>([&] { recovery_time({phase}); });
    };
    CHECK(refused(fixed_phase("load", -1s)).find("the phase 'load'") == 0);
    CHECK(refused(uniform_phase("replay", 2s, 1s)).find("the phase 'replay'") == 0);
    CHECK(refused(measured_phase("x", {1s, -1s})).find("the phase 'x'") == 0);
    CHECK_THROWS_AS(detection_phase(2s, 1s), std::invalid_argument);
    CHECK_THROWS_AS(loading_phase(1, 0), std::invalid_argument);
    CHECK_THROWS_AS(replaying_phase(-1, 1), std::invalid_argument);
    std::vector<duration> const many(2000, 1s);
    CHECK_THROWS_AS(recovery_time({measured_phase("a", many), measured_phase("b", many)}),
                    std::length_error);
    CHECK_THROWS_AS(check_prediction(recovery_time({fixed_phase("a", 1s)}), {}),
                    std::invalid_argument);
    CHECK(recovery_time({}).within(0s) == 1);
}
