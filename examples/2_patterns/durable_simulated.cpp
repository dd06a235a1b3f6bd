// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* Would your durable state hold? The service of durable_killed.cpp as a template on World, on a simulated machine that
 * loses its power at drawn moments. One client gives what got no answer again. A search over seeds finds the service that
 * forgets to say that it is the same command, and replays the seed; the right one has every deposit once. Prints
 *
 *   async_execute: seed N: x deposits were acknowledged, the accounts hold x + 1
 *   the same seed again: x deposits were acknowledged, the accounts hold x + 1
 *   async_execute_once: 30 seeds, z deposits acknowledged, each is there once
 *   seed 1 was opened 6 times, at last: loaded snapshot ...
 */

#include <perdure/durable/durable.hpp>
#include <perdure/simulation/cluster.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

struct deposit {
    std::string account;
    long amount = 0;
    void serialize(auto& archive, unsigned) { archive& account& amount; }
};

struct accounts {
    static constexpr bool exactly_once = true;
    std::map<std::string, long> balance;
    long apply(deposit const& d) { return balance[d.account] += d.amount; }
    void serialize(auto& archive, unsigned) { archive& balance; }
};

/// What the outside knows, kept apart from the service that is on trial.
struct client {
    std::uint64_t acknowledged = 0; // deposits of 1
    std::string broken;
    int lives = 0;
    std::string last_report;
};

/// In production `serve(perdure::system_world(io), ...)`: the same code, the real disk.
template <perdure::complete_world World>
asio::awaitable<void> serve(World world, bool once, client& known)
{
    perdure::durable_options options;
    options.directory = "bank";
    options.snapshot_every_bytes = 2'000; // small, so that a short run has some
    options.log.segment_bytes = 64 * 1024;
    perdure::basic_durable<accounts, deposit, World> state(world, options);
    auto const report = co_await state.async_open(asio::use_awaitable);
    std::ostringstream text;
    text << report;
    known.last_report = text.str();
    ++known.lives;
    for (typename World::timer pause(world);;) {
        // The first one of a life is the one that got no answer in the life before.
        auto const number = known.acknowledged + 1;
        deposit command{"account " + std::to_string(number % 10), 1};
        if (once)
            co_await state.async_execute_once({1, number}, std::move(command), asio::use_awaitable);
        else
            co_await state.async_execute(std::move(command), asio::use_awaitable);
        known.acknowledged = number;
        long sum = 0;
        for (auto const& [account, balance] : state.state().balance)
            sum += balance;
        if (sum != static_cast<long>(number) && known.broken.empty())
            known.broken = std::to_string(number) + " deposits were acknowledged, the accounts hold " +
                           std::to_string(sum);
        pause.expires_after(1ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

/// One run: everything in it, also when the power fails, follows from the seed.
client run(std::uint64_t seed, bool once)
{
    client known;
    perdure::simulation::cluster cluster(seed);
    cluster.add("bank", [&](perdure::simulation::world world) {
        asio::co_spawn(world.get_executor(), serve(world, once, known), [](std::exception_ptr e) {
            if (e)
                std::rethrow_exception(e); // Ends the run: run_for throws it.
        });
    });
    for (int crash = 0; crash != 5; ++crash) {
        cluster.run_for(std::chrono::microseconds(50'000 + cluster.random().below(50'000)));
        cluster.crash("bank"); // what was not synced is lost, kept or torn
        cluster.restart("bank");
    }
    cluster.run_for(100ms);
    return known;
}

} // namespace

int main()
{
    std::uint64_t seed = 1;
    while (seed != 200 && run(seed, false).broken.empty())
        ++seed;
    std::cout << "async_execute: seed " << seed << ": " << run(seed, false).broken << '\n'
              << "the same seed again: " << run(seed, false).broken << '\n';

    std::uint64_t acknowledged = 0;
    for (seed = 1; seed <= 30; ++seed) {
        auto const known = run(seed, true);
        if (!known.broken.empty() || known.lives != 6) {
            std::cout << "async_execute_once: seed " << seed << ": " << known.broken << ", "
                      << known.lives << " lives\n";
            return 1;
        }
        acknowledged += known.acknowledged;
    }
    std::cout << "async_execute_once: 30 seeds, " << acknowledged
              << " deposits acknowledged, each is there once\n";
    auto const first = run(1, true), again = run(1, true);
    if (first.last_report != again.last_report)
        return 1; // never happens: all of it follows from the seed
    std::cout << "seed 1 was opened " << first.lives << " times, at last: " << first.last_report << '\n';
}
