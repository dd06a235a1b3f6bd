// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/thrown.hpp"
#include <perdure/simulation/cluster.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace simulation = perdure::simulation;
using namespace std::chrono_literals;
using perdure::error_code;

static_assert(perdure::has_time<simulation::world>);
static_assert(perdure::has_suspend_clock<simulation::world>);
static_assert(perdure::has_entropy<simulation::world>);

namespace {

using perdure::test::thrown;

struct observed {
    int ticks = 0, timeouts = 0, channels = 0, destroyed = 0, ran_after_crash = 0;
};

// Coroutines that wait on timers, race them, use a channel and a strand, and clean up noisily.
struct service {
    simulation::world w;
    observed& seen;
    asio::experimental::channel<void(error_code, int)> channel{w.get_executor(), 1};

    service(simulation::world world, observed& o) : w(std::move(world)), seen(o)
    {
        asio::co_spawn(w.get_executor(), ticker(), asio::detached);
        asio::co_spawn(w.get_executor(), racer(), asio::detached);
        asio::co_spawn(w.get_executor(), channels(), asio::detached);
        asio::co_spawn(w.get_executor(), noisy(), asio::detached);
    }

    asio::awaitable<void> ticker()
    {
        simulation::world::timer t(w);
        for (;;) {
            t.expires_after(10ms);
            co_await t.async_wait(asio::use_awaitable);
            ++seen.ticks;
        }
    }
    asio::awaitable<void> racer()
    {
        using namespace asio::experimental::awaitable_operators;
        simulation::world::timer soon(w), late(w);
        for (;;) {
            soon.expires_after(5ms);
            late.expires_after(1h);
            auto const first = co_await (soon.async_wait(asio::use_awaitable) ||
                                         late.async_wait(asio::use_awaitable));
            if (first.index() == 0)
                ++seen.timeouts;
        }
    }
    asio::awaitable<void> channels()
    {
        auto const strand = asio::make_strand(w.get_executor());
        co_await asio::post(strand, asio::use_awaitable);
        co_await channel.async_send(error_code(), 1, asio::use_awaitable);
        seen.channels += co_await channel.async_receive(asio::use_awaitable);
        co_await channel.async_receive(asio::use_awaitable); // for ever
    }
    asio::awaitable<void> noisy()
    {
        struct guard {
            service* s;
            ~guard()
            {
                ++s->seen.destroyed;
                auto& seen = s->seen;
                asio::post(s->w.get_executor(), [&seen] { ++seen.ran_after_crash; });
                simulation::world::timer t(s->w);
                t.expires_after(0s);
                t.async_wait([&seen](error_code) { ++seen.ran_after_crash; });
            }
        } const g{this};
        simulation::world::timer t(w);
        t.expires_after(10h);
        co_await t.async_wait(asio::use_awaitable);
    }
};

auto run_service(observed& seen)
{
    return [&seen](simulation::world w) { return std::make_unique<service>(std::move(w), seen); };
}

} // namespace

TEST_CASE("cluster: coroutines, strands, channels and racing timers run in virtual time",
          "[simulation][sim]")
{
    observed seen;
    simulation::cluster c(1);
    c.add("a", run_service(seen));
    c.run_for(1s);
    CHECK(c.now() == 1s);
    CHECK(seen.ticks == 100);
    CHECK(seen.timeouts == 200);
    CHECK(seen.channels == 1);
    CHECK(seen.destroyed == 0);
}

TEST_CASE("cluster: a crash destroys suspended coroutines, and nothing they post then ever runs",
          "[simulation][sim]")
{
    observed seen;
    {
        simulation::cluster c(1);
        c.add("a", run_service(seen));
        for (int life = 1; life <= 3; ++life) {
            c.run_for(1s);
            CHECK(seen.ticks == 100 * life);
            if (life % 2)
                c.crash("a");
            else
                c.kill("a");
            CHECK(seen.destroyed == life);
            CHECK_FALSE(c.is_up("a"));
            c.run_for(1s);
            CHECK(seen.ticks == 100 * life);
            c.restart("a");
            CHECK(c.incarnations("a") == static_cast<unsigned>(life) + 1);
        }
        c.run_for(100ms);
    }
    CHECK(seen.destroyed == 4); // the last by the cluster's destructor
    CHECK(seen.ran_after_crash == 0);
}

TEST_CASE(
    "cluster: what was made from a world may be destroyed after the crash and after the cluster",
    "[simulation][sim]")
{
    observed seen;
    std::vector<std::shared_ptr<service>> kept;
    std::vector<simulation::world> worlds;
    {
        simulation::cluster c(1);
        c.add("a", [&](simulation::world w) {
            worlds.push_back(w);
            kept.push_back(std::make_shared<service>(w, seen));
        });
        c.run_for(10ms);
        auto const before = worlds[0].now();
        c.crash("a");
        c.restart("a");
        c.run_for(10ms);
        CHECK(worlds[0].now() == before); // a dead clock stands still
    }
    simulation::world::timer t(worlds[1]);
    t.expires_after(1s);
    t.async_wait([&](error_code) { ++seen.ran_after_crash; });
    asio::post(worlds[1].get_executor(), [&] { ++seen.ran_after_crash; });
    worlds.clear();
    CHECK(seen.ran_after_crash == 0);
}

TEST_CASE("cluster: a process may be crashed and restarted from its own handler",
          "[simulation][sim]")
{
    simulation::cluster c(1);
    int starts = 0, after = 0;
    c.add("a", [&](simulation::world w) {
        ++starts;
        auto t = std::make_shared<simulation::world::timer>(w);
        t->expires_after(1s);
        t->async_wait([&, t](error_code) {
            c.crash("a");
            CHECK(c.is_up("a")); // until this handler has returned
            if (starts < 3)
                c.restart("a");
            asio::post(t->get_executor(), [&] { ++after; });
        });
    });
    c.run_for(10s);
    CHECK(starts == 3);
    CHECK(after == 0);
    CHECK_FALSE(c.is_up("a"));
    CHECK(c.counters()[simulation::event::process_crashed] == 3);
}

TEST_CASE("cluster: a year without events passes at once", "[simulation][sim]")
{
    simulation::cluster c(1);
    int fired = 0;
    c.add("a", [&](simulation::world w) {
        auto t = std::make_shared<simulation::world::timer>(w);
        t->expires_after(8760h - 1ns);
        t->async_wait([&fired, t](error_code ec) { fired += !ec; });
    });
    auto const begin = std::chrono::steady_clock::now();
    c.run_for(8760h);
    CHECK(std::chrono::steady_clock::now() - begin < 1s);
    CHECK(fired == 1);
    CHECK(c.now() == 8760h);
}

TEST_CASE("cluster: run_until stops at the event that fulfils its condition, or at the limit",
          "[simulation][sim]")
{
    observed seen;
    simulation::cluster c(1);
    c.add("a", run_service(seen));
    CHECK(c.run_until([&] { return seen.ticks == 7; }, 1s));
    CHECK(c.now() == 70ms);
    CHECK_FALSE(c.run_until([&] { return seen.ticks == 1000; }, 1s));
    CHECK(c.now() == 1070ms);
}

TEST_CASE("cluster: an exception of a handler leaves run_for, and the cluster goes on",
          "[simulation][sim]")
{
    simulation::cluster c(1);
    int ran = 0;
    c.add("a", [&](simulation::world w) {
        asio::post(w.get_executor(), [] { throw std::runtime_error("from a handler"); });
        asio::post(w.get_executor(), [&] { ++ran; });
    });
    CHECK(thrown([&] { c.run_for(1s); }) == "from a handler");
    CHECK(ran == 0);
    c.run_for(1s);
    CHECK(ran == 1);
}

TEST_CASE("cluster: a frozen process handles nothing, its clock goes on, and its timers fire late",
          "[simulation][sim]")
{
    simulation::cluster c(1);
    std::vector<std::pair<std::string, simulation::duration>> fired;
    auto const main = [&](std::string name) {
        return [&, name](simulation::world w) {
            for (auto const d : {5ms, 20ms, 10ms}) {
                auto t = std::make_shared<simulation::world::timer>(w);
                t->expires_after(d);
                t->async_wait([&, name, t](error_code) { fired.emplace_back(name, c.now()); });
            }
        };
    };
    c.add("a", main("a"));
    c.add("b", main("b"));
    c.run_for(1ms);
    auto const before = c.world_of("a").now();
    c.freeze("a");
    c.run_for(14ms);
    CHECK(c.world_of("a").now() - before == 14ms);
    CHECK(fired ==
          std::vector<std::pair<std::string, simulation::duration>>{{"b", 5ms}, {"b", 10ms}});
    c.thaw("a");
    c.run_for(10ms);
    CHECK(fired ==
          std::vector<std::pair<std::string, simulation::duration>>{
              {"b", 5ms}, {"b", 10ms}, {"a", 15ms}, {"a", 15ms}, {"a", 20ms}, {"b", 20ms}});
    c.freeze("a");
    c.crash("a");
    c.restart("a");
    c.run_for(5ms);
    CHECK(fired.back() == std::pair<std::string, simulation::duration>("a", 30ms));
}

TEST_CASE(
    "cluster: while a machine is suspended its steady clock stands still and the other one goes on",
    "[simulation][sim]")
{
    simulation::cluster c(1);
    simulation::duration fired{};
    c.add("a", [&](simulation::world w) {
        auto t = std::make_shared<simulation::world::timer>(w);
        t->expires_after(10ms);
        t->async_wait([&, t](error_code) { fired = c.now(); });
    });
    c.run_for(4ms);
    auto const now = c.world_of("a").now(), with_suspend = c.world_of("a").now_with_suspend();
    c.suspend("a");
    c.run_for(1h);
    CHECK(c.world_of("a").now() == now);
    CHECK(c.world_of("a").now_with_suspend() == with_suspend + 1h);
    c.resume("a");
    c.run_for(1s);
    CHECK(fired == 1h + 10ms);
    CHECK(c.world_of("a").now_with_suspend() - c.world_of("a").now() == with_suspend - now + 1h);
}

TEST_CASE("cluster: clocks drift and jump, and timers follow their machine's clock",
          "[simulation][sim]")
{
    simulation::cluster c(1);
    std::vector<simulation::duration> fired;
    c.add("a", [&](simulation::world w) {
        for (auto const d : {1s, 10s}) {
            auto t = std::make_shared<simulation::world::timer>(w);
            t->expires_after(d);
            t->async_wait([&, t](error_code) { fired.push_back(c.now()); });
        }
    });
    auto const origin = c.world_of("a").now();
    c.set_drift("a", 250'000); // four fifths of the time
    c.run_for(4s);
    CHECK(fired == std::vector<simulation::duration>{800ms});
    CHECK(c.world_of("a").now() - origin == 5s);
    c.set_drift("a", -500'000);
    c.run_for(4s);
    CHECK(c.world_of("a").now() - origin == 7s);
    c.step_clock("a", 2s);
    CHECK(c.world_of("a").now() - origin == 9s);
    c.run_for(1999ms);
    CHECK(fired.size() == 1);
    c.run_for(1ms);
    CHECK(fired == std::vector<simulation::duration>{800ms, 10s});
    c.step_clock("a", 1h);
    CHECK(thrown([&] { c.step_clock("a", -1ns); }) % "a steady clock never goes back");
    CHECK(thrown([&] { c.set_drift("a", 500'001); }) % "allowed are -500000 to 500000");
}

TEST_CASE("cluster: steady clocks of two machines and of two seeds begin at different values",
          "[simulation][sim]")
{
    simulation::cluster c(1), d(2);
    for (auto* const x : {&c, &d}) {
        x->add("a", [](simulation::world) {});
        x->add("b", [](simulation::world) {});
    }
    CHECK(c.world_of("a").now() != c.world_of("b").now());
    CHECK(c.world_of("a").now() != d.world_of("a").now());
    CHECK(c.world_of("a").entropy() != c.world_of("b").entropy());
    CHECK(c.world_of("a").entropy() != d.world_of("a").entropy());
}

TEST_CASE("cluster: a plain Asio timer is refused with a sentence that says what to use",
          "[simulation][sim]")
{
    simulation::cluster c(1);
    c.add("a", [](simulation::world w) {
        asio::post(w.get_executor(), [w] {
            asio::steady_timer t(w.get_executor(), 1h); // the mistake
        });
    });
    {
        thrown const error([&] { c.run_for(1h); });
        CHECK(error % "process 'a'");
        CHECK(error % "use World::timer");
    }
    {
        thrown const error([&] {
            c.add("b", [](simulation::world w) {
                return std::make_shared<asio::steady_timer>(w.get_executor(), 1h);
            });
        });
        CHECK(error % "process 'b'");
        CHECK(error % "use World::timer");
    }
}

TEST_CASE("cluster: posting to a process from another thread is refused", "[simulation][sim]")
{
    simulation::cluster c(1);
    c.add("a", [](simulation::world w) {
        asio::post(w.get_executor(),
                   [w] { std::thread([&] { asio::post(w.get_executor(), [] {}); }).join(); });
    });
    CHECK(thrown([&] { c.run_for(1s); }) % "another thread");
}

TEST_CASE("cluster: a process that never lets time pass is reported", "[simulation][sim]")
{
    auto o = simulation::calm();
    o.handlers_per_instant_max = 1000;
    simulation::cluster c(1, o);
    std::function<void()> again;
    c.add("a", [&](simulation::world w) {
        again = [&again, ex = w.get_executor()] { asio::post(ex, again); };
        again();
    });
    {
        thrown const error([&] { c.run_for(1s); });
        CHECK(error % "'a'");
        CHECK(error % "without waiting");
    }
    again = nullptr;
}

TEST_CASE("cluster: mistakes in using it are named", "[simulation][sim]")
{
    simulation::cluster c(1);
    c.add("a", [](simulation::world) {});
    CHECK(thrown([&] { c.add("a", [](simulation::world) {}); }) % "'a'");
    CHECK(thrown([&] { c.add("", [](simulation::world) {}); }) % "needs a name");
    CHECK(thrown([&] { c.crash("b"); }) % "no process named 'b'");
    c.crash("a");
    c.crash("a");
    CHECK(thrown([&] { c.freeze("a"); }) % "is down");
    CHECK(thrown([&] { c.world_of("a"); }) % "is down");
    c.after(1s, [&] { c.run_for(1s); });
    CHECK(thrown([&] { c.run_for(2s); }) % "inside a handler");
    auto o = simulation::calm();
    o.network.loss = 1.5;
    CHECK(thrown([&] { simulation::cluster(1, o); }) % "network.loss is 1.5");
}

TEST_CASE("cluster: a main that throws leaves the process down and can be tried again",
          "[simulation][sim]")
{
    simulation::cluster c(1);
    bool fail = true;
    auto main = [&](simulation::world) {
        if (fail)
            throw std::runtime_error("no");
    };
    CHECK(thrown([&] { c.add("a", main); }) == "no");
    CHECK_FALSE(c.is_up("a"));
    fail = false;
    c.restart("a");
    CHECK(c.is_up("a"));
}
