// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_OPTIONS_HPP
#define PERDURE_DURABLE_OPTIONS_HPP

#include <perdure/snapshot/options.hpp>
#include <perdure/wal/options.hpp>

#include <cstdint>
#include <string>

namespace perdure {

/// Where a durable state lives and how often a snapshot of it is taken.
struct durable_options {
    /// Holds two directories, `log` and `snapshots`. One object at a time has it open.
    std::string directory;

    /** A snapshot is taken in the background when this many bytes of commands were logged since the last one; 0: never.
     *
     *  More bytes mean a longer replay on recovery, fewer mean more writing: each snapshot costs about the
     *  size of the encoded state.
     */
    std::uint64_t snapshot_every_bytes = 64U << 20;

    wal_options log{};            ///< Its directory is filled in.
    snapshot_options snapshots{}; ///< Set `type`, so that the state of another program is refused.
};

} // namespace perdure

#endif
