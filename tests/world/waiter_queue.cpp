// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using perdure::error_code;

namespace {

using queue = perdure::waiter_queue<void(error_code, int)>;

struct result {
    error_code ec;
    int value;
};

// A handler that can only be moved.
auto keep(std::vector<result>& results)
{
    return [&results, only_moved = std::make_unique<int>()](error_code ec, int value) {
        results.push_back({ec, value});
    };
}

} // namespace

TEST_CASE("waiter_queue: waiters complete in order, never inside the completing call",
          "[world][asio]")
{
    asio::io_context io;
    queue q(io.get_executor());
    std::vector<result> results;
    q.push(keep(results));
    q.push(keep(results));
    q.push(keep(results));
    CHECK(q.size() == 3);
    q.complete_front({}, 1);
    CHECK(q.size() == 2);
    q.complete_all(perdure::errc::timed_out, 2);
    CHECK(q.empty());
    CHECK(results.empty());
    io.run();
    REQUIRE(results.size() == 3);
    CHECK((!results[0].ec && results[0].value == 1));
    CHECK((results[1].ec == perdure::errc::timed_out && results[1].value == 2));
    CHECK((results[2].ec == perdure::errc::timed_out && results[2].value == 2));
}

TEST_CASE("waiter_queue: a waiter keeps its loop running", "[world][asio]")
{
    asio::io_context io;
    queue q(io.get_executor());
    std::vector<result> results;
    q.push(keep(results));
    CHECK(io.poll() == 0);
    CHECK_FALSE(io.stopped());
    q.complete_front({}, 1);
    CHECK(io.run() == 1);
    CHECK(results.size() == 1);
}

TEST_CASE("waiter_queue: neighbours on one executor share a post, others have their own",
          "[world][asio]")
{
    asio::io_context io;
    auto const strand = asio::make_strand(io);
    queue q(io.get_executor());
    std::vector<result> results;
    int on_strand = 0;
    for (int i = 0; i < 10; ++i)
        q.push(keep(results));
    for (int i = 0; i < 10; ++i)
        q.push(asio::bind_executor(
            strand, [&](error_code, int) { on_strand += strand.running_in_this_thread(); }));
    q.complete_all({}, 0);
    CHECK(io.run() == 2);
    CHECK(results.size() == 10);
    CHECK(on_strand == 10);
}

TEST_CASE("waiter_queue: many waiters leave the loop room for its other work", "[world][asio]")
{
    asio::io_context io;
    queue q(io.get_executor());
    std::vector<result> results;
    for (int i = 0; i < 1000; ++i)
        q.push(keep(results));
    q.complete_all({}, 0);
    std::size_t before = 1000;
    asio::post(io, [&] { before = results.size(); });
    io.run_one();
    CHECK(results.size() <= 100);
    io.run();
    CHECK(results.size() == 1000);
}

TEST_CASE("waiter_queue: if a handler throws, the others of its post are called", "[world][asio]")
{
    asio::io_context io;
    queue q(io.get_executor());
    std::vector<result> results;
    q.push(keep(results));
    q.push([](error_code, int) { throw std::runtime_error("from a handler"); });
    q.push(keep(results));
    q.complete_all({}, 0);
    CHECK_THROWS_AS(io.run(), std::runtime_error);
    CHECK(results.size() == 1);
    io.run();
    CHECK(results.size() == 2);
}

TEST_CASE("waiter_queue: each type of cancellation removes a waiter that is still in the queue",
          "[world][asio]")
{
    auto const type = GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial,
                               asio::cancellation_type::total, asio::cancellation_type::all);
    asio::io_context io;
    queue q(io.get_executor());
    asio::cancellation_signal signal;
    std::vector<result> results;
    q.push(keep(results));
    q.push(asio::bind_cancellation_slot(signal.slot(), keep(results)));
    signal.emit(asio::cancellation_type::none);
    io.poll();
    CHECK(q.size() == 2);
    signal.emit(type);
    CHECK(results.empty());
    io.poll();
    CHECK(q.size() == 1);
    REQUIRE(results.size() == 1);
    CHECK(results[0].ec == asio::error::operation_aborted);
    signal.emit(type);
    q.complete_all({}, 7);
    io.run();
    REQUIRE(results.size() == 2);
    CHECK(results[1].value == 7);
}

TEST_CASE("waiter_queue: a cancellation has no effect on waiters that moved to another queue",
          "[world][asio]")
{
    asio::io_context io;
    queue waiting(io.get_executor());
    queue committed(io.get_executor());
    asio::cancellation_signal signal;
    std::vector<result> results;
    waiting.push(asio::bind_cancellation_slot(signal.slot(), keep(results)));
    committed.take_all(waiting);
    signal.emit(asio::cancellation_type::all);
    io.poll();
    CHECK(results.empty());
    committed.complete_all({}, 3);
    io.run();
    REQUIRE(results.size() == 1);
    CHECK(!results[0].ec);
}

TEST_CASE("waiter_queue: a cancellation after the queue is gone does nothing", "[world][asio]")
{
    asio::io_context io;
    asio::cancellation_signal signal;
    std::vector<result> results;
    {
        queue q(io.get_executor());
        q.push(asio::bind_cancellation_slot(signal.slot(), keep(results)));
    }
    signal.emit(asio::cancellation_type::all);
    io.run();
    REQUIRE(results.size() == 1);
    CHECK(results[0].ec == asio::error::operation_aborted);
    signal.emit(asio::cancellation_type::all);
}

TEST_CASE("waiter_queue: destroyed before its loop it cancels, destroyed after it lets go",
          "[world][asio]")
{
    auto const first = GENERATE("queue", "loop");
    auto io = std::make_unique<asio::io_context>();
    auto q = std::make_unique<queue>(io->get_executor());
    auto const witness = std::make_shared<int>();
    int called = 0;
    asio::cancellation_signal signal;
    q->push(asio::bind_cancellation_slot(signal.slot(), [&called, witness](error_code ec, int) {
        CHECK(ec == asio::error::operation_aborted);
        ++called;
    }));
    if (std::string(first) == "queue") {
        q.reset();
        CHECK(called == 0);
        io->run();
        CHECK(called == 1);
        CHECK(witness.use_count() == 1);
    } else {
        io.reset();
        CHECK(witness.use_count() == 1);
        CHECK(q->empty());
        signal.emit(asio::cancellation_type::all);
        q->push([&](error_code, int) { ++called; });
        CHECK(q->empty());
        q.reset();
        CHECK(called == 0);
    }
}

TEST_CASE("waiter_queue: a loop destroyed before it ran the completions destroys the handlers",
          "[world][asio]")
{
    auto const witness = std::make_shared<int>();
    {
        asio::io_context io;
        queue q(io.get_executor());
        for (int i = 0; i < 3; ++i)
            q.push([witness](error_code, int) {});
        q.complete_all({}, 1);
    }
    CHECK(witness.use_count() == 1);
}

TEST_CASE("waiter_queue: a handler may own the queue that it waits in", "[world][asio]")
{
    auto const witness = std::make_shared<int>();
    {
        asio::io_context io;
        auto q = std::make_shared<queue>(io.get_executor());
        q->push([q, witness](error_code, int) {});
        q->push([q, witness](error_code, int) {});
        q.reset();
    }
    CHECK(witness.use_count() == 1);
}

TEST_CASE("waiter_queue: waiters carry the driver's data", "[world][asio]")
{
    asio::io_context io;
    perdure::waiter_queue<void(error_code, std::string), int> q(io.get_executor());
    std::string all;
    for (int i = 1; i <= 3; ++i)
        q.push([&](error_code, std::string s) { all += s; }, i);
    CHECK(q.front() == 1);
    q.complete_all([](int i) { return std::tuple(error_code(), std::to_string(i)); });
    io.run();
    CHECK(all == "123");
}
