// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_GROUP_PLAN_HPP
#define PERDURE_WAL_DETAIL_GROUP_PLAN_HPP

#include <perdure/wal/group_builder.hpp>
#include <perdure/wal/position.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace perdure::detail {

using footer_bytes = std::array<std::byte, wal_format::frame_bytes + wal_format::footer_bytes>;

/// What became of a group_job. The group comes back, with its memory.
struct write_result {
    group_builder group;
    std::uint64_t digest = 0; ///< Of the log, after the group.
    std::uint64_t size = 0;   ///< Of what was sealed, without the link.
    bool rotated = false;     ///< The segment is another one now.
    bool synced = false;
    bool failed = false; ///< More than lack of space.
};

/// What is to be written of a group, and where.
struct group_plan {
    group_builder group;
    group_builder link;                ///< Empty unless the segment has none yet.
    std::vector<group_builder> before; ///< Of a continuation: what was not durable yet.
    std::optional<wal_format::segment_header> next;
    footer_bytes footer{};
    std::uint64_t at = 0;
    std::uint64_t used = 0;
    /** How groups are sealed. That is done off the loop, because it goes through all their frames if
     *  they were begun for another segment, or if records are packed. Then `group` stays as it is, and
     *  what is sealed and written is made of it.
     */
    struct sealing {
        wal_format::segment_header segment;
        std::uint64_t digest = 0; ///< Before the groups.
        position claimed = 0;     ///< As durable.
        position front = 1;
        std::uint64_t now_ms = 0;
        bool packs = false;
    };
    sealing seal;
    /// What was written since the last sync, if that is kept for a continuation. Shared with whoever
    /// made the plan, and touched only where the group is written, while it is.
    std::shared_ptr<std::vector<group_builder>> unsynced;
    bool keeps = false; ///< This group comes to it.
    bool sync = false;
    bool gives_up = false; ///< The segment in use has failed, and gets no footer.
};

} // namespace perdure::detail

#endif
