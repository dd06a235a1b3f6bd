// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_RENEWAL_HPP
#define PERDURE_AVAILABILITY_RENEWAL_HPP

#include <perdure/availability/detail/poisson.hpp>
#include <perdure/availability/phase_type.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace perdure::availability {

/** A unit that fails without memory and whose repairs have any phase-type distribution.
 *
 *  The long run depends on the mean repair alone; what a window sees, and the chance to keep a
 *  promise, depend on the whole distribution: rare long repairs spoil few windows but spoil them
 *  thoroughly.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class renewal_unit {
public:
    /// Fails at this rate while up; every repair takes a time of its own from this distribution.
    renewal_unit(rate failures, phase_type repair) : failures_(failures), repair_(std::move(repair))
    {
    }

    /// Rate of failures while up.
    [[nodiscard]] rate failures() const { return failures_; }
    /// Distribution of the time to repair.
    [[nodiscard]] phase_type const& repair() const { return repair_; }

    /// l R / (1 + l R), with the mean repair R.
    [[nodiscard]] unavailability steady_state() const
    {
        double const x = failures_.in(repair_.mean());
        return unavailability(x / (1 + x));
    }
    /// Probability of being down at the time `t` after a start in the up state. 1e-12 relative.
    [[nodiscard]] unavailability at(duration t) const
    {
        detail::require(t.count() >= 0 && t.count() < detail::infinity, "t", t.count(),
                        "seconds must be finite and at least 0");
        // State 0 is up, the phases follow.
        auto const n = repair_.size();
        std::vector<double> rates((n + 1) * (n + 1), 0.);
        for (std::size_t i = 0; i < n; ++i) {
            rates[i + 1] = failures_.per_second() * repair_.start()[i];
            rates[(i + 1) * (n + 1)] = repair_.exits()[i];
            for (std::size_t j = 0; j < n; ++j) {
                rates[(i + 1) * (n + 1) + j + 1] = repair_.rates()[i * n + j];
            }
        }
        auto const a = detail::absorb(rates, std::vector<double>(n + 1, 0.), t.count());
        double down = 0;
        for (std::size_t j = 1; j <= n; ++j) {
            down += a.stay[j];
        }
        return unavailability(std::min(down, 1.));
    }

    /** P(time down within `window` exceeds `x`), started up.
     *
     *  @par Formula    as for exponential repair, P(N > M): N Poisson with mean l (window - x),
     *                  and M the repairs completed in x of repairing, counted over the
     *                  uniformised phases.
     *  @par Complexity O(q x * expected failures * phases^2) with the fastest phase's rate q;
     *                  refused with std::length_error beyond 10^9.
     */
    [[nodiscard]] probability more_down_than(duration x, duration window) const
    {
        return side(x, window, true);
    }
    /// P(time down within `window` is at most `x`), started up, with its own digits.
    [[nodiscard]] probability at_most_down(duration x, duration window) const
    {
        return side(x, window, false);
    }
    /// P(the target is met in a window), started up.
    [[nodiscard]] probability meets(unavailability target, duration window) const
    {
        return at_most_down(target.downtime(window), window);
    }

private:
    [[nodiscard]] probability side(duration x, duration window, bool more) const
    {
        detail::require(window.count() > 0 && window.count() < detail::infinity, "window",
                        window.count(), "seconds must be more than 0 and finite");
        if (!(x.count() >= 0) || x >= window) {
            return probability((x.count() >= 0) == more ? 0 : 1);
        }
        double const a = failures_.in(window - x);
        auto const n = repair_.size();
        // More repairs than this are as good as infinitely many.
        auto const counts = static_cast<std::size_t>(a + 12 * std::sqrt(a) + 40);
        double q = 0;
        for (std::size_t i = 0; i < n; ++i) {
            double out = repair_.exits()[i];
            for (std::size_t j = i + 1; j < n; ++j) {
                out += repair_.rates()[i * n + j];
            }
            q = std::max(q, out);
        }
        double const qx = q * x.count();
        double const steps = qx + 12 * std::sqrt(qx) + 40;
        if (steps * static_cast<double>(counts * n * n) > 1e9) {
            throw std::length_error("the time down of " + detail::shortest(x.count()) +
                                    " s spans too many phases and failures to be computed");
        }
        // state[m n + i]: m repairs done, in phase i of the next; the last count collects all
        // beyond.
        std::vector<double> state((counts + 1) * n, 0.), next, done(counts + 1, 0.);
        std::copy(repair_.start().begin(), repair_.start().end(), state.begin());
        for (std::uint64_t k = 0; static_cast<double>(k) <= steps; ++k) {
            double const weight = detail::poisson(k, qx);
            for (std::size_t m = 0; m <= counts; ++m) {
                for (std::size_t i = 0; i < n; ++i) {
                    done[m] += weight * state[m * n + i];
                }
            }
            next.assign(state.size(), 0.);
            for (std::size_t m = 0; m <= counts; ++m) {
                auto const after = std::min(m + 1, counts);
                for (std::size_t i = 0; i < n; ++i) {
                    double const p = state[m * n + i];
                    if (p == 0) {
                        continue;
                    }
                    double const ends = repair_.exits()[i] / q;
                    double rest = 1 - ends;
                    for (std::size_t j = i + 1; j < n; ++j) {
                        double const step = repair_.rates()[i * n + j] / q;
                        next[m * n + j] += p * step;
                        rest -= step;
                    }
                    next[m * n + i] += p * std::max(rest, 0.);
                    for (std::size_t j = 0; j < n; ++j) {
                        next[after * n + j] += p * ends * repair_.start()[j];
                    }
                }
            }
            state.swap(next);
        }
        // P(N > m) from the top down, P(N <= m) from the bottom up: each a sum of positive terms.
        double sum = 0;
        if (more) {
            double beyond = 0;
            for (auto m = 2 * counts + 60; m > counts; --m) {
                beyond += detail::poisson(m, a);
            }
            for (auto m = counts + 1; m-- > 0;) {
                sum += done[m] * beyond;
                beyond += detail::poisson(m, a);
            }
        } else {
            double at_most = 0;
            for (std::size_t m = 0; m <= counts; ++m) {
                at_most += detail::poisson(m, a);
                sum += done[m] * (m == counts ? 1 : at_most);
            }
        }
        return probability(std::min(sum, 1.));
    }

    rate failures_;
    phase_type repair_;
};

} // namespace perdure::availability

#endif
