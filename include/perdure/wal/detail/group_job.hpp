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

/** Seals and writes one group, and perhaps syncs it; in a new segment if the one in use is full or has
 *  failed.
 *
 *  It runs off the loop, or in the thread that leads. So what takes time in proportion to a group's
 *  size is done here: to move it to another segment, pack it, copy it, give its memory back.
 */
template <class Files>
struct group_job : group_plan {
    std::shared_ptr<log_files<Files>> disk;

    write_result operator()(Files& fs, error_code& ec)
    {
        write_result r;
        r.digest = seal.digest;
        write(fs, r, ec);
        if (!ec && sync) {
            disk->sync(ec);
            r.synced = !ec;
            r.failed = r.failed || ec;
        } else if (!ec) {
            disk->leave();
        }
        if (r.rotated || r.synced)
            unsynced->clear(); // The segment before was synced.
        if (keeps && !ec)
            unsynced->emplace_back().assign(group);
        before.clear();
        r.group = std::move(group);
        disk.reset(); // The loop may come to this job's end much later, and the log be gone.
        return r;
    }

private:
    void write(Files& fs, write_result& r, error_code& ec)
    {
        // Packed groups share memory: those of a continuation are written one after the other.
        bool const at_once = before.empty() || !seal.packs;
        std::vector<std::span<std::byte const>> parts{link.bytes()};
        if (at_once) {
            for (auto& g : before)
                parts.push_back(sealed(g, r, ec));
            parts.push_back(sealed(group, r, ec));
            if (ec) {
                r.failed = true;
                return;
            }
        }
        if (next)
            enter_next(fs, r, ec);
        if (ec)
            return;
        disk->write(at, parts, ec);
        if (!at_once) {
            for (auto& g : before)
                write_packed(g, r, ec);
            write_packed(group, r, ec);
        }
        r.failed = ec && (gives_up || ec != errc::no_space);
    }

    void enter_next(Files& fs, write_result& r, error_code& ec)
    {
        if (gives_up)
            disk->move_on();
        disk->prepare(fs, *next, ec);
        if (ec) {
            r.failed = gives_up || ec != errc::no_space;
            return;
        }
        bool left = true;
        if (gives_up)
            disk->give_up_active();
        else
            left = disk->rotate(used, footer, ec);
        r.rotated = !ec;
        r.failed = left && ec;
    }

    void write_packed(group_builder& g, write_result& r, error_code& ec)
    {
        if (ec)
            return;
        auto const to = at + link.size() + r.size;
        auto const bytes = sealed(g, r, ec);
        if (!ec)
            disk->write(to, std::array{bytes}, ec);
    }

    // What is written of a group. Once there was an error, nothing.
    std::span<std::byte const> sealed(group_builder& g, write_result& r, error_code& ec)
    {
        if (ec)
            return {};
        g.rebind(seal.segment);
        group_builder* out = &g;
        if (seal.packs)
            out = &disk->pack(g, seal.segment, ec);
        if (ec)
            return {};
        r.digest = out->finish(r.digest, seal.claimed, seal.front, seal.now_ms);
        r.size += out->size();
        return out->bytes();
    }
};

} // namespace perdure::detail

#endif
