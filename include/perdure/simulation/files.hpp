// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_FILES_HPP
#define PERDURE_SIMULATION_FILES_HPP

#include <perdure/simulation/detail/incarnation.hpp>
#include <perdure/simulation/disk.hpp>
#include <perdure/world/files.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::simulation {

/** The files of a simulated process. Models `world_file_operations`; see there for the meaning.
 *
 *  Inside a file job every operation takes a drawn time; outside (World::blocking_files) none.
 *  Operations fail with the probabilities of disk_options, with the error that Linux gives (EIO,
 *  ENOSPC). After the process has crashed they all fail with asio::error::operation_aborted and
 *  touch nothing.
 *
 *  @par Thread safety  All objects of one cluster belong to one thread.
 */
class files {
public:
    class file;

    /// The files of that process.
    explicit files(detail::incarnation_ptr p) noexcept : incarnation_(std::move(p)) {}

    file open(std::string const& path, open_mode mode, error_code& ec);

    void rename(std::string const& from, std::string const& to, rename_mode how, error_code& ec)
    {
        if (auto const c = write_call(ec))
            c.disk->rename(from, to, how, c.when, ec);
    }
    void remove(std::string const& path, error_code& ec)
    {
        if (auto const c = write_call(ec))
            c.disk->remove(path, c.when, ec);
    }
    std::vector<directory_entry> list(std::string const& path, error_code& ec)
    {
        auto const c = read_call(ec);
        return c ? c.disk->list(path, ec) : std::vector<directory_entry>();
    }
    void create_directories(std::string const& path, error_code& ec)
    {
        ec = {};
        for (std::size_t n = 0; n != path.size() && !ec;) {
            auto const begin = n;
            n = std::min(path.find('/', n + 1), path.size());
            auto const c = write_call(ec);
            if (c && c.disk->make_directory(path.substr(0, n), c.when, ec))
                sync_directory(path.substr(0, begin), ec);
        }
    }
    void sync_directory(std::string const& path, error_code& ec)
    {
        if (auto const c = sync_call(ec); c && !ec) {
            c.disk->sync_directory(path, c.when, ec);
            if (!ec)
                c.machine->record(event::directory_synced);
        }
    }

private:
    // One call: the machine and its disk if the call is to be done at all, and when.
    struct call {
        detail::machine* machine = nullptr;
        simulation::disk* disk = nullptr;
        interval when{};
        explicit operator bool() const noexcept { return disk != nullptr; }
    };

    call begin(duration min, duration tail, error_code& ec) const
    {
        ec = {};
        if (!incarnation_ || !incarnation_->is_alive()) {
            ec = asio::error::operation_aborted;
            return {};
        }
        auto& m = incarnation_->machine();
        auto time = min + m.disk_random.exponential(tail);
        auto const stall = m.disk_random.exponential(o().stall_mean);
        auto const stalls =
            m.disk_random.chance(o().stall) && incarnation_->file_jobs().is_inside();
        if (stalls) {
            time += stall;
            m.record(event::disk_stalled, 0, static_cast<std::uint64_t>(stall.count()));
        }
        m.disk.settle(m.now());
        return {&m, &m.disk, incarnation_->file_jobs().charge(time)};
    }
    static bool fails(call const& c, double probability, event what, error_code& ec)
    {
        if (!c.machine->disk_random.chance(probability))
            return false;
        c.machine->record(what);
        ec = boost::system::errc::make_error_code(boost::system::errc::io_error);
        return true;
    }
    call read_call(error_code& ec) const
    {
        auto const c = begin(o().read_min, o().read_tail, ec);
        return c && fails(c, o().read_error, event::read_failed, ec) ? call() : c;
    }
    // A call that changes names: fails as a whole.
    call write_call(error_code& ec) const
    {
        auto const c = begin(o().write_min, o().write_tail, ec);
        if (c && fails(c, o().write_error, event::write_failed, ec))
            return {};
        if (c)
            c.machine->record(event::name_changed);
        return c;
    }
    // Of a failed sync the call is still made, with `ec` set.
    call sync_call(error_code& ec) const
    {
        auto const c = begin(o().sync_min, o().sync_tail, ec);
        if (c)
            fails(c, o().sync_error, event::sync_failed, ec);
        return c;
    }
    disk_options const& o() const noexcept
    {
        static disk_options const dead;
        return incarnation_ && incarnation_->is_alive() ? incarnation_->machine().all.options.disk
                                                        : dead;
    }

    detail::incarnation_ptr incarnation_;
};

/// An open file of a simulated process. Models `world_file`.
class files::file {
public:
    file() = default;
    file(file&& other) noexcept
        : owner_(std::move(other.owner_)),
          id_(std::exchange(other.id_, 0)),
          writable_(other.writable_),
          locked_(std::exchange(other.locked_, false))
    {
    }
    file& operator=(file&& other) noexcept
    {
        if (this != &other) {
            release();
            owner_ = std::move(other.owner_);
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
        write_at(offset, std::span(&bytes, 1), ec);
    }
    void write_at(std::uint64_t offset, std::span<std::span<std::byte const> const> parts,
                  error_code& ec)
    {
        auto const c = begin(owner_.o().write_min, owner_.o().write_tail, ec);
        if (!c || !require_writable(ec))
            return;
        std::uint64_t total = 0;
        for (auto const part : parts)
            total += part.size();
        auto allowed = total;
        if (fails(c, owner_.o().write_error, event::write_failed, ec))
            allowed = c.machine->disk_random.below(total + 1);
        allowed = fit(c, offset, allowed, ec);
        for (auto const part : parts) {
            auto const n = std::min<std::uint64_t>(part.size(), allowed);
            auto const bytes = part.first(static_cast<std::size_t>(n));
            if (n != 0) {
                c.disk->write(id_, offset, bytes, c.when);
                c.machine->record(event::file_written, 0, n, detail::digest(bytes));
            }
            offset += n;
            allowed -= n;
        }
    }
    std::size_t read_at(std::uint64_t offset, std::span<std::byte> bytes, error_code& ec)
    {
        auto const c = require_open(ec) ? owner_.read_call(ec) : call();
        return c ? c.disk->read(id_, offset, bytes) : 0;
    }
    void sync(sync_mode mode, error_code& ec)
    {
        if (mode == sync_mode::none) {
            begin({}, {}, ec);
            return;
        }
        auto const c = require_open(ec) ? owner_.sync_call(ec) : call();
        if (!c)
            return;
        if (ec) {
            crash_report dropped;
            c.disk->fail_sync(id_, c.when, drawn_crash(c.machine->disk_random, owner_.o()),
                              dropped);
            c.machine->record(event::page_dropped, 0, dropped.pages_lost);
        } else {
            c.disk->sync(id_, c.when);
            c.machine->record(event::file_synced);
        }
    }
    std::uint64_t size(error_code& ec)
    {
        auto const c = begin({}, {}, ec);
        return c ? c.disk->size(id_) : 0;
    }
    void allocate(std::uint64_t offset, std::uint64_t n, error_code& ec)
    {
        auto const c = begin(owner_.o().write_min, owner_.o().write_tail, ec);
        if (c && require_writable(ec) && offset + n > c.disk->size(id_))
            grow(c, offset + n, ec);
    }
    void truncate(std::uint64_t n, error_code& ec)
    {
        auto const c = begin(owner_.o().write_min, owner_.o().write_tail, ec);
        if (!c || !require_writable(ec))
            return;
        if (n > c.disk->size(id_))
            grow(c, n, ec);
        else
            c.disk->resize(id_, n, c.when);
    }
    void lock(error_code& ec)
    {
        auto const c = begin({}, {}, ec);
        if (!c || locked_)
            return;
        locked_ = c.disk->lock(id_);
        if (!locked_)
            ec = errc::locked;
    }
    void close(error_code& ec)
    {
        ec = {};
        if (require_open(ec))
            release();
    }

private:
    friend class files;
    file(files owner, disk::file_id id, bool writable) noexcept
        : owner_(std::move(owner)), id_(id), writable_(writable)
    {
    }

    bool require_open(error_code& ec) const
    {
        if (id_ == 0)
            ec = boost::system::errc::make_error_code(boost::system::errc::bad_file_descriptor);
        return id_ != 0;
    }
    bool require_writable(error_code& ec) const
    {
        if (!writable_)
            ec = boost::system::errc::make_error_code(boost::system::errc::bad_file_descriptor);
        return writable_;
    }
    call begin(duration min, duration tail, error_code& ec) const
    {
        return require_open(ec) ? owner_.begin(min, tail, ec) : call();
    }
    static void set_no_space(call const& c, error_code& ec)
    {
        c.machine->record(event::disk_full);
        ec = boost::system::errc::make_error_code(boost::system::errc::no_space_on_device);
    }
    std::uint64_t room(call const& c) const
    {
        auto const used = c.disk->used();
        return owner_.o().capacity > used ? owner_.o().capacity - used : 0;
    }
    // How much of `n` bytes at `offset` there is room for.
    std::uint64_t fit(call const& c, std::uint64_t offset, std::uint64_t n, error_code& ec) const
    {
        auto const size = c.disk->size(id_);
        if (offset + n <= size || offset + n - size <= room(c))
            return n;
        set_no_space(c, ec);
        auto const end = size + room(c);
        return end > offset ? end - offset : 0;
    }
    void grow(call const& c, std::uint64_t size, error_code& ec)
    {
        if (size - c.disk->size(id_) > room(c))
            set_no_space(c, ec);
        else if (!fails(c, owner_.o().write_error, event::write_failed, ec))
            c.disk->resize(id_, size, c.when);
    }
    void release() noexcept
    {
        auto const id = std::exchange(id_, 0);
        auto const& p = owner_.incarnation_;
        if (id == 0 || !p->is_alive())
            return;
        if (std::exchange(locked_, false))
            p->machine().disk.unlock(id);
        p->machine().disk.close(id);
    }

    files owner_{nullptr};
    disk::file_id id_ = 0;
    bool writable_ = false;
    bool locked_ = false;
};

inline files::file files::open(std::string const& path, open_mode mode, error_code& ec)
{
    auto const c = read_call(ec);
    auto const id = c ? c.disk->open(path, mode, c.when, ec) : 0;
    return id ? file(*this, id, mode != open_mode::read) : file();
}

} // namespace perdure::simulation

#endif
