// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_REPORT_HPP
#define PERDURE_DURABLE_REPORT_HPP

#include <perdure/snapshot/report.hpp>
#include <perdure/wal/recovery_report.hpp>

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

namespace perdure {

/// How a durable state came back.
struct durable_report {
    /// How the log was opened.
    recovery_report log;
    /// What loading a snapshot met.
    snapshot_report snapshots;
    snapshot_info loaded; ///< The snapshot that was loaded; its id is 0 if none was.
    /// Applied from the log, with those that were fetched.
    std::uint64_t commands_replayed = 0;
    std::uint64_t commands_fetched = 0; ///< Of those, what `lost_ranges` gave.
    /// From async_open to its completion.
    std::chrono::nanoseconds took{0};
    std::string detail{}; ///< For people: where an error of the system came from; mostly empty.

    friend bool operator==(durable_report const&, durable_report const&) = default;
};

/// On one line, for people.
inline std::ostream& operator<<(std::ostream& out, durable_report const& r)
{
    if (r.loaded.id != 0)
        out << "loaded " << r.loaded;
    else
        out << "no snapshot";
    out << "; replayed " << r.commands_replayed << " commands in "
        << std::chrono::duration_cast<std::chrono::milliseconds>(r.took).count() << " ms"
        << (r.commands_fetched != 0
                ? ", " + std::to_string(r.commands_fetched) + " of them fetched from elsewhere"
                : "")
        << "; log: " << r.log << "; snapshots: " << r.snapshots;
    return r.detail.empty() ? out : out << "; " << r.detail;
}

} // namespace perdure

#endif
