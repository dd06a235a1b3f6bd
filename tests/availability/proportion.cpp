// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/proportion.hpp>

#include <boost/math/special_functions/binomial.hpp>

#include <cmath>

using namespace perdure::availability;
using perdure::tests::published;
using perdure::tests::WithinRel;

namespace {

constexpr auto exact = proportion_interval::clopper_pearson;
constexpr auto wilson = proportion_interval::wilson;
constexpr auto jeffreys = proportion_interval::jeffreys;

struct row {
    std::uint64_t faults, trials;
    proportion_interval which;
    double level;
    published lower, upper;
};

void check(row const& r)
{
    CAPTURE(r.faults, r.trials, r.level, static_cast<int>(r.which), r.lower, r.upper);
    auto const e =
        estimate_probability(r.faults, r.trials, confidence::two_sided(r.level), r.which);
    CHECK(r.lower.agrees(e.lower.value()));
    CHECK(r.upper.agrees(e.upper.value()));
}

} // namespace

TEST_CASE("estimate_probability: published intervals", "[availability]")
{
    row const rows[] = {
        // SciPy documentation, BinomTestResult.proportion_ci. It prints 0.05819170033997342 for the
        // lower bound, from a root
        // search that stopped early: the tenth digit is its last right one.
        {7, 50, exact, 0.95, {"0.0581917003"}, {"0.267396002497008"}},
        // boostorg/math doc/distributions/binomial_example.qbk
        {4, 20, exact, 0.5, {"0.12840"}, {"0.29588"}},
        {4, 20, exact, 0.75, {"0.09775"}, {"0.34633"}},
        {4, 20, exact, 0.9, {"0.07135"}, {"0.40103"}},
        {4, 20, exact, 0.95, {"0.05733"}, {"0.43661"}},
        {4, 20, exact, 0.99, {"0.03576"}, {"0.50661"}},
        {4, 20, exact, 0.99999, {"0.00577"}, {"0.70216"}},
        {4, 20, jeffreys, 0.95, {"0.07152"}, {"0.40823"}},
        {4, 20, jeffreys, 0.99, {"0.04655"}, {"0.47859"}},
        {400, 2000, exact, 0.95, {"0.18267"}, {"0.21821"}},
        {400, 2000, exact, 0.99, {"0.17745"}, {"0.22400"}},
        {400, 2000, jeffreys, 0.95, {"0.18291"}, {"0.21796"}},
        // doomsuckle/sintervals, clopper_pearson.py
        {8, 10, exact, 0.99, {"0.35180"}, {"0.98915"}},
        {8, 10, exact, 0.95, {"0.44390"}, {"0.97479"}},
        {8, 10, exact, 0.9, {"0.49310"}, {"0.96323"}},
        // MatthewReid854/reliability, docs/One sample proportion.rst
        {29, 30, exact, 0.95, {"0.827830544366587"}, {"0.99915642907337"}},
    };
    for (auto const& r : rows) {
        check(r);
    }
    // By a root search in 30 digits.
    CHECK_THAT(estimate_probability(7, 50, confidence::two_sided(0.95)).lower.value(),
               WithinRel(0.0581917003403720848634708434536, 1e-14));
    CHECK_THAT(estimate_probability(8, 10, confidence::upper(0.9)).upper.value(),
               WithinRel(0.94547138, 1e-8));
}

TEST_CASE("estimate_probability: an older table of Boost.Math is not ours", "[availability]")
{
    // An older binomial_example.qbk printed 0.03207 as the lower 95 % bound of 2 / 20: that is the
    // bound of 3 / 20.
    auto const sure = confidence::two_sided(0.95);
    CHECK_THAT(estimate_probability(2, 20, sure).lower.value(), WithinRel(0.012349, 1e-4));
    CHECK(published{"0.03207"}.agrees(estimate_probability(3, 20, sure).lower.value()));
}

TEST_CASE("estimate_probability: Wilson and Jeffreys", "[availability]")
{
    row const rows[] = {
        {7, 50, wilson, 0.95, {"0.0695083342702"}, {"0.261861937106"}},
        {2, 20, wilson, 0.95, {"0.0278664812138"}, {"0.301033645228"}},
        {0, 10, wilson, 0.95, {"0"}, {"0.277532799863"}},
        {1, 1000000, wilson, 0.95, {"1.76524576745e-7"}, {"5.66491180431e-6"}},
        {7, 50, jeffreys, 0.95, {"0.0648717011505"}, {"0.255325028156"}},
        {2, 20, jeffreys, 0.95, {"0.0213724880225"}, {"0.283853257304"}},
        {0, 1000, jeffreys, 0.95, {"0"}, {"0.00250816434142"}},
    };
    for (auto const& r : rows) {
        check(r);
    }
}

TEST_CASE("estimate_probability: no fault seen", "[availability]")
{
    struct zero {
        std::uint64_t n;
        double upper;
    };
    zero const rows[] = {{10, 0.258865550893},
                         {30, 0.0950338528553},
                         {100, 0.029513049607},
                         {1000, 0.0029912495451},
                         {1000000, 2.99572778635e-6}};
    for (auto const& r : rows) {
        CAPTURE(r.n);
        auto const e = estimate_probability(0, r.n, confidence::upper(0.95));
        CHECK_THAT(e.upper.value(), WithinRel(r.upper, 1e-11));
        CHECK(e.lower == 0);
        // The rule of three is on the safe side.
        CHECK(e.upper <= 3. / static_cast<double>(r.n));
        // All faults mirror it.
        auto const all = estimate_probability(r.n, r.n, confidence::lower(0.95));
        CHECK_THAT(1 - all.lower.value(), WithinRel(r.upper, 1e-9));
        CHECK(all.upper == 1);
    }
    for (auto which : {exact, wilson, jeffreys}) {
        auto const none = estimate_probability(0, 5, confidence::two_sided(0.95), which);
        auto const all = estimate_probability(5, 5, confidence::two_sided(0.95), which);
        CHECK(none.lower == 0);
        CHECK(none.upper < 1);
        CHECK(all.upper == 1);
        CHECK_THAT(all.lower.value(), WithinRel(1 - none.upper.value(), 1e-12));
    }
}

TEST_CASE("estimate_probability: Clopper-Pearson covers every p at least as often as it says",
          "[availability]")
{
    constexpr unsigned n = 25;
    auto const sure = confidence::two_sided(0.9);
    double wilson_mean = 0;
    int points = 0;
    for (double p = 0.005; p < 1; p += 0.01, ++points) {
        double covered = 0, by_wilson = 0;
        for (unsigned k = 0; k <= n; ++k) {
            double const weight = boost::math::binomial_coefficient<double>(n, k) * std::pow(p, k) *
                                  std::pow(1 - p, n - k);
            covered +=
                estimate_probability(k, n, sure, exact).contains(probability(p)) ? weight : 0;
            by_wilson +=
                estimate_probability(k, n, sure, wilson).contains(probability(p)) ? weight : 0;
        }
        CAPTURE(p);
        REQUIRE(covered >= 0.9);
        wilson_mean += by_wilson;
    }
    // Wilson's covers about right on average.
    CHECK(std::abs(wilson_mean / points - 0.9) < 0.01);
}

TEST_CASE("trials_to_show: is where the upper bound first falls to p", "[availability]")
{
    // Without a fault: ln(0.05) / ln(1 - p); 59 for 5 %, 299 for 1 % are the well-known numbers.
    CHECK(trials_to_show(probability(0.05), 0.95) == 59);
    CHECK(trials_to_show(probability(0.01), 0.95) == 299);
    for (std::uint64_t allowed : {0ULL, 1ULL, 4ULL}) {
        for (double p : {0.3, 0.01, 1e-5}) {
            auto const n = trials_to_show(probability(p), 0.9, allowed);
            auto const sure = confidence::upper(0.9);
            CAPTURE(allowed, p, n);
            CHECK(estimate_probability(allowed, n, sure).upper <= p * (1 + 1e-12));
            CHECK(estimate_probability(allowed, n - 1, sure).upper > p);
        }
    }
    CHECK_THROWS_AS(trials_to_show(probability(0), 0.9), std::invalid_argument);
}

TEST_CASE("trials_to_estimate: the pollster's number", "[availability]")
{
    // 1.96^2 / 4 / 0.03^2: 1068 people for three points either way.
    CHECK(trials_to_estimate(probability(0.5), 0.03, 0.95) == 1068);
    CHECK_THROWS_AS(trials_to_estimate(probability(0.5), 0, 0.95), std::invalid_argument);
}

TEST_CASE("estimate_probability: refuses impossible counts", "[availability]")
{
    CHECK_THROWS_AS(estimate_probability(0, 0, confidence::upper(0.9)), std::invalid_argument);
    CHECK_THROWS_AS(estimate_probability(6, 5, confidence::upper(0.9)), std::invalid_argument);
}
