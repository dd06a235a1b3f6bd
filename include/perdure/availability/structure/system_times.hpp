// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_SYSTEM_TIMES_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_SYSTEM_TIMES_HPP

#include <perdure/availability/structure/detail/derivatives.hpp>
#include <perdure/availability/structure/diagram.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

// How often a system of repaired components fails, for how long, and when one without repair fails for the first time. Times
// are in the unit of the events' rates: hours for what fault_tree_of() makes.
namespace perdure::availability {

/// The long run of a system whose components fail and are repaired independently.
struct long_run_times {
    chance down;          ///< .yes is the unavailability
    double failures = 0;  ///< how often the system goes down, per unit of time
    double mean_up = 0;   ///< mean length of an up period
    double mean_down = 0; ///< mean length of a down period
    /// Mean time from one failure to the next, mean_up + mean_down.
    [[nodiscard]] double between_failures() const { return mean_up + mean_down; }
    /// By event: its share of the system's failures (the Barlow-Proschan importance).
    std::vector<double> causes;
};

namespace detail {

inline double rate_of_event(basic_event const& event, double rate, char const* what)
{
    if (rate != rate) {
        throw std::invalid_argument("event '" + event.name + "' has no " + what + " rate");
    }
    return rate;
}

} // namespace detail

/** Frequency of failure and mean up and down times.
 *
 *  @par Formula        failures = sum over events of l (1 - u) P(the top depends on the event), where l is the failure rate
 *                      and u the unavailability; l (1 - u) is how often the component fails in the long run, and as often it
 *                      is repaired, which in trees with negation may make the top happen too.
 *                      mean_up = (1 - U) / failures, mean_down = U / failures.
 *  @par Accuracy       that of importances(); 1e-12 relative in monotone trees without nearly cancelling paths.
 *  @par Source         Schneeweiss, "Computing failure frequency, MTBF and MTTR via mixed products of availabilities and
 *                      unavailabilities", IEEE Trans. Reliability R-30, 1981; Barlow and Proschan 1975 for the causes.
 *  @throws std::invalid_argument naming an event without a failure rate.
 */
inline long_run_times long_run_of(diagram const& d, diagram_options options = {})
{
    long_run_times result;
    auto const n = d.events().size();
    result.causes.assign(n, 0);
    result.down = d.evaluate();
    if (!d.compiled().constant) {
        std::vector<chance> chances(n), values;
        for (std::size_t i = 0; i < n; ++i) {
            chances[i] = d.events()[i].happens;
        }
        d.evaluate_slots(chances, values);
        auto const depends = detail::dependence(d.compiled(), values, options.nodes_max);
        for (std::size_t i = 0; i < n; ++i) {
            if (depends[i] != 0) {
                auto const& event = d.events()[i];
                double const l = detail::rate_of_event(event, event.failures, "failure");
                result.causes[i] = l * event.happens.no * depends[i];
                result.failures += result.causes[i];
            }
        }
    }
    double constexpr forever = std::numeric_limits<double>::infinity();
    if (result.failures == 0) {
        result.mean_up = result.down.no == 0 ? 0 : forever;
        result.mean_down = result.down.yes == 0 ? 0 : forever;
        return result;
    }
    for (double& cause : result.causes) {
        cause /= result.failures;
    }
    result.mean_up = result.down.no / result.failures;
    result.mean_down = result.down.yes / result.failures;
    return result;
}

/** The chance that a system whose components are never repaired is down at the time t.
 *  @throws std::invalid_argument naming an event without a failure rate.
 */
inline chance down_without_repair(diagram const& d, double t)
{
    std::vector<chance> chances;
    for (auto const& event : d.events()) {
        double const l = detail::rate_of_event(event, event.failures, "failure");
        chances.emplace_back(-std::expm1(-l * t), std::exp(-l * t));
    }
    return d.evaluate(chances);
}

/** Mean time to failure of a system that starts with every component up and repairs none: the integral of its reliability.
 *
 *  @par Method         with t = e^x the integrand is analytic in a strip around the real axis, so that halving the step of
 *                      the trapezoidal rule squares its error; halved until two sums agree to 1e-8. Rates may
 *                      differ by any factor.
 *  @par Accuracy       1e-12 relative.
 *  @return infinity if the system can survive for ever.
 *  @throws std::invalid_argument naming an event without a failure rate; or if a failure may mend the system (negation).
 */
inline double mean_time_to_failure(diagram const& d)
{
    if (!d.monotone()) {
        throw std::invalid_argument("the tree has negations: a system that further failures mend "
                                    "has no single time to failure");
    }
    double constexpr forever = std::numeric_limits<double>::infinity();
    double fastest = 0;
    double slowest = forever;
    std::vector<chance> chances, scratch;
    for (auto const& event : d.events()) {
        double const l = detail::rate_of_event(event, event.failures, "failure");
        fastest = std::max(fastest, l);
        slowest = l > 0 ? std::min(slowest, l) : slowest;
        chances.push_back(l > 0 ? chance(1, 0) : chance(0, 1));
    }
    if (d.evaluate(chances, scratch).no > 0) {
        return forever; // up although all that can fail has failed
    }
    if (d.evaluate(std::vector<chance>(chances.size(), chance(0, 1)), scratch).yes > 0) {
        return 0; // down from the start
    }
    auto const term = [&](double x) {
        double const t = std::exp(x);
        for (std::size_t i = 0; i < chances.size(); ++i) {
            double const l = d.events()[i].failures;
            chances[i] = chance(-std::expm1(-l * t), std::exp(-l * t));
        }
        return t * d.evaluate(chances, scratch).no;
    };
    // The sum over x = first + k step for all k of either sign.
    auto const sum_over = [&](double first, double step) {
        double sum = 0;
        // Above: until the reliability has died out. It may first stay high over many decades.
        for (double x = first;; x += step) {
            double const add = term(x);
            sum += add;
            if (add <= 1e-18 * sum && slowest * std::exp(x) > 1) {
                break;
            }
        }
        // Below: the terms fall as e^x.
        for (double x = first - step;; x -= step) {
            double const add = term(x);
            sum += add;
            if (add <= 1e-18 * sum) {
                break;
            }
        }
        return sum;
    };
    double const start = -std::log(fastest);
    double step = 0.5;
    double sum = sum_over(start, step);
    for (;;) {
        // Half the step: the new points lie between the old ones. Each halving squares the error.
        double const finer = sum + sum_over(start + step / 2, step);
        bool const enough = std::abs(finer - 2 * sum) <= 1e-8 * finer;
        sum = finer;
        step /= 2;
        if (enough || step < 1e-3) {
            return step * sum;
        }
    }
}

} // namespace perdure::availability

#endif
