// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_INSPECT_LOG_WRITER_HPP
#define PERDURE_EXAMPLES_TOOLS_INSPECT_LOG_WRITER_HPP

#include "log_directory.hpp"
#include <perdure/wal/group_builder.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <utility>

namespace inspect {

/** Writes a log offline, with positions that are given: for copies and conversions.
 *
 *  The log is closed cleanly by finish(). Nothing of it counts before: whoever makes a copy writes it
 *  under another name first.
 */
class log_writer {
public:
    struct options {
        std::uint64_t segment_bytes = 64u << 20;
        std::uint32_t record_bytes_max = perdure::wal_format::record_bytes_limit;
        perdure::wal_format::checksum_kind checksum = perdure::wal_format::checksum_kind::crc32c;
    };

    /// In an existing, empty directory; the first record gets the position `first`.
    log_writer(std::string directory, perdure::wal_format::log_id id, position first, options o,
               error_code& ec)
        : directory_(std::move(directory)), id_(id), options_(o), front_(first), next_(first)
    {
        begin_segment(0, perdure::wal_format::link_reason::created, ec);
    }

    void record(position p, std::span<std::byte const> bytes, std::uint64_t ms, error_code& ec)
    {
        if (p > next_)
            gap({next_, p - 1}, ec);
        if (group_.size() != 0 &&
            (ms != written_ms_ || group_.size() + bytes.size() > group_bytes))
            flush(ec);
        written_ms_ = ms;
        group_.add_record(bytes);
        next_ = p + 1;
        ++records_;
    }
    /// Positions that are lost.
    void gap(perdure::position_range lost, error_code& ec)
    {
        flush(ec);
        group_.add_gap(lost);
        next_ = lost.last + 1;
    }
    void finish(error_code& ec)
    {
        flush(ec);
        end_segment(0, ec);
        if (!ec)
            files_.sync_directory(directory_, ec);
    }
    std::uint64_t records() const { return records_; }

private:
    static constexpr std::size_t group_bytes = 256 * 1024;

    void begin_segment(std::uint64_t after, perdure::wal_format::link_reason reason,
                       error_code& ec)
    {
        using namespace perdure::wal_format;
        perdure::wal_format::link const l{after, used_, next_ - 1, digest_, reason};
        header_ = {};
        header_.log = id_;
        header_.sequence = after + 1;
        header_.after = after;
        header_.salt = (std::uint64_t{random_()} << 32) + random_();
        header_.allocated_bytes = page_bytes;
        header_.checksum = options_.checksum;
        header_.record_bytes_max = options_.record_bytes_max;
        header_.group_bytes_max =
            std::max<std::uint32_t>(options_.record_bytes_max, 2 * group_bytes) + 4096;
        if (!ec)
            file_ = files_.open(directory_ + '/' + segment_name(header_.sequence),
                                perdure::open_mode::create_new, ec);
        std::array<std::byte, page_bytes> page;
        encode(header_, page);
        if (!ec)
            file_.write_at(0, page, ec);
        used_ = page_bytes;
        durable_ = first_ = next_;
        --durable_; // The segments before are synced.
        group_.begin(header_, next_);
        group_.add_link(l);
        seal(ec);
    }
    void end_segment(std::uint64_t next_sequence, error_code& ec)
    {
        using namespace perdure::wal_format;
        std::array<std::byte, frame_bytes + footer_bytes> bytes;
        auto const payload = std::span(bytes).subspan<frame_bytes>();
        encode(footer{first_, next_ - 1, used_, next_ - 1, digest_, next_sequence, front_, 0},
               payload);
        encode(frame_header{footer_bytes, frame_type::footer, next_ - 1, header_.epoch(),
                            payload_checksum(header_.checksum, payload), 0},
               bytes.data());
        // First the records, because the footer says that they are durable.
        if (!ec)
            file_.sync(perdure::sync_mode::data, ec);
        if (!ec)
            file_.write_at(used_, bytes, ec);
        if (!ec)
            file_.sync(perdure::sync_mode::all, ec);
    }
    void flush(error_code& ec)
    {
        if (group_.empty())
            return;
        seal(ec);
        if (used_ >= options_.segment_bytes) {
            auto const sequence = header_.sequence;
            end_segment(sequence + 1, ec);
            begin_segment(sequence, perdure::wal_format::link_reason::rotated, ec);
        }
    }
    void seal(error_code& ec)
    {
        digest_ = group_.finish(digest_, durable_, front_, written_ms_);
        if (!ec)
            file_.write_at(used_, group_.bytes(), ec);
        used_ += group_.size();
        group_.begin(header_, next_);
    }

    files files_;
    std::string directory_;
    perdure::wal_format::log_id id_;
    options options_;
    position front_;
    position next_;
    position first_ = 1;
    position durable_ = 0;
    std::uint64_t written_ms_ = 0;
    std::uint64_t records_ = 0;
    std::uint64_t used_ = 0;
    std::uint64_t digest_ = 0;
    perdure::wal_format::segment_header header_;
    perdure::group_builder group_;
    files::file file_;
    std::random_device random_;
};

} // namespace inspect

#endif
