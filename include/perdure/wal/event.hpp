// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_EVENT_HPP
#define PERDURE_WAL_EVENT_HPP

#include <perdure/error.hpp>
#include <perdure/wal/position.hpp>

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace perdure {

/// What a log tells of its disk while it is open.
enum class wal_event_kind : std::uint8_t {
    disk_stalled,  ///< A write or sync has taken longer than wal_options::stall_after; it goes on.
    disk_answered, ///< The one that stalled is done.
    no_space,      ///< What waited was not written; appending works again once there is space.
    continued,     ///< A write or sync failed, and all that was not durable stands in a new segment.
    failed,        ///< A write or sync failed: the log takes no more.
};

constexpr std::string_view to_string(wal_event_kind k) noexcept
{
    switch (k) {
    case wal_event_kind::disk_stalled: return "disk stalled";
    case wal_event_kind::disk_answered: return "disk answered";
    case wal_event_kind::no_space: return "no space";
    case wal_event_kind::continued: return "continued in a new segment";
    case wal_event_kind::failed: return "failed";
    }
    return "unknown";
}

/// Something that a log's owner may want to know at once.
struct wal_event {
    wal_event_kind kind = wal_event_kind::failed; ///< What happened.
    position durable = 0;            ///< Everything up to here is on disk.
    std::chrono::nanoseconds took{}; ///< Of a stall: how long the write or sync has taken so far.
    error_code cause;                ///< Of a failure or lack of space: what the system said.
    std::string directory;           ///< Of a continuation: where the new segment is.
    friend bool operator==(wal_event const&, wal_event const&) = default;
};

/// On one line: "log: disk stalled for 1000 ms, durable up to 17".
inline std::string to_string(wal_event const& e)
{
    std::string out = "log: " + std::string(to_string(e.kind));
    if (!e.directory.empty())
        out += " in " + e.directory;
    if (e.took.count() != 0)
        out += (e.kind == wal_event_kind::disk_stalled ? " for " : " after ") +
               std::to_string(e.took.count() / 1'000'000) + " ms";
    if (e.cause)
        out += " (" + e.cause.message() + ")";
    return out + ", durable up to " + std::to_string(e.durable);
}

inline std::ostream& operator<<(std::ostream& out, wal_event const& e)
{
    return out << to_string(e);
}

} // namespace perdure

#endif
