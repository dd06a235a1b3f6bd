// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_LOCK_HPP
#define PERDURE_WAL_DETAIL_LOG_LOCK_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/crc32c.hpp>
#include <perdure/wal/format.hpp>
#include <perdure/world/files.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace perdure::detail {

/// The lock file of a log: who the log is, and who has it open.
template <class Files>
class log_lock {
public:
    static std::string path(std::string const& directory)
    {
        return directory + '/' + std::string(wal_format::lock_name);
    }

    /// Takes the lock, or fails with `locked`; then owner() says who has it.
    void take(Files& fs, std::string const& directory, error_code& ec)
    {
        file_ = fs.open(path(directory), open_mode::create, ec);
        if (!ec)
            file_.lock(ec);
    }

    /// Whether somebody has the lock of another directory. If it is this one, it is us.
    static bool is_taken(Files& fs, std::string const& directory)
    {
        error_code ec;
        auto other = fs.open(path(directory), open_mode::read_write, ec);
        if (!ec)
            other.lock(ec);
        return ec == errc::locked;
    }

    std::optional<wal_format::log_id> read_identity(error_code& ec)
    {
        std::array<std::byte, identity_bytes> bytes;
        if (file_.read_at(0, bytes, ec) != bytes.size() || ec)
            return std::nullopt;
        byte_reader r(bytes);
        if (as_text(r.bytes(8)) != "PERDLCK\n" ||
            load_little<std::uint32_t>(&bytes[identity_bytes - 4]) !=
                crc32c(std::span(bytes).first(identity_bytes - 4)))
            return std::nullopt;
        wal_format::log_id id;
        id.high = r.u64();
        id.low = r.u64();
        return id;
    }

    void write_identity(wal_format::log_id const& id, error_code& ec)
    {
        std::array<std::byte, identity_bytes> bytes{};
        span_writer w(bytes);
        w.bytes(as_bytes("PERDLCK\n"));
        w.u64(id.high);
        w.u64(id.low);
        store_little(&bytes[identity_bytes - 4],
                     crc32c(std::span(bytes).first(identity_bytes - 4)));
        file_.write_at(0, bytes, ec);
        if (!ec)
            file_.sync(sync_mode::all, ec);
    }

    void write_owner(std::string const& owner, error_code& ec)
    {
        std::array<std::byte, 512> bytes{};
        span_writer w(bytes);
        w.sized_text(owner);
        file_.write_at(owner_offset, bytes, ec);
    }

    std::string owner()
    {
        std::array<std::byte, 512> bytes;
        error_code ec;
        auto const n = file_.read_at(owner_offset, bytes, ec);
        byte_reader r({bytes.data(), n});
        std::string who(r.sized_text(400));
        return who.empty() ? "another process or object" : who;
    }

private:
    static constexpr std::size_t identity_bytes = 64;
    static constexpr std::uint64_t owner_offset = 512;

    typename Files::file file_;
};

} // namespace perdure::detail

#endif
