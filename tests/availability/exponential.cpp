// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/exponential.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::WithinRel;

TEST_CASE("exponential: published values", "[availability]")
{
    // fiabilipy documentation, tutorial/system.rst
    auto const r = rate::per_hour(1e-4);
    CHECK_THAT(mtbf_of(r).in(hours(1)), WithinRel(10000, 1e-15));
    CHECK_THAT(probability_of_none(r, 1000h).value(), WithinRel(0.904837418035960, 1e-14));
    CHECK_THAT(probability_of_none(r, 100h).value(), WithinRel(0.990049833749168, 1e-14));
    CHECK_THAT(mttf_of_series({rate::per_hour(1e-6), rate::per_hour(1e-3)}).in(hours(1)),
               WithinRel(1000000. / 1001, 1e-14));
    // SCRAM tests/risk_analysis_tests.cc: rate 1e-5 at 24, 48, ... 120 h, to its tolerance of the
    // last digit.
    double const at[] = {2.399e-4, 4.7989e-4, 7.197e-4, 9.595e-4, 1.199e-3};
    for (int i = 0; i < 5; ++i) {
        CHECK_THAT(probability_within(rate::per_hour(1e-5), (i + 1) * 24h).value(),
                   WithinRel(at[i], 4e-4));
    }
}

TEST_CASE("exponential: redundancy without repair", "[availability]")
{
    auto const r = rate::per_hour(1);
    CHECK_THAT(mttf_of_k_of_n(1, 2, r).in(hours(1)), WithinRel(1.5, 1e-15));
    CHECK_THAT(mttf_of_k_of_n(2, 3, r).in(hours(1)), WithinRel(5 / 6., 1e-15));
    CHECK_THAT(mttf_of_k_of_n(3, 3, r).in(hours(1)), WithinRel(1 / 3., 1e-15));
    CHECK(mttf_of_k_of_n(1, 3, rate{}).is_infinite());
    CHECK(mttf_of_series({}).is_infinite());
    CHECK_THROWS_AS(mttf_of_k_of_n(0, 3, r), std::invalid_argument);
    CHECK_THROWS_AS(mttf_of_k_of_n(4, 3, r), std::invalid_argument);
    static_assert(mttf_of_k_of_n(1, 2, rate::per_hour(1)) > mtbf(1.4999h));
}

TEST_CASE("exponential: rates and probabilities of a trial convert within their domain",
          "[availability]")
{
    auto const r = rate::per_hour(2);
    CHECK_THAT(probability_within(r, 1h).value(), WithinRel(1 - std::exp(-2.), 1e-15));
    CHECK_THAT(rate_of(probability_within(r, 1h), 1h).per_hour(), WithinRel(2, 1e-14));
    CHECK_THAT(rate_of(probability(1e-18), 1h).per_hour(), WithinRel(1e-18, 1e-14));
    // p / t is 5 % too small at p = 0.1.
    CHECK_THAT(rate_of(probability(0.1), 1h).per_hour(), WithinRel(0.105360515657826, 1e-14));
    CHECK(perdure::tests::message_of<std::invalid_argument>([] {
              rate_of(probability(1), 1h);
          }).find("probability of a fault in a trial is 1") == 0);
    CHECK_THROWS_AS(probability_within(r, -1s), std::invalid_argument);
    CHECK(probability_within(rate{}, duration(detail::infinity)) == 0);
}
