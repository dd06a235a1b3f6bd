// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_RECOVERED_LOG_HPP
#define PERDURE_WAL_RECOVERED_LOG_HPP

#include <perdure/wal/chain.hpp>
#include <perdure/wal/packing.hpp>
#include <perdure/wal/recovery_report.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace perdure {

/// What a recovery decided. Nothing has been changed yet; who applies it writes a new segment.
struct recovered_log {
    recovery_report report;              ///< What was found.
    error_code error;                    ///< Set if the log must not be opened.
    std::vector<chain_segment> chain;    ///< What stays in place, oldest first.
    wal_format::link next_link;          ///< What the new segment says about what came before.
    position front = 1;                  ///< The first position that is still wanted.
    position last = 0;                   ///< The last position once the new segment is written.
    wal_format::log_id log;              ///< Whose log it is; zeros if there is none yet.
    std::uint64_t sequence_max = 0;      ///< Over all files; the new segment's is higher.
    std::uint32_t record_bytes_max = 0;  ///< Over all segments; the new one allows as much.
    std::vector<std::uint64_t> obsolete; ///< To be removed, once the new segment is durable.
    /// Stays in the chain up to a damage, and is to be copied first: what is behind is evidence.
    std::optional<std::uint64_t> damaged;
    std::vector<std::uint64_t> aside; ///< To be renamed and kept, likewise: they hold evidence.
};

/// What recovery does with a bad tail, and what it may use.
struct recovery_options {
    recovery_mode mode = recovery_mode::tail; ///< What becomes of a bad tail.
    /// Read every byte of the log, also what the chain of segments vouches for. The modes other
    /// than tail always do.
    bool verify_everything = false;
    /// Known from elsewhere; then a log without segments is one that was lost.
    std::optional<wal_format::log_id> log;
    /// How packed records are read. A segment that it cannot read is refused.
    log_packing packing{};
    /// What the records are; a segment that says something else is refused. Empty: anything.
    std::string type{};
};

} // namespace perdure

#endif
