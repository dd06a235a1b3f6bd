// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_INSPECT_LOG_DIRECTORY_HPP
#define PERDURE_EXAMPLES_TOOLS_INSPECT_LOG_DIRECTORY_HPP

#include <perdure/wal/log_reader.hpp>
#include <perdure/wal/lz4.hpp>
#include <perdure/wal/recovery.hpp>
#include <perdure/world/posix_files.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace inspect {

using perdure::error_code;
using perdure::position;
using files = perdure::posix_files<>;

/// How often reading or copying begins at most, because a file was taken away.
inline constexpr int attempts_max = 4;

inline bool is_gone(error_code const& ec)
{
    return ec == boost::system::errc::no_such_file_or_directory;
}

/** The segments of a log in a directory, for reading only: nothing is locked, synced or changed.
 *
 *  The log may be in use. What is read is the log as it was at one moment, load(): what was appended since is hidden,
 *  because an end that is read before, and what was written behind it after, would look like a loss in between.
 */
class log_directory {
public:
    explicit log_directory(std::string path) : path_(std::move(path)) {}

    /// Again: no effect.
    void load(error_code& ec)
    {
        ec = {};
        if (!std::exchange(loaded_, true))
            reload(ec);
    }
    void reload(error_code& ec)
    {
        auto now = look(ec);
        segments_ = std::move(now.segments);
        written_ = std::move(now.written);
        file_ = {};
    }
    /// Stays at the moment that is loaded.
    void settle() { settled_ = true; }
    /// Whether it is not settled and somebody wrote since it was loaded.
    bool changed()
    {
        error_code ec;
        if (settled_)
            return false;
        auto const now = look(ec);
        return ec || now.segments != segments_ || now.written != written_;
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
        auto const n = file_.read_at(at, to, ec);
        auto const known = written_.find(sequence);
        std::uint64_t const written = known == written_.end() ? 0 : known->second;
        if (at + n > written)
            std::fill(to.begin() + static_cast<std::ptrdiff_t>(std::max(written, at) - at),
                      to.begin() + static_cast<std::ptrdiff_t>(n), std::byte{});
        return n;
    }

private:
    struct moment {
        std::vector<perdure::stored_segment> segments;
        std::map<std::uint64_t, std::uint64_t> written; // Up to where: behind it are zeros.
    };

    // Of a log in use, the newest segments are looked at first: a log is written in the other direction. A segment that
    // comes meanwhile may be named by what was seen before it.
    moment look(error_code& ec)
    {
        moment m;
        m.segments = list(ec);
        for (int attempt = 0; !ec; ++attempt) {
            m.written.clear();
            error_code failed;
            for (auto i = m.segments.rbegin(); i != m.segments.rend() && !failed; ++i)
                m.written[i->sequence] = written_of(*i, failed);
            auto after = list(ec);
            if (ec || (!failed && after == m.segments))
                break;
            if (attempt == 20) {
                ec = failed;
                break;
            }
            m.segments = std::move(after);
        }
        return m;
    }
    std::vector<perdure::stored_segment> list(error_code& ec)
    {
        std::vector<perdure::stored_segment> all;
        for (auto const& entry : files_.list(path_, ec))
            if (auto const n = perdure::wal_format::segment_sequence(entry.name);
                n && *n != 0 && !entry.is_directory)
                all.push_back({*n, entry.size});
        return all;
    }
    std::uint64_t written_of(perdure::stored_segment const& s, error_code& ec)
    {
        auto file = files_.open(path_of(s.sequence), perdure::open_mode::read, ec);
        std::vector<std::byte> buffer(64 * 1024);
        for (std::uint64_t end = s.size; !ec && end != 0;) {
            auto const wanted = std::min<std::uint64_t>(buffer.size(), end);
            auto const n = file.read_at(end - wanted, std::span(buffer).first(wanted), ec);
            for (auto i = n; i-- != 0;)
                if (buffer[i] != std::byte{})
                    return end - wanted + i + 1;
            end -= wanted;
        }
        return 0;
    }

    files files_;
    std::string path_;
    bool loaded_ = false, settled_ = false;
    std::vector<perdure::stored_segment> segments_;
    std::map<std::uint64_t, std::uint64_t> written_;
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
 *
 *  A source that is read again gives the same log, unless an error says that a file of it is gone.
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
    std::optional<log_recovery<log_directory>> recovery;
    // Of a log in use the last group may be half written, and a segment half made: a moment later it is whole.
    for (int attempt = 0;; ++attempt) {
        log = recovery.emplace(source, options).run();
        bool const doubtful = log.error || log.report.reason != wal_damage::none;
        if (!doubtful || attempt == 4 || !source.changed())
            break;
        source.reload(ec);
        if (ec) {
            log.error = ec;
            return log;
        }
    }
    source.settle();
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
        recovery->for_each_rewritten(
            pass, [](position_range) {}, ec);
    if (!ec && log.last != position(-1) && next <= log.last)
        gap(position_range{next, log.last});
    log.error = ec;
    return log;
}

/// The same without the records. If a trim takes a file away meanwhile, judging begins again.
inline perdure::recovered_log judge_log(log_directory& source, perdure::recovery_mode mode)
{
    for (int attempt = 1;; ++attempt) {
        auto log = read_log(
            source, mode, [](position, std::span<std::byte const>, std::uint64_t) {},
            [](perdure::position_range) {});
        if (!is_gone(log.error) || attempt == attempts_max)
            return log;
        source = log_directory(source.path());
    }
}

} // namespace inspect

#endif
