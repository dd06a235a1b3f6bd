// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_WRITER_HPP
#define PERDURE_SNAPSHOT_WRITER_HPP

#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/backend.hpp>
#include <perdure/snapshot/compression.hpp>
#include <perdure/snapshot/detail/chunk_compressor.hpp>
#include <perdure/snapshot/format.hpp>
#include <perdure/snapshot/report.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace perdure {

/** Writes one snapshot into an upload of a back end: header, chunks, index, footer.
 *
 *  Blocking. The first error stays; every later call returns it and does nothing.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Upload>
class snapshot_writer {
public:
    /// Writes nothing yet.
    snapshot_writer(Upload upload, snapshot_header header, compressor how = {})
        : upload_(std::move(upload)), header_(std::move(header)), compressor_(how)
    {
    }

    /// Adds a chunk of 1 to chunk_size raw bytes to a partition.
    void append(std::span<std::byte const> raw, error_code& ec, std::uint16_t partition = 0)
    {
        if (!failed_ && chunks_.size() == UINT32_MAX)
            failed_ = errc::too_large;
        begin();
        if (!failed_) {
            snapshot_chunk c;
            c.offset = size_;
            c.raw_size = static_cast<std::uint32_t>(raw.size());
            c.partition = partition;
            c.raw_hash = xxh3_128(raw.data(), raw.size());
            auto const stored = compressor_.store(raw, c);
            auto const frame = snapshot_format::encode_frame(
                c, static_cast<std::uint32_t>(chunks_.size()), header_.id);
            write(frame, stored);
            chunks_.push_back(c);
        }
        ec = failed_;
    }

    /// In how many parts the state is encoded, 1 to partitions_max; 1 if this is not called.
    void partitions(std::uint32_t n) noexcept { partitions_ = n; }

    /// Ends and publishes it.
    snapshot_info commit(error_code& ec)
    {
        begin();
        snapshot_format::footer footer;
        if (!failed_) {
            auto const header = snapshot_format::encode_header(header_);
            auto const end =
                snapshot_format::encode_end(chunks_, header, header_.id, size_, partitions_);
            footer = snapshot_format::decode_footer(
                std::span<std::byte const>(end).last<snapshot_format::footer_size>(),
                size_ + end.size(), failed_);
            write(end, {});
        }
        if (!failed_)
            upload_.commit(failed_);
        ec = failed_;
        return ec ? snapshot_info() : describe(header_, footer, size_);
    }

private:
    void begin()
    {
        if (!failed_ && size_ == 0)
            write(snapshot_format::encode_header(header_), {});
    }

    void write(std::span<std::byte const> a, std::span<std::byte const> b)
    {
        if (failed_)
            return;
        std::array<std::span<std::byte const>, 2> const parts{a, b};
        upload_.append(parts, failed_);
        size_ += a.size() + b.size();
    }

    Upload upload_;
    snapshot_header header_;
    detail::chunk_compressor compressor_;
    std::vector<snapshot_chunk> chunks_;
    std::uint32_t partitions_ = 1;
    std::uint64_t size_ = 0;
    error_code failed_;
};

/// Memory for one chunk.
struct chunk_buffer {
    /// Of chunk_size bytes; null if it has none.
    std::unique_ptr<std::byte[]> memory;
    std::size_t size = 0; ///< Bytes in use.

    /// Those in use.
    std::span<std::byte const> bytes() const noexcept { return {memory.get(), size}; }
};

/** Cuts what an archive writes into chunks and gives each full one to `take(chunk_buffer)`.
 *
 *  `take` returns memory to write on with: a used buffer, or an empty one.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Take>
class chunk_sink final : public byte_sink {
public:
    /// Calls `take` whenever a chunk is full.
    explicit chunk_sink(Take take) : take_(std::move(take)) {}

    std::span<std::byte> exchange(std::size_t filled) override
    {
        current_.size += filled;
        if (current_.size == snapshot_format::chunk_size)
            emit();
        if (!current_.memory)
            current_.memory =
                std::make_unique_for_overwrite<std::byte[]>(snapshot_format::chunk_size);
        return {current_.memory.get() + current_.size, snapshot_format::chunk_size - current_.size};
    }

    /// Gives the last chunk away, if there is one.
    void finish()
    {
        if (current_.size != 0)
            emit();
    }

private:
    void emit()
    {
        current_ = take_(std::move(current_));
        current_.size = 0;
    }

    Take take_;
    chunk_buffer current_;
};

} // namespace perdure

#endif
