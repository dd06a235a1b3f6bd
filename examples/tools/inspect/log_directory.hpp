// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_INSPECT_LOG_DIRECTORY_HPP
#define PERDURE_EXAMPLES_TOOLS_INSPECT_LOG_DIRECTORY_HPP

#include <perdure/wal/log_reader.hpp>
#include <perdure/wal/lz4.hpp>
#include <perdure/wal/recovery.hpp>
#include <perdure/world/posix_files.hpp>

#include <string>
#include <utility>
#include <vector>

namespace inspect {

using perdure::error_code;
using perdure::position;
using files = perdure::posix_files<>;

/// The segments of a log in a directory, for reading only: nothing is locked, synced or changed.
class log_directory {
public:
    explicit log_directory(std::string path) : path_(std::move(path)) {}

    void load(error_code& ec)
    {
        segments_.clear();
        for (auto const& entry : files_.list(path_, ec))
            if (auto const n = perdure::wal_format::segment_sequence(entry.name);
                n && *n != 0 && !entry.is_directory)
                segments_.push_back({*n, entry.size});
    }

    std::string const& path() const { return path_; }
    std::string path_of(std::uint64_t sequence) const
    {
        return path_ + '/' + perdure::wal_format::segment_name(sequence);
    }

    // A segment source.
    std::vector<perdure::stored_segment> const& segments() const { return segments_; }
    std::size_t read(std::uint64_t sequence, std::uint64_t at, std::span<std::byte> to,
                     error_code& ec)
    {
        if (!file_.is_open() || open_ != sequence) {
            file_ = files_.open(path_of(sequence), perdure::open_mode::read, ec);
            if (ec)
                return 0;
            open_ = sequence;
        }
        return file_.read_at(at, to, ec);
    }

private:
    files files_;
    std::string path_;
    std::vector<perdure::stored_segment> segments_;
    files::file file_;
    std::uint64_t open_ = 0;
};

/// What this tool can unpack. It has no keys.
inline perdure::log_packing packing()
{
    perdure::log_packing p;
    p.compression = perdure::lz4_groups();
    return p;
}

/** Judges a log as opening it in `mode` would, with every byte read, and passes what could be read:
 *  `record(position, bytes, Unix milliseconds or 0)` and `gap(range)`, in order. Changes nothing.
 */
template <class Record, class Gap>
perdure::recovered_log read_log(log_directory& source, perdure::recovery_mode mode, Record&& record,
                                Gap&& gap)
{
    using namespace perdure;
    error_code ec;
    source.load(ec);
    recovered_log log;
    if (ec) {
        log.error = ec;
        return log;
    }
    recovery_options options;
    options.mode = mode;
    options.verify_everything = true;
    options.packing = packing();
    log_recovery<log_directory> recovery(source, options);
    log = recovery.run();
    if (log.error)
        return log;
    // What opening would leave where it is, and then what it would write again.
    position next = log.front;
    std::uint64_t written = 0;
    auto const pass = [&](position p, std::span<std::byte const> bytes) {
        if (p < log.front)
            return;
        if (p > next)
            gap(position_range{next, p - 1});
        record(p, bytes, written);
        next = p + 1;
    };
    log_reader reader(log.chain, log.front, options.packing);
    while (reader.advance(source, ec))
        for (auto const& group : reader.groups()) {
            written = group.seal.written_ms;
            for_each_record(group, pass);
        }
    if (!ec)
        recovery.for_each_rewritten(
            pass, [](position_range) {}, ec);
    if (!ec && log.last != position(-1) && next <= log.last)
        gap(position_range{next, log.last});
    log.error = ec;
    return log;
}

inline perdure::recovered_log judge_log(log_directory& source, perdure::recovery_mode mode)
{
    return read_log(
        source, mode, [](position, std::span<std::byte const>, std::uint64_t) {},
        [](perdure::position_range) {});
}

} // namespace inspect

#endif
