// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_RETENTION_HPP
#define PERDURE_WAL_RETENTION_HPP

#include <perdure/wal/chain.hpp>

#include <chrono>
#include <cstdint>
#include <span>

namespace perdure {

/** How much of a log is kept without anybody asking for it. Zero: no limit.
 *
 *  A log gives back whole segments, so it keeps up to one segment more than a limit says, and always
 *  the segment in use. Holds win over limits.
 */
struct retention_limits {
    std::uint64_t records_max = 0;        ///< Keep the last so many positions.
    std::uint64_t bytes_max = 0;          ///< Keep so many bytes of files, overhead included.
    std::chrono::milliseconds age_max{0}; ///< Keep what is younger; needs a clock (unix_time_ms).

    bool empty() const noexcept
    {
        return records_max == 0 && bytes_max == 0 && age_max.count() == 0;
    }
    friend bool operator==(retention_limits const&, retention_limits const&) = default;
};

/** The first position that the limits keep: the begin of a segment of `chain`.
 *
 *  Of an age is known when a segment was followed by the next one: then its last record was written.
 *  Segments of unknown time (no clock when they were written, or none now: `now_ms` 0) count as
 *  young. A clock that was set back keeps more.
 *
 *  Complexity: O(segments). Precondition: the chain is in order and not empty.
 */
inline position retention_front(std::span<chain_segment const> chain, retention_limits const& limits,
                                std::uint64_t now_ms)
{
    std::uint64_t bytes = 0;
    for (auto const& s : chain)
        bytes += s.used_bytes;
    position const last = chain.back().positions.last;
    std::size_t i = 0;
    for (; i + 1 < chain.size(); ++i) {
        auto const& s = chain[i];
        auto const& next = chain[i + 1];
        bool const too_many =
            limits.records_max != 0 && last - s.positions.last >= limits.records_max;
        // Without this segment there are still as many bytes as wanted.
        bool const too_big = limits.bytes_max != 0 && bytes - s.used_bytes >= limits.bytes_max;
        auto const age = static_cast<std::uint64_t>(limits.age_max.count());
        bool const too_old = age != 0 && now_ms != 0 && next.begun_ms != 0 &&
                             next.begun_ms < now_ms && now_ms - next.begun_ms > age;
        if (!too_many && !too_big && !too_old)
            break;
        bytes -= s.used_bytes;
    }
    return chain[i].link.last + 1;
}

} // namespace perdure

#endif
