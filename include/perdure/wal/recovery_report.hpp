// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_RECOVERY_REPORT_HPP
#define PERDURE_WAL_RECOVERY_REPORT_HPP

#include <perdure/wal/damage.hpp>
#include <perdure/wal/position.hpp>

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

/// What opening a log does about bytes that it cannot believe.
enum class recovery_mode : std::uint8_t {
    /// Any of them fails the opening, also those of a write that a crash cut short.
    strict,
    /// What a crash can leave behind is dropped and reported; anything else fails the opening.
    tail,
    /// The log ends before the first of them, whatever was lost; the opening succeeds.
    point_in_time,
    /// They are skipped, and everything intact is kept; the opening succeeds.
    salvage,
};

/// The enumerator's name.
constexpr std::string_view to_string(recovery_mode m) noexcept
{
    switch (m) {
    case recovery_mode::strict:
        return "strict";
    case recovery_mode::tail:
        return "tail";
    case recovery_mode::point_in_time:
        return "point in time";
    case recovery_mode::salvage:
        return "salvage";
    }
    return "unknown mode";
}

/// What opening a log came to.
enum class recovery_outcome : std::uint8_t {
    created,   ///< There was no log; an empty one was made.
    clean,     ///< The log had been closed; nothing was to be recovered.
    recovered, ///< The log had not been closed; nothing was lost.
    torn_tail, ///< The last write before a crash was incomplete and was dropped; no proof that it was acknowledged.
    damaged,   ///< The log was opened without the lost positions, as the mode allows.
    refused,   ///< The log was not opened and not changed.
};

constexpr std::string_view to_string(recovery_outcome o) noexcept
{
    switch (o) {
    case recovery_outcome::created:
        return "created";
    case recovery_outcome::clean:
        return "clean";
    case recovery_outcome::recovered:
        return "recovered";
    case recovery_outcome::torn_tail:
        return "torn tail dropped";
    case recovery_outcome::damaged:
        return "opened with losses";
    case recovery_outcome::refused:
        return "refused";
    }
    return "unknown outcome";
}

/// What shows that a damage is none that a crash leaves behind.
enum class recovery_proof : std::uint8_t {
    none,        ///< Nothing: a crash explains it.
    later_seal,  ///< A later seal, footer or link says that the lost positions were durable.
    short_file,  ///< The file is shorter than it was before it was used.
    lost_header, ///< A header that was durable before the file was used is unreadable.
    lost_file,   ///< A segment that was durable before it was named elsewhere is not there.
};

constexpr std::string_view to_string(recovery_proof p) noexcept
{
    switch (p) {
    case recovery_proof::none:
        return "no proof of a loss";
    case recovery_proof::later_seal:
        return "something written later says that it was durable";
    case recovery_proof::short_file:
        return "the file was longer before it was used";
    case recovery_proof::lost_header:
        return "the header was durable before the file was used";
    case recovery_proof::lost_file:
        return "the file was durable before it was referred to";
    }
    return "unknown proof";
}

/** What was found when a log was opened, and what was done about it.
 *
 *  A value for programs; to_string() and << print it for people on one line.
 */
struct recovery_report {
    recovery_mode mode = recovery_mode::tail; ///< In which it was opened.
    recovery_outcome outcome = recovery_outcome::refused; ///< What became of it.

    std::uint64_t segments = 0; ///< Files that belong to the log.
    position_range recovered;   ///< What can be read from now on.
    position durable = 0; ///< Proven to have been on disk before; later ones were written again.

    std::uint64_t bytes_lost = 0; ///< Dropped or unreadable bytes, without preallocated zeros.
    std::vector<position_range>
        lost; ///< Positions that were durable, or may have been, and cannot be read.

    wal_damage reason = wal_damage::none; ///< The first damage.
    recovery_proof proof = recovery_proof::none; ///< Whether acknowledged data was lost for certain.
    std::string segment;        ///< The file with the first damage.
    std::uint64_t offset = 0;   ///< Where in that file.
    std::string proof_segment;  ///< The file with the proof.
    position proof_durable = 0; ///< Up to where the proof says that the log was durable.

    std::vector<std::string> set_aside; ///< Files that were renamed and left for inspection.
    std::string detail;                 ///< For people: the owner of a locked log, a file's error.

    /// How many positions are in `lost`.
    std::uint64_t positions_lost() const noexcept
    {
        std::uint64_t n = 0;
        for (auto const& range : lost)
            n += range.count();
        return n;
    }

    /// What to do next, in plain words.
    std::string_view suggestion() const noexcept
    {
        if (outcome == recovery_outcome::damaged)
            return "fetch the lost positions from another copy";
        if (outcome != recovery_outcome::refused || reason == wal_damage::none)
            return "nothing to do";
        if (proof == recovery_proof::none)
            return "open in mode tail, which drops what a crash cut short";
        return "restore the log from another copy, or open it in mode point_in_time or salvage";
    }

    friend bool operator==(recovery_report const&, recovery_report const&) = default;
};

inline std::string to_string(position_range r)
{
    if (r.empty())
        return "none";
    return r.first == r.last ? std::to_string(r.first)
                             : std::to_string(r.first) + ".." + std::to_string(r.last);
}

namespace detail {

/// "1 byte", "2 bytes".
inline std::string counted(std::uint64_t n, std::string_view what)
{
    return std::to_string(n) + ' ' + std::string(what) + (n == 1 ? "" : "s");
}

/// "positions none", "position 5", "positions 5..7".
inline std::string counted(position_range r)
{
    if (r.empty())
        return "positions none";
    return (r.first == r.last ? "position " : "positions ") + to_string(r);
}

} // namespace detail

/// On one line, for people.
inline std::string to_string(recovery_report const& r)
{
    std::string out(to_string(r.outcome));
    out += " (mode " + std::string(to_string(r.mode)) + "): ";
    out += detail::counted(r.segments, "segment") + ", " + detail::counted(r.recovered);
    if (r.reason != wal_damage::none) {
        out += "; " + std::string(to_string(r.reason));
        if (!r.segment.empty())
            out += " in " + r.segment + " at byte " + std::to_string(r.offset);
        out += ", " + std::string(to_string(r.proof));
        if (!r.proof_segment.empty())
            out +=
                " (" + r.proof_segment + ", durable up to " + std::to_string(r.proof_durable) + ")";
    }
    if (r.bytes_lost != 0)
        out += "; lost " + detail::counted(r.bytes_lost, "byte");
    if (!r.lost.empty()) {
        out += r.positions_lost() == 1 ? "; lost position" : "; lost positions";
        std::size_t shown = 0;
        for (auto const& range : r.lost) {
            if (shown++ == 8) {
                out += " and " + std::to_string(r.lost.size() - 8) + " more ranges";
                break;
            }
            out += " " + to_string(range);
        }
    }
    if (!r.detail.empty())
        out += "; " + r.detail;
    if (r.outcome == recovery_outcome::damaged ||
        (r.outcome == recovery_outcome::refused && r.reason != wal_damage::none))
        out += "; " + std::string(r.suggestion());
    return out;
}

inline std::ostream& operator<<(std::ostream& out, recovery_report const& r)
{
    return out << to_string(r);
}

} // namespace perdure

#endif
