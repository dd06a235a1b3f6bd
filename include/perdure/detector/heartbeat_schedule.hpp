// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_HEARTBEAT_SCHEDULE_HPP
#define PERDURE_DETECTOR_HEARTBEAT_SCHEDULE_HPP

#include <perdure/time.hpp>

#include <cassert>
#include <chrono>
#include <cstdint>
#include <optional>

namespace perdure {

/** When a sender's heartbeats are due, and their sequence numbers.
 *
 *  Sequence number i belongs to the slot at start + i * interval. A sender that was late skips the
 *  slots that have passed instead of sending them in a burst, so an observer can compute from the
 *  number when the heartbeat should have been sent. Sans-I/O.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class heartbeat_schedule {
public:
    /// Slot 0 is at `start`.
    heartbeat_schedule(std::chrono::nanoseconds interval, time_point start)
        : interval_(interval), origin_(start), next_(start)
    {
        assert(interval > std::chrono::nanoseconds(0));
    }

    /// The next slot.
    time_point next_deadline() const { return next_; }
    /// The time between two sending slots.
    std::chrono::nanoseconds interval() const { return interval_; }
    /// Slots that were skipped because handle_timeout() came too late for them.
    std::uint64_t skipped() const { return skipped_; }

    /// The sequence number to send now; nothing before next_deadline().
    std::optional<std::uint64_t> handle_timeout(time_point now)
    {
        if (now < next_)
            return std::nullopt;
        auto const slot = static_cast<std::uint64_t>((now - origin_) / interval_);
        auto const sequence = origin_sequence_ + slot;
        skipped_ += sequence - next_sequence_;
        next_sequence_ = sequence + 1;
        next_ = origin_ + static_cast<std::int64_t>(slot + 1) * interval_;
        return sequence;
    }

    /// Takes the next slot out of turn, and lets the slots start anew from `now`.
    std::uint64_t take(time_point now)
    {
        set_interval(interval_, now);
        return *handle_timeout(now);
    }

    /// The next slot is at `now`, the others follow at the new interval.
    void set_interval(std::chrono::nanoseconds interval, time_point now)
    {
        assert(interval > std::chrono::nanoseconds(0));
        interval_ = interval;
        origin_ = next_ = now;
        origin_sequence_ = next_sequence_;
    }

private:
    std::chrono::nanoseconds interval_;
    time_point origin_;
    time_point next_;
    std::uint64_t origin_sequence_ = 0;
    std::uint64_t next_sequence_ = 0;
    std::uint64_t skipped_ = 0;
};

} // namespace perdure

#endif
