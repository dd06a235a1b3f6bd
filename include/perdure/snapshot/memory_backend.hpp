// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_MEMORY_BACKEND_HPP
#define PERDURE_SNAPSHOT_MEMORY_BACKEND_HPP

#include <perdure/snapshot/backend.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/// The objects of memory back ends; several, one after the other, may use the same.
struct memory_objects {
    /// One object.
    struct entry {
        /// Its content.
        std::shared_ptr<std::vector<std::byte>> bytes;
        /// Hidden from find.
        bool put_aside = false;
    };
    /// By name.
    std::map<std::string, entry> objects{};
    bool locked = false; ///< A back end has it open.
};

/** Objects in memory; models `snapshot_backend`. For tests, and for a near copy beside a far one.
 *
 *  @par Thread safety  Back ends on the same memory_objects: one thread at a time.
 */
class memory_backend {
public:
    /// Objects that outlive it: another back end may be given the same.
    explicit memory_backend(
        std::shared_ptr<memory_objects> objects = std::make_shared<memory_objects>())
        : objects_(std::move(objects))
    {
    }
    memory_backend(memory_backend&& other) noexcept
        : objects_(std::move(other.objects_)), open_(std::exchange(other.open_, false))
    {
    }
    memory_backend& operator=(memory_backend&& other) noexcept
    {
        if (this != &other) {
            unlock();
            objects_ = std::move(other.objects_);
            open_ = std::exchange(other.open_, false);
        }
        return *this;
    }
    ~memory_backend() { unlock(); }

    /// An object that is being written; see snapshot_backend.
    class upload {
    public:
        upload() = default;
        /// Adds bytes at the end.
        void append(std::span<std::span<std::byte const> const> parts, error_code& ec)
        {
            ec = {};
            for (auto const& p : parts)
                bytes_->insert(bytes_->end(), p.begin(), p.end());
        }
        /// Publishes the object durably and atomically, if its name is free; else `file_exists`.
        void commit(error_code& ec)
        {
            ec = {};
            if (!objects_->objects.try_emplace(name_, memory_objects::entry{bytes_, false}).second)
                ec = make_error_code(boost::system::errc::file_exists);
        }

    private:
        friend class memory_backend;
        std::shared_ptr<memory_objects> objects_;
        std::string name_;
        std::shared_ptr<std::vector<std::byte>> bytes_;
    };

    /// An object that is read; see snapshot_backend.
    class object {
    public:
        object() = default;
        std::uint64_t size(error_code& ec) const
        {
            ec = {};
            return bytes_->size();
        }
        /// Fills `to` from `offset` on; fewer bytes only at the end.
        std::size_t read_at(std::uint64_t offset, std::span<std::byte> out, error_code& ec) const
        {
            ec = {};
            if (offset >= bytes_->size())
                return 0;
            auto const n = std::min(out.size(), bytes_->size() - static_cast<std::size_t>(offset));
            std::copy_n(bytes_->begin() + static_cast<std::ptrdiff_t>(offset), n, out.begin());
            return n;
        }

    private:
        friend class memory_backend;
        std::shared_ptr<std::vector<std::byte>> bytes_;
    };

    /// Makes the back end ready and takes its lock.
    void open(error_code& ec)
    {
        ec = {};
        if (open_)
            return;
        if (objects_->locked)
            ec = errc::locked;
        else
            open_ = objects_->locked = true;
    }

    /// Every object that is there, with those put aside.
    std::vector<stored_object> list(error_code& ec) const
    {
        ec = {};
        std::vector<stored_object> all;
        for (auto const& [name, e] : objects_->objects)
            all.push_back({name, e.bytes->size(), e.put_aside});
        return all;
    }

    /// Begins an object; nobody sees it before commit.
    upload create(std::string const& name, error_code& ec)
    {
        ec = {};
        upload u;
        u.objects_ = objects_;
        u.name_ = name;
        u.bytes_ = std::make_shared<std::vector<std::byte>>();
        return u;
    }

    /// An object to read.
    object find(std::string const& name, error_code& ec) const
    {
        object o;
        auto const at = objects_->objects.find(name);
        if (at == objects_->objects.end() || at->second.put_aside) {
            ec = make_error_code(boost::system::errc::no_such_file_or_directory);
            return o;
        }
        ec = {};
        o.bytes_ = at->second.bytes;
        return o;
    }

    /// Takes an object away; no error if there is none.
    void remove(std::string const& name, error_code& ec)
    {
        ec = {};
        auto const at = objects_->objects.find(name);
        if (at != objects_->objects.end() && !at->second.put_aside)
            objects_->objects.erase(at);
    }

    /// Hides an object from find and keeps its bytes.
    void put_aside(std::string const& name, error_code& ec)
    {
        auto const at = objects_->objects.find(name);
        if (at == objects_->objects.end() || at->second.put_aside) {
            ec = make_error_code(boost::system::errc::no_such_file_or_directory);
            return;
        }
        ec = {};
        at->second.put_aside = true;
    }

private:
    void unlock() noexcept
    {
        if (open_)
            objects_->locked = false;
        open_ = false;
    }

    std::shared_ptr<memory_objects> objects_;
    bool open_ = false;
};

} // namespace perdure

#endif
