// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_BERTIER_HPP
#define PERDURE_DETECTOR_BERTIER_HPP

#include <perdure/detector/detail/expected_arrival.hpp>
#include <perdure/detector/detail/require.hpp>
#include <perdure/detector/estimator.hpp>

#include <algorithm>
#include <cmath>

namespace perdure {

/// Parameters of the model of Bertier, Marin and Sens.
struct bertier_options {
    /// The sending interval of peers that promise none; a promise counts for more.
    std::chrono::nanoseconds interval{std::chrono::milliseconds(250)};
    /// From how many arrivals the expected one is estimated, in [1, 65536]; 8 bytes each.
    std::size_t window = 1000;
    double gain = 0.1;           ///< How much a new error counts, in (0, 1].
    double delay_weight = 1;     ///< Of the smoothed error in the margin, in [0, 100].
    double variation_weight = 4; ///< Of the smoothed deviation in the margin, in [0, 100].
    /// Floor of the margin; on a quiet network the computed one collapses to nothing.
    std::chrono::nanoseconds margin_min{std::chrono::milliseconds(50)};
};

/** Suspects a peer when the next heartbeat is later than expected by more than a margin that
 *  follows the recent errors of the estimate.
 *
 *  Quick, and wrong more often than the others: for uses where a mistake is cheap.
 *
 *  @par Algorithm   [Bertier, Marin, Sens: Implementation and performance evaluation of an
 *                   adaptable failure detector, DSN 2002]: Chen's expected arrival, and the margin
 *                   of Jacobson's round-trip estimate. Departures: the margin has a floor; others
 *                   as in `chen`.
 *  @par Units       level() is 1 at the deadline and falls by 1 per interval before it, down to 0.
 *  @par Complexity  O(1); memory grows to 8 bytes * window.
 *  @par Models      `estimator`; see there for the expressions.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class bertier {
public:
    using options_type = bertier_options;

    /// Throws std::invalid_argument, naming the parameter that is out of range.
    explicit bertier(bertier_options options) : options_(checked(options)), history_(options.window)
    {
    }

    void handle_heartbeat(heartbeat_arrival const& arrival)
    {
        auto const interval = arrival.interval.count() > 0 ? arrival.interval : options_.interval;
        if (history_.empty() || interval != interval_) {
            history_.restart(arrival.sequence, arrival.at);
            delay_ = variation_ = 0;
        } else if (arrival.timely) {
            std::chrono::duration<double, std::nano> const late =
                arrival.at - history_.at(arrival.sequence, interval);
            auto const error = late.count() - delay_;
            delay_ += options_.gain * error;
            variation_ += options_.gain * (std::abs(error) - variation_);
            history_.push(arrival.sequence, arrival.at, interval);
        }
        interval_ = interval;
        expected_ = history_.at(arrival.sequence + 1, interval);
        if (shift_.shifted(arrival.sequence, arrival.at, interval, interval,
                           freshness() <= arrival.at)) {
            history_.restart(arrival.sequence, arrival.at);
            delay_ = variation_ = 0;
            expected_ = history_.at(arrival.sequence + 1, interval);
        }
    }

    void reset() { history_.clear(); }
    void set_options(bertier_options options)
    {
        options_ = checked(options);
        history_.set_capacity(options.window);
    }

    bertier_options options() const { return options_; }
    std::optional<time_point> deadline() const
    {
        return history_.empty() ? std::nullopt : std::optional(freshness());
    }
    double level(time_point now) const
    {
        return history_.empty() ? 0 : detail::level_before(freshness(), now, interval_);
    }
    double threshold() const { return 1; }
    std::size_t samples() const { return history_.size(); }

private:
    static bertier_options checked(bertier_options const& o)
    {
        auto const weight = [](double value, char const* field) {
            detail::require_option(value >= 0 && value <= 100, field, value,
                                   "at least 0 and at most 100");
        };
        detail::require_duration(o.interval, "bertier_options::interval");
        detail::require_window(o.window, "bertier_options::window");
        detail::require_option(o.gain > 0 && o.gain <= 1, "bertier_options::gain", o.gain,
                               "above 0 and at most 1");
        weight(o.delay_weight, "bertier_options::delay_weight");
        weight(o.variation_weight, "bertier_options::variation_weight");
        detail::require_duration_or_zero(o.margin_min, "bertier_options::margin_min");
        return o;
    }

    time_point freshness() const
    {
        std::chrono::duration<double, std::nano> const margin(
            std::max(0.0, options_.delay_weight * delay_ + options_.variation_weight * variation_));
        return expected_ +
               std::max(options_.margin_min, std::chrono::ceil<std::chrono::nanoseconds>(
                                                 std::min<std::chrono::duration<double, std::nano>>(
                                                     margin, std::chrono::hours(24 * 366))));
    }

    bertier_options options_;
    detail::expected_arrival history_;
    detail::shift_watch shift_;
    std::chrono::nanoseconds interval_{0};
    time_point expected_{};
    double delay_ = 0;     // in nanoseconds
    double variation_ = 0; // in nanoseconds
};

} // namespace perdure

#endif
