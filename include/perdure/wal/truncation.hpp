// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_TRUNCATION_HPP
#define PERDURE_WAL_TRUNCATION_HPP

#include <perdure/wal/recovery.hpp>

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

namespace perdure {

/** Cuts off the end of a log on request, as consensus needs when a follower's log diverged.
 *
 *  Nothing is cut in place. A new segment is written whose link says how many bytes of which segment
 *  still count; it holds what has to stay of the group that the cut goes through, and declares the
 *  positions behind the cut as given up, so that none of them is ever given to another record. With
 *  that segment's name the log changes from its old to its new end at once; a crash before leaves
 *  the old one, and a crash behind leaves files that the next opening removes.
 *
 *  What it decides is written by write_opening(). Sans-I/O but for the source.
 *
 *  @par Complexity  reads the segment with the cut, up to there.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <segment_source Source>
class log_truncation {
public:
    /// Precondition: `chain` is in order and not empty, and what it counts is durable.
    log_truncation(Source& source, std::vector<chain_segment> chain, position front,
                   log_packing packing = {})
        : source_(&source), chain_(std::move(chain)), unpacker_(std::move(packing))
    {
        out_.front = front;
    }

    /** Decides. Positions up to `last` stay; those behind it up to `given`, the last one that was
     *  given out, are given up. `out.obsolete` are the segments to be removed.
     *
     *  Precondition: front - 1 <= last < given.
     *  `ec`: acknowledged_data_lost if the log cannot be read up to the cut; or the source's own.
     */
    recovered_log run(position last, position given, error_code& ec)
    {
        assert(out_.front - 1 <= last && last < given && !chain_.empty());
        ec = {};
        last_ = last;
        out_.last = given;
        while (chain_.size() > 1 && chain_.back().link.last > last) {
            out_.obsolete.push_back(chain_.back().header.sequence);
            chain_.pop_back();
        }
        auto& cut = chain_.back();
        find_cut(cut, ec);
        if (ec)
            return out_;
        out_.next_link = {cut.header.sequence, cut_.offset, cut_.last, cut_.digest,
                          wal_format::link_reason::truncated};
        cut.positions.last = cut_.last;
        cut.used_bytes = cut_.offset;
        cut.digest = cut_.digest;
        out_.chain = chain_;
        return out_;
    }

    /// What the new segment holds behind its link: see log_recovery. After run().
    template <class Record, class Gap>
    void for_each_rewritten(Record&& record, Gap&& gap, error_code& ec)
    {
        ec = {};
        position next = cut_.last + 1;
        if (cut_group_end_ != 0) {
            auto const& header = chain_.back().header;
            segment_scanner scanner(header, cut_.offset, cut_.last, cut_.digest);
            segment_window<Source> window(*source_, header.sequence, cut_group_end_);
            for (auto status = segment_scanner::status::more;
                 status != segment_scanner::status::group;) {
                auto const bytes = window.at(scanner.offset(),
                                             std::max<std::size_t>(scanner.wanted(), 1), ec);
                if (ec)
                    return;
                status = scanner.next(bytes, window.at_end());
                if (status != segment_scanner::status::more &&
                    status != segment_scanner::status::group) {
                    ec = errc::checksum_mismatch; // It was intact a moment ago.
                    return;
                }
            }
            auto group = scanner.group();
            if (!unpacker_.unpack(header, group)) {
                ec = errc::acknowledged_data_lost;
                return;
            }
            for_each_record(group, [&](position p, std::span<std::byte const> bytes) {
                if (p > last_)
                    return;
                if (p > next)
                    gap(position_range{next, p - 1});
                record(p, bytes);
                next = p + 1;
            });
        }
        gap(position_range{next, out_.last});
    }

private:
    void find_cut(chain_segment const& s, error_code& ec)
    {
        segment_scanner scanner(s.header);
        segment_window<Source> window(*source_, s.header.sequence, s.used_bytes);
        while (scanner.offset() < s.used_bytes) {
            auto const bytes =
                window.at(scanner.offset(), std::max<std::size_t>(scanner.wanted(), 1), ec);
            if (ec)
                return;
            auto const status = scanner.next(bytes, window.at_end());
            if (status == segment_scanner::status::more)
                continue;
            if (status != segment_scanner::status::group) {
                ec = errc::acknowledged_data_lost;
                return;
            }
            auto const& g = scanner.group();
            if (g.last > last_) {
                cut_group_end_ = g.end();
                return;
            }
            cut_ = {g.end(), g.last, g.seal.digest};
        }
    }

    Source* source_;
    std::vector<chain_segment> chain_;
    recovered_log out_;
    group_unpacker unpacker_;
    position last_ = 0;
    log_mark cut_;
    std::uint64_t cut_group_end_ = 0; ///< Where the group ends that the cut goes through; 0: none.
};

} // namespace perdure

#endif
