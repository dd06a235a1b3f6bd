// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Things that happen to a log at the same time.

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/wal/basic_wal.hpp>
#include <perdure/world/faulty_calls.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace perdure;
using namespace std::chrono_literals;

namespace {

using test_wal = basic_wal<basic_system_world<faulty_calls>>;

struct fixture {
    explicit fixture(temporary_directory const& d) { open(options(d)); }
    explicit fixture(wal_options const& o) { open(o); }

    static wal_options options(temporary_directory const& d)
    {
        wal_options o;
        o.directory = d / "log";
        o.segment_bytes = 8192;
        o.record_bytes_max = 4096;
        o.waiting_bytes_max = 4096;
        o.idle_seal_after = 0ms;
        return o;
    }

    void open(wal_options const& o)
    {
        log.emplace(basic_system_world<faulty_calls>(io, faulty_calls({faults})), o);
        log->open();
        run();
    }
    void run()
    {
        io.restart();
        io.run();
    }
    /// False if that does not happen.
    bool run_until(std::function<bool()> done)
    {
        auto const guard = asio::make_work_guard(io);
        io.restart();
        while (!done())
            if (io.run_one_for(20s) == 0)
                return false;
        return true;
    }
    void append(std::string const& text)
    {
        log->async_append(as_bytes(text), [](error_code ec, position) { CHECK(!ec); });
    }
    std::map<position, std::string> read_all()
    {
        std::map<position, std::string> out;
        log->replay(log->first_position(), [&](position p, std::span<std::byte const> b) {
            out[p] = std::string(as_text(b));
        });
        return out;
    }

    asio::io_context io;
    std::shared_ptr<call_faults> faults = std::make_shared<call_faults>();
    std::optional<test_wal> log;
};

std::string record(int i)
{
    return "record " + std::to_string(i) + std::string(1000, '.');
}

} // namespace

TEST_CASE("wal: closing and cutting happen though threads take the seal that they wait for",
          "[wal][asio]")
{
    bool const closes = GENERATE(true, false);
    temporary_directory d;
    fixture f(d);
    f.faults->hold(system_call::fdatasync);
    std::thread leader([&] { f.log->append(as_bytes("leads")); });
    f.faults->wait_until_held();
    std::thread follower([&] { f.log->append(as_bytes("leads next")); });
    while (f.log->next_position() != 3)
        std::this_thread::yield();
    std::optional<error_code> done;
    auto const handler = [&](error_code ec) { done = ec; };
    if (closes)
        f.log->async_close(handler);
    else
        f.log->async_truncate(1, handler);
    f.faults->release();
    CHECK(f.run_until([&] { return done.has_value(); }));
    leader.join();
    follower.join();
    REQUIRE(done);
    CHECK(!*done);
}

TEST_CASE("wal: a thread that waits leads when it was told so, though it is complete", "[wal][asio]")
{
    using word = detail::thread_waiter::word;
    detail::thread_waiter w;
    w.lead();
    w.complete(errc::closed, 0); // The log is closed, and the append had no room yet.
    CHECK(w.wait() == word::lead);
    CHECK(w.wait() == word::done);
    CHECK(w.ec() == errc::closed);
}

TEST_CASE("wal: a log is closed while threads wait for room", "[wal][asio]")
{
    for (int round = 0; round != 30; ++round) {
        temporary_directory d;
        fixture f(d);
        std::vector<std::thread> threads;
        for (int t = 0; t != 8; ++t)
            threads.emplace_back([&] {
                error_code ec;
                while (!ec)
                    f.log->append(as_bytes(record(0)), durability::os, ec);
            });
        while (f.log->next_position() < 20)
            std::this_thread::yield();
        bool closed = false;
        f.log->async_close([&](error_code ec) { closed = !ec; });
        CHECK(f.run_until([&] { return closed; }));
        for (auto& t : threads)
            t.join();
        REQUIRE(closed);
    }
}

TEST_CASE("wal: a log is destroyed while the seal of a trim is written", "[wal][asio]")
{
    temporary_directory d;
    fixture f(d);
    for (int i = 0; i != 20; ++i) {
        f.append(record(i));
        f.run();
    }
    f.faults->hold(system_call::fdatasync);
    error_code trimmed;
    f.log->async_trim(15, [&](error_code ec) { trimmed = ec; });
    f.io.restart();
    f.io.poll();
    f.faults->wait_until_held();
    f.log.reset();
    f.faults->release();
    f.io.run();
    CHECK(trimmed == asio::error::operation_aborted);
    f.open(fixture::options(d));
    CHECK(f.read_all().at(20) == record(19));
}

TEST_CASE("wal: a trim that comes while a group is written is done when its segments are gone",
          "[wal][asio]")
{
    temporary_directory d;
    fixture f(d);
    for (int i = 0; i != 20; ++i) {
        f.append(record(i));
        f.run();
    }
    auto const first = d / "log/" + wal_format::segment_name(1);
    REQUIRE(std::filesystem::exists(first));
    f.faults->hold(system_call::fdatasync);
    f.append("under way");
    f.io.restart();
    f.io.poll();
    f.faults->wait_until_held();
    std::optional<bool> gone;
    f.log->async_trim(15, [&](error_code ec) { gone = !ec && !std::filesystem::exists(first); });
    f.faults->release();
    f.io.run();
    CHECK(gone == true);
}

TEST_CASE("wal: a cut that a trim has overtaken is refused", "[wal][asio]")
{
    temporary_directory d;
    auto o = fixture::options(d);
    bool const by_retention = GENERATE(false, true);
    if (by_retention)
        o.retention.records_max = 5;
    fixture f(o);
    std::map<position, std::string> expected;
    for (int i = 0; i != 20; ++i) {
        expected[static_cast<position>(i + 1)] = record(i);
        f.append(record(i));
        f.run();
    }
    auto const last = f.log->first_position() + 1;
    std::optional<error_code> cut;
    if (by_retention)
        for (int i = 20; i != 23; ++i) {
            expected[static_cast<position>(i + 1)] = record(i);
            f.append(record(i));
        }
    f.log->async_truncate(last, [&](error_code ec) { cut = ec; });
    if (!by_retention)
        f.log->async_trim(15, [](error_code ec) { CHECK(!ec); });
    f.run();
    REQUIRE(cut);
    if (by_retention && !*cut) { // The front had not moved.
        CHECK(f.log->first_position() <= last + 1);
        return;
    }
    CHECK(*cut == errc::position_out_of_range);
    f.append("behind");
    f.run();
    auto const front = f.log->first_position();
    CHECK(front > last);
    expected.erase(expected.begin(), expected.lower_bound(front));
    expected[expected.rbegin()->first + 1] = "behind";
    CHECK(f.read_all() == expected);
    f.log.reset();
    f.open(o);
    CHECK(f.read_all().at(expected.rbegin()->first) == "behind");
}

TEST_CASE("wal: a cut takes away appends that waited for room before it, and none behind it",
          "[wal][asio]")
{
    temporary_directory d;
    fixture f(d);
    f.append("one");
    f.append("two");
    f.run();
    f.faults->hold(system_call::fdatasync);
    for (int i = 0; i != 20; ++i)
        f.append(record(i));
    int cuts = 0;
    auto const count = [&](error_code ec) { cuts += !ec; };
    f.log->async_truncate(2, count);
    f.append("between the cuts");
    f.log->async_truncate(2, count);
    f.append("behind");
    f.faults->release();
    f.run();
    CHECK(cuts == 2);
    std::vector<std::string> texts;
    for (auto const& [p, text] : f.read_all())
        texts.push_back(text);
    CHECK(texts == std::vector<std::string>{"one", "two", "behind"});
    error_code ec;
    f.log->async_truncate(static_cast<position>(-1), [&](error_code e) { ec = e; });
    f.run();
    CHECK(!ec); // Behind the end.
}

TEST_CASE("wal: what was lost for lack of space is not written again behind a later failure",
          "[wal][asio]")
{
    // Records are left to the system, then there is no space at a turn of segments, then a write or
    // sync fails.
    auto const call = GENERATE(system_call::fdatasync, system_call::pwritev);
    bool const cuts = GENERATE(false, true);
    if (cuts && call == system_call::fdatasync)
        return;
    for (std::uint64_t n = 1; n != 10; ++n)
        for (std::uint64_t m = 1; m != 4; ++m) {
            INFO("no space at write " << n << ", then " << to_string(call) << ' ' << m << " fails");
            temporary_directory d;
            auto o = fixture::options(d);
            o.after_failure = after_failure::continue_elsewhere;
            std::map<position, std::string> acknowledged;
            {
                fixture f(o);
                f.faults->fail(system_call::pwritev, ENOSPC, n);
                bool second = false;
                for (int i = 0; i != 24; ++i) {
                    if (!second && f.faults->all_happened()) {
                        f.faults->fail(call, EIO, m);
                        second = true;
                    }
                    if (cuts && i == 11) {
                        auto const last = f.log->next_position() - 2;
                        f.log->async_truncate(last, [&](error_code ec) {
                            if (!ec)
                                acknowledged.erase(acknowledged.upper_bound(last),
                                                   acknowledged.end());
                        });
                        f.run();
                    }
                    auto const text = record(i);
                    f.log->async_append(as_bytes(text), i % 9 == 8 ? durability::disk : durability::os,
                                        [&](error_code ec, position p) {
                                            if (!ec)
                                                acknowledged[p] = text;
                                            else if (ec != errc::log_failed || !cuts)
                                                CHECK(ec == errc::no_space);
                                        });
                    f.run();
                }
                CHECK(f.read_all() == acknowledged);
                if (f.log->failure())
                    continue; // While cutting.
            }
            fixture again(o);
            CHECK(again.read_all() == acknowledged);
        }
}
