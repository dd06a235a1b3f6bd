// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_WRECK_GROUP_HPP
#define PERDURE_WAL_DETAIL_WRECK_GROUP_HPP

#include <perdure/wal/format.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace perdure::detail {

/// A frame behind a damage, with a good header and a good payload.
struct wreck_frame {
    std::uint64_t offset = 0; ///< In the segment.
    wal_format::frame_header header;
    std::byte const* bytes = nullptr; ///< Of the header; only while the frame is added.
};

/** The frames of a wreck that no seal has judged yet.
 *
 *  A good checksum does not make a frame the log's own: where a header is unreadable, a frame that
 *  stands in a user's record comes to light, and a header can have been written anew. So a seal
 *  judges the frames of its group:
 *
 *  - if they fill it without a hole, the seal's checksum over their headers decides for all of them;
 *  - if not, none may stand where another one does that follows from the group's begin or leads to
 *    its seal, and each must have the position that its index says.
 *
 *  A frame whose seal is unreadable must have a position before the next seal's group.
 */
class wreck_group {
public:
    void add(wreck_frame const& f)
    {
        entry e{f.offset, f.header, {}, true};
        std::copy_n(f.bytes + wal_format::frame_bytes - 4, 4, e.mark);
        entries_.push_back(e);
    }
    bool empty() const noexcept { return entries_.empty(); }

    /// The seal that stands at `offset`, with the index `index`.
    void judge(wal_format::seal const& s, wal_format::frame_header const& h, std::uint64_t offset)
    {
        auto const begin = offset - std::min<std::uint64_t>(s.group_bytes, offset);
        auto const first = std::find_if(entries_.begin(), entries_.end(),
                                        [&](entry const& e) { return e.offset >= begin; });
        for (auto e = entries_.begin(); e != first; ++e)
            e->believed = e->header.at < s.first;

        // The frames that follow each other from the begin of the group on.
        std::uint32_t headers_crc = 0, next = 0;
        auto at = begin;
        auto head = first;
        for (; head != entries_.end() && head->offset == at && head->header.index == next; ++head) {
            headers_crc = crc32c({head->mark, 4}, headers_crc);
            at += head->header.frame_size();
            ++next;
        }
        if (at == offset && next == h.index) {
            for (auto e = first; e != entries_.end(); ++e)
                e->believed = headers_crc == s.headers_crc;
            return;
        }
        // And those that lead to its seal.
        at = offset;
        auto last = h.index;
        auto tail = entries_.end();
        for (; tail != head; --tail) {
            auto const& e = *std::prev(tail);
            if (e.offset + e.header.frame_size() != at || e.header.index + 1 != last)
                break;
            at = e.offset;
            --last;
        }
        // Between them, only what has an index between theirs. If all are records, each one's index
        // says its position.
        bool const only_records = s.records == h.index;
        for (auto e = first; e != entries_.end(); ++e) {
            auto const& f = e->header;
            bool const between = e >= head && e < tail;
            e->believed = (!between || (f.index >= next && f.index < last)) && f.at <= h.at &&
                          (!only_records || f.at == s.first + f.index);
            if (between && e->believed)
                next = f.index + 1;
        }
    }

    /// Calls `f(offset, header)` for the frames that are to be believed, and forgets all.
    template <class F>
    void take(F&& f)
    {
        for (auto const& e : entries_)
            if (e.believed)
                f(e.offset, e.header);
        entries_.clear();
    }

private:
    struct entry {
        std::uint64_t offset;
        wal_format::frame_header header;
        std::byte mark[4]; // The checksum of the header: what a seal vouches for.
        bool believed;
    };
    std::vector<entry> entries_;
};

} // namespace perdure::detail

#endif
