// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_DIRECTORY_SOURCE_HPP
#define PERDURE_WAL_DETAIL_DIRECTORY_SOURCE_HPP

#include <perdure/wal/detail/log_directories.hpp>
#include <perdure/wal/segment_source.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure::detail {

/// The segments of a log's directories.
template <class Files>
class directory_source {
public:
    directory_source(Files& files, log_directories directories)
        : files_(&files), directories_(std::move(directories))
    {
    }

    void list(error_code& ec)
    {
        segments_.clear();
        unfinished_.clear();
        list(directories_.first, ec);
        if (ec || directories_.second.empty())
            return;
        list(directories_.second, ec);
        std::sort(segments_.begin(), segments_.end(),
                  [](auto const& a, auto const& b) { return a.sequence < b.sequence; });
    }

    std::vector<stored_segment> const& segments() const noexcept { return segments_; }
    /// Files whose making was interrupted.
    std::vector<std::string> const& unfinished() const noexcept { return unfinished_; }

    std::size_t read(std::uint64_t sequence, std::uint64_t at, std::span<std::byte> to,
                     error_code& ec)
    {
        std::size_t n = 0;
        if (!file_.is_open() || open_ != sequence) {
            file_ = directories_.open(*files_, sequence, open_mode::read, ec);
            open_ = sequence;
        }
        if (file_.is_open())
            n = file_.read_at(at, to, ec);
        if (ec && failed_in_.empty())
            failed_in_ = log_directories::path(directories_.first, sequence);
        return n;
    }

    /// What could not be listed or read first; empty if everything could.
    std::string const& failed_in() const noexcept { return failed_in_; }

private:
    void list(std::string const& directory, error_code& ec)
    {
        auto const entries = files_->list(directory, ec);
        if (ec)
            failed_in_ = directory;
        for (auto const& entry : entries) {
            if (entry.is_directory)
                continue;
            if (auto const n = wal_format::segment_sequence(entry.name); n && *n != 0)
                segments_.push_back({*n, entry.size});
            else if (wal_format::segment_sequence(entry.name, wal_format::unfinished_suffix))
                unfinished_.push_back(directory + '/' + entry.name);
        }
    }

    Files* files_;
    log_directories directories_;
    std::vector<stored_segment> segments_;
    std::vector<std::string> unfinished_;
    typename Files::file file_;
    std::uint64_t open_ = 0;
    std::string failed_in_;
};

} // namespace perdure::detail

#endif
