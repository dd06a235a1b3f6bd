// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_DETAIL_EXPECTED_ARRIVAL_HPP
#define PERDURE_DETECTOR_DETAIL_EXPECTED_ARRIVAL_HPP

#include <perdure/time.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace perdure::detail {

/* When heartbeat number s is expected, estimated from the newest n arrivals [Chen, Toueg, Aguilera:
 * On the quality of service of failure detectors, IEEE Transactions on Computers 51(5), 2002,
 * section 6]: EA(s) = mean(A_i - interval * s_i) + interval * s. Neither the sender's clock nor the
 * mean delay need to be known.
 *
 * Kept are the offsets A_i - interval * s_i from the first arrival's, in whole nanoseconds with an
 * exact sum; 2^16 of them, each below 2^46 (20 hours), cannot overflow.
 */
class expected_arrival {
public:
    explicit expected_arrival(std::size_t capacity) : capacity_(capacity) {}

    bool empty() const { return offsets_.empty(); }
    std::size_t size() const { return offsets_.size(); }

    // Starts anew with this arrival.
    void restart(std::uint64_t sequence, time_point at)
    {
        clear();
        base_ = at;
        base_sequence_ = sequence;
        offsets_.push_back(0);
    }

    // Preconditions: not empty, and the sequence number is not below that of the first arrival.
    void push(std::uint64_t sequence, time_point at, std::chrono::nanoseconds interval)
    {
        auto const slots = sequence - base_sequence_;
        auto const offset = within_reach(slots, interval)
                                ? (at - base_ - static_cast<std::int64_t>(slots) * interval).count()
                                : offset_max + 1;
        if (std::abs(offset) > offset_max) {
            // A clock that drifts for years, or numbers that jump: no history can be drawn from.
            restart(sequence, at);
            return;
        }
        if (offsets_.size() < capacity_) {
            offsets_.push_back(offset);
        } else {
            sum_ -= offsets_[oldest_];
            offsets_[oldest_] = offset;
            oldest_ = oldest_ + 1 == capacity_ ? 0 : oldest_ + 1;
        }
        sum_ += offset;
    }

    // Precondition: not empty.
    time_point at(std::uint64_t sequence, std::chrono::nanoseconds interval) const
    {
        auto const slots = sequence - base_sequence_;
        if (!within_reach(slots, interval))
            return base_;
        auto const mean = sum_ / static_cast<std::int64_t>(offsets_.size());
        return base_ + static_cast<std::int64_t>(slots) * interval + std::chrono::nanoseconds(mean);
    }

    void clear()
    {
        offsets_.clear();
        oldest_ = 0;
        sum_ = 0;
    }

    // Keeps the newest arrivals.
    void set_capacity(std::size_t capacity)
    {
        if (capacity == capacity_)
            return;
        std::rotate(offsets_.begin(), offsets_.begin() + static_cast<std::ptrdiff_t>(oldest_),
                    offsets_.end());
        oldest_ = 0;
        if (offsets_.size() > capacity) {
            auto const kept = offsets_.end() - static_cast<std::ptrdiff_t>(capacity);
            sum_ -= std::accumulate(offsets_.begin(), kept, std::int64_t(0));
            offsets_.erase(offsets_.begin(), kept);
        }
        capacity_ = capacity;
    }

    static constexpr std::size_t capacity_max = 65536;

private:
    static constexpr std::int64_t offset_max = std::int64_t(1) << 46;

    // Products of slots and intervals stay below 2^62 nanoseconds, 146 years.
    static bool within_reach(std::uint64_t slots, std::chrono::nanoseconds interval)
    {
        return slots <= (std::uint64_t(1) << 62) / static_cast<std::uint64_t>(interval.count());
    }

    std::vector<std::int64_t> offsets_;
    std::size_t capacity_;
    std::size_t oldest_ = 0;
    std::int64_t sum_ = 0;
    time_point base_{};
    std::uint64_t base_sequence_ = 0;
};

/* Notices that a peer's heartbeats have shifted for good: its machine slept, or the path is
 * another.
 *
 * A heartbeat that comes after its successor's freshness point proves nothing, so that old ones
 * which were stuck somewhere do not excuse the missing ones. But if so many in a row come at the
 * promised pace, they come from a live process, and the history is what is out of date.
 */
class shift_watch {
public:
    // True: restart the history with this arrival.
    bool shifted(std::uint64_t sequence, time_point at, std::chrono::nanoseconds interval,
                 std::chrono::nanoseconds tolerance, bool stale)
    {
        if (!stale) {
            count_ = 0;
            return false;
        }
        auto const slots = static_cast<std::int64_t>(sequence - sequence_);
        bool const in_pace = count_ != 0 && slots > 0 && slots < 1024 &&
                             std::chrono::abs(at - at_ - slots * interval) <= tolerance;
        count_ = in_pace ? count_ + 1 : 1;
        sequence_ = sequence;
        at_ = at;
        if (count_ < in_a_row)
            return false;
        count_ = 0;
        return true;
    }

private:
    static constexpr int in_a_row = 8;

    std::uint64_t sequence_ = 0;
    time_point at_{};
    int count_ = 0;
};

// 1 at the deadline, 1 less for every interval before it, and not below 0.
inline double level_before(time_point deadline, time_point now, std::chrono::nanoseconds interval)
{
    using nanoseconds = std::chrono::duration<double, std::nano>;
    return std::max(0.0, 1 + nanoseconds(now - deadline) / nanoseconds(interval));
}

} // namespace perdure::detail

#endif
