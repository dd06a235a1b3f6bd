// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/sanitized.hpp"
#include <perdure/durable/durable.hpp>
#include <perdure/simulation/cluster.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/serialization/vector.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// The numbers that were added, in order; large, so that crashes fall into the middle of things.
struct numbers {
    std::vector<std::uint64_t> all;
    std::size_t apply(std::vector<std::uint64_t> const& some)
    {
        all.insert(all.end(), some.begin(), some.end());
        return all.size();
    }
    void serialize(auto& archive, unsigned) { archive& all; }
};

using store =
    perdure::basic_durable<numbers, std::vector<std::uint64_t>, perdure::simulation::world>;

/// What the service has been promised, across all its lives.
struct promises {
    std::uint64_t acknowledged = 0; ///< Commands 1 to this one are on disk.
    std::uint64_t started = 0;
    std::uint64_t openings = 0, from_snapshot = 0, torn = 0, lives_without_ack = 0;
    std::string violation;
};

asio::awaitable<void> live(std::shared_ptr<store> state, promises& p)
{
    auto const report = co_await state->async_open(asio::use_awaitable);
    ++p.openings;
    p.from_snapshot += report.loaded.id != 0;
    p.torn += report.log.outcome == perdure::recovery_outcome::torn_tail;
    auto const& all = state->state().all;
    std::uint64_t last = 0;
    for (std::size_t i = 0; i != all.size(); ++i) {
        if (all[i] != last && all[i] != last + 1)
            p.violation = "command " + std::to_string(all[i]) + " stands behind command " +
                          std::to_string(last);
        last = all[i];
    }
    if (last < p.acknowledged)
        p.violation = "command " + std::to_string(p.acknowledged) +
                      " had been acknowledged, and the state ends with " + std::to_string(last);
    if (last > p.started)
        p.violation = "command " + std::to_string(last) + " was never given";
    p.started = last; // A command that was not acknowledged and is not there may be given again.
    p.acknowledged = last;
    for (int i = 0; i != 8; ++i) // Several under way at a time.
        asio::co_spawn(
            state->get_executor(),
            [](std::shared_ptr<store> s, promises& q) -> asio::awaitable<void> {
                for (;;) {
                    auto const number = ++q.started;
                    std::vector<std::uint64_t> command(1 + number % 40, number);
                    co_await s->async_execute(std::move(command), asio::use_awaitable);
                    // In the order of the log, so that the greatest one stands for all.
                    q.acknowledged = std::max(q.acknowledged, number);
                }
            }(state, p),
            asio::detached);
}

void run_seed(std::uint64_t seed, promises& p)
{
    perdure::simulation::cluster cluster(seed);
    auto& random = cluster.random();
    cluster.add("counter", [&p](perdure::simulation::world w) {
        perdure::durable_options options;
        options.directory = "/state";
        options.snapshot_every_bytes = 5'000;
        options.log.segment_bytes = 64 * 1024;
        auto state = std::make_shared<store>(w, options);
        asio::co_spawn(w.get_executor(), live(state, p), [&p](std::exception_ptr e) {
            try {
                if (e)
                    std::rethrow_exception(e);
            } catch (boost::system::system_error const& error) {
                if (error.code() != asio::error::operation_aborted)
                    p.violation = std::string("it did not open: ") + error.what();
            }
        });
        return state;
    });
    for (int life = 0; life != 8 && p.violation.empty(); ++life) {
        cluster.run_for(std::chrono::microseconds(random.below(life % 3 == 0 ? 20'000 : 300'000)));
        cluster.crash("counter");
        cluster.restart("counter");
    }
    cluster.run_for(1s);
}

} // namespace

TEST_CASE("durable: whatever a loss of power leaves, what was acknowledged is there",
          "[durable][sim]")
{
    auto const* const only = std::getenv("PERDURE_SEED");
    std::uint64_t const first = only ? std::strtoull(only, nullptr, 10) : 1;
    auto const* const count = std::getenv("PERDURE_SEEDS");
    std::uint64_t const seeds = count ? std::strtoull(count, nullptr, 10) : sanitized ? 20 : 100;
    std::uint64_t const last = only ? first : seeds;
    std::uint64_t openings = 0, from_snapshot = 0, torn = 0, acknowledged = 0;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        promises p;
        INFO("replay: PERDURE_SEED=" << seed << " tests/durable/test_durable_simulated");
        run_seed(seed, p);
        REQUIRE(p.violation == "");
        REQUIRE(p.openings >= 1);
        openings += p.openings;
        from_snapshot += p.from_snapshot;
        torn += p.torn;
        acknowledged += p.acknowledged;
    }
    if (!only) { // The search has been where it should go.
        CHECK(openings > 5 * seeds);
        CHECK(from_snapshot > seeds);
        CHECK(torn > seeds / 10);
        CHECK(acknowledged > 200 * seeds);
    }
}
