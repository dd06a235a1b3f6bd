// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_SEGMENT_SOURCE_HPP
#define PERDURE_WAL_SEGMENT_SOURCE_HPP

#include <perdure/error.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace perdure {

/// A segment file as a directory shows it.
struct stored_segment {
    std::uint64_t sequence = 0; ///< From its name.
    std::uint64_t size = 0;     ///< In bytes.
    friend bool operator==(stored_segment const&, stored_segment const&) = default;
};

/** Where the segments of a log are read from: files, or memory in a test.
 *
 *  | expression                        | meaning                                                    |
 *  |-----------------------------------|------------------------------------------------------------|
 *  | `s.segments()`                    | all of them, by rising sequence                            |
 *  | `s.read(sequence, at, to, ec)`    | fills `to` from that segment; fewer bytes only at its end  |
 */
template <class S>
concept segment_source = requires(S& s, std::uint64_t n, std::span<std::byte> to, error_code& ec) {
    {
        s.segments()
    } -> std::convertible_to<std::vector<stored_segment> const&>;
    {
        s.read(n, n, to, ec)
    } -> std::same_as<std::size_t>;
};

/** A window that moves forward over one segment.
 *
 *  Memory: `chunk` bytes, or twice as many as the caller wants at a time.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <segment_source Source>
class segment_window {
public:
    /// Reads no further than `end`.
    segment_window(Source& source, std::uint64_t sequence, std::uint64_t end,
                   std::size_t chunk = 256 * 1024)
        : source_(&source), sequence_(sequence), end_(end), chunk_(chunk)
    {
    }

    /** The bytes from `offset` on: at least `wanted` unless at_end(). After a failed read there are
     *  no more, as at the end.
     */
    std::span<std::byte const> at(std::uint64_t offset, std::size_t wanted, error_code& ec)
    {
        ec = {};
        if (offset < begin_ || offset > begin_ + size_) {
            begin_ = offset;
            size_ = 0;
            complete_ = offset >= end_;
        }
        auto skip = static_cast<std::size_t>(offset - begin_);
        if (size_ - skip < wanted && !complete_) {
            // Doubling, because a long group asks for its next frame only, and is read anew each time.
            auto const need = static_cast<std::size_t>(
                std::min<std::uint64_t>(wanted > chunk_ / 2 ? 2 * wanted : chunk_, end_ - offset));
            size_ -= skip;
            if (need > capacity_) {
                auto bigger = std::make_unique_for_overwrite<std::byte[]>(need);
                if (size_ != 0)
                    std::memcpy(bigger.get(), data_.get() + skip, size_);
                data_ = std::move(bigger);
                capacity_ = need;
            } else if (size_ != 0) {
                std::memmove(data_.get(), data_.get() + skip, size_);
            }
            begin_ = offset;
            skip = 0;
            auto const room = static_cast<std::size_t>(
                std::min<std::uint64_t>(need - size_, end_ - begin_ - size_));
            auto const n = room == 0 ? 0
                                     : source_->read(sequence_, begin_ + size_,
                                                     {data_.get() + size_, room}, ec);
            complete_ = ec || n < room || begin_ + size_ + n >= end_;
            size_ += n;
        }
        return {data_.get() + skip, size_ - skip};
    }

    /// Whether what at() returned last reaches the end.
    bool at_end() const noexcept { return complete_; }

private:
    Source* source_;
    std::uint64_t sequence_;
    std::uint64_t end_;
    std::size_t chunk_;
    std::unique_ptr<std::byte[]> data_;
    std::size_t capacity_ = 0;
    std::uint64_t begin_ = 0;
    std::size_t size_ = 0;
    bool complete_ = false;
};

} // namespace perdure

#endif
