// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_INSPECT_COPYING_HPP
#define PERDURE_EXAMPLES_TOOLS_INSPECT_COPYING_HPP

#include "log_writer.hpp"
#include <perdure/snapshot/lz4.hpp>
#include <perdure/snapshot/reader.hpp>
#include <perdure/snapshot/zstd.hpp>

#include <boost/system/errc.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
        snapshots = snapshots || (!entry.is_directory && entry.name.ends_with(".snap"));
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

/// Copies a file's bytes, durable under a new name in an existing directory.
inline void copy_file(std::string const& from, std::string const& to, error_code& ec)
{
    files fs;
    auto in = fs.open(from, perdure::open_mode::read, ec);
    if (ec)
        return;
    auto out = fs.open(to, perdure::open_mode::create_new, ec);
    std::vector<std::byte> buffer(1 << 20);
    for (std::uint64_t at = 0; !ec;) {
        auto const n = in.read_at(at, buffer, ec);
        if (ec || n == 0)
            break;
        out.write_at(at, std::span(buffer).first(n), ec);
        at += n;
    }
    if (!ec)
        out.sync(perdure::sync_mode::all, ec);
}

// -- snapshots -------------------------------------------------------------------------------------

struct found_snapshot {
    std::string name;
    std::uint64_t bytes = 0;
    perdure::snapshot_info info;
    error_code error;
};

/// Reads and checks every snapshot, newest first, with the packs that it shares chunks with.
inline std::vector<found_snapshot> check_snapshots(std::string const& directory, error_code& ec)
{
    struct object {
        files::file file;
        std::uint64_t size(error_code& e) { return file.size(e); }
        std::size_t read_at(std::uint64_t at, std::span<std::byte> to, error_code& e)
        {
            return file.read_at(at, to, e);
        }
    };
    files fs;
    std::vector<found_snapshot> all;
    perdure::compressor const known[] = {perdure::lz4_compression(), perdure::zstd_compression()};
    for (auto const& entry : fs.list(directory, ec)) {
        if (entry.is_directory || !entry.name.ends_with(".snap"))
            continue;
        found_snapshot s{entry.name, entry.size, {}, {}};
        object o{fs.open(directory + '/' + entry.name, perdure::open_mode::read, s.error)};
        std::unique_ptr<object> pack;
        std::uint64_t pack_id = 0;
        auto const find_pack = [&](std::uint64_t id, error_code& e) -> object* {
            auto digits = std::to_string(id);
            if (!pack || pack_id != id)
                pack = std::make_unique<object>(
                    object{fs.open(directory + "/snapshot-" + std::string(20 - digits.size(), '0') +
                                       digits + ".pack",
                                   perdure::open_mode::read, e)});
            pack_id = id;
            return pack.get();
        };
        if (!s.error)
            s.info = perdure::read_snapshot(o, known, find_pack, s.error).info();
        all.insert(all.begin(), std::move(s));
    }
    return all;
}

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

/** Writes a log anew into an empty directory, positions kept. The source may be in use: what is
 *  appended meanwhile is not copied, and if a trim takes a file away, the copy begins again.
 */
inline copied_log copy_log(std::string const& from, std::string const& to, copy_range const& range,
                           perdure::recovery_mode mode)
{
    using namespace perdure;
    for (int attempt = 0;; ++attempt) {
        copied_log c;
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
        bool const vanished = c.error == boost::system::errc::no_such_file_or_directory;
        if (!vanished || attempt == 3)
            return c;
        std::filesystem::remove_all(to);
        files().create_directories(to, c.error);
    }
}

} // namespace inspect

#endif
