// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_DETAIL_DEADLINE_HEAP_HPP
#define PERDURE_DETECTOR_DETAIL_DEADLINE_HEAP_HPP

#include <perdure/time.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace perdure::detail {

/* A 4-ary heap of deadlines, at most one a slot, with the place of every slot, so that one can be
 * moved. Equal deadlines come in the order of their slots, which makes every run of a monitor the
 * same.
 */
class deadline_heap {
public:
    using slot_type = std::uint32_t;
    struct entry {
        time_point at;
        slot_type slot;
        friend bool operator<(entry const& a, entry const& b)
        {
            return a.at != b.at ? a.at < b.at : a.slot < b.slot;
        }
    };

    bool empty() const { return entries_.empty(); }
    std::size_t size() const { return entries_.size(); }
    entry const& top() const { return entries_.front(); }
    bool contains(slot_type slot) const { return slot < place_.size() && place_[slot] != nowhere; }
    time_point at(slot_type slot) const
    {
        assert(contains(slot));
        return entries_[place_[slot]].at;
    }

    // Inserts or moves.
    void set(slot_type slot, time_point at)
    {
        if (slot >= place_.size())
            place_.resize(slot + std::size_t(1), nowhere);
        if (place_[slot] == nowhere) {
            entries_.push_back({at, slot});
            sift_up(entries_.size() - 1);
            return;
        }
        auto const i = place_[slot];
        bool const earlier = at < entries_[i].at;
        entries_[i].at = at;
        earlier ? sift_up(i) : sift_down(i);
    }

    void erase(slot_type slot)
    {
        if (!contains(slot))
            return;
        auto const i = place_[slot];
        place_[slot] = nowhere;
        auto const last = entries_.back();
        entries_.pop_back();
        if (i == entries_.size())
            return;
        bool const earlier = i != 0 && last < entries_[(i - 1) / 4];
        entries_[i] = last;
        earlier ? sift_up(i) : sift_down(i);
    }

    bool valid() const
    {
        for (std::size_t i = 0; i != entries_.size(); ++i) {
            if (i != 0 && entries_[i] < entries_[(i - 1) / 4])
                return false;
            if (place_[entries_[i].slot] != i)
                return false;
        }
        std::size_t placed = 0;
        for (auto const p : place_)
            placed += p != nowhere;
        return placed == entries_.size();
    }

private:
    static constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

    void put(std::size_t i, entry const& e)
    {
        entries_[i] = e;
        place_[e.slot] = static_cast<std::uint32_t>(i);
    }
    void sift_up(std::size_t i)
    {
        auto const e = entries_[i];
        while (i != 0 && e < entries_[(i - 1) / 4]) {
            put(i, entries_[(i - 1) / 4]);
            i = (i - 1) / 4;
        }
        put(i, e);
    }
    void sift_down(std::size_t i)
    {
        auto const e = entries_[i];
        while (true) {
            auto const first = 4 * i + 1;
            if (first >= entries_.size())
                break;
            auto const end = first + 4 < entries_.size() ? first + 4 : entries_.size();
            auto least = first;
            for (auto c = first + 1; c < end; ++c)
                least = entries_[c] < entries_[least] ? c : least;
            if (!(entries_[least] < e))
                break;
            put(i, entries_[least]);
            i = least;
        }
        put(i, e);
    }

    std::vector<entry> entries_;
    std::vector<std::uint32_t> place_;
};

} // namespace perdure::detail

#endif
