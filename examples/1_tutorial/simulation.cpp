// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* Would it hold? A service that counts visitors keeps the number in a file, and forgot something. A
 * search over seeds cuts the power at drawn moments until a promise is broken, then replays that
 * seed. Prints
 *
 *   without sync: seed N broke it: promised visitor x, after the power cut there were y
 *   the same seed again: promised visitor x, after the power cut there were y
 *   with sync: 200 seeds, z visitors promised, none lost
 */

#include <perdure/simulation/cluster.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using perdure::error_code;

/// What the outside knows, kept apart from the service that is on trial.
struct promises {
    std::uint64_t made = 0;
    std::string broken;
};

/// The service, a template on World: in production `count_visitors(perdure::system_world(io), ...)`.
template <perdure::complete_world World>
asio::awaitable<void> count_visitors(World world, bool with_sync, promises& promised)
{
    // All blocking work is in jobs, which own what they need and run off the loop.
    auto store = [with_sync](std::uint64_t count) {
        return [with_sync, count](typename World::files& files, error_code& ec) {
            auto file = files.open("visitors", perdure::open_mode::create, ec);
            if (!ec)
                file.write_at(0, std::as_bytes(std::span(&count, 1)), ec);
            if (!ec && with_sync)
                file.sync(perdure::sync_mode::all, ec);
            if (!ec && with_sync)
                files.sync_directory(".", ec); // or the file's name may be lost
            return count;
        };
    };
    auto load = [](typename World::files& files, error_code& ec) {
        std::uint64_t count = 0;
        auto file = files.open("visitors", perdure::open_mode::create, ec);
        if (!ec)
            file.read_at(0, std::as_writable_bytes(std::span(&count, 1)), ec);
        return count;
    };

    std::uint64_t count = co_await world.async_file_job(load, asio::use_awaitable);
    if (count < promised.made && promised.broken.empty()) {
        std::ostringstream what;
        what << "promised visitor " << promised.made << ", after the power cut there were "
             << count;
        promised.broken = what.str();
    }
    for (typename World::timer timer(world);;) {
        timer.expires_after(2ms);
        co_await timer.async_wait(asio::use_awaitable);
        ++count;
        co_await world.async_file_job(store(count), asio::use_awaitable);
        promised.made = count; // "You are visitor number ..."
    }
}

/// One run: everything in it, also when the power fails, follows from the seed.
promises run(std::uint64_t seed, bool with_sync)
{
    promises promised;
    perdure::simulation::cluster cluster(seed);
    cluster.add("visitors", [&](perdure::simulation::world world) {
        asio::co_spawn(world.get_executor(), count_visitors(world, with_sync, promised),
                       [](std::exception_ptr e) {
                           if (e)
                               std::rethrow_exception(e);
                       });
    });
    for (int crash = 0; crash != 5; ++crash) {
        cluster.run_for(std::chrono::microseconds(cluster.random().below(100'000)));
        cluster.crash("visitors"); // un-synced data is lost, kept or torn
        cluster.restart("visitors");
    }
    cluster.run_for(100ms);
    return promised;
}

int main()
{
    std::uint64_t seed = 1;
    while (run(seed, false).broken.empty())
        ++seed;
    std::cout << "without sync: seed " << seed << " broke it: " << run(seed, false).broken << '\n'
              << "the same seed again: " << run(seed, false).broken << '\n';

    std::uint64_t visitors = 0;
    for (seed = 1; seed <= 200; ++seed) {
        auto const promised = run(seed, true);
        if (!promised.broken.empty()) {
            std::cout << "with sync: seed " << seed << " broke it: " << promised.broken << '\n';
            return 1;
        }
        visitors += promised.made;
    }
    std::cout << "with sync: 200 seeds, " << visitors << " visitors promised, none lost\n";
}
