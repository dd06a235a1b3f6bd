// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DISK_HPP
#define PERDURE_SIMULATION_DISK_HPP

#include <perdure/simulation/crash_choice.hpp>
#include <perdure/simulation/detail/disk_file.hpp>
#include <perdure/simulation/detail/disk_names.hpp>
#include <perdure/world/files.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::simulation {

/** A disk as a sequence of timed operations; a power cut at time T is a function from that sequence
 *  to a state.
 *
 *  @par Model
 *  - An operation that began after T has not happened. What was synced (file or directory) by a
 *    sync that ended by T stays, exactly.
 *  - Bytes that were not synced: each 4096-byte page is as after the last sync, or as after any
 *    write to it since, or torn: each of its 512-byte sectors by itself is one of these. A sector
 *    is never torn.
 *  - The size of a file is the synced one or any later one, independently of the pages: kept
 *    without them it reads as zeros; lost, it cuts them off.
 *  - A creation, rename or removal is there or not, each by itself, until a directory of it was
 *    synced. A new file's sync does not make its name durable.
 *  - A failed sync leaves pages marked as clean: readers still see the new bytes, no later sync
 *    writes them, and a power cut loses them, unless the page is written again [Rebello et al., Can
 *    Applications Recover from fsync Failures?, ATC 2020, for ext4 and XFS].
 *  - The end of a process without a power cut loses nothing (the system's cache stays).
 *
 *  No Asio, no clock, no randomness: times are arguments, and what is left to chance is asked of a
 *  crash_chooser. A disk is a value: copies share pages, so that a search can crash a copy in every
 *  possible way.
 *
 *  @par Memory  what a reader sees, and up to 16 images of a page that is written again and again
 *        without a sync.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class disk {
public:
    using file_id = std::uint64_t; ///< Names a file for as long as the disk lives, whatever its path.
    /// Called after each operation that changes the disk, with its times; for a search over crash
    /// states.
    using observer = std::function<void(disk const&, interval)>;

    disk() { files_[root].directory = true; }

    // ---- operations, in the order in which they happen. Paths begin at the root with or without
    // '/'.

    /// What has ended by `now` is final. Call it before operations that begin at `now`.
    void settle(duration now)
    {
        settled_ = std::max(settled_, now);
        for (auto const& s : std::exchange(syncs_, {})) {
            if (s.when.end > now) {
                syncs_.push_back(s);
                continue;
            }
            if (s.directory) {
                names_.sync(s.file, s.when.begin);
                forget_unreachable();
            } else if (auto const i = files_.find(s.file); i != files_.end()) {
                if (!s.failed)
                    i->second.bytes.sync(s.when.begin);
                for (auto const page : s.dropped)
                    i->second.bytes.drop(page, s.when.begin);
            }
        }
    }

    /// Opens a file, creating it if `mode` says so; 0 with an error.
    file_id open(std::string_view path, open_mode mode, interval when, error_code& ec)
    {
        auto const place = locate(path, ec);
        if (ec)
            return 0;
        if (place.file && files_.at(place.file).directory)
            return fail(boost::system::errc::is_a_directory, ec);
        if (place.file && mode == open_mode::create_new)
            return fail(boost::system::errc::file_exists, ec);
        auto id = place.file;
        if (!id) {
            if (mode == open_mode::read || mode == open_mode::read_write)
                return fail(boost::system::errc::no_such_file_or_directory, ec);
            id = ++last_file_;
            files_[id];
            change_names(when, {{place.name, id}});
        }
        ++files_.at(id).opened;
        return id;
    }
    /// Forgets an open file and its lock.
    void close(file_id id)
    {
        if (--files_.at(id).opened == 0)
            forget_unreachable();
    }
    /// False if another open file has the lock.
    bool lock(file_id id) { return !std::exchange(files_.at(id).locked, true); }
    /// Ends lock().
    void unlock(file_id id) { files_.at(id).locked = false; }

    /// Copies what the file holds from `offset`; how many bytes there were.
    std::size_t read(file_id id, std::uint64_t offset, std::span<std::byte> out) const
    {
        return files_.at(id).bytes.read(offset, out);
    }
    /// Writes `bytes`, during `when`; a crash within it may tear them.
    void write(file_id id, std::uint64_t offset, std::span<std::byte const> bytes, interval when)
    {
        files_.at(id).bytes.write(stamp(when), offset, bytes);
        changed(when);
    }
    /// Cuts the file, or fills it up with zeros; not durable before sync().
    void resize(file_id id, std::uint64_t size, interval when)
    {
        files_.at(id).bytes.resize(stamp(when), size);
        changed(when);
    }
    std::uint64_t size(file_id id) const { return files_.at(id).bytes.size(); }
    /// Makes content and size durable at the end of `when`.
    void sync(file_id id, interval when)
    {
        syncs_.push_back({when, id, false, false, {}});
        changed(when);
    }
    /// A sync that fails; `choose` says which pages it gives up.
    template <crash_chooser Choose>
    void fail_sync(file_id id, interval when, Choose&& choose, crash_report& report)
    {
        pending_sync s{when, id, false, true, {}};
        for (auto const page : files_.at(id).bytes.dirty_pages())
            if (choose(crash_question::drop, 2) == 0)
                s.dropped.push_back(page);
        report.pages_lost += s.dropped.size();
        syncs_.push_back(std::move(s));
        changed(when);
    }

    /// Renames a file; durable once both directories are synced. Errors: no_such_file_or_directory,
    /// file_exists.
    void rename(std::string_view from, std::string_view to, rename_mode how, interval when,
                error_code& ec)
    {
        auto const source = locate(from, ec);
        auto const target = ec ? place() : locate(to, ec);
        if (ec)
            return;
        if (!source.file)
            fail(boost::system::errc::no_such_file_or_directory, ec);
        else if (target.file && how == rename_mode::no_replace)
            fail(boost::system::errc::file_exists, ec);
        else if (target.file && files_.at(target.file).directory)
            fail(boost::system::errc::is_a_directory, ec);
        else if (target.file && files_.at(source.file).directory)
            fail(boost::system::errc::not_a_directory, ec);
        else if (is_within(target.name.directory, source.file))
            fail(boost::system::errc::invalid_argument, ec);
        else if (source.name != target.name)
            change_names(when, {{source.name, 0}, {target.name, source.file}});
    }
    /// Removes a file or an empty directory; durable once its directory is synced.
    void remove(std::string_view path, interval when, error_code& ec)
    {
        auto const p = locate(path, ec);
        if (ec)
            return;
        if (!p.file)
            fail(boost::system::errc::no_such_file_or_directory, ec);
        else if (files_.at(p.file).directory)
            fail(boost::system::errc::is_a_directory, ec);
        else
            change_names(when, {{p.name, 0}});
    }
    /// Sorted by name.
    std::vector<directory_entry> list(std::string_view path, error_code& ec) const
    {
        std::vector<directory_entry> entries;
        auto const id = find_directory(path, ec);
        if (ec)
            return entries;
        auto const& all = names_.seen();
        for (auto i = all.lower_bound({id, {}}); i != all.end() && i->first.directory == id; ++i) {
            auto const& f = files_.at(i->second);
            entries.push_back({i->first.name, f.bytes.size(), f.directory});
        }
        return entries;
    }
    /// True if it was made, false if it was there.
    bool make_directory(std::string_view path, interval when, error_code& ec)
    {
        auto const p = locate(path, ec);
        if (ec)
            return false;
        if (p.file) {
            if (!files_.at(p.file).directory)
                fail(boost::system::errc::not_a_directory, ec);
            return false;
        }
        files_[++last_file_].directory = true;
        change_names(when, {{p.name, last_file_}});
        return true;
    }
    /// Makes creations, renames and removals in the directory durable at the end of `when`.
    void sync_directory(std::string_view path, interval when, error_code& ec)
    {
        auto const id = find_directory(path, ec);
        if (ec)
            return;
        syncs_.push_back({when, id, true, false, {}});
        changed(when);
    }

    // ---- ends

    /// The power fails at `t`; `choose` decides what is left of what was not synced.
    template <crash_chooser Choose>
    crash_report crash(duration t, Choose&& choose)
    {
        settle(t);
        syncs_.clear();
        crash_report report;
        names_.crash(t, choose, report);
        close_all();
        for (auto& [id, f] : files_)
            f.bytes.crash(t, choose, report);
        return report;
    }
    /// The process ends at `t` and its machine does not.
    void kill(duration t)
    {
        settle(t);
        std::erase_if(syncs_, [&](auto const& s) { return s.when.begin > t; });
        names_.undo_after(t);
        close_all();
        for (auto& [id, f] : files_)
            f.bytes.undo_after(t);
    }

    // ---- for tests

    /// Bytes of all files together, by their sizes.
    std::uint64_t used() const
    {
        std::uint64_t sum = 0;
        for (auto const& [id, f] : files_)
            sum += f.bytes.size();
        return sum;
    }
    /// The paths of all files, sorted.
    std::vector<std::string> paths() const
    {
        std::vector<std::string> all;
        collect(root, "", all);
        std::erase_if(all, [](auto const& path) { return path.ends_with('/'); });
        return all;
    }
    /// Whether there is a file or directory of that path now.
    bool exists(std::string_view path) const
    {
        error_code ec;
        return locate(path, ec).file != 0;
    }
    /// The bytes of a file as a reader sees them. @throws std::invalid_argument if there is none.
    std::vector<std::byte> contents(std::string_view path) const
    {
        auto const& f = files_.at(file_at(path));
        std::vector<std::byte> bytes(static_cast<std::size_t>(f.bytes.size()));
        f.bytes.read(0, bytes);
        return bytes;
    }
    /// Makes a durable file with these bytes, and the directories on the way. @throws
    /// std::invalid_argument for a bad path.
    void put(std::string_view path, std::span<std::byte const> bytes)
    {
        error_code ec;
        interval const now{settled_, settled_};
        for (auto n = path.find('/', 1); n != path.npos && !ec; n = path.find('/', n + 1)) {
            make_directory(path.substr(0, n), now, ec);
            names_.sync(locate(path.substr(0, n), ec).name.directory, settled_);
        }
        auto const id = ec ? 0 : open(path, open_mode::create, now, ec);
        if (ec)
            throw std::invalid_argument("simulation::disk: put '" + std::string(path) +
                                        "': " + ec.message());
        resize(id, 0, now);
        write(id, 0, bytes, now);
        files_.at(id).bytes.sync(settled_);
        names_.sync(locate(path, ec).name.directory, settled_);
        close(id);
    }
    /// Flips one bit for good, as rot does. @throws std::invalid_argument if the file has no such
    /// byte.
    void flip(std::string_view path, std::uint64_t offset, int bit = 0)
    {
        auto& f = files_.at(file_at(path));
        if (offset >= f.bytes.size() || bit < 0 || bit > 7)
            throw std::invalid_argument("simulation::disk: flip of bit " + std::to_string(bit) +
                                        " at " + std::to_string(offset) + " in '" +
                                        std::string(path) + "', which has " +
                                        std::to_string(f.bytes.size()) + " bytes of 8 bits");
        f.bytes.flip(offset, bit);
    }
    /// Of all names and contents as a reader sees them: equal disks have equal digests.
    std::uint64_t digest() const
    {
        std::vector<std::string> all;
        collect(root, "", all);
        std::uint64_t hash = 0;
        for (auto const& path : all) {
            hash = hash_key(path, hash);
            if (!path.ends_with('/'))
                hash = hash_key(files_.at(file_at(path)).bytes.digest(), hash);
        }
        return hash;
    }
    /// Tells `f` every operation from now on; an empty one ends it.
    void watch(observer f) { observer_ = std::move(f); }

private:
    static constexpr file_id root = 1;

    struct file {
        detail::disk_file bytes;
        bool directory = false;
        bool locked = false;
        std::uint32_t opened = 0;
    };
    struct pending_sync {
        interval when;
        file_id file;
        bool directory, failed;
        std::vector<std::uint64_t> dropped;
    };
    // Where a path leads: the name, and what has it.
    struct place {
        detail::disk_name name;
        file_id file = 0;
    };

    static file_id fail(boost::system::errc::errc_t e, error_code& ec)
    {
        ec = boost::system::errc::make_error_code(e);
        return 0;
    }
    place locate(std::string_view path, error_code& ec) const
    {
        ec = {};
        std::vector<place> way{{{}, root}};
        while (!path.empty()) {
            auto const n = std::min(path.find('/'), path.size());
            auto const part = path.substr(0, n);
            path.remove_prefix(std::min(n + 1, path.size()));
            if (part.empty() || part == ".")
                continue;
            if (!way.back().file) {
                fail(boost::system::errc::no_such_file_or_directory, ec);
                return {};
            }
            if (!files_.at(way.back().file).directory) {
                fail(boost::system::errc::not_a_directory, ec);
                return {};
            }
            if (part == "..") {
                if (way.size() > 1)
                    way.pop_back();
                continue;
            }
            detail::disk_name name{way.back().file, std::string(part)};
            auto const id = names_.find(name);
            way.push_back({std::move(name), id});
        }
        return way.back();
    }
    file_id find_directory(std::string_view path, error_code& ec) const
    {
        auto const p = locate(path, ec);
        if (ec)
            return 0;
        if (!p.file)
            return fail(boost::system::errc::no_such_file_or_directory, ec);
        return files_.at(p.file).directory ? p.file
                                           : fail(boost::system::errc::not_a_directory, ec);
    }
    file_id file_at(std::string_view path) const
    {
        error_code ec;
        auto const id = locate(path, ec).file;
        if (!id || files_.at(id).directory)
            throw std::invalid_argument("simulation::disk: there is no file '" + std::string(path) +
                                        "'");
        return id;
    }
    bool is_within(file_id directory, file_id ancestor) const
    {
        for (auto const& [name, id] : names_.seen())
            if (id == directory)
                return directory == ancestor || is_within(name.directory, ancestor);
        return directory == ancestor;
    }
    // All paths in it in order; those of directories end in '/'.
    void collect(file_id directory, std::string const& prefix, std::vector<std::string>& all) const
    {
        auto const& names = names_.seen();
        for (auto i = names.lower_bound({directory, {}});
             i != names.end() && i->first.directory == directory; ++i) {
            auto const path = prefix + i->first.name;
            if (!files_.at(i->second).directory) {
                all.push_back(path);
                continue;
            }
            all.push_back(path + '/');
            collect(i->second, path + '/', all);
        }
    }

    void forget_unreachable()
    {
        auto const reachable = names_.in_use();
        std::erase_if(files_, [&](auto const& f) {
            return f.first != root && f.second.opened == 0 && !reachable.contains(f.first);
        });
    }
    void close_all()
    {
        for (auto& [id, f] : files_) {
            f.opened = 0;
            f.locked = false;
        }
        forget_unreachable();
    }

    detail::stamp stamp(interval when) { return {++operations_, when, settled_}; }
    void change_names(interval when,
                      std::vector<std::pair<detail::disk_name, file_id>> const& names)
    {
        names_.bind(stamp(when), names);
        changed(when);
    }
    void changed(interval when)
    {
        if (observer_)
            observer_(*this, when);
    }

    detail::disk_names names_;
    std::map<file_id, file> files_;
    std::vector<pending_sync> syncs_; // not known to have ended
    file_id last_file_ = root;
    std::uint64_t operations_ = 0;
    duration settled_{};
    observer observer_;
};

} // namespace perdure::simulation

#endif
