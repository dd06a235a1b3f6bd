// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_ARCHIVE_READER_HPP
#define PERDURE_SNAPSHOT_DETAIL_ARCHIVE_READER_HPP

#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/detail/archive_types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace perdure::detail {

/* The numbers, counts and bytes of an archive, each checked against what remains before it is
 * believed. Throws as portable_iarchive.
 */
class archive_reader {
public:
    explicit archive_reader(byte_source& source) : source_(&source), rest_(source.rest()) {}

    // Bytes that were not read yet.
    std::uint64_t remaining() const noexcept
    {
        return rest_ + static_cast<std::uint64_t>(end_ - next_);
    }

    template <class T>
    T get_number()
    {
        wire_type<T> wire;
        if (static_cast<std::size_t>(end_ - next_) >= sizeof wire) [[likely]] {
            std::memcpy(&wire, next_, sizeof wire);
            next_ += sizeof wire;
        } else {
            get_bytes_slowly(reinterpret_cast<std::byte*>(&wire), sizeof wire);
        }
        return from_wire<T>(wire);
    }

    void get_bytes(std::byte* p, std::size_t n)
    {
        if (static_cast<std::size_t>(end_ - next_) >= n) [[likely]] {
            if (n != 0)
                std::memcpy(p, next_, n);
            next_ += n;
        } else {
            get_bytes_slowly(p, n);
        }
    }

    bool get_flag()
    {
        auto const byte = get_number<std::uint8_t>();
        if (byte > 1)
            throw_archive_error(errc::malformed, "a bool is neither 0 nor 1");
        return byte == 1;
    }

    // The next `n` bytes where they lie, and passes them; null if they do not lie together.
    std::byte const* take(std::size_t n) noexcept
    {
        if (static_cast<std::size_t>(end_ - next_) < n)
            return nullptr;
        return std::exchange(next_, next_ + n);
    }

    // Every element takes a byte or more (the writer pads), so a larger count cannot be true.
    std::size_t get_count(std::size_t bytes_each = 1)
    {
        auto const n = get_number<std::uint64_t>();
        if (n > remaining() / bytes_each)
            throw_archive_error(errc::too_large, "a count exceeds the bytes that remain");
        return static_cast<std::size_t>(n);
    }

    // How many elements may be reserved before they were read: no more memory than bytes remain.
    template <class T>
    std::size_t reservable(std::size_t n) const noexcept
    {
        return std::min(n, static_cast<std::size_t>(remaining() / sizeof(T)) + 1);
    }

    void skip_padding(std::uint64_t remaining_at_start, std::size_t n)
    {
        while (remaining_at_start - remaining() < n) [[unlikely]]
            if (get_number<std::uint8_t>() != 0)
                throw_archive_error(errc::malformed, "padding is not zero");
    }

private:
    void get_bytes_slowly(std::byte* p, std::size_t n)
    {
        if (n > remaining())
            throw_archive_error(errc::truncated, "the archive ends within a value");
        while (n != 0) {
            if (next_ == end_)
                refill();
            std::size_t const part = std::min(n, static_cast<std::size_t>(end_ - next_));
            std::memcpy(p, next_, part);
            next_ += part;
            p += part;
            n -= part;
        }
    }

    void refill()
    {
        auto const segment = source_->next();
        if (segment.empty())
            throw_archive_error(errc::truncated, "the archive ends within a value");
        rest_ = source_->rest();
        next_ = segment.data();
        end_ = next_ + segment.size();
    }

    std::byte const* next_ = nullptr;
    std::byte const* end_ = nullptr;
    byte_source* source_;
    std::uint64_t rest_; // bytes behind end_
};

} // namespace perdure::detail

#endif
