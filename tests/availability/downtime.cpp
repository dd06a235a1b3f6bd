// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/downtime.hpp>

#include <algorithm>
#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

namespace {

two_state unit(double mtbf_hours, double mttr_hours)
{
    return two_state(mtbf(hours(mtbf_hours)), mttr(hours(mttr_hours)));
}

} // namespace

TEST_CASE("downtime: probability of meeting an SLO in a window", "[availability]")
{
    // Derived twice independently: by this sum and by quadrature of Takacs' integral.
    struct row {
        double up, down, window, target, meets;
    };
    row const rows[] = {
        {720, 0.72, 720, 1e-3, 0.6545627162141},   {720, 0.5, 720, 1e-3, 0.73821861961427},
        {2160, 2, 720, 1e-3, 0.79098976129546},    {8760, 1, 8760, 1e-4, 0.6266361398686},
        {1440, 0.25, 720, 5e-4, 0.87231928559101}, {720, 0.72, 8640, 1e-3, 0.54191668683488}};
    for (auto const& r : rows) {
        CAPTURE(r.up, r.down, r.window, r.target);
        downtime const d(unit(r.up, r.down), hours(r.window));
        CHECK_THAT(d.meets(unavailability(r.target)).value(), WithinRel(r.meets, 1e-13));
        CHECK_THAT(d.misses(unavailability(r.target)).value(), WithinRel(1 - r.meets, 1e-12));
    }
}

TEST_CASE("downtime: agrees with the integral of Takacs", "[availability]")
{
    // P(D <= x) = e^{-ly} (1 + sqrt(l m y) int_0^x e^{-m s} s^{-1/2} I_1(2 sqrt(l m y s)) ds) with
    // y = T - x, by the substitution s = v^2 and Simpson's rule.
    double const l = 1 / 720., m = 1 / 0.72, window = 720, x = 0.72, y = window - x;
    double const c = 2 * std::sqrt(l * m * y);
    auto const f = [&](double v) {
        return 2 * std::exp(-m * v * v) * std::cyl_bessel_i(1., c * v);
    };
    int const steps = 2000;
    double const top = std::sqrt(x), h = top / steps;
    double sum = f(0) + f(top);
    for (int i = 1; i < steps; ++i) {
        sum += (i % 2 == 1 ? 4 : 2) * f(i * h);
    }
    double const takacs = std::exp(-l * y) * (1 + std::sqrt(l * m * y) * sum * h / 3);
    CHECK_THAT(downtime(unit(720, 0.72), 720h).at_most(0.72h).value(), WithinRel(takacs, 1e-10));
}

TEST_CASE("downtime: agrees with a simulated service", "[availability]")
{
    random_numbers random(61);
    auto const exponential = [&](double mean) { return -mean * std::log1p(-random.uniform()); };
    constexpr int trials = 20000;
    for (auto start : {starting::up, starting::down, starting::steady}) {
        downtime const d(unit(10, 2), 50h, start);
        int within = 0;
        double total = 0;
        for (int i = 0; i < trials; ++i) {
            bool up =
                start == starting::up || (start == starting::steady && random.uniform() > 2 / 12.);
            double down = 0;
            for (double t = 0; t < 50;) {
                double const length = std::min(exponential(up ? 10 : 2), 50 - t);
                down += up ? 0 : length;
                t += length;
                up = !up;
            }
            within += down <= 7 ? 1 : 0;
            total += down;
        }
        double const p = d.at_most(7h).value();
        CAPTURE(static_cast<int>(start), p);
        CHECK(std::abs(within / double(trials) - p) < 4 * std::sqrt(p * (1 - p) / trials));
        CHECK(std::abs(total / trials - d.mean() / hours(1)) < 0.15);
    }
}

TEST_CASE("downtime: is a distribution", "[availability]")
{
    for (auto start : {starting::up, starting::down, starting::steady}) {
        downtime const d(unit(100, 3), 720h, start);
        double before = d.at_most(-1s).value();
        CHECK(before == 0);
        double mean = 0;
        for (double x = 0; x < 720; x += 0.25) {
            double const below = d.at_most(hours(x)).value();
            double const above = d.more_than(hours(x)).value();
            REQUIRE(below >= before * (1 - 1e-14));
            REQUIRE(std::abs(below + above - 1) < 1e-13);
            mean += (above + d.more_than(hours(x + 0.25)).value()) / 2 * 0.25;
            before = below;
        }
        CHECK(d.at_most(720h) == 1);
        CHECK(d.more_than(720h) == 0);
        // The area above the distribution is its mean.
        CHECK_THAT(mean, WithinRel(d.mean() / hours(1), 1e-4));
    }
    CHECK_THAT(downtime(unit(100, 3), 720h).none().value(), WithinRel(std::exp(-7.2), 1e-13));
}

TEST_CASE("downtime: the far tail keeps its digits", "[availability]")
{
    // One failure in a million hours: P(D > x) is, to first order, l (T - x) e^{-m x}.
    downtime const d(unit(1e12, 1), 100h);
    CHECK_THAT(d.more_than(20h).value(), WithinRel(80e-12 * std::exp(-20.), 1e-9));
    CHECK_THAT(d.more_than(duration(0)).value(), WithinRel(-std::expm1(-1e-10), 1e-13));
}

TEST_CASE("downtime: quantile and promise", "[availability]")
{
    downtime const d(unit(720, 0.72), 720h);
    for (double sure : {0.5, 0.9, 0.95, 0.999999}) {
        auto const x = d.quantile(sure);
        CAPTURE(sure, x.count());
        CHECK_THAT(d.more_than(x).value(), WithinRel(1 - sure, 1e-9));
    }
    // No outage at all has probability e^-1 = 0.37: that much can be promised without any budget.
    CHECK(d.quantile(0.36) == duration(0));
    CHECK(d.quantile(0.37) > duration(0));
    auto const honest = promise(unit(720, 0.72), 720h, 0.95);
    CHECK(honest > unit(720, 0.72).steady_state());
    CHECK_THAT(d.meets(honest).value(), WithinRel(0.95, 1e-9));
}

TEST_CASE("probability_of_missing: what is burnt is gone", "[availability]")
{
    auto const service = unit(720, 0.5);
    unavailability const target(1e-3);
    auto const missing = [&](duration elapsed, duration down, bool up = true) {
        return probability_of_missing(service, target, 720h, {elapsed, down, up}).value();
    };
    CHECK_THAT(missing(0h, 0h), WithinRel(1 - 0.73821861961427, 1e-12));
    CHECK(missing(360h, 0h) < missing(0h, 0h));
    CHECK(missing(360h, 0.3h) > missing(360h, 0h));
    CHECK(missing(360h, 0.3h, false) > missing(360h, 0.3h));
    CHECK(missing(360h, 0.7201h) == 1);
    CHECK(missing(720h, 0.7h) == 0);
    // Down now with x left: it is missed unless the repair comes in time, and nearly only then.
    CHECK(missing(719h, 0.22h, false) >= std::exp(-0.5 / 0.5));
    CHECK(missing(719h, 0.22h, false) < std::exp(-0.5 / 0.5) + 0.002);
    CHECK(message_of<std::invalid_argument>([&] { missing(721h, 0h); }).find("elapsed is") == 0);
    CHECK(message_of<std::invalid_argument>([&] { missing(1h, 2h); }).find("down is") == 0);
    CHECK_THROWS_AS(downtime(service, 0h), std::invalid_argument);
}

TEST_CASE("downtime: units that never fail or are never repaired", "[availability]")
{
    downtime const perfect(two_state(rate{}, rate::per_hour(1)), 10h);
    CHECK(perfect.none() == 1);
    CHECK(perfect.mean() == duration(0));
    downtime const repaired_once(two_state(rate{}, rate::per_hour(1)), 10h, starting::down);
    CHECK_THAT(repaired_once.more_than(2h).value(), WithinRel(std::exp(-2.), 1e-13));
    CHECK_THAT(repaired_once.mean() / hours(1), WithinRel(-std::expm1(-10.), 1e-13));
    downtime const once(two_state(rate::per_hour(1), rate{}), 10h);
    CHECK_THAT(once.at_most(3h).value(), WithinRel(std::exp(-7.), 1e-13));
}
