// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DIRECTORY_BACKEND_HPP
#define PERDURE_SNAPSHOT_DIRECTORY_BACKEND_HPP

#include <perdure/snapshot/backend.hpp>
#include <perdure/world/detail/temporary_file.hpp>
#include <perdure/world/files.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace perdure {

/** Objects as files of one directory; models `snapshot_backend`.
 *
 *  An upload is a file ".tmp-<number>-<name>", made exclusively. Committing syncs it, renames it
 *  without replacing, and syncs the directory, in this order. Put aside is ".corrupt" behind the name.
 *  A file LOCK is held for the lifetime of the object.
 *
 *  Files are the blocking file operations of a World.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <world_file_operations Files>
class directory_backend {
    using file = typename Files::file;

public:
    /// An object that is being written; see snapshot_backend.
    class upload {
    public:
        /// Adds bytes at the end.
        void append(std::span<std::span<std::byte const> const> parts, error_code& ec)
        {
            file_.append(parts, ec);
        }

        /// Publishes the object durably and atomically, if its name is free; else `file_exists`.
        void commit(error_code& ec)
        {
            file_.finish(ec);
            if (ec)
                return;
            auto const path = directory_ + '/' + name_;
            if (exists(file_.files(), path + aside_suffix))
                ec = make_error_code(boost::system::errc::file_exists);
            else
                file_.publish(directory_, path, rename_mode::no_replace, ec);
        }

    private:
        friend class directory_backend;

        std::string directory_;
        std::string name_;
        detail::temporary_file<Files> file_;
    };

    /// An object that is read; see snapshot_backend.
    class object {
    public:
        object() = default;
        std::uint64_t size(error_code& ec) { return file_.size(ec); }
        /// Fills `to` from `offset` on; fewer bytes only at the end.
        std::size_t read_at(std::uint64_t offset, std::span<std::byte> bytes, error_code& ec)
        {
            return file_.read_at(offset, bytes, ec);
        }

    private:
        friend class directory_backend;
        explicit object(file f) : file_(std::move(f)) {}
        file file_;
    };

    /// Nothing is touched before open().
    directory_backend(Files files, std::string directory)
        : files_(std::move(files)), directory_(std::move(directory))
    {
    }

    /// Makes the back end ready and takes its lock.
    void open(error_code& ec)
    {
        ec = {};
        if (lock_.is_open())
            return;
        files_.create_directories(directory_, ec);
        if (ec)
            return;
        file lock = files_.open(directory_ + "/LOCK", open_mode::create, ec);
        if (!ec)
            lock.lock(ec);
        if (ec)
            return;
        // A rename that a killed process did not sync may be visible now and gone after a power cut:
        // what is read below must be durable first.
        files_.sync_directory(directory_, ec);
        if (ec)
            return;
        // With the lock held, no upload can be under way.
        for (auto const& entry : files_.list(directory_, ec))
            if (!entry.is_directory && entry.name.starts_with(temporary_prefix)) {
                error_code ignored; // It only takes space.
                files_.remove(directory_ + '/' + entry.name, ignored);
            }
        if (!ec)
            lock_ = std::move(lock);
    }

    /// Every object that is there, with those put aside.
    std::vector<stored_object> list(error_code& ec)
    {
        std::vector<stored_object> objects;
        for (auto& entry : files_.list(directory_, ec)) {
            if (entry.is_directory || entry.name == "LOCK" ||
                entry.name.starts_with(temporary_prefix))
                continue;
            bool const aside = entry.name.ends_with(aside_suffix);
            if (aside)
                entry.name.resize(entry.name.size() - aside_suffix.size());
            objects.push_back({std::move(entry.name), entry.size, aside});
        }
        return objects;
    }

    /// Begins an object; nobody sees it before commit.
    upload create(std::string const& name, error_code& ec)
    {
        upload u;
        u.directory_ = directory_;
        u.name_ = name;
        // The lock makes numbers of this object unique; leftovers of a predecessor that could not be removed are passed over.
        u.file_ = {files_,
                   [&](int) {
                       return directory_ + '/' + std::string(temporary_prefix) +
                              std::to_string(++last_temporary_) + '-' + name;
                   },
                   ec};
        return u;
    }

    /// An object to read.
    object find(std::string const& name, error_code& ec)
    {
        return object(files_.open(directory_ + '/' + name, open_mode::read, ec));
    }

    /// Takes an object away; no error if there is none.
    void remove(std::string const& name, error_code& ec)
    {
        files_.remove(directory_ + '/' + name, ec);
        if (ec == boost::system::errc::no_such_file_or_directory)
            ec = {};
        else if (!ec)
            files_.sync_directory(directory_, ec);
    }

    /// Hides an object from find and keeps its bytes.
    void put_aside(std::string const& name, error_code& ec)
    {
        files_.rename(directory_ + '/' + name, directory_ + '/' + name + aside_suffix,
                      rename_mode::no_replace, ec);
        if (!ec)
            files_.sync_directory(directory_, ec);
    }

private:
    static constexpr std::string_view temporary_prefix = ".tmp-";
    static inline std::string const aside_suffix = ".corrupt";

    static bool exists(Files& fs, std::string const& path)
    {
        error_code ec;
        auto const f = fs.open(path, open_mode::read, ec);
        return !ec;
    }

    Files files_;
    std::string directory_;
    file lock_;
    std::uint64_t last_temporary_ = 0;
};

} // namespace perdure

#endif
