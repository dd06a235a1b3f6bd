// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DAMAGE_HPP
#define PERDURE_WAL_DAMAGE_HPP

#include <perdure/error.hpp>

#include <cstdint>
#include <string_view>

namespace perdure {

/// Why bytes of a log were not believed.
enum class wal_damage : std::uint8_t {
    none,
    ends_inside,    ///< The file ends inside a frame or group.
    blank,          ///< Zeros where a frame should begin.
    frame_header,   ///< A frame's header does not have its checksum.
    foreign_frame,  ///< A frame belongs to another segment.
    too_large,      ///< A length exceeds its bound.
    payload,        ///< A payload does not have its checksum, or its padding is not zero.
    order,          ///< A frame is not the next one: position or index do not follow.
    seal,           ///< A seal does not fit the group before it, or the log before that.
    footer,         ///< A footer does not fit its segment.
    link,           ///< A segment does not continue the one before it.
    segment_header, ///< Both copies of a segment's header are bad, or belong to another segment.
    shortened,      ///< A file is shorter than it was when it was put into use.
    missing,        ///< A segment is not there.
    packed,         ///< Packed records do not fit their group, or cannot be unpacked.
};

/// In a few words, for people.
constexpr std::string_view to_string(wal_damage d) noexcept
{
    switch (d) {
    case wal_damage::none:
        return "no damage";
    case wal_damage::ends_inside:
        return "the file ends inside a group";
    case wal_damage::blank:
        return "zeros where a frame should begin";
    case wal_damage::frame_header:
        return "a frame header fails its checksum";
    case wal_damage::foreign_frame:
        return "a frame belongs to another segment";
    case wal_damage::too_large:
        return "a length exceeds its bound";
    case wal_damage::payload:
        return "a payload fails its checksum";
    case wal_damage::order:
        return "a frame is out of order";
    case wal_damage::seal:
        return "a seal does not fit its group";
    case wal_damage::footer:
        return "a footer does not fit its segment";
    case wal_damage::link:
        return "a segment does not continue the one before it";
    case wal_damage::segment_header:
        return "a segment header is unreadable";
    case wal_damage::shortened:
        return "the file was shortened";
    case wal_damage::missing:
        return "a segment is missing";
    case wal_damage::packed:
        return "packed records cannot be unpacked";
    }
    return "unknown damage";
}

/// The error that tells of a damage by which nothing acknowledged was proven to be lost.
inline error_code to_error(wal_damage d) noexcept
{
    switch (d) {
    case wal_damage::none:
        return {};
    case wal_damage::ends_inside:
    case wal_damage::shortened:
        return errc::truncated;
    case wal_damage::too_large:
        return errc::too_large;
    case wal_damage::blank:
    case wal_damage::frame_header:
    case wal_damage::payload:
    case wal_damage::segment_header:
        return errc::checksum_mismatch;
    case wal_damage::missing:
        return errc::segment_missing;
    default:
        return errc::malformed;
    }
}

} // namespace perdure

#endif
