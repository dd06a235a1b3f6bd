// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_TWO_STATE_HPP
#define PERDURE_AVAILABILITY_TWO_STATE_HPP

#include <perdure/availability/unavailability.hpp>

namespace perdure::availability {

/** One repairable unit: it fails at the rate l while up and is repaired at the rate m while down,
 *  both memoryless.
 *
 *  @par Formulas       U = l / (l + m);  started up: U(t) = U (1 - e^{-(l+m)t}); mean over [0,
 *                      t]: U (1 - (1 - e^{-x}) / x) with x = (l + m) t;  failures a time: l m /
 *                      (l + m).
 *  @par Domain         l, m >= 0. l = 0 never fails; m = 0 is never repaired (U = 1 if l > 0, and
 *                      U(t) = 1 - e^{-lt}).
 *  @par Accuracy       1e-15 relative on U, U(t) and the mean, for every t.
 *  @par Source         Barlow and Proschan, Mathematical Theory of Reliability, 1965, chapter 3.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class two_state {
public:
    constexpr two_state(rate failures, rate repairs) : failures_(failures), repairs_(repairs) {}
    /// Neither mean may be 0: that is no finite rate.
    constexpr two_state(mtbf up, mttr down) : two_state(rate_of(up), rate_of(down)) {}

    /// Rate of failures while up.
    [[nodiscard]] constexpr rate failures() const { return failures_; }
    /// Rate of repairs while down.
    [[nodiscard]] constexpr rate repairs() const { return repairs_; }

    /// The long-run unavailability.
    [[nodiscard]] constexpr unavailability steady_state() const
    {
        double const l = failures_.per_second();
        return unavailability(l == 0 ? 0 : l / (l + repairs_.per_second()));
    }
    /// Probability of being down at the time `t` after a start in the up state.
    [[nodiscard]] constexpr unavailability at(duration t) const
    {
        check(t);
        return unavailability(steady_state().value() * -detail::expm1(-exponent(t)));
    }
    /// The same after a start in the down state: U + (1 - U) e^{-(l+m)t}.
    [[nodiscard]] constexpr unavailability at_after_failure(duration t) const
    {
        check(t);
        double const u = steady_state().value();
        double const down = u + (1 - u) * detail::exp(-exponent(t));
        return unavailability(down < 1 ? down : 1);
    }
    /// Expected share of [0, t] spent down, after a start in the up state.
    [[nodiscard]] constexpr unavailability mean_until(duration t) const
    {
        check(t);
        double const x = exponent(t);
        return unavailability(steady_state().value() * mean_of_one_minus_exp(x));
    }
    /// The same after a start in the down state.
    [[nodiscard]] constexpr unavailability mean_until_after_failure(duration t) const
    {
        check(t);
        double const u = steady_state().value();
        double const x = exponent(t);
        return unavailability(x == 0 ? 1 : u + (1 - u) * (-detail::expm1(-x) / x));
    }
    /// Failures per unit of time in the long run: once in mtbf + mttr.
    [[nodiscard]] constexpr rate failure_frequency() const
    {
        double const l = failures_.per_second();
        double const m = repairs_.per_second();
        return rate::per_second(l == 0 ? 0 : l * (m / (l + m)));
    }

private:
    static constexpr void check(duration t)
    {
        detail::require(t.count() >= 0, "t", t.count(), "seconds must be at least 0");
    }
    [[nodiscard]] constexpr double exponent(duration t) const
    {
        return failures_.in(t) + repairs_.in(t);
    }
    /// 1 - (1 - e^{-x}) / x; below 0.1 by its series, where the closed form cancels.
    static constexpr double mean_of_one_minus_exp(double x)
    {
        if (x > 0.1) {
            return 1 + detail::expm1(-x) / x;
        }
        double sum = 0;
        for (int i = 12; i >= 2; --i) { // x/2! - x^2/3! + ..., innermost term first
            sum = x / i * (1 - sum);
        }
        return sum;
    }

    rate failures_;
    rate repairs_;
};

} // namespace perdure::availability

#endif
