// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_SEGMENT_SURVEY_HPP
#define PERDURE_WAL_SEGMENT_SURVEY_HPP

#include <perdure/wal/segment_scanner.hpp>
#include <perdure/wal/segment_source.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace perdure {

/// What one segment file is, as far as its header and first group tell.
struct surveyed_segment {
    stored_segment file; ///< As the directory shows it.
    wal_format::segment_header header; ///< If it can be read.
    wal_damage damage = wal_damage::none; ///< Of the header.
    std::optional<wal_format::link> link; ///< If the first group can be read.
    std::uint64_t first_group_end = 0; ///< Its offset; 0 if the group cannot be read.
    std::uint64_t begun_ms = 0; ///< When the first group was written; 0 if unknown.
    bool blank = false;   ///< An unreadable header, and nothing but zeros behind it.
    bool guessed = false; ///< An unreadable header, and frames that can be read without it.
};

/// A place in a segment at which a group ends, and the log up to there.
struct log_mark {
    std::uint64_t offset = wal_format::page_bytes; ///< Behind the group.
    position last = 0; ///< Of the log up to there.
    std::uint64_t digest = 0; ///< Likewise.
};

/// What reading the groups of a segment came to.
struct segment_scan {
    log_mark end; ///< Behind the last good group.
    log_mark cut; ///< Behind the last group that is proven durable.
    position durable = 0; ///< The highest that a seal says is on disk.
    position front = 1; ///< The highest that a seal says is wanted.
    wal_damage damage = wal_damage::none; ///< What stands at `end`, unless that is the end.
    std::optional<wal_format::footer> footer; ///< If the segment was ended.
    bool unknown = false; ///< A frame of a newer format that must not be skipped.
};

/** Looks at the segments of a log, one by one; decides nothing.
 *
 *  io_error() is the first error of the source. Behind it a segment counts as ended.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <segment_source Source>
class segment_survey {
public:
    /// The source outlives this object.
    explicit segment_survey(Source& source) : source_(&source) {}

    /// Reads all headers and first groups. `log` is found out if it is not known.
    /// `ec`: unsupported_version, for the last of all().
    void load(std::optional<wal_format::log_id>& log, error_code& ec)
    {
        std::vector<std::byte> page(wal_format::page_bytes);
        for (stored_segment const& file : source_->segments()) {
            surveyed_segment& i = all_.emplace_back();
            i.file = file;
            error_code read_ec;
            auto const n = source_->read(file.sequence, 0, page, read_ec);
            note(read_ec);
            bool copy_damaged = false;
            i.header = wal_format::decode_header(std::span(page).first(n), copy_damaged, ec, i.file.sequence);
            if (ec == errc::unsupported_version)
                return;
            if (ec || i.header.sequence != file.sequence || (log && i.header.log != *log)) {
                i.damage = wal_damage::segment_header;
                i.blank = is_blank(i);
                guess_header(i);
            } else {
                log = i.header.log;
                read_first_group(i);
            }
        }
        ec = {};
    }

    /// By rising sequence, after load().
    std::vector<surveyed_segment> const& all() const noexcept { return all_; }
    /// The first error of the source.
    error_code const& io_error() const noexcept { return io_error_; }
    /// Keeps the first error.
    void note(error_code const& ec)
    {
        if (ec && !io_error_)
            io_error_ = ec;
    }

    /// No segment.
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);

    /// Where in all() the segment is, or npos.
    std::size_t index_of(std::uint64_t sequence) const
    {
        for (std::size_t i = 0; i != all_.size(); ++i)
            if (all_[i].file.sequence == sequence)
                return i;
        return npos;
    }

    /// The newest segment whose link can be read.
    std::size_t newest_linked() const
    {
        for (std::size_t i = all_.size(); i-- != 0;)
            if (all_[i].link)
                return i;
        return npos;
    }

    /// Whether there is nothing but zeros behind the header page.
    bool is_blank(surveyed_segment const& s)
    {
        stored_segment const& file = s.file;
        segment_window<Source> window(*source_, file.sequence, file.size);
        if (file.size <= wal_format::page_bytes)
            return false; // It lacks what was durable before it got its name.
        for (std::uint64_t at = wal_format::page_bytes; at < file.size;) {
            error_code ec;
            auto const bytes = window.at(at, 1, ec);
            note(ec);
            if (bytes.empty() || !all_zero(bytes))
                return false;
            at += bytes.size();
        }
        return true;
    }

    /// The footer of a clean close, which ends the file; nothing if there is none.
    std::optional<wal_format::footer> clean_footer(surveyed_segment const& s)
    {
        constexpr std::size_t size = wal_format::frame_bytes + wal_format::footer_bytes;
        auto const& file = s.file;
        if (file.size < s.first_group_end + size || file.size % 8 != 0)
            return std::nullopt;
        std::byte bytes[size];
        error_code ec;
        if (source_->read(file.sequence, file.size - size, bytes, ec) != size || ec)
            return std::nullopt;
        auto const h = wal_format::decode_frame(bytes);
        auto const payload = std::span(bytes).subspan(wal_format::frame_bytes);
        if (!h || h->type != wal_format::frame_type::footer || h->epoch != s.header.epoch() ||
            h->size != wal_format::footer_bytes ||
            wal_format::payload_checksum(s.header.checksum, payload) != h->checksum)
            return std::nullopt;
        auto const f = wal_format::decode_footer(payload);
        if (f.used_bytes != file.size - size || f.next_sequence != 0 || f.durable != f.last)
            return std::nullopt;
        return f;
    }

    /// Reads the groups up to `limit`; `exact` if they must fill the segment up to there.
    segment_scan scan(surveyed_segment const& i, std::uint64_t limit, bool exact)
    {
        segment_scan s;
        segment_scanner scanner(i.header);
        segment_window<Source> window(*source_, i.file.sequence, std::min(limit, i.file.size));
        s.end.last = s.cut.last = i.link ? i.link->last : 0;
        s.end.digest = s.cut.digest = i.link ? i.link->digest : 0;
        s.durable = s.end.last;
        std::vector<log_mark> unproven;
        while (scanner.offset() < limit) {
            error_code ec;
            auto const bytes =
                window.at(scanner.offset(), std::max<std::size_t>(scanner.wanted(), 1), ec);
            note(ec);
            auto const status = scanner.next(bytes, window.at_end());
            if (status == segment_scanner::status::more)
                continue;
            if (status == segment_scanner::status::group) {
                auto const& g = scanner.group();
                s.durable = std::max(s.durable, g.seal.durable);
                s.front = std::max(s.front, g.seal.front);
                s.end = {g.end(), g.last, g.seal.digest};
                unproven.push_back(s.end);
                auto const proven =
                    std::find_if(unproven.begin(), unproven.end(),
                                 [&](log_mark const& m) { return m.last > s.durable; });
                if (proven != unproven.begin())
                    s.cut = *std::prev(proven);
                unproven.erase(unproven.begin(), proven);
                continue;
            }
            if (status == segment_scanner::status::footer) {
                s.footer = scanner.footer();
                s.front = std::max(s.front, s.footer->front);
                s.durable = std::max(s.durable, s.footer->durable);
                if (s.footer->durable == s.end.last)
                    s.cut = s.end;
            } else if (status == segment_scanner::status::damaged) {
                s.damage = scanner.damage();
            } else if (status == segment_scanner::status::unknown) {
                s.unknown = true;
            } else if (exact) {
                s.damage = limit > i.file.size ? wal_damage::shortened : wal_damage::blank;
            }
            break;
        }
        return s;
    }

    /// Why the first group cannot be read.
    wal_damage first_group_damage(surveyed_segment const& i)
    {
        auto const s = scan(i, i.file.size, false);
        return s.damage == wal_damage::none ? wal_damage::blank : s.damage;
    }

private:
    void read_first_group(surveyed_segment& i)
    {
        segment_scanner scanner(i.header);
        segment_window<Source> window(*source_, i.file.sequence, i.file.size, 1024);
        for (;;) {
            error_code ec;
            auto const bytes =
                window.at(scanner.offset(), std::max<std::size_t>(scanner.wanted(), 1), ec);
            note(ec);
            auto const status = scanner.next(bytes, window.at_end());
            if (status == segment_scanner::status::more)
                continue;
            if (status == segment_scanner::status::group) {
                i.link = scanner.group().link;
                i.first_group_end = scanner.group().end();
                i.begun_ms = scanner.group().seal.written_ms;
            }
            return;
        }
    }

    // For salvage: the first intact frame tells by what its segment's frames are known.
    void guess_header(surveyed_segment& i)
    {
        i.header = {};
        i.header.sequence = i.file.sequence;
        i.header.record_bytes_max = i.header.group_bytes_max = wal_format::record_bytes_limit;
        segment_window<Source> window(*source_, i.file.sequence, i.file.size);
        error_code ec;
        // Records may hold what looks like frames, each of which would be gone through: no more than some passes over the file.
        std::uint64_t budget = 16 * i.file.size;
        for (std::uint64_t at = wal_format::page_bytes;; at += 8) {
            auto const bytes = window.at(at, wal_format::frame_bytes, ec);
            note(ec);
            if (bytes.size() < wal_format::frame_bytes)
                return;
            auto const h = wal_format::decode_frame(bytes.data());
            if (!h || h->size > i.header.record_bytes_max)
                continue;
            auto const whole = window.at(at, h->frame_size(), ec);
            if (whole.size() < h->frame_size())
                continue;
            if (budget < h->frame_size())
                return;
            budget -= h->frame_size();
            auto const payload = whole.subspan(wal_format::frame_bytes, h->size);
            for (auto const kind :
                 {wal_format::checksum_kind::crc32c, wal_format::checksum_kind::xxh3})
                if (wal_format::payload_checksum(kind, payload) == h->checksum) {
                    i.header.salt = h->epoch;
                    i.header.checksum = kind;
                    i.guessed = true;
                    return;
                }
        }
    }

    Source* source_;
    std::vector<surveyed_segment> all_;
    error_code io_error_;
};

} // namespace perdure

#endif
