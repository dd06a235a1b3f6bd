// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_SEGMENT_SCANNER_HPP
#define PERDURE_WAL_SEGMENT_SCANNER_HPP

#include <perdure/wal/damage.hpp>
#include <perdure/wal/format.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace perdure {

/// Whether `bytes` are all zero.
inline bool all_zero(std::span<std::byte const> bytes) noexcept
{
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{}; });
}

/// A group whose every byte was checked. It views the window that it was found in.
struct group_view {
    std::uint64_t offset = 0;             ///< In the segment.
    std::span<std::byte const> frames;    ///< Without the seal.
    wal_format::seal seal;                ///< What vouches for it.
    std::size_t seal_size = wal_format::frame_bytes + wal_format::seal_bytes; ///< Of its frame.
    position last = 0;                    ///< The last position of the log up to this group.
    std::optional<wal_format::link> link; ///< In a segment's first group.
    std::span<std::byte const> packed;    ///< The payload of its packed frame, if there is one.
    std::span<std::byte const> unpacked;  ///< Set by group_unpacker: the records in it.

    std::size_t size() const noexcept
    {
        return frames.size() + seal_size;
    }
    std::uint64_t end() const noexcept { return offset + size(); }
};

/** Calls `f(position, std::span<std::byte const>)` for every record in what group_unpacker unpacked:
 *  those from `first` on.
 */
template <class F>
void for_each_unpacked(position first, std::span<std::byte const> unpacked, F&& f)
{
    while (!unpacked.empty()) {
        auto const size = static_cast<std::size_t>(load_little<std::uint64_t>(unpacked.data()));
        f(first++, unpacked.subspan(wal_format::packed_record_bytes, size));
        unpacked =
            unpacked.subspan(wal_format::packed_record_bytes + wal_format::padded(size));
    }
}

/** Calls `f(position, std::span<std::byte const>)` for every record of the group, in order.
 *
 *  Precondition: if the group is packed, it was unpacked.
 */
template <class F>
void for_each_record(group_view const& group, F&& f)
{
    for (auto rest = group.frames; !rest.empty();) {
        auto const size = load_little<std::uint32_t>(rest.data());
        if (static_cast<wal_format::frame_type>(rest[4]) == wal_format::frame_type::record)
            f(load_little<std::uint64_t>(rest.data() + 8),
              rest.subspan(wal_format::frame_bytes, size));
        else if (static_cast<wal_format::frame_type>(rest[4]) == wal_format::frame_type::packed) {
            assert(!group.unpacked.empty() && "the group was not unpacked");
            for_each_unpacked(load_little<std::uint64_t>(rest.data() + wal_format::frame_bytes),
                              group.unpacked, f);
        }
        rest = rest.subspan(wal_format::frame_bytes + wal_format::padded(size));
    }
}

/** Reads the groups of one segment, one behind the other, and believes nothing unchecked.
 *
 *  The caller supplies windows of the segment's bytes, each beginning at offset(). Sans-I/O: how
 *  the bytes are read, and how many at a time, is the caller's business.
 *
 *  @par Invariants  1. What next() yields continues what it yielded before: positions without a
 *                   hole that is not declared, and the digest of all groups.
 *                   2. After `damaged` the scanner stays where it is.
 *  @par Complexity  O(bytes). Of a group that does not fit the window, what was judged is not judged again: a
 *                   window after `more` begins with the same bytes.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class segment_scanner {
public:
    /// What next() found.
    enum class status : std::uint8_t {
        group,   ///< group() is the next one; the scanner stands behind it.
        more,    ///< The window must have wanted() bytes.
        end,     ///< Nothing but zeros follows in this window where a group could begin.
        footer,  ///< footer() stands here and fits.
        damaged, ///< damage() says why.
        unknown, ///< A frame type of a newer format that may not be skipped.
    };

    /// At the beginning of a segment, whose first group must hold its link.
    explicit segment_scanner(wal_format::segment_header const& header) noexcept
        : header_(header), offset_(wal_format::page_bytes)
    {
    }
    /// Behind a group that ends at `offset`, where `last` is the log's last position.
    segment_scanner(wal_format::segment_header const& header, std::uint64_t offset, position last,
                    std::uint64_t digest) noexcept
        : header_(header), offset_(offset), next_(last + 1), digest_(digest), linked_(true)
    {
    }

    /** Judges the bytes at offset().
     *
     *  `window` are the segment's bytes from offset() on, and `at_end` says that the segment has no
     *  more. `end` is reported only when the first wanted() bytes are zero; what is behind them is
     *  for the caller to judge.
     */
    status next(std::span<std::byte const> window, bool at_end)
    {
        using namespace wal_format;
        wanted_ = frame_bytes;
        if (window.size() < frame_bytes)
            return short_of(window, at_end);
        if (load_little<std::uint64_t>(window.data()) == 0 && all_zero(window.first(frame_bytes)))
            return status::end;

        // What an earlier window had of this group.
        auto const known = std::exchange(known_, {});
        bool const goes_on = known.at != 0 && known.at <= window.size();
        partial_group group = known;
        if (!goes_on)
            group = {.next = next_, .first = next_, .digest = digest_};
        auto& [at, index, records, headers_crc, next, first, digest, found_link, packed_at,
               packed_size] = group;
        auto const short_here = [&] {
            auto const s = short_of(window, at_end);
            if (s == status::more)
                known_ = group;
            return s;
        };
        for (;; ++index) {
            if (window.size() - at < frame_bytes) {
                wanted_ = at + frame_bytes;
                return short_here();
            }
            auto const* const here = window.data() + at;
            auto const h = decode_frame(here);
            if (!h)
                return damaged(all_zero({here, frame_bytes}) ? wal_damage::blank
                                                             : wal_damage::frame_header);
            if (h->epoch != header_.epoch())
                return damaged(wal_damage::foreign_frame);
            if (h->size > payload_max(h->type) ||
                at + h->frame_size() > std::max<std::size_t>(header_.group_bytes_max, 1024))
                return damaged(wal_damage::too_large);
            if (h->type == frame_type::footer && index == 0)
                return judge_footer(*h, window, at_end);
            if (h->index != index)
                return damaged(wal_damage::order);
            if (window.size() - at < h->frame_size()) {
                wanted_ = at + h->frame_size();
                return short_here();
            }
            auto const payload = std::span(here + frame_bytes, h->size);
            if (payload_checksum(header_.checksum, payload) != h->checksum ||
                !all_zero({here + frame_bytes + h->size, padded(h->size) - h->size}))
                return damaged(wal_damage::payload);

            switch (h->type) {
            case frame_type::record:
                if (h->at != next || !(linked_ || found_link))
                    return damaged(wal_damage::order);
                // Who has no key does not slip a record in.
                if (header_.encryption != encryption_kind::none)
                    return damaged(wal_damage::packed);
                ++next;
                ++records;
                break;
            case frame_type::packed: {
                auto const p = decode_packed(payload);
                if (!p || packed_size != 0 || !(linked_ || found_link) ||
                    p->encryption != header_.encryption)
                    return damaged(wal_damage::packed);
                if (p->first != next || h->at != p->first + p->records - 1)
                    return damaged(wal_damage::order);
                packed_at = at + frame_bytes;
                packed_size = payload.size();
                next += p->records;
                records += p->records;
                break;
            }
            case frame_type::link:
                if (linked_ || index != 0 || h->size < link_bytes)
                    return damaged(wal_damage::order);
                found_link = decode_link(payload);
                if (found_link->last != h->at || found_link->sequence >= header_.sequence)
                    return damaged(wal_damage::link);
                next = first = found_link->last + 1;
                digest = found_link->digest;
                break;
            case frame_type::gap: {
                auto const lost = decode_gap(payload);
                if (h->size < gap_bytes || lost.first != next || lost.empty() || lost.last != h->at)
                    return damaged(wal_damage::order);
                next = lost.last + 1;
                if (records == 0)
                    first = next;
                break;
            }
            case frame_type::seal:
                if (h->size < seal_bytes || !(linked_ || found_link))
                    return damaged(wal_damage::seal);
                group_.seal = decode_seal(payload);
                if (h->at + 1 != next || group_.seal.first != first ||
                    group_.seal.records != records || group_.seal.group_bytes != at ||
                    group_.seal.headers_crc != headers_crc || group_.seal.durable > h->at ||
                    group_.seal.digest != chain_digest(digest, headers_crc, h->at))
                    return damaged(wal_damage::seal);
                group_.offset = offset_;
                group_.frames = window.first(at);
                group_.seal_size = h->frame_size(); // A newer format's may be longer.
                group_.last = h->at;
                group_.link = found_link;
                group_.packed = window.subspan(packed_at, packed_size);
                group_.unpacked = {};
                linked_ = true;
                next_ = next;
                digest_ = group_.seal.digest;
                offset_ += at + h->frame_size();
                return status::group;
            default:
                if (!h->ignorable())
                    return status::unknown;
            }
            headers_crc = chain_header(headers_crc, here);
            at += h->frame_size();
        }
    }

    /// In the segment: where the next window begins.
    std::uint64_t offset() const noexcept { return offset_; }
    /// How long the next window must be.
    std::size_t wanted() const noexcept { return wanted_; }
    /// After status::group, until the window goes.
    group_view const& group() const noexcept { return group_; }
    /// After status::footer.
    wal_format::footer const& footer() const noexcept { return footer_; }
    /// After status::damaged.
    wal_damage damage() const noexcept { return damage_; }
    /// The position that the next record must have.
    position next_position() const noexcept { return next_; }
    /// Of the log up to offset().
    std::uint64_t digest() const noexcept { return digest_; }
    /// Whether the segment's first group was read.
    bool linked() const noexcept { return linked_; }

private:
    // The frames of a group that were judged.
    struct partial_group {
        std::size_t at = 0; // Behind them.
        std::uint32_t index = 0;
        std::uint32_t records = 0;
        std::uint32_t headers_crc = 0;
        position next = 1;
        position first = 1;
        std::uint64_t digest = 0;
        std::optional<wal_format::link> found_link{};
        std::size_t packed_at = 0;
        std::size_t packed_size = 0;
    };

    std::size_t payload_max(wal_format::frame_type type) const noexcept
    {
        if (type == wal_format::frame_type::record)
            return header_.record_bytes_max;
        return std::max<std::size_t>(header_.group_bytes_max, 1024);
    }

    status damaged(wal_damage d) noexcept
    {
        damage_ = d;
        return status::damaged;
    }

    status short_of(std::span<std::byte const> window, bool at_end) noexcept
    {
        if (!at_end)
            return status::more;
        return all_zero(window) ? status::end : damaged(wal_damage::ends_inside);
    }

    status judge_footer(wal_format::frame_header const& h, std::span<std::byte const> window,
                        bool at_end) noexcept
    {
        using namespace wal_format;
        wanted_ = h.frame_size();
        if (window.size() < wanted_)
            return short_of(window, at_end);
        auto const payload = window.subspan(frame_bytes, h.size);
        if (payload_checksum(header_.checksum, payload) != h.checksum)
            return damaged(wal_damage::payload);
        if (h.size < footer_bytes)
            return damaged(wal_damage::footer);
        footer_ = decode_footer(payload);
        if (!linked_ || footer_.last + 1 != next_ || footer_.digest != digest_ ||
            footer_.used_bytes != offset_ || footer_.durable > footer_.last)
            return damaged(wal_damage::footer);
        return status::footer;
    }

    wal_format::segment_header header_;
    std::uint64_t offset_;
    position next_ = 1;
    std::uint64_t digest_ = 0;
    bool linked_ = false;
    std::size_t wanted_ = 0;
    wal_damage damage_ = wal_damage::none;
    partial_group known_; // Of the group at offset_, if its begin was judged.
    group_view group_;
    wal_format::footer footer_;
};

/** Finds intact frames behind damage, wherever they begin.
 *
 *  For evidence and for salvage, never for ordinary reading. Windows as for segment_scanner.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class wreck_scanner {
public:
    /// What next() found.
    enum class status : std::uint8_t {
        frame, ///< header() and payload() are the next intact frame; the scanner stands behind it.
        more,  ///< The window must have wanted() bytes.
        end,   ///< There is nothing more.
    };

    /// From `offset` on, rounded up to where a frame can begin.
    wreck_scanner(wal_format::segment_header const& header, std::uint64_t offset) noexcept
        : header_(header), offset_((offset + 7) & ~std::uint64_t{7})
    {
    }

    /// Judges the bytes at offset(). `window` and `at_end` as of segment_scanner::next().
    status next(std::span<std::byte const> window, bool at_end) noexcept
    {
        using namespace wal_format;
        wanted_ = frame_bytes;
        std::size_t at = 0;
        while (window.size() - at >= frame_bytes) {
            auto const* const here = window.data() + at;
            auto const h = plausible(here) ? decode_frame(here) : std::nullopt;
            if (!h || h->size > payload_max()) {
                if (load_little<std::uint64_t>(here) != 0)
                    last_used_ = offset_ + at + 8;
                at += 8;
                continue;
            }
            if (window.size() - at < h->frame_size()) {
                if (!at_end) {
                    wanted_ = h->frame_size();
                    break;
                }
                last_used_ = offset_ + at + frame_bytes;
                at += 8;
                continue;
            }
            auto const payload = std::span(here + frame_bytes, h->size);
            // If only the payload is bad, the length is still believed: what lies inside it is not
            // a frame of the log.
            at += h->frame_size();
            last_used_ = offset_ + at;
            if (payload_checksum(header_.checksum, payload) == h->checksum) {
                offset_ += at;
                frame_ = *h;
                payload_ = payload;
                return status::frame;
            }
        }
        offset_ += at;
        if (!at_end)
            return status::more;
        if (!all_zero(window.subspan(at)))
            last_used_ = offset_ + (window.size() - at);
        return status::end;
    }

    /// In the segment: where the next window begins.
    std::uint64_t offset() const noexcept { return offset_; }
    /// How long the next window must be.
    std::size_t wanted() const noexcept { return wanted_; }
    /// After status::frame.
    wal_format::frame_header const& header() const noexcept { return frame_; }
    /// After status::frame, until the window goes.
    std::span<std::byte const> payload() const noexcept { return payload_; }
    /// Behind the last byte seen that is not zero, rounded up to 8.
    std::uint64_t last_used() const noexcept { return last_used_; }

private:
    // Nearly all places are ruled out without a checksum.
    bool plausible(std::byte const* here) const noexcept
    {
        return here[7] == std::byte{1} && load_little<std::uint32_t>(here + 16) == header_.epoch();
    }
    std::size_t payload_max() const noexcept
    {
        return std::max({header_.record_bytes_max, header_.group_bytes_max, 1024u});
    }

    wal_format::segment_header header_;
    std::uint64_t offset_;
    std::size_t wanted_ = 0;
    std::uint64_t last_used_ = 0;
    wal_format::frame_header frame_;
    std::span<std::byte const> payload_;
};

} // namespace perdure

#endif
