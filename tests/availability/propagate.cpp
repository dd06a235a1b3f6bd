// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/composition.hpp>
#include <perdure/availability/posterior.hpp>
#include <perdure/availability/propagate.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::WithinAbs;
using perdure::tests::WithinRel;

namespace {

/// Uniform on [low, high].
struct even {
    double low, high;
    [[nodiscard]] double quantile(double p) const { return low + p * (high - low); }
};

} // namespace

TEST_CASE("propagate: one input is quadrature", "[availability]")
{
    std::array<even, 1> const inputs = {{{0, 1}}};
    auto const s = propagate([](std::span<double const> x) { return x[0] * x[0]; },
                             std::span<even const>(inputs), {1000, 7});
    for (double p : {0.05, 0.25, 0.5, 0.95}) {
        CHECK_THAT(s.quantile(p), WithinAbs(p * p, 2e-3));
    }
    double sum = 0;
    for (double x : s.values()) {
        sum += x;
    }
    CHECK_THAT(sum / 1000, WithinRel(1 / 3., 1e-6)); // the midpoint rule
}

TEST_CASE("propagate: several inputs, spread evenly over each", "[availability]")
{
    // The sum of two uniforms: P(x + y <= s) = s^2 / 2 below 1.
    std::array<even, 2> const inputs = {{{0, 1}, {0, 1}}};
    auto const sum = [](std::span<double const> x) { return x[0] + x[1]; };
    auto const s = propagate(sum, std::span<even const>(inputs), {20000, 1});
    CHECK_THAT(s.quantile(0.125), WithinAbs(0.5, 0.01));
    CHECK_THAT(s.median(), WithinAbs(1, 0.01));
    CHECK_THAT(s.quantile(0.875), WithinAbs(1.5, 0.01));
    auto const interval = s.interval(confidence::two_sided(0.75));
    CHECK_THAT(interval.lower, WithinAbs(0.5, 0.01));
    CHECK_THAT(interval.upper, WithinAbs(1.5, 0.01));
    CHECK(s.interval(confidence::upper(0.9)).lower == s.values().front());
    // The same seed gives the same answer, another one a slightly different one.
    CHECK(propagate(sum, std::span<even const>(inputs), {100, 5}).values() ==
          propagate(sum, std::span<even const>(inputs), {100, 5}).values());
    CHECK(propagate(sum, std::span<even const>(inputs), {100, 5}).values() !=
          propagate(sum, std::span<even const>(inputs), {100, 6}).values());
    CHECK_THROWS_AS(propagate(sum, std::span<even const>(inputs), {0, 1}), std::invalid_argument);
}

TEST_CASE("propagate: an unavailability through a model", "[availability]")
{
    assumption const plan{two_state(mtbf(720h), mttr(1h)), 0.5};
    std::vector<unavailability_posterior> const inputs = {{evidence(4, 4, 3000h, 3h), plan},
                                                          {evidence(1, 1, 3000h, 1h), plan}};
    auto const s = propagate([](std::span<unavailability const> u) { return parallel(u); },
                             std::span<unavailability_posterior const>(inputs));
    auto const e = s.interval(confidence::two_sided(0.9));
    CHECK(e.lower < e.value);
    CHECK(e.value < e.upper);
    // Within the corners of the inputs' own intervals.
    CHECK(e.lower.value() > inputs[0].quantile(0.01).value() * inputs[1].quantile(0.01).value());
    CHECK(e.upper.value() < inputs[0].quantile(0.99).value() * inputs[1].quantile(0.99).value());
    // The product's median lies near the product of the medians (its logarithm is nearly
    // symmetric).
    CHECK_THAT(e.value.value(),
               WithinRel(inputs[0].quantile(0.5).value() * inputs[1].quantile(0.5).value(), 0.15));
}
