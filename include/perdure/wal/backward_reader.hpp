// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_BACKWARD_READER_HPP
#define PERDURE_WAL_BACKWARD_READER_HPP

#include <perdure/wal/chain.hpp>
#include <perdure/wal/packing.hpp>
#include <perdure/wal/segment_source.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace perdure {

/** Reads a log backward from a position: the newest record first.
 *
 *  A seal ends each group and says how long it is, so the way back is known without an index. It is
 *  verified as strictly as the way forward: the digest of the whole log is known at its end; a group
 *  with that digest vouches for the digest before it, which its neighbour has to have, and so on.
 *
 *  Sans-I/O but for the source, which may be another object for every call.
 *
 *  @par Complexity  the segment with the position is read from its end on; every byte once, in
 *                   pieces of `chunk`, or of a group if that is longer.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class backward_reader {
public:
    /// From `from` down to `front`. Precondition: the chain is in order.
    backward_reader(std::vector<chain_segment> chain, position from, position front,
                    log_packing packing = {})
        : chain_(std::move(chain)), from_(from), front_(front), unpacker_(std::move(packing))
    {
        while (!chain_.empty() && chain_.back().link.last >= from_)
            chain_.pop_back();
        enter();
    }

    /** Reads and verifies more. False at the front, or with an error.
     *
     *  `ec`: acknowledged_data_lost if the log cannot be read on, at position(); or the source's own.
     */
    template <segment_source Source>
    bool advance(Source& source, error_code& ec)
    {
        groups_.clear();
        unpacker_.forget();
        ec = {};
        while (!chain_.empty() && chain_.back().positions.last >= front_) {
            auto const& segment = chain_.back();
            if (end_ <= wal_format::page_bytes) {
                // The link's digest is that of the segment before, which its own end has to have.
                if (chain_.size() > 1) {
                    auto const& before = chain_[chain_.size() - 2];
                    if (before.header.sequence != segment.link.sequence ||
                        before.digest != segment.link.digest)
                        return fail(wal_damage::link, ec);
                }
                chain_.pop_back();
                enter();
                continue;
            }
            if (!groups_.empty() && !has(wanted()))
                return true; // What views the window comes first.
            if (!read_group(source, segment, ec))
                return !ec;
            if (groups_.back().seal.first > from_)
                groups_.pop_back(); // Behind where reading begins.
        }
        return !groups_.empty();
    }

    /// Calls `f(position, std::span<std::byte const>)` for what advance() read, the newest first; if it
    /// returns a bool, false ends the visit. Returns whether it got to the end.
    template <class F>
    bool visit(F&& f)
    {
        for (auto const& group : groups_) {
            records_.clear();
            for_each_record(group, [&](position p, std::span<std::byte const> bytes) {
                if (p >= front_ && p <= from_)
                    records_.push_back({p, bytes});
            });
            for (auto r = records_.rbegin(); r != records_.rend(); ++r) {
                if constexpr (std::is_same_v<decltype(f(r->at, r->bytes)), bool>) {
                    if (!f(r->at, r->bytes))
                        return false;
                } else {
                    f(r->at, r->bytes);
                }
            }
        }
        return true;
    }

    /// What was read reaches down to here; the next record is before.
    position lowest() const noexcept { return lowest_; }
    /// What is wrong where it cannot read on, after acknowledged_data_lost.
    wal_damage damage() const noexcept { return damage_; }

private:
    static constexpr std::size_t chunk = 512 * 1024;
    static constexpr std::size_t seal_size = wal_format::frame_bytes + wal_format::seal_bytes;

    struct record {
        position at;
        std::span<std::byte const> bytes;
    };

    // What was read before comes first; then the damage is found again.
    bool fail(wal_damage d, error_code& ec)
    {
        if (groups_.empty()) {
            damage_ = d;
            ec = errc::acknowledged_data_lost;
        }
        return !groups_.empty();
    }

    // Goes to the end of the last segment of the chain.
    void enter()
    {
        window_size_ = 0;
        if (chain_.empty())
            return;
        end_ = chain_.back().used_bytes;
        digest_ = chain_.back().digest;
    }

    // Where the window must begin for the next group, as far as is known, and the seal before it.
    std::uint64_t wanted() const
    {
        auto begin = end_ - std::min<std::uint64_t>(end_, seal_size);
        if (has(begin))
            if (auto const s = seal_at(begin))
                begin -= std::min<std::uint64_t>(begin, s->group_bytes + seal_size);
        return std::max<std::uint64_t>(begin, wal_format::page_bytes);
    }
    bool has(std::uint64_t begin) const { return window_size_ != 0 && begin >= window_at_; }
    std::byte const* at(std::uint64_t offset) const { return data_.get() + (offset - window_at_); }

    // The seal frame that begins there, if there is one.
    std::optional<wal_format::seal> seal_at(std::uint64_t offset, position* last = nullptr) const
    {
        auto const h = wal_format::decode_frame(at(offset));
        if (!h || h->type != wal_format::frame_type::seal || h->size != wal_format::seal_bytes)
            return std::nullopt;
        if (last)
            *last = h->at;
        return wal_format::decode_seal({at(offset) + wal_format::frame_bytes, h->size});
    }

    // Adds the group that ends at end_. False: it did not, and advance() returns.
    template <class Source>
    bool read_group(Source& source, chain_segment const& segment, error_code& ec)
    {
        using namespace wal_format;
        for (auto begin = wanted(); !has(begin); begin = wanted()) {
            fill(source, segment, begin, ec);
            if (ec)
                return false;
        }
        auto const damaged = [&](wal_damage d) {
            fail(d, ec);
            return false;
        };
        if (end_ < page_bytes + seal_size)
            return damaged(wal_damage::seal);
        auto const seal = seal_at(end_ - seal_size);
        if (!seal || seal->group_bytes > end_ - seal_size - page_bytes)
            return damaged(wal_damage::seal);
        std::uint64_t const begin = end_ - seal_size - seal->group_bytes;
        std::uint64_t digest_before = segment.link.digest;
        std::optional<segment_scanner> scanner;
        if (begin == page_bytes) {
            scanner.emplace(segment.header);
        } else {
            position last = 0;
            auto const before =
                begin >= page_bytes + seal_size ? seal_at(begin - seal_size, &last) : std::nullopt;
            if (!before)
                return damaged(wal_damage::seal);
            digest_before = before->digest;
            scanner.emplace(segment.header, begin, last, digest_before);
        }
        auto const status =
            scanner->next({at(begin), static_cast<std::size_t>(end_ - begin)}, true);
        if (status != segment_scanner::status::group || scanner->offset() != end_ ||
            scanner->digest() != digest_)
            return damaged(status == segment_scanner::status::damaged ? scanner->damage()
                                                                      : wal_damage::seal);
        auto group = scanner->group();
        if (group.seal.first <= from_ && !unpacker_.unpack(segment.header, group))
            return damaged(wal_damage::packed);
        groups_.push_back(group);
        lowest_ = groups_.back().seal.first;
        end_ = begin;
        digest_ = digest_before;
        return true;
    }

    // Makes the window reach from `begin` or before to end_.
    template <class Source>
    void fill(Source& source, chain_segment const& segment, std::uint64_t begin, error_code& ec)
    {
        begin = std::min(begin, end_ - std::min<std::uint64_t>(end_, chunk));
        begin = std::max<std::uint64_t>(begin, wal_format::page_bytes);
        auto const size = static_cast<std::size_t>(end_ - begin);
        if (size > capacity_) {
            data_ = std::make_unique_for_overwrite<std::byte[]>(size);
            capacity_ = size;
        }
        auto const n = source.read(segment.header.sequence, begin, {data_.get(), size}, ec);
        if (!ec && n < size)
            std::fill(data_.get() + n, data_.get() + size, std::byte{});
        window_at_ = begin;
        window_size_ = size;
    }

    std::vector<chain_segment> chain_; ///< Up to the segment that is being read.
    position from_;
    position front_;
    group_unpacker unpacker_;
    position lowest_ = static_cast<position>(-1);
    std::uint64_t end_ = 0;    ///< Where the next group ends.
    std::uint64_t digest_ = 0; ///< Of the log up to there.
    std::vector<group_view> groups_;
    std::vector<record> records_;
    std::unique_ptr<std::byte[]> data_;
    std::size_t capacity_ = 0;
    std::uint64_t window_at_ = 0;
    std::size_t window_size_ = 0;
    wal_damage damage_ = wal_damage::none;
};

} // namespace perdure

#endif
