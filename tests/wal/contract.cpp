// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// What every asynchronous operation of the log promises: where handlers run, how operations are
// cancelled, and in which order things may be destroyed.

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/wal/basic_wal.hpp>
#include <perdure/world/faulty_calls.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

using namespace perdure;
using namespace std::chrono_literals;

namespace {

// One World for all, because each costs time to compile.
using test_wal = basic_wal<basic_system_world<faulty_calls>>;

wal_options in(temporary_directory const& d, std::chrono::milliseconds idle = 0ms)
{
    wal_options o;
    o.directory = d / "log";
    o.segment_bytes = 64 * 1024;
    o.waiting_bytes_max = 4096;
    o.idle_seal_after = idle;
    return o;
}

struct held_log {
    explicit held_log(temporary_directory const& d)
        : log(std::in_place, basic_system_world<faulty_calls>(*io, faulty_calls({faults})), in(d))
    {
        log->open();
        io->run();
        io->restart();
        faults->hold(system_call::fdatasync);
    }
    // Runs the loop until a sync is blocked.
    void run_into_sync()
    {
        while (faults->calls(system_call::fdatasync) == 0)
            io->run_one_for(1ms);
        faults->wait_until_held();
    }
    std::unique_ptr<asio::io_context> io = std::make_unique<asio::io_context>();
    std::shared_ptr<call_faults> faults = std::make_shared<call_faults>();
    std::optional<test_wal> log;
};

std::span<std::byte const> const record = as_bytes("a record");

} // namespace

TEST_CASE("wal: handlers run on their own executor, never inline", "[wal][asio]")
{
    temporary_directory d;
    asio::io_context io;
    asio::io_context other;
    test_wal log(io, in(d));
    log.open();
    int here = 0;
    int there = 0;
    bool initiating = true;
    auto const strand = asio::make_strand(other);
    for (auto how : {durability::memory, durability::os, durability::disk}) {
        log.async_append(record, how, [&](error_code ec, position) {
            CHECK(!ec);
            CHECK(!initiating);
            CHECK(io.get_executor().running_in_this_thread());
            ++here;
        });
        log.async_append(record, how, asio::bind_executor(strand, [&](error_code ec, position) {
                             // Catch2 checks on one thread at a time.
                             there += !ec && strand.running_in_this_thread();
                         }));
    }
    // What fails at once does not complete inline either.
    log.async_append(std::vector<std::byte>(17 << 20), [&](error_code ec, position p) {
        CHECK(ec == errc::record_too_large);
        CHECK(p == 0);
        CHECK(!initiating);
        ++here;
    });
    log.async_wait_durable(1000, [&](error_code ec, position) {
        CHECK(ec == errc::position_out_of_range);
        CHECK(!initiating);
        ++here;
    });
    log.async_trim(1000, [&](error_code ec) {
        CHECK(ec == errc::position_out_of_range);
        CHECK(!initiating);
        ++here;
    });
    initiating = false;
    std::thread runner([&] { other.run(); }); // It has work: the handlers' is tracked.
    io.run();
    runner.join();
    CHECK(here == 6);
    CHECK(there == 3);
}

TEST_CASE("wal: every kind of token", "[wal][asio]")
{
    temporary_directory d;
    asio::io_context io;
    test_wal log(io, in(d));
    log.open();
    std::future<position> future = log.async_append(record, asio::use_future);
    auto deferred = log.async_append(record);
    io.run();
    CHECK(future.get() == 1);
    position at = 0;
    std::move(deferred)([&](error_code, position p) { at = p; });
    auto moved = std::make_unique<int>(7); // A handler that can only be moved.
    log.async_append(record, [&at, moved = std::move(moved)](error_code, position p) {
        CHECK(*moved == 7);
        CHECK(p == at + 1);
    });
    io.restart();
    io.run();
    CHECK(at == 2);
}

TEST_CASE("wal: one append cancelled, written or not", "[wal][asio]")
{
    temporary_directory d;
    held_log h(d);
    auto const big = std::vector<std::byte>(3000);
    asio::cancellation_signal signals[3];
    error_code results[3];
    position positions[3] = {99, 99, 99};
    auto start = [&](int i) {
        h.log->async_append(
            big, asio::bind_cancellation_slot(signals[i].slot(), [&, i](error_code ec, position p) {
                results[i] = ec;
                positions[i] = p;
            }));
    };
    start(0); // Its sync is held.
    h.run_into_sync();
    start(1); // Collected for the next group.
    start(2); // There is no room for it.
    auto const type = GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial,
                               asio::cancellation_type::total);
    for (auto& s : signals)
        s.emit(type);
    CHECK(positions[0] == 99); // Not inline.
    h.io->poll();
    for (auto const& ec : results)
        CHECK(ec == asio::error::operation_aborted);
    CHECK(positions[0] == 1); // May be written.
    CHECK(positions[1] == 2); // May be written.
    CHECK(positions[2] == 0); // Was not, and will not be.
    h.faults->release();
    h.io->run();
    CHECK(h.log->next_position() == 3);
    CHECK(h.log->durable_position() == 2);
    for (auto& s : signals)
        s.emit(type); // Too late, and harmless.
}

TEST_CASE("wal: destroyed with appends under way, before and after the loop", "[wal][asio]")
{
    enum class order { log_first, loop_first, loop_never_ran };
    auto const o = GENERATE(order::log_first, order::loop_first, order::loop_never_ran);
    temporary_directory d;
    held_log h(d);
    int completed = 0;
    int destroyed = 0;
    struct counting {
        int* count;
        explicit counting(int* c) : count(c) {}
        counting(counting&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
        ~counting()
        {
            if (count)
                ++*count;
        }
    };
    auto start = [&](std::size_t size) {
        h.log->async_append(std::vector<std::byte>(size),
                            [&, c = counting(&destroyed)](error_code ec, position) {
                                CHECK((ec == asio::error::operation_aborted || ec == errc::closed));
                                ++completed;
                            });
    };
    start(10);
    if (o != order::loop_never_ran)
        h.run_into_sync();
    start(3000);
    start(3000);
    h.log->async_close([&, c = counting(&destroyed)](error_code) { ++completed; });
    h.log->async_wait_durable(1,
                              [&, c = counting(&destroyed)](error_code, position) { ++completed; });
    if (o == order::log_first) {
        h.log.reset();
        h.io->poll();
        CHECK(completed == 5);
        h.faults->release();
        h.io->run();
    } else {
        h.faults->release(); // The shutdown waits for the job.
        h.io.reset();
        CHECK(completed == 0);
        h.log.reset();
    }
    CHECK(destroyed == 5);
    h.log.reset();
    // Whatever happened, the log can be opened.
    asio::io_context io;
    test_wal again(io, in(d));
    CHECK(again.open().outcome == recovery_outcome::recovered);
}

TEST_CASE("wal: a handler may own the log", "[wal][asio]")
{
    temporary_directory d;
    bool const run = GENERATE(true, false);
    {
        asio::io_context io;
        auto log = std::make_shared<test_wal>(io, in(d, 1ms));
        log->open();
        log->async_append(record, [log](error_code, position) {});
        log->async_replay(
            1, [log](position, std::span<std::byte const>) {}, [](error_code, position) {});
        auto const weak = std::weak_ptr<test_wal>(log);
        log.reset();
        if (run) {
            io.run();
            CHECK(weak.expired());
        }
    }
}

TEST_CASE("wal: append from four threads while the loop runs on two", "[wal][asio]")
{
    temporary_directory d;
    asio::thread_pool pool(2);
    std::map<position, std::string> expected;
    {
        auto const strand = asio::make_strand(pool);
        auto o = in(d, 1ms);
        o.waiting_bytes_max = 64 * 1024;
        test_wal log(asio::any_io_executor(strand), o);
        std::promise<void> opened;
        asio::post(strand, [&] {
            log.open();
            opened.set_value();
        });
        opened.get_future().wait();
        std::mutex mutex;
        std::vector<std::thread> threads;
        std::atomic<int> done{0};
        for (int t = 0; t != 4; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i != 200; ++i) {
                    auto const text = std::to_string(t) + "." + std::to_string(i);
                    auto const p =
                        log.async_append(as_bytes(text), i % 2 ? durability::disk : durability::os,
                                         asio::use_future)
                            .get();
                    std::lock_guard lock(mutex);
                    CHECK(expected.emplace(p, text).second);
                    ++done;
                }
            });
        for (auto& t : threads)
            t.join();
        CHECK(done == 800);
        std::promise<void> closed;
        asio::post(strand, [&] { log.async_close([&](error_code) { closed.set_value(); }); });
        closed.get_future().wait();
        pool.join();
    }
    asio::io_context io;
    test_wal again(io, in(d));
    CHECK(again.open().outcome == recovery_outcome::clean);
    std::map<position, std::string> read;
    again.replay(1, [&](position p, std::span<std::byte const> b) { read[p] = as_text(b); });
    CHECK(read == expected);
}

TEST_CASE("wal: bad options are refused with field, value and rule", "[wal][asio]")
{
    asio::io_context io;
    auto refused = [&](wal_options o) {
        try {
            test_wal log(io, o);
        } catch (std::invalid_argument const& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    wal_options o;
    CHECK(refused(o).find("directory") != std::string::npos);
    o.directory = "x";
    o.segment_bytes = 100;
    CHECK(refused(o) == "wal_options::segment_bytes is 100; at least 8192");
    o.segment_bytes = 8192;
    o.record_bytes_max = 0;
    CHECK(refused(o).find("record_bytes_max is 0") != std::string::npos);
}
