// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_HEARTBEAT_CODEC_HPP
#define PERDURE_DETECTOR_HEARTBEAT_CODEC_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/crc32c.hpp>
#include <perdure/detector/authentication.hpp>
#include <perdure/detector/heartbeat.hpp>
#include <perdure/error.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace perdure {

/* Version 1.0 of the message, little-endian (docs/protocols/heartbeat.md):
 *
 *    0  4  magic "pdhb"             32  8  sequence number
 *    4  1  major version            40  4  promised interval, microseconds
 *    5  1  minor version            44  2  size F of the fields
 *    6  1  flags: 1 leaving         46  2  zero
 *    7  1  size T of the tag        48  F  fields: 2 type, 2 size, then as many bytes
 *    8  8  cluster                  ..  T  tag over all that stands before it
 *   16  8  node                     ..  4  CRC-32C over all that stands before it
 *   24  8  boot
 */
namespace detail::heartbeat_format {
inline constexpr std::uint32_t magic = 0x62686470; // "pdhb"
inline constexpr std::uint8_t major = 1;
inline constexpr std::uint8_t minor = 0;
inline constexpr std::uint8_t flag_leaving = 1;
inline constexpr std::uint16_t field_progress = 1;
inline constexpr std::size_t header_size = 48;
inline constexpr std::size_t checksum_size = 4;
} // namespace detail::heartbeat_format

/// The longest message that is read; a longer one is refused unread. It fits an Ethernet frame.
inline constexpr std::size_t heartbeat_size_max = 1200;

/// The longest message that this version writes.
inline constexpr std::size_t heartbeat_size_written_max = 48 + 20 + tag_size_max + 4;

/** Writes a heartbeat, signed with the first key.
 *
 *  @param to  room for the message; heartbeat_size_written_max bytes always suffice.
 *  @returns   the bytes of the message.
 *  @par Preconditions  the interval is at least 0; one above 2^32 - 1 microseconds is
 *                      written as that.
 */
inline std::span<std::byte const> encode_heartbeat(heartbeat const& h, authentication const& keys,
                                                   std::span<std::byte> to)
{
    namespace format = detail::heartbeat_format;
    assert(h.interval.count() >= 0);
    auto const interval =
        std::min<std::int64_t>(h.interval.count(), std::numeric_limits<std::uint32_t>::max());
    span_writer out(to);
    out.u32(format::magic);
    out.u8(format::major);
    out.u8(format::minor);
    out.u8(h.leaving ? format::flag_leaving : 0);
    out.u8(static_cast<std::uint8_t>(keys.tag_size()));
    out.u64(h.cluster);
    out.u64(h.node);
    out.u64(h.boot);
    out.u64(h.sequence);
    out.u32(static_cast<std::uint32_t>(interval));
    out.u16(h.progress ? 20 : 0);
    out.u16(0);
    if (h.progress) {
        out.u16(format::field_progress);
        out.u16(16);
        out.u64(h.progress->done);
        out.u64(h.progress->pending);
    }
    std::array<std::byte, tag_size_max> tag;
    auto const used = std::span(tag).first(keys.tag_size());
    keys.sign(out.written(), used);
    out.bytes(used);
    out.u32(crc32c(out.written()));
    assert(out.ok());
    return out.written();
}

/** Reads a heartbeat and believes it only after checksum, tag and form are checked, in this order.
 *
 *  Never throws, allocates nothing, reads no byte outside `from`.
 *
 *  @param ec  success, or why nothing of the message is to be believed: `errc::truncated`,
 *             `too_large`, `bad_magic`, `unsupported_version`, `checksum_mismatch`,
 *             `not_authentic`, `malformed`.
 *  @returns   the heartbeat; an empty one if `ec` is set.
 */
inline heartbeat decode_heartbeat(std::span<std::byte const> from, authentication const& keys,
                                  error_code& ec)
{
    namespace format = detail::heartbeat_format;
    auto const refuse = [&](errc why) {
        ec = why;
        return heartbeat{};
    };
    if (from.size() > heartbeat_size_max)
        return refuse(errc::too_large);
    if (from.size() < format::header_size + format::checksum_size)
        return refuse(errc::truncated);

    // A later major version may keep its checksum elsewhere, so the version comes before it.
    byte_reader in(from);
    if (in.u32() != format::magic)
        return refuse(errc::bad_magic);
    if (in.u8() != format::major)
        return refuse(errc::unsupported_version);
    auto const content = from.first(from.size() - format::checksum_size);
    if (load_little<std::uint32_t>(from.data() + content.size()) != crc32c(content))
        return refuse(errc::checksum_mismatch);

    // What a newer minor version adds is skipped; in our own there is nothing to skip.
    bool const newer = in.u8() > format::minor;
    auto const flags = in.u8();
    std::size_t const tag_size = in.u8();
    heartbeat h;
    h.cluster = in.u64();
    h.node = in.u64();
    h.boot = in.u64();
    h.sequence = in.u64();
    h.interval = std::chrono::microseconds(in.u32());
    std::size_t const fields_size = in.u16();
    auto const zero = in.u16();
    if (content.size() != format::header_size + fields_size + tag_size)
        return refuse(errc::malformed);
    auto const signed_part = content.first(format::header_size + fields_size);
    if (!keys.verify(signed_part, content.last(tag_size)))
        return refuse(errc::not_authentic);
    if (!newer && ((flags & ~format::flag_leaving) != 0 || zero != 0))
        return refuse(errc::malformed);
    h.leaving = (flags & format::flag_leaving) != 0;

    byte_reader fields(in.bytes(fields_size));
    while (fields.ok() && !fields.finished()) {
        auto const type = fields.u16();
        std::size_t const size = fields.u16();
        byte_reader field(fields.bytes(size));
        if (type == format::field_progress && !h.progress) {
            work_progress progress;
            progress.done = field.u64();
            progress.pending = field.u64();
            h.progress = progress;
            if (!field.ok() || (!newer && !field.finished()))
                fields.fail();
        } else if (!newer || type == format::field_progress) {
            fields.fail();
        }
    }
    if (!fields.ok())
        return refuse(errc::malformed);
    ec = {};
    return h;
}

} // namespace perdure

#endif
