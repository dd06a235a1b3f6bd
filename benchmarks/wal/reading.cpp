// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Replay from the page cache, and opening after a clean stop.

#include "../support/measure.hpp"
#include "log.hpp"
#include "peers.hpp"

#include <perdure/bytes/crc32c.hpp>

namespace benchmark {

using namespace perdure;

namespace {

/// Appends `count` records of `size` bytes and closes the log.
void fill(std::string const& directory, std::size_t size, std::size_t count)
{
    asio::io_context io(1);
    auto o = options_in(directory);
    wal log(io, o);
    log.open();
    std::vector<std::byte> const record(size, std::byte{'x'});
    std::size_t const in_flight = std::max<std::size_t>(1, std::min<std::size_t>(1024, (2u << 20) / size));
    std::size_t left = count;
    std::function<void()> const next = [&] {
        if (left == 0)
            return;
        --left;
        log.async_append(record, durability::os, [&](error_code ec, position) {
            if (ec)
                fail("append");
            next();
        });
    };
    for (std::size_t i = 0; i != in_flight; ++i)
        next();
    io.run();
    log.async_close([](error_code ec) {
        if (ec)
            fail("close");
    });
    io.restart();
    io.run();
}

std::vector<std::string> segments_in(std::string const& directory)
{
    std::vector<std::string> all;
    for (auto const& e : std::filesystem::directory_iterator(directory))
        if (e.path().extension() == ".seg")
            all.push_back(e.path().string());
    return all;
}

/// Seconds to read all segments and to make the checksum of every byte.
double read_and_checksum(std::string const& directory)
{
    std::vector<std::byte> buffer(1 << 20);
    auto const begin = steady::now();
    for (auto const& path : segments_in(directory)) {
        int const fd = ::open(path.c_str(), O_RDONLY);
        std::uint32_t crc = 0;
        for (;;) {
            auto const n = ::read(fd, buffer.data(), buffer.size());
            if (n <= 0)
                break;
            crc = crc32c(std::span(buffer).first(static_cast<std::size_t>(n)), crc);
        }
        keep(crc);
        ::close(fd);
    }
    return seconds_since(begin);
}

} // namespace

void measure_replay(plan const& p)
{
    print_title("Replay of 256-byte records from the page cache");
    std::size_t const count = p.smoke ? 1000 : 2'000'000;
    std::size_t const size = 256;
    auto const directory = p.make("log");
    fill(directory, size, count);
    auto const rocks = p.make("rocksdb");
    double const bytes = static_cast<double>(count * size);
    bool has_peer = false;
    if (auto db = open_rocksdb_with_keys(rocks)) {
        has_peer = true;
        std::string const record(size, 'x');
        for (std::size_t i = 0; i != count / 4; ++i)
            db->append(record, false);
    }
    samples ours, floor, theirs;
    for (int turn = 0; turn != p.turns(7); ++turn) {
        floor.add(read_and_checksum(directory));
        {
            asio::io_context io(1);
            wal log(io, options_in(directory));
            log.open();
            std::size_t sum = 0;
            std::size_t records = 0;
            auto const begin = steady::now();
            log.replay(1, [&](position, std::span<std::byte const> b) {
                sum += b.size();
                ++records;
            });
            ours.add(seconds_since(begin));
            if (records != count || sum != count * size)
                fail("replay");
            log.async_close([](error_code) {});
            io.run();
        }
        if (has_peer && turn < 3) {
            auto const begin = steady::now();
            auto const db = open_rocksdb_with_keys(rocks);
            theirs.add(4 * seconds_since(begin)); // A quarter of the records.
        }
    }
    double const rate = bytes / ours.median() / 1e9;
    print_line("replay", text("%.2f GB/s", rate), "", ">= 2 GB/s", verdict(rate >= 2));
    print_line("replay", text("%.3f s", ours.median()),
               text("read + checksum %.3f s", floor.median()), "within 2x",
               (text("%.2fx ", ours.median() / floor.median()) +
                verdict(ours.median() <= 2 * floor.median()))
                   .c_str());
    if (has_peer)
        print_line("replay", text("%.2f GB/s", rate),
                   text("RocksDB's reopen %.3f GB/s", bytes / theirs.median() / 1e9), ">= 15x",
                   (text("%.1fx ", theirs.median() / ours.median()) +
                    verdict(theirs.median() >= 15 * ours.median()))
                       .c_str());
}

void measure_reopen(plan const& p)
{
    double const gigabytes = p.smoke ? 0.01 : p.log_gigabytes;
    print_title("Opening after a clean stop");
    auto const directory = p.make("log");
    std::size_t const size = 1 << 20;
    fill(directory, size, static_cast<std::size_t>(gigabytes * 1e9) / size + 1);
    samples ours;
    for (int turn = 0; turn != p.turns(7); ++turn) {
        asio::io_context io(1);
        wal log(io, options_in(directory));
        auto const begin = steady::now();
        auto const report = log.open();
        ours.add(1e3 * seconds_since(begin));
        if (report.outcome != recovery_outcome::clean)
            fail("open");
        log.async_close([](error_code) {});
        io.run();
    }
    print_line(text("%.3g GB of log", gigabytes), text("%.1f ms", ours.median()), "", "<= 50 ms",
               verdict(ours.median() <= 50));
}

} // namespace benchmark
