// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/simulation/cluster.hpp>
#include <perdure/world/shutdown.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace simulation = perdure::simulation;
using namespace std::chrono_literals;
using perdure::async_shutdown;
using perdure::error_code;
using perdure::shutdown_outcome;
using perdure::shutdown_report;
using perdure::shutdown_steps;

namespace {

using timer = simulation::world::timer;
using seen_steps = std::vector<std::string>;

/// Stops a process in virtual time, where a second is a second on any machine.
struct stopped {
    seen_steps seen{};
    std::optional<shutdown_report> report{};
    std::optional<error_code> error{};
    std::chrono::nanoseconds completed{0};
};
using make_steps = std::function<void(simulation::world&, shutdown_steps&, seen_steps&)>;

stopped stop(std::chrono::nanoseconds within, make_steps const& make)
{
    stopped result;
    simulation::cluster c(1);
    c.add("service", [&](simulation::world w) {
        shutdown_steps steps;
        make(w, steps, result.seen);
        async_shutdown(w, std::move(steps), within, [&](error_code ec, shutdown_report r) {
            result.error = ec;
            result.report = std::move(r);
            result.completed = c.now();
        });
        CHECK(!result.report); // never inside the call
        CHECK(result.seen.empty());
        return std::make_unique<simulation::world>(w);
    });
    c.run_for(1h);
    REQUIRE(result.report);
    CHECK(result.error == error_code());
    CHECK(result.report->took == result.completed);
    return result;
}

/// An operation that takes `how_long`.
auto taking(simulation::world& w, std::chrono::nanoseconds how_long)
{
    auto const t = std::make_shared<timer>(w);
    return [t, how_long](auto&& handler) {
        t->expires_after(how_long);
        t->async_wait([t, h = std::move(handler)](error_code ec) mutable { h(ec); });
    };
}

auto outcomes(shutdown_report const& r)
{
    std::vector<shutdown_outcome> result;
    for (auto const& s : r.steps)
        result.push_back(s.outcome);
    return result;
}

std::string line(shutdown_report const& r)
{
    std::ostringstream out;
    out << r;
    return out.str();
}

constexpr auto done = shutdown_outcome::done, failed = shutdown_outcome::failed,
               given_up = shutdown_outcome::given_up, not_begun = shutdown_outcome::not_begun;

} // namespace

TEST_CASE("shutdown: steps run one after another, and the report says how long each took", "[world][asio]")
{
    auto const s = stop(20s, [](auto& w, shutdown_steps& steps, seen_steps& seen) {
        steps.then("leaving", [&] { seen.push_back("left"); })
            .then("draining", taking(w, 3s))
            .then("saving", taking(w, 2s))
            .then("closing", [&] { seen.push_back("closed"); })
            .on_begin([&](std::string_view name) { seen.emplace_back(name); });
    });
    CHECK(s.seen == seen_steps{"leaving", "left", "draining", "saving", "closing", "closed"});
    CHECK(s.report->in_good_order());
    CHECK(s.completed == 5s);
    CHECK(s.report->steps[1].took == 3s);
    CHECK(s.report->steps[2].took == 2s);
    CHECK(line(*s.report) == "stopped in 5000 ms, in good order");
}

TEST_CASE("shutdown: a step that never ends costs its own time and not the last snapshot", "[world][asio]")
{
    auto const s = stop(20s, [](auto& w, shutdown_steps& steps, seen_steps& seen) {
        steps.then("draining", taking(w, 1h), 4s).then("saving", taking(w, 2s)).then("closing", [&] {
            seen.push_back("closed");
        });
    });
    CHECK(outcomes(*s.report) == std::vector{given_up, done, done});
    CHECK(s.completed == 6s);
    CHECK(s.seen == seen_steps{"closed"});
    CHECK(line(*s.report) == "stopped in 6000 ms; draining: given up after 4000 ms");
}

TEST_CASE("shutdown: it is over after `within`, whatever its steps do", "[world][asio]")
{
    auto const s = stop(5s, [](auto& w, shutdown_steps& steps, seen_steps& seen) {
        steps.then("leaving", taking(w, 2s))
            .then("draining", taking(w, 1h), 30min)
            .then("saving", taking(w, 1s))
            .then("closing", [&] { seen.push_back("closed"); });
    });
    CHECK(outcomes(*s.report) == std::vector{done, given_up, not_begun, not_begun});
    CHECK(s.completed == 5s);
    CHECK(s.seen.empty());
    CHECK(line(*s.report) ==
          "stopped in 5000 ms; draining: given up after 3000 ms; saving: not begun; closing: not begun");

    auto const none = stop(0s, [](auto&, shutdown_steps& steps, seen_steps& seen) {
        steps.then("leaving", [&] { seen.push_back("left"); });
    });
    CHECK(outcomes(*none.report) == std::vector{not_begun});
    CHECK(none.completed == 0s);

    auto const patient = [](auto& w, shutdown_steps& steps, seen_steps&) {
        steps.then("draining", taking(w, 59min));
    };
    auto const endless = stop(std::chrono::nanoseconds::max(), patient);
    CHECK(endless.completed == 59min);
}

TEST_CASE("shutdown: what fails is reported, and what follows is done", "[world][asio]")
{
    auto const s = stop(20s, [](auto& w, shutdown_steps& steps, seen_steps& seen) {
        auto const completing = [&w](auto... results) {
            return [executor = w.get_executor(), results...](auto&& handler) {
                asio::post(executor, [h = std::move(handler), results...]() mutable { h(results...); });
            };
        };
        auto const throwing = []() -> asio::awaitable<void> {
            throw std::runtime_error("in a coroutine");
            co_return;
        };
        steps.then("throwing", [] { throw std::runtime_error("no such peer"); })
            .then("failing", completing(make_error_code(perdure::errc::log_failed), 7))
            .then("throwing as it begins", [](auto&&) { throw std::runtime_error("not now"); })
            .then("throwing later", asio::co_spawn(w.get_executor(), throwing(), asio::deferred))
            .then("completing with a result and no error", completing(7))
            .then("closing", [&] { seen.push_back("closed"); });
    });
    CHECK(outcomes(*s.report) == std::vector{failed, failed, failed, failed, done, done});
    CHECK(s.report->steps[0].why == "no such peer");
    CHECK(s.report->steps[1].why == make_error_code(perdure::errc::log_failed).message());
    CHECK(s.report->steps[2].why == "not now");
    CHECK(s.report->steps[3].why == "in a coroutine");
    CHECK(s.seen == seen_steps{"closed"});
}

TEST_CASE("shutdown: a step that is given up is cancelled, and may end late or never", "[world][asio]")
{
    auto const s = stop(20s, [](auto& w, shutdown_steps& steps, seen_steps& seen) {
        auto const drain = [](simulation::world world, seen_steps& s) -> asio::awaitable<void> {
            timer t(world);
            t.expires_after(1h);
            try {
                co_await t.async_wait(asio::use_awaitable);
            } catch (std::exception const&) {
                s.push_back("cancelled");
                throw;
            }
        };
        steps.then("draining", asio::co_spawn(w.get_executor(), drain(w, seen), asio::deferred), 1s)
            .then("ending late", taking(w, 3s), 1s) // while a later step is under way
            .then("saving", taking(w, 4s))
            .then("closing", [&] { seen.push_back("closed"); });
    });
    CHECK(outcomes(*s.report) == std::vector{given_up, given_up, done, done});
    CHECK(s.report->steps[2].took == 4s);
    CHECK(s.completed == 6s);
    CHECK(s.seen == seen_steps{"cancelled", "closed"});
}

TEST_CASE("shutdown: cancelling it begins no further step", "[world][asio]")
{
    asio::io_context io;
    asio::cancellation_signal signal;
    seen_steps seen;
    std::optional<error_code> result;
    shutdown_steps steps;
    steps.then("first", [&] { seen.push_back("first"); })
        .then("second", [&] { signal.emit(asio::cancellation_type::partial); })
        .then("third", [&] { seen.push_back("third"); });
    auto const keep = [&](error_code ec, shutdown_report) { result = ec; };
    async_shutdown(io, std::move(steps), 1h, asio::bind_cancellation_slot(signal.slot(), keep));
    io.run();
    CHECK(seen == seen_steps{"first"});
    CHECK(result == asio::error::operation_aborted);
}

TEST_CASE("shutdown: in a coroutine, on the system's world; it may be destroyed with its loop", "[world][asio]")
{
    std::optional<shutdown_report> report;
    auto const service = [&](asio::io_context& io) -> asio::awaitable<void> {
        asio::steady_timer t(io, 1ms);
        shutdown_steps steps;
        steps.then("draining", t.async_wait(asio::deferred)).then("closing", [] {});
        report = co_await async_shutdown(io, std::move(steps), 1min);
    };
    asio::io_context io;
    asio::co_spawn(io, service(io), asio::detached);
    io.run();
    REQUIRE(report);
    CHECK(report->in_good_order());

    report.reset();
    auto const forever = std::make_shared<int>();
    {
        asio::io_context doomed;
        asio::steady_timer never(doomed, 1h);
        shutdown_steps steps;
        steps.then("draining", never.async_wait(asio::deferred)).then("closing", [forever] {});
        async_shutdown(doomed, std::move(steps), 1h,
                       [&, forever](error_code, shutdown_report r) { report = r; });
        doomed.poll();
        CHECK(forever.use_count() > 1);
    }
    CHECK(!report);
    CHECK(forever.use_count() == 1);
}
