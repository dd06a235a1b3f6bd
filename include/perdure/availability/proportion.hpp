// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_PROPORTION_HPP
#define PERDURE_AVAILABILITY_PROPORTION_HPP

#include <perdure/availability/estimate.hpp>
#include <perdure/availability/unavailability.hpp>

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>

#include <cmath>
#include <cstdint>

// The probability of a fault per trial, from k faults seen in n trials.
namespace perdure::availability {

/** Which interval for a proportion.
 *
 *  `clopper_pearson` covers at least as often as it says, for every p: the one for promises.
 *  `wilson` and `jeffreys` cover as often on average over p and are shorter: for dashboards.
 */
enum class proportion_interval : std::uint8_t { clopper_pearson, wilson, jeffreys };

namespace detail {

/// The z that a standard normal variable passes with probability `risk`.
inline double normal_quantile_above(double risk)
{
    return 1.41421356237309504880 * boost::math::erfc_inv(2 * risk);
}

} // namespace detail

/** The probability of a fault, with an interval.
 *
 *  @par Formulas   Clopper-Pearson: beta quantiles, lower B(a; k, n - k + 1), upper B(1 - a; k +
 *                  1, n - k); closed forms 1 - a^{1/n} at k = 0 and their mirror images. Wilson:
 *                  (k + z^2/2 -+ z sqrt(k (n-k)/n + z^2/4)) / (n + z^2), the lower one as k^2/n
 *                  over the conjugate, which doesn't cancel. Jeffreys: quantiles of Beta(k + 1/2,
 *                  n - k + 1/2), forced to 0 at k = 0 and to 1 at k = n.
 *  @par Domain     k <= n, n >= 1. Zero faults bound p from above only (about 3 / n at 95 %, the
 *                  rule of three).
 *  @par Accuracy   1e-12 relative on the bounds.
 *  @par Source     Brown, Cai, DasGupta, "Interval Estimation for a Binomial Proportion",
 *                  Statistical Science 16(2), 2001.
 *  @throws std::invalid_argument
 */
inline estimate<probability>
estimate_probability(std::uint64_t faults, std::uint64_t trials, confidence sure,
                     proportion_interval which = proportion_interval::clopper_pearson)
{
    auto const k = static_cast<double>(faults);
    auto const n = static_cast<double>(trials);
    detail::require(trials >= 1, "trials", n, "it must be at least 1");
    detail::require(faults <= trials, "faults", k, "it must not exceed the trials");
    double lower = 0;
    double upper = 1;
    double const below = sure.below();
    double const above = sure.above();
    switch (which) {
    case proportion_interval::clopper_pearson:
        if (below > 0 && faults > 0) {
            lower = faults == trials ? std::exp(std::log(below) / n)
                                     : boost::math::ibeta_inv(k, n - k + 1, below);
        }
        if (above > 0 && faults < trials) {
            upper = faults == 0 ? -std::expm1(std::log(above) / n)
                                : boost::math::ibetac_inv(k + 1, n - k, above);
        }
        break;
    case proportion_interval::wilson: {
        auto const bound = [&](double risk, double sign) {
            double const z = detail::normal_quantile_above(risk);
            double const root = z * std::sqrt(k * (n - k) / n + z * z / 4);
            double const large = k + z * z / 2 + root;
            return sign > 0 ? large / (n + z * z) : k * k / n / large;
        };
        if (below > 0 && faults > 0) {
            lower = bound(below, -1);
        }
        if (above > 0 && faults < trials) {
            upper = bound(above, +1);
        }
        break;
    }
    case proportion_interval::jeffreys:
        if (below > 0 && faults > 0) {
            lower = boost::math::ibeta_inv(k + 0.5, n - k + 0.5, below);
        }
        if (above > 0 && faults < trials) {
            upper = boost::math::ibetac_inv(k + 0.5, n - k + 0.5, above);
        }
        break;
    }
    return {probability(k / n), probability(lower), probability(upper), sure};
}

/** The number of trials that show, with `sure`, a fault probability of at most `p` if no more
 *  than `allowed` faults are seen in them: the smallest n whose Clopper-Pearson upper bound does
 *  not exceed p.
 */
inline std::uint64_t trials_to_show(probability p, double sure, std::uint64_t allowed = 0)
{
    detail::require(p > 0 && p < 1, "probability", p.value(), "it must lie between 0 and 1");
    detail::require(sure > 0 && sure < 1, "confidence", sure, "it must lie between 0 and 1");
    auto const c = static_cast<double>(allowed);
    auto const shown = [&](std::uint64_t n) {
        return boost::math::ibetac(c + 1, static_cast<double>(n) - c, p.value()) <= 1 - sure;
    };
    std::uint64_t low = allowed;
    std::uint64_t high = allowed + 1;
    while (!shown(high)) {
        low = high;
        detail::require(high < (std::uint64_t{1} << 52), "probability", p.value(),
                        "more than 2^52 trials would be needed");
        high *= 2;
    }
    while (high - low > 1) {
        auto const middle = low + (high - low) / 2;
        (shown(middle) ? high : low) = middle;
    }
    return high;
}

/** The number of trials after which a two-sided interval for a probability near `p` is about `p`
 *  -+ `half_width`: z^2 p (1 - p) / half_width^2 (normal approximation; sensible while n p > 5).
 */
inline std::uint64_t trials_to_estimate(probability p, double half_width, double sure)
{
    detail::require(half_width > 0 && half_width < 1, "half_width", half_width,
                    "it must lie between 0 and 1");
    double const z = detail::normal_quantile_above(confidence::two_sided(sure).above());
    double const n = std::ceil(z * z * p.value() * (1 - p.value()) / (half_width * half_width));
    detail::require(n < 0x1p63, "half_width", half_width, "more than 2^63 trials would be needed");
    return static_cast<std::uint64_t>(n);
}

} // namespace perdure::availability

#endif
