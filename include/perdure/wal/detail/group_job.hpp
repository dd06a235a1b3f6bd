// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_GROUP_JOB_HPP
#define PERDURE_WAL_DETAIL_GROUP_JOB_HPP

#include <perdure/wal/detail/group_plan.hpp>
#include <perdure/wal/detail/log_files.hpp>

#include <array>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace perdure::detail {

/** Writes one group, and perhaps syncs it; in a new segment if the one in use is full or has failed.
 *
 *  It runs off the loop, or in the thread that leads.
 */
template <class Files>
struct group_job : group_plan {
    std::shared_ptr<log_files<Files>> disk;

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
