// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// A log on a disk that fails syncs and writes, stalls and loses power, as drawn: what was
// acknowledged as durable is there afterwards, whether the log stops at a failure or goes on.

#include "support/catch.hpp"
#include <perdure/simulation/cluster.hpp>
#include <perdure/wal/basic_wal.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using perdure::error_code;

using log_type = perdure::basic_wal<perdure::simulation::world>;

/// What the process has been promised, across all its lives.
struct promises {
    std::map<perdure::position, std::string> acknowledged;
    std::uint64_t given = 0;
    std::uint64_t openings = 0, continued = 0, failed = 0, stalled = 0, answered = 0;
    std::string violation;

    void hear(perdure::wal_event const& e)
    {
        using kind = perdure::wal_event_kind;
        continued += e.kind == kind::continued;
        failed += e.kind == kind::failed;
        stalled += e.kind == kind::disk_stalled;
        answered += e.kind == kind::disk_answered;
    }
};

void check(log_type& log, promises& p)
{
    std::map<perdure::position, std::string> found;
    log.replay(log.first_position(), [&](perdure::position at, std::span<std::byte const> bytes) {
        found[at] = std::string(perdure::as_text(bytes));
    });
    for (auto const& [at, text] : p.acknowledged)
        if (auto const i = found.find(at); i == found.end() || i->second != text)
            p.violation = "position " + std::to_string(at) + " was acknowledged as '" + text +
                          "' and holds " +
                          (i == found.end() ? "nothing" : "'" + i->second + "'");
}

asio::awaitable<void> append(std::shared_ptr<log_type> log, promises& p)
{
    for (;;) {
        auto const number = ++p.given;
        auto const text = std::to_string(number) + std::string(number % 200, '.');
        auto const how = number % 3 ? perdure::durability::disk : perdure::durability::os;
        auto const [ec, at] = co_await log->async_append(perdure::as_bytes(text), how,
                                                         asio::as_tuple(asio::use_awaitable));
        if (ec)
            co_return;
        if (how == perdure::durability::disk)
            p.acknowledged[at] = text;
    }
}

asio::awaitable<void> live(std::shared_ptr<log_type> log, promises& p)
{
    for (;;) {
        auto const [ec, report] = co_await log->async_open(asio::as_tuple(asio::use_awaitable));
        if (ec == perdure::condition::corruption)
            p.violation = "it did not open: " + to_string(report);
        if (!ec)
            break;
        if (ec != boost::system::errc::io_error)
            co_return;
    }
    ++p.openings;
    check(*log, p);
    for (int i = 0; i != 4; ++i)
        asio::co_spawn(log->get_executor(), append(log, p), asio::detached);
}

void run_seed(std::uint64_t seed, perdure::after_failure after, promises& p)
{
    perdure::simulation::options o;
    o.disk.sync_error = 0.01;
    o.disk.write_error = 0.005;
    o.disk.stall = 0.005;
    o.disk.stall_mean = 20ms;
    perdure::simulation::cluster cluster(seed, o);
    auto& random = cluster.random();
    cluster.add("logger", [&p, after](perdure::simulation::world w) {
        perdure::wal_options options;
        options.directory = "/log";
        options.segment_bytes = 16 * 1024;
        options.record_bytes_max = 4096;
        options.waiting_bytes_max = 4096;
        options.stall_after = 10ms;
        options.after_failure = after;
        options.on_event = [&p](perdure::wal_event const& e) { p.hear(e); };
        auto log = std::make_shared<log_type>(w, options);
        asio::co_spawn(w.get_executor(), live(log, p), asio::detached);
        return log;
    });
    for (int life = 0; life != 6 && p.violation.empty(); ++life) {
        cluster.run_for(std::chrono::microseconds(random.below(300'000)));
        cluster.crash("logger");
        cluster.restart("logger");
    }
    cluster.run_for(100ms);
}

} // namespace

TEST_CASE("wal: on a disk that fails, stalls and loses power, what was acknowledged is there",
          "[wal][sim]")
{
    auto const after = GENERATE(perdure::after_failure::stop,
                                perdure::after_failure::continue_elsewhere);
    auto const* const only = std::getenv("PERDURE_SEED");
    std::uint64_t const first = only ? std::strtoull(only, nullptr, 10) : 1;
    std::uint64_t const last = only ? first : 60;
    std::uint64_t openings = 0, continued = 0, failed = 0, stalled = 0, acknowledged = 0;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        promises p;
        INFO("replay: PERDURE_SEED=" << seed << " tests/wal/test_wal_simulated");
        run_seed(seed, after, p);
        REQUIRE(p.violation == "");
        CHECK(p.answered <= p.stalled);
        openings += p.openings;
        continued += p.continued;
        failed += p.failed;
        stalled += p.stalled;
        acknowledged += p.acknowledged.size();
    }
    if (only)
        return;
    // The search has been where it should go.
    CAPTURE(openings, continued, failed, stalled, acknowledged);
    CHECK(openings > 200);
    CHECK(acknowledged > 5'000);
    CHECK(stalled > 20);
    if (after == perdure::after_failure::stop) {
        CHECK(failed > 50);
        CHECK(continued == 0);
    } else {
        CHECK(continued > 50);
    }
}
