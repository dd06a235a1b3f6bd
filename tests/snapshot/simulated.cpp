// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/simulation/cluster.hpp>
#include <perdure/snapshot/store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace simulation = perdure::simulation;
using namespace std::chrono_literals;
using perdure::errc;
using perdure::error_code;

// What the outside world knows about the process, across its incarnations.
struct witness {
    int acknowledged = 0;
    int begun = 0;
    int loads = 0;
    int starts_from_nothing = 0;
    int suspected = 0; // put aside because two loads did not end
    int bad = 0;       // put aside for another reason
    std::vector<std::string> violations;
};

struct state {
    int number = 0;
    std::vector<std::uint64_t> ballast;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& number& ballast;
    }
};

// Loads its state at the start, then counts, with a snapshot of each number.
template <class World>
class counter : public std::enable_shared_from_this<counter<World>> {
public:
    counter(World w, std::shared_ptr<witness> seen)
        : world_(w), store_(w, "state", {.type = "counter"}), seen_(std::move(seen))
    {
    }

    void start()
    {
        asio::co_spawn(world_.get_executor(), run(this->shared_from_this()), asio::detached);
    }

private:
    static asio::awaitable<void> run(std::shared_ptr<counter> self)
    {
        auto& seen = *self->seen_;
        error_code ec;
        perdure::loaded_snapshot<state> loaded;
        do
            loaded = co_await self->store_.template async_load_newest<state>(
                asio::redirect_error(asio::use_awaitable, ec));
        while (ec == boost::system::errc::io_error || ec == errc::no_space);
        ++seen.loads;
        bool fell_back = false;
        for (auto const& p : loaded.report.passed) {
            // Two power cuts during loads: the store cannot know that the snapshot is innocent. A
            // log would be replayed from the older one.
            fell_back = fell_back || p.crashed_before;
            ++(p.crashed_before ? seen.suspected : seen.bad);
        }
        if (ec == errc::no_snapshot)
            ++seen.starts_from_nothing;
        else if (ec)
            seen.violations.push_back("load: " + ec.message());
        int const found = loaded.value ? loaded.value->number : 0;
        if ((found < seen.acknowledged && !fell_back) || found > seen.begun)
            seen.violations.push_back("found " + std::to_string(found) + ", acknowledged " +
                                      std::to_string(seen.acknowledged));
        // What was found is durable now: a second start may not find less.
        seen.acknowledged = found;
        state s = loaded.value ? *loaded.value : state{};
        for (;;) {
            s.number = ++seen.begun;
            s.ballast.assign(static_cast<std::size_t>(s.number % 10 == 0 ? 200'000 : 5), 7);
            auto const info =
                co_await self->store_.async_save(s, static_cast<std::uint64_t>(s.number),
                                                 asio::redirect_error(asio::use_awaitable, ec));
            if (!ec && info.position == static_cast<std::uint64_t>(s.number))
                seen.acknowledged = s.number;
        }
    }

    World world_;
    perdure::basic_snapshot_store<World> store_;
    std::shared_ptr<witness> seen_;
};

std::shared_ptr<witness> run_cluster(std::uint64_t seed, simulation::options const& o,
                                     std::uint64_t& digest)
{
    auto const seen = std::make_shared<witness>();
    simulation::cluster c(seed, o);
    c.add("a", [seen](simulation::world w) {
        auto const process = std::make_shared<counter<simulation::world>>(w, seen);
        process->start();
        return process;
    });
    std::mt19937_64 random(seed); // Its raw values are the same everywhere.
    for (int crashes = 0; crashes < 30; ++crashes) {
        c.run_for(std::chrono::microseconds(random() % 30'000));
        if (random() % 5 == 0)
            c.kill("a");
        else
            c.crash("a");
        c.run_for(std::chrono::microseconds(random() % 100));
        c.restart("a");
    }
    c.run_for(20ms);
    digest = c.disk("a").digest();
    return seen;
}

simulation::options rough()
{
    simulation::options o;
    o.disk.read_error = 0.002;
    o.disk.write_error = 0.002;
    o.disk.sync_error = 0.01;
    o.disk.stall = 0.001;
    o.disk.stall_mean = 5ms;
    return o;
}

} // namespace

TEST_CASE(
    "snapshot_store: in the simulator nothing acknowledged is lost over crashes and bad disks",
    "[snapshot][sim]")
{
    int loads = 0;
    int from_nothing = 0;
    int acknowledged = 0;
    int suspected = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        std::uint64_t digest = 0;
        auto const seen = run_cluster(seed, rough(), digest);
        CHECK(seen->violations == std::vector<std::string>());
        CHECK(seen->bad == 0);
        suspected += seen->suspected;
        loads += seen->loads;
        from_nothing += seen->starts_from_nothing;
        acknowledged += seen->acknowledged;
    }
    CHECK(suspected < loads / 50);
    CHECK(loads > 200);
    CHECK(from_nothing >= 20);
    CHECK(acknowledged > 1000);
}

TEST_CASE("snapshot_store: the same seed gives the same disk", "[snapshot][sim]")
{
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    run_cluster(5, rough(), first);
    run_cluster(5, rough(), second);
    CHECK(first == second);
    run_cluster(6, rough(), second);
    CHECK(first != second);
}
