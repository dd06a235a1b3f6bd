// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/thrown.hpp"
#include <perdure/simulation/cluster.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace simulation = perdure::simulation;
using namespace std::chrono_literals;
using perdure::error_code;
using perdure::open_mode;
using perdure::rename_mode;
using perdure::sync_mode;
using perdure::test::thrown;
using simulation::event;
using files = simulation::world::files;

static_assert(perdure::has_files<simulation::world>);
static_assert(perdure::world_file<files::file>);

std::span<std::byte const> bytes(std::string_view text)
{
    return std::as_bytes(std::span(text));
}
std::string text(std::vector<std::byte> const& b)
{
    return {reinterpret_cast<char const*>(b.data()), b.size()};
}

// A cluster with one process that does nothing by itself.
struct bench {
    simulation::cluster c;
    explicit bench(simulation::options o = {}, std::uint64_t seed = 1) : c(seed, o)
    {
        c.add("a", [](simulation::world) {});
    }
    simulation::world w() { return c.world_of("a"); }
    simulation::disk& disk() { return c.disk("a"); }

    // Runs a job to its end.
    template <class Job>
    error_code run(Job job)
    {
        std::optional<error_code> result;
        w().async_file_job(std::move(job), [&](error_code ec) { result = ec; });
        REQUIRE(c.run_until([&] { return result.has_value(); }, 1h));
        return *result;
    }
};

// Appends to a log, with a sync each time, and reports what it acknowledged.
struct appender {
    simulation::world w;
    std::shared_ptr<int> acknowledged;
    int next;

    void start()
    {
        w.async_file_job(
            [n = next](files& fs, error_code& ec) {
                auto f = fs.open("log", open_mode::create, ec);
                if (!ec)
                    f.write_at(static_cast<std::uint64_t>(n) * 100,
                               bytes(std::string(100, static_cast<char>('a' + n % 26))), ec);
                if (!ec)
                    f.sync(sync_mode::data, ec);
                if (!ec && n == 0)
                    fs.sync_directory("/", ec);
            },
            [this](error_code ec) {
                if (ec)
                    return;
                *acknowledged = ++next;
                start();
            });
    }
};

} // namespace

TEST_CASE("files: a job takes the drawn time of its operations and completes with its result",
          "[simulation][sim]")
{
    simulation::options o;
    o.disk.write_min = 2ms;
    o.disk.sync_min = 5ms;
    o.disk.read_min = 1ms;
    o.disk.write_tail = o.disk.sync_tail = o.disk.read_tail = 0ns;
    bench b(o);
    std::string result;
    simulation::duration ended{};
    b.w().async_file_job(
        [](files& fs, error_code& ec) {
            auto f = fs.open("f", open_mode::create, ec); // 1 ms
            std::span<std::byte const> const parts[] = {bytes("ab"), bytes("cd")};
            f.write_at(0, parts, ec);   // 2 ms
            f.sync(sync_mode::all, ec); // 5 ms
            std::string read(10, ' ');
            read.resize(f.read_at(1, std::as_writable_bytes(std::span(read)), ec)); // 1 ms
            return read;
        },
        [&](error_code ec, std::string r) {
            CHECK_FALSE(ec);
            result = r;
            ended = b.c.now();
        });
    b.c.run_for(1s);
    CHECK(result == "bcd");
    CHECK(ended == 9ms);
}

TEST_CASE("files: jobs run one at a time in the order of their initiation, and blocking calls take "
          "no time",
          "[simulation][sim]")
{
    bench b;
    std::string order;
    for (char const name : {'1', '2', '3'})
        b.w().async_file_job(
            [&order, name](files& fs, error_code& ec) {
                order += name;
                auto f = fs.open("f", open_mode::create, ec);
                f.sync(sync_mode::all, ec);
            },
            [&order](error_code) { order += '.'; });
    CHECK(order.empty()); // never inline
    b.c.run_for(1s);
    CHECK(order == "1.2.3.");
    auto const before = b.c.now();
    error_code ec;
    auto fs = b.w().blocking_files();
    auto f = fs.open("g", open_mode::create_new, ec);
    f.write_at(0, bytes("x"), ec);
    f.sync(sync_mode::all, ec);
    CHECK_FALSE(ec);
    CHECK(b.c.now() == before);
    CHECK(f.size(ec) == 1);
}

TEST_CASE("files: acknowledged appends survive every crash, and un-synced ones are lost or torn",
          "[simulation][sim]")
{
    simulation::counters all;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        simulation::cluster c(seed);
        auto const acknowledged = std::make_shared<int>(0);
        c.add("a", [&](simulation::world w) {
            auto p = std::make_shared<appender>(appender{w, acknowledged, *acknowledged});
            p->start();
            return p;
        });
        for (int crash = 0; crash != 10; ++crash) {
            c.run_for(c.random().between(0ns, 20ms));
            c.crash("a");
            if (*acknowledged != 0) {
                auto const log = text(c.disk("a").contents("log"));
                REQUIRE(log.size() >= static_cast<std::size_t>(*acknowledged) * 100);
                for (int i = 0; i != *acknowledged; ++i)
                    REQUIRE(log.substr(static_cast<std::size_t>(i) * 100, 100) ==
                            std::string(100, static_cast<char>('a' + i % 26)));
            }
            c.restart("a");
        }
        all += c.counters();
    }
    for (auto const e :
         {event::job_interrupted, event::page_lost, event::page_kept, event::size_lost,
          event::size_kept, event::name_lost, event::name_kept, event::page_torn}) {
        CAPTURE(to_string(e));
        CHECK(all[e] > 0);
    }
}

TEST_CASE("files: a crash in the middle of a job keeps only what had begun", "[simulation][sim]")
{
    simulation::options o;
    o.disk.write_min = o.disk.sync_min = 10ms;
    o.disk.read_min = o.disk.read_tail = o.disk.write_tail = o.disk.sync_tail = 0ns;
    o.disk.page_lost = o.disk.page_torn = o.disk.size_lost = o.disk.name_lost =
        0; // keeps all it may
    for (int ms = 0; ms != 50; ++ms) {
        CAPTURE(ms);
        bench b(o);
        b.w().async_file_job(
            [](files& fs, error_code& ec) {
                auto f = fs.open("f", open_mode::create, ec);
                f.write_at(0, bytes("1"), ec);    // 0 to 10 ms
                f.write_at(4096, bytes("2"), ec); // 10 to 20 ms
                f.sync(sync_mode::data, ec);      // 20 to 30 ms
                f.write_at(8192, bytes("3"), ec); // 30 to 40 ms
            },
            [](error_code) {});
        b.c.run_for(std::chrono::milliseconds(ms) + 1us);
        if (ms % 2)
            b.c.crash("a");
        else
            b.c.kill("a");
        std::string written = text(b.disk().contents("f"));
        std::erase(written, '\0');
        CHECK(written == std::string("123").substr(0, ms < 10 ? 1 : ms < 30 ? 2 : 3));
        CHECK(b.c.counters()[event::job_interrupted] == (ms < 40));
    }
}

TEST_CASE("files: a killed process leaves its cache, which the power cut after it does not",
          "[simulation][sim]")
{
    simulation::options o;
    o.disk.page_lost = 1;
    o.disk.page_torn = 0;
    bench b(o);
    b.disk().put("f", bytes("old"));
    CHECK_FALSE(b.run([](files& fs, error_code& ec) {
        auto f = fs.open("f", open_mode::read_write, ec);
        f.write_at(0, bytes("new"), ec);
    }));
    b.c.kill("a");
    CHECK(text(b.disk().contents("f")) == "new");
    b.c.crash("a"); // the process is down, its machine is not
    CHECK(text(b.disk().contents("f")) == "old");
}

TEST_CASE(
    "files: cancelling a job that waits means it did nothing; one that runs completes truthfully",
    "[simulation][sim]")
{
    auto const type = GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial,
                               asio::cancellation_type::total);
    bench b;
    asio::cancellation_signal first, second;
    std::string log;
    auto const job = [&](char name) {
        return [&log, name](files& fs, error_code& ec) {
            log += name;
            auto f = fs.open("f", open_mode::create, ec);
            f.sync(sync_mode::all, ec);
        };
    };
    auto const handler = [&](char name, asio::cancellation_signal& s) {
        return asio::bind_cancellation_slot(s.slot(), [&log, name](error_code ec) {
            log += ec == asio::error::operation_aborted ? '-' : ec ? '?' : '+';
            log += name;
        });
    };
    b.w().async_file_job(job('a'), handler('a', first));
    b.w().async_file_job(job('b'), handler('b', second));
    REQUIRE(b.c.run_until([&] { return log == "a"; }, 1s));
    first.emit(type);
    second.emit(type);
    CHECK(log == "a"); // never inline
    b.c.run_for(1s);
    CHECK(log == "a-b+a");
    first.emit(type);
    second.emit(type);
    b.c.run_for(1s);
    CHECK(log == "a-b+a");
}

TEST_CASE("files: a job cancelled before it starts does nothing", "[simulation][sim]")
{
    bench b;
    asio::cancellation_signal s;
    error_code result;
    int ran = 0;
    b.w().async_file_job(
        [&](files&, error_code&) { return ++ran; },
        asio::bind_cancellation_slot(s.slot(), [&](error_code ec, int) { result = ec; }));
    s.emit(asio::cancellation_type::terminal);
    b.c.run_for(1s);
    CHECK(result == asio::error::operation_aborted);
    CHECK(ran == 0);
}

TEST_CASE("files: a dead process reaches no disk", "[simulation][sim]")
{
    bench b;
    b.disk().put("f", bytes("x"));
    auto const w = b.w();
    auto fs = w.blocking_files();
    error_code ec;
    auto f = fs.open("f", open_mode::read_write, ec);
    f.lock(ec);
    REQUIRE(!ec);
    b.c.crash("a");
    b.c.restart("a");
    auto const before = b.disk().digest();
    for (auto const& call : std::initializer_list<std::function<void()>>{
             [&] { f.write_at(0, bytes("y"), ec); }, [&] { f.sync(sync_mode::all, ec); },
             [&] { f.truncate(0, ec); }, [&] { f.allocate(0, 10, ec); }, [&] { f.size(ec); },
             [&] { f.lock(ec); }, [&] { fs.open("g", open_mode::create, ec); },
             [&] { fs.rename("f", "g", rename_mode::replace, ec); }, [&] { fs.remove("f", ec); },
             [&] { fs.create_directories("d", ec); }, [&] { fs.sync_directory("/", ec); },
             [&] { fs.list("/", ec); }}) {
        ec = {};
        call();
        CHECK(ec == asio::error::operation_aborted);
    }
    int ran = 0;
    w.async_file_job([&](files&, error_code&) { ++ran; }, [&](error_code) { ++ran; });
    b.c.run_for(1s);
    CHECK(ran == 0);
    CHECK(b.disk().digest() == before);
    auto fresh = b.w().blocking_files().open("f", open_mode::read_write, ec);
    fresh.lock(ec); // the old lock went with its process
    CHECK_FALSE(ec);
    f = files::file();
    fresh.write_at(0, bytes("z"), ec);
    CHECK_FALSE(ec);
}

TEST_CASE("files: a lock keeps a second opener out until it is closed", "[simulation][sim]")
{
    bench b;
    error_code ec;
    auto fs = b.w().blocking_files();
    auto first = fs.open("f", open_mode::create, ec);
    auto second = fs.open("f", open_mode::create, ec);
    first.lock(ec);
    CHECK_FALSE(ec);
    first.lock(ec);
    CHECK_FALSE(ec);
    second.lock(ec);
    CHECK(ec == perdure::errc::locked);
    first.close(ec);
    CHECK_FALSE(ec);
    CHECK_FALSE(first.is_open());
    second.lock(ec);
    CHECK_FALSE(ec);
}

TEST_CASE("files: directories are made with their parents, and their names are durable",
          "[simulation][sim]")
{
    bench b;
    auto fs = b.w().blocking_files();
    error_code ec;
    fs.create_directories("x/y/z", ec);
    CHECK_FALSE(ec);
    fs.create_directories("x/y", ec);
    CHECK_FALSE(ec);
    b.c.crash("a");
    b.c.restart("a");
    fs = b.w().blocking_files();
    CHECK(fs.list("x/y", ec) == std::vector<perdure::directory_entry>{{"z", 0, true}});
    auto f = fs.open("x/file", open_mode::create_new, ec);
    fs.create_directories("x/file/q", ec);
    CHECK(ec == boost::system::errc::not_a_directory);
}

TEST_CASE("files: reading and writing against the open mode fails", "[simulation][sim]")
{
    bench b;
    b.disk().put("f", bytes("x"));
    auto fs = b.w().blocking_files();
    error_code ec;
    auto f = fs.open("f", open_mode::read, ec);
    f.write_at(0, bytes("y"), ec);
    CHECK(ec == boost::system::errc::bad_file_descriptor);
    f.truncate(0, ec);
    CHECK(ec == boost::system::errc::bad_file_descriptor);
    f.allocate(0, 5, ec);
    CHECK(ec == boost::system::errc::bad_file_descriptor);
    files::file closed;
    closed.sync(sync_mode::all, ec);
    CHECK(ec == boost::system::errc::bad_file_descriptor);
    CHECK(text(b.disk().contents("f")) == "x");
}

TEST_CASE("files: a full disk takes what fits and says so, and space that is freed can be used",
          "[simulation][sim]")
{
    simulation::options o;
    o.disk.capacity = 10;
    bench b(o);
    auto fs = b.w().blocking_files();
    error_code ec;
    auto f = fs.open("f", open_mode::create, ec);
    f.allocate(0, 11, ec);
    CHECK(ec == boost::system::errc::no_space_on_device);
    CHECK(f.size(ec) == 0);
    f.allocate(0, 4, ec);
    CHECK_FALSE(ec);
    f.write_at(0, bytes("123456789012"), ec);
    CHECK(ec == boost::system::errc::no_space_on_device);
    CHECK(text(b.disk().contents("f")) == "1234567890");
    f.write_at(0, bytes("abc"), ec); // within
    CHECK_FALSE(ec);
    f.truncate(2, ec);
    CHECK_FALSE(ec);
    auto g = fs.open("g", open_mode::create, ec);
    g.truncate(9, ec);
    CHECK(ec == boost::system::errc::no_space_on_device);
    g.truncate(8, ec);
    CHECK_FALSE(ec);
    CHECK(b.c.counters()[event::disk_full] == 3);
}

TEST_CASE("files: errors come with their probability and leave what they say", "[simulation][sim]")
{
    simulation::options o;
    o.disk.write_error = 0.3;
    o.disk.read_error = 0.2;
    o.disk.sync_error = 0.25;
    bench b(o, Catch::rngSeed() + 1);
    CAPTURE(Catch::rngSeed());
    b.disk().put("f", bytes(std::string(100, 'o')));
    auto fs = b.w().blocking_files();
    error_code ec;
    files::file f;
    while (!f.is_open())
        f = fs.open("f", open_mode::read_write, ec);
    int writes = 0, reads = 0, syncs = 0, parts = 0, dropped = 0;
    constexpr int rounds = 4000;
    std::string buffer(100, ' ');
    for (int i = 0; i != rounds; ++i) {
        std::string const was = text(b.disk().contents("f"));
        std::string const fresh(100, static_cast<char>('a' + i % 26));
        f.write_at(0, bytes(fresh), ec);
        writes += ec == boost::system::errc::io_error;
        auto const now = text(b.disk().contents("f"));
        if (ec) {
            auto const n = static_cast<std::size_t>(
                std::mismatch(now.begin(), now.end(), fresh.begin()).first - now.begin());
            CHECK(now.substr(n) == was.substr(n)); // a front part was written
            parts += n != 0 && n != 100;
        } else {
            CHECK(now == fresh);
        }
        f.read_at(0, std::as_writable_bytes(std::span(buffer)), ec);
        reads += ec == boost::system::errc::io_error;
        f.sync(sync_mode::data, ec);
        syncs += ec == boost::system::errc::io_error;
        if (ec) {
            auto after = b.disk();
            after.crash(b.c.now(), [](simulation::crash_question, std::size_t n) {
                return n > 2 ? n - 2 : n - 1;
            });
            dropped +=
                text(after.contents("f")) != now; // even the kindest crash cannot bring it back
        }
    }
    auto const near = [](int hits, double p) {
        return std::abs(hits - rounds * p) < 6 * std::sqrt(rounds * p * (1 - p));
    };
    CHECK(near(writes, 0.3));
    CHECK(near(reads, 0.2));
    CHECK(near(syncs, 0.25));
    CHECK(parts > 0);
    CHECK(dropped > 0);
    CHECK(dropped < syncs);
    CHECK(b.c.counters()[event::write_failed] == static_cast<unsigned>(writes));
    CHECK(b.c.counters()[event::sync_failed] == static_cast<unsigned>(syncs));
}

TEST_CASE("files: a stalled disk delays the job and never the loop", "[simulation][sim]")
{
    simulation::options o;
    o.disk.stall = 0.5;
    o.disk.stall_mean = 10s;
    bench b(o);
    int ticks = 0;
    std::optional<simulation::duration> ended;
    simulation::world::timer t(b.w());
    std::function<void(error_code)> tick = [&](error_code ec) {
        if (ec)
            return;
        ++ticks;
        t.expires_after(1s);
        t.async_wait(tick);
    };
    tick({});
    b.w().async_file_job(
        [](files& fs, error_code& ec) {
            auto f = fs.open("f", open_mode::create, ec);
            for (int i = 0; i != 20; ++i)
                f.sync(sync_mode::all, ec);
        },
        [&](error_code) { ended = b.c.now(); });
    b.c.run_for(1h);
    REQUIRE(ended);
    CHECK(*ended > 10s);
    CHECK(ticks == 3601);
    CHECK(b.c.counters()[event::disk_stalled] > 0);
    t.cancel();
}

TEST_CASE("cluster: a wiped disk is empty, and only that of a process that is down can be wiped",
          "[simulation][sim]")
{
    bench b;
    b.disk().put("f", bytes("x"));
    CHECK(thrown([&] { b.c.wipe("a"); }) % "the process is up");
    b.c.crash("a");
    b.c.wipe("a");
    CHECK(b.disk().paths().empty());
    b.c.restart("a");
}
