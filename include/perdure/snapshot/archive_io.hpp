// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_ARCHIVE_IO_HPP
#define PERDURE_SNAPSHOT_ARCHIVE_IO_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace perdure {

/** Where a portable_oarchive puts its bytes: a supplier of buffers.
 *
 *  The archive writes into the buffer that it was given last and calls `exchange` only when that
 *  one is full, so the call is off the hot path.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class byte_sink {
public:
    /** Takes the first `filled` bytes of the buffer handed out last and hands out the next one.
     *
     *  The first call has `filled` 0 and no buffer to take. The returned buffer is not empty and
     *  stays valid until the next call. It may throw; then the archive is unusable.
     */
    virtual std::span<std::byte> exchange(std::size_t filled) = 0;

protected:
    ~byte_sink() = default;
};

/** Where a portable_iarchive gets its bytes: a supplier of segments.
 *
 *  Segments have any size; a value may cross from one into the next.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class byte_source {
public:
    /// The next segment, not empty; an empty one means the end. It stays valid until the next call.
    virtual std::span<std::byte const> next() = 0;

    /// Bytes in the segments that were not handed out yet: what bounds every count.
    virtual std::uint64_t rest() const = 0;

protected:
    ~byte_source() = default;
};

/// Collects an archive in memory.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class memory_sink final : public byte_sink {
public:
    std::span<std::byte> exchange(std::size_t filled) override
    {
        size_ += filled;
        if (size_ == bytes_.size())
            bytes_.resize(bytes_.empty() ? 512 : 2 * bytes_.size());
        return std::span(bytes_).subspan(size_);
    }

    /// What was written so far; call the archive's flush() first.
    std::span<std::byte const> bytes() const noexcept { return std::span(bytes_).first(size_); }

    /// The same as a vector of its own; the sink is empty afterwards.
    std::vector<std::byte> release()
    {
        bytes_.resize(size_);
        size_ = 0;
        return std::move(bytes_);
    }

private:
    std::vector<std::byte> bytes_;
    std::size_t size_ = 0;
};

/// Reads an archive from one piece of memory, which outlives it.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class memory_source final : public byte_source {
public:
    /// `bytes` outlive it.
    explicit memory_source(std::span<std::byte const> bytes) noexcept : bytes_(bytes) {}

    std::span<std::byte const> next() override { return std::exchange(bytes_, {}); }
    std::uint64_t rest() const override { return bytes_.size(); }

private:
    std::span<std::byte const> bytes_;
};

/// Reads an archive from several pieces of memory, which outlive it.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class segmented_source final : public byte_source {
public:
    /// The segments outlive it; together they are the bytes.
    explicit segmented_source(std::span<std::span<std::byte const> const> segments) noexcept
        : segments_(segments)
    {
        for (auto const& s : segments_)
            rest_ += s.size();
    }

    std::span<std::byte const> next() override
    {
        while (!segments_.empty()) {
            auto const s = segments_.front();
            segments_ = segments_.subspan(1);
            rest_ -= s.size();
            if (!s.empty())
                return s;
        }
        return {};
    }
    std::uint64_t rest() const override { return rest_; }

private:
    std::span<std::span<std::byte const> const> segments_;
    std::uint64_t rest_ = 0;
};

/// Bounds of an archive, the same for writing and for reading, so that what was written can be read.
struct archive_limits {
    /** How deep objects may lie in one another.
     *
     *  Each level takes stack space of the program. A longer chain of pointers (a list of nodes
     *  that own one another, say) is refused when it is saved, with errc::too_large.
     */
    std::uint32_t depth_max = 1000;
};

} // namespace perdure

#endif
