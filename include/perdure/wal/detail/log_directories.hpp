// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_DIRECTORIES_HPP
#define PERDURE_WAL_DETAIL_LOG_DIRECTORIES_HPP

#include <perdure/error.hpp>
#include <perdure/wal/format.hpp>
#include <perdure/world/files.hpp>

#include <boost/system/errc.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace perdure::detail {

/** Where a log's segments are: in its directory, and in a second one if it had to continue there.
 *  A sequence number stands in one of them only.
 */
struct log_directories {
    std::string first;
    std::string second; ///< Empty if there is none.

    log_directories(std::string one, std::string other = {})
        : first(std::move(one)), second(std::move(other))
    {
    }

    static std::string path(std::string const& directory, std::uint64_t sequence,
                            std::string_view suffix = wal_format::segment_suffix)
    {
        return directory + '/' + wal_format::segment_name(sequence, suffix);
    }

    template <class Files>
    typename Files::file open(Files& fs, std::uint64_t sequence, open_mode mode,
                              error_code& ec) const
    {
        auto f = fs.open(path(first, sequence), mode, ec);
        if (is_elsewhere(ec))
            f = fs.open(path(second, sequence), mode, ec);
        return f;
    }

    template <class Files>
    void remove(Files& fs, std::uint64_t sequence, error_code& ec) const
    {
        fs.remove(path(first, sequence), ec);
        if (is_elsewhere(ec))
            fs.remove(path(second, sequence), ec);
    }

    /// Renames a segment in its directory, unless the name is taken.
    template <class Files>
    void rename(Files& fs, std::uint64_t sequence, std::string const& name, error_code& ec) const
    {
        fs.rename(path(first, sequence), first + '/' + name, rename_mode::no_replace, ec);
        if (is_elsewhere(ec))
            fs.rename(path(second, sequence), second + '/' + name, rename_mode::no_replace, ec);
    }

    template <class Files>
    void sync(Files& fs, error_code& ec) const
    {
        fs.sync_directory(first, ec);
        if (!ec && !second.empty())
            fs.sync_directory(second, ec);
    }

private:
    bool is_elsewhere(error_code const& ec) const
    {
        return ec == boost::system::errc::no_such_file_or_directory && !second.empty();
    }
};

} // namespace perdure::detail

#endif
