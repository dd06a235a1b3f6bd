// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_PHI_ACCRUAL_HPP
#define PERDURE_DETECTOR_PHI_ACCRUAL_HPP

#include <perdure/detector/detail/interval_window.hpp>
#include <perdure/detector/detail/require.hpp>
#include <perdure/detector/estimator.hpp>
#include <perdure/detector/phi.hpp>

#include <algorithm>
#include <cmath>

namespace perdure {

/// Parameters of the phi-accrual model.
struct phi_accrual_options {
    /// Phi at which the peer is suspected, in (0, 1000].
    double threshold = 8;
    /// How many of the newest intervals are remembered, in [1, 65536]; 4 bytes each.
    std::size_t window = 200;
    /// What the heartbeats' interval is believed to be before intervals have been measured.
    std::chrono::nanoseconds expected_interval{std::chrono::milliseconds(250)};
    /// Floor of the deviation. On a quiet network the measured one collapses to nothing, and every
    /// scheduling hiccup would be suspicious.
    std::chrono::nanoseconds min_deviation{std::chrono::milliseconds(50)};
    /// Silence that is acceptable on top of the mean interval: lost heartbeats, pauses of the peer.
    std::chrono::nanoseconds acceptable_pause{std::chrono::milliseconds(500)};
    phi_tail tail = phi_tail::exact; ///< How the tail of the normal distribution is computed.
};

/** Suspects a peer when its silence has become improbable, judged by its own earlier intervals.
 *
 *  @par Algorithm   accrual detection over a normal distribution of the newest intervals
 *                   [Hayashibara, Défago, Yared, Katayama: The phi accrual failure detector, SRDS
 *                   2004]. Departures, the first three as in Akka: the history begins with two
 *                   intervals around the expected one; the deviation has a floor and the mean a
 *                   pause on top; the interval that ends a suspicion is not learned. The tail is
 *                   exact by default.
 *  @par Units       level() is phi: 8 means that a heartbeat this late is one in 10^8.
 *  @par Accuracy    intervals count in whole microseconds; sums are exact, so the estimate never
 *                   drifts.
 *  @par Complexity  handle_heartbeat, deadline and level are O(1); memory grows to
 *                   4 bytes * window.
 *  @par Models      `estimator`; see there for the expressions.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class phi_accrual {
public:
    using options_type = phi_accrual_options;

    /// Throws std::invalid_argument, naming the parameter that is out of range.
    explicit phi_accrual(phi_accrual_options options)
        : options_(checked(options)),
          threshold_z_(phi_inverse(options.threshold, options.tail)),
          window_(options.window)
    {
    }

    void handle_heartbeat(heartbeat_arrival const& arrival)
    {
        if (!last_) {
            window_.push(options_.expected_interval * 3 / 4);
            window_.push(options_.expected_interval * 5 / 4);
        } else if (arrival.timely && arrival.at < deadline_) {
            window_.push(arrival.at - *last_);
        }
        last_ = last_ ? std::max(*last_, arrival.at) : arrival.at;
        set_deadline();
    }

    void reset()
    {
        last_.reset();
        window_.clear();
    }

    void set_options(phi_accrual_options options)
    {
        options_ = checked(options);
        threshold_z_ = phi_inverse(options.threshold, options.tail);
        window_.set_capacity(options.window);
        if (last_)
            set_deadline();
    }

    phi_accrual_options options() const { return options_; }
    std::optional<time_point> deadline() const
    {
        return last_ ? std::optional(deadline_) : std::nullopt;
    }
    double level(time_point now) const
    {
        if (!last_ || now <= *last_)
            return 0;
        auto const silence = std::chrono::duration<double, std::micro>(now - *last_).count();
        return phi_of((silence - mean()) / deviation(), options_.tail);
    }
    double threshold() const { return options_.threshold; }
    std::size_t samples() const { return window_.size(); }

    /// Of the remembered intervals, without pause and floor.
    std::chrono::duration<double> mean_interval() const { return microseconds(window_.mean()); }
    /// Their standard deviation.
    std::chrono::duration<double> interval_deviation() const
    {
        return microseconds(std::sqrt(window_.variance()));
    }

private:
    using microseconds = std::chrono::duration<double, std::micro>;

    static phi_accrual_options checked(phi_accrual_options const& o)
    {
        detail::require_option(o.threshold > 0 && o.threshold <= 1000,
                               "phi_accrual_options::threshold", o.threshold,
                               "above 0 and at most 1000");
        detail::require_window(o.window, "phi_accrual_options::window");
        detail::require_duration(o.expected_interval, "phi_accrual_options::expected_interval");
        detail::require_duration(o.min_deviation, "phi_accrual_options::min_deviation");
        detail::require_duration_or_zero(o.acceptable_pause,
                                         "phi_accrual_options::acceptable_pause");
        return o;
    }

    double mean() const { return window_.mean() + microseconds(options_.acceptable_pause).count(); }
    double deviation() const
    {
        return std::max(std::sqrt(window_.variance()),
                        microseconds(options_.min_deviation).count());
    }
    void set_deadline()
    {
        // A low threshold can lie left of the mean; the deadline is never before the heartbeat.
        microseconds const silence(std::max(0.0, mean() + threshold_z_ * deviation()));
        deadline_ =
            *last_ + std::min(std::chrono::ceil<std::chrono::nanoseconds>(
                                  std::min<microseconds>(silence, detail::longest_duration)),
                              std::chrono::nanoseconds(detail::longest_duration));
    }

    phi_accrual_options options_;
    double threshold_z_;
    detail::interval_window window_;
    std::optional<time_point> last_;
    time_point deadline_{};
};

} // namespace perdure

#endif
