// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_DOWNTIME_HPP
#define PERDURE_AVAILABILITY_DOWNTIME_HPP

#include <perdure/availability/detail/poisson.hpp>
#include <perdure/availability/two_state.hpp>

#include <cstdint>

namespace perdure::availability {

/// How a unit is found when a window begins. `steady`: up or down with its long-run probabilities.
enum class starting : std::uint8_t { up, down, steady };

/** How long a repairable unit is down within a window, as a distribution.
 *
 *  A service whose *mean* availability is exactly its target meets that target in far from every
 *  window: with 99.9 %, one outage a month and 43 minutes each, a month meets 99.9 % with
 *  probability 0.65.
 *
 *  @par Formula    D <= x exactly if the time up reaches T - x before the time down passes x. N
 *                  failures come in T - x of operation, M repairs end in x of repair, both
 *                  Poisson: P(D <= x) = P(N <= M) with means l (T - x) and m x when started up,
 *                  P(N < M) when started down. P(D = 0) = e^{-lT}. Equal to the integral of
 *                  Takacs.
 *  @par Source     Takacs, "On certain sojourn time problems in the theory of stochastic
 *                  processes", 1957.
 *  @par Accuracy   1e-12 relative on either side of the distribution, each summed by itself from
 *                  positive terms.
 *  @par Complexity O(sqrt(expected number of failures + repairs)) an evaluation.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class downtime {
public:
    /// @throws std::invalid_argument unless `window` is finite and more than 0.
    downtime(two_state unit, duration window, starting start = starting::up)
        : unit_(unit),
          window_(window),
          down_at_start_(start == starting::up     ? 0
                         : start == starting::down ? 1
                                                   : unit.steady_state().value())
    {
        detail::require(window.count() > 0 && window.count() < detail::infinity, "window",
                        window.count(), "seconds must be more than 0 and finite");
    }

    /// P(D <= x): the probability of staying within a budget of x.
    [[nodiscard]] probability at_most(duration x) const { return side(x, false); }
    /// P(D > x), with its own digits.
    [[nodiscard]] probability more_than(duration x) const { return side(x, true); }
    /// P(D / window <= target).
    [[nodiscard]] probability meets(unavailability target) const
    {
        return at_most(target.downtime(window_));
    }
    /// P(D / window > target), with its own digits.
    [[nodiscard]] probability misses(unavailability target) const
    {
        return more_than(target.downtime(window_));
    }
    /// No outage at all.
    [[nodiscard]] probability none() const { return at_most(duration(0)); }

    /// Expected time down within the window.
    [[nodiscard]] duration mean() const
    {
        return ((1 - down_at_start_) * unit_.mean_until(window_).value() +
                down_at_start_ * unit_.mean_until_after_failure(window_).value()) *
               window_;
    }
    /** The smallest x with P(D <= x) >= `sure`: the budget that can be promised with that
     *  confidence.
     *
     *  By bisection to the last digit of x; 0 if an outage is less likely than 1 - sure.
     */
    [[nodiscard]] duration quantile(double sure) const
    {
        detail::require(sure > 0 && sure < 1, "confidence", sure, "it must lie between 0 and 1");
        double const risk = 1 - sure;
        double low = 0;
        double high = window_.count();
        if (more_than(duration(0)).value() <= risk) {
            return duration(0);
        }
        for (int i = 0; i < 200; ++i) {
            // Geometric steps at first: budgets of seconds in a window of years deserve all their
            // digits.
            double const middle = low > 0 && high > 2 * low ? std::sqrt(low * high)
                                  : low > 0                 ? low + (high - low) / 2
                                                            : high / 1024;
            if (!(middle > low && middle < high)) {
                break;
            }
            (more_than(duration(middle)).value() <= risk ? high : low) = middle;
        }
        return duration(high);
    }

private:
    [[nodiscard]] probability side(duration x, bool more) const
    {
        detail::require(x == x, "x", x.count(), "it must be a number of seconds");
        if (x.count() < 0 || x >= window_) {
            return probability((x.count() < 0) == more ? 1 : 0);
        }
        double const n = unit_.failures().in(window_ - x);
        double const m = unit_.repairs().in(x);
        double sum = 0;
        if (down_at_start_ < 1) {
            sum += (1 - down_at_start_) *
                   (more ? detail::poisson_reaches(n, m, 1) : detail::poisson_reaches(m, n, 0));
        }
        if (down_at_start_ > 0) {
            sum += down_at_start_ *
                   (more ? detail::poisson_reaches(n, m, 0) : detail::poisson_reaches(m, n, 1));
        }
        return probability(sum < 1 ? sum : 1);
    }

    two_state unit_;
    duration window_;
    double down_at_start_;
};

/** The target that `unit` meets in a window with the given confidence, as an unavailability.
 *
 *  The honest figure for an agreement: its long-run unavailability is met in little more than
 *  half of the windows.
 */
inline unavailability promise(two_state unit, duration window, double sure,
                              starting start = starting::up)
{
    return unavailability(downtime(unit, window, start).quantile(sure) / window);
}

/** Where a window stands when part of it has passed. */
struct window_so_far {
    duration elapsed{}; ///< time since the window began; in [0, window]
    duration down{};    ///< burnt of the budget
    bool up = true;     ///< the state now
};

/** The probability that the target is missed when the window ends, given what has happened so
 *  far.
 *
 *  1 when the budget is already spent. Otherwise the rest of the window is a window of its own,
 *  with what is left of the budget.
 *  @throws std::invalid_argument if elapsed is outside [0, window] or down outside [0, elapsed].
 */
inline probability probability_of_missing(two_state unit, unavailability target, duration window,
                                          window_so_far const& so_far)
{
    detail::require(detail::within(so_far.elapsed.count(), 0, window.count()), "elapsed",
                    so_far.elapsed.count(), "seconds must lie in [0, window]");
    detail::require(detail::within(so_far.down.count(), 0, so_far.elapsed.count()), "down",
                    so_far.down.count(), "seconds must lie in [0, elapsed]");
    auto const left = target.downtime(window) - so_far.down;
    auto const rest = window - so_far.elapsed;
    if (left.count() < 0) {
        return probability(1);
    }
    if (rest.count() == 0) {
        return probability(0);
    }
    return downtime(unit, rest, so_far.up ? starting::up : starting::down).more_than(left);
}

} // namespace perdure::availability

#endif
