// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/detail/poisson.hpp>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include <cmath>
#include <vector>

using namespace perdure::availability;
using perdure::tests::random_numbers;
using wide = boost::multiprecision::cpp_bin_float_50;

namespace {

std::vector<wide> poisson_weights(double a, std::size_t count)
{
    std::vector<wide> p(count);
    p[0] = exp(-wide(a));
    for (std::size_t n = 1; n < count; ++n) {
        p[n] = p[n - 1] * a / static_cast<unsigned>(n);
    }
    return p;
}

double relative(double got, wide const& exact)
{
    return static_cast<double>(abs(wide(got) / exact - 1));
}

} // namespace

TEST_CASE("poisson: single probabilities to 1e-12, over the whole range", "[availability]")
{
    for (double a : {1e-12, 0.3, 1., 15.5, 100., 999.9, 5000.}) {
        auto const exact = poisson_weights(a, 6000);
        for (std::size_t n = 0; n < 6000; n = n < 40 ? n + 1 : n + 37) {
            if (exact[n] < 1e-290) {
                continue;
            }
            CAPTURE(a, n);
            REQUIRE(relative(detail::poisson(n, a), exact[n]) < 1e-12);
        }
    }
    CHECK(detail::poisson(0, 0) == 1);
    CHECK(detail::poisson(3, 0) == 0);
}

TEST_CASE("poisson_at_most and poisson_reaches: sums of positive terms, both tails",
          "[availability]")
{
    random_numbers random(51);
    for (int i = 0; i < 40; ++i) {
        double const a = std::pow(10., 5 * random.uniform() - 2.5);
        double const b = std::pow(10., 5 * random.uniform() - 2.5);
        auto const p = poisson_weights(a, 1200);
        auto const q = poisson_weights(b, 1200);
        wide at_most = 0;
        wide more = 0;     // P(N > M)
        wide at_least = 0; // P(N >= M)
        for (std::size_t n = 0; n < p.size(); ++n) {
            more += p[n] * at_most;
            at_most += q[n];
            at_least += p[n] * at_most;
            if (n % 97 == 5 && at_most > 1e-280) {
                CAPTURE(b, n);
                REQUIRE(relative(detail::poisson_at_most(n, b), at_most) < 1e-12);
            }
        }
        CAPTURE(a, b);
        REQUIRE(relative(detail::poisson_reaches(a, b, 1), more) < 1e-12);
        REQUIRE(relative(detail::poisson_reaches(a, b, 0), at_least) < 1e-12);
    }
}

TEST_CASE("poisson_reaches: large means take no longer than their square root", "[availability]")
{
    // P(N > M) + P(N <= M) = 1, both summed on their own.
    double const above = detail::poisson_reaches(1e9, 1e9 + 5e4, 1);
    double const below = detail::poisson_reaches(1e9 + 5e4, 1e9, 0);
    CHECK(std::abs(above + below - 1) < 1e-10);
    CHECK(above < below);
    CHECK(detail::poisson_reaches(0, 5, 1) == 0);
    CHECK(detail::poisson_reaches(5, 0, 0) == 1);
    CHECK(std::abs(detail::poisson_reaches(5, 0, 1) - -std::expm1(-5.)) < 1e-15);
}
