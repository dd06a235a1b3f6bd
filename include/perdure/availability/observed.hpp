// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_OBSERVED_HPP
#define PERDURE_AVAILABILITY_OBSERVED_HPP

#include <perdure/availability/estimate.hpp>
#include <perdure/availability/history.hpp>
#include <perdure/availability/unavailability.hpp>

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <cstdint>

// MTBF, MTTR and unavailability with exact intervals from what was observed, for exponential times
// between events.
namespace perdure::availability {

/** Why the observation ended when it did. The bounds depend on it, so it has no default.
 *
 *  `at_time`: at a moment fixed beforehand, an interval still running (time-truncated, type I).
 *  `at_event`: at the last event itself (failure-truncated, type II).
 */
enum class ended : std::uint8_t { at_time, at_event };

namespace detail {

/// The mean of exponential times whose sum is `total`, of which `events` ended.
template <class MeanTime>
estimate<MeanTime> mean_time_of(duration total, double events, ended how, confidence sure)
{
    double const r = events;
    auto const mean = [&](double sum_quantile) { return MeanTime(total / sum_quantile); };
    // 2 T / mean is chi-squared; halves of its quantiles are quantiles of the gamma distribution.
    double const low_shape = how == ended::at_time ? r + 1 : r;
    auto result =
        estimate<MeanTime>{MeanTime::infinite(), MeanTime(duration{}), MeanTime::infinite(), sure};
    if (events > 0) {
        result.value = mean(r);
        if (sure.above() > 0) {
            result.upper = mean(boost::math::gamma_p_inv(r, sure.above()));
        }
    }
    if (sure.below() > 0 && low_shape > 0) {
        // Without an event the upper side needs none of the risk: the bound is one-sided.
        double const risk = events > 0 ? sure.below() : 1 - sure.level();
        result.lower = mean(boost::math::gamma_q_inv(low_shape, risk));
    }
    return result;
}

} // namespace detail

/** Mean operating time between failures, with chi-squared bounds.
 *
 *  @par Formula    value T / r; lower 2T / chi2(1 - a; 2r + 2) (2r when ended at_event); upper 2T
 *                  / chi2(a; 2r); T is the time up, r the failures, a the risk of that side. r =
 *                  0: the value and the upper bound are infinite, and the lower bound is
 *                  one-sided, T / -ln(1 - level).
 *  @par Source     NIST/SEMATECH e-Handbook of Statistical Methods, 8.4.5.1.
 *  @par Accuracy   1e-13 relative.
 */
inline estimate<mtbf> estimate_mtbf(evidence const& h, ended how, confidence sure)
{
    return detail::mean_time_of<mtbf>(h.up, h.failures, how, sure);
}
/// Mean time to repair, in the same way from the time down and the repairs.
inline estimate<mttr> estimate_mttr(evidence const& h, ended how, confidence sure)
{
    return detail::mean_time_of<mttr>(h.down, h.repairs, how, sure);
}

/** The long-run unavailability l / (l + m) of a unit with exponential times up and down.
 *
 *  @par Formula    The odds l / m lie in (D / U) F(2r, 2r): r complete cycles, U up, D down in
 *                  all, F the quantiles of the F distribution, taken from the beta distribution,
 *                  which has no large and small tail to cancel. Ended at_time, the unfinished
 *                  interval counts with its time, and each side takes the shapes that are sure to
 *                  cover: upper (r_f + 1, r_r), lower (r_f, r_r + 1). The value is D / (U + D).
 *  @par Domain     No repair seen: nothing bounds the mean repair from above, and the upper bound
 *                  is 1. No failure seen: the lower bound is 0.
 *  @par Accuracy   1e-12 relative.
 */
inline estimate<unavailability> estimate_unavailability(evidence const& h, ended how,
                                                        confidence sure)
{
    double const odds = h.up.count() > 0 ? h.down / h.up : detail::infinity;
    auto const from_odds = [](double o) {
        return unavailability(o < detail::infinity ? o / (1 + o) : 1);
    };
    double const failures = h.failures;
    double const repairs = h.repairs;
    double const more = how == ended::at_time ? 1 : 0;
    auto result =
        estimate<unavailability>{h.total().count() > 0 ? from_odds(odds) : unavailability(0),
                                 unavailability(0), unavailability(1), sure};
    // A ratio of two gamma variables is b / (1 - b) with b of the beta distribution.
    if (sure.above() > 0 && repairs > 0 && failures + more > 0 && h.up.count() > 0) {
        double complement = 0;
        double const b =
            boost::math::ibetac_inv(failures + more, repairs, sure.above(), &complement);
        result.upper = from_odds(odds * (b / complement));
    }
    if (sure.below() > 0 && failures > 0 && repairs + more > 0) {
        double complement = 0;
        double const b =
            boost::math::ibeta_inv(failures, repairs + more, sure.below(), &complement);
        result.lower = from_odds(odds * (b / complement));
    }
    return result;
}

} // namespace perdure::availability

#endif
