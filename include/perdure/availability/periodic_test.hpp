// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_PERIODIC_TEST_HPP
#define PERDURE_AVAILABILITY_PERIODIC_TEST_HPP

#include <perdure/availability/unavailability.hpp>

#include <algorithm>
#include <cmath>

namespace perdure::availability {

/** A unit whose failures stay hidden until a test finds them: a standby, a backup that nobody
 *  restores, a replica that is read only after a failover.
 *
 *  It fails at `failures`, is tested at `first`, first + every, first + 2 every, ..., and when a
 *  test finds it failed it is repaired at `repairs`. Tests take no time and, unless `finds` is less
 *  than 1, overlook nothing.
 *
 *  @par Formulas   between tests, for the probabilities a (up), f (failed unseen), r (in repair):
 *                  r = r0 e^-mt, a = a0 e^-lt + r0 m (e^-mt - e^-lt) / (l - m), and f is what
 *                  failed since, by expm1. Long run without overlooking: about l every / 2 + l / m.
 *  @par Accuracy   1e-12 relative on the unavailability
 *  @par Complexity O(tests until t)
 *  @par Source     the periodic-test expression of the Open-PSA Model Exchange Format, 5 arguments
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class periodic_test {
public:
    /// @throws std::invalid_argument naming the argument
    periodic_test(rate failures, rate repairs, duration every, duration first,
                  probability finds = probability(1))
        : l_(failures.per_second()),
          m_(repairs.per_second()),
          every_(every.count()),
          first_(first.count()),
          finds_(finds.value())
    {
        detail::require(every_ > 0 && every_ < detail::infinity, "every", every_,
                        "seconds must be finite and more than 0");
        detail::require(first_ >= 0 && first_ < detail::infinity, "first", first_,
                        "seconds must be finite and at least 0");
    }

    /// Probability of being down at `t`, seen or unseen, after a start in the up state. A test at
    /// `t` itself has been made.
    [[nodiscard]] unavailability at(duration t) const
    {
        state s;
        walk(t, [&](state const& begin, double length) { s = after(begin, length); });
        return s.down();
    }
    /// Expected share of [0, t] spent down: what safety standards call PFDavg.
    [[nodiscard]] unavailability mean_until(duration t) const
    {
        if (t.count() == 0) {
            return at(t);
        }
        double sum = 0;
        walk(t, [&](state const& begin, double length) {
            // Gauss and Legendre's rule of 5 points on pieces too short for the exponentials to
            // bend much.
            constexpr double points[] = {0, 0.5384693101056830910, 0.9061798459386639928};
            constexpr double weights[] = {0.5688888888888888889, 0.4786286704993664680,
                                          0.2369268850561890875};
            double const bend = (l_ + m_) * length;
            int const pieces = static_cast<int>(std::min(std::ceil(4 * bend), 1e6)) + 1;
            double const half = length / pieces / 2;
            for (int i = 0; i < pieces; ++i) {
                double const middle = (2 * i + 1) * half;
                sum += half * weights[0] * after(begin, middle).down().value();
                for (int p = 1; p < 3; ++p) {
                    sum += half * weights[p] *
                           (after(begin, middle - half * points[p]).down().value() +
                            after(begin, middle + half * points[p]).down().value());
                }
            }
        });
        return unavailability(std::min(sum / t.count(), 1.));
    }

private:
    struct state {
        double up = 1;
        double unseen = 0;
        double repair = 0;
        [[nodiscard]] unavailability down() const
        {
            return unavailability(std::min(unseen + repair, 1.));
        }
    };

    [[nodiscard]] state after(state const& s, double t) const
    {
        double const d = (l_ - m_) * t;
        // (e^-mt - e^-lt) / (l - m), also where l is near m.
        double const shared =
            std::exp(-l_ * t) * (std::abs(d) < 1e-290 ? t : t * (std::expm1(d) / d));
        double const back = s.repair * m_ * (d < 500 ? shared : std::exp(-m_ * t) / (l_ - m_));
        double const repaired = -s.repair * std::expm1(-m_ * t);
        return {s.up * std::exp(-l_ * t) + back,
                s.unseen - s.up * std::expm1(-l_ * t) + std::max(0., repaired - back),
                s.repair * std::exp(-m_ * t)};
    }
    /// Calls visit(state at the beginning, length) for every stretch between tests until t.
    template <class Visit>
    void walk(duration until, Visit visit) const
    {
        double const t = until.count();
        detail::require(t >= 0 && t < detail::infinity, "t", t,
                        "seconds must be finite and at least 0");
        detail::require((t - first_) / every_ <= 1e7, "every", every_,
                        "seconds are too few: more than 10^7 tests");
        state s;
        double now = 0;
        double const tests = t < first_ ? 0 : std::floor((t - first_) / every_) + 1;
        for (double i = 0; i < tests; ++i) {
            double const next = first_ + i * every_;
            visit(s, next - now);
            s = after(s, next - now);
            s.repair += finds_ * s.unseen;
            s.unseen *= 1 - finds_;
            now = next;
        }
        visit(s, t - now);
    }

    double l_;
    double m_;
    double every_;
    double first_;
    double finds_;
};

} // namespace perdure::availability

#endif
