// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Appending from threads that block, and what a log tells of its disk.

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/wal/basic_wal.hpp>
#include <perdure/world/faulty_calls.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace perdure;
using namespace std::chrono_literals;

namespace {

using test_wal = basic_wal<basic_system_world<faulty_calls>>;

/// A log with a loop that a test may run or not.
struct fixture {
    explicit fixture(temporary_directory const& d, std::uint32_t waiting_bytes_max = 64 * 1024,
                     std::chrono::milliseconds stall_after = 1000ms)
        : log(basic_system_world<faulty_calls>(io, faulty_calls({faults})),
              options(d, waiting_bytes_max, stall_after))
    {
    }

    wal_options options(temporary_directory const& d, std::uint32_t waiting_bytes_max,
                        std::chrono::milliseconds stall_after)
    {
        wal_options o;
        o.directory = d / "log";
        o.segment_bytes = 64 * 1024;
        o.record_bytes_max = 32 * 1024;
        o.waiting_bytes_max = waiting_bytes_max;
        o.idle_seal_after = 0ms;
        o.stall_after = stall_after;
        o.on_event = [this](wal_event const& e) { events.push_back(e); };
        return o;
    }

    void run()
    {
        io.restart();
        io.run();
    }

    asio::io_context io;
    std::shared_ptr<call_faults> faults = std::make_shared<call_faults>();
    std::vector<wal_event> events;
    test_wal log;
};

std::map<position, std::string> read_all(test_wal& log)
{
    std::map<position, std::string> out;
    log.replay(log.first_position(),
               [&](position p, std::span<std::byte const> b) { out[p] = std::string(as_text(b)); });
    return out;
}

/// What threads were told, to be compared with what is in the log. Catch2 checks on one thread.
class told {
public:
    void add(position p, std::string text)
    {
        std::lock_guard lock(mutex_);
        unique_ = records_.emplace(p, std::move(text)).second && unique_;
    }
    void check(test_wal& log) const
    {
        CHECK(unique_);
        CHECK(read_all(log) == records_);
    }

private:
    std::mutex mutex_;
    std::map<position, std::string> records_;
    bool unique_ = true;
};

} // namespace

TEST_CASE("wal: a thread appends and waits, without the loop", "[wal][asio]")
{
    temporary_directory d;
    fixture f(d);
    CHECK_THROWS_AS(f.log.append(as_bytes("too early")), boost::system::system_error);
    f.log.open();
    std::map<position, std::string> expected;
    // Through several segments.
    for (int i = 0; i != 200; ++i) {
        auto const how = static_cast<durability>(i % 3);
        auto const syncs = f.faults->calls(system_call::fdatasync);
        auto const writes = f.faults->calls(system_call::pwritev);
        auto const text = std::to_string(i) + std::string(1000, '.');
        auto const p = f.log.append(as_bytes(text), how);
        CHECK(p == static_cast<position>(i + 1));
        expected[p] = text;
        if (how == durability::disk)
            CHECK(f.log.durable_position() == p);
        if (how == durability::memory)
            CHECK(f.faults->calls(system_call::pwritev) == writes);
        else
            CHECK(f.faults->calls(system_call::pwritev) > writes);
        if (how != durability::disk && f.log.counters().segments == 0)
            CHECK(f.faults->calls(system_call::fdatasync) == syncs);
    }
    error_code ec;
    f.log.wait_durable(f.log.next_position() - 1, ec);
    CHECK(!ec);
    CHECK(f.log.durable_position() == 200);
    CHECK(f.log.counters().segments >= 2);
    f.log.wait_durable(1000, ec);
    CHECK(ec == errc::position_out_of_range);
    std::vector<std::span<std::byte const>> const three(3, as_bytes("three"));
    CHECK(f.log.append_group(three) == 203);
    CHECK(f.log.append(std::vector<std::byte>(33 * 1024), durability::disk, ec) == 0);
    CHECK(ec == errc::record_too_large);
    for (position p : {201u, 202u, 203u})
        expected[p] = "three";
    CHECK(read_all(f.log) == expected);
}

TEST_CASE("wal: threads that append and wait share syncs, among them and with the loop",
          "[wal][asio]")
{
    temporary_directory d;
    told all;
    bool const small = GENERATE(false, true); // Little may wait: the threads wait for room.
    {
        fixture f(d, small ? 4096 : 64 * 1024);
        f.log.open();
        auto work = asio::make_work_guard(f.io);
        std::thread loop([&] { f.run(); });
        std::vector<std::thread> threads;
        for (int t = 0; t != 8; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i != 60; ++i) {
                    auto text = std::to_string(t) + "." + std::to_string(i) + std::string(700, 'x');
                    // Two threads go by the loop, the others write themselves.
                    auto const how = i % 5 == 0 ? durability::os : durability::disk;
                    auto const p =
                        t < 2 ? f.log.async_append(as_bytes(text), how, asio::use_future).get()
                              : f.log.append(as_bytes(text), how);
                    all.add(p, std::move(text));
                }
            });
        for (auto& t : threads)
            t.join();
        std::promise<void> closed;
        asio::post(f.io, [&] { f.log.async_close([&](error_code) { closed.set_value(); }); });
        closed.get_future().wait();
        work.reset();
        loop.join();
        CHECK(f.log.counters().records == 480);
        CHECK(f.log.counters().groups < 480);
    }
    fixture again(d);
    CHECK(again.log.open().outcome == recovery_outcome::clean);
    all.check(again.log);
}

TEST_CASE("wal: one thread writes for those that wait", "[wal][asio]")
{
    temporary_directory d;
    fixture f(d);
    f.log.open();
    f.io.run();
    f.faults->hold(system_call::fdatasync);
    std::vector<std::thread> threads;
    threads.emplace_back([&] { f.log.append(as_bytes("first")); });
    f.faults->wait_until_held();
    for (int t = 0; t != 16; ++t)
        threads.emplace_back([&] { f.log.append(as_bytes("follower")); });
    while (f.log.next_position() != 18)
        std::this_thread::yield();
    auto const before = f.log.counters();
    f.faults->release();
    for (auto& t : threads)
        t.join();
    CHECK(before.groups == 0);
    CHECK(f.log.counters().groups == 2);
    CHECK(f.log.counters().syncs == 2);
    CHECK(f.log.durable_position() == 17);
}

TEST_CASE("wal: a failure under a thread that writes for others reaches them all", "[wal][asio]")
{
    temporary_directory d;
    auto const call = GENERATE(system_call::fdatasync, system_call::pwritev);
    {
        fixture f(d);
        f.log.open();
        f.io.run();
        f.log.append(as_bytes("durable"));
        f.faults->hold(call);
        f.faults->fail(call, EIO, 2);
        std::atomic<int> failed{0};
        auto const append = [&](position expected) {
            error_code ec;
            auto const p = f.log.append(as_bytes("x"), durability::disk, ec);
            failed += ec == errc::log_failed && (expected == 0 || p == expected);
        };
        std::vector<std::thread> threads;
        error_code first_ec;
        threads.emplace_back([&] { f.log.append(as_bytes("first"), durability::disk, first_ec); });
        f.faults->wait_until_held();
        for (int t = 0; t != 8; ++t)
            threads.emplace_back([&] { append(0); });
        while (f.log.next_position() != 11)
            std::this_thread::yield();
        f.faults->release();
        for (auto& t : threads)
            t.join();
        CHECK(!first_ec);
        CHECK(failed == 8);
        CHECK(f.log.durable_position() == 2);
        CHECK(f.log.failure() == boost::system::errc::io_error);
        error_code ec;
        CHECK(f.log.append(as_bytes("refused"), durability::memory, ec) == 0);
        CHECK(ec == errc::log_failed);
        f.log.wait_durable(2, ec);
        CHECK(!ec); // It was durable before.
        f.log.wait_durable(3, ec);
        CHECK(ec == errc::log_failed);
        f.run();
        REQUIRE(f.events.size() == 1);
        CHECK(f.events[0].kind == wal_event_kind::failed);
        CHECK(f.events[0].durable == 2);
        CHECK(f.events[0].cause == boost::system::errc::io_error);
    }
    fixture again(d);
    again.log.open();
    auto const all = read_all(again.log);
    CHECK(all.at(1) == "durable");
    CHECK(all.at(2) == "first");
}

TEST_CASE("wal: lack of space is told to threads and is an event; then it passes", "[wal][asio]")
{
    temporary_directory d;
    fixture f(d);
    f.log.open();
    f.io.run();
    f.faults->fail(system_call::pwritev, ENOSPC);
    error_code ec;
    CHECK(f.log.append(as_bytes("refused"), durability::disk, ec) == 0);
    CHECK(ec == errc::no_space);
    CHECK(!f.log.failure());
    CHECK(f.log.append(as_bytes("taken"), durability::disk, ec) == 1);
    CHECK(!ec);
    f.run();
    REQUIRE(f.events.size() == 1);
    CHECK(f.events[0].kind == wal_event_kind::no_space);
    CHECK(read_all(f.log) == std::map<position, std::string>{{1, "taken"}});
}

TEST_CASE("wal: a stall is an event, for a thread that writes and for the loop", "[wal][asio]")
{
    temporary_directory d;
    bool const by_thread = GENERATE(true, false);
    fixture f(d, 64 * 1024, 20ms);
    f.log.open();
    f.io.run();
    f.faults->hold(system_call::fdatasync);
    std::thread thread;
    auto work = asio::make_work_guard(f.io);
    if (by_thread)
        thread = std::thread([&] { f.log.append(as_bytes("x")); });
    else
        f.log.async_append(as_bytes("x"), [](error_code, position) {});
    f.io.restart();
    while (f.events.empty())
        f.io.run_one();
    CHECK(f.events[0].kind == wal_event_kind::disk_stalled);
    CHECK(f.events[0].took >= 20ms);
    CHECK(f.events[0].durable == 0);
    CHECK(to_string(f.events[0]).find("log: disk stalled for ") == 0);
    f.io.run_for(60ms);
    CHECK(f.events.size() == 1); // One a stall.
    f.faults->release();
    if (thread.joinable())
        thread.join();
    work.reset();
    f.run();
    REQUIRE(f.events.size() == 2);
    CHECK(f.events[1].kind == wal_event_kind::disk_answered);
    CHECK(f.events[1].took >= 60ms);
    // What is quick is no event, and keeps the loop from nothing.
    f.log.async_append(as_bytes("y"), [](error_code, position) {});
    f.run();
    CHECK(f.events.size() == 2);
}
