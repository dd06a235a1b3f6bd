// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_HISTORY_HPP
#define PERDURE_AVAILABILITY_HISTORY_HPP

#include <perdure/availability/units.hpp>

#include <chrono>
#include <cstdint>

namespace perdure::availability {

/** All that the memoryless model needs to know of the past: four sums.
 *
 *  Intervals that have not ended count with their time so far but not as an event (they are
 *  censored). Histories of like units add up.
 */
struct history {
    std::uint64_t failures = 0; ///< up intervals that ended
    std::uint64_t repairs = 0;  ///< down intervals that ended
    duration up{};              ///< total time up, the running interval included
    duration down{};            ///< total time down, the running interval included

    /// All the time observed, up and down.
    [[nodiscard]] constexpr duration total() const { return up + down; }

    friend constexpr history operator+(history const& a, history const& b)
    {
        return {a.failures + b.failures, a.repairs + b.repairs, a.up + b.up, a.down + b.down};
    }
    constexpr history& operator+=(history const& other) { return *this = *this + other; }
    friend constexpr bool operator==(history const&, history const&) = default;
};

/** Turns the up and down events of one unit into its history. O(1) time and memory an event.
 *
 *  Inputs may repeat (a second "down" while down changes nothing). Times never decrease; one that
 *  does is taken as the latest time seen, so that a late event can't make an interval negative.
 *
 *  @tparam TimePoint   any std::chrono time_point. Integer ticks are summed exactly.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class TimePoint = std::chrono::steady_clock::time_point>
class recorder {
public:
    using time_point = TimePoint; ///< when events happen; any std::chrono time_point

    /// Observation begins at `begin` with the unit up or down.
    constexpr explicit recorder(time_point begin, bool up = true) : latest_(begin), up_(up) {}

    /// The unit is seen down at `now`; without effect while it is down.
    constexpr void handle_down(time_point now)
    {
        advance(now);
        if (up_) {
            up_ = false;
            ++failures_;
            running_ = {};
        }
    }
    /// The unit is seen up at `now`; without effect while it is up.
    constexpr void handle_up(time_point now)
    {
        advance(now);
        if (!up_) {
            up_ = true;
            ++repairs_;
        }
    }

    /// The unit is up, and its last "down" was a false suspicion: the running down interval was up
    /// time, and no failure.
    constexpr void handle_false_alarm(time_point now)
    {
        advance(now);
        if (!up_) {
            up_ = true;
            failures_ -=
                failures_ > 0 ? 1 : 0; // none was counted if it was down from the beginning
            up_time_ += running_;
            down_time_ -= running_;
        }
    }

    /// Whether the latest event left it up.
    [[nodiscard]] constexpr bool is_up() const { return up_; }
    /// What was observed until `now`, with the running interval as censored.
    [[nodiscard]] constexpr history until(time_point now) const
    {
        auto copy = *this;
        copy.advance(now);
        return {failures_, repairs_, duration(copy.up_time_), duration(copy.down_time_)};
    }

private:
    constexpr void advance(time_point now)
    {
        if (now > latest_) {
            auto const passed = now - latest_;
            (up_ ? up_time_ : down_time_) += passed;
            running_ += passed;
            latest_ = now;
        }
    }

    time_point latest_;
    typename time_point::duration up_time_{};
    typename time_point::duration down_time_{};
    typename time_point::duration running_{}; ///< of down_time_, since the last failure
    std::uint64_t failures_ = 0;
    std::uint64_t repairs_ = 0;
    bool up_;
};

/// The same four sums where they are no longer counts: corrected for the detector, or weighed with
/// a plan.
struct evidence {
    double failures = 0; ///< up intervals that ended; at least 0, perhaps a fraction
    double repairs = 0;  ///< down intervals that ended; at least 0, perhaps a fraction
    duration up{};       ///< time up
    duration down{};     ///< time down

    constexpr evidence() = default;
    /// Four sums from anywhere; none may be negative.
    constexpr evidence(double failures_, double repairs_, duration up_, duration down_)
        : failures(failures_), repairs(repairs_), up(up_), down(down_)
    {
    }
    constexpr evidence(history const& h)
        : failures(static_cast<double>(h.failures)),
          repairs(static_cast<double>(h.repairs)),
          up(h.up),
          down(h.down)
    {
    }
    /// All the time observed, up and down.
    [[nodiscard]] constexpr duration total() const { return up + down; }
    friend constexpr bool operator==(evidence const&, evidence const&) = default;
};

} // namespace perdure::availability

#endif
