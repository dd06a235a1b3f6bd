// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* One service, a template on World, run twice: on a host's own io_context with the real clock and
 * disk, and as a process of a simulated cluster, where its 30 ms pass at once. Prints
 *
 *   real: wrote 3 entries in some 40 ms, the file has 24 bytes
 *   simulated: wrote 3 entries in virtual 3x ms, the file has 24 bytes
 */

#include <perdure/simulation/cluster.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using perdure::error_code;

/// Every 10 ms writes an entry to the end of a file and syncs it.
template <perdure::complete_world World>
asio::awaitable<void> keep_diary(World world, std::string path, char const* note)
{
    auto const begin = world.now();
    typename World::timer timer(world);
    std::uint64_t size = 0;
    for (int i = 1; i <= 3; ++i) {
        timer.expires_at(begin + i * 10ms);
        co_await timer.async_wait(asio::use_awaitable);
        // The job runs off the loop and owns what it needs. Its result comes back to the loop.
        auto job = [path, text = "entry " + std::to_string(i) + "\n"](typename World::files& files,
                                                                      error_code& ec) {
            auto file = files.open(path, perdure::open_mode::create, ec);
            std::uint64_t end = ec ? 0 : file.size(ec);
            if (!ec)
                file.write_at(end, std::as_bytes(std::span(text)), ec);
            if (!ec)
                file.sync(perdure::sync_mode::data, ec);
            return end + text.size();
        };
        size = co_await world.async_file_job(std::move(job), asio::use_awaitable);
    }
    // The simulated sync of the last entry takes a few hundred microseconds more.
    auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(world.now() - begin);
    std::printf("%s, the file has %d bytes\n",
                (std::string(note) + std::to_string(took.count()) + " ms").c_str(),
                static_cast<int>(size));
}

int main()
{
    auto const rethrow = [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    };

    asio::io_context host; // The loop that the program has anyway.
    perdure::system_world const real(host);
    error_code ec;
    std::string const path = "world-example.txt";
    real.blocking_files().remove(path, ec); // It may be there from an earlier run.
    asio::co_spawn(host, keep_diary(real, path, "real: wrote 3 entries in "), rethrow);
    host.run();
    real.blocking_files().remove(path, ec);

    perdure::simulation::cluster cluster(42);
    cluster.add("diary", [&](perdure::simulation::world w) {
        asio::co_spawn(w.get_executor(),
                       keep_diary(w, path, "simulated: wrote 3 entries in virtual "), rethrow);
    });
    cluster.run_for(1s);
}
