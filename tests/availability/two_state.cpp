// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/two_state.hpp>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;
using wide = boost::multiprecision::cpp_bin_float_100;

TEST_CASE("two_state: published values", "[availability]")
{
    // fiabilipy documentation, api/system/component: l = 1e-4, m = 3e-2.
    two_state const unit(rate::per_hour(1e-4), rate::per_hour(3e-2));
    CHECK_THAT(unit.steady_state().value(), WithinRel(0.00332225913621263, 1e-14));
    CHECK_THAT(unit.at(1000h).availability(), WithinRel(0.996677740863788, 1e-15));
    CHECK_THAT(unit.at(1h).availability(), WithinRel(0.999901490012781, 1e-15));
    CHECK_THAT(unit.mean_until(100h).availability(), WithinRel(0.997727076214655, 1e-15));
    // A reader's first sum: MTBF 150 days, MTTR 1 hour are 1 / 3601 down.
    CHECK_THAT(two_state(mtbf(days(150)), mttr(1h)).steady_state().value(),
               WithinRel(1 / 3601., 1e-15));
    // SCRAM tests/expression_tests.cc, repairable component with l = 10, m = 100 and probability
    // 0.1 of a failed start: (10 - (10 - 0.1 * 110) e^{-550}) / 110 at t = 5.
    two_state const glm(rate::per_hour(10), rate::per_hour(100));
    double const g = 0.1;
    CHECK_THAT((1 - g) * glm.at(5h).value() + g * glm.at_after_failure(5h).value(),
               WithinRel((10 - (10 - 0.1 * 110) * std::exp(-550.)) / 110, 1e-14));
    CHECK_THAT((1 - g) * glm.at(36s).value() + g * glm.at_after_failure(36s).value(),
               WithinRel((10 - (10 - 0.1 * 110) * std::exp(-1.1)) / 110, 1e-14));
}

TEST_CASE("two_state: relative accuracy on U at every time and rate", "[availability]")
{
    random_numbers random(31);
    for (int i = 0; i < 500; ++i) {
        double const l = std::pow(10., -20 * random.uniform());
        double const m = std::pow(10., -6 * random.uniform());
        double const t = std::pow(10., 16 * random.uniform() - 8);
        CAPTURE(l, m, t);
        two_state const unit(rate::per_second(l), rate::per_second(m));
        wide const u = wide(l) / (wide(l) + wide(m));
        wide const x = (wide(l) + wide(m)) * wide(t);
        auto const near = [](double got, wide const& exact) {
            return static_cast<double>(abs(wide(got) / exact - 1)) < 2e-15;
        };
        REQUIRE(near(unit.steady_state().value(), u));
        REQUIRE(near(unit.at(duration(t)).value(), -u * expm1(-x)));
        REQUIRE(near(unit.mean_until(duration(t)).value(), u * (1 + expm1(-x) / x)));
        REQUIRE(near(unit.failure_frequency().per_second(), u * wide(m)));
    }
}

TEST_CASE("two_state: edges and laws", "[availability]")
{
    two_state const never_fails(rate{}, rate::per_hour(1));
    CHECK(never_fails.steady_state() == 0);
    CHECK(two_state(rate{}, rate{}).at(5h) == 0);
    two_state const never_repaired(rate::per_hour(1), rate{});
    CHECK(never_repaired.steady_state() == 1);
    CHECK_THAT(never_repaired.at(1h).value(), WithinRel(1 - std::exp(-1.), 1e-14));
    CHECK(never_repaired.failure_frequency() == rate{});

    two_state const unit(mtbf(10h), mttr(1h));
    CHECK(unit.at(0s) == 0);
    CHECK(unit.mean_until(0s) == 0);
    CHECK(unit.at_after_failure(0s) == 1);
    CHECK(unit.at(duration(detail::infinity)) == unit.steady_state());
    CHECK(unit.mean_until(duration(detail::infinity)) == unit.steady_state());
    for (double t = 0.25; t < 100; t *= 2) {
        CHECK(unit.at(hours(t)) <= unit.at(hours(2 * t)));
        CHECK(unit.mean_until(hours(t)) < unit.at(hours(t)));
        // Across the switch between series and closed form as well.
        CHECK(unit.mean_until(hours(t)) < unit.mean_until(hours(1.01 * t)));
    }
    CHECK_THROWS_AS(unit.at(-1s), std::invalid_argument);
    CHECK_THROWS_AS(two_state(mtbf(1h), mttr(0s)), std::invalid_argument);
}

TEST_CASE("two_state: computes in constant expressions", "[availability]")
{
    constexpr two_state unit(mtbf(720h), mttr(0.72h));
    static_assert(unavailability(unit) <= 1e-3 && whole_nines(unit) == 3);
    static_assert(unit.at(1h) < unit.steady_state());
    static_assert(unit.mean_until(1h) < unit.at(1h));
    SUCCEED();
}
