// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_OPTIONS_HPP
#define PERDURE_SNAPSHOT_OPTIONS_HPP

#include <perdure/snapshot/compression.hpp>
#include <perdure/snapshot/format.hpp>
#include <perdure/snapshot/incremental_writer.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace perdure {

/// What a store or a file of snapshots is about.
struct snapshot_options {
    /** Which kind of state, in the user's words: "accounts". At most 63 bytes.
     *
     *  A snapshot of another type is refused with errc::wrong_type. Empty: nothing is recorded and any is read.
     */
    std::string type{};

    /// The version of that kind; recorded and returned, for people and for upgrades. Nothing is refused by it.
    std::uint32_t schema_version = 0;

    /** The log that positions count in (basic_wal::id). A snapshot of another log is refused with errc::wrong_log; one that
     *  names none is read.
     *
     *  Zero: none, and any is read.
     */
    hash128 log_id{};

    /// Good snapshots that are kept; at least 2, so that one bad one costs nothing. One that the store has passed over in
    /// a load is not counted, and stays as long as an older good one does.
    std::uint32_t generations = 2;

    /** Loads that ended the process after which a snapshot is put aside, 1 or more: a mark is made before the user's
     *  type sees a byte, and removed when it returns or throws.
     */
    std::uint32_t load_attempts = 2;

    /// How chunks are compressed when saving; not at all by default.
    compressor compression{};

    /// Further ways to decompress when loading; `compression` is always among them.
    std::vector<compressor> decompressors{};

    /// Snapshots share the chunks that did not change. Loading reads both kinds whatever this says.
    incremental_options incremental{};
};

namespace detail {

inline bool same_log(snapshot_options const& o, snapshot_header const& h) noexcept
{
    return o.log_id == hash128{} || h.log_id == hash128{} || h.log_id == o.log_id;
}

} // namespace detail

/// @throws std::invalid_argument naming field, value and rule.
inline void check(snapshot_options const& o)
{
    if (o.type.size() > snapshot_format::type_size_max)
        throw std::invalid_argument("snapshot_options.type is '" + o.type + "' with " +
                                    std::to_string(o.type.size()) +
                                    " bytes; at most 63 are allowed");
    if (o.generations < 2)
        throw std::invalid_argument(
            "snapshot_options.generations is " + std::to_string(o.generations) +
            "; at least 2 must be kept, so that one bad snapshot loses nothing");
    if (o.load_attempts == 0)
        throw std::invalid_argument(
            "snapshot_options.load_attempts is 0; at least 1 is needed to load anything");
    auto const size = o.incremental.chunk_size;
    if (size < 4096 || size > 256 * 1024 || (size & (size - 1)) != 0)
        throw std::invalid_argument("snapshot_options.incremental.chunk_size is " +
                                    std::to_string(size) +
                                    "; it must be a power of two from 4096 to 262144");
}

} // namespace perdure

#endif
