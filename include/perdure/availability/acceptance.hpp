// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_ACCEPTANCE_HPP
#define PERDURE_AVAILABILITY_ACCEPTANCE_HPP

#include <perdure/availability/units.hpp>

#include <boost/math/special_functions/gamma.hpp>

#include <cstdint>

namespace perdure::availability {

/// Run for `length` in all (summed over the units), and accept if at most `allowed` failures come.
struct acceptance_test {
    std::uint64_t allowed; ///< failures with which the test is still passed
    duration length;       ///< operating time to run, summed over the units; more than 0
};

/** The length of a test with at most `allowed` failures that a unit with only the required MTBF
 *  passes with probability `risk`: required * chi2(1 - risk; 2 allowed + 2) / 2.
 */
inline duration test_length(mtbf required, std::uint64_t allowed, double risk)
{
    detail::require(risk > 0 && risk < 1, "risk", risk, "it must lie between 0 and 1");
    return required.value() * boost::math::gamma_q_inv(static_cast<double>(allowed) + 1, risk);
}

/** The shortest test by time and failures that keeps both risks.
 *
 *  A unit with only the `required` MTBF passes with probability `consumer_risk` at most; one with
 *  the `design` MTBF fails with probability `producer_risk` at most.
 *
 *  @throws std::invalid_argument unless 0 < required < design; the nearer they are, the longer
 *      the test, and where more than 10^7 failures would have to be seen it is refused.
 */
inline acceptance_test plan_acceptance(mtbf required, mtbf design, double consumer_risk,
                                       double producer_risk)
{
    detail::require(required > mtbf(duration{}) && required < design, "required mtbf",
                    required.value().count(),
                    "seconds must be more than 0, less than the design's");
    detail::require(producer_risk > 0 && producer_risk < 1 && producer_risk + consumer_risk < 1,
                    "producer_risk", producer_risk,
                    "it must lie between 0 and 1, and both risks together below 1");
    auto const long_enough = [&](std::uint64_t allowed) {
        // P(more than `allowed` failures) for a unit as designed
        double const expected = test_length(required, allowed, consumer_risk) / design.value();
        return design.is_infinite() ||
               boost::math::gamma_p(static_cast<double>(allowed) + 1, expected) <= producer_risk;
    };
    std::uint64_t high = 0;
    for (std::uint64_t step = 1; !long_enough(high); step *= 2) {
        detail::require(high < 10000000, "design mtbf", design.value().count(),
                        "seconds are too near to the required ones to be told apart");
        high += step;
    }
    // The producer's risk falls with the number of failures allowed.
    std::uint64_t low = high - (high + 1) / 2;
    while (low < high) {
        auto const middle = low + (high - low) / 2;
        if (long_enough(middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return {high, test_length(required, high, consumer_risk)};
}

} // namespace perdure::availability

#endif
