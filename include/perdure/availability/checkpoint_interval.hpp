// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_CHECKPOINT_INTERVAL_HPP
#define PERDURE_AVAILABILITY_CHECKPOINT_INTERVAL_HPP

#include <perdure/availability/detail/math.hpp>
#include <perdure/availability/estimate.hpp>
#include <perdure/availability/units.hpp>

#include <cmath>

// How often to save: work that is saved costs the saving, work that is not may be lost. `save` is
// how long one save takes (the work stands still), `restart` how long until work goes on after a
// failure, intervals are of work between two saves.
namespace perdure::availability {

namespace detail {

inline void check_save(duration save, mtbf between)
{
    require(save.count() > 0 && save.count() < infinity, "save", save.count(),
            "seconds must be more than 0 and finite");
    require(between.value().count() > 0 && !between.is_infinite(), "mtbf", between.value().count(),
            "seconds must be more than 0 and finite: without failures nothing need be saved");
}

/// -(ln(1 - y) + y) = y^2/2 + y^3/3 + ..., for 0 <= y < 1.
inline double minus_log1p_minus(double y)
{
    if (y > 0.3) {
        return -std::log1p(-y) - y;
    }
    double sum = 0;
    double power = y * y;
    for (int i = 2; i < 60; ++i) {
        double const term = power / i;
        if (term < 1e-18 * sum) {
            break;
        }
        sum += term;
        power *= y;
    }
    return sum;
}

} // namespace detail

/// Young's interval, sqrt(2 save mtbf): the first-order optimum. [J. W. Young, CACM 17(9), 1974.]
inline duration young_interval(duration save, mtbf between)
{
    detail::check_save(save, between);
    return duration(std::sqrt(2 * save.count() * between.value().count()));
}

/** Daly's higher-order interval: with x = save / (2 mtbf), sqrt(2 save mtbf) (1 + sqrt(x) / 3 + x
 *  / 9) - save below save = 2 mtbf, and mtbf from there. [J. T. Daly, FGCS 22, 2006, equation
 *  37.]
 */
inline duration daly_interval(duration save, mtbf between)
{
    detail::check_save(save, between);
    if (save >= 2 * between.value()) {
        return between.value();
    }
    double const x = save / (2 * between.value());
    return young_interval(save, between) * (1 + std::sqrt(x) / 3 + x / 9) - save;
}

/** The exact optimum for exponential failures, mtbf (1 + W0(-e^{-1 - save / mtbf})) with
 *  Lambert's W.
 *
 *  Computed as the root y of -ln(1 - y) - y = save / mtbf, y = interval / mtbf in (0, 1), by
 *  Newton's method: near the branch point of W, where short saves lie, W itself loses half of the
 *  digits and this does not. 1e-14 relative.
 */
inline duration optimal_interval(duration save, mtbf between)
{
    detail::check_save(save, between);
    double const s = save / between.value();
    // Starts right of the root (y^2 / 2 <= s below it), from where Newton's steps fall
    // monotonically.
    double y = s < 0.5 ? std::sqrt(2 * s) : -std::expm1(-s - 1);
    for (int i = 0; i < 60; ++i) {
        double const next = y - (detail::minus_log1p_minus(y) - s) * (1 - y) / y;
        if (!(std::abs(next - y) > 1e-16 * y)) {
            break;
        }
        y = next > 0 ? next : y / 2;
    }
    return y * between.value();
}

/// The optimum with the uncertainty of the MTBF carried through; it grows with the MTBF, so the
/// ends map to the ends. An MTBF that is not bounded from above leaves the interval unbounded.
inline estimate<duration> optimal_interval(duration save, estimate<mtbf> const& between)
{
    auto const at = [&](mtbf m) {
        return m.is_infinite()           ? m.value()
               : m.value().count() == 0. ? duration(0)
                                         : optimal_interval(save, m);
    };
    return {at(between.value), at(between.lower), at(between.upper), between.sure};
}

/** How much longer a run takes than its work alone: e^{restart / M} (e^{(interval + save) / M} -
 *  1) M / interval.
 *
 *  Failures may strike work, save and restart alike. [Daly 2006, equation 20.] The optimum is
 *  flat: at M = 24 h and save = 5 min an interval twice too long costs 2 %.
 */
inline double expected_stretch(duration interval, duration save, duration restart, mtbf between)
{
    detail::check_save(save, between);
    detail::require(interval.count() > 0, "interval", interval.count(),
                    "seconds must be more than 0");
    detail::require(restart.count() >= 0, "restart", restart.count(), "seconds must be at least 0");
    auto const m = between.value();
    return std::exp(restart / m) * std::expm1((interval + save) / m) * (m / interval);
}

/** The interval between snapshots of a state that is also logged: nothing is lost, but what came
 *  after the snapshot is replayed. sqrt(2 save mtbf / replay), with `replay` the time to replay
 *  one second of logged work.
 *
 *  First order, like Young's: it balances save / interval against replay interval / (2 mtbf).
 */
inline duration snapshot_interval(duration save, mtbf between, double replay)
{
    detail::require(replay > 0 && replay < detail::infinity, "replay", replay,
                    "seconds per second must be more than 0 and finite");
    return young_interval(save, between) / std::sqrt(replay);
}

/** Two places to save to: a near one (memory, a partner) that survives most failures, and a far
 *  one (disk) that survives all.
 *
 *  `near_failures` destroy neither copy, `far_failures` destroy the near one.
 */
struct two_level_costs {
    duration near_save;    ///< to save near, each time; more than 0
    duration far_save;     ///< to save far, each time; more than 0
    duration near_restart; ///< to come back from the near copy
    duration far_restart;  ///< to come back from the far copy
    rate near_failures;    ///< failures that the near copy survives
    rate far_failures;     ///< failures that only the far copy survives; more than 0
};

/// Save near after every `interval` of work, and far instead of near every `far_every`-th time.
struct two_level_plan {
    duration interval;  ///< work between two saves
    unsigned far_every; ///< every so many-th save is a far one; 1: all of them
    double stretch;     ///< expected run time over work
};

/** Expected run time over work of a two-level plan, exactly for exponential failures.
 *
 *  With X_i the mean time from the start of segment i to the end of the round, l all failures, s
 *  the length of the segment, p = e^{-ls}: X_i = (1-p)/l + p X_{i+1} + (1-p) (near share (restart
 *  + X_i) + far share (restart + X_0)), solved backwards in X_0 without a difference. A restart
 *  that is itself interrupted begins anew.
 */
inline double expected_stretch(two_level_costs const& c, duration interval, unsigned far_every)
{
    detail::require(interval.count() > 0, "interval", interval.count(),
                    "seconds must be more than 0");
    detail::require(far_every > 0, "far_every", 0, "it must be at least 1");
    rate const all = c.near_failures + c.far_failures;
    double const l = all.per_second();
    double const near = l > 0 ? c.near_failures / all : 0;
    double const far = l > 0 ? c.far_failures / all : 0;
    auto const lasts = [&](duration t) { // mean time until t have passed without a failure
        return l > 0 ? std::expm1(l * t.count()) / l : t.count();
    };
    double const restart = near * lasts(c.near_restart) + far * lasts(c.far_restart);
    double fixed = 0; // X_i = fixed + (1 - kept) X_0
    double kept = 1;
    for (unsigned i = far_every; i-- > 0;) {
        double const s = (interval + (i + 1 == far_every ? c.far_save : c.near_save)).count();
        double const p = std::exp(-l * s);
        double const fails = -std::expm1(-l * s);
        double const spent = l > 0 ? fails / l : s;
        double const stays = p + fails * far; // 1 - fails * near
        fixed = (spent + p * fixed + fails * restart) / stays;
        kept = p * kept / stays;
    }
    return fixed / kept / (interval.count() * far_every);
}

/** The best two-level plan, by a golden-section search over the interval for every number of near
 *  saves.
 *
 *  Starts from the first-order optimum, near interval sqrt(2 near_save / near rate), far interval
 *  sqrt(2 far_save / far rate).
 *  @throws std::invalid_argument if there are no far failures (then nothing ever needs the far
 *      copy) or a cost is not positive
 */
inline two_level_plan optimal_two_level(two_level_costs const& c)
{
    detail::require(c.near_save.count() > 0, "near_save", c.near_save.count(),
                    "seconds must be more than 0");
    detail::require(c.far_save.count() > 0, "far_save", c.far_save.count(),
                    "seconds must be more than 0");
    detail::require(c.far_failures > rate{}, "far_failures", 0, "the rate must be more than 0");
    auto const best_for = [&](unsigned n) {
        // Between a hundredth and a hundred times the first-order interval for one level.
        double const save = (c.near_save * (n - 1) + c.far_save).count() / n;
        double const guess =
            std::log(std::sqrt(2 * save / (c.near_failures + n * c.far_failures).per_second()));
        double low = guess - 4.6;
        double high = guess + 4.6;
        auto const cost = [&](double x) { return expected_stretch(c, duration(std::exp(x)), n); };
        constexpr double golden = 0.61803398874989484820;
        double a = high - golden * (high - low);
        double b = low + golden * (high - low);
        double at_a = cost(a);
        double at_b = cost(b);
        while (high - low > 1e-9) {
            if (!(at_a > at_b)) { // also when both overflow: the shorter interval is the better one
                high = b;
                b = a;
                at_b = at_a;
                a = high - golden * (high - low);
                at_a = cost(a);
            } else {
                low = a;
                a = b;
                at_a = at_b;
                b = low + golden * (high - low);
                at_b = cost(b);
            }
        }
        double const x = low + (high - low) / 2;
        return two_level_plan{duration(std::exp(x)), n, cost(x)};
    };
    auto best = best_for(1);
    for (unsigned n = 2; n <= 10000; ++n) {
        auto const next = best_for(n);
        if (next.stretch >= best.stretch && n > 2) {
            break;
        }
        if (next.stretch < best.stretch) {
            best = next;
        }
    }
    return best;
}

} // namespace perdure::availability

#endif
