// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/detail/math.hpp>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include <algorithm>
#include <cmath>

using namespace perdure::availability;
using perdure::tests::random_numbers;
using wide = boost::multiprecision::cpp_bin_float_50;

namespace {

/// Distance in units in the last place of the exact value.
double ulps(double got, wide const& exact)
{
    double const nearest = static_cast<double>(exact);
    double const ulp = std::abs(std::nextafter(nearest, 1e308) - nearest);
    return static_cast<double>(abs(wide(got) - exact) / ulp);
}

/// Magnitudes from 1e-300 up to `top`, equally likely per decade, of either sign.
double spread(random_numbers& random, double top)
{
    double const x = top * std::pow(10., -12 * random.uniform() * random.uniform() * 25);
    return random.uniform() < 0.5 ? x : -x;
}

} // namespace

TEST_CASE("constant exp, expm1, log and log1p stay within 4 units in the last place",
          "[availability]")
{
    auto const seed = GENERATE(std::uint64_t{1}, std::uint64_t{2});
    CAPTURE(seed);
    random_numbers random(seed);
    double worst = 0;
    for (int i = 0; i < 2000; ++i) {
        double const x = spread(random, 700);
        double const y = std::abs(spread(random, 1e300));
        double const z = random.uniform() < 0.5 ? y : -random.uniform();
        CAPTURE(x, y, z);
        worst = std::max(worst, ulps(detail::exp_constant(x), exp(wide(x))));
        worst = std::max(worst, ulps(detail::expm1_constant(x), expm1(wide(x))));
        worst = std::max(worst, ulps(detail::log_constant(y), log(wide(y))));
        worst = std::max(worst, ulps(detail::log1p_constant(z), log1p(wide(z))));
        REQUIRE(worst < 4);
    }
}

TEST_CASE("constant functions have the limits of the standard ones", "[availability]")
{
    double const nan = std::nan("");
    CHECK(detail::exp_constant(-detail::infinity) == 0);
    CHECK(detail::exp_constant(710) == detail::infinity);
    CHECK(detail::exp_constant(-745) == std::exp(-745.));
    CHECK(detail::expm1_constant(-detail::infinity) == -1);
    CHECK(detail::expm1_constant(detail::infinity) == detail::infinity);
    CHECK(detail::expm1_constant(0) == 0);
    CHECK(detail::log_constant(0) == -detail::infinity);
    CHECK(detail::log_constant(1) == 0);
    CHECK(detail::log_constant(detail::infinity) == detail::infinity);
    CHECK(std::abs(detail::log_constant(5e-324) - std::log(5e-324)) < 1e-12);
    CHECK(std::isnan(detail::log_constant(-1)));
    CHECK(detail::log1p_constant(-1) == -detail::infinity);
    CHECK(std::isnan(detail::log1p_constant(-1.5)));
    CHECK(std::isnan(detail::exp_constant(nan)));
    CHECK(std::isnan(detail::expm1_constant(nan)));
    CHECK(std::isnan(detail::log_constant(nan)));
    CHECK(std::isnan(detail::log1p_constant(nan)));
    CHECK(detail::power_of_two(-1074) == 5e-324);
    CHECK(detail::power_of_two(-2000) == 0);
    CHECK(detail::power_of_two(1024) == detail::infinity);
}

TEST_CASE("a constant expression and the run time agree", "[availability]")
{
    constexpr double folded = detail::expm1(-1e-9);
    double volatile x = -1e-9;
    CHECK(std::abs(folded / detail::expm1(x) - 1) < 1e-15);
}
