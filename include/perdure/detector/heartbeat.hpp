// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_HEARTBEAT_HPP
#define PERDURE_DETECTOR_HEARTBEAT_HPP

#include <chrono>
#include <cstdint>
#include <optional>

namespace perdure {

/// Which cluster a message belongs to. Keeps a test cluster's heartbeats out of the production one.
using cluster_id = std::uint64_t;
/// Which node of the cluster.
using node_id = std::uint64_t;

/** Which start of a node: greater means later.
 *
 *  Every start of a node takes a greater value than all earlier ones, so that a delayed message of
 *  an old process is never taken for news. The best source is a counter that the node keeps
 *  durably; make_boot_id() takes the wall clock, which is right as long as nobody sets it back
 *  between starts.
 */
using boot_id = std::uint64_t;

/// How far a node's own work has come; what a monitor needs to tell a hung node from an idle one.
struct work_progress {
    std::uint64_t done = 0;    ///< Grows with the work: a log position, a count of checkpoints.
    std::uint64_t pending = 0; ///< Work that is waiting, in the same unit; 0 says idle.

    friend bool operator==(work_progress const&, work_progress const&) = default;
};

/// What one heartbeat says.
struct heartbeat {
    cluster_id cluster = 0; ///< Whose heartbeats these are; those of another cluster are dropped.
    node_id node = 0; ///< The sender.
    boot_id boot = 0; ///< Another value each time the sender starts.
    /// Counts the sending slots since the boot, so it grows also when a slot was missed.
    std::uint64_t sequence = 0;
    /// The interval between slots that the sender promises; 0 if it promises none. Whole
    /// microseconds below 2^32, about 71 minutes.
    std::chrono::microseconds interval{0};
    /// The sender says that it stops on purpose and that this is its last heartbeat.
    bool leaving = false;
    std::optional<work_progress> progress{}; ///< How far the sender's own work is, if it says so.

    friend bool operator==(heartbeat const&, heartbeat const&) = default;
};

} // namespace perdure

#endif
