// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_DETAIL_REPLAY_GAPS_HPP
#define PERDURE_DURABLE_DETAIL_REPLAY_GAPS_HPP

#include <perdure/wal/position.hpp>

#include <cstddef>
#include <deque>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace perdure::detail {

/* Keeps records that cannot be applied yet because some before them are lost, until those were
 * fetched. Without a loss it keeps nothing.
 */
class replay_gaps {
public:
    using bytes = std::vector<std::byte>;

    void begin(position next) { next_ = next; }

    /// Whether the record may be applied now; otherwise it is kept.
    bool accept(position at, std::span<std::byte const> record)
    {
        if (held_.empty() && at == next_) {
            ++next_;
            return true;
        }
        held_.emplace(at, bytes(record.begin(), record.end()));
        return false;
    }

    /// The log goes up to before `end`: what is missing?
    void finish(position end)
    {
        position expected = next_;
        for (auto const& [at, record] : held_) {
            if (at > expected)
                gaps_.push_back({expected, at - 1});
            expected = at + 1;
        }
        if (end > expected)
            gaps_.push_back({expected, end - 1});
    }

    bool whole() const noexcept { return gaps_.empty(); }
    position_range first_gap() const { return gaps_.front(); }

    /// False if there is not one record for each position.
    bool fill_first(std::vector<bytes> records)
    {
        auto const gap = gaps_.front();
        if (records.size() != gap.count())
            return false;
        gaps_.pop_front();
        for (position at = gap.first; at <= gap.last; ++at)
            held_.emplace(at, std::move(records[static_cast<std::size_t>(at - gap.first)]));
        return true;
    }

    /// What was kept and fetched, in order. Precondition: whole().
    template <class Apply>
    void drain(Apply apply)
    {
        for (auto const& [at, record] : std::exchange(held_, {}))
            apply(at, std::span<std::byte const>(record));
    }

private:
    position next_ = 1;
    std::map<position, bytes> held_;
    std::deque<position_range> gaps_;
};

} // namespace perdure::detail

#endif
