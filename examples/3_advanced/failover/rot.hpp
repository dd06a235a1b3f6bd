// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_ROT_HPP
#define FAILOVER_ROT_HPP

#include <perdure/snapshot/format.hpp>
#include <perdure/wal/format.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

// Damage to a log, for the faults of the demonstration and of its simulation.

namespace failover {

/// A process's files by their paths.
using stored_files = std::map<std::string, std::vector<std::byte>>;

struct byte_of_file {
    std::string path;
    std::size_t offset = 0;
};

/** A byte of a record that no snapshot holds and that was on disk long ago: at least `back` others came after it.
 *
 *  Of those the oldest; nothing if there is none.
 */
inline std::optional<byte_of_file> cold_record(stored_files const& files, std::size_t back)
{
    namespace log = perdure::wal_format;
    perdure::position snapshot = 1; // The first record that the newest one does not hold.
    std::map<perdure::position, byte_of_file> records;
    for (auto const& [path, bytes] : files) {
        if (path.ends_with(".snap")) {
            std::size_t size = 0;
            perdure::error_code ec;
            auto const header = perdure::snapshot_format::decode_header(bytes, size, ec);
            if (!ec)
                snapshot = std::max(snapshot, header.position);
        } else if (path.ends_with(".seg")) {
            for (auto at = log::page_bytes; at + log::frame_bytes < bytes.size();) {
                auto const frame = log::decode_frame(bytes.data() + at);
                if (frame && frame->type == log::frame_type::record)
                    records[frame->at] = {path, at + log::frame_bytes};
                at += frame ? frame->frame_size() : 8;
            }
        }
    }
    auto const oldest = records.lower_bound(snapshot);
    if (static_cast<std::size_t>(std::distance(oldest, records.end())) <= back)
        return std::nullopt;
    return oldest->second;
}

/// Flips a bit of such a record in a directory whose process is down. False if there is none.
inline bool damage_log(std::filesystem::path const& directory, std::size_t back)
{
    stored_files files;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(directory))
        if (entry.is_regular_file()) {
            auto& bytes = files[entry.path().string()];
            bytes.resize(entry.file_size());
            std::ifstream(entry.path(), std::ios::binary)
                .read(reinterpret_cast<char*>(bytes.data()),
                      static_cast<std::streamsize>(bytes.size()));
        }
    auto const at = cold_record(files, back);
    if (!at)
        return false;
    std::fstream file(at->path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at->offset));
    file.put(static_cast<char>(files[at->path][at->offset] ^ std::byte{1}));
    return file.good();
}

} // namespace failover

#endif
