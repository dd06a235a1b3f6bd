// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_EXPONENTIAL_HPP
#define PERDURE_DETECTOR_EXPONENTIAL_HPP

#include <perdure/detector/detail/interval_window.hpp>
#include <perdure/detector/detail/require.hpp>
#include <perdure/detector/estimator.hpp>

#include <algorithm>
#include <numbers>

namespace perdure {

/// Parameters of the model of exponential intervals.
struct exponential_options {
    /** Phi at which the peer is suspected, in (0, 1000]: after threshold * 2.303 mean intervals.
     *
     *  Cassandra's phi_convict_threshold has the same unit (8 is 18.4 intervals). Chitchat's leaves
     *  out the factor: its 8 is our 3.474.
     */
    double threshold = 2;
    /// How many of the newest intervals are remembered, in [1, 65536]; 4 bytes each.
    std::size_t window = 200;
    /// What the heartbeats' interval is believed to be before intervals have been measured.
    std::chrono::nanoseconds expected_interval{std::chrono::milliseconds(250)};
    /// Longer intervals are not learned; 0 learns all that did not end a suspicion.
    std::chrono::nanoseconds interval_max{0};
};

/** Suspects a peer after a silence of so many mean intervals.
 *
 *  Needs only the mean, so it is calm where intervals vary wildly, and slow.
 *
 *  @par Algorithm   accrual detection over an exponential distribution of intervals, as Apache
 *                   Cassandra's: phi = silence / (mean * ln 10). The first sample is the
 *                   expected interval; the interval that ends a suspicion is not learned.
 *  @par Units       level() is phi: 2 means that a heartbeat this late is one in 100.
 *  @par Complexity  O(1); memory grows to 4 bytes * window.
 *  @par Models      `estimator`; see there for the expressions.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class exponential {
public:
    using options_type = exponential_options;

    /// Throws std::invalid_argument, naming the parameter that is out of range.
    explicit exponential(exponential_options options)
        : options_(checked(options)), window_(options.window)
    {
    }

    void handle_heartbeat(heartbeat_arrival const& arrival)
    {
        if (!last_)
            window_.push(options_.expected_interval);
        else if (auto const interval = arrival.at - *last_;
                 arrival.timely && arrival.at < *deadline() &&
                 (options_.interval_max.count() == 0 || interval <= options_.interval_max))
            window_.push(interval);
        last_ = last_ ? std::max(*last_, arrival.at) : arrival.at;
    }

    void reset()
    {
        last_.reset();
        window_.clear();
    }
    void set_options(exponential_options options)
    {
        options_ = checked(options);
        window_.set_capacity(options.window);
    }

    exponential_options options() const { return options_; }
    std::optional<time_point> deadline() const
    {
        if (!last_)
            return std::nullopt;
        std::chrono::duration<double, std::micro> const silence(mean() * std::numbers::ln10 *
                                                                options_.threshold);
        return *last_ + std::chrono::ceil<std::chrono::nanoseconds>(
                            std::min<std::chrono::duration<double, std::micro>>(
                                silence, detail::longest_duration));
    }
    double level(time_point now) const
    {
        if (!last_ || now <= *last_)
            return 0;
        return std::chrono::duration<double, std::micro>(now - *last_).count() /
               (mean() * std::numbers::ln10);
    }
    double threshold() const { return options_.threshold; }
    std::size_t samples() const { return window_.size(); }

private:
    static exponential_options checked(exponential_options const& o)
    {
        detail::require_option(o.threshold > 0 && o.threshold <= 1000,
                               "exponential_options::threshold", o.threshold,
                               "above 0 and at most 1000");
        detail::require_window(o.window, "exponential_options::window");
        detail::require_duration(o.expected_interval, "exponential_options::expected_interval");
        detail::require_duration_or_zero(o.interval_max, "exponential_options::interval_max");
        return o;
    }

    // In microseconds. A mean of 0, from arrivals at one instant, counts as one microsecond.
    double mean() const { return std::max(1.0, window_.mean()); }

    exponential_options options_;
    detail::interval_window window_;
    std::optional<time_point> last_;
};

} // namespace perdure

#endif
