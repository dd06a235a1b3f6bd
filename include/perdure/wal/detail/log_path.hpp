// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_PATH_HPP
#define PERDURE_WAL_DETAIL_LOG_PATH_HPP

#include <perdure/wal/chain.hpp>
#include <perdure/wal/recovery_report.hpp>
#include <perdure/wal/segment_survey.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

/* Which segments make up a log, and whether they fit together: the newest one's link says where the
 * log came from, and so does the link of the one before it. Nothing is decided here.
 */
namespace perdure::detail {

/// Where a log is damaged, and what says so.
struct log_damage {
    wal_damage reason = wal_damage::none; ///< none: it is not.
    recovery_proof proof = recovery_proof::none;
    std::uint64_t sequence = 0; ///< Of the segment.
    std::uint64_t offset = 0;   ///< In the segment.
};

/// A segment on the way to the newest one.
struct path_step {
    surveyed_segment const* of = nullptr; ///< Null if the segment is missing.
    std::uint64_t sequence = 0;
    std::uint64_t limit = 0;              ///< Bytes that count, as the next segment says.
    std::optional<wal_format::link> next; ///< What the next segment says.
};

/// The segments from the first wanted position to the one at `head` in the survey, oldest first.
template <segment_source Source>
std::vector<path_step> path_to(segment_survey<Source> const& survey, std::size_t head,
                               position front)
{
    constexpr auto npos = segment_survey<Source>::npos;
    auto const& items = survey.all();
    std::vector<path_step> path;
    auto begin_at = [&](std::size_t i) {
        path.push_back({&items[i], items[i].file.sequence, items[i].file.size, std::nullopt});
    };
    begin_at(head);
    for (auto at = head; at != npos;) {
        auto const link = *items[at].link;
        if (link.sequence == 0 || link.last < front)
            break;
        auto const found = survey.index_of(link.sequence);
        path.push_back(
            {found == npos ? nullptr : &items[found], link.sequence, link.used_bytes, link});
        if (found != npos && items[found].damage == wal_damage::none && items[found].link) {
            at = found;
            continue;
        }
        // A hole. What can be read before it, from the next older segment on, is still a chain.
        at = npos;
        for (std::size_t i = 0; i != items.size() && items[i].file.sequence < link.sequence; ++i)
            if (items[i].link)
                at = i;
        if (at != npos)
            begin_at(at);
    }
    std::reverse(path.begin(), path.end());
    return path;
}

/// How far a path holds.
struct path_verdict {
    std::vector<chain_segment> chain; ///< Up to the damage.
    log_damage damage;
    std::size_t step = 0; ///< Where the damage is; the path's size if there is none.
    log_mark at;          ///< The log up to the damage, or to its end.
    bool unknown = false; ///< A frame of a newer format that must not be skipped.
};

/** Finds the first damage before the newest segment's end, which is for another to judge.
 *
 *  `head` is what reading the newest segment came to. Unless `everything` is to be read, a segment
 *  counts as what the next one's link says of it.
 */
template <segment_source Source>
path_verdict verify(segment_survey<Source>& survey, std::vector<path_step> const& path,
                    segment_scan const& head, position front, bool everything)
{
    path_verdict out;
    out.step = path.size();
    auto& at = out.at;
    auto damaged = [&](std::size_t i, wal_damage reason, recovery_proof proof) {
        out.step = i;
        out.damage = {reason, proof, path[i].sequence, at.offset};
        return out;
    };
    position last = front - 1;
    bool known = false; // whether `last` and `digest` are those of the log so far
    std::uint64_t digest = 0;
    for (std::size_t i = 0; i != path.size(); ++i) {
        path_step const& s = path[i];
        at = {0, last, digest};
        if (!s.of)
            return damaged(i, wal_damage::missing, recovery_proof::lost_file);
        if (s.of->damage != wal_damage::none)
            return damaged(i, s.of->damage, recovery_proof::lost_header);
        at.offset = wal_format::page_bytes;
        if (!s.of->link)
            return damaged(i, survey.first_group_damage(*s.of), recovery_proof::later_seal);
        auto const& link = *s.of->link;
        if (known && (link.last != last || link.digest != digest))
            return damaged(i, wal_damage::link, recovery_proof::later_seal);
        if (!known && link.sequence != 0 && link.last >= front)
            return damaged(i, wal_damage::missing, recovery_proof::lost_file);
        known = true;
        bool const is_head = i + 1 == path.size();
        segment_scan result;
        if (is_head)
            result = head;
        else if (everything || !s.next || s.of->file.size < s.limit)
            result = survey.scan(*s.of, s.limit, s.next.has_value());
        else
            result.end = result.cut = {s.limit, s.next->last, s.next->digest};
        if (result.unknown) {
            out.unknown = true;
            return out;
        }
        out.chain.push_back({s.of->header,
                             link,
                             {link.last + 1, result.end.last},
                             result.end.offset,
                             result.end.digest,
                             s.of->begun_ms});
        at = result.end;
        last = result.end.last;
        digest = result.end.digest;
        if (is_head)
            break;
        if (result.damage != wal_damage::none)
            return damaged(i, result.damage,
                           result.damage == wal_damage::shortened ? recovery_proof::short_file
                                                                  : recovery_proof::later_seal);
        if (s.next && (last != s.next->last || digest != s.next->digest))
            return damaged(i, wal_damage::link, recovery_proof::later_seal);
    }
    return out;
}

} // namespace perdure::detail

#endif
