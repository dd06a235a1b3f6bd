// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_DRIVER_CONTRACT_HPP
#define PERDURE_TESTS_SUPPORT_DRIVER_CONTRACT_HPP

#include "support/catch.hpp"
#include "support/metered_allocator.hpp"
#include "support/tracking_executor.hpp"
#include <perdure/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

/* What every asynchronous operation of perdure promises, as tests that any of them can be put to:
 *
 *     TEMPLATE_TEST_CASE("driver contract", "[asio]", job_fixture, log_fixture)
 *     {
 *         check_driver_contract<TestType>();
 *     }
 *
 * A fixture makes a loop, a driver on it and one kind of operation that takes blocking work:
 *
 *     Fixture f;                 fresh loop and driver
 *     f.start(token)             begins an operation that succeeds; void(error_code, ...)
 *     f.effects()                how many operations have taken effect
 *     f.executor()               the driver's executor
 *     f.hold()                   work that begins from now on gets stuck
 *     f.run_until_stuck()        runs the loop until some work is stuck
 *     f.release()                lets stuck work go on; f.release_soon() does so a moment later,
 *                                while the caller destroys the loop
 *     f.run(), f.poll()          runs the loop until there is nothing to do; runs what is ready
 *     f.destroy_driver(), f.destroy_loop()
 *     f.has_driver()
 *     f.destroying_the_driver_cancels
 */
namespace contract {

namespace asio = boost::asio;
using perdure::error_code;

struct outcome {
    int calls = 0;
    error_code ec;

    bool aborted() const { return calls == 1 && ec == asio::error::operation_aborted; }
    bool succeeded() const { return calls == 1 && !ec; }
};

/// A handler that can only be moved, and must be called at most once.
inline auto record(outcome& o)
{
    return [&o, only_moved = std::make_unique<int>()](error_code ec, auto&&...) {
        ++o.calls;
        o.ec = ec;
    };
}

/// A handler that tells by `witness` how long it lives.
inline auto record(outcome& o, std::shared_ptr<int> witness)
{
    return [&o, witness = std::move(witness)](error_code ec, auto&&...) {
        ++o.calls;
        o.ec = ec;
    };
}

template <class Fixture>
void check_never_inline()
{
    Fixture f;
    outcome o;
    f.start(record(o));
    CHECK(o.calls == 0);
    f.run();
    CHECK(o.succeeded());
    CHECK(f.effects() == 1);

    // Nor from inside the loop, where a dispatch would be inline.
    outcome nested;
    asio::post(f.executor(), [&] {
        f.start(record(nested));
        CHECK(nested.calls == 0);
    });
    f.run();
    CHECK(nested.succeeded());
    CHECK(f.effects() == 2);
}

template <class Fixture>
void check_executor()
{
    Fixture f;
    tracking_executor const executor(f.executor());
    outcome o;
    bool on_executor = false;
    f.start(asio::bind_executor(executor, [&](error_code ec, auto&&...) {
        ++o.calls;
        o.ec = ec;
        on_executor = executor.running_here();
    }));
    CHECK(executor.executed() == 0);
    f.run();
    CHECK(o.succeeded());
    CHECK(on_executor);
    CHECK(executor.executed() >= 1);

    // A cancelled operation completes there, too.
    f.hold();
    outcome first;
    f.start(record(first));
    f.run_until_stuck();
    asio::cancellation_signal signal;
    on_executor = false;
    f.start(asio::bind_cancellation_slot(signal.slot(),
                                         asio::bind_executor(executor, [&](error_code, auto&&...) {
                                             on_executor = executor.running_here();
                                         })));
    f.poll();
    signal.emit(asio::cancellation_type::terminal);
    f.poll();
    CHECK(on_executor);
    f.release();
    f.run();
    CHECK(first.succeeded());
}

template <class Fixture>
void check_allocator()
{
    Fixture f;
    memory_meter meter;
    outcome o;
    std::ptrdiff_t live_in_handler = -1;
    f.start(asio::bind_allocator(metered_allocator<void>(meter), [&](error_code ec, auto&&...) {
        ++o.calls;
        o.ec = ec;
        live_in_handler = meter.live;
    }));
    f.run();
    CHECK(o.succeeded());
    CHECK(meter.allocations > 0);
    CHECK(meter.live == 0);
    // The operation's memory is there for what the handler starts.
    CHECK(live_in_handler == 0);
    // An allocator without locks is safe: it is never used off the loop.
    CHECK_FALSE(meter.left_thread);
}

template <class Fixture>
void check_cancellation(asio::cancellation_type type)
{
    CAPTURE(static_cast<unsigned>(type));
    Fixture f;
    asio::cancellation_signal signal;
    outcome started;
    outcome waiting;

    f.hold();
    f.start(asio::bind_cancellation_slot(signal.slot(), record(started)));
    f.run_until_stuck();
    signal.emit(type);
    f.poll();
    CHECK(started.calls == 0); // It has begun, and will tell the truth.

    f.start(asio::bind_cancellation_slot(signal.slot(), record(waiting)));
    f.poll();
    signal.emit(asio::cancellation_type::none);
    f.poll();
    CHECK(waiting.calls == 0);
    signal.emit(type);
    CHECK(waiting.calls == 0);
    f.poll();
    CHECK(waiting.aborted());
    CHECK(started.calls == 0);

    f.release();
    f.run();
    CHECK(started.succeeded());
    CHECK(f.effects() == 1);

    // The signal still points to an operation that is gone.
    signal.emit(type);
    outcome next;
    f.start(record(next));
    f.run();
    CHECK(next.succeeded());
    CHECK(waiting.calls == 1);
    CHECK(f.effects() == 2);
}

/// A cancellation at a moment that is left to chance: whatever it is, the outcome is the truth.
template <class Fixture>
void check_cancellation_race()
{
    Fixture f;
    int expected = 0;
    for (int i = 0; i < 200; ++i) {
        asio::cancellation_signal signal;
        outcome o;
        f.start(asio::bind_cancellation_slot(signal.slot(), record(o)));
        if (i % 2)
            f.poll();
        signal.emit(asio::cancellation_type::all);
        f.run();
        CHECK((o.aborted() || o.succeeded()));
        expected += o.succeeded();
    }
    CHECK(f.effects() == expected);
}

template <class Fixture>
asio::awaitable<void> await_each_token(Fixture& f, int& done)
{
    co_await f.start(asio::use_awaitable);
    co_await f.start(asio::deferred);
    co_await f.start();
    auto const tuple = co_await f.start(asio::as_tuple(asio::use_awaitable));
    CHECK(!std::get<0>(tuple));
    auto const deferred_tuple = co_await f.start(asio::as_tuple(asio::deferred));
    CHECK(!std::get<0>(deferred_tuple));
    error_code ec = asio::error::fault;
    co_await f.start(asio::redirect_error(asio::use_awaitable, ec));
    CHECK(!ec);
    done = 6;
}

template <class Fixture>
void check_tokens()
{
    Fixture f;
    auto future = f.start(asio::use_future);
    f.start(asio::detached);
    // A deferred operation begins when it is called, and can be kept until then.
    auto operation = f.start(asio::deferred);
    auto dropped = f.start();
    f.run();
    CHECK(f.effects() == 2);
    REQUIRE(future.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
    CHECK_NOTHROW(future.get());
    outcome o;
    std::move(operation)(record(o));
    CHECK(o.calls == 0);
    f.run();
    CHECK(o.succeeded());
    CHECK(f.effects() == 3);

    int done = 0;
    std::exception_ptr thrown;
    asio::co_spawn(f.executor(), await_each_token(f, done),
                   [&](std::exception_ptr e) { thrown = e; });
    f.run();
    CHECK_FALSE(thrown);
    CHECK(done == 6);
    CHECK(f.effects() == 9);
}

/// A coroutine that is cancelled while it waits sees operation_aborted at its co_await.
template <class Fixture>
void check_cancelled_coroutine()
{
    Fixture f;
    f.hold();
    outcome first;
    f.start(record(first));
    f.run_until_stuck();
    asio::cancellation_signal signal;
    error_code seen;
    bool finished = false;
    auto const coroutine = [](Fixture& fixture, error_code& ec) -> asio::awaitable<void> {
        co_await fixture.start(asio::redirect_error(asio::use_awaitable, ec));
    };
    asio::co_spawn(
        f.executor(), coroutine(f, seen),
        asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr) { finished = true; }));
    f.poll();
    signal.emit(asio::cancellation_type::terminal);
    f.poll();
    CHECK(seen == asio::error::operation_aborted);
    CHECK(finished);
    f.release();
    f.run();
    CHECK(f.effects() == 1);
}

/// Many in flight, each started by another's completion: none is lost, none is called twice.
template <class Fixture>
void check_chains()
{
    Fixture f;
    int completed = 0;
    auto const chain = [](Fixture& fixture, int n, int& count) -> asio::awaitable<void> {
        for (int i = 0; i < n; ++i) {
            co_await fixture.start(asio::use_awaitable);
            ++count;
        }
    };
    for (int i = 0; i < 20; ++i)
        asio::co_spawn(f.executor(), chain(f, 10, completed), asio::detached);
    f.run();
    CHECK(completed == 200);
    CHECK(f.effects() == 200);
}

enum class stage {
    initiated,   // the loop did not run since
    stuck,       // one is in the middle of its work, others wait
    undelivered, // the work is done, the loop did not run since
};
enum class order { driver_first, driver_first_and_loop_runs, loop_first };

/// Starts another operation when it is destroyed: what a destructor in a user's coroutine may do.
template <class Fixture>
struct restarter {
    Fixture* fixture;
    outcome* result;

    restarter(Fixture& f, outcome& o) : fixture(&f), result(&o) {}
    restarter(restarter&& other) noexcept
        : fixture(std::exchange(other.fixture, nullptr)), result(other.result)
    {
    }
    ~restarter()
    {
        if (fixture && fixture->has_driver())
            fixture->start(record(*result));
    }
    void operator()(error_code, auto&&...) { fixture = nullptr; }
};

template <class Fixture>
void check_destruction(stage at, order in)
{
    CAPTURE(static_cast<int>(at), static_cast<int>(in));
    auto const witness = std::make_shared<int>();
    outcome outcomes[3];
    outcome restarted;
    {
        Fixture f;
        asio::cancellation_signal signal;
        auto const coroutine = [](Fixture& fixture, std::shared_ptr<int>) -> asio::awaitable<void> {
            if (fixture.has_driver()) // The loop may run it only after the driver is gone.
                co_await fixture.start(asio::use_awaitable);
        };
        if (at == stage::stuck)
            f.hold();
        f.start(record(outcomes[0], witness));
        if (at == stage::stuck)
            f.run_until_stuck();
        f.start(asio::bind_cancellation_slot(signal.slot(), record(outcomes[1], witness)));
        f.start(record(outcomes[2], witness));
        asio::co_spawn(f.executor(), coroutine(f, witness), asio::detached);
        if (in == order::loop_first)
            f.start(restarter<Fixture>(f, restarted));
        if (at == stage::undelivered)
            f.finish_without_delivery();
        else if (at == stage::stuck)
            f.poll();

        if (at == stage::stuck && in != order::driver_first_and_loop_runs)
            f.release_soon();
        if (in == order::loop_first) {
            f.destroy_loop();
            for (auto const& o : outcomes)
                CHECK(o.calls == 0);
            CHECK(witness.use_count() == 1);
            signal.emit(asio::cancellation_type::all);
            f.destroy_driver();
        } else {
            f.destroy_driver();
            for (auto const& o : outcomes)
                CHECK(o.calls == 0); // Not inside the destructor.
            if (in == order::driver_first_and_loop_runs) {
                if (at == stage::stuck) {
                    f.poll();
                    if (Fixture::destroying_the_driver_cancels)
                        for (auto const& o : outcomes)
                            CHECK(o.aborted());
                    f.release();
                }
                f.run();
                for (auto const& o : outcomes)
                    CHECK((o.aborted() || o.succeeded()));
                CHECK(witness.use_count() == 1);
            }
            f.destroy_loop();
        }
        CHECK(witness.use_count() == 1);
        signal.emit(asio::cancellation_type::all);
        f.release();
    }
    CHECK(witness.use_count() == 1);
    CHECK(restarted.calls == 0);
    for (auto const& o : outcomes)
        CHECK(o.calls == (in == order::driver_first_and_loop_runs ? 1 : 0));
}

} // namespace contract

template <class Fixture>
void check_driver_contract()
{
    using namespace contract;
    SECTION("a completion never runs inside the initiating function")
    {
        check_never_inline<Fixture>();
    }
    SECTION("a completion runs on its handler's associated executor")
    {
        check_executor<Fixture>();
    }
    SECTION("memory comes from the associated allocator, on the loop's side only")
    {
        check_allocator<Fixture>();
    }
    SECTION("cancellation: what has not begun does nothing, what has begun tells the truth")
    {
        for (auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                          asio::cancellation_type::total})
            check_cancellation<Fixture>(type);
    }
    SECTION("cancellation at any moment leaves the truth")
    {
        check_cancellation_race<Fixture>();
    }
    SECTION("every kind of completion token works")
    {
        check_tokens<Fixture>();
    }
    SECTION("a waiting coroutine can be cancelled")
    {
        check_cancelled_coroutine<Fixture>();
    }
    SECTION("many operations in flight all complete")
    {
        check_chains<Fixture>();
    }
    SECTION("driver, waiters and loop are destroyed in any order")
    {
        for (auto at : {stage::initiated, stage::stuck, stage::undelivered})
            for (auto in :
                 {order::driver_first, order::driver_first_and_loop_runs, order::loop_first})
                check_destruction<Fixture>(at, in);
    }
}

#endif
