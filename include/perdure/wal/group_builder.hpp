// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_GROUP_BUILDER_HPP
#define PERDURE_WAL_GROUP_BUILDER_HPP

#include <perdure/wal/format.hpp>

#include <cassert>
#include <cstring>
#include <memory>
#include <utility>

namespace perdure {

/** Encodes records into one group of a log, up to its seal.
 *
 *  begin(); then add_link(), add_gap() and add_record() in any number; then finish(). The records
 *  exist for a reader all together or not at all. The group may be moved to another segment by
 *  rebind(), which takes its seal off again.
 *
 *  The buffer grows and is kept over begin(), so a builder that is re-used does not allocate.
 *  Thread safety: distinct objects are independent.
 */
class group_builder {
public:
    /// Drops what was collected and begins a group whose first record gets `next`.
    void begin(wal_format::segment_header const& segment, position next) noexcept
    {
        size_ = 0;
        count_ = 0;
        records_ = 0;
        first_ = next_ = next;
        headers_crc_ = 0;
        sealed_ = false;
        epoch_ = segment.epoch();
        checksum_ = segment.checksum;
    }

    /// Precondition: nothing was added.
    void add_link(wal_format::link const& l)
    {
        assert(size_ == 0);
        std::byte payload[wal_format::link_bytes];
        encode(l, payload);
        add(wal_format::frame_type::link, l.last, payload);
        first_ = next_ = l.last + 1;
    }

    /// Precondition: the gap begins with the next position.
    void add_gap(position_range lost)
    {
        assert(lost.first == next_ && !lost.empty());
        std::byte payload[wal_format::gap_bytes];
        wal_format::encode_gap(lost, payload);
        add(wal_format::frame_type::gap, lost.last, payload);
        next_ = lost.last + 1;
        if (records_ == 0)
            first_ = next_;
    }

    /// Appends a record and returns its position.
    position add_record(std::span<std::byte const> record)
    {
        return add_record(record, wal_format::payload_checksum(checksum_, record));
    }
    /// The same, with the record's checksum made elsewhere.
    position add_record(std::span<std::byte const> record, std::uint32_t checksum)
    {
        add(wal_format::frame_type::record, next_, record, checksum);
        ++records_;
        return next_++;
    }

    /// Becomes a copy.
    void assign(group_builder const& other)
    {
        size_ = 0;
        reserve(other.size_); // No more: many small copies may be kept.
        size_ = other.size_;
        if (size_ != 0)
            std::memcpy(data_.get(), other.data_.get(), size_);
        count_ = other.count_;
        records_ = other.records_;
        headers_crc_ = other.headers_crc_;
        sealed_ = other.sealed_;
        epoch_ = other.epoch_;
        checksum_ = other.checksum_;
        first_ = other.first_;
        next_ = other.next_;
    }

    /// Puts one packed frame in place of the records. Precondition: there is nothing else.
    void replace_records(std::span<std::byte const> packed)
    {
        assert(records_ == count_ && records_ != 0);
        size_ = 0;
        count_ = 0;
        headers_crc_ = 0;
        add(wal_format::frame_type::packed, last(), packed);
    }

    /** Moves the group to another segment with the same kind of checksum, and takes its seal off.
     *
     *  Complexity: linear in the number of records, unless it is in that segment and has no seal.
     */
    void rebind(wal_format::segment_header const& segment) noexcept
    {
        assert(segment.checksum == checksum_);
        if (std::exchange(sealed_, false)) {
            size_ -= seal_size;
            --count_;
        } else if (epoch_ == segment.epoch()) {
            return;
        }
        epoch_ = segment.epoch();
        headers_crc_ = 0;
        for (std::size_t at = 0; at != size_;) {
            auto h = *wal_format::decode_frame(data_.get() + at);
            h.epoch = epoch_;
            encode(h, data_.get() + at);
            headers_crc_ = wal_format::chain_header(headers_crc_, data_.get() + at);
            at += h.frame_size();
        }
    }

    /// Has room for `bytes` from now on, so that no append pays for a larger buffer.
    void reserve(std::size_t bytes)
    {
        if (capacity_ < bytes)
            enlarge(bytes);
    }

    /** Appends the seal and returns the log's digest after this group.
     *
     *  `digest_before` is the digest after the group before, `durable` the last position that is on
     *  disk for certain, `front` the first one that is still wanted.
     */
    std::uint64_t finish(std::uint64_t digest_before, position durable, position front,
                         std::uint64_t written_ms)
    {
        wal_format::seal s;
        s.first = first_;
        s.records = records_;
        s.group_bytes = static_cast<std::uint32_t>(size_);
        s.durable = durable;
        s.front = front;
        s.written_ms = written_ms;
        s.headers_crc = headers_crc_;
        s.digest = wal_format::chain_digest(digest_before, headers_crc_, last());
        std::byte payload[wal_format::seal_bytes];
        encode(s, payload);
        add(wal_format::frame_type::seal, last(), payload);
        sealed_ = true;
        return s.digest;
    }

    /// What was collected, as it goes into the file; with the seal after finish().
    std::span<std::byte const> bytes() const noexcept { return {data_.get(), size_}; }
    /// Bytes so far, without the seal until finish().
    std::size_t size() const noexcept { return size_; }
    /// What the seal will add.
    static constexpr std::size_t seal_size = wal_format::frame_bytes + wal_format::seal_bytes;
    /// How many records were added.
    std::uint32_t records() const noexcept { return records_; }
    /// The position of the first record, or of the next one if there is none.
    position first() const noexcept { return first_; }
    /// The position before the next record.
    position last() const noexcept { return next_ - 1; }
    bool empty() const noexcept { return size_ == 0; }

private:
    void add(wal_format::frame_type type, position at, std::span<std::byte const> payload)
    {
        add(type, at, payload, wal_format::payload_checksum(checksum_, payload));
    }

    void add(wal_format::frame_type type, position at, std::span<std::byte const> payload,
             std::uint32_t checksum)
    {
        wal_format::frame_header const h{
            static_cast<std::uint32_t>(payload.size()), type, at, epoch_, checksum, count_++};
        auto* const to = grow(h.frame_size());
        encode(h, to);
        headers_crc_ = wal_format::chain_header(headers_crc_, to);
        if (payload.empty())
            return;
        // The padding first: the payload overwrites what is not padding.
        store_little(to + h.frame_size() - 8, std::uint64_t{0});
        std::memcpy(to + wal_format::frame_bytes, payload.data(), payload.size());
    }

    std::byte* grow(std::size_t n)
    {
        if (capacity_ - size_ < n)
            enlarge(std::max(2 * capacity_, padded_capacity(size_ + n)));
        fetch_ahead(n);
        return data_.get() + std::exchange(size_, size_ + n);
    }

    // Another thread reads the buffer when it writes it to the file, so that its lines are in the
    // cache of another core when it is filled again. To wait for them is most of what an append
    // costs; so whoever fills it asks for them a few records ahead.
    void fetch_ahead(std::size_t n) const noexcept
    {
        constexpr std::size_t distance = 512, most = 1024, line = 64;
        std::size_t const end = std::min(size_ + distance + std::min(n, most), capacity_);
        for (std::size_t at = size_ + distance; at < end; at += line)
            fetch_for_writing(data_.get() + at);
    }
    static void fetch_for_writing(std::byte const* at) noexcept
    {
#if defined(__x86_64__)
        // What the builtin makes without -mprfchw asks for a line to read, which is not enough.
        asm volatile("prefetchw %0" ::"m"(*at));
#else
        __builtin_prefetch(at, 1);
#endif
    }

    void enlarge(std::size_t capacity)
    {
        auto data = std::make_unique_for_overwrite<std::byte[]>(capacity);
        if (size_ != 0)
            std::memcpy(data.get(), data_.get(), size_);
        data_ = std::move(data);
        capacity_ = capacity;
    }

    static std::size_t padded_capacity(std::size_t n) noexcept { return (n + 4095) & ~4095ul; }

    std::unique_ptr<std::byte[]> data_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t records_ = 0;
    std::uint32_t headers_crc_ = 0;
    std::uint32_t epoch_ = 0;
    bool sealed_ = false;
    wal_format::checksum_kind checksum_ = wal_format::checksum_kind::crc32c;
    position first_ = 1;
    position next_ = 1;
};

} // namespace perdure

#endif
