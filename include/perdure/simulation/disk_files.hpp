// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DISK_FILES_HPP
#define PERDURE_SIMULATION_DISK_FILES_HPP

#include <perdure/simulation/disk.hpp>
#include <perdure/world/files.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::simulation {

/** Blocking file operations on a simulated disk, without a process, a network or time. Models
 *  `world_file_operations`.
 *
 *  Code that is a template on its files (or takes a World) runs on it unchanged, and a crash_search
 *  can stop it between any two operations. Operations take no time; a sync is final when it returns.
 *
 *  @par Thread safety  A disk and all its files belong to one thread.
 */
class disk_files {
public:
    /// Called before each operation that changes the disk or syncs, with what it is in words.
    using observer = std::function<void(std::string_view)>;

    /// The disk outlives this object, its copies and its files.
    explicit disk_files(disk& d, observer before = {})
        : place_(std::make_shared<place>(d, std::move(before)))
    {
    }

    class file;

    file open(std::string const& path, open_mode mode, error_code& ec);
    void rename(std::string const& from, std::string const& to, rename_mode mode, error_code& ec)
    {
        announce("rename of " + from + " to " + to);
        on().rename(from, to, mode, {}, ec);
    }
    void remove(std::string const& path, error_code& ec)
    {
        announce("removal of " + path);
        on().remove(path, {}, ec);
    }
    std::vector<directory_entry> list(std::string const& path, error_code& ec)
    {
        return on().list(path, ec);
    }
    void create_directories(std::string const& path, error_code& ec)
    {
        ec = {};
        for (std::size_t n = 0; n != path.size() && !ec;) {
            auto const begin = n;
            n = std::min(path.find('/', n + 1), path.size());
            auto const part = path.substr(0, n);
            bool const is_last = n == path.size();
            if (!on().exists(part))
                announce("creation of the directory " + part);
            bool const made = on().make_directory(part, {}, ec);
            if (!ec && (made || is_last))
                sync_directory(path.substr(0, begin), ec);
        }
    }
    void sync_directory(std::string const& path, error_code& ec)
    {
        announce("sync of the directory " + (path.empty() ? "/" : path));
        on().sync_directory(path, {}, ec);
        on().settle({});
    }

private:
    struct place {
        place(disk& d, observer f) : on(&d), before(std::move(f)) {}
        disk* on;
        observer before;
    };

    disk& on() const noexcept { return *place_->on; }
    void announce(std::string_view what) const
    {
        if (place_->before)
            place_->before(what);
    }

    std::shared_ptr<place> place_;
};

/// An open file of disk_files. Models `world_file`.
/// @par Thread safety  All objects of one cluster belong to one thread.
class disk_files::file {
public:
    file() = default;
    file(file&& other) noexcept
        : place_(std::move(other.place_)),
          path_(std::move(other.path_)),
          id_(std::exchange(other.id_, 0)),
          writable_(other.writable_),
          locked_(std::exchange(other.locked_, false))
    {
    }
    file& operator=(file&& other) noexcept
    {
        if (this != &other) {
            release();
            place_ = std::move(other.place_);
            path_ = std::move(other.path_);
            id_ = std::exchange(other.id_, 0);
            writable_ = other.writable_;
            locked_ = std::exchange(other.locked_, false);
        }
        return *this;
    }
    ~file() { release(); }

    bool is_open() const noexcept { return id_ != 0; }

    void write_at(std::uint64_t offset, std::span<std::byte const> bytes, error_code& ec)
    {
        if (bytes.empty() || !begin(true, ec))
            return;
        announce("write of " + std::to_string(bytes.size()) + " bytes at " +
                 std::to_string(offset));
        place_->on->write(id_, offset, bytes, {});
    }
    void write_at(std::uint64_t offset, std::span<std::span<std::byte const> const> parts,
                  error_code& ec)
    {
        ec = {};
        for (auto const part : parts) {
            write_at(offset, part, ec);
            offset += part.size();
        }
    }
    std::size_t read_at(std::uint64_t offset, std::span<std::byte> out, error_code& ec)
    {
        return begin(false, ec) ? place_->on->read(id_, offset, out) : 0;
    }
    void sync(sync_mode mode, error_code& ec)
    {
        if (!begin(false, ec) || mode == sync_mode::none)
            return;
        announce("sync");
        place_->on->sync(id_, {});
        place_->on->settle({});
    }
    std::uint64_t size(error_code& ec) { return begin(false, ec) ? place_->on->size(id_) : 0; }
    void allocate(std::uint64_t offset, std::uint64_t n, error_code& ec)
    {
        if (!begin(true, ec) || place_->on->size(id_) >= offset + n)
            return;
        announce("allocation up to " + std::to_string(offset + n));
        place_->on->resize(id_, offset + n, {});
    }
    void truncate(std::uint64_t n, error_code& ec)
    {
        if (!begin(true, ec))
            return;
        announce("truncation to " + std::to_string(n));
        place_->on->resize(id_, n, {});
    }
    void lock(error_code& ec)
    {
        if (!begin(false, ec) || locked_)
            return;
        locked_ = place_->on->lock(id_);
        if (!locked_)
            ec = errc::locked;
    }
    void close(error_code& ec)
    {
        if (begin(false, ec))
            release();
    }

private:
    friend class disk_files;
    file(std::shared_ptr<place> p, std::string path, disk::file_id id, bool writable)
        : place_(std::move(p)), path_(std::move(path)), id_(id), writable_(writable)
    {
    }

    bool begin(bool to_write, error_code& ec) const
    {
        ec = {};
        bool const may = id_ != 0 && (writable_ || !to_write);
        if (!may)
            ec = boost::system::errc::make_error_code(boost::system::errc::bad_file_descriptor);
        return may;
    }
    void announce(std::string what) const
    {
        if (place_->before)
            place_->before(std::move(what) + " of " + path_);
    }
    void release() noexcept
    {
        auto const id = std::exchange(id_, 0);
        if (id == 0)
            return;
        if (std::exchange(locked_, false))
            place_->on->unlock(id);
        place_->on->close(id);
    }

    std::shared_ptr<place> place_;
    std::string path_;
    disk::file_id id_ = 0;
    bool writable_ = false;
    bool locked_ = false;
};

inline disk_files::file disk_files::open(std::string const& path, open_mode mode, error_code& ec)
{
    if (mode != open_mode::read && mode != open_mode::read_write && !on().exists(path))
        announce("creation of " + path);
    auto const id = on().open(path, mode, {}, ec);
    return ec ? file() : file(place_, path, id, mode != open_mode::read);
}

static_assert(world_file_operations<disk_files>);

} // namespace perdure::simulation

#endif
