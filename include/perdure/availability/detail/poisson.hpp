// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_DETAIL_POISSON_HPP
#define PERDURE_AVAILABILITY_DETAIL_POISSON_HPP

#include <cmath>
#include <cstdint>

namespace perdure::availability::detail {

/// x ln(x / a) + a - x without cancellation where x is near a.
inline double deviance(double x, double a)
{
    if (std::abs(x - a) < 0.1 * (x + a)) {
        double const v = (x - a) / (x + a);
        double sum = (x - a) * v;
        double term = 2 * x * v;
        for (int j = 1; j < 100; ++j) {
            term *= v * v;
            double const next = sum + term / (2 * j + 1);
            if (next == sum) {
                break;
            }
            sum = next;
        }
        return sum;
    }
    return x * std::log(x / a) + a - x;
}

/** The Poisson probability a^n e^-a / n!.
 *
 *  Saddle-point form of C. Loader, "Fast and Accurate Computation of Binomial Probabilities",
 *  2000: the large parts of a^n, e^-a and n! cancel on paper instead of in floating point.
 *  Relative error below 1e-12 while the result is above 1e-300; smaller results may underflow to
 *  0.
 */
inline double poisson(std::uint64_t count, double a)
{
    auto const n = static_cast<double>(count);
    if (a == 0) {
        return count == 0 ? 1 : 0;
    }
    if (count <= 15) {
        double p = std::exp(-a);
        for (int i = 1; i <= static_cast<int>(count); ++i) {
            p *= a / i;
        }
        return p;
    }
    // ln n! - ln(sqrt(2 pi n) (n / e)^n), by Stirling's series; its next term is below 1e-16 from n
    // = 16.
    double const nn = n * n;
    double const stirling =
        (1. / 12 - (1. / 360 - (1. / 1260 - (1. / 1680 - 1. / 1188 / nn) / nn) / nn) / nn) / n;
    return std::exp(-stirling - deviance(n, a)) / std::sqrt(6.283185307179586477 * n);
}

/// P(N <= n) for a Poisson count N of mean a, as a sum of positive terms, largest first.
inline double poisson_at_most(std::uint64_t n, double a)
{
    // Downwards from n, or from the mode where that is lower, and upwards from there to n.
    auto const mode = static_cast<std::uint64_t>(a);
    auto const top = n < mode ? n : mode;
    double const peak = poisson(top, a);
    double sum = peak;
    double term = peak;
    for (auto j = top; j > 0 && term > 1e-18 * sum; --j) {
        term *= static_cast<double>(j) / a;
        sum += term;
    }
    term = peak;
    for (auto j = top; j < n && term > 1e-18 * sum; ++j) {
        term *= a / static_cast<double>(j + 1);
        sum += term;
    }
    return sum < 1 ? sum : 1;
}

/** P(N - M >= least) for independent Poisson counts N of mean a and M of mean b; `least` is 0 or
 *  1.
 *
 *  Sums P(N = n) P(M <= n - least) around its largest term; every term is positive, so the result
 *  is relatively accurate however small it is. O(sqrt(a + b)) terms.
 */
inline double poisson_reaches(double a, double b, std::uint64_t least)
{
    double const peak = a < b ? std::sqrt(a * b) : a;
    double const reach = 13 * std::sqrt(peak) + 40;
    auto const low = static_cast<std::uint64_t>(peak > reach ? peak - reach : 0.);
    auto n = low < least ? least : low;
    double term = poisson(n, a);
    double at_most = poisson_at_most(n - least, b);
    double last = poisson(n - least, b);
    double sum = 0;
    for (;; ++n) {
        double const part = term * at_most;
        sum += part;
        if (static_cast<double>(n) > peak && part <= 1e-18 * sum) {
            return sum < 1 ? sum : 1;
        }
        term *= a / static_cast<double>(n + 1);
        last *= b / static_cast<double>(n + 1 - least);
        at_most += last;
    }
}

} // namespace perdure::availability::detail

#endif
