// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/periodic_test.hpp>
#include <perdure/availability/two_state.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::random_numbers;
using perdure::tests::WithinAbs;
using perdure::tests::WithinRel;

namespace {

periodic_test unit(double l, double m, double every, double first, double finds = 1)
{
    return {rate::per_hour(l), rate::per_hour(m), hours(every), hours(first), probability(finds)};
}

} // namespace

TEST_CASE("periodic_test: SCRAM's values", "[availability]")
{
    // SCRAM tests/expression_tests.cc, periodic test with 5 arguments, to its 1e-5.
    auto const at = [](double m, double every) {
        return unit(7e-4, m, every, 4740).at(8760h).value();
    };
    CHECK_THAT(at(4e-4, 4020), WithinAbs(0.817508, 1e-6));
    CHECK_THAT(at(4e-4, 2010), WithinAbs(0.736611, 1e-6));
    CHECK_THAT(at(4e-4, 120), WithinAbs(0.645377, 1e-6));
    CHECK_THAT(at(7e-4, 120), WithinAbs(0.511579, 1e-6));
    CHECK_THAT(at(0, 120), WithinAbs(0.997828, 1e-6));
    // Rates that are nearly equal are no worse than equal ones.
    CHECK_THAT(at(7e-4 * (1 + 1e-15), 120), WithinRel(at(7e-4, 120), 1e-12));
    CHECK_THAT(at(7e-4 * (1 + 1e-9), 120), WithinRel(at(7e-4, 120), 1e-8));
}

TEST_CASE("periodic_test: before the first test it is a unit that is never repaired",
          "[availability]")
{
    for (double t : {0., 1e-6, 10., 4739.}) {
        CHECK_THAT(unit(7e-4, 4e-4, 100, 4740).at(hours(t)).value(),
                   WithinRel(-std::expm1(-7e-4 * t), 1e-14));
    }
    // SCRAM tests/risk_analysis_tests.cc: a year at 1e-5 has the mean 0.04255.
    CHECK_THAT(unit(1e-5, 1, 1e6, 1e6).mean_until(8760h).value(), WithinAbs(0.04255, 5e-6));
    CHECK_THAT(unit(1e-5, 1, 1e6, 1e6).mean_until(8760h).value(),
               WithinRel(two_state(rate::per_hour(1e-5), rate{}).mean_until(8760h).value(), 1e-13));
}

TEST_CASE("periodic_test: frequent tests make it a repairable unit", "[availability]")
{
    auto const often = unit(1e-2, 0.5, 1e-3, 1e-3);
    two_state const seen(rate::per_hour(1e-2), rate::per_hour(0.5));
    CHECK_THAT(often.at(20h).value(), WithinRel(seen.at(20h).value(), 1e-3));
    CHECK_THAT(often.mean_until(20h).value(), WithinRel(seen.mean_until(20h).value(), 1e-3));
}

TEST_CASE("periodic_test: the rule of thumb, l every / 2 + l / m", "[availability]")
{
    CHECK_THAT(unit(1e-7, 0.1, 720, 720).mean_until(72000h).value(),
               WithinRel(1e-7 * 720 / 2 + 1e-7 / 0.1 * 0.99, 1e-3));
    // Tests that overlook half of the failures leave them for about one and a half intervals.
    double const all = unit(1e-9, 10, 720, 720).mean_until(720000h).value();
    double const half = unit(1e-9, 10, 720, 720, 0.5).mean_until(720000h).value();
    CHECK_THAT(half / all, WithinRel(3, 0.01));
    CHECK_THAT(unit(1e-3, 10, 720, 720, 0).at(5000h).value(), WithinRel(-std::expm1(-5.), 1e-13));
}

TEST_CASE("periodic_test: agrees with a simulated unit", "[availability]")
{
    random_numbers random(191);
    auto const exponential = [&](double mean) { return -mean * std::log1p(-random.uniform()); };
    auto const model = unit(1 / 30., 1 / 8., 20, 5, 0.8);
    int down = 0;
    constexpr int trials = 40000;
    for (int i = 0; i < trials; ++i) {
        double fails = exponential(30), back = -1;
        bool failed = false;
        for (double test = 5; test <= 97; test += 20) {
            if (back > 0 && back <= test) { // up again, and perhaps failed again
                fails = back + exponential(30);
                back = -1;
            }
            failed = back < 0 && fails <= test;
            if (failed && random.uniform() < 0.8) {
                back = test + exponential(8);
                failed = false;
            }
        }
        if (back > 0 && back <= 97) {
            fails = back + exponential(30);
            back = -1;
        }
        down += back > 97 || (back < 0 && fails <= 97) ? 1 : 0;
    }
    double const p = model.at(97h).value();
    CHECK(std::abs(down / double(trials) - p) < 4 * std::sqrt(p * (1 - p) / trials));
}

TEST_CASE("periodic_test: the mean is that of its values, and edges", "[availability]")
{
    auto const model = unit(1e-2, 2, 50, 13);
    double sum = 0;
    for (int i = 0; i < 40000; ++i) {
        sum += model.at(hours((i + 0.5) / 100)).value();
    }
    CHECK_THAT(model.mean_until(400h).value(), WithinRel(sum / 40000, 1e-6));
    CHECK(model.at(0h) == 0);
    CHECK(model.mean_until(0h) == 0);
    CHECK(unit(0, 1, 10, 10).at(100h) == 0);
    CHECK(unit(1e6, 1e-6, 10, 10).at(100h) > 0.999);
    CHECK_THROWS_AS(unit(1, 1, 0, 1), std::invalid_argument);
    CHECK_THROWS_AS(unit(1, 1, 1, -1), std::invalid_argument);
    CHECK_THROWS_AS(unit(1, 1, 1e-6, 0).at(100h), std::invalid_argument);
    CHECK_THROWS_AS(model.at(-1s), std::invalid_argument);
}
