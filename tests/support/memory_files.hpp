// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_MEMORY_FILES_HPP
#define PERDURE_TESTS_SUPPORT_MEMORY_FILES_HPP

#include <perdure/world/files.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Files in memory; models world_file_operations. Nothing is ever lost; tests damage `disk` by hand.
class memory_files {
public:
    using bytes = std::vector<std::byte>;
    struct node {
        bytes content;
        bool locked = false;
    };
    struct disk {
        std::map<std::string, std::shared_ptr<node>> files;

        /// A copy that shares nothing, without locks.
        std::shared_ptr<disk> clone() const
        {
            auto copy = std::make_shared<disk>();
            for (auto const& [name, n] : files)
                copy->files[name] = std::make_shared<node>(node{n->content, false});
            return copy;
        }
    };

    class file {
    public:
        file() = default;
        explicit file(std::shared_ptr<node> n) : node_(std::move(n)) {}
        file(file&& other) noexcept
            : node_(std::move(other.node_)), has_lock_(std::exchange(other.has_lock_, false))
        {
        }
        file& operator=(file&& other) noexcept
        {
            release();
            node_ = std::move(other.node_);
            has_lock_ = std::exchange(other.has_lock_, false);
            return *this;
        }
        ~file() { release(); }

        bool is_open() const noexcept { return node_ != nullptr; }
        void write_at(std::uint64_t at, std::span<std::byte const> from, perdure::error_code& ec)
        {
            ec = {};
            if (node_->content.size() < at + from.size())
                node_->content.resize(at + from.size());
            std::copy(from.begin(), from.end(),
                      node_->content.begin() + static_cast<std::ptrdiff_t>(at));
        }
        void write_at(std::uint64_t at, std::span<std::span<std::byte const> const> parts,
                      perdure::error_code& ec)
        {
            for (auto const part : parts) {
                write_at(at, part, ec);
                at += part.size();
            }
        }
        std::size_t read_at(std::uint64_t at, std::span<std::byte> to, perdure::error_code& ec)
        {
            ec = {};
            if (at >= node_->content.size())
                return 0;
            auto const n = std::min<std::size_t>(to.size(), node_->content.size() - at);
            std::copy_n(node_->content.begin() + static_cast<std::ptrdiff_t>(at), n, to.begin());
            return n;
        }
        void sync(perdure::sync_mode, perdure::error_code& ec) { ec = {}; }
        std::uint64_t size(perdure::error_code& ec)
        {
            ec = {};
            return node_->content.size();
        }
        void allocate(std::uint64_t at, std::uint64_t n, perdure::error_code& ec)
        {
            ec = {};
            node_->content.resize(std::max<std::size_t>(node_->content.size(), at + n));
        }
        void truncate(std::uint64_t n, perdure::error_code& ec)
        {
            ec = {};
            node_->content.resize(n);
        }
        void lock(perdure::error_code& ec)
        {
            ec = node_->locked ? make_error_code(perdure::errc::locked) : perdure::error_code();
            has_lock_ = has_lock_ || !ec;
            node_->locked = true;
        }
        void close(perdure::error_code& ec)
        {
            ec = {};
            release();
        }

    private:
        void release()
        {
            if (std::exchange(has_lock_, false))
                node_->locked = false;
            node_.reset();
        }
        std::shared_ptr<node> node_;
        bool has_lock_ = false;
    };

    explicit memory_files(std::shared_ptr<disk> d) : disk_(std::move(d)) {}

    file open(std::string const& path, perdure::open_mode mode, perdure::error_code& ec)
    {
        ec = {};
        auto const found = disk_->files.find(path);
        bool const exists = found != disk_->files.end();
        if (exists && mode == perdure::open_mode::create_new)
            return fail(boost::system::errc::file_exists, ec);
        if (exists)
            return file(found->second);
        if (mode == perdure::open_mode::read || mode == perdure::open_mode::read_write)
            return fail(boost::system::errc::no_such_file_or_directory, ec);
        return file(disk_->files[path] = std::make_shared<node>());
    }
    void rename(std::string const& from, std::string const& to, perdure::rename_mode how,
                perdure::error_code& ec)
    {
        ec = {};
        auto const found = disk_->files.find(from);
        if (found == disk_->files.end()) {
            fail(boost::system::errc::no_such_file_or_directory, ec);
        } else if (how == perdure::rename_mode::no_replace && disk_->files.contains(to)) {
            fail(boost::system::errc::file_exists, ec);
        } else {
            disk_->files[to] = found->second;
            disk_->files.erase(from);
        }
    }
    void remove(std::string const& path, perdure::error_code& ec)
    {
        ec = {};
        if (disk_->files.erase(path) == 0)
            fail(boost::system::errc::no_such_file_or_directory, ec);
    }
    std::vector<perdure::directory_entry> list(std::string const& path, perdure::error_code& ec)
    {
        ec = {};
        std::vector<perdure::directory_entry> out;
        for (auto const& [name, n] : disk_->files)
            if (name.starts_with(path + '/'))
                out.push_back({name.substr(path.size() + 1), n->content.size(), false});
        return out;
    }
    void create_directories(std::string const&, perdure::error_code& ec) { ec = {}; }
    void sync_directory(std::string const&, perdure::error_code& ec) { ec = {}; }

private:
    static file fail(boost::system::errc::errc_t e, perdure::error_code& ec)
    {
        ec = boost::system::errc::make_error_code(e);
        return {};
    }
    std::shared_ptr<disk> disk_;
};

static_assert(perdure::world_file_operations<memory_files>);

#endif
