// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Logs that end at awkward moments: destroyed or closed while they open, replay or write, and opened anew at once.

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/wal/basic_wal.hpp>
#include <perdure/world/faulty_calls.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace perdure;
namespace asio = boost::asio;

namespace {

wal_options options_in(std::string directory)
{
    wal_options o;
    o.directory = std::move(directory);
    o.segment_bytes = 16 * 1024;
    o.idle_seal_after = {};
    return o;
}

void fill(std::string const& directory, int records)
{
    asio::io_context io;
    wal log(io, options_in(directory));
    log.open();
    for (int i = 0; i != records; ++i)
        log.append(as_bytes(std::to_string(i) + std::string(2000, '.')));
}

} // namespace

TEST_CASE("wal: closing after a full disk met the first group of a new segment leaves a log that opens", "[wal][asio]")
{
    temporary_directory d;
    using world = basic_system_world<faulty_calls>;
    bool marked = false;
    {
        asio::io_context io;
        auto const faults = std::make_shared<call_faults>();
        basic_wal<world> log(world(io, faulty_calls({faults})), options_in(d / "log"));
        log.open();
        std::vector<std::byte> const record(5000);
        for (int i = 0; i != 2; ++i)
            log.append(record);
        faults->fail(system_call::pwritev, ENOSPC, 2); // After the footer of the segment before.
        error_code appended, closed;
        log.async_append(record, [&](error_code ec, position) { appended = ec; });
        log.async_close([&](error_code ec) { closed = ec; });
        io.run();
        CHECK(faults->all_happened());
        CHECK(appended == errc::no_space);
        CHECK((closed == errc::no_space || !closed)); // Unless there was room for a seal, it cannot be marked as closed.
        CHECK(!log.is_open());
        marked = !closed;
    }
    asio::io_context io;
    wal log(io, options_in(d / "log"));
    auto const report = log.open();
    INFO(report);
    CHECK(report.outcome == (marked ? recovery_outcome::clean : recovery_outcome::recovered));
    CHECK(log.next_position() == 3);
}

TEST_CASE("wal: a log that was destroyed is opened anew, whether or not the loop runs meanwhile", "[wal][asio]")
{
    temporary_directory d;
    asio::io_context io;
    for (int life = 0; life != 5; ++life) {
        std::optional<wal> log(std::in_place, io, options_in(d / "log"));
        error_code ec;
        // What it had begun when it was destroyed, the disk ends first.
        for (int tries = 0; tries != 500; ++tries) {
            log->open(ec);
            if (ec != errc::locked)
                break;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        REQUIRE(!ec);
        CHECK(log->next_position() == static_cast<position>(life + 1));
        log->append(as_bytes("life"));
    }
}

TEST_CASE("wal: destroying a log ends its replay", "[wal][asio]")
{
    temporary_directory d;
    fill(d / "log", 600);
    asio::io_context io;
    std::optional<wal> log(std::in_place, io, options_in(d / "log"));
    log->open();
    int visited = 0;
    std::optional<error_code> result;
    log->async_replay(
        1,
        [&](position, std::span<std::byte const>) {
            CHECK(log);
            ++visited;
        },
        [&](error_code ec, position) { result = ec; });
    while (visited == 0)
        io.run_one();
    log.reset();
    auto const before = visited;
    io.run();
    CHECK(result == error_code(asio::error::operation_aborted));
    CHECK(visited == before);
    CHECK(visited < 600);
}

TEST_CASE("wal: an opening that the log does not outlive is aborted", "[wal][asio]")
{
    temporary_directory d;
    fill(d / "log", 3);
    asio::io_context io;
    std::optional<wal> log(std::in_place, io, options_in(d / "log"));
    std::optional<error_code> result;
    log->async_open([&](error_code ec, recovery_report const&) { result = ec; });
    log.reset();
    io.run();
    CHECK(result == error_code(asio::error::operation_aborted));
}

TEST_CASE("wal: a log that is closed while it opens is closed when it has opened", "[wal][asio]")
{
    temporary_directory d;
    fill(d / "log", 3);
    {
        asio::io_context io;
        wal log(io, options_in(d / "log"));
        std::optional<error_code> opened, closed;
        log.async_open([&](error_code ec, recovery_report const&) { opened = ec; });
        log.async_close([&](error_code ec) { closed = ec; });
        io.run();
        CHECK(opened == error_code());
        CHECK(closed == error_code());
        CHECK(!log.is_open());
    }
    asio::io_context io;
    wal log(io, options_in(d / "log"));
    CHECK(log.open().outcome == recovery_outcome::clean);
}

TEST_CASE("wal: opening keeps the handler's own loop at work", "[wal][asio]")
{
    temporary_directory d;
    asio::io_context io, other;
    wal log(io, options_in(d / "log"));
    bool done = false;
    log.async_open(asio::bind_executor(other, [&](error_code ec, recovery_report const&) { done = !ec; }));
    std::thread thread([&] { io.run(); });
    other.run(); // Returns when the handler was called, and not before.
    thread.join();
    CHECK(done);
}

TEST_CASE("wal: a replay that was prepared before the log was moved reads the log", "[wal][asio]")
{
    temporary_directory d;
    fill(d / "log", 3);
    asio::io_context io;
    std::optional<wal> log(std::in_place, io, options_in(d / "log"));
    log->open();
    int visited = 0;
    auto replay = log->async_replay(1, [&](position, std::span<std::byte const>) { ++visited; });
    wal moved(std::move(*log));
    log.reset();
    std::move(replay)([](error_code ec, position) { CHECK(!ec); });
    io.run();
    CHECK(visited == 3);
}

TEST_CASE("wal: a segment with a number that no log reaches is refused", "[wal][asio]")
{
    temporary_directory d;
    fill(d / "log", 3);
    auto const stray = d / "log/wal-18446744073709551615.seg";
    std::ofstream(stray) << std::string(8192, '\0');
    asio::io_context io;
    wal log(io, options_in(d / "log"));
    error_code ec;
    auto const report = log.open(ec);
    CHECK(ec == errc::malformed);
    CHECK(report.detail == "wal-18446744073709551615.seg has a number that no log reaches; move it away if it is not "
                           "the log's");
    std::filesystem::remove(stray);
    CHECK(log.open().recovered == position_range{1, 3});
}
