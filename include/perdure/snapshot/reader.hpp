// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_READER_HPP
#define PERDURE_SNAPSHOT_READER_HPP

#include <perdure/detail/page_array.hpp>
#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/compression.hpp>
#include <perdure/snapshot/format.hpp>
#include <perdure/snapshot/report.hpp>
#include <perdure/snapshot/writer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace perdure {

namespace detail {

/// Memory for chunks that live equally long, taken from the system in large pieces.
class content_memory {
public:
    /// `n` bytes, uninitialised; `rest` bytes, at least n, will be wanted from now on, these included.
    std::span<std::byte> take(std::size_t n, std::uint64_t rest)
    {
        if (pieces_.empty() || pieces_.back().size() - used_ < n) {
            pieces_.emplace_back(
                std::max(n, static_cast<std::size_t>(std::min<std::uint64_t>(rest, piece))));
            used_ = 0;
        }
        used_ += n;
        return {pieces_.back().data() + used_ - n, n};
    }

private:
    static constexpr std::size_t piece = std::size_t{16} << 20;

    std::vector<page_array<std::byte>> pieces_;
    std::size_t used_ = 0; // of the last one
};

} // namespace detail

/// The bytes of a snapshot after every check.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class snapshot_content {
public:
    /// Bytes in pieces, one behind the other.
    using segments = std::span<std::span<std::byte const> const>;

    /// As it stands in the file.
    snapshot_header const& header() const noexcept { return header_; }
    /// What a report says about it.
    snapshot_info const& info() const noexcept { return info_; }
    /// In how many parts the state was encoded.
    std::uint32_t partitions() const noexcept { return static_cast<std::uint32_t>(views_.size()); }
    /// The encoded bytes of one part, in pieces. They live as long as this object.
    segments bytes(std::uint32_t partition = 0) const noexcept
    {
        return partition < views_.size() ? segments(views_[partition]) : segments();
    }

private:
    template <class Object, class Find>
    friend snapshot_content read_snapshot(Object& object, std::span<compressor const> known,
                                          Find&& find, error_code& ec);

    snapshot_header header_;
    snapshot_info info_;
    detail::content_memory memory_;
    std::vector<std::vector<std::span<std::byte const>>> views_; // by partition
};

namespace detail {

template <class Object>
void read_exactly(Object& object, std::uint64_t offset, std::span<std::byte> bytes, error_code& ec)
{
    std::size_t const n = object.read_at(offset, bytes, ec);
    if (!ec && n != bytes.size())
        ec = errc::truncated;
}

// What stands around the chunks of a snapshot, verified.
struct snapshot_frame {
    snapshot_header header;
    snapshot_format::footer footer;
    std::vector<snapshot_chunk> chunks;
};

/// Reads header, index and footer, and no chunk.
template <class Object>
snapshot_frame read_frame(Object& object, std::uint64_t size, error_code& ec)
{
    namespace format = snapshot_format;
    snapshot_frame result;
    std::vector<std::byte> header(
        static_cast<std::size_t>(std::min<std::uint64_t>(size, format::header_size_max)));
    read_exactly(object, 0, header, ec);
    if (ec)
        return {};
    std::size_t header_size = 0;
    result.header = format::decode_header(header, header_size, ec);
    if (!ec && size < header_size + format::footer_size)
        ec = errc::truncated;
    if (ec)
        return {};
    header.resize(header_size);

    std::array<std::byte, format::footer_size> footer_bytes;
    read_exactly(object, size - footer_bytes.size(), footer_bytes, ec);
    if (ec)
        return {};
    auto const flags = result.header.flags;
    result.footer = format::decode_footer(footer_bytes, size, ec, flags);
    if (!ec && result.footer.id != result.header.id)
        ec = errc::malformed;
    if (ec)
        return {};
    std::vector<std::byte> index(result.footer.chunk_count * format::entry_size(flags));
    read_exactly(object, result.footer.index_offset, index, ec);
    if (!ec)
        result.chunks = format::decode_index(header, index, result.footer, ec, flags);
    return result;
}

// For snapshots that stand alone.
struct no_packs {
    struct object {
        std::size_t read_at(std::uint64_t, std::span<std::byte>, error_code& ec) const
        {
            ec = errc::unsupported_version;
            return 0;
        }
    };
    object* operator()(std::uint64_t, error_code& ec) const
    {
        ec = errc::unsupported_version;
        return nullptr;
    }
};

} // namespace detail

/** Reads a whole snapshot and believes none of it before it is verified.
 *
 *  Memory stays below the size of the file plus the raw size that verified chunks state plus 16 MiB; no length
 *  is used before its checksum was compared. `known` are the ways to decompress; an uncompressed chunk needs none.
 *
 *  Object is what a back end's `find` returns, or anything with its `size` and `read_at`. `find(id, ec)`
 *  gives a pointer to the pack with that id, for snapshots that share chunks.
 *
 *  @par Errors  condition::corruption: the bytes are not what was written. errc::unsupported_version: written by a
 *               newer library, or compressed in a way that is not in `known`. Else: what reading reported.
 */
template <class Object, class Find>
snapshot_content read_snapshot(Object& object, std::span<compressor const> known, Find&& find,
                               error_code& ec)
{
    namespace format = snapshot_format;
    snapshot_content content;
    std::uint64_t const size = object.size(ec);
    if (ec)
        return {};
    auto frame_of = detail::read_frame(object, size, ec);
    if (ec)
        return {};
    content.header_ = std::move(frame_of.header);
    auto const& footer = frame_of.footer;
    auto const& chunks = frame_of.chunks;

    content.views_.resize(footer.partitions);
    std::vector<std::byte> stored;
    std::uint64_t rest = footer.raw_total;
    std::uint32_t number = 0;
    for (auto const& c : chunks) {
        compressor const* how = nullptr;
        if (c.compression != chunk_compression::none) {
            auto const found = std::find_if(known.begin(), known.end(), [&](compressor const& k) {
                return k.kind == c.compression;
            });
            if (found == known.end()) {
                ec = errc::unsupported_version;
                return {};
            }
            how = &*found;
        }
        auto* const pack = c.pack != 0 ? find(c.pack, ec) : nullptr;
        auto const read = [&](std::uint64_t offset, std::span<std::byte> out) {
            if (c.pack == 0)
                detail::read_exactly(object, offset, out, ec);
            else
                detail::read_exactly(*pack, offset, out, ec);
        };
        std::array<std::byte, format::frame_size> frame;
        if (!ec)
            read(c.offset, frame);
        if (!ec && c.pack == 0)
            format::check_frame(frame, c, number++, content.header_.id, ec);
        else if (!ec)
            format::check_shared_frame(frame, c, ec);
        if (ec)
            return {};
        auto const raw_bytes = content.memory_.take(c.raw_size, rest);
        rest -= c.raw_size;
        if (how != nullptr)
            stored.resize(c.stored_size);
        std::span<std::byte> const stored_bytes =
            how != nullptr ? std::span<std::byte>(stored) : raw_bytes;
        read(c.offset + format::frame_size, stored_bytes);
        if (ec)
            return {};
        if (crc32c(stored_bytes) != c.stored_crc) {
            ec = errc::checksum_mismatch;
            return {};
        }
        if (how != nullptr && !how->decompress(stored_bytes, raw_bytes)) {
            ec = errc::malformed;
            return {};
        }
        if (xxh3_128(raw_bytes.data(), raw_bytes.size()) != c.raw_hash) {
            ec = errc::checksum_mismatch;
            return {};
        }
        content.views_[c.partition].push_back(raw_bytes);
    }

    content.info_ = describe(content.header_, footer, size);
    return content;
}

/// The same for a snapshot that stands alone; one that shares chunks is refused with errc::unsupported_version.
template <class Object>
snapshot_content read_snapshot(Object& object, std::span<compressor const> known, error_code& ec)
{
    return read_snapshot(object, known, detail::no_packs{}, ec);
}

/// An object for read_snapshot over bytes in memory, for tools and for snapshots that came over a network.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class memory_object {
public:
    /// `bytes` outlive it.
    explicit memory_object(std::span<std::byte const> bytes) noexcept : bytes_(bytes) {}

    std::uint64_t size(error_code& ec) const noexcept
    {
        ec = {};
        return bytes_.size();
    }
    /// As object of a snapshot_backend.
    std::size_t read_at(std::uint64_t offset, std::span<std::byte> out,
                        error_code& ec) const noexcept
    {
        ec = {};
        if (offset >= bytes_.size())
            return 0;
        auto const n =
            std::min<std::size_t>(out.size(), bytes_.size() - static_cast<std::size_t>(offset));
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), n, out.begin());
        return n;
    }

private:
    std::span<std::byte const> bytes_;
};

} // namespace perdure

#endif
