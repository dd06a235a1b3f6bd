// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_DETAIL_DEADLINE_WHEEL_HPP
#define PERDURE_DETECTOR_DETAIL_DEADLINE_WHEEL_HPP

#include <perdure/detector/detail/deadline_heap.hpp>
#include <perdure/time.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace perdure::detail {

/* Deadlines of slots, at most one each. Exact near their time and coarse before, because nearly all
 * of them are moved before they come.
 *
 * Two rings of 512 buckets, of 8 ms and of 4.3 s each, and a heap. A bucket is a list of slots that
 * remembers no times. When its time comes, pour() asks for the deadline of each of its slots anew:
 * what is still far goes back into the rings, what is near into the heap. Deadlines beyond the
 * rings (36 minutes) stand in the last bucket and are asked for early; that is all that happens to
 * them.
 *
 * So next() is a lower bound of the earliest deadline, and top() is exact after pour(). To set a
 * deadline costs three writes; a heap of 100 000 costs eight levels of cache misses.
 */
class deadline_wheel {
public:
    using slot_type = deadline_heap::slot_type;

    bool empty() const { return near_.empty() && far_ == 0; }
    std::size_t size() const { return near_.size() + far_; }
    bool contains(slot_type slot) const
    {
        return near_.contains(slot) || (slot < links_.size() && links_[slot].bucket != nowhere);
    }

    // Not later than the earliest deadline. Precondition: not empty.
    time_point next() const
    {
        return near_.empty() ? next_bucket_ : std::min(near_.top().at, next_bucket_);
    }

    // Those that are near, with the earliest on top.
    deadline_heap const& near() const { return near_; }

    // Inserts or moves. What is set to before `now` is near at once.
    void set(slot_type slot, time_point at, time_point now)
    {
        erase(slot);
        if (empty()) {
            turned_to_ = tick_of(now);
            next_bucket_ = time_point::max();
        }
        place(slot, at);
    }

    void erase(slot_type slot)
    {
        near_.erase(slot);
        if (slot >= links_.size() || links_[slot].bucket == nowhere)
            return;
        auto& l = links_[slot];
        (l.previous == nowhere ? heads_[l.bucket] : links_[l.previous].next) = l.next;
        if (l.next != nowhere)
            links_[l.next].previous = l.previous;
        if (heads_[l.bucket] == nowhere)
            used_[l.bucket / 64] &= ~(std::uint64_t(1) << l.bucket % 64);
        l.bucket = nowhere;
        --far_;
    }

    // Asks `deadline_of(slot)` for all whose bucket has come by `until`. Then everything that is
    // due by then is near.
    template <class DeadlineOf>
    void pour(time_point until, DeadlineOf deadline_of)
    {
        auto const to = tick_of(until);
        if (to <= turned_to_ || next_bucket_ > until)
            return;
        poured_.clear();
        take(0, turned_to_, to);
        take(ring_size, turned_to_ >> ring_bits, to >> ring_bits);
        turned_to_ = to;
        for (auto const slot : poured_)
            place(slot, deadline_of(slot));
        next_bucket_ = earliest_bucket();
    }

    // For tests: a slot's deadline, or the start of its bucket. Precondition: contains(slot).
    time_point lower_bound(slot_type slot) const
    {
        if (near_.contains(slot))
            return near_.at(slot);
        return start_of_bucket(links_[slot].bucket);
    }

    bool valid() const
    {
        std::size_t linked = 0;
        for (std::uint32_t b = 0; b != 2 * ring_size; ++b) {
            if ((heads_[b] != nowhere) != ((used_[b / 64] >> b % 64 & 1) != 0))
                return false;
            auto before = nowhere;
            for (auto s = heads_[b]; s != nowhere; s = links_[s].next, ++linked) {
                if (links_[s].bucket != b || links_[s].previous != before || near_.contains(s))
                    return false;
                if (next_bucket_ > start_of_bucket(b))
                    return false;
                before = s;
            }
        }
        return linked == far_ && near_.valid();
    }

private:
    static constexpr int tick_bits = 23; // 2^23 ns
    static constexpr int ring_bits = 9;
    static constexpr std::int64_t ring_size = 1 << ring_bits;
    static constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

    struct links {
        std::uint32_t next = nowhere;
        std::uint32_t previous = nowhere;
        std::uint32_t bucket = nowhere;
    };

    static std::int64_t tick_of(time_point t) { return t.time_since_epoch().count() >> tick_bits; }
    static time_point start_of(std::int64_t tick)
    {
        return time_point(std::chrono::nanoseconds(tick << tick_bits));
    }
    static std::uint32_t index(std::int64_t tick)
    {
        return static_cast<std::uint32_t>(tick & (ring_size - 1));
    }

    void place(slot_type slot, time_point at)
    {
        auto const tick = tick_of(at);
        if (tick <= turned_to_) {
            near_.set(slot, at);
            return;
        }
        auto const ahead = tick - turned_to_;
        auto const long_tick =
            std::min(tick >> ring_bits, (turned_to_ >> ring_bits) + ring_size - 1);
        bool const fine = ahead < ring_size;
        link(slot, fine ? index(tick) : ring_size + index(long_tick));
        next_bucket_ =
            std::min(next_bucket_, fine ? start_of(tick) : start_of(long_tick << ring_bits));
    }

    void link(slot_type slot, std::int64_t bucket_number)
    {
        auto const bucket = static_cast<std::uint32_t>(bucket_number);
        if (slot >= links_.size())
            links_.resize(slot + std::size_t(1));
        links_[slot] = {heads_[bucket], nowhere, bucket};
        if (heads_[bucket] != nowhere)
            links_[heads_[bucket]].previous = slot;
        heads_[bucket] = slot;
        used_[bucket / 64] |= std::uint64_t(1) << bucket % 64;
        ++far_;
    }

    // Empties the buckets of one ring from after `from` to `to`.
    void take(std::int64_t ring, std::int64_t from, std::int64_t to)
    {
        for (auto tick = std::max(from + 1, to - ring_size + 1); tick <= to; ++tick) {
            auto const bucket = static_cast<std::uint32_t>(ring + index(tick));
            if ((used_[bucket / 64] >> bucket % 64 & 1) == 0)
                continue;
            for (auto s = heads_[bucket]; s != nowhere; s = links_[s].next) {
                poured_.push_back(s);
                links_[s].bucket = nowhere;
                --far_;
            }
            heads_[bucket] = nowhere;
            used_[bucket / 64] &= ~(std::uint64_t(1) << bucket % 64);
        }
    }

    // How many buckets after number `from` of a ring the first used one comes; 0 if none is.
    std::int64_t distance_to_used(std::int64_t ring, std::int64_t from) const
    {
        for (std::int64_t ahead = 1; ahead < ring_size;) {
            auto const bucket = static_cast<std::uint32_t>(ring + index(from + ahead));
            auto const rest = used_[bucket / 64] >> bucket % 64;
            if (rest != 0) {
                ahead += std::countr_zero(rest);
                return ahead < ring_size ? ahead : 0;
            }
            ahead += 64 - bucket % 64;
        }
        return 0;
    }
    time_point earliest_bucket() const
    {
        auto earliest = time_point::max();
        if (auto const ahead = distance_to_used(0, turned_to_))
            earliest = start_of(turned_to_ + ahead);
        auto const turned_to_long = turned_to_ >> ring_bits;
        if (auto const ahead = distance_to_used(ring_size, turned_to_long))
            earliest = std::min(earliest, start_of((turned_to_long + ahead) << ring_bits));
        return earliest;
    }
    time_point start_of_bucket(std::uint32_t bucket) const
    {
        bool const fine = bucket < ring_size;
        auto const from = fine ? turned_to_ : turned_to_ >> ring_bits;
        auto const tick = from + ((bucket - from) & (ring_size - 1));
        return start_of(fine ? tick : tick << ring_bits);
    }

    deadline_heap near_;
    std::vector<links> links_;
    std::array<std::uint32_t, 2 * ring_size> heads_ = [] {
        std::array<std::uint32_t, 2 * ring_size> none;
        none.fill(nowhere);
        return none;
    }();
    std::array<std::uint64_t, 2 * ring_size / 64> used_{};
    std::vector<slot_type> poured_;
    std::size_t far_ = 0;
    std::int64_t turned_to_ = 0;                 // buckets up to this tick are empty
    time_point next_bucket_ = time_point::max(); // not later than the first used bucket
};

} // namespace perdure::detail

#endif
