// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_WRECK_HPP
#define PERDURE_WAL_WRECK_HPP

#include <perdure/wal/detail/wreck_group.hpp>
#include <perdure/wal/packing.hpp>
#include <perdure/wal/segment_scanner.hpp>
#include <perdure/wal/segment_source.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace perdure {

/// Positions as ranges in rising order. Memory is bounded: what does not fit is not remembered.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class position_set {
public:
    /// Adds a position; those that are not above all before are ignored.
    void add(position p)
    {
        if (!ranges_.empty() && p <= ranges_.back().last)
            return;
        if (!ranges_.empty() && ranges_.back().last + 1 == p)
            ranges_.back().last = p;
        else if (ranges_.size() < ranges_max)
            ranges_.push_back({p, p});
    }
    void add(position_range r)
    {
        add(r.first);
        if (!ranges_.empty() && ranges_.back().contains(r.first))
            ranges_.back().last = std::max(ranges_.back().last, r.last);
    }
    /// In order, with holes between them.
    std::vector<position_range> const& ranges() const noexcept { return ranges_; }

    /// What of `all` is not in the set.
    std::vector<position_range> missing_from(position_range all) const
    {
        std::vector<position_range> out;
        for (auto const& r : ranges_) {
            if (r.last < all.first || all.empty())
                continue;
            if (r.first > all.last)
                break;
            if (r.first > all.first)
                out.push_back({all.first, r.first - 1});
            all.first = r.last + 1;
        }
        if (!all.empty())
            out.push_back(all);
        return out;
    }

private:
    static constexpr std::size_t ranges_max = 4096;
    std::vector<position_range> ranges_;
};

/// What intact frames behind a damage tell.
struct wreck_findings {
    position durable = 0;               ///< The highest claim that positions were durable.
    std::uint64_t durable_sequence = 0; ///< The segment with that claim.
    position sealed = 0;                ///< The last position that any seal vouches for.
    position highest = 0;               ///< The highest position of an intact record.
    position front = 1;                 ///< The first position that is still wanted.
    position_set readable;        ///< The positions of intact records, and those given up earlier.
    std::uint64_t used_bytes = 0; ///< Bytes seen, up to the last one that is not zero.
    std::uint64_t intact_bytes = 0; ///< Bytes of intact frames.

    /// A seal, link or footer of that segment says that everything up to `p` was durable.
    void claim(position p, std::uint64_t sequence)
    {
        if (p > durable) {
            durable = p;
            durable_sequence = sequence;
        }
    }
};

/** Looks through a segment from `offset` to `end` for intact frames, adds to `found` what they tell,
 *  and calls `f(position, bytes)` for every record that the seal of its group does not belie. Packed
 *  ones count as intact only if `unpacker` can unpack them.
 *
 *  @par Model  Checksums keep out what is damaged, and mistakes. Bytes that a user wrote into a record
 *              are taken for a frame only where the record's true header is unreadable, if they have
 *              the segment's epoch and good checksums, and then for no record but one of the same
 *              group whose own header is unreadable.
 *
 *  @par Complexity  O(bytes). Memory: 80 bytes for each frame of a group.
 */
template <segment_source Source, class F>
void search_wreck(Source& source, wal_format::segment_header const& header, std::uint64_t offset,
                  std::uint64_t end, group_unpacker& unpacker, wreck_findings& found,
                  error_code& ec, F&& f)
{
    using wal_format::frame_type;
    segment_window<Source> window(source, header.sequence, end);
    // Follows behind the first one: the frames of a group are read again when it is judged.
    segment_window<Source> judged(source, header.sequence, end);
    wreck_scanner scanner(header, offset);
    detail::wreck_group group;
    auto believe = [&](std::uint64_t at, wal_format::frame_header const& h) {
        if (ec)
            return;
        auto const frame = judged.at(at, h.frame_size(), ec);
        if (ec || frame.size() < h.frame_size())
            return;
        auto const payload = frame.subspan(wal_format::frame_bytes, h.size);
        if (h.type == frame_type::packed) {
            unpacker.forget();
            auto const records = unpacker.unpack(header, payload);
            auto const packed = wal_format::decode_packed(payload);
            if (records.empty() || packed->first + packed->records - 1 != h.at)
                return;
            found.highest = std::max(found.highest, h.at);
            found.readable.add(position_range{packed->first, h.at});
            for_each_unpacked(packed->first, records, f);
        } else if (h.type == frame_type::record) {
            // Who has no key does not slip a record in.
            if (header.encryption != wal_format::encryption_kind::none)
                return;
            found.highest = std::max(found.highest, h.at);
            found.readable.add(h.at);
            f(h.at, payload);
        } else if (h.type == frame_type::gap && h.size >= wal_format::gap_bytes) {
            auto const lost = wal_format::decode_gap(payload);
            if (lost.last == h.at && !lost.empty())
                found.readable.add(lost);
        } else if (h.type == frame_type::link) {
            found.claim(h.at, header.sequence);
        }
        found.intact_bytes += h.frame_size();
    };
    for (;;) {
        auto const bytes =
            window.at(scanner.offset(), std::max<std::size_t>(scanner.wanted(), 1), ec);
        if (ec)
            return;
        auto const status = scanner.next(bytes, window.at_end());
        if (status == wreck_scanner::status::end)
            break;
        if (status == wreck_scanner::status::more)
            continue;
        auto const& h = scanner.header();
        auto const at = scanner.offset() - h.frame_size();
        if (h.type == frame_type::seal && h.size >= wal_format::seal_bytes) {
            found.intact_bytes += h.frame_size();
            auto const seal = wal_format::decode_seal(scanner.payload());
            if (seal.durable > h.at)
                continue; // No writer says so.
            group.judge(seal, h, at);
            group.take(believe);
            if (ec)
                return;
            found.claim(seal.durable, header.sequence);
            found.front = std::max(found.front, seal.front);
            found.sealed = std::max(found.sealed, h.at);
        } else if (h.type == frame_type::footer && h.size >= wal_format::footer_bytes) {
            found.intact_bytes += h.frame_size();
            auto const footer = wal_format::decode_footer(scanner.payload());
            if (footer.durable > h.at || footer.last != h.at)
                continue;
            found.claim(footer.durable, header.sequence);
            found.sealed = std::max(found.sealed, footer.durable);
        } else {
            group.add({at, h, scanner.payload().data() - wal_format::frame_bytes});
        }
    }
    group.take(believe);
    if (scanner.last_used() > offset)
        found.used_bytes += scanner.last_used() - offset;
}

} // namespace perdure

#endif
