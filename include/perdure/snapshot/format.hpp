// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_FORMAT_HPP
#define PERDURE_SNAPSHOT_FORMAT_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/crc32c.hpp>
#include <perdure/bytes/hash.hpp>
#include <perdure/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

// The bytes of a snapshot, as docs/formats/snapshot.md defines them: pure functions over spans.
//
//   header | chunk frame, stored bytes | chunk frame, stored bytes | ... | index | footer
//
// Every byte of the file is covered by exactly one checksum, and no length is believed before the
// checksum over it was compared.

namespace perdure {

namespace snapshot_format {

/// A reader refuses others.
inline constexpr std::uint16_t major_version = 1;
/// A reader accepts any.
inline constexpr std::uint16_t minor_version = 0;

/// Of a file, in bytes; the sizes below likewise.
inline constexpr std::size_t header_size = 256;
inline constexpr std::size_t header_size_max = 4096; ///< What a newer minor version may grow to.
/// Before each chunk.
inline constexpr std::size_t frame_size = 48;
/// For each chunk.
inline constexpr std::size_t index_entry_size = 40;
/// At the end of a file.
inline constexpr std::size_t footer_size = 64;
inline constexpr std::size_t shared_entry_size = 48; ///< Of an index whose chunks are in packs.
/// Of a file with shared chunks.
inline constexpr std::size_t pack_header_size = 32;
inline constexpr std::size_t type_size_max = 63;    ///< Bytes of a type's name.
inline constexpr std::size_t creator_size_max = 31; ///< Bytes of the creator's name.

/// Raw bytes of a chunk: what perdure writes, and the most that a reader accepts.
inline constexpr std::uint32_t chunk_size = 1u << 20;

/// A reader refuses more.
inline constexpr std::uint32_t partitions_max = 1u << 16;

/// Flag: the chunks are in packs, and the file holds only their index.
inline constexpr std::uint32_t flag_shared = 1;

/// A file begins with it.
inline constexpr std::array<std::uint8_t, 8> header_magic{0x89, 'P',  'D',  'S',
                                                          'N',  0x0d, 0x0a, 0x1a};
/// A file with shared chunks begins with it.
inline constexpr std::array<std::uint8_t, 8> pack_magic{0x89, 'P',  'D',  'P',
                                                        'K',  0x0d, 0x0a, 0x1a};
/// A footer begins with it.
inline constexpr std::array<std::uint8_t, 8> footer_magic{'P', 'D', 'S', 'N', 'E', 'N', 'D', 0x0a};
/// A chunk's frame begins with it.
inline constexpr std::uint32_t frame_magic = 0x4b484350; // "PCHK"

} // namespace snapshot_format

/// How the stored bytes of a chunk come from its raw bytes.
enum class chunk_compression : std::uint16_t {
    none = 0,
    lz4 = 1,  ///< One LZ4 block.
    zstd = 2, ///< One Zstandard frame.
};

/// What a snapshot says about itself.
struct snapshot_header {
    std::uint64_t id = 0;       ///< Grows with each snapshot of a store; 0 for a single file.
    std::uint64_t position = 0; ///< The log position up to which the state includes every record.
    std::string type;           ///< Which kind of state, in the user's words; may be empty.
    std::uint32_t schema_version = 0; ///< The user's version of that kind.
    std::uint32_t codec = 0;          ///< Which codec wrote the bytes (docs/formats/snapshot.md).
    /// Of what the codec wrote.
    std::uint32_t codec_version = 0;
    hash128 log_id{};    ///< The log that `position` counts in; zero if there is none.
    std::string creator; ///< The program or library that wrote it, for people.
    std::uint32_t flags = 0; ///< What a reader must know: snapshot_format::flag_shared.

    friend bool operator==(snapshot_header const&, snapshot_header const&) = default;
};

/// One chunk of a snapshot, as its frame and the index describe it.
struct snapshot_chunk {
    std::uint64_t offset = 0; ///< Of its frame in the file; the stored bytes follow the frame.
    /// In the file, in bytes.
    std::uint32_t stored_size = 0;
    /// Before compression, in bytes.
    std::uint32_t raw_size = 0;
    std::uint32_t stored_crc = 0; ///< CRC-32C of the stored bytes.
    /// Whose `kind` it is; 0 if it is stored as it is.
    chunk_compression compression = chunk_compression::none;
    std::uint16_t partition =
        0;              ///< The state's bytes are those of its partitions; see snapshot.md.
    hash128 raw_hash{}; ///< XXH3-128 of the raw bytes: the name of the content.
    std::uint64_t pack = 0; ///< The pack that `offset` counts in; 0: the snapshot's own file.

    friend bool operator==(snapshot_chunk const&, snapshot_chunk const&) = default;
};

namespace snapshot_format {

/// The header's bytes. Preconditions: the names are no longer than their maxima.
inline std::array<std::byte, header_size> encode_header(snapshot_header const& h)
{
    std::array<std::byte, header_size> bytes{};
    span_writer w(bytes);
    w.bytes(std::as_bytes(std::span(header_magic)));
    w.u16(major_version);
    w.u16(minor_version);
    w.u32(header_size);
    w.u64(h.id);
    w.u64(h.position);
    w.u32(h.schema_version);
    w.u32(h.codec);
    w.u32(h.codec_version);
    w.u32(h.flags);
    w.u32(chunk_size);
    w.u32(0); // reserved
    w.u64(h.log_id.low);
    w.u64(h.log_id.high);
    w.u8(static_cast<std::uint8_t>(h.type.size()));
    w.bytes(as_bytes(h.type));
    w.zeros(type_size_max - h.type.size());
    w.u8(static_cast<std::uint8_t>(h.creator.size()));
    w.bytes(as_bytes(h.creator));
    store_little(bytes.data() + header_size - 4, crc32c(std::span(bytes).first(header_size - 4)));
    return bytes;
}

/** Reads the header at the front of a file; `size` receives its length.
 *
 *  @par Errors  errc::truncated, errc::bad_magic, errc::unsupported_version (a newer major version, or a flag
 *               that this reader must know and does not), errc::checksum_mismatch, errc::malformed.
 */
inline snapshot_header decode_header(std::span<std::byte const> file, std::size_t& size,
                                     error_code& ec)
{
    snapshot_header h;
    size = 0;
    auto const fail = [&](errc e) {
        ec = e;
        return snapshot_header{};
    };
    if (file.size() < 16)
        return fail(errc::truncated);
    if (!std::equal(header_magic.begin(), header_magic.end(),
                    reinterpret_cast<std::uint8_t const*>(file.data())))
        return fail(errc::bad_magic);
    // The length of the header comes before its checksum and is bounded, so that a newer minor
    // version may append fields.
    std::size_t const length = load_little<std::uint32_t>(file.data() + 12);
    if (length < header_size || length > header_size_max)
        return fail(load_little<std::uint16_t>(file.data() + 8) > major_version
                        ? errc::unsupported_version
                        : errc::malformed);
    if (file.size() < length)
        return fail(errc::truncated);
    if (crc32c(file.first(length - 4)) != load_little<std::uint32_t>(file.data() + length - 4))
        return fail(errc::checksum_mismatch);
    byte_reader r(file.subspan(8, length - 12));
    auto const major = r.u16();
    r.u16(); // minor: what it adds is behind what this version reads
    r.u32();
    h.id = r.u64();
    h.position = r.u64();
    h.schema_version = r.u32();
    h.codec = r.u32();
    h.codec_version = r.u32();
    h.flags = r.u32();
    if (major != major_version || (h.flags & ~flag_shared) != 0)
        return fail(errc::unsupported_version);
    if (r.u32() != chunk_size)
        return fail(errc::malformed);
    r.u32();
    h.log_id.low = r.u64();
    h.log_id.high = r.u64();
    auto const text = [&r](std::size_t size_max) {
        std::size_t const n = r.u8();
        auto const field = r.bytes(size_max);
        if (n > size_max)
            r.fail();
        return r.ok() ? std::string(as_text(field.first(n))) : std::string();
    };
    h.type = text(type_size_max);
    h.creator = text(creator_size_max);
    if (!r.ok())
        return fail(errc::malformed);
    size = length;
    ec = {};
    return h;
}

/// The frame in front of a chunk's stored bytes. `id` and `number` tie it to its place.
inline std::array<std::byte, frame_size> encode_frame(snapshot_chunk const& c, std::uint32_t number,
                                                      std::uint64_t id)
{
    std::array<std::byte, frame_size> bytes{};
    span_writer w(bytes);
    w.u32(frame_magic);
    w.u32(number);
    w.u32(c.stored_size);
    w.u32(c.raw_size);
    w.u16(static_cast<std::uint16_t>(c.compression));
    w.u16(c.partition);
    w.u32(c.stored_crc);
    w.u64(c.raw_hash.low);
    w.u64(c.raw_hash.high);
    w.u32(static_cast<std::uint32_t>(id));
    w.u32(crc32c(w.written()));
    return bytes;
}

/// Whether the fields of a chunk keep the format's bounds.
inline bool plausible(snapshot_chunk const& c) noexcept
{
    if (c.raw_size == 0 || c.raw_size > chunk_size)
        return false;
    switch (c.compression) {
    case chunk_compression::none:
        return c.stored_size == c.raw_size;
    case chunk_compression::lz4:
    case chunk_compression::zstd:
        return c.stored_size != 0 && c.stored_size < c.raw_size;
    }
    return false;
}

/** Checks a frame against the index entry of its chunk.
 *
 *  @par Errors  errc::checksum_mismatch, errc::malformed.
 */
inline void check_frame(std::span<std::byte const, frame_size> bytes,
                        snapshot_chunk const& expected, std::uint32_t number, std::uint64_t id,
                        error_code& ec)
{
    ec = {};
    if (crc32c(bytes.first(frame_size - 4)) !=
        load_little<std::uint32_t>(bytes.data() + frame_size - 4))
        ec = errc::checksum_mismatch;
    else if (auto const own = encode_frame(expected, number, id);
             !std::equal(own.begin(), own.end(), bytes.begin()))
        ec = errc::malformed;
}

/// The frame of a chunk in a pack: its number is where it stands, and it belongs to no partition.
inline std::array<std::byte, frame_size> encode_shared_frame(snapshot_chunk c)
{
    c.partition = 0;
    return encode_frame(c, static_cast<std::uint32_t>(c.offset), c.pack);
}

/// As check_frame.
inline void check_shared_frame(std::span<std::byte const, frame_size> bytes,
                               snapshot_chunk expected, error_code& ec)
{
    expected.partition = 0;
    check_frame(bytes, expected, static_cast<std::uint32_t>(expected.offset), expected.pack, ec);
}

/// Bytes of one entry of the index of a snapshot with these flags.
constexpr std::size_t entry_size(std::uint32_t flags) noexcept
{
    return (flags & flag_shared) != 0 ? shared_entry_size : index_entry_size;
}

/// The header of a pack of chunks.
inline std::array<std::byte, pack_header_size> encode_pack_header(std::uint64_t id)
{
    std::array<std::byte, pack_header_size> bytes{};
    span_writer w(bytes);
    w.bytes(std::as_bytes(std::span(pack_magic)));
    w.u16(major_version);
    w.u16(minor_version);
    w.u32(pack_header_size);
    w.u64(id);
    w.u32(0);
    w.u32(crc32c(w.written()));
    return bytes;
}

/// The index and the footer, which end the file. `header` is the file's header as written.
inline std::vector<std::byte> encode_end(std::span<snapshot_chunk const> chunks,
                                         std::span<std::byte const> header, std::uint64_t id,
                                         std::uint64_t index_offset, std::uint32_t partitions = 1,
                                         std::uint32_t flags = 0)
{
    std::vector<std::byte> bytes;
    bytes.reserve(chunks.size() * entry_size(flags) + footer_size);
    byte_writer w(bytes);
    std::uint64_t raw_total = 0;
    for (auto const& c : chunks) {
        w.u64(c.offset);
        w.u32(c.stored_size);
        w.u32(c.raw_size);
        w.u32(c.stored_crc);
        w.u16(static_cast<std::uint16_t>(c.compression));
        w.u16(c.partition);
        w.u64(c.raw_hash.low);
        w.u64(c.raw_hash.high);
        if ((flags & flag_shared) != 0)
            w.u64(c.pack);
        raw_total += c.raw_size;
    }
    xxh3_stream digest;
    digest.update(header.data(), header.size());
    digest.update(bytes.data(), bytes.size());
    auto const whole = digest.digest_128();
    std::size_t const start = bytes.size();
    w.bytes(std::as_bytes(std::span(footer_magic)));
    w.u64(id);
    w.u64(index_offset);
    w.u32(static_cast<std::uint32_t>(chunks.size()));
    w.u32(partitions);
    w.u64(raw_total);
    w.u64(whole.low);
    w.u64(whole.high);
    w.u32(0);
    w.u32(crc32c(std::span(bytes).subspan(start)));
    return bytes;
}

/// What the footer says.
struct footer {
    /// Of the snapshot, as in the header.
    std::uint64_t id = 0;
    /// Where the index begins, in bytes.
    std::uint64_t index_offset = 0;
    /// Entries of the index.
    std::uint32_t chunk_count = 0;
    /// Of the content.
    std::uint32_t partitions = 1;
    /// Bytes of the content.
    std::uint64_t raw_total = 0;
    hash128 digest{}; ///< Over header and index, and so over the whole content.
};

/** Reads the footer: the last `footer_size` bytes of a file of `file_size` bytes.
 *
 *  Afterwards the index is known to lie within the file.
 *
 *  @par Errors  errc::bad_magic (the file does not end with a footer: it was cut or never finished),
 *               errc::checksum_mismatch, errc::malformed.
 */
inline footer decode_footer(std::span<std::byte const, footer_size> bytes, std::uint64_t file_size,
                            error_code& ec, std::uint32_t flags = 0)
{
    footer f;
    if (!std::equal(footer_magic.begin(), footer_magic.end(),
                    reinterpret_cast<std::uint8_t const*>(bytes.data()))) {
        ec = errc::truncated;
        return f;
    }
    if (crc32c(bytes.first(footer_size - 4)) !=
        load_little<std::uint32_t>(bytes.data() + footer_size - 4)) {
        ec = errc::checksum_mismatch;
        return f;
    }
    byte_reader r(bytes.subspan(8));
    f.id = r.u64();
    f.index_offset = r.u64();
    f.chunk_count = r.u32();
    f.partitions = r.u32();
    f.raw_total = r.u64();
    f.digest.low = r.u64();
    f.digest.high = r.u64();
    std::uint64_t const end = std::uint64_t{f.chunk_count} * entry_size(flags) + footer_size;
    ec = {};
    if (end > file_size || f.index_offset != file_size - end || f.partitions == 0 ||
        f.partitions > partitions_max)
        ec = errc::malformed;
    return f;
}

/** Reads the index. `header` and `index` are the bytes of the file.
 *
 *  Afterwards the chunks are known to fill the file between header and index without a gap (or to be
 *  in packs, and the file to hold nothing but their index), and to keep the bounds of the format.
 *
 *  @par Errors  errc::checksum_mismatch, errc::malformed.
 */
inline std::vector<snapshot_chunk> decode_index(std::span<std::byte const> header,
                                                std::span<std::byte const> index, footer const& f,
                                                error_code& ec, std::uint32_t flags = 0)
{
    xxh3_stream digest;
    digest.update(header.data(), header.size());
    digest.update(index.data(), index.size());
    if (digest.digest_128() != f.digest) {
        ec = errc::checksum_mismatch;
        return {};
    }
    std::vector<snapshot_chunk> chunks;
    chunks.reserve(f.chunk_count);
    byte_reader r(index);
    bool const shared = (flags & flag_shared) != 0;
    std::uint64_t offset = header.size();
    std::uint64_t raw_total = 0;
    for (std::uint32_t i = 0; i < f.chunk_count; ++i) {
        snapshot_chunk c;
        c.offset = r.u64();
        c.stored_size = r.u32();
        c.raw_size = r.u32();
        c.stored_crc = r.u32();
        c.compression = static_cast<chunk_compression>(r.u16());
        c.partition = r.u16();
        c.raw_hash.low = r.u64();
        c.raw_hash.high = r.u64();
        if (shared)
            c.pack = r.u64();
        bool const placed = shared ? c.pack != 0 && c.offset >= pack_header_size : c.offset == offset;
        if (!placed || c.partition >= f.partitions || !plausible(c)) {
            ec = errc::malformed;
            return {};
        }
        if (!shared)
            offset += frame_size + c.stored_size;
        raw_total += c.raw_size;
        chunks.push_back(c);
    }
    if (!r.finished() || offset != f.index_offset || raw_total != f.raw_total) {
        ec = errc::malformed;
        return {};
    }
    ec = {};
    return chunks;
}

} // namespace snapshot_format

} // namespace perdure

#endif
