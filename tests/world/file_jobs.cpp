// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/group_log.hpp"
#include "support/temporary_directory.hpp"
#include "support/tracking_executor.hpp"
#include <perdure/world/system_world.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <ctime>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <signal.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using perdure::error_code;
using perdure::system_world;
using files = system_world::files;
using steady = std::chrono::steady_clock;

namespace {

/// A job that waits until it is let go.
class gate {
public:
    auto job()
    {
        return [this](files&, error_code&) {
            entered_.set_value();
            open_.get_future().wait();
        };
    }
    void wait_until_entered() { entered_.get_future().wait(); }
    void open() { open_.set_value(); }

private:
    std::promise<void> entered_;
    std::promise<void> open_;
};

/// How many threads the process has.
std::size_t threads()
{
    std::size_t n = 0;
    for ([[maybe_unused]] auto const& e : std::filesystem::directory_iterator("/proc/self/task"))
        ++n;
    return n;
}

} // namespace

TEST_CASE("file jobs: the thread is started by the first job and ended by the context",
          "[world][asio]")
{
    std::thread([] {}).join(); // A sanitizer starts one of its own with the first.
    auto const before = threads();
    {
        asio::io_context io;
        system_world const world(io);
        system_world const other(io);
        CHECK(threads() == before);
        world.async_file_job([](files&, error_code&) {}, [](error_code) {});
        other.async_file_job([](files&, error_code&) {}, [](error_code) {});
        io.run();
        CHECK(threads() == before + 1);
    }
    CHECK(threads() == before);
}

TEST_CASE("file jobs: jobs of a World and its copies run one at a time, in order", "[world][asio]")
{
    auto const borrowed = GENERATE(false, true);
    asio::thread_pool pool(4);
    asio::io_context io;
    system_world const world = borrowed ? system_world(io, pool.get_executor()) : system_world(io);
    std::vector<int> order;
    std::atomic<int> at_once{0};
    std::atomic<int> at_once_max{0}; // Catch's checks are for the main thread only.
    std::vector<int> completed;
    for (int i = 0; i < 500; ++i) {
        system_world const copy = world;
        copy.async_file_job(
            [&, i](files&, error_code&) {
                at_once_max = std::max<int>(at_once_max, ++at_once);
                order.push_back(i);
                --at_once;
                return i;
            },
            [&](error_code, int n) { completed.push_back(n); });
    }
    io.run();
    CHECK(at_once_max == 1);
    CHECK(order.size() == 500);
    CHECK(std::is_sorted(order.begin(), order.end()));
    CHECK(completed == order);
}

TEST_CASE("file jobs: a disk that stalls does not stall the loop", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    bool done = false;
    auto const begin = steady::now();
    world.async_file_job([](files&, error_code&) { std::this_thread::sleep_for(1s); },
                         [&](error_code) { done = true; });
    system_world::timer tick(world);
    int ticks = 0;
    std::chrono::nanoseconds longest{0};
    std::function<void()> next = [&] {
        auto const set = steady::now();
        tick.expires_after(1ms);
        tick.async_wait([&, set](error_code) {
            longest = std::max<std::chrono::nanoseconds>(longest, steady::now() - set - 1ms);
            ++ticks;
            if (!done)
                next();
        });
    };
    next();
    io.run();
    CHECK(done);
    CHECK(steady::now() - begin >= 1s);
    CHECK(ticks > 100);
    CHECK(longest < 500ms); // Generous: the machine may be busy. A blocked loop would show 1 s.
}

TEST_CASE("file jobs: a job owns what it needs, and is gone before its handler runs",
          "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    auto buffer = std::make_unique<std::string>("owned");
    auto const witness = std::make_shared<int>();
    std::string seen;
    long uses = 0;
    world.async_file_job(
        [buffer = std::move(buffer), witness](files&, error_code&) {
            return std::make_unique<std::string>(*buffer);
        },
        [&](error_code, std::unique_ptr<std::string> s) {
            seen = *s;
            uses = witness.use_count();
        });
    CHECK(witness.use_count() == 2);
    io.run();
    CHECK(seen == "owned");
    CHECK(uses == 1);
}

TEST_CASE("file jobs: an aborted job gives a default result and has not run", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    gate g;
    world.async_file_job(g.job(), [](error_code) {});
    g.wait_until_entered();
    asio::cancellation_signal signal;
    bool ran = false;
    int result = -1;
    world.async_file_job(
        [&](files&, error_code&) {
            ran = true;
            return 7;
        },
        asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, int n) {
            CHECK(ec == asio::error::operation_aborted);
            result = n;
        }));
    signal.emit(asio::cancellation_type::total);
    io.poll();
    CHECK(result == 0);
    g.open();
    io.run();
    CHECK_FALSE(ran);
}

TEST_CASE("file jobs: jobs can be initiated from any thread", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    auto const work = asio::make_work_guard(io);
    std::atomic<int> ran{0};
    int completed = 0;
    std::vector<std::thread> starters;
    for (int t = 0; t < 4; ++t)
        starters.emplace_back([&] {
            for (int i = 0; i < 200; ++i)
                world.async_file_job([&](files&, error_code&) { ++ran; },
                                     [&](error_code) {
                                         if (++completed == 800)
                                             io.stop();
                                     });
        });
    io.run();
    for (auto& t : starters)
        t.join();
    CHECK(ran == 800);
    CHECK(completed == 800);
}

TEST_CASE("file jobs: the program's signals do not go to the flusher", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    sigset_t mine;
    sigset_t mine_after;
    pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    bool blocked = false;
    world.async_file_job(
        [](files&, error_code&) {
            sigset_t s;
            pthread_sigmask(SIG_SETMASK, nullptr, &s);
            return sigismember(&s, SIGINT) == 1 && sigismember(&s, SIGTERM) == 1 &&
                   sigismember(&s, SIGCHLD) == 1;
        },
        [&](error_code, bool b) { blocked = b; });
    io.run();
    CHECK(blocked);
    pthread_sigmask(SIG_SETMASK, nullptr, &mine_after);
    CHECK(sigismember(&mine_after, SIGINT) == sigismember(&mine, SIGINT));
}

TEST_CASE("file jobs: a borrowed executor runs them on its threads, and starts none of ours",
          "[world][asio]")
{
    asio::thread_pool pool(1);
    auto const pool_thread =
        asio::post(pool, asio::use_future([] { return std::this_thread::get_id(); })).get();
    auto const before = threads();
    asio::io_context io;
    system_world const world(io, pool.get_executor());
    std::thread::id ran_on;
    world.async_file_job([&](files&, error_code&) { ran_on = std::this_thread::get_id(); },
                         [](error_code) {});
    io.run();
    CHECK(ran_on == pool_thread);
    CHECK(threads() == before);
}

TEST_CASE("file jobs: Worlds that borrow the same pool run at the same time", "[world][asio]")
{
    asio::thread_pool pool(2);
    asio::io_context io;
    system_world const a(io, pool.get_executor());
    system_world const b(io, pool.get_executor());
    gate first;
    gate second;
    a.async_file_job(first.job(), [](error_code) {});
    b.async_file_job(second.job(), [](error_code) {});
    first.wait_until_entered();
    second.wait_until_entered();
    first.open();
    second.open();
    CHECK(io.run() == 2);
}

TEST_CASE("file jobs: a borrowed pool that ends first aborts what has not started", "[world][asio]")
{
    asio::io_context io;
    auto pool = std::make_unique<asio::thread_pool>(1);
    system_world const world(io, pool->get_executor());
    gate g;
    asio::post(*pool, [&] {
        error_code ignored;
        files f;
        g.job()(f, ignored);
    });
    g.wait_until_entered();
    std::vector<error_code> results;
    for (int i = 0; i < 3; ++i)
        world.async_file_job([](files&, error_code&) { FAIL("ran"); },
                             [&](error_code ec) { results.push_back(ec); });
    pool->stop();
    g.open();
    pool.reset();
    io.run();
    CHECK(results == std::vector<error_code>(3, asio::error::operation_aborted));
}

TEST_CASE("file jobs: the loop waits for a job on a borrowed pool before it is gone",
          "[world][asio]")
{
    asio::thread_pool pool(1);
    auto io = std::make_unique<asio::io_context>();
    auto world = std::make_unique<system_world>(*io, pool.get_executor());
    auto const witness = std::make_shared<int>();
    gate g;
    std::atomic<bool> finished{false};
    world->async_file_job(
        [&g, &finished](files& f, error_code& ec) {
            g.job()(f, ec);
            finished = true;
        },
        [witness](error_code) { FAIL("called"); });
    world->async_file_job([](files&, error_code&) { FAIL("ran"); },
                          [witness](error_code) { FAIL("called"); });
    g.wait_until_entered();
    std::thread opener([&] {
        std::this_thread::sleep_for(20ms);
        g.open();
    });
    io.reset();
    CHECK(finished);
    CHECK(witness.use_count() == 1);
    opener.join();
    world.reset();
    pool.join();
}

TEST_CASE("file jobs: the pool may end after the loop, with work of it in its queue",
          "[world][asio]")
{
    asio::thread_pool pool(1);
    gate g;
    asio::post(pool, [&] {
        error_code ignored;
        files f;
        g.job()(f, ignored);
    });
    g.wait_until_entered();
    {
        asio::io_context io;
        system_world const world(io, pool.get_executor());
        world.async_file_job([](files&, error_code&) { FAIL("ran"); },
                             [](error_code) { FAIL("called"); });
    }
    g.open();
    pool.join();
}

namespace {

struct refusing_executor {
    asio::execution_context* context;

    template <class F>
    void execute(F) const
    {
        throw std::runtime_error("refused");
    }
    asio::execution_context& query(asio::execution::context_t) const noexcept { return *context; }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept
    {
        return asio::execution::blocking.never;
    }
    friend bool operator==(refusing_executor, refusing_executor) = default;
};

} // namespace

TEST_CASE("file jobs: an executor that refuses work aborts the jobs", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io, refusing_executor{&io});
    std::vector<error_code> results;
    for (int i = 0; i < 2; ++i)
        world.async_file_job([](files&, error_code&) { FAIL("ran"); },
                             [&](error_code ec) { results.push_back(ec); });
    CHECK(results.empty());
    io.run();
    CHECK(results == std::vector<error_code>(2, asio::error::operation_aborted));
}

TEST_CASE("file jobs: a handler of another loop completes there, and keeps both loops at work",
          "[world][asio]")
{
    asio::io_context io;
    asio::io_context other;
    system_world const world(io);
    tracking_executor const executor(other.get_executor());
    bool called = false;
    world.async_file_job([](files&, error_code&) {}, asio::bind_executor(executor, [&](error_code) {
                             called = executor.running_here();
                         }));
    other.poll();
    CHECK_FALSE(other.stopped());
    io.run();
    CHECK_FALSE(called);
    other.run();
    CHECK(called);
}

// Not inlined: Clang 16 keeps the address of a thread's variables in a coroutine that went on in another
// thread (LLVM issue 63022).
template <class Strand>
[[gnu::noinline]] bool runs_here(Strand const& strand)
{
    return strand.running_in_this_thread();
}

TEST_CASE("file jobs: a strand on a loop of four threads", "[world][asio]")
{
    temporary_directory const dir;
    asio::thread_pool loop(4);
    auto const strand = asio::make_strand(loop);
    std::atomic<int> acknowledged{0};
    {
        group_log<system_world> log(strand, dir / "log");
        auto const writer = [&](int appends) -> asio::awaitable<void> {
            for (int i = 0; i < appends; ++i) {
                co_await log.async_append("r", asio::use_awaitable);
                acknowledged += runs_here(strand);
            }
        };
        std::vector<std::future<void>> writers;
        for (int i = 0; i < 16; ++i)
            writers.push_back(asio::co_spawn(strand, writer(20), asio::use_future));
        // Handlers that belong to the loop and not to the strand.
        std::atomic<int> unbound{0};
        std::promise<void> all;
        for (int i = 0; i < 200; ++i)
            asio::dispatch(strand, [&] {
                log.async_append("u", asio::bind_executor(loop.get_executor(),
                                                          [&](error_code ec, std::uint64_t) {
                                                              if (!ec && ++unbound == 200)
                                                                  all.set_value();
                                                          }));
            });
        for (auto& w : writers)
            w.get();
        all.get_future().wait();
        std::promise<void> idle;
        asio::post(strand, [&] { idle.set_value(); });
        idle.get_future().wait();
    }
    loop.join();
    CHECK(acknowledged == 320);
    CHECK(std::filesystem::file_size(dir / "log") == 520);
}

TEST_CASE("file jobs: the thread rests soon after the last job of many", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    int done = 0;
    std::function<void(error_code)> const again = [&](error_code) {
        if (++done != 2000)
            world.async_file_job([](files&, error_code&) {}, again);
    };
    again({});
    io.run();
    REQUIRE(done == 2000);
    // Processor time of the whole process, so that other processes do not matter.
    auto const before = std::clock();
    std::this_thread::sleep_for(400ms);
    CHECK(std::clock() - before < CLOCKS_PER_SEC / 5);
}

TEST_CASE("file jobs: cancellation on a strand races with the work and stays truthful",
          "[world][asio]")
{
    asio::thread_pool loop(4);
    auto const strand = asio::make_strand(loop);
    system_world const world(strand);
    std::atomic<int> ran{0};
    std::atomic<int> succeeded{0};
    std::atomic<int> completed{0};
    std::vector<asio::cancellation_signal> signals(300);
    for (auto& s : signals)
        asio::post(strand, [&] {
            world.async_file_job([&](files&, error_code&) { ++ran; },
                                 asio::bind_cancellation_slot(
                                     s.slot(), asio::bind_executor(strand, [&](error_code ec) {
                                         succeeded += !ec;
                                         ++completed;
                                     })));
            asio::post(strand, [&] { s.emit(asio::cancellation_type::terminal); });
        });
    loop.join();
    CHECK(completed == 300);
    CHECK(ran == succeeded);
}

TEST_CASE("file jobs: a loop on threads is destroyed with jobs in flight", "[world][asio]")
{
    for (int i = 0; i < 50; ++i) {
        auto const witness = std::make_shared<int>();
        {
            asio::thread_pool loop(2);
            system_world const world(loop);
            for (int j = 0; j < 20; ++j)
                world.async_file_job([](files&, error_code&) {}, [witness](error_code) {});
            if (i % 2)
                loop.stop();
        }
        CHECK(witness.use_count() == 1);
    }
}
