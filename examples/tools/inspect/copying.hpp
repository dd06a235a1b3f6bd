// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_INSPECT_COPYING_HPP
#define PERDURE_EXAMPLES_TOOLS_INSPECT_COPYING_HPP

#include "log_writer.hpp"
#include "snapshots.hpp"

#include <boost/system/errc.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace inspect {

/// Where things are: `directory` may be a log, a snapshot store, or hold both as durable<> keeps them.
struct places {
    std::optional<std::string> log;
    std::optional<std::string> snapshots;
};

inline places find_places(std::string const& directory, error_code& ec)
{
    files fs;
    places p;
    bool log = false, snapshots = false;
    for (auto const& entry : fs.list(directory, ec)) {
        log = log || perdure::wal_format::segment_sequence(entry.name) ||
              entry.name == perdure::wal_format::lock_name;
        snapshots = snapshots || is_snapshot(entry);
        if (entry.is_directory && entry.name == "log")
            p.log = directory + "/log";
        if (entry.is_directory && entry.name == "snapshots")
            p.snapshots = directory + "/snapshots";
    }
    if (log)
        p.log = directory;
    if (snapshots)
        p.snapshots = directory;
    return p;
}

/// A new directory that gets its name when everything in it is complete and durable.
class new_directory {
public:
    new_directory(std::string path, error_code& ec) : path_(std::move(path))
    {
        if (std::filesystem::exists(path_))
            ec = boost::system::errc::make_error_code(boost::system::errc::file_exists);
        else
            std::filesystem::remove_all(temporary()), files_.create_directories(temporary(), ec);
    }
    std::string temporary() const { return path_ + ".unfinished"; }
    std::string make(std::string const& name, error_code& ec)
    {
        auto const path = name.empty() ? temporary() : temporary() + '/' + name;
        files_.create_directories(path, ec);
        return path;
    }
    void publish(error_code& ec)
    {
        files_.sync_directory(temporary(), ec);
        if (!ec)
            files_.rename(temporary(), path_, perdure::rename_mode::no_replace, ec);
        auto const parent = std::filesystem::path(path_).parent_path().string();
        if (!ec)
            files_.sync_directory(parent.empty() ? "." : parent, ec);
    }

private:
    files files_;
    std::string path_;
};

// -- logs ------------------------------------------------------------------------------------------

/// What of a log is wanted in a copy.
struct copy_range {
    position last = perdure::wal_format::position_limit;
    std::uint64_t time_ms = 0; ///< Nothing written after; 0: no bound.
    /// Of the copy.
    std::optional<perdure::wal_format::checksum_kind> checksum;
    std::uint64_t segment_bytes = 64u << 20;
};

struct copied_log {
    perdure::recovered_log source;
    std::uint64_t records = 0;
    perdure::position_range positions;
    std::uint64_t last_written_ms = 0;
    error_code error;
};

/// Removes the segments from a copy, and nothing else: snapshots may lie beside them.
inline void remove_log(std::string const& directory, error_code& ec)
{
    files fs;
    for (auto const& entry : fs.list(directory, ec))
        if (!ec && perdure::wal_format::segment_sequence(entry.name))
            fs.remove(directory + '/' + entry.name, ec);
}

/** Writes a log anew into a directory, positions kept; a log that is there is replaced. The source may be in use:
 *  what is appended meanwhile is not copied, and if a trim takes a file away, the copy begins again.
 */
inline copied_log copy_log(std::string const& from, std::string const& to, copy_range const& range,
                           perdure::recovery_mode mode)
{
    using namespace perdure;
    for (int attempt = 1;; ++attempt) {
        copied_log c;
        remove_log(to, c.error);
        if (c.error)
            return c;
        log_directory source(from);
        // Judged first, so that the copy has the log's identity and begins where the log does.
        c.source = judge_log(source, mode);
        c.error = c.source.error;
        if (!c.error) {
            log_writer::options o;
            o.segment_bytes = range.segment_bytes;
            o.record_bytes_max = std::max(c.source.record_bytes_max, 1u);
            o.checksum = range.checksum.value_or(c.source.chain.empty()
                                                     ? wal_format::checksum_kind::crc32c
                                                     : c.source.chain.back().header.checksum);
            log_writer out(to, c.source.log, c.source.front, o, c.error);
            position const first = c.source.front;
            position last = first - 1;
            bool ended = false;
            auto const again = read_log(
                source, mode,
                [&](position p, std::span<std::byte const> bytes, std::uint64_t ms) {
                    ended = ended || p > range.last || (range.time_ms != 0 && ms > range.time_ms);
                    if (ended || c.error)
                        return;
                    out.record(p, bytes, ms, c.error);
                    last = p;
                    c.last_written_ms = std::max(c.last_written_ms, ms);
                },
                [](position_range) {});
            if (!c.error)
                c.error = again.error;
            if (!c.error)
                out.finish(c.error);
            c.records = out.records();
            c.positions = {first, last};
        }
        if (!is_gone(c.error) || attempt == attempts_max)
            return c;
    }
}

} // namespace inspect

#endif
