// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/wal/basic_wal.hpp>
#include <perdure/world/counting_calls.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace asio = boost::asio;
using namespace perdure;

namespace {

struct directory {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() /
        ("perdure-wal-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    directory() { std::filesystem::remove_all(path); }
    ~directory() { std::filesystem::remove_all(path); }
    static inline int count = 0;
};

wal_options options_in(directory const& d)
{
    wal_options o;
    o.directory = d.path.string();
    o.segment_bytes = 64 * 1024;
    o.idle_seal_after = std::chrono::milliseconds(1);
    return o;
}

std::vector<std::string> contents(wal& log, position from = 1)
{
    std::vector<std::string> out;
    position next = from;
    log.replay(from, [&](position p, std::span<std::byte const> bytes) {
        CHECK(p == next++);
        out.emplace_back(as_text(bytes));
    });
    return out;
}

} // namespace

TEST_CASE("wal: a new directory is an empty log", "[wal][asio]")
{
    directory d;
    asio::io_context io;
    wal log(io, options_in(d));
    auto const report = log.open();
    INFO(report);
    CHECK(report.outcome == recovery_outcome::created);
    CHECK(log.first_position() == 1);
    CHECK(log.next_position() == 1);
    CHECK(log.durable_position() == 0);
    CHECK(contents(log).empty());
}

TEST_CASE("wal: appended records are replayed, after a clean close and without one", "[wal][asio]")
{
    directory d;
    bool const close = GENERATE(true, false);
    std::vector<std::string> expected;
    for (int round = 0; round != 4; ++round) {
        asio::io_context io;
        wal log(io, options_in(d));
        auto const report = log.open();
        INFO("round " << round << ": " << report);
        if (round > 0)
            CHECK(report.outcome ==
                  (close ? recovery_outcome::clean : recovery_outcome::recovered));
        CHECK(contents(log) == expected);
        CHECK(log.next_position() == expected.size() + 1);
        std::vector<position> positions;
        for (int i = 0; i != 10; ++i) {
            expected.push_back("record " + std::to_string(round) + "." + std::to_string(i));
            log.async_append(as_bytes(expected.back()), [&](error_code ec, position p) {
                CHECK(!ec);
                positions.push_back(p);
                CHECK(log.durable_position() >= p);
            });
        }
        io.run();
        REQUIRE(positions.size() == 10);
        CHECK(positions.back() == expected.size());
        CHECK(log.counters().syncs <= 3);
        if (close) {
            bool closed = false;
            log.async_close([&](error_code ec) {
                CHECK(!ec);
                closed = true;
            });
            io.restart();
            io.run();
            CHECK(closed);
        }
    }
}

TEST_CASE("wal: a coroutine appends through many segments, trims, and reads the rest",
          "[wal][asio]")
{
    directory d;
    std::string const body(1000, 'x');
    {
        asio::io_context io;
        wal log(io, options_in(d));
        log.open();
        bool done = false;
        asio::co_spawn(
            io,
            [&]() -> asio::awaitable<void> {
                for (int i = 0; i != 300; ++i) {
                    auto const record = std::to_string(i) + body;
                    auto const p = co_await log.async_append(as_bytes(record), asio::use_awaitable);
                    CHECK(p == static_cast<position>(i + 1));
                }
                CHECK(log.counters().segments >= 4);
                co_await log.async_trim(200, asio::use_awaitable);
                CHECK(log.first_position() == 201);
                done = true;
            },
            asio::detached);
        io.run();
        REQUIRE(done);
        CHECK(contents(log, 201).size() == 100);
        error_code ec;
        log.replay(
            200, [](position, std::span<std::byte const>) {}, ec);
        CHECK(ec == errc::position_out_of_range);
    }
    asio::io_context io;
    wal log(io, options_in(d));
    auto const report = log.open();
    INFO(report);
    CHECK(report.outcome == recovery_outcome::recovered);
    CHECK(report.recovered == position_range{201, 300});
    auto const rest = contents(log, 201);
    REQUIRE(rest.size() == 100);
    CHECK(rest.front() == "200" + body);
    std::size_t files = 0;
    for (auto const& e : std::filesystem::directory_iterator(d.path))
        files += e.path().extension() == ".seg";
    CHECK(files < 6);
}

TEST_CASE("wal: a second opener is refused and told who has it", "[wal][asio]")
{
    directory d;
    asio::io_context io;
    auto o = options_in(d);
    o.owner = "the first one";
    wal first(io, o);
    first.open();
    wal second(io, o);
    error_code ec;
    auto const report = second.open(ec);
    CHECK(ec == errc::locked);
    CHECK(report.outcome == recovery_outcome::refused);
    CHECK(report.detail.find("the first one") != std::string::npos);
}

TEST_CASE("wal: who opens a log is known by process and host if nobody says otherwise",
          "[wal][asio]")
{
    directory d;
    asio::io_context io;
    wal first(io, options_in(d));
    first.open();
    wal second(io, options_in(d));
    error_code ec;
    CHECK(second.open(ec).detail.find("open in process " + std::to_string(::getpid()) + " on ") ==
          0);
    CHECK(ec == errc::locked);
}

TEST_CASE("wal: async_open and async_replay", "[wal][asio]")
{
    directory d;
    asio::io_context io;
    wal log(io, options_in(d));
    std::vector<std::string> seen;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            auto const report = co_await log.async_open(asio::use_awaitable);
            CHECK(report.outcome == recovery_outcome::created);
            for (int i = 0; i != 50; ++i)
                co_await log.async_append(as_bytes(std::to_string(i)), durability::os,
                                          asio::use_awaitable);
            co_await log.async_replay(
                11, [&](position, std::span<std::byte const> b) { seen.emplace_back(as_text(b)); },
                asio::use_awaitable);
        },
        asio::detached);
    io.run();
    REQUIRE(seen.size() == 40);
    CHECK(seen.front() == "10");
    CHECK(seen.back() == "49");
}

TEST_CASE("wal: who dies again and again does not fill the disk with what was preallocated", "[wal][asio]")
{
    directory d;
    wal_options o = options_in(d);
    o.segment_bytes = 4u << 20;
    for (int life = 0; life != 6; ++life) {
        asio::io_context io;
        wal log(io, o);
        log.open();
        CHECK(contents(log).size() == static_cast<std::size_t>(life));
        log.append(as_bytes("life " + std::to_string(life)));
    } // Never closed.
    std::uintmax_t size = 0;
    blkcnt_t blocks = 0;
    for (auto const& e : std::filesystem::directory_iterator(d.path)) {
        struct stat s;
        if (e.path().extension() != ".seg" || ::stat(e.path().c_str(), &s) != 0)
            continue;
        size += e.file_size();
        blocks += s.st_blocks;
    }
    CHECK(size >= 5 * o.segment_bytes); // Their length is part of the proof.
    CHECK(static_cast<std::uintmax_t>(blocks) * 512 <= 3 * o.segment_bytes);
}

TEST_CASE("wal: the device begins with what is left to the system, and what is synced it has",
          "[wal][asio]")
{
    directory d;
    auto const counts = std::make_shared<call_counts>();
    asio::io_context io;
    wal_options o = options_in(d);
    o.segment_bytes = 64u << 20;
    basic_wal<basic_system_world<counting_calls>> log(
        basic_system_world<counting_calls>(io, counting_calls({counts})), o);
    log.open();
    auto const begun = [&] { return counts->of(system_call::start_write_back); };
    std::vector<std::byte> const large(1 << 20);
    int done = 0;
    auto const append = [&](int n, durability how) {
        for (int i = 0; i != n; ++i) {
            log.async_append(large, how, [&](error_code ec, position) { done += !ec; });
            io.restart();
            while (done != i + 1)
                io.run_one();
        }
        done = 0;
    };
    append(7, durability::os);
    CHECK(begun() == 0);
    append(10, durability::os); // Steps of 8 MiB.
    CHECK(begun() == 2);
    append(9, durability::disk);
    append(7, durability::os);
    CHECK(begun() == 2);
    append(1, durability::os);
    CHECK(begun() == 3);
    append(40, durability::os); // Another segment, which begins anew.
    CHECK(log.counters().segments == 1);
    CHECK(begun() == 7);
}
