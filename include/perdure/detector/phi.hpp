// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_PHI_HPP
#define PERDURE_DETECTOR_PHI_HPP

#include <cmath>
#include <cstdint>
#include <numbers>

namespace perdure {

/// How phi is computed from the standardised silence z = (silence - mean) / deviation.
enum class phi_tail : std::uint8_t {
    /// From the tail of the normal distribution itself.
    exact,
    /** From the logistic approximation that Akka and its ports use. It agrees near z = 0 and grows
     *  too fast beyond: where it says 8, the exact value is 7.06; where it says 16, 12.27.
     *  Thresholds that were tuned for Akka keep their meaning with it.
     */
    logistic,
};

/** Phi of the standardised silence: -log10 of the probability that a heartbeat comes even later.
 *
 *  Phi 1 is a mistake in 10, phi 8 one in 100 000 000, if intervals are normally distributed.
 *
 *  @par Range     finite and non-decreasing for every finite z in [-1e6, 1e6]; 0 at the left end.
 *  @par Accuracy  relative error below 1e-12 for the exact tail between z = -9 and z = 1e6.
 *  @par Formula   the tail is erfc(z / sqrt 2) / 2. Left of 0 its complement is used, which keeps
 *                 the digits. Beyond z = 37 erfc leaves the doubles; its asymptotic series takes
 *                 over [Abramowitz and Stegun, 7.1.23].
 */
inline double phi_of(double z, phi_tail tail = phi_tail::exact)
{
    if (tail == phi_tail::logistic) {
        double const exponent = z * (1.5976 + 0.070566 * z * z);
        // log10(1 + e^x) in the form that does not overflow.
        return (exponent > 0 ? exponent + std::log1p(std::exp(-exponent))
                             : std::log1p(std::exp(exponent))) /
               std::numbers::ln10;
    }
    if (z < 0)
        return -std::log1p(-std::erfc(-z / std::numbers::sqrt2) / 2) / std::numbers::ln10;
    if (z < 37)
        return -std::log10(std::erfc(z / std::numbers::sqrt2) / 2);
    double const u = 1 / (z * z);
    double const series = 1 - u * (1 - 3 * u * (1 - 5 * u * (1 - 7 * u)));
    return z * z / (2 * std::numbers::ln10) +
           std::log10(z * std::sqrt(2 * std::numbers::pi) / series);
}

/** The standardised silence at which phi reaches a value: the inverse of phi_of.
 *
 *  @param phi  in (0, 1000].
 *  @returns z with phi_of(z) >= phi, and no double below it by more than 2 ulp has that.
 */
inline double phi_inverse(double phi, phi_tail tail = phi_tail::exact)
{
    // Both functions increase; 64 halvings of [-64, 128] reach neighbouring doubles.
    double low = -64;
    double high = 128;
    while (true) {
        double const middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            return high;
        (phi_of(middle, tail) >= phi ? high : low) = middle;
    }
}

} // namespace perdure

#endif
