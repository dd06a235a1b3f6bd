// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/world/system_timer.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <memory>
#include <optional>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using perdure::error_code;
using perdure::system_timer;
using perdure::system_world;

TEST_CASE("system_timer: it expires at its time, by the World's clock", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    system_timer t(world);
    auto const begin = world.now();
    std::optional<error_code> result;
    t.expires_after(20ms);
    CHECK(t.expiry() >= begin + 20ms);
    t.async_wait([&](error_code ec) { result = ec; });
    CHECK(!result);
    io.run();
    REQUIRE(result);
    CHECK(!*result);
    CHECK(world.now() >= begin + 20ms);

    result.reset();
    t.expires_at(begin); // A time that has passed.
    CHECK(t.expiry() == begin);
    t.async_wait([&](error_code ec) { result = ec; });
    CHECK(!result);
    io.restart();
    io.run();
    CHECK((result && !*result));
}

TEST_CASE("system_timer: cancelling, setting anew and destroying end its waits", "[world][asio]")
{
    auto const how = GENERATE(0, 1, 2, 3);
    asio::io_context io;
    auto t = std::make_unique<system_timer>(system_world(io));
    asio::cancellation_signal signal;
    std::optional<error_code> result;
    t->expires_after(1h);
    t->async_wait(asio::bind_cancellation_slot(signal.slot(), [&](error_code ec) { result = ec; }));
    io.poll();
    CHECK(!result);
    switch (how) {
    case 0:
        t->cancel();
        break;
    case 1:
        t->expires_after(2h);
        break;
    case 2:
        t.reset();
        break;
    case 3:
        signal.emit(asio::cancellation_type::terminal);
        break;
    }
    CHECK(!result);
    io.run();
    REQUIRE(result);
    CHECK(*result == asio::error::operation_aborted);
}

TEST_CASE("system_timer: after its loop it does nothing and can be destroyed", "[world][asio]")
{
    auto io = std::make_unique<asio::io_context>();
    auto const witness = std::make_shared<int>();
    system_timer t{system_world(*io)};
    system_timer moved{system_world(*io)};
    t.expires_after(1h);
    t.async_wait([witness](error_code) { FAIL("called"); });
    system_timer target(std::move(moved));
    target.expires_after(1h);
    target.async_wait([witness](error_code) { FAIL("called"); });
    io.reset();
    CHECK(witness.use_count() == 1);
    t.expires_after(1s);
    t.expires_at({});
    t.cancel();
    CHECK(t.expiry() == perdure::time_point{});
    t.async_wait([witness](error_code) { FAIL("called"); });
    CHECK(witness.use_count() == 1);
}

TEST_CASE("system_world: time that counts while suspended runs at least as fast", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    auto const steady = world.now();
    auto const boot = world.now_with_suspend();
    system_timer t(world);
    t.expires_after(5ms);
    auto done = t.async_wait(asio::use_future);
    io.run();
    done.get();
    CHECK(world.now_with_suspend() - boot >= 5ms);
    CHECK(world.now() - steady >= 5ms);
}

TEST_CASE("system_world: entropy differs from call to call", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    // Equal once in 2^64 runs.
    CHECK(world.entropy() != world.entropy());
}

TEST_CASE("system_timer: many threads make and destroy timers on one loop", "[world][asio]")
{
    asio::thread_pool loop(4);
    for (int i = 0; i < 4; ++i)
        asio::post(loop, [&] {
            for (int j = 0; j < 200; ++j) {
                system_timer t{system_world(loop)};
                t.expires_after(1ms);
                t.async_wait([](error_code) {});
            }
        });
    loop.join();
}
