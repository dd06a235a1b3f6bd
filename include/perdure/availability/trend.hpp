// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_TREND_HPP
#define PERDURE_AVAILABILITY_TREND_HPP

#include <perdure/availability/estimate.hpp>
#include <perdure/availability/observed.hpp>
#include <perdure/availability/units.hpp>

#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// Is the exponential model any good for these data? Rates that change over time, and times that
// are not memoryless.
namespace perdure::availability {

/** Laplace's test for a trend of the failure rate, on the times between failures in their order.
 *
 *  @par Formula    with t_i the times of failure since the beginning and T the end: u =
 *                  (mean(t_i) - T / 2) / (T / sqrt(12 n)); ended at_event the last failure is the
 *                  end and is left out of the mean and of n. Standard normal when there is no
 *                  trend; positive: failures get more frequent.
 */
struct laplace_test {
    double u;       ///< standard normal without a trend; positive: failures get more frequent
    double p_value; ///< two-sided; the normal approximation is good from 4 failures
};

namespace detail {

/// Times since the beginning; the end is the last of them or, ended at_time, `running` after it.
struct failure_times {
    std::vector<double> at;
    double end = 0;
};

inline failure_times accumulate(std::span<duration const> gaps, duration running)
{
    failure_times times;
    for (auto gap : gaps) {
        require(gap.count() >= 0 && gap.count() < infinity, "time between failures", gap.count(),
                "seconds must be finite and at least 0");
        times.end += gap.count();
        times.at.push_back(times.end);
    }
    require(running.count() >= 0 && running.count() < infinity, "running time", running.count(),
            "seconds must be finite and at least 0");
    times.end += running.count();
    return times;
}

} // namespace detail

/** @param gaps      times between failures, oldest first
 *  @param running   time since the last failure; 0 with `ended::at_event`
 *  @throws std::invalid_argument with fewer than 2 failures that count
 */
inline laplace_test test_laplace(std::span<duration const> gaps, ended how, duration running = {})
{
    auto const times = detail::accumulate(gaps, running);
    auto const n = times.at.size() - (how == ended::at_event && !times.at.empty() ? 1 : 0);
    detail::require(n >= 2 && times.end > 0, "failures", static_cast<double>(n),
                    "a trend needs at least 2, at different times");
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        sum += times.at[i];
    }
    auto const count = static_cast<double>(n);
    double const u = (sum / count - times.end / 2) / (times.end / std::sqrt(12 * count));
    return {u, boost::math::erfc(std::abs(u) / 1.41421356237309504880)};
}

/** A failure rate that follows a power of time: expected failures until t are (t / scale)^shape
 *  (Crow-AMSAA).
 *
 *  @par Formula    shape = n / sum ln(T / t_i); its interval from 2 n shape / estimate ~ chi2(2
 *                  n), or chi2(2 n - 2) when ended at_event. `unbiased` is (n - 1) / n of the
 *                  estimate, (n - 2) / n when ended at_event.
 *  @par Source     L. H. Crow, "Confidence interval procedures for the Weibull process",
 *                  Technometrics 24, 1982.
 */
struct power_law {
    estimate<double> shape; ///< below 1: failures get rarer; above 1: more frequent
    double unbiased_shape;  ///< the shape without the estimate's bias
    double intensity;       ///< n / T^shape, per second^shape
};
/// The power law (Crow-AMSAA) that fits the times of failures best.
inline power_law fit_power_law(std::span<duration const> gaps, ended how, confidence sure,
                               duration running = {})
{
    auto const times = detail::accumulate(gaps, running);
    auto const n = static_cast<double>(times.at.size());
    double const lost = how == ended::at_event ? 1 : 0;
    detail::require(n - lost >= 2, "failures", n, "a power law needs 2, or 3 when ended at_event");
    double sum = 0;
    for (double t : times.at) {
        detail::require(t > 0, "time of a failure", t, "seconds must be more than 0");
        sum += std::log(times.end / t);
    }
    detail::require(sum > 0, "times of failure", times.end, "they must not all be the same");
    double const shape = n / sum;
    double const dof = n - lost;
    return {
        {shape, sure.below() > 0 ? boost::math::gamma_p_inv(dof, sure.below()) / sum : 0,
         sure.above() > 0 ? boost::math::gamma_q_inv(dof, sure.above()) / sum : detail::infinity,
         sure},
        (dof - 1) / sum,
        n / std::pow(times.end, shape)};
}

/** Weibull distribution of times, by maximum likelihood: shape 1 is exponential, above 1 wears
 *  out, below 1 fails early.
 *
 *  @par Formula    r / shape + sum ln t_i = r sum t^shape ln t / sum t^shape, sums on the left
 *                  over the r times that ended, on the right over all; scale = (sum t^shape /
 *                  r)^(1 / shape). The interval of the shape is where twice the profile
 *                  likelihood ratio stays below the chi-squared quantile: about right from 10
 *                  times on.
 *  @par Domain     at least 2 different times that ended, all more than 0.
 */
struct weibull {
    estimate<double> shape; ///< 1 is exponential, above 1 wears out, below 1 fails early
    duration scale;         ///< the time by which 63.2 % have ended
};
/// @param running   times that had not ended (censored)
inline weibull fit_weibull(std::span<duration const> ended_times, confidence sure,
                           std::span<duration const> running = {})
{
    auto const r = static_cast<double>(ended_times.size());
    double longest = 0;
    std::vector<double> logs;
    auto const take = [&](std::span<duration const> times) {
        for (auto t : times) {
            detail::require(t.count() > 0 && t.count() < detail::infinity, "time", t.count(),
                            "seconds must be finite and more than 0");
            longest = std::max(longest, t.count());
            logs.push_back(std::log(t.count()));
        }
    };
    take(ended_times);
    double sum_log = 0;
    bool differ = false;
    double const log_first = logs.empty() ? 0 : logs.front();
    for (double l : logs) {
        differ = differ || l != log_first;
    }
    detail::require(r >= 2 && differ, "ended times", r, "at least 2 different ones are needed");
    take(running);
    double const log_longest = std::log(longest);
    for (double& l : logs) {
        l -= log_longest; // times relative to the longest: no power overflows
    }
    for (std::size_t i = 0; i < ended_times.size(); ++i) {
        sum_log += logs[i];
    }
    // Log-likelihood of a shape with the best scale for it, but for a constant; and its derivative.
    auto const profile = [&](double shape) {
        double sum = 0;
        for (double l : logs) {
            sum += std::exp(shape * l);
        }
        return r * (std::log(shape) - std::log(sum)) + shape * sum_log;
    };
    auto const slope = [&](double shape) {
        double sum = 0;
        double weighted = 0;
        for (double l : logs) {
            double const power = std::exp(shape * l);
            sum += power;
            weighted += power * l;
        }
        return r / shape - r * weighted / sum + sum_log;
    };
    auto const bisect = [](double low, double high, auto is_low) {
        for (int i = 0; i < 200; ++i) {
            double const middle = low + (high - low) / 2;
            if (!(middle > low && middle < high)) {
                break;
            }
            (is_low(middle) ? low : high) = middle;
        }
        return low;
    };
    double high = 1;
    while (slope(high) > 0 && high < 1e9) {
        high *= 2;
    }
    double const shape = bisect(0, high, [&](double s) { return slope(s) > 0; });
    double const best = profile(shape);
    // The signed root of the likelihood ratio is about standard normal.
    auto const bound = [&](double risk, bool above) {
        double const z = 1.41421356237309504880 * boost::math::erfc_inv(2 * risk);
        auto const inside = [&](double s) { return 2 * (best - profile(s)) < z * z; };
        if (above) {
            double far = 2 * shape;
            while (inside(far)) {
                far *= 2;
            }
            return bisect(shape, far, inside);
        }
        return bisect(0, shape, [&](double s) { return !inside(s); });
    };
    double sum = 0;
    for (double l : logs) {
        sum += std::exp(shape * l);
    }
    return {{shape, sure.below() > 0 ? bound(sure.below(), false) : 0,
             sure.above() > 0 ? bound(sure.above(), true) : detail::infinity, sure},
            duration(longest * std::pow(sum / r, 1 / shape))};
}

/** Anderson and Darling's distance of times from an exponential distribution with their own mean.
 *
 *  `statistic` is modified for n: A2 (1 + 0.6 / n). The p-value is interpolated between 0.25 and
 *  0.01 and stays at those ends outside.
 *  @par Source     D'Agostino, Stephens, Goodness-of-Fit Techniques, 1986, table 4.11.
 */
struct anderson_darling_test {
    double statistic; ///< modified A2; the larger, the less exponential
    double p_value;   ///< P(as large by chance alone), in [0.01, 0.25]: the table ends there
};
/// Tests whether gaps between failures can be exponential.
inline anderson_darling_test test_exponential(std::span<duration const> times)
{
    auto const n = times.size();
    std::vector<double> t;
    double sum = 0;
    for (auto x : times) {
        detail::require(x.count() >= 0 && x.count() < detail::infinity, "time", x.count(),
                        "seconds must be finite and at least 0");
        t.push_back(x.count());
        sum += x.count();
    }
    detail::require(n >= 3 && sum > 0, "times", static_cast<double>(n), "at least 3 are needed");
    std::sort(t.begin(), t.end());
    auto const count = static_cast<double>(n);
    double const mean = sum / count;
    // A time of 0 comes from the clock's resolution; its logarithm is taken at a tenth of the
    // smallest other.
    double const floor = *std::find_if(t.begin(), t.end(), [](double x) { return x > 0; }) / 10;
    double a = 0;
    for (std::size_t i = 0; i < n; ++i) {
        double const low = std::max(t[i], floor) / mean;
        double const high = t[n - 1 - i] / mean; // its survival function is e^-high
        a += (2 * static_cast<double>(i) + 1) * (std::log(-std::expm1(-low)) - high);
    }
    double const statistic = (-count - a / count) * (1 + 0.6 / count);
    constexpr std::array<double, 6> points = {0.736, 0.916, 1.062, 1.321, 1.591, 1.959};
    constexpr std::array<double, 6> p = {0.25, 0.15, 0.10, 0.05, 0.025, 0.01};
    if (statistic <= points.front()) {
        return {statistic, p.front()};
    }
    for (std::size_t i = 1; i < points.size(); ++i) {
        if (statistic <= points[i]) {
            double const share = (statistic - points[i - 1]) / (points[i] - points[i - 1]);
            return {statistic, p[i - 1] * std::pow(p[i] / p[i - 1], share)};
        }
    }
    return {statistic, p.back()};
}

/// Why an answer from the exponential model deserves less trust.
enum class doubt : std::uint8_t {
    too_few,         ///< fewer than 8 times: nothing can be refuted
    worsening,       ///< failures get more frequent (Laplace)
    improving,       ///< failures get rarer (Laplace)
    wears_out,       ///< the interval of the Weibull shape lies above 1
    fails_early,     ///< the interval of the Weibull shape lies below 1
    not_exponential, ///< Anderson and Darling
};
/// One line for a person.
constexpr char const* to_text(doubt d)
{
    switch (d) {
    case doubt::too_few:
        return "too few failures to check the model";
    case doubt::worsening:
        return "failures get more frequent: the mean of the past is too good";
    case doubt::improving:
        return "failures get rarer: the mean of the past is too bad";
    case doubt::wears_out:
        return "units wear out: times are more regular than the model says";
    case doubt::fails_early:
        return "failures come in clusters or early in life";
    case doubt::not_exponential:
        return "times between failures are not exponential";
    }
    return "";
}

/// What the checks found, as numbers and as a list of doubts (empty: nothing speaks against the
/// model).
struct exponential_check {
    std::optional<laplace_test> laplace;           ///< empty if there are too few failures
    /// Empty if there are too few times, or they are all the same.
    std::optional<weibull> shape;
    std::optional<anderson_darling_test> distance; ///< empty if there are too few times
    /// What speaks against the model; empty if nothing does.
    std::vector<doubt> doubts;
};

/** Checks times between failures, oldest first, against the exponential model at the given level
 *  (0.95: each test raises a false doubt in one of 20 sound cases). Levels above 0.99 leave
 *  Anderson and Darling's test out, whose table ends there.
 *
 *  @param running   time since the last failure, 0 if the data end with it
 */
inline exponential_check check_exponential(std::span<duration const> gaps, double level,
                                           duration running = {})
{
    exponential_check found;
    auto const sure = confidence::two_sided(level);
    std::vector<duration> positive;
    for (auto gap : gaps) {
        if (gap.count() > 0) {
            positive.push_back(gap);
        }
    }
    auto const differ = [&] {
        return std::any_of(positive.begin(), positive.end(),
                           [&](duration t) { return t != positive.front(); });
    };
    if (gaps.size() < 8) {
        found.doubts.push_back(doubt::too_few);
    }
    if (gaps.size() >= 4) {
        bool const at_event = running.count() == 0;
        found.laplace = test_laplace(gaps, at_event ? ended::at_event : ended::at_time, running);
        if (found.laplace->p_value < 1 - level) {
            found.doubts.push_back(found.laplace->u > 0 ? doubt::worsening : doubt::improving);
        }
    }
    if (positive.size() >= 4 && differ()) {
        auto const left = std::array{running};
        found.shape = fit_weibull(
            positive, sure, std::span<duration const>(left).first(running.count() > 0 ? 1 : 0));
        if (found.shape->shape.lower > 1) {
            found.doubts.push_back(doubt::wears_out);
        }
        if (found.shape->shape.upper < 1) {
            found.doubts.push_back(doubt::fails_early);
        }
    }
    if (positive.size() >= 4) {
        found.distance = test_exponential(gaps);
        if (found.distance->p_value < 1 - level) {
            found.doubts.push_back(doubt::not_exponential);
        }
    }
    return found;
}

} // namespace perdure::availability

#endif
