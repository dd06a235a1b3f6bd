// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_KEEPING_HPP
#define PERDURE_WAL_DETAIL_LOG_KEEPING_HPP

#include <perdure/wal/chain.hpp>
#include <perdure/wal/log_holds.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace perdure::detail {

/* Which records of a log are there to be read: from the front, which trims move and holds keep, to
 * the end, which truncations cut.
 */
class log_keeping {
public:
    void open(position front) { front_ = wanted_ = front; }

    /// The first position that can be read.
    position front() const noexcept { return front_; }
    /// Where trims would have the front.
    position wanted() const noexcept { return wanted_; }

    /// The records before `front` are not wanted any more.
    void trim(position front)
    {
        wanted_ = std::max(wanted_, front);
        front_ = std::max(front_, holds_.limit(wanted_));
    }

    log_holds::id hold(position from, std::string who)
    {
        return holds_.add(from, std::move(who));
    }
    void move_hold(log_holds::id n, position from)
    {
        holds_.move(n, std::max(from, front_));
        trim(wanted_);
    }
    void release(log_holds::id n)
    {
        holds_.remove(n);
        trim(wanted_);
    }
    log_holds const& holds() const noexcept { return holds_; }

    /// How many segments of `chain` hold nothing that is wanted; the last one always stays.
    static std::size_t trimmed_segments(std::vector<chain_segment> const& chain, position front)
    {
        std::size_t n = 0;
        while (n + 1 < chain.size() && chain[n].positions.last < front)
            ++n;
        return n;
    }
    bool has_trimmed(std::vector<chain_segment> const& chain) const
    {
        return trimmed_segments(chain, front_) != 0;
    }

    /// The positions behind `last` were given up.
    void cut(position last) { cuts_.push_back(last); }
    /// How many cuts there were.
    std::size_t cuts() const noexcept { return cuts_.size(); }
    /// The last position that no cut behind the first `known` ones reached.
    position last_uncut(std::size_t known) const noexcept
    {
        position p = static_cast<position>(-1);
        for (auto i = known; i < cuts_.size(); ++i)
            p = std::min(p, cuts_[i]);
        return p;
    }

private:
    position front_ = 1;
    position wanted_ = 1;
    log_holds holds_;
    std::vector<position> cuts_;
};

} // namespace perdure::detail

#endif
