// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_INSPECT_SNAPSHOTS_HPP
#define PERDURE_EXAMPLES_TOOLS_INSPECT_SNAPSHOTS_HPP

#include "log_directory.hpp"
#include <perdure/snapshot/lz4.hpp>
#include <perdure/snapshot/reader.hpp>
#include <perdure/snapshot/zstd.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace inspect {

/// One that is being written has the same end of its name, and nobody counts on it.
inline bool is_snapshot(perdure::directory_entry const& entry)
{
    return !entry.is_directory && entry.name.starts_with("snapshot-") &&
           entry.name.ends_with(".snap");
}

/// Copies a file's bytes, durable under a new name in an existing directory.
inline void copy_file(std::string const& from, std::string const& to, error_code& ec)
{
    files fs;
    auto in = fs.open(from, perdure::open_mode::read, ec);
    if (ec)
        return;
    auto out = fs.open(to, perdure::open_mode::create_new, ec);
    std::vector<std::byte> buffer(1 << 20);
    for (std::uint64_t at = 0; !ec;) {
        auto const n = in.read_at(at, buffer, ec);
        if (ec || n == 0)
            break;
        out.write_at(at, std::span(buffer).first(n), ec);
        at += n;
    }
    if (!ec)
        out.sync(perdure::sync_mode::all, ec);
}

struct found_snapshot {
    std::string name;
    std::uint64_t bytes = 0;
    perdure::snapshot_info info;
    error_code error; ///< is_gone: the store has removed it since it was listed.
    std::set<std::string> packs; ///< That it shares chunks with.
};

inline bool exists(std::string const& path)
{
    error_code ec;
    files().open(path, perdure::open_mode::read, ec);
    return !is_gone(ec);
}

/** Reads and checks a snapshot in `directory`, with its packs. The snapshot may be a copy: packs that are not there yet
 *  are copied from the store in `source` as they are needed.
 */
inline found_snapshot check_snapshot(std::string const& directory,
                                     perdure::directory_entry const& entry,
                                     std::string const& source)
{
    namespace format = perdure::snapshot_format;
    struct object {
        files::file file;
        std::uint64_t size(error_code& e) { return file.size(e); }
        std::size_t read_at(std::uint64_t at, std::span<std::byte> to, error_code& e)
        {
            return file.read_at(at, to, e);
        }
    };
    files fs;
    perdure::compressor const known[] = {perdure::lz4_compression(), perdure::zstd_compression()};
    found_snapshot s{entry.name, entry.size, {}, {}, {}};
    object o{fs.open(directory + '/' + entry.name, perdure::open_mode::read, s.error)};
    std::unique_ptr<object> pack;
    std::uint64_t pack_id = 0;
    auto const find_pack = [&](std::uint64_t id, error_code& e) -> object* {
        if (pack && pack_id == id)
            return pack.get();
        auto const digits = std::to_string(id);
        auto const name = "snapshot-" + std::string(20 - digits.size(), '0') + digits + ".pack";
        if (s.packs.insert(name).second && source != directory && !exists(directory + '/' + name))
            copy_file(source + '/' + name, directory + '/' + name, e);
        if (!e)
            pack = std::make_unique<object>(
                object{fs.open(directory + '/' + name, perdure::open_mode::read, e)});
        pack_id = id;
        std::array<std::byte, format::pack_header_size> header{};
        if (!e)
            pack->read_at(0, header, e);
        if (!e && header != format::encode_pack_header(id))
            e = perdure::errc::malformed;
        return e ? nullptr : pack.get();
    };
    if (!s.error)
        s.info = perdure::read_snapshot(o, known, find_pack, s.error).info();
    // A store removes a pack only after the last snapshot that needs it.
    if (is_gone(s.error) && exists(source + '/' + entry.name))
        s.error = perdure::errc::truncated;
    return s;
}

/** Reads and checks every snapshot, newest first, with the packs that it shares chunks with. The store may be in use:
 *  if it removes one meanwhile, checking begins again, because there is a newer one then.
 */
inline std::vector<found_snapshot> check_snapshots(std::string const& directory, error_code& ec)
{
    for (int attempt = 1;; ++attempt) {
        std::vector<found_snapshot> all;
        bool gone = false;
        for (auto const& entry : files().list(directory, ec))
            if (is_snapshot(entry)) {
                auto s = check_snapshot(directory, entry, directory);
                if (is_gone(s.error))
                    gone = true;
                else
                    all.insert(all.begin(), std::move(s));
            }
        if (!gone || attempt == attempts_max)
            return all;
    }
}

/// Whether one of them is intact and stands where the log begins, ends or is.
inline bool stands_within(perdure::position_range log, std::vector<found_snapshot> const& all)
{
    return std::any_of(all.begin(), all.end(), [&](found_snapshot const& s) {
        return !s.error && s.info.position >= log.first && s.info.position <= log.last + 1;
    });
}

// -- copying ---------------------------------------------------------------------------------------

/** A copy of the snapshots of a store, which may be in use.
 *
 *  Files of a store have one content under one name, so what was copied stays good however often copying begins again.
 */
class snapshot_copy {
public:
    snapshot_copy(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}

    /** Copies what is there and not copied yet, newest first, as long as it is intact and its position is not behind
     *  `limit`. If the store removes a snapshot meanwhile, copying begins again.
     *
     *  Returns how many snapshots it saw for the first time. The first error ends it; where() says of which file it is.
     */
    std::size_t add(perdure::position limit, error_code& ec)
    {
        auto const seen_before = seen_.size();
        for (int attempt = 1;; ++attempt) {
            where_ = from_;
            auto entries = files_.list(from_, ec);
            std::erase_if(entries, [](auto const& e) { return !is_snapshot(e); });
            bool gone = false;
            for (auto e = entries.rbegin(); e != entries.rend() && !ec; ++e) {
                if (has(copied_, e->name) || has(damaged_, e->name))
                    continue;
                seen_.insert(e->name);
                behind_.erase(e->name);
                auto s = copy(*e, ec);
                if (is_gone(s.error)) {
                    gone = true;
                    // In the end it is enough to have the newest: of the others the store has no more either.
                    if (attempt == attempts_max && e == entries.rbegin())
                        ec = s.error;
                } else if (s.error == perdure::condition::corruption) {
                    damaged_.push_back(std::move(s));
                } else if (s.error) {
                    ec = s.error;
                } else if (s.info.position > limit) {
                    files_.remove(to_ + '/' + s.name, ec);
                    behind_.insert(s.name);
                } else {
                    copied_.push_back(std::move(s));
                }
            }
            if (ec || !gone || attempt == attempts_max)
                return seen_.size() - seen_before;
        }
    }
    /// Whether a copy of the log fits one of them.
    bool within(perdure::position_range log) const { return stands_within(log, copied_); }

    /// Drops what is behind `limit`, and packs that are not needed; the rest is durable then.
    void finish(perdure::position limit, error_code& ec)
    {
        where_ = to_;
        std::set<std::string> needed;
        for (auto const& s : copied_)
            if (s.info.position <= limit)
                needed.insert(s.packs.begin(), s.packs.end());
            else if (behind_.insert(s.name); !ec)
                files_.remove(to_ + '/' + s.name, ec);
        std::erase_if(copied_, [&](auto const& s) { return s.info.position > limit; });
        if (ec)
            return;
        auto const all = files_.list(to_, ec);
        for (auto const& entry : all)
            if (!ec && entry.name.ends_with(".pack") && !needed.contains(entry.name))
                files_.remove(to_ + '/' + entry.name, ec);
        if (!ec)
            files_.sync_directory(to_, ec);
    }

    std::vector<found_snapshot> const& copied() const { return copied_; }
    std::vector<found_snapshot> const& damaged() const { return damaged_; }
    std::size_t left_out() const { return damaged_.size() + behind_.size(); }
    std::string const& where() const { return where_; }

private:
    // Checked is the copy: so the source is read once, and a file that is taken away meanwhile is noticed.
    found_snapshot copy(perdure::directory_entry const& entry, error_code& ec)
    {
        found_snapshot s;
        auto const path = to_ + '/' + entry.name;
        where_ = from_ + '/' + entry.name;
        copy_file(where_, path, s.error);
        if (s.error)
            return s;
        s = check_snapshot(to_, entry, from_);
        if (s.error)
            files_.remove(path, ec);
        return s;
    }

    static bool has(std::vector<found_snapshot> const& in, std::string const& name)
    {
        return std::any_of(in.begin(), in.end(), [&](auto const& s) { return s.name == name; });
    }

    files files_;
    std::string from_, to_, where_;
    std::vector<found_snapshot> copied_, damaged_;
    std::set<std::string> seen_, behind_;
};

} // namespace inspect

#endif
