// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_GROUP_JOB_HPP
#define PERDURE_WAL_DETAIL_GROUP_JOB_HPP

#include <perdure/wal/detail/log_files.hpp>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>
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

/** Writes one group, and perhaps syncs it; in a new segment if the one in use is full or has failed.
 *
 *  It runs off the loop, or in the thread that leads.
 */
template <class Files>
struct group_job {
    std::shared_ptr<log_files<Files>> disk;
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

    write_result operator()(Files& fs, error_code& ec)
    {
        write_result r;
        group_builder const* sealed = &group;
        if (pack && before.empty()) {
            auto& packed = disk->pack(group, pack->segment, ec);
            if (ec) {
                r.failed = true;
                r.group = std::move(group);
                r.before = std::move(before);
                return r;
            }
            r.digest = packed.finish(pack->digest, pack->claimed, pack->front, pack->now_ms);
            r.packed_size = packed.size();
            sealed = &packed;
        }
        if (next) {
            if (gives_up)
                disk->move_on();
            disk->prepare(fs, *next, ec);
            if (ec) {
                r.failed = gives_up || ec != errc::no_space;
            } else {
                bool left = true;
                if (gives_up)
                    disk->give_up_active();
                else
                    left = disk->rotate(used, footer, ec);
                r.rotated = !ec;
                r.failed = left && ec;
            }
        }
        if (!ec) {
            if (before.empty()) {
                std::array<std::span<std::byte const>, 2> const parts{link.bytes(),
                                                                      sealed->bytes()};
                disk->write(at, parts, ec);
            } else if (pack) {
                write_packed(r, ec);
            } else {
                std::vector<std::span<std::byte const>> parts{link.bytes()};
                for (auto const& g : before)
                    parts.push_back(g.bytes());
                parts.push_back(sealed->bytes());
                disk->write(at, parts, ec);
            }
            r.failed = ec && (gives_up || ec != errc::no_space);
        }
        if (!ec && sync) {
            disk->sync(ec);
            r.synced = !ec;
            r.failed = r.failed || ec;
        }
        r.group = std::move(group);
        r.before = std::move(before);
        return r;
    }

private:
    // Of a continuation, one group after the other.
    void write_packed(write_result& r, error_code& ec)
    {
        disk->write(at, std::array{link.bytes()}, ec);
        r.digest = pack->digest;
        auto const write = [&](group_builder const& g) {
            if (ec)
                return;
            auto& packed = disk->pack(g, pack->segment, ec);
            if (ec)
                return;
            r.digest = packed.finish(r.digest, pack->claimed, pack->front, pack->now_ms);
            disk->write(at + link.size() + r.packed_size, std::array{packed.bytes()}, ec);
            r.packed_size += packed.size();
        };
        for (auto const& g : before)
            write(g);
        write(group);
    }
};

} // namespace perdure::detail

#endif
