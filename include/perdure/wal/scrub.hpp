// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_SCRUB_HPP
#define PERDURE_WAL_SCRUB_HPP

#include <perdure/wal/chain.hpp>
#include <perdure/wal/recovery_report.hpp>
#include <perdure/wal/segment_scanner.hpp>
#include <perdure/wal/segment_source.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace perdure {

/// A segment that is not what was written.
struct scrub_damage {
    std::string segment;      ///< The file's name.
    std::uint64_t offset = 0; ///< Of the first group that cannot be believed.
    wal_damage reason = wal_damage::none; ///< What is wrong there.
    position_range suspect; ///< What it holds from there on; some of it may be intact.
    friend bool operator==(scrub_damage const&, scrub_damage const&) = default;
};

/// What a pass over a log came to.
struct scrub_report {
    std::uint64_t segments = 0; ///< Verified, damaged ones included.
    std::uint64_t bytes = 0;    ///< Read.
    std::vector<scrub_damage> damages; ///< At most one a segment, in order.

    /// The positions to fetch from another copy.
    std::vector<position_range> suspect() const
    {
        std::vector<position_range> out;
        for (auto const& d : damages)
            if (!d.suspect.empty())
                out.push_back(d.suspect);
        return out;
    }
    friend bool operator==(scrub_report const&, scrub_report const&) = default;
};

/// On one line, for people.
inline std::string to_string(scrub_report const& r)
{
    auto out = detail::counted(r.segments, "segment") + ", " + detail::counted(r.bytes, "byte") + ": ";
    if (r.damages.empty())
        return out + "intact";
    for (auto const& d : r.damages)
        out += (&d == &r.damages.front() ? "" : "; ") + std::string(to_string(d.reason)) + " in " +
               d.segment + " at byte " + std::to_string(d.offset) + ", " + detail::counted(d.suspect);
    return out;
}

/** One pass over the segments of a log that are not written to any more, a piece at a time.
 *
 *  begin() before each piece says what the log consists of now; read() reads the piece. Sans-I/O but
 *  for the source. It verifies the header, every group, the digest at the segment's end, and needs no
 *  key: checksums are over what is stored.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class scrub_pass {
public:
    /// Whether there is something to read. The last segment of `chain` is the one in use.
    bool begin(std::vector<chain_segment> const& chain)
    {
        if (scanner_ && !find(chain, segment_.header.sequence))
            scanner_.reset(); // It was trimmed.
        if (scanner_)
            return true;
        for (std::size_t i = 0; i + 1 < chain.size(); ++i)
            if (chain[i].header.sequence > done_) {
                segment_ = chain[i];
                scanner_.emplace(segment_.header);
                header_read_ = false;
                buffered_ = 0;
                wanted_ = 0;
                ++report_.segments;
                return true;
            }
        return false;
    }

    /// Reads about `n` bytes more of the segment, more if a group is longer. Returns how many.
    template <segment_source Source>
    std::size_t read(Source& source, std::size_t n, error_code& ec)
    {
        ec = {};
        if (!header_read_) {
            std::vector<std::byte> page(wal_format::page_bytes);
            auto const got = source.read(segment_.header.sequence, 0, page, ec);
            if (ec)
                return got;
            bool one_copy = false;
            error_code bad;
            page.resize(got);
            auto const h = wal_format::decode_header(page, one_copy, bad, segment_.header.sequence);
            report_.bytes += got;
            header_read_ = true;
            if (bad || one_copy || h != segment_.header)
                damaged(wal_damage::segment_header, 0);
            return got;
        }
        auto const from = scanner_->offset() + buffered_;
        auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(
            std::max(n, wanted_ - std::min(wanted_, buffered_)), segment_.used_bytes - from));
        buffer_.resize(std::max(buffer_.size(), buffered_ + size));
        auto const got = source.read(segment_.header.sequence, from,
                                     {buffer_.data() + buffered_, size}, ec);
        if (ec)
            return got;
        report_.bytes += got;
        buffered_ += got;
        if (got < size)
            damaged(wal_damage::shortened, from + got);
        else
            verify();
        return got;
    }

    /// The segment cannot be read. True if that is because it is not part of the log any more.
    bool give_up(std::vector<chain_segment> const& chain)
    {
        if (find(chain, segment_.header.sequence))
            return false;
        finish();
        return true;
    }

    /// What was found so far.
    scrub_report const& report() const noexcept { return report_; }

private:
    static bool find(std::vector<chain_segment> const& chain, std::uint64_t sequence)
    {
        return std::any_of(chain.begin(), chain.end(), [&](chain_segment const& s) {
            return s.header.sequence == sequence;
        });
    }

    void verify()
    {
        std::size_t used = 0;
        bool const at_end = scanner_->offset() + buffered_ >= segment_.used_bytes;
        while (scanner_->offset() < segment_.used_bytes) {
            auto const status = scanner_->next({buffer_.data() + used, buffered_ - used}, at_end);
            if (status == segment_scanner::status::group) {
                used += scanner_->group().size();
                continue;
            }
            if (status == segment_scanner::status::more) {
                wanted_ = scanner_->wanted();
                buffered_ -= used;
                std::memmove(buffer_.data(), buffer_.data() + used, buffered_);
                return;
            }
            return damaged(status == segment_scanner::status::damaged ? scanner_->damage()
                                                                      : wal_damage::blank,
                           scanner_->offset());
        }
        if (scanner_->digest() != segment_.digest)
            return damaged(wal_damage::link, segment_.used_bytes);
        finish();
    }

    void damaged(wal_damage d, std::uint64_t offset)
    {
        auto const first = scanner_->linked() ? scanner_->next_position() : segment_.link.last + 1;
        bool const header = d == wal_damage::segment_header;
        report_.damages.push_back({wal_format::segment_name(segment_.header.sequence), offset, d,
                                   header ? position_range{}
                                          : position_range{first, segment_.positions.last}});
        if (!header) // With its header known, the groups can be read all the same.
            finish();
    }

    void finish()
    {
        done_ = segment_.header.sequence;
        scanner_.reset();
    }

    chain_segment segment_;
    std::optional<segment_scanner> scanner_; ///< Of the segment that is being read.
    bool header_read_ = false;
    std::uint64_t done_ = 0;
    std::vector<std::byte> buffer_;
    std::size_t buffered_ = 0;
    std::size_t wanted_ = 0;
    scrub_report report_;
};

} // namespace perdure

#endif
