// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_TWO_WINDOW_HPP
#define PERDURE_DETECTOR_TWO_WINDOW_HPP

#include <perdure/detector/detail/expected_arrival.hpp>
#include <perdure/detector/detail/require.hpp>
#include <perdure/detector/estimator.hpp>

#include <algorithm>

namespace perdure {

/// Parameters of the model with two windows.
struct two_window_options {
    /// The sending interval of peers that promise none; a promise counts for more.
    std::chrono::nanoseconds interval{std::chrono::milliseconds(250)};
    /// How much later than expected a heartbeat may come.
    std::chrono::nanoseconds margin{std::chrono::milliseconds(500)};
    /// Arrivals in the short window, which follows a burst of delays at once; in [1, 65536].
    std::size_t short_window = 1;
    /// Arrivals in the long window, which keeps its memory of delays; in [1, 65536], 8 bytes each.
    std::size_t long_window = 1000;
};

/** Suspects a peer when the next heartbeat is later than both a short and a long memory expect, by
 *  more than a margin.
 *
 *  @par Algorithm   2W-FD [Tomsic, Sens, Garcia, Arantes, Sopena: 2W-FD: A failure detector
 *                   algorithm with QoS, IPDPS 2015]: Chen's estimate from two windows, the later
 *                   one counts. Departures as in `chen`.
 *  @par Units       level() is 1 at the deadline and falls by 1 per interval before it, down to 0.
 *  @par Complexity  O(1); memory grows to 8 bytes * both windows.
 *  @par Models      `estimator`; see there for the expressions.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class two_window {
public:
    using options_type = two_window_options;

    /// Throws std::invalid_argument, naming the parameter that is out of range.
    explicit two_window(two_window_options options)
        : options_(checked(options)), short_(options.short_window), long_(options.long_window)
    {
    }

    void handle_heartbeat(heartbeat_arrival const& arrival)
    {
        auto const interval = arrival.interval.count() > 0 ? arrival.interval : options_.interval;
        for (auto* history : {&short_, &long_}) {
            if (history->empty() || interval != interval_)
                history->restart(arrival.sequence, arrival.at);
            else if (arrival.timely)
                history->push(arrival.sequence, arrival.at, interval);
        }
        interval_ = interval;
        expected_ = std::max(short_.at(arrival.sequence + 1, interval),
                             long_.at(arrival.sequence + 1, interval));
    }

    void reset()
    {
        short_.clear();
        long_.clear();
    }
    void set_options(two_window_options options)
    {
        options_ = checked(options);
        short_.set_capacity(options.short_window);
        long_.set_capacity(options.long_window);
    }

    two_window_options options() const { return options_; }
    std::optional<time_point> deadline() const
    {
        return long_.empty() ? std::nullopt : std::optional(expected_ + options_.margin);
    }
    double level(time_point now) const
    {
        return long_.empty() ? 0
                             : detail::level_before(expected_ + options_.margin, now, interval_);
    }
    double threshold() const { return 1; }
    std::size_t samples() const { return long_.size(); }

private:
    static two_window_options checked(two_window_options const& o)
    {
        detail::require_duration(o.interval, "two_window_options::interval");
        detail::require_duration(o.margin, "two_window_options::margin");
        detail::require_window(o.short_window, "two_window_options::short_window");
        detail::require_window(o.long_window, "two_window_options::long_window");
        return o;
    }

    two_window_options options_;
    detail::expected_arrival short_;
    detail::expected_arrival long_;
    std::chrono::nanoseconds interval_{0};
    time_point expected_{};
};

} // namespace perdure

#endif
