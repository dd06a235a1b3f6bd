// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_CHUNKER_HPP
#define PERDURE_SNAPSHOT_CHUNKER_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace perdure {

/// Where the chunks of an incremental snapshot end.
enum class chunking : std::uint8_t {
    /// Every so many bytes. For states whose encoding keeps its places: what changed in place is found.
    fixed,
    /// Where the content says so, so that chunks are found again behind bytes that were inserted or removed.
    content_defined,
};

namespace detail {

constexpr std::array<std::uint64_t, 256> make_gear()
{
    std::array<std::uint64_t, 256> table{};
    std::uint64_t x = 0x70657264757265; // Any numbers without a pattern do: these are splitmix64's.
    for (auto& t : table) {
        std::uint64_t z = (x += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        t = z ^ (z >> 31);
    }
    return table;
}

inline constexpr std::array<std::uint64_t, 256> gear = make_gear();

} // namespace detail

/** Cuts a stream of bytes into chunks.
 *
 *  Content-defined cutting is the gear hash of Xia et al. (FastCDC, USENIX ATC '16) with its two masks around the
 *  wanted size; at least a quarter of it, at most four times it. Cuts are no format: another version may cut elsewhere,
 *  and then shares less with older snapshots.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class chunker {
public:
    /// @param size  wanted bytes a chunk, a power of two from 4 KiB to 256 KiB.
    chunker(chunking how, std::uint32_t size) : how_(how), size_(size)
    {
        // log2(size) bits select one place in `size`; one bit more before the wanted size, one fewer behind it.
        early_ = mask(2 * size_);
        late_ = mask(size_ / 2);
    }

    /// Adds bytes and calls `emit(span)` for each chunk that is complete. The span is valid during the call.
    template <class Emit>
    void add(std::span<std::byte const> bytes, Emit&& emit)
    {
        while (!bytes.empty()) {
            if (carry_.empty()) {
                // Whole chunks straight from the caller's memory.
                if (auto const n = cut(bytes, 0, 0); n != 0) {
                    emit(bytes.first(n));
                    bytes = bytes.subspan(n);
                    continue;
                }
                carry_.assign(bytes.begin(), bytes.end());
                return;
            }
            std::size_t const before = carry_.size();
            std::size_t const room = max() - before;
            auto const part = bytes.first(room < bytes.size() ? room : bytes.size());
            carry_.insert(carry_.end(), part.begin(), part.end());
            auto const n = cut(carry_, before, hash_);
            if (n == 0)
                return;
            emit(std::span<std::byte const>(carry_).first(n));
            bytes = bytes.subspan(n - before);
            carry_.clear();
            hash_ = 0;
        }
    }

    /// Emits what is left.
    template <class Emit>
    void finish(Emit&& emit)
    {
        if (!carry_.empty())
            emit(std::span<std::byte const>(carry_));
        carry_.clear();
        hash_ = 0;
    }

private:
    std::size_t max() const noexcept { return how_ == chunking::fixed ? size_ : 4 * size_; }

    static constexpr std::uint64_t mask(std::uint32_t size) noexcept
    {
        // The upper bits of the hash follow the last 64 bytes.
        return ~(~std::uint64_t{0} / size);
    }

    // Length of the first chunk of `bytes`, or 0 if it does not end there. `done` bytes were looked at before.
    std::size_t cut(std::span<std::byte const> bytes, std::size_t done, std::uint64_t hash)
    {
        if (how_ == chunking::fixed)
            return bytes.size() >= size_ ? size_ : 0;
        std::size_t const least = size_ / 4;
        std::size_t const end = bytes.size() < max() ? bytes.size() : max();
        std::size_t i = done < least ? least : done;
        for (; i < end; ++i) {
            hash = (hash << 1) + detail::gear[static_cast<std::uint8_t>(bytes[i])];
            if ((hash & (i < size_ ? early_ : late_)) == 0)
                return i + 1;
        }
        hash_ = hash;
        return end == max() ? end : 0;
    }

    chunking how_;
    std::uint32_t size_;
    std::uint64_t early_ = 0;
    std::uint64_t late_ = 0;
    std::uint64_t hash_ = 0;
    std::vector<std::byte> carry_;
};

} // namespace perdure

#endif
