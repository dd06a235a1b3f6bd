// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Logs that releases have written, in tests/data/wal, are read by every later one. Never change them: add new ones, with
// PERDURE_WRITE_GOLDEN set, which makes those that are missing.

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/wal/aes_gcm.hpp>
#include <perdure/wal/basic_wal.hpp>
#include <perdure/wal/lz4.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

using namespace perdure;
namespace asio = boost::asio;

namespace {

constexpr position last = 60;

std::string record(position p)
{
    return "record " + std::to_string(p) + ' ' +
           std::string(p * 37 % 300, static_cast<char>('a' + p % 26));
}

wal_options options_in(std::string directory)
{
    wal_options o;
    o.directory = std::move(directory);
    o.segment_bytes = 8192;
    o.record_bytes_max = 4096;
    o.owner = "golden"; // It stands in a file.
    return o;
}

aes_gcm_encryption::key key(unsigned n)
{
    aes_gcm_encryption::key k;
    for (std::size_t i = 0; i != k.size(); ++i)
        k[i] = static_cast<std::byte>(n + i);
    return k;
}

void add(wal& log, asio::io_context& io, position from, position to)
{
    int done = 0;
    for (position p = from; p <= to; ++p)
        log.async_append(as_bytes(record(p)), [&](error_code ec, position at) {
            CHECK(!ec);
            CHECK(at >= from);
            ++done;
        });
    io.restart();
    while (done != static_cast<int>(to - from + 1))
        io.run_one();
}

// The log that was released under this name is there, and any mode reads all of it and goes on behind it.
void check_golden(std::string const& name, wal_options how, position first, recovery_outcome outcome,
                  std::function<void(wal_options const&)> const& write)
{
    namespace fs = std::filesystem;
    fs::path const golden = fs::path(PERDURE_TEST_DATA) / "wal" / name;
    if (std::getenv("PERDURE_WRITE_GOLDEN") != nullptr && !fs::exists(golden)) {
        how.directory = golden.string();
        write(how);
    }
    REQUIRE(fs::exists(golden));
    for (auto const mode : {recovery_mode::strict, recovery_mode::tail, recovery_mode::point_in_time,
                            recovery_mode::salvage}) {
        temporary_directory const d;
        fs::copy(golden, d / "log", fs::copy_options::recursive);
        how.directory = d / "log";
        how.mode = mode;
        how.verify_everything = true;
        for (position end : {last, last + 1}) { // Closed cleanly in between.
            asio::io_context io;
            wal log(io, how);
            auto const report = log.open();
            INFO(report);
            CHECK(report.outcome == (end == last ? outcome : recovery_outcome::clean));
            CHECK(log.first_position() == first);
            position next = first;
            log.replay(first, [&](position p, std::span<std::byte const> bytes) {
                CHECK(p == next++);
                CHECK(as_text(bytes) == record(p));
            });
            CHECK(next == end + 1);
            if (end == last)
                CHECK(log.append(as_bytes(record(end + 1))) == end + 1);
            log.async_close([](error_code ec) { CHECK(!ec); });
            io.run();
        }
    }
}

} // namespace

TEST_CASE("wal: a log in several segments whose front was trimmed and that was not closed, as released", "[wal][format]")
{
    auto o = options_in("");
    o.type = "golden/1";
    o.unix_time_ms = [] { return std::uint64_t{1'796'000'000'000}; };
    check_golden("trimmed-1.0", o, 31, recovery_outcome::recovered, [](wal_options const& how) {
        asio::io_context io;
        wal log(io, how);
        log.open();
        for (position p = 1; p <= last; ++p)
            add(log, io, p, p);
        log.async_trim(30, [](error_code ec) { CHECK(!ec); });
        io.restart();
        io.run_for(std::chrono::milliseconds(500));
    });
}

TEST_CASE("wal: a log with XXH3 that was closed, as released", "[wal][format]")
{
    auto o = options_in("");
    o.checksum = wal_format::checksum_kind::xxh3;
    check_golden("xxh3-1.0", o, 1, recovery_outcome::clean, [](wal_options const& how) {
        asio::io_context io;
        wal log(io, how);
        log.open();
        add(log, io, 1, 25);
        add(log, io, 26, last);
        log.async_close([](error_code ec) { CHECK(!ec); });
        io.restart();
        io.run();
    });
}

TEST_CASE("wal: a compressed and encrypted log whose key was changed, as released", "[wal][format]")
{
    auto const keys = std::make_shared<aes_gcm_encryption>(1, key(1));
    auto o = options_in("");
    o.packing.compression = lz4_groups(64);
    o.packing.encryption = keys;
    if (std::getenv("PERDURE_WRITE_GOLDEN") == nullptr)
        keys->rotate(2, key(2));
    check_golden("packed-1.0", o, 1, recovery_outcome::clean, [&](wal_options const& how) {
        asio::io_context io;
        wal log(io, how);
        log.open();
        add(log, io, 1, 30);
        keys->rotate(2, key(2));
        add(log, io, 31, last);
        log.async_close([](error_code ec) { CHECK(!ec); });
        io.restart();
        io.run();
    });
}
