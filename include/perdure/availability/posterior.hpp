// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_POSTERIOR_HPP
#define PERDURE_AVAILABILITY_POSTERIOR_HPP

#include <perdure/availability/history.hpp>
#include <perdure/availability/two_state.hpp>
#include <perdure/availability/uncertain.hpp>

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <cstdint>

// What is believed of a rate, a probability or an unavailability after data, as a distribution: the
// inputs of a model whose answer is to carry an interval (propagate.hpp).
namespace perdure::availability {

/** What was assumed before there were data, and how much that is worth.
 *
 *  `weight` counts like as many observed failures and repairs: with 1 the first real failure
 *  counts as much as the plan, with 0.1 the data take over at once.
 */
struct assumption {
    two_state plan; ///< the rates that were assumed; both more than 0
    /// Observed failures and repairs that the plan is worth; finite, more than 0.
    double weight = 0.5;
};

/** A rate after `events` in `time`: gamma distributed.
 *
 *  Without an assumption from Jeffreys' prior, shape events + 1/2: also zero events give an answer,
 *  as half an event would.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class rate_posterior {
public:
    /// @throws std::invalid_argument unless time is finite and more than 0
    rate_posterior(double events, duration time) : rate_posterior(events, time, 0.5, duration{}) {}
    /// An assumed rate counts as `weight` events in the time that they would take.
    rate_posterior(double events, duration time, rate assumed, double weight)
        : rate_posterior(events, time, weight, weight * assumed.mean())
    {
    }

    /// Shape of the gamma distribution: events, counted and assumed.
    [[nodiscard]] double shape() const { return shape_; }
    /// Time in which they came, observed and assumed.
    [[nodiscard]] duration time() const { return time_; }
    /// Its mean, shape / time.
    [[nodiscard]] rate mean() const { return rate::per(time_, shape_); }
    /// The rate below which it lies with probability p; p in [0, 1).
    [[nodiscard]] rate quantile(double p) const
    {
        return rate::per(time_, boost::math::gamma_p_inv(shape_, p));
    }

private:
    rate_posterior(double events, duration time, double more_events, duration more_time)
        : shape_(events + more_events), time_(time + more_time)
    {
        detail::require(events >= 0 && events < detail::infinity, "events", events,
                        "it must be finite and at least 0");
        detail::require(shape_ > 0, "weight", more_events, "it must be more than 0");
        detail::require(time_.count() > 0 && time_.count() < detail::infinity, "time",
                        time_.count(), "seconds must be finite and more than 0");
    }

    double shape_;
    duration time_;
};

/// A probability after `faults` in `trials`, from Jeffreys' prior: Beta(faults + 1/2, rest + 1/2).
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class probability_posterior {
public:
    /// @throws std::invalid_argument if there are more faults than trials
    probability_posterior(std::uint64_t faults, std::uint64_t trials)
        : a_(static_cast<double>(faults) + 0.5), b_(static_cast<double>(trials - faults) + 0.5)
    {
        detail::require(faults <= trials, "faults", static_cast<double>(faults),
                        "it must not exceed the trials");
    }

    /// Its mean, (faults + 1/2) / (trials + 1).
    [[nodiscard]] probability mean() const { return probability(a_ / (a_ + b_)); }
    /// The probability below which it lies with probability p; p in [0, 1].
    [[nodiscard]] probability quantile(double p) const
    {
        return probability(boost::math::ibeta_inv(a_, b_, p));
    }

private:
    double a_;
    double b_;
};

/** A long-run unavailability after a history, from what was assumed: the failure rate and the
 *  repair rate are gamma distributed, so that the odds of being down are a scaled ratio of the two,
 *  b / (1 - b) with b of a beta distribution.
 *
 *  The assumption is needed: without a single repair data say nothing of how long one takes.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class unavailability_posterior {
public:
    /// @throws std::invalid_argument if the plan never fails or is never repaired, or weighs
    ///         nothing
    unavailability_posterior(evidence const& seen, assumption const& before)
    {
        auto const& plan = before.plan;
        detail::require(before.weight > 0 && before.weight < detail::infinity, "weight",
                        before.weight, "it must be finite and more than 0");
        detail::require(plan.failures() > rate{} && plan.repairs() > rate{}, "assumed rates",
                        plan.failures() > rate{} ? plan.repairs().per_second()
                                                 : plan.failures().per_second(),
                        "both must be more than 0");
        failures_ = seen.failures + before.weight;
        repairs_ = seen.repairs + before.weight;
        up_ = seen.up + before.weight * plan.failures().mean();
        down_ = seen.down + before.weight * plan.repairs().mean();
    }

    /// Mean rate of failures while up.
    [[nodiscard]] rate failures() const { return rate::per(up_, failures_); }
    /// Mean rate of repairs while down.
    [[nodiscard]] rate repairs() const { return rate::per(down_, repairs_); }
    /// The unit with the mean rates.
    [[nodiscard]] two_state unit() const { return two_state(failures(), repairs()); }
    /// Its unavailability: the best single figure. O(1), no special function.
    [[nodiscard]] unavailability value() const
    {
        return from_odds(down_ / up_ * (failures_ / repairs_));
    }
    /// The unavailability below which it lies with probability p; p in [0, 1].
    [[nodiscard]] unavailability quantile(double p) const
    {
        double complement = 0;
        double const b = boost::math::ibeta_inv(failures_, repairs_, p, &complement);
        return complement > 0 ? from_odds(down_ / up_ * (b / complement)) : unavailability(1);
    }

private:
    static unavailability from_odds(double odds)
    {
        return unavailability(odds < detail::infinity ? odds / (1 + odds) : 1);
    }

    double failures_ = 0;
    double repairs_ = 0;
    duration up_{};
    duration down_{};
};

} // namespace perdure::availability

#endif
