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
    recovery_report log;
    snapshot_report snapshots;
    snapshot_info loaded; ///< The snapshot that was loaded; its id is 0 if none was.
    std::uint64_t commands_replayed = 0;
    std::uint64_t commands_fetched = 0; ///< Of those, what `lost_ranges` gave.
    std::chrono::nanoseconds took{0};

    friend bool operator==(durable_report const&, durable_report const&) = default;
};

/// On one line, for people.
inline std::ostream& operator<<(std::ostream& out, durable_report const& r)
{
    if (r.loaded.id != 0)
        out << "loaded " << r.loaded;
    else
        out << "no snapshot";
    return out << "; replayed " << r.commands_replayed << " commands in "
               << std::chrono::duration_cast<std::chrono::milliseconds>(r.took).count()
               << " ms"
               << (r.commands_fetched != 0
                       ? ", " + std::to_string(r.commands_fetched) + " of them fetched from elsewhere"
                       : "")
               << "; log: " << r.log << "; snapshots: " << r.snapshots;
}

} // namespace perdure

#endif
