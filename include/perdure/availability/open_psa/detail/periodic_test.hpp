// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_OPEN_PSA_DETAIL_PERIODIC_TEST_HPP
#define PERDURE_AVAILABILITY_OPEN_PSA_DETAIL_PERIODIC_TEST_HPP

#include <cmath>

namespace perdure::availability::detail {

/** Unavailability at the time t of a unit whose failures (rate l) are only found by a test, first
 *  at the time `first` and then every `period`; what is found is as good as new at once.
 */
inline double periodic_test(double l, double period, double first, double t)
{
    if (t <= first) {
        return -std::expm1(-l * t);
    }
    double const since = std::fmod(t - first, period);
    return -std::expm1(-l * (since > 0 ? since : period)); // at a test: just before it
}

/** The same where what a test finds is repaired at the rate m.
 *
 *  Working units fail unnoticed; a test turns unnoticed failures into repairs. With w and r the
 *  probabilities to work and to be under repair after a test, a time u later
 *      r(u) = r e^{-m u},   w(u) = w e^{-l u} + r m (e^{-l u} - e^{-m u}) / (m - l).
 */
inline double periodic_test(double l, double m, double period, double first, double t)
{
    if (t <= first) {
        return -std::expm1(-l * t);
    }
    // (e^{-l u} - e^{-m u}) / (m - l), which for m = l is u e^{-l u}.
    auto const joint = [&](double u) {
        double const x = (m - l) * u;
        if (std::abs(x) < 1e-5) {
            return u * std::exp(-l * u) * (1 - x / 2 * (1 - x / 3));
        }
        return m > l ? std::exp(-l * u) * -std::expm1(-x) / (m - l)
                     : std::exp(-m * u) * -std::expm1(x) / (l - m);
    };
    auto const works = [&](double w, double u) {
        return w * std::exp(-l * u) + (w < 1 ? (1 - w) * m * joint(u) : 0);
    };
    // Right after a test what does not work is under repair, so one number is the state, and the
    // map from test to test is w <- a w + b (1 - w): solved in closed form, so that millions of
    // tests take no time.
    double const a = std::exp(-l * period);
    double const b = works(0, period);
    double const tests = std::floor((t - first) / period);
    double const rest = std::fmod(t - first, period);
    double const fixed = 1 - a + b > 0 ? b / (1 - a + b) : 1;
    double w = fixed + (std::exp(-l * first) - fixed) * std::pow(a - b, tests);
    if (rest > 0) {
        w = works(w, rest);
    }
    return w < 1 ? 1 - w : 0;
}

} // namespace perdure::availability::detail

#endif
