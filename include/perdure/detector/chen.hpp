// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_CHEN_HPP
#define PERDURE_DETECTOR_CHEN_HPP

#include <perdure/detector/detail/expected_arrival.hpp>
#include <perdure/detector/detail/require.hpp>
#include <perdure/detector/estimator.hpp>

#include <algorithm>

namespace perdure {

/// Parameters of Chen's NFD-E.
struct chen_options {
    /// The sending interval of peers that promise none; a promise counts for more.
    std::chrono::nanoseconds interval{std::chrono::milliseconds(250)};
    /// How much later than expected a heartbeat may come. The largest part of the detection time
    /// that you choose; configure_chen() computes it from the quality that you want.
    std::chrono::nanoseconds margin{std::chrono::milliseconds(500)};
    /// From how many arrivals the expected one is estimated, in [1, 65536]; 8 bytes each.
    std::size_t window = 32;
};

/** Suspects a peer when the next heartbeat is later than expected by more than a fixed margin.
 *
 *  The only model here with a bound that holds for every crash: the peer is suspected at most
 *  mean delay + margin + interval after its crash. It needs sequence numbers that count sending
 *  slots, and is immune to old heartbeats that come late: they do not excuse the missing ones.
 *
 *  @par Algorithm   NFD-E [Chen, Toueg, Aguilera: On the quality of service of failure detectors,
 *                   IEEE Transactions on Computers 51(5), 2002, section 6; the issue of May, the
 *                   January printing has errors]. Departures: an arrival during a stall of the
 *                   observer is not learned; a change of the promised interval restarts the
 *                   history, and so do eight heartbeats that come in pace and yet too late, because
 *                   then the sender's machine has slept or the path is another.
 *  @par Units       level() is 1 at the deadline and falls by 1 per interval before it, down to 0.
 *  @par Complexity  O(1); memory grows to 8 bytes * window.
 *  @par Models      `estimator`; see there for the expressions.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class chen {
public:
    using options_type = chen_options;

    /// Throws std::invalid_argument, naming the parameter that is out of range.
    explicit chen(chen_options options) : options_(checked(options)), history_(options.window) {}

    void handle_heartbeat(heartbeat_arrival const& arrival)
    {
        auto const interval = arrival.interval.count() > 0 ? arrival.interval : options_.interval;
        if (history_.empty() || interval != interval_)
            history_.restart(arrival.sequence, arrival.at);
        else if (arrival.timely)
            history_.push(arrival.sequence, arrival.at, interval);
        interval_ = interval;
        expected_ = history_.at(arrival.sequence + 1, interval);
        if (shift_.shifted(arrival.sequence, arrival.at, interval, options_.margin,
                           expected_ + options_.margin <= arrival.at)) {
            history_.restart(arrival.sequence, arrival.at);
            expected_ = history_.at(arrival.sequence + 1, interval);
        }
    }

    void reset() { history_.clear(); }
    void set_options(chen_options options)
    {
        options_ = checked(options);
        history_.set_capacity(options.window);
    }

    chen_options options() const { return options_; }
    std::optional<time_point> deadline() const
    {
        return history_.empty() ? std::nullopt : std::optional(expected_ + options_.margin);
    }
    double level(time_point now) const
    {
        return history_.empty() ? 0
                                : detail::level_before(expected_ + options_.margin, now, interval_);
    }
    double threshold() const { return 1; }
    std::size_t samples() const { return history_.size(); }

    /// When the next heartbeat is expected. Precondition: a heartbeat has come.
    time_point expected() const { return expected_; }

private:
    static chen_options checked(chen_options const& o)
    {
        detail::require_duration(o.interval, "chen_options::interval");
        detail::require_duration(o.margin, "chen_options::margin");
        detail::require_window(o.window, "chen_options::window");
        return o;
    }

    chen_options options_;
    detail::expected_arrival history_;
    detail::shift_watch shift_;
    std::chrono::nanoseconds interval_{0};
    time_point expected_{};
};

} // namespace perdure

#endif
