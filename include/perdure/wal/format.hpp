// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_FORMAT_HPP
#define PERDURE_WAL_FORMAT_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/crc32c.hpp>
#include <perdure/bytes/hash.hpp>
#include <perdure/error.hpp>
#include <perdure/wal/position.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// The bytes of a log, as docs/formats/wal.md describes them. A log is a chain of segments; a segment
// is a header page followed by groups; a group is a run of frames that ends with a seal:
//
//     | header 4 KiB | link seal | record record seal | record seal | seal | footer |
//                      \_group_/   \_____group_____/   \__group__/   idle
//
// Everything is little-endian and 8-aligned. A frame's header is checked before its length is
// believed, and a group without its seal does not exist.

namespace perdure::wal_format {

/// A reader refuses a higher one.
inline constexpr std::uint16_t major_version = 1;
/// A reader takes any; what it does not know, it may skip.
inline constexpr std::uint16_t minor_version = 0;

inline constexpr std::size_t page_bytes = 4096;  ///< The header page; groups begin behind it.
inline constexpr std::size_t header_bytes = 256; ///< One copy of the segment header.
inline constexpr std::size_t header_copy = 2048; ///< Where its second copy stands.
inline constexpr std::size_t frame_bytes = 32;   ///< A frame's header.
inline constexpr std::size_t seal_bytes = 64;    ///< A seal's payload.
inline constexpr std::size_t link_bytes = 64;    ///< A link's payload.
inline constexpr std::size_t footer_bytes = 64;  ///< A footer's payload.
inline constexpr std::size_t gap_bytes = 24;     ///< A gap's payload.
inline constexpr std::uint32_t record_bytes_limit = 1u << 30; ///< No format field may claim more.
inline constexpr position position_limit = position{1} << 62; ///< Likewise.

/// What a frame holds.
enum class frame_type : std::uint8_t {
    record = 1, ///< A record of the user.
    seal = 2,   ///< Ends a group and vouches for it.
    link = 3,   ///< First in a segment: what came before it.
    footer = 4, ///< Last in a segment that takes no more.
    gap = 5,    ///< Positions that were given up in a recovery.
    packed = 6, ///< The group's records, compressed or encrypted.
};
/// Types from here on may be skipped by a reader that does not know them.
inline constexpr std::uint8_t ignorable_types = 0x80;

/// How the checksum of payloads is made; headers always use CRC-32C.
enum class checksum_kind : std::uint8_t { crc32c = 1, xxh3 = 2 };

/// How the records of a packed group are compressed and encrypted.
enum class compression_kind : std::uint8_t { none = 0, lz4 = 1 };
/// How the records of a segment are encrypted.
enum class encryption_kind : std::uint8_t {
    none = 0,        ///< Not at all.
    aes_256_gcm = 1, ///< With a key of 256 bits, authenticated.
};
inline constexpr std::size_t tag_bytes = 16;           ///< Of an encrypted group.
inline constexpr std::size_t nonce_bytes = 12;         ///< Likewise.
inline constexpr std::size_t type_bytes_max = 63; ///< Of the name of what the records are.
inline constexpr std::size_t packed_header_bytes = 32; ///< Begins a packed frame's payload.
inline constexpr std::size_t packed_record_bytes = 8;  ///< Before a record in a packed group.

/// Payload size on disk: rounded up to 8.
constexpr std::size_t padded(std::size_t n) noexcept
{
    return (n + 7) & ~std::size_t{7};
}

/// The checksum of a payload: CRC-32C, or the low half of XXH3-64.
inline std::uint32_t payload_checksum(checksum_kind kind, std::span<std::byte const> bytes) noexcept
{
    return kind == checksum_kind::crc32c
               ? crc32c(bytes)
               : static_cast<std::uint32_t>(xxh3_64(bytes.data(), bytes.size()));
}

// -- segment header --------------------------------------------------------------------------------

/// Names a log; drawn at random when it is created.
struct log_id {
    std::uint64_t high = 0; ///< The first eight bytes.
    std::uint64_t low = 0; ///< The last eight bytes.
    friend bool operator==(log_id const&, log_id const&) = default;
};

/// The first page of a segment says what the segment is.
struct segment_header {
    log_id log; ///< Whose segment it is.
    std::uint64_t sequence = 0; ///< From 1; gaps are segments that were given up.
    std::uint64_t after = 0;    ///< The segment in use when this one was created; 0 for none.
    std::uint64_t salt = 0;     ///< Random, so that bytes of another segment are never believed.
    std::uint64_t allocated_bytes = 0; ///< The file is at least that long until it has its footer.
    std::uint32_t required_flags = 0;  ///< A reader refuses bits that it does not know.
    std::uint32_t optional_flags = 0;  ///< See born_linked.
    checksum_kind checksum = checksum_kind::crc32c; ///< Of payloads.
    compression_kind compression = compression_kind::none; ///< Of packed groups, if they are.
    encryption_kind encryption = encryption_kind::none;    ///< Of all records.
    std::uint32_t key_id = 0; ///< Which key, if it is encrypted.
    std::uint32_t record_bytes_max = 0; ///< No record in it is longer.
    std::uint32_t group_bytes_max = 0; ///< Of a whole group with its seal.
    std::uint64_t created_ms = 0;      ///< Unix time in milliseconds, for people; 0 if unknown.
    std::array<std::byte, tag_bytes> key_check{}; ///< Made with the key; zeros if not encrypted.
    /// The name of what the records are, and zeros; see type(). All zeros if nobody said.
    std::array<char, type_bytes_max + 1> type_name{};
    friend bool operator==(segment_header const&, segment_header const&) = default;

    std::string_view type() const noexcept { return type_name.data(); }
    /// Keeps the first type_bytes_max bytes, up to a zero.
    void type(std::string_view name) noexcept
    {
        type_name = {};
        name = name.substr(0, std::min(name.find('\0'), type_bytes_max));
        std::copy(name.begin(), name.end(), type_name.begin());
    }

    /// What its frames carry.
    std::uint32_t epoch() const noexcept { return static_cast<std::uint32_t>(salt ^ (salt >> 32)); }
};

/// A segment begins with it.
inline constexpr std::string_view magic{"PERDWAL\n", 8};
/// The required flags that this reader knows.
inline constexpr std::uint32_t known_required_flags = 0;
/// Optional flag: the first group was durable before the file got its name.
inline constexpr std::uint32_t born_linked = 1;

/// Fills a whole header page.
inline void encode(segment_header const& h, std::span<std::byte, page_bytes> page) noexcept
{
    std::fill(page.begin(), page.end(), std::byte{});
    span_writer w(page.first<header_bytes>());
    w.bytes(as_bytes(magic));
    w.u16(major_version);
    w.u16(minor_version);
    w.u32(page_bytes);
    w.u64(h.log.high);
    w.u64(h.log.low);
    w.u64(h.sequence);
    w.u64(h.after);
    w.u64(h.salt);
    w.u64(h.allocated_bytes);
    w.u32(h.required_flags);
    w.u32(h.optional_flags);
    w.u8(static_cast<std::uint8_t>(h.checksum));
    w.u8(static_cast<std::uint8_t>(h.compression));
    w.u8(static_cast<std::uint8_t>(h.encryption));
    w.u8(0);
    w.u32(h.key_id);
    w.u32(h.record_bytes_max);
    w.u32(h.group_bytes_max);
    w.u64(h.created_ms);
    w.bytes(as_bytes("perdure"));
    w.u8(0);
    w.bytes(h.key_check);
    w.bytes(std::as_bytes(std::span(h.type_name)));
    store_little(page.data() + header_bytes - 4, crc32c(page.first<header_bytes - 4>()));
    std::copy_n(page.begin(), header_bytes, page.begin() + header_copy);
}

/// Reads one copy of a header. `ec`: bad_magic, checksum_mismatch, unsupported_version, malformed.
inline segment_header decode_header_copy(std::span<std::byte const, header_bytes> bytes,
                                         error_code& ec)
{
    segment_header h;
    byte_reader r(bytes);
    if (as_text(r.bytes(magic.size())) != magic) {
        ec = errc::bad_magic;
        return h;
    }
    if (load_little<std::uint32_t>(&bytes[header_bytes - 4]) !=
        crc32c(bytes.first<header_bytes - 4>())) {
        ec = errc::checksum_mismatch;
        return h;
    }
    auto const major = r.u16();
    r.u16(); // A newer minor version is readable.
    auto const page = r.u32();
    h.log = {r.u64(), r.u64()};
    h.sequence = r.u64();
    h.after = r.u64();
    h.salt = r.u64();
    h.allocated_bytes = r.u64();
    h.required_flags = r.u32();
    h.optional_flags = r.u32();
    auto const checksum = r.u8();
    h.compression = static_cast<compression_kind>(r.u8());
    h.encryption = static_cast<encryption_kind>(r.u8());
    r.u8();
    h.key_id = r.u32();
    h.record_bytes_max = r.u32();
    h.group_bytes_max = r.u32();
    h.created_ms = r.u64();
    r.skip(8); // Who made it.
    auto const check = r.bytes(tag_bytes);
    std::copy(check.begin(), check.end(), h.key_check.begin());
    h.type(as_text(r.bytes(type_bytes_max)));
    h.checksum = static_cast<checksum_kind>(checksum);
    if (major != major_version || (h.required_flags & ~known_required_flags) != 0 ||
        (h.checksum != checksum_kind::crc32c && h.checksum != checksum_kind::xxh3) ||
        h.compression > compression_kind::lz4 || h.encryption > encryption_kind::aes_256_gcm)
        ec = errc::unsupported_version;
    else if (page != page_bytes || h.sequence == 0 || h.after >= h.sequence ||
             h.record_bytes_max > record_bytes_limit)
        ec = errc::malformed;
    else
        ec = {};
    return h;
}

/// Reads a header page; one intact copy is enough. `damaged` tells whether the other one is not. If both are intact and
/// differ, that of the segment with this number counts, where the number is known.
inline segment_header decode_header(std::span<std::byte const> page, bool& damaged, error_code& ec,
                                    std::uint64_t sequence = 0)
{
    damaged = false;
    if (page.size() < page_bytes) {
        ec = errc::truncated;
        return {};
    }
    error_code second_ec;
    auto const first = decode_header_copy(page.first<header_bytes>(), ec);
    auto const second = decode_header_copy(page.subspan<header_copy, header_bytes>(), second_ec);
    damaged = ec.failed() != second_ec.failed() || (!ec && first != second);
    bool const strayed = !ec && !second_ec && first.sequence != sequence && second.sequence == sequence;
    if ((!ec && !strayed) || second_ec)
        return first;
    ec = {};
    return second;
}

// -- frames ----------------------------------------------------------------------------------------

/// The header of a frame: it has a checksum of its own, so that its length can be believed.
struct frame_header {
    std::uint32_t size = 0; ///< Of the payload, without padding.
    frame_type type = frame_type::record; ///< What the payload is.
    position at = 0; ///< A record's position; for others the last position before what follows.
    std::uint32_t epoch = 0; ///< The segment's: see segment_header::epoch().
    std::uint32_t checksum = 0; ///< Of the payload.
    std::uint32_t index = 0;    ///< In its group, from 0.

    /// With header and padding.
    std::size_t frame_size() const noexcept { return frame_bytes + padded(size); }
    /// Whether a reader that does not know the type skips it.
    bool ignorable() const noexcept { return static_cast<std::uint8_t>(type) >= ignorable_types; }
    friend bool operator==(frame_header const&, frame_header const&) = default;
};

inline void encode(frame_header const& h, std::byte* to) noexcept
{
    store_little<std::uint32_t>(to, h.size);
    // type, flags 0, reserved 0, version of the frame header 1
    store_little<std::uint32_t>(to + 4, static_cast<std::uint32_t>(h.type) | 0x01000000u);
    store_little<std::uint64_t>(to + 8, h.at);
    store_little<std::uint32_t>(to + 16, h.epoch);
    store_little<std::uint32_t>(to + 20, h.checksum);
    store_little<std::uint32_t>(to + 24, h.index);
    store_little<std::uint32_t>(to + 28, crc32c({to, 28}));
}

/// The header at `from` (frame_bytes of them), if its own checksum holds.
inline std::optional<frame_header> decode_frame(std::byte const* from) noexcept
{
    if (load_little<std::uint32_t>(from + 28) != crc32c({from, 28}))
        return std::nullopt;
    frame_header h;
    h.size = load_little<std::uint32_t>(from);
    h.type = static_cast<frame_type>(from[4]);
    h.at = load_little<std::uint64_t>(from + 8);
    h.epoch = load_little<std::uint32_t>(from + 16);
    h.checksum = load_little<std::uint32_t>(from + 20);
    h.index = load_little<std::uint32_t>(from + 24);
    if ((load_little<std::uint32_t>(from + 4) & 0xffffff00u) != 0x01000000u ||
        h.at > position_limit)
        return std::nullopt;
    return h;
}

// -- payloads that the log writes itself -----------------------------------------------------------

/// Ends a group and vouches for it: without its seal a group does not exist.
struct seal {
    position first = 0;        ///< Of the group; the next position if it holds no record.
    std::uint32_t records = 0; ///< In the group.
    std::uint32_t group_bytes =
        0; ///< From the group's first frame to the seal, for reading backward.
    position durable =
        0;              ///< Everything up to here was on disk when the group was built: the proof.
    position front = 0; ///< Positions before this one were trimmed, or may be.
    std::uint64_t written_ms = 0;  ///< Unix time in milliseconds, for people; 0 if unknown.
    std::uint32_t headers_crc = 0; ///< Of the group's frames, in order: see chain_header.
    std::uint64_t digest = 0;      ///< Of all groups up to this one.
    friend bool operator==(seal const&, seal const&) = default;
};

/** The checksum of a group's frames with the frame of `header` (frame_bytes of them) added.
 *
 *  CRC-32C over the last four bytes of each header, which are the checksum of the header. Not over
 *  whole headers: the CRC of bytes that end with their own CRC does not depend on these bytes.
 */
inline std::uint32_t chain_header(std::uint32_t headers_crc, std::byte const* header) noexcept
{
    return crc32c({header + frame_bytes - 4, 4}, headers_crc);
}

/// The digest of a log of which `before` is the digest without its last group.
constexpr std::uint64_t chain_digest(std::uint64_t before, std::uint32_t headers_crc,
                                     position last) noexcept
{
    std::uint64_t z = before ^ ((static_cast<std::uint64_t>(headers_crc) << 32) +
                                last * 0x9e3779b97f4a7c15ULL + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

inline void encode(seal const& s, std::span<std::byte, seal_bytes> to) noexcept
{
    span_writer w(to);
    w.u64(s.first);
    w.u32(s.records);
    w.u32(s.group_bytes);
    w.u64(s.durable);
    w.u64(s.front);
    w.u64(s.written_ms);
    w.u32(s.headers_crc);
    w.u32(0);
    w.u64(s.digest);
    w.u64(0);
}

/// Precondition: the payload has seal_bytes at least.
inline seal decode_seal(std::span<std::byte const> payload) noexcept
{
    byte_reader r(payload);
    seal s;
    s.first = r.u64();
    s.records = r.u32();
    s.group_bytes = r.u32();
    s.durable = r.u64();
    s.front = r.u64();
    s.written_ms = r.u64();
    s.headers_crc = r.u32();
    r.u32();
    s.digest = r.u64();
    return s;
}

/// Why a segment was begun.
enum class link_reason : std::uint32_t {
    created = 1,   ///< The log began here.
    rotated = 2,   ///< The one before was full.
    opened = 3,    ///< The log was opened after a clean close.
    recovered = 4, ///< The log was opened after a crash or with damage.
    truncated = 5, ///< The end of the log was cut off on request.
    continued = 6, ///< A write or sync of the one before failed.
};

/** What came before a segment. It stands in the segment's first group, and the newest link that
 *  can be read decides what the log consists of: `used_bytes` of the segment `sequence`, and what
 *  that segment's own link says. All of that was durable before this was written.
 */
struct link {
    std::uint64_t sequence = 0; ///< 0 if nothing came before.
    std::uint64_t used_bytes =
        0;             ///< Bytes of that segment that count; behind them there may be a footer.
    position last = 0; ///< The last position before this segment.
    std::uint64_t digest = 0; ///< Of all groups that end within used_bytes.
    link_reason reason = link_reason::created; ///< Why the segment was begun.
    friend bool operator==(link const&, link const&) = default;
};

inline void encode(link const& l, std::span<std::byte, link_bytes> to) noexcept
{
    span_writer w(to);
    w.u64(l.sequence);
    w.u64(l.used_bytes);
    w.u64(l.last);
    w.u64(l.digest);
    w.u32(static_cast<std::uint32_t>(l.reason));
    w.zeros(28);
}

/// Precondition: the payload has link_bytes at least.
inline link decode_link(std::span<std::byte const> payload) noexcept
{
    byte_reader r(payload);
    link l;
    l.sequence = r.u64();
    l.used_bytes = r.u64();
    l.last = r.u64();
    l.digest = r.u64();
    l.reason = static_cast<link_reason>(r.u32());
    return l;
}

/// Ends a segment. A footer is durable before the next segment is used.
struct footer {
    position first = 1; ///< Of the segment.
    position last = 0; ///< Likewise.
    std::uint64_t used_bytes = 0; ///< Where this footer's frame begins.
    position durable = 0;         ///< Everything up to here is on disk.
    std::uint64_t digest = 0;     ///< Of the log up to the end of the segment.
    std::uint64_t next_sequence = 0; ///< The segment that follows; 0 after a clean close.
    position front = 0; ///< Earlier positions were trimmed or may be.
    std::uint64_t written_ms = 0; ///< Unix time in milliseconds, for people; 0 if unknown.
    friend bool operator==(footer const&, footer const&) = default;
};

inline void encode(footer const& f, std::span<std::byte, footer_bytes> to) noexcept
{
    span_writer w(to);
    w.u64(f.first);
    w.u64(f.last);
    w.u64(f.used_bytes);
    w.u64(f.durable);
    w.u64(f.digest);
    w.u64(f.next_sequence);
    w.u64(f.front);
    w.u64(f.written_ms);
}

/// Precondition: the payload has footer_bytes at least.
inline footer decode_footer(std::span<std::byte const> payload) noexcept
{
    byte_reader r(payload);
    footer f;
    f.first = r.u64();
    f.last = r.u64();
    f.used_bytes = r.u64();
    f.durable = r.u64();
    f.digest = r.u64();
    f.next_sequence = r.u64();
    f.front = r.u64();
    f.written_ms = r.u64();
    return f;
}

/// Writes the payload of a gap.
inline void encode_gap(position_range lost, std::span<std::byte, gap_bytes> to) noexcept
{
    span_writer w(to);
    w.u64(lost.first);
    w.u64(lost.last);
    w.u64(0);
}

/// Precondition: the payload has gap_bytes at least.
inline position_range decode_gap(std::span<std::byte const> payload) noexcept
{
    byte_reader r(payload);
    auto const first = r.u64();
    return {first, r.u64()};
}

// -- packed groups ---------------------------------------------------------------------------------

/// Begins the payload of a packed frame; the stored bytes follow, and the tag if they are encrypted.
struct packed_header {
    position first = 0;          ///< Of the records in it.
    std::uint32_t records = 0;   ///< At least one.
    std::uint32_t raw_bytes = 0; ///< Of the records when they are unpacked.
    compression_kind compression = compression_kind::none; ///< None if it did not shrink.
    encryption_kind encryption = encryption_kind::none; ///< As the segment says.
    std::array<std::byte, nonce_bytes> nonce{}; ///< Not used twice under one key.
    friend bool operator==(packed_header const&, packed_header const&) = default;
};

inline void encode(packed_header const& h, std::span<std::byte, packed_header_bytes> to) noexcept
{
    span_writer w(to);
    w.u64(h.first);
    w.u32(h.records);
    w.u32(h.raw_bytes);
    w.u8(static_cast<std::uint8_t>(h.compression));
    w.u8(static_cast<std::uint8_t>(h.encryption));
    w.u16(0);
    w.bytes(h.nonce);
}

/// Nothing if the payload is too short or says what it must not.
inline std::optional<packed_header> decode_packed(std::span<std::byte const> payload) noexcept
{
    if (payload.size() < packed_header_bytes)
        return std::nullopt;
    byte_reader r(payload);
    packed_header h;
    h.first = r.u64();
    h.records = r.u32();
    h.raw_bytes = r.u32();
    h.compression = static_cast<compression_kind>(r.u8());
    h.encryption = static_cast<encryption_kind>(r.u8());
    auto const zero = r.u16();
    auto const nonce = r.bytes(nonce_bytes);
    std::copy(nonce.begin(), nonce.end(), h.nonce.begin());
    if (h.records == 0 || h.raw_bytes / packed_record_bytes < h.records || zero != 0 ||
        h.compression > compression_kind::lz4 || h.encryption > encryption_kind::aes_256_gcm)
        return std::nullopt;
    return h;
}

/// What a tag vouches for besides the records: which group of which segment of which log they are.
inline std::array<std::byte, 40 + packed_header_bytes>
associated_bytes(segment_header const& segment, packed_header const& h = {}) noexcept
{
    std::array<std::byte, 40 + packed_header_bytes> out{};
    span_writer w({out.data(), 40});
    w.u64(segment.log.high);
    w.u64(segment.log.low);
    w.u64(segment.sequence);
    w.u64(segment.salt);
    w.u32(segment.key_id);
    w.u32(0);
    encode(h, std::span<std::byte, packed_header_bytes>(out.data() + 40, packed_header_bytes));
    return out;
}

// -- names -----------------------------------------------------------------------------------------

/// Before a segment's number.
inline constexpr std::string_view segment_prefix = "wal-";
/// Behind it.
inline constexpr std::string_view segment_suffix = ".seg";
/// Behind it as long as the segment is being made.
inline constexpr std::string_view unfinished_suffix = ".new";
/// The file that says whose log it is and keeps a second opener out.
inline constexpr std::string_view lock_name = "wal-lock";

/// "wal-00000000000000000007.seg"
inline std::string segment_name(std::uint64_t sequence, std::string_view suffix = segment_suffix)
{
    auto digits = std::to_string(sequence);
    return std::string(segment_prefix) + std::string(20 - digits.size(), '0') + digits +
           std::string(suffix);
}

/// The sequence number in a segment's file name; nothing for other names.
inline std::optional<std::uint64_t> segment_sequence(std::string_view name,
                                                     std::string_view suffix = segment_suffix)
{
    if (name.size() != segment_prefix.size() + 20 + suffix.size() ||
        !name.starts_with(segment_prefix) || !name.ends_with(suffix))
        return std::nullopt;
    std::uint64_t value = 0;
    auto const* digits = name.data() + segment_prefix.size();
    auto const [end, failure] = std::from_chars(digits, digits + 20, value);
    if (failure != std::errc{} || end != digits + 20)
        return std::nullopt;
    return value;
}

} // namespace perdure::wal_format

#endif
