// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SNAPSHOT_DISK_FILES_HPP
#define PERDURE_TESTS_SNAPSHOT_DISK_FILES_HPP

#include <perdure/simulation/disk.hpp>
#include <perdure/world/files.hpp>

#include <string>
#include <utility>
#include <vector>

namespace test {

/// Blocking file operations on a simulated disk, without a process or time: for searches over crashes.
class disk_files {
public:
    using disk = perdure::simulation::disk;
    using error_code = perdure::error_code;

    explicit disk_files(disk& d) : disk_(&d) {}

    class file {
    public:
        file() = default;
        file(disk& d, disk::file_id id) : disk_(&d), id_(id) {}
        file(file&& other) noexcept
            : disk_(other.disk_),
              id_(std::exchange(other.id_, 0)),
              locked_(std::exchange(other.locked_, false))
        {
        }
        file& operator=(file&& other) noexcept
        {
            error_code ignored;
            close(ignored);
            disk_ = other.disk_;
            id_ = std::exchange(other.id_, 0);
            locked_ = std::exchange(other.locked_, false);
            return *this;
        }
        ~file()
        {
            error_code ignored;
            close(ignored);
        }
        bool is_open() const { return id_ != 0; }
        void write_at(std::uint64_t offset, std::span<std::byte const> bytes, error_code& ec)
        {
            ec = {};
            disk_->write(id_, offset, bytes, {});
        }
        void write_at(std::uint64_t offset, std::span<std::span<std::byte const> const> parts,
                      error_code& ec)
        {
            for (auto const& p : parts) {
                if (!p.empty())
                    write_at(offset, p, ec);
                offset += p.size();
            }
        }
        std::size_t read_at(std::uint64_t offset, std::span<std::byte> out, error_code& ec)
        {
            ec = {};
            return disk_->read(id_, offset, out);
        }
        void sync(perdure::sync_mode mode, error_code& ec)
        {
            ec = {};
            if (mode == perdure::sync_mode::none)
                return;
            disk_->sync(id_, {});
            disk_->settle({});
        }
        std::uint64_t size(error_code& ec)
        {
            ec = {};
            return disk_->size(id_);
        }
        void allocate(std::uint64_t offset, std::uint64_t n, error_code& ec)
        {
            ec = {};
            if (disk_->size(id_) < offset + n)
                disk_->resize(id_, offset + n, {});
        }
        void truncate(std::uint64_t n, error_code& ec)
        {
            ec = {};
            disk_->resize(id_, n, {});
        }
        void lock(error_code& ec)
        {
            ec = {};
            if (disk_->lock(id_))
                locked_ = true;
            else
                ec = perdure::errc::locked;
        }
        void close(error_code& ec)
        {
            ec = {};
            if (id_ == 0)
                return;
            if (locked_)
                disk_->unlock(id_);
            disk_->close(std::exchange(id_, 0));
            locked_ = false;
        }

    private:
        disk* disk_ = nullptr;
        disk::file_id id_ = 0;
        bool locked_ = false;
    };

    file open(std::string const& path, perdure::open_mode mode, error_code& ec)
    {
        auto const id = disk_->open(path, mode, {}, ec);
        return ec ? file() : file(*disk_, id);
    }
    void rename(std::string const& from, std::string const& to, perdure::rename_mode mode,
                error_code& ec)
    {
        disk_->rename(from, to, mode, {}, ec);
    }
    void remove(std::string const& path, error_code& ec) { disk_->remove(path, {}, ec); }
    std::vector<perdure::directory_entry> list(std::string const& path, error_code& ec)
    {
        return disk_->list(path, ec);
    }
    void create_directories(std::string const& path, error_code& ec)
    {
        if (disk_->make_directory(path, {}, ec))
            sync_directory("/", ec);
    }
    void sync_directory(std::string const& path, error_code& ec)
    {
        disk_->sync_directory(path, {}, ec);
        disk_->settle({});
    }

protected:
    disk* disk_;
};

} // namespace test

#endif
