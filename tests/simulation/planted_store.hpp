// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SIMULATION_PLANTED_STORE_HPP
#define PERDURE_TESTS_SIMULATION_PLANTED_STORE_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/crc32c.hpp>
#include <perdure/simulation/disk_files.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

/// What a storage engine gets wrong most often, each as one change of the store below.
enum class planted_bug {
    none,
    no_directory_sync,       ///< New and renamed files are not made durable.
    no_sync_before_rename,   ///< A file gets its final name before its content is durable.
    trim_before_marker,      ///< The log is removed before the snapshot in its place is durable.
    acknowledge_before_sync, ///< A record counts as safe before it is.
    append_to_torn_tail,     ///< What a crash left half-written is written behind, not cut off.
    no_checksum,             ///< A record counts as whole because its length fits.
};

/** A small store with a log and a snapshot: it counts. append() adds the next number, snapshot()
 *  replaces the log by the count. Right but for its planted bug.
 */
template <planted_bug Bug>
class planted_store {
    using files = perdure::simulation::disk_files;

public:
    explicit planted_store(files f) : files_(std::move(f))
    {
        files_.create_directories("s", ec_);
        if (auto snap = files_.open("s/snap", perdure::open_mode::read, ec_); !ec_)
            if (auto const n = read_record(snap, 0))
                last_ = n->first;
        for (auto const& entry : files_.list("s", ec_))
            if (entry.name.starts_with("log-"))
                read_log("s/" + entry.name);
        if (!log_.is_open())
            begin_log();
    }

    /// All numbers up to this one are in the store.
    std::uint64_t last() const { return last_; }
    bool failed() const { return failed_; }

    void append()
    {
        if (Bug == planted_bug::acknowledge_before_sync)
            log_.sync(perdure::sync_mode::data, ec_); // Of the one before.
        write_record(log_, end_, ++last_);
        if (Bug != planted_bug::acknowledge_before_sync)
            log_.sync(perdure::sync_mode::data, ec_);
    }

    void snapshot()
    {
        auto const old = log_path_;
        if (Bug == planted_bug::trim_before_marker)
            remove(old);
        auto snap = files_.open("s/snap.new", perdure::open_mode::create, ec_);
        snap.truncate(0, ec_);
        std::uint64_t at = 0;
        write_record(snap, at, last_);
        if (Bug != planted_bug::no_sync_before_rename)
            snap.sync(perdure::sync_mode::all, ec_);
        files_.rename("s/snap.new", "s/snap", perdure::rename_mode::replace, ec_);
        sync_directory();
        begin_log();
        if (Bug != planted_bug::trim_before_marker)
            remove(old);
    }

private:
    // A record: its number in eight bytes, 2000 bytes that follow from it (several sectors),
    // and a checksum.
    static constexpr std::size_t record_size = 8 + 2000 + 4;
    using record = std::array<std::byte, record_size>;

    static record encode(std::uint64_t n)
    {
        record r;
        r.fill(static_cast<std::byte>(n * 7 + 1));
        perdure::store_little(r.data(), n);
        perdure::store_little(&r[record_size - 4],
                              perdure::crc32c(std::span(r).first(record_size - 4)));
        return r;
    }
    void write_record(files::file& f, std::uint64_t& at, std::uint64_t n)
    {
        auto const r = encode(n);
        f.write_at(at, r, ec_);
        at += record_size;
    }
    std::optional<std::pair<std::uint64_t, std::uint64_t>> read_record(files::file& f,
                                                                       std::uint64_t at)
    {
        record r;
        if (f.read_at(at, r, ec_) != record_size)
            return std::nullopt;
        auto const n = perdure::load_little<std::uint64_t>(r.data());
        if (Bug == planted_bug::no_checksum) {
            failed_ = failed_ || r != encode(n); // What a user of the record would see.
            return n == 0 ? std::nullopt : std::optional(std::pair(n, at + record_size));
        }
        if (r != encode(n))
            return std::nullopt;
        return std::pair(n, at + record_size);
    }
    void read_log(std::string const& path)
    {
        auto log = files_.open(path, perdure::open_mode::read_write, ec_);
        std::uint64_t at = 0;
        while (auto const n = read_record(log, at)) {
            if (n->first > last_ + 1)
                break;
            last_ = std::max(last_, n->first);
            at = n->second;
        }
        if (Bug == planted_bug::append_to_torn_tail) {
            at = log.size(ec_);
        } else {
            log.truncate(at, ec_);
            log.sync(perdure::sync_mode::all, ec_);
        }
        log_ = std::move(log);
        log_path_ = path;
        end_ = at;
    }
    void begin_log()
    {
        auto digits = std::to_string(last_ + 1);
        log_path_ = "s/log-" + std::string(4 - digits.size(), '0') + digits;
        log_ = files_.open(log_path_, perdure::open_mode::create, ec_);
        end_ = 0;
        sync_directory();
    }
    void remove(std::string const& path)
    {
        if (path != log_path_ || Bug == planted_bug::trim_before_marker)
            files_.remove(path, ec_);
        sync_directory();
    }
    void sync_directory()
    {
        if (Bug != planted_bug::no_directory_sync)
            files_.sync_directory("s", ec_);
    }

    files files_;
    files::file log_;
    std::string log_path_;
    std::uint64_t end_ = 0;
    std::uint64_t last_ = 0;
    bool failed_ = false;
    perdure::error_code ec_;
};

#endif
