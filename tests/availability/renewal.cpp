// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/downtime.hpp>
#include <perdure/availability/renewal.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

TEST_CASE("renewal_unit: with exponential repair it is a two_state", "[availability]")
{
    struct row {
        double up, down, window, target;
    };
    row const rows[] = {{720, 0.72, 720, 1e-3},
                        {8760, 1, 8760, 1e-4},
                        {720, 0.72, 8640, 1e-3},
                        {10, 2, 50, 0.1},
                        {1e7, 0.5, 100, 0.3}};
    for (auto const& r : rows) {
        CAPTURE(r.up, r.down, r.window, r.target);
        two_state const simple(mtbf(hours(r.up)), mttr(hours(r.down)));
        renewal_unit const unit(rate::per(hours(r.up)), phase_type::exponential(hours(r.down)));
        CHECK_THAT(unit.steady_state().value(), WithinRel(simple.steady_state().value(), 1e-13));
        for (double t : {0.01, 1., 30.}) {
            CHECK_THAT(unit.at(hours(t)).value(), WithinRel(simple.at(hours(t)).value(), 1e-12));
        }
        downtime const d(simple, hours(r.window));
        unavailability const target(r.target);
        CHECK_THAT(unit.meets(target, hours(r.window)).value(),
                   WithinRel(d.meets(target).value(), 1e-11));
        CHECK_THAT(unit.more_down_than(target.downtime(hours(r.window)), hours(r.window)).value(),
                   WithinRel(d.misses(target).value(), 1e-11));
    }
}

TEST_CASE("renewal_unit: agrees with a simulated service with odd repairs", "[availability]")
{
    random_numbers random(131);
    auto const exponential = [&](double mean) { return -mean * std::log1p(-random.uniform()); };
    // Four of five repairs take two quick steps, the fifth needs a person.
    auto const repair = phase_type::mixture(probability(0.8), phase_type::erlang(2, 30min),
                                            phase_type::exponential(6h));
    renewal_unit const unit(rate::per(20h), repair);
    int within = 0, down_at_five = 0;
    constexpr int trials = 40000;
    for (int i = 0; i < trials; ++i) {
        bool up = true;
        double down = 0, left = 100;
        for (double t = 0; left > 0;) {
            double length = up                       ? exponential(20)
                            : random.uniform() < 0.8 ? exponential(0.25) + exponential(0.25)
                                                     : exponential(6);
            down_at_five += !up && t <= 5 && t + length > 5 ? 1 : 0;
            length = std::min(length, left);
            down += up ? 0 : length;
            t += length;
            left -= length;
            up = !up;
        }
        within += down <= 6 ? 1 : 0;
    }
    auto const near = [](int count, double p) {
        return std::abs(count / double(trials) - p) < 4 * std::sqrt(p * (1 - p) / trials);
    };
    CHECK(near(within, unit.at_most_down(6h, 100h).value()));
    CHECK(near(down_at_five, unit.at(5h).value()));
}

TEST_CASE("renewal_unit: the same mean repair, another promise", "[availability]")
{
    // Both are 0.1 % down in the long run. Repairs that are all alike spoil more months than rare
    // long ones.
    auto const meets = [](double variation) {
        return renewal_unit(rate::per(720h), phase_type::with_moments(43.2min, variation))
            .meets(unavailability(1e-3), 720h)
            .value();
    };
    CHECK(meets(0.1) < meets(1));
    CHECK(meets(1) < meets(10));
    CHECK_THAT(meets(1), WithinRel(0.6545627162141, 0.01));
}

TEST_CASE("renewal_unit: edges", "[availability]")
{
    renewal_unit const unit(rate::per(20h), phase_type::erlang(3, 1h));
    CHECK(unit.more_down_than(100h, 100h) == 0);
    CHECK(unit.at_most_down(100h, 100h) == 1);
    CHECK(unit.more_down_than(-1s, 100h) == 1);
    CHECK_THAT(unit.at_most_down(0s, 100h).value(), WithinRel(std::exp(-5.), 1e-12));
    CHECK(unit.at(0s) == 0);
    double sum = 0;
    for (double x = 0; x < 40; x += 0.5) {
        double const below = unit.at_most_down(hours(x), 100h).value();
        sum = below + unit.more_down_than(hours(x), 100h).value();
        REQUIRE_THAT(sum, WithinRel(1, 1e-12));
    }
    renewal_unit const never(rate{}, phase_type::exponential(1h));
    CHECK(never.steady_state() == 0);
    CHECK(never.more_down_than(1h, 100h) == 0);
    CHECK_THROWS_AS(unit.more_down_than(1h, 0h), std::invalid_argument);
    CHECK_THROWS_AS(unit.at(-1s), std::invalid_argument);
    renewal_unit const huge(rate::per(1s), phase_type::erlang(200, 1ms));
    CHECK_THROWS_AS(huge.more_down_than(hours(10), hours(1000)), std::length_error);
}
