// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_DATA_AT_RISK_HPP
#define PERDURE_AVAILABILITY_DATA_AT_RISK_HPP

#include <perdure/availability/units.hpp>

#include <cstdint>

namespace perdure::availability {

/// What an acknowledgement means.
enum class durability_class : std::uint8_t {
    synced_by_quorum, ///< durable on several machines: survives the loss of one
    synced_locally,   ///< durable on one machine: survives its restart, not the loss of its disk
    replicated,       ///< in memory of others, or durable there after a lag
    flushed,          ///< written and synced every so often: a crash takes what came since
    snapshot_only     ///< kept in memory, saved at every snapshot
};

/// The settings that decide how much is at risk; those of other classes are ignored.
struct risk_settings {
    duration flush_interval{}; ///< time between two syncs, for `flushed`; finite, at least 0
    /// How far behind the others may be, for `replicated`; finite, at least 0.
    duration replication_lag{};
    /// Time between two snapshots, for `snapshot_only`; finite, at least 0.
    duration snapshot_interval{};
};

/** Acknowledged data that a fault may take, in time and in bytes (recovery point).
 *
 *  `typical` is the mean over moments of the fault, `worst` the most.
 */
struct data_at_risk {
    /// Lost on average over moments of the fault: what was acknowledged in so long.
    duration typical{};
    duration worst{};         ///< lost at most; infinite where everything may go
    double typical_bytes = 0; ///< `typical` in bytes, at the rate of writing that was given
    double worst_bytes = 0;   ///< `worst` in bytes
};

/// After the crash of one process or machine whose disk survives.
constexpr data_at_risk at_risk_in_crash(durability_class acknowledged,
                                        risk_settings const& settings, double bytes_per_second)
{
    detail::require(bytes_per_second >= 0, "bytes_per_second", bytes_per_second,
                    "it must be at least 0");
    duration worst{};
    double share = 0.5; // the crash falls anywhere between two flushes or snapshots
    switch (acknowledged) {
    case durability_class::synced_by_quorum:
    case durability_class::synced_locally:
    case durability_class::replicated: // the others have it, or the local log
        break;
    case durability_class::flushed:
        worst = settings.flush_interval;
        break;
    case durability_class::snapshot_only:
        worst = settings.snapshot_interval;
        break;
    }
    detail::require(worst.count() >= 0 && worst.count() < detail::infinity, "interval",
                    worst.count(), "seconds must be finite and at least 0");
    return {share * worst, worst, share * worst.count() * bytes_per_second,
            worst.count() * bytes_per_second};
}

/** After the loss of one machine with its disk: what had not reached another one.
 *
 *  `replicated` loses its lag, which is there at every moment; the classes that are local only
 *  lose everything, which is said by an infinite time.
 */
constexpr data_at_risk at_risk_in_disk_loss(durability_class acknowledged,
                                            risk_settings const& settings, double bytes_per_second)
{
    detail::require(bytes_per_second >= 0, "bytes_per_second", bytes_per_second,
                    "it must be at least 0");
    if (acknowledged == durability_class::synced_by_quorum) {
        return {};
    }
    if (acknowledged == durability_class::replicated) {
        auto const lag = settings.replication_lag;
        detail::require(lag.count() >= 0 && lag.count() < detail::infinity, "replication_lag",
                        lag.count(), "seconds must be finite and at least 0");
        return {lag, lag, lag.count() * bytes_per_second, lag.count() * bytes_per_second};
    }
    return {duration(detail::infinity), duration(detail::infinity), detail::infinity,
            detail::infinity};
}

} // namespace perdure::availability

#endif
