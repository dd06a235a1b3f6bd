// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_GROUP_PLAN_HPP
#define PERDURE_WAL_DETAIL_GROUP_PLAN_HPP

#include <perdure/wal/group_builder.hpp>
#include <perdure/wal/position.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace perdure::detail {

using footer_bytes = std::array<std::byte, wal_format::frame_bytes + wal_format::footer_bytes>;

/// What became of a group_job. The groups come back, with their memory.
struct write_result {
    group_builder group;
    std::vector<group_builder> before;
    std::uint64_t digest = 0;      ///< After the group, if it was packed.
    std::uint64_t packed_size = 0; ///< Likewise: its size, with the seal.
    bool rotated = false; ///< The segment is another one now.
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
    /// Set if records are packed. Then `group` stays as it is, and what is sealed and written is
    /// made of it here: off the loop, and anew for another segment.
    struct packing {
        wal_format::segment_header segment;
        std::uint64_t digest = 0; ///< Before the group.
        position claimed = 0;
        position front = 1;
        std::uint64_t now_ms = 0;
    };
    std::optional<packing> pack;
    bool sync = false;
    bool gives_up = false; ///< The segment in use has failed, and gets no footer.
};

} // namespace perdure::detail

#endif
