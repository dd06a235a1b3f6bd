// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_REPORT_HPP
#define PERDURE_SNAPSHOT_REPORT_HPP

#include <perdure/snapshot/format.hpp>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace perdure {

/// One snapshot of a store.
struct snapshot_info {
    std::uint64_t id =
        0; ///< Grows with each save of a store and is never used again; 0 if there is none.
    std::uint64_t position =
        0;                  ///< The state includes every record of the log before this position.
    std::uint64_t size = 0; ///< Of the file, in bytes.
    std::uint64_t raw_size = 0; ///< Of the encoded state, in bytes.
    /// Of the file, shared ones too.
    std::uint32_t chunks = 0;
    /// As snapshot_options::type when it was saved.
    std::string type;
    /// As snapshot_options::schema_version when it was saved.
    std::uint32_t schema_version = 0;
    /// The id of its codec.
    std::uint32_t codec = 0;
    /// Of what the codec wrote.
    std::uint32_t codec_version = 0;
    /// The log in which `position` counts; zero if none was named.
    hash128 log_id{};
    hash128 digest{}; ///< Of the whole content: equal for equal bytes and header.

    friend bool operator==(snapshot_info const&, snapshot_info const&) = default;
};

/// What a snapshot file of `size` bytes says of itself.
inline snapshot_info describe(snapshot_header const& header, snapshot_format::footer const& footer,
                              std::uint64_t size)
{
    return {
        header.id,    header.position,       size,         footer.raw_total,     footer.chunk_count,
        header.type,  header.schema_version, header.codec, header.codec_version, header.log_id,
        footer.digest};
}

/// Why a snapshot was passed over.
struct passed_over {
    /// Of the snapshot.
    std::uint64_t id = 0;
    error_code reason; ///< A code of condition::corruption, or errc::cannot_decode.
    bool put_aside =
        false; ///< Renamed, so that no later load meets it. Otherwise it is tried again next time.
    bool crashed_before =
        false; ///< Earlier loads began and did not end: the snapshot is suspected of it.

    friend bool operator==(passed_over const&, passed_over const&) = default;
};

/// What a load met on its way to the newest good snapshot.
struct snapshot_report {
    std::uint32_t candidates =
        0; ///< Snapshots that were there, not counting those put aside earlier.
    std::uint32_t aside_before = 0;  ///< Put aside by earlier loads.
    std::vector<passed_over> passed; ///< Newest first; empty if the newest one was loaded.

    /// The newest snapshot was not the one that was loaded: the log is needed from an older position.
    bool fell_back() const noexcept { return !passed.empty(); }

    friend bool operator==(snapshot_report const&, snapshot_report const&) = default;
};

/// On one line, for people.
inline std::ostream& operator<<(std::ostream& os, snapshot_info const& s)
{
    return os << "snapshot " << s.id << " at position " << s.position << ": " << s.raw_size
              << " bytes in " << s.chunks << (s.chunks == 1 ? " chunk, " : " chunks, ") << s.size
              << " on disk";
}

inline std::ostream& operator<<(std::ostream& os, snapshot_report const& r)
{
    os << r.candidates << (r.candidates == 1 ? " snapshot, " : " snapshots, ") << r.passed.size() << " passed over";
    for (auto const& p : r.passed) {
        os << "; " << p.id << ": "
           << (p.crashed_before ? "earlier loads did not end" : p.reason.message());
        if (p.put_aside)
            os << ", put aside";
    }
    if (r.aside_before != 0)
        os << "; " << r.aside_before << " put aside earlier";
    return os;
}

/// What loading gives: the value if there is one, and always the report.
template <class T>
struct loaded_snapshot {
    /// Empty if none could be loaded.
    std::optional<T> value;
    snapshot_info info; ///< Of the value.
    /// What was met on the way.
    snapshot_report report;
};

} // namespace perdure

#endif
