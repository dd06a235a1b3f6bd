// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_COMPARISON_HPP
#define PERDURE_AVAILABILITY_COMPARISON_HPP

#include <perdure/availability/proportion.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

// Did the new version get worse? Comparing two fault probabilities or two fault rates.
namespace perdure::availability {

/// Faults in trials, as counted.
struct trial_count {
    std::uint64_t faults = 0; ///< trials that had a fault; at most `trials`
    std::uint64_t trials = 0; ///< all trials
};
/// Faults in time, as counted.
struct exposure {
    std::uint64_t faults = 0; ///< faults counted within `time`
    duration time{};          ///< time observed, summed over the units; more than 0
};

/// What a comparison says: the estimate, and how likely a difference this large is when there is
/// none.
struct comparison {
    estimate<double> effect; ///< the difference or the ratio, with its interval
    double p_value;          ///< two-sided, exact
    /// Whether chance alone is too unlikely an explanation, at the interval's level.
    [[nodiscard]] bool differs() const { return p_value <= 1 - effect.sure.level(); }
};

namespace detail {

/// Sums the weights that are at most that of the observed one; `weight_ratio(i)` is w(i + 1) /
/// w(i), one peak.
template <class Ratio>
double two_sided(std::uint64_t low, std::uint64_t high, std::uint64_t observed, Ratio weight_ratio)
{
    // Relative to the observed outcome. Ties within rounding count, as R and SciPy have it.
    double const limit = 1 + 1e-7;
    double extreme = 0;
    double total = 0;
    auto const add = [&](double w) {
        total += w;
        if (w <= limit) {
            extreme += w;
        }
    };
    double w = 1;
    add(w);
    for (auto i = observed; i < high; ++i) {
        w *= weight_ratio(i);
        add(w);
        if (w < 1e-20 * extreme && weight_ratio(i) < 1) {
            break;
        }
    }
    w = 1;
    for (auto i = observed; i > low; --i) {
        w /= weight_ratio(i - 1);
        add(w);
        if (w < 1e-20 * extreme && weight_ratio(i - 1) > 1) {
            break;
        }
    }
    return std::min(extreme / total, 1.);
}

} // namespace detail

/** Difference of two fault probabilities, p(a) - p(b).
 *
 *  @par Formulas   Interval: Newcombe's hybrid of two Wilson intervals. p_value: Fisher's exact
 *                  test, two-sided by summing all tables that are no more likely than the one
 *                  seen. The two methods differ, so that near the limit one may see a difference
 *                  and the other not.
 *  @par Source     Newcombe, "Interval estimation for the difference between independent
 *                  proportions", Statistics in Medicine 17, 1998, method 10.
 *  @par Complexity O(faults).
 */
inline comparison compare_probabilities(trial_count a, trial_count b, double sure)
{
    auto const both = confidence::two_sided(sure);
    auto const x = estimate_probability(a.faults, a.trials, both, proportion_interval::wilson);
    auto const y = estimate_probability(b.faults, b.trials, both, proportion_interval::wilson);
    auto const gap = [](probability p, probability q) { return p.value() - q.value(); };
    double const difference = gap(x.value, y.value);
    estimate<double> const effect{
        difference, difference - std::hypot(gap(x.value, x.lower), gap(y.upper, y.value)),
        difference + std::hypot(gap(x.upper, x.value), gap(y.value, y.lower)), both};
    // Given the margins, the faults of `a` are hypergeometric.
    auto const faults = a.faults + b.faults;
    auto const high = std::min(faults, a.trials);
    auto const low = faults > b.trials ? faults - b.trials : 0;
    auto const ratio = [&](std::uint64_t i) {
        return static_cast<double>(faults - i) * static_cast<double>(a.trials - i) /
               (static_cast<double>(i + 1) * static_cast<double>(b.trials + i + 1 - faults));
    };
    return {effect, detail::two_sided(low, high, a.faults, ratio)};
}

/** Ratio of two fault rates, rate(a) / rate(b).
 *
 *  @par Formulas   Given the sum of the counts, the faults of `a` are binomial with p = ta / (ta
 *                  + tb) when the rates are equal; the interval of the ratio is the
 *                  Clopper-Pearson interval of that p, as odds times tb / ta.
 *  @par Domain     at least one fault in either; times more than 0. The ratio is infinite when b
 *                  had none.
 *  @par Source     Przyborowski and Wilenski, Biometrika 31, 1940.
 *  @throws std::invalid_argument
 */
inline comparison compare_rates(exposure a, exposure b, double sure)
{
    auto const both = confidence::two_sided(sure);
    for (auto const& e : {a, b}) {
        detail::require(e.time.count() > 0 && e.time.count() < detail::infinity,
                        "time of an exposure", e.time.count(),
                        "seconds must be more than 0 and finite");
    }
    auto const n = a.faults + b.faults;
    detail::require(n > 0, "faults", 0, "at least one fault is needed to compare rates");
    auto const share = estimate_probability(a.faults, n, both);
    double const scale = b.time / a.time;
    auto const odds = [&](double p) { return p < 1 ? scale * (p / (1 - p)) : detail::infinity; };
    estimate<double> const effect{odds(share.value.value()), odds(share.lower.value()),
                                  odds(share.upper.value()), both};
    auto const ratio = [&](std::uint64_t i) {
        return static_cast<double>(n - i) / static_cast<double>(i + 1) / scale;
    };
    return {effect, detail::two_sided(0, n, a.faults, ratio)};
}

} // namespace perdure::availability

#endif
