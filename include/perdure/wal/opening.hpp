// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_OPENING_HPP
#define PERDURE_WAL_OPENING_HPP

#include <perdure/wal/group_builder.hpp>
#include <perdure/wal/recovery.hpp>

namespace perdure {

/** Writes the groups of the segment that a log goes on in after it was opened or cut: its link, and
 *  what is to be written again.
 *
 *  `rewriter` is who decided what `log` is: a log_recovery or a log_truncation.
 *  `sink(std::span<std::byte const>)` gets the bytes behind the header page, in order, and may set
 *  `ec`. Returns the segment as it then is. The segment must be durable, under its name, before
 *  anything is served, and before files are removed or renamed.
 */
template <class Rewriter, class Sink>
chain_segment write_opening(Rewriter& rewriter, recovered_log const& log,
                            wal_format::segment_header const& header, std::uint64_t now_ms,
                            group_packer& packer, Sink&& sink, error_code& ec)
{
    // A group of this size is written at once: large enough to be quick, small enough to be read.
    std::size_t const group_bytes =
        std::min<std::size_t>(header.group_bytes_max - 1024, 1024 * 1024);

    chain_segment made{header,
                       log.next_link,
                       {log.next_link.last + 1, log.next_link.last},
                       wal_format::page_bytes,
                       log.next_link.digest,
                       now_ms};
    position const durable = log.next_link.last;
    group_builder group;
    ec = {};
    auto finish = [&] {
        if (group.empty() || ec)
            return;
        if (!packer.pack(group, header)) {
            ec = errc::wrong_key;
            return;
        }
        made.digest = group.finish(made.digest, durable, log.front, now_ms);
        made.positions.last = group.last();
        sink(group.bytes());
        made.used_bytes += group.size();
        group.begin(header, made.positions.last + 1);
    };
    group.begin(header, log.next_link.last + 1);
    group.add_link(log.next_link);
    finish();
    error_code read_ec;
    rewriter.for_each_rewritten(
        [&](position, std::span<std::byte const> bytes) {
            if (group.size() + bytes.size() + wal_format::frame_bytes + 8 > group_bytes)
                finish();
            group.add_record(bytes);
        },
        [&](position_range lost) {
            finish(); // Records are packed, gaps are not.
            group.add_gap(lost);
            finish();
        },
        read_ec);
    finish();
    if (!ec)
        ec = read_ec;
    return made;
}

} // namespace perdure

#endif
