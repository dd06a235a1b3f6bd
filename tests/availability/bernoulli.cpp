// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/bernoulli.hpp>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include <algorithm>
#include <bit>
#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::WithinRel;
using wide = boost::multiprecision::cpp_bin_float_100;

namespace {

double const confidences[] = {0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999};

} // namespace

TEST_CASE("faults_in_trials: published values", "[availability]")
{
    // Backblaze erasure-coding-durability, durability.py: n = 6, p = 0.3.
    faults_in_trials const six(6, probability(0.3));
    CHECK_THAT(six.exactly(0).value(), WithinRel(0.117649, 1e-13));
    CHECK_THAT(six.exactly(1).value(), WithinRel(0.302526, 1e-13));
    CHECK_THAT(six.exactly(2).value(), WithinRel(0.324135, 1e-13));
    CHECK_THAT(six.at_most(2).value(), WithinRel(0.744310, 1e-13));
    // The same file: 1 - (1 - p)^200.
    auto const any = [](double p) {
        return faults_in_trials(200, probability(p)).at_least_one().value();
    };
    CHECK_THAT(any(1e-3), WithinRel(0.18135117, 1e-7));
    CHECK_THAT(any(1e-6), WithinRel(1.999801e-4, 1e-7));
    CHECK_THAT(any(1e-9), WithinRel(2.0e-7, 2e-7));
    CHECK_THAT(any(1e-20), WithinRel(2.0e-18, 1e-15));
}

TEST_CASE("faults_in_trials: small probabilities keep their digits", "[availability]")
{
    // The naive 1 - (1 - p)^n gives 3.65000023539e-8 here.
    wide const exact = 1 - pow(1 - wide(1e-10), 365);
    double const p = faults_in_trials(365, probability(1e-10)).at_least_one().value();
    CHECK_THAT(p, WithinRel(static_cast<double>(exact), 1e-15));
    CHECK(std::abs(1 - std::pow(1 - 1e-10, 365) - p) > 1e-15 * 1e-8);
    for (std::uint64_t n : {1ULL, 5ULL, 60ULL, 2000ULL}) {
        for (double q : {1e-20, 1e-9, 0.01, 0.5, 0.99}) {
            faults_in_trials const faults(n, probability(q));
            wide term = pow(1 - wide(q), static_cast<unsigned>(n));
            wide below = 0;
            for (std::uint64_t k = 0; k <= std::min<std::uint64_t>(n, 80); ++k) {
                CAPTURE(n, q, k);
                below += term;
                if (term > 1e-280) {
                    REQUIRE_THAT(faults.exactly(k).value(),
                                 WithinRel(static_cast<double>(term), 2e-12));
                }
                if (below > 1e-280) {
                    REQUIRE_THAT(faults.at_most(k).value(),
                                 WithinRel(static_cast<double>(below), 2e-12));
                }
                if (1 - below > 1e-60) {
                    REQUIRE_THAT(faults.at_least(k + 1).value(),
                                 WithinRel(static_cast<double>(1 - below), 2e-12));
                }
                term = term * static_cast<unsigned>(n - k) / static_cast<unsigned>(k + 1) * q /
                       (1 - wide(q));
            }
        }
    }
}

TEST_CASE("faults_in_trials: edges", "[availability]")
{
    faults_in_trials const none(0, probability(0.5));
    CHECK(none.none() == 1);
    CHECK(none.at_least_one() == 0);
    CHECK(none.exactly(0) == 1);
    CHECK(none.exactly(1) == 0);
    faults_in_trials const always(5, probability(1));
    CHECK(always.none() == 0);
    CHECK(always.exactly(5) == 1);
    CHECK(always.exactly(4) == 0);
    CHECK(always.at_least(5) == 1);
    CHECK(always.at_most(4) == 0);
    CHECK(faults_in_trials(5, probability(0)).at_least(1) == 0);
    CHECK(faults_in_trials(5, probability(0)).at_most(0) == 1);
    CHECK(faults_in_trials(5, probability(0.5)).at_least(6) == 0);
    // Beyond n = 1030 binomial coefficients overflow a double.
    CHECK_THAT(faults_in_trials(1000000, probability(0.5)).at_least(500000).value(),
               WithinRel(0.5003989422, 1e-9));
    static_assert(faults_in_trials(1000, probability(1e-6)).at_least_one() < 1e-3);
}

TEST_CASE("faults_in_time: Poisson", "[availability]")
{
    faults_in_time const f(rate::per_hour(0.5), 3h);
    wide const a = wide(1.5);
    CHECK(f.mean() == 1.5);
    CHECK_THAT(f.none().value(), WithinRel(static_cast<double>(exp(-a)), 1e-15));
    CHECK_THAT(f.at_least_one().value(), WithinRel(static_cast<double>(1 - exp(-a)), 1e-15));
    wide term = exp(-a), below = 0;
    for (unsigned k = 0; k < 30; ++k) {
        below += term;
        CAPTURE(k);
        CHECK_THAT(f.exactly(k).value(), WithinRel(static_cast<double>(term), 1e-12));
        CHECK_THAT(f.at_most(k).value(), WithinRel(static_cast<double>(below), 1e-12));
        CHECK_THAT(f.at_least(k + 1).value(), WithinRel(static_cast<double>(1 - below), 1e-12));
        term *= a / (k + 1);
    }
    CHECK(f.at_least(0) == 1);
    faults_in_time const never(rate{}, 3h);
    CHECK(never.none() == 1);
    CHECK(never.exactly(2) == 0);
    CHECK(never.at_least(1) == 0);
    CHECK_THROWS_AS(faults_in_time(rate::per_hour(1), duration(detail::infinity)),
                    std::invalid_argument);
    CHECK_THAT(faults_in_time(rate::per_hour(1e-20), 1h).at_least_one().value(),
               WithinRel(1e-20, 1e-14));
}

TEST_CASE("trials_without_fault: Boost.Math's table", "[availability]")
{
    // boostorg/math, doc/distributions/binomial_example.qbk: largest number of trials without an
    // occurrence.
    struct row {
        double p;
        std::uint64_t trials[8];
    };
    row const rows[] = {{1e-3, {692, 287, 105, 51, 10, 1, 0, 0}},
                        {1e-6, {693146, 287681, 105360, 51293, 10050, 1000, 100, 10}}};
    for (auto const& r : rows) {
        for (int i = 0; i < 8; ++i) {
            CAPTURE(r.p, confidences[i]);
            CHECK(trials_without_fault(probability(r.p), confidences[i]) == r.trials[i]);
        }
    }
    CHECK_THROWS_AS(trials_without_fault(probability(0), 0.5), std::invalid_argument);
}

TEST_CASE("trials_to_fault: Boost.Math's table, which counts more than it says", "[availability]")
{
    // boostorg/math, doc/distributions/negative_binomial_example.qbk, "at least 5 failures": its
    // numbers are those of the sixth, that is of *more than* 5. The fifth comes earlier.
    struct row {
        double p;
        std::uint64_t trials[8];
    };
    row const rows[] = {{0.5, {11, 14, 17, 18, 22, 27, 31, 36}},
                        {0.1, {57, 73, 91, 103, 127, 159, 189, 217}}};
    for (auto const& r : rows) {
        for (int i = 0; i < 8; ++i) {
            CAPTURE(r.p, confidences[i]);
            trials_to_fault const sixth(6, probability(r.p));
            CHECK(sixth.quantile(confidences[i]) == r.trials[i]);
            CHECK(trials_to_fault(5, probability(r.p)).quantile(confidences[i]) < r.trials[i]);
        }
    }
}

TEST_CASE("trials_to_fault: the quantile inverts the probability", "[availability]")
{
    for (std::uint64_t k : {1ULL, 3ULL, 100ULL}) {
        for (double p : {1e-6, 0.02, 0.7, 1.}) {
            for (double sure : {0.01, 0.5, 0.999}) {
                CAPTURE(k, p, sure);
                trials_to_fault const wait(k, probability(p));
                auto const n = wait.quantile(sure);
                CHECK(n >= k);
                CHECK(wait.within(n) >= sure * (1 - 1e-12));
                CHECK((n == k || wait.within(n - 1) < sure));
            }
        }
    }
    CHECK(trials_to_fault(4, probability(0.25)).mean() == 16);
    CHECK_THROWS_AS(trials_to_fault(0, probability(0.5)), std::invalid_argument);
    CHECK_THROWS_AS(trials_to_fault(1, probability(0)), std::invalid_argument);
    CHECK_THROWS_AS(trials_to_fault(1, probability(1e-30)).quantile(0.5), std::invalid_argument);
}

TEST_CASE("time_to_fault: Erlang", "[availability]")
{
    time_to_fault const first(1, rate::per_hour(1e-3));
    CHECK_THAT(first.within(1000h).value(), WithinRel(1 - std::exp(-1.), 1e-13));
    CHECK_THAT(first.quantile(0.5) / hours(1), WithinRel(1000 * std::log(2.), 1e-12));
    time_to_fault const third(3, rate::per_hour(1e-3));
    CHECK_THAT(third.mean() / hours(1), WithinRel(3000, 1e-14));
    CHECK_THAT(third.within(third.quantile(0.9)).value(), WithinRel(0.9, 1e-12));
    CHECK(third.within(0h) == 0);
    CHECK_THROWS_AS(time_to_fault(1, rate{}), std::invalid_argument);
}

TEST_CASE("run_of: agrees with enumeration", "[availability]")
{
    for (double p : {0.001, 0.3, 0.5, 0.95}) {
        for (unsigned n = 1; n <= 12; ++n) {
            for (unsigned r = 1; r <= n; ++r) {
                double sum = 0;
                for (unsigned faults = 0; faults < 1U << n; ++faults) {
                    unsigned starts = faults;
                    for (unsigned i = 1; i < r; ++i) {
                        starts &= faults >> i;
                    }
                    if (starts != 0) {
                        sum += std::pow(p, std::popcount(faults)) *
                               std::pow(1 - p, static_cast<int>(n) - std::popcount(faults));
                    }
                }
                CAPTURE(p, n, r);
                REQUIRE_THAT(faults_in_trials(n, probability(p)).run_of(r).value(),
                             WithinRel(sum, 1e-12));
            }
        }
    }
    // Feller, An Introduction to Probability Theory, vol. 1, XIII.7: a fair coin takes 62 throws on
    // average to show 5 heads in a row.
    CHECK_THAT(mean_trials_to_run(5, probability(0.5)), WithinRel(62, 1e-13));
    CHECK(mean_trials_to_run(5, probability(1)) == 5);
    CHECK(mean_trials_to_run(5, probability(0)) == detail::infinity);
    CHECK(faults_in_trials(3, probability(0.5)).run_of(4) == 0);
    CHECK_THROWS_AS(faults_in_trials(3, probability(0.5)).run_of(0), std::invalid_argument);
    // Three of a million heartbeats lost in a row at 1 % loss: about 1e6 (1 - p) p^3.
    CHECK_THAT(faults_in_trials(1000000, probability(0.01)).run_of(3).value(),
               WithinRel(-std::expm1(-1e6 * 0.99e-6), 1e-4));
}
