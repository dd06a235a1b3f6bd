// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* What taking a snapshot of 1 GiB does to the loop, and what an incremental one writes.
 *
 *   slices:       the longest handler that the loop runs while a snapshot is taken in slices, in processor
 *                 time of the loop's thread and on the clock, and how long the snapshot took. Floor: the
 *                 longest handler of a loop that only posts to itself for as long.
 *   fuzzy:        the same with a std::map that commands change meanwhile.
 *   incremental:  bytes written for a state of 1 GiB of which 1 % was changed in place, as a share of it. The bar is for
 *                 fixed chunks, which suit such changes; content-defined ones, the default, also find what was moved.
 *
 *     benchmark_snapshot_taking [--smoke]
 */

#include "support/bars.hpp"
#include "support/measure.hpp"
#include <perdure/snapshot/store.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using perdure::error_code;
using steady = std::chrono::steady_clock;

struct longest {
    double thread_us = 0, wall_us = 0, seconds = 0;
};

// Runs the loop to its end and times each handler.
longest run(asio::io_context& io)
{
    longest l;
    auto const begin = steady::now();
    for (;;) {
        // Waiting is no handler's time: poll until something is ready.
        auto const wall = steady::now();
        double const thread = benchmark::thread_ns();
        if (io.poll_one() != 0) {
            l.thread_us = std::max(l.thread_us, (benchmark::thread_ns() - thread) / 1e3);
            l.wall_us = std::max(
                l.wall_us, std::chrono::duration<double, std::micro>(steady::now() - wall).count());
        } else if (io.stopped()) {
            break;
        }
    }
    l.seconds = std::chrono::duration<double>(steady::now() - begin).count();
    return l;
}

longest idle(double seconds)
{
    asio::io_context io;
    auto const end = steady::now() + std::chrono::duration<double>(seconds);
    std::function<void()> again = [&] {
        if (steady::now() < end)
            asio::post(io, again);
    };
    asio::post(io, again);
    return run(io);
}

void check(error_code ec)
{
    if (ec) {
        std::fprintf(stderr, "a snapshot failed: %s\n", ec.message().c_str());
        std::exit(1);
    }
}

longest save_in_slices(std::string const& directory, std::vector<std::uint64_t> const& state)
{
    asio::io_context io;
    perdure::snapshot_store store(io, directory);
    store.async_save_in_slices(perdure::sequence_slices(state), 1, {},
                               [](error_code ec, perdure::snapshot_info const&) { check(ec); });
    return run(io);
}

longest save_fuzzy(std::string const& directory, std::map<std::uint64_t, std::string>& state)
{
    asio::io_context io;
    perdure::snapshot_store store(io, directory);
    bool done = false;
    store.async_save_in_slices(perdure::ordered_slices(state), 1, {},
                               [&](error_code ec, perdure::snapshot_info const&) {
                                   check(ec);
                                   done = true;
                               });
    std::uint64_t n = 0;
    std::function<void()> work = [&] { // a command each turn of the loop
        state[n * 7919 % state.size()][0] = static_cast<char>('a' + n % 26);
        ++n;
        if (!done)
            asio::post(io, work);
    };
    work();
    return run(io);
}

void print(char const* what, longest const& l, longest const& floor, double bar_us)
{
    std::printf("| %s | %.0f us | %.0f us | %.2f s | %.0f us, %.0f us | %s |\n", what, l.thread_us,
                l.wall_us, l.seconds, floor.thread_us, floor.wall_us,
                l.thread_us <= bar_us ? "met" : "missed");
    std::fflush(stdout);
}

// Bytes that the second of two incremental snapshots wrote, as a share of the state.
template <class Change>
double second_snapshot(std::string const& directory, std::vector<std::uint64_t>& state,
                       perdure::chunking how, std::uint32_t chunk, Change change)
{
    std::filesystem::remove_all(directory);
    perdure::snapshot_options options;
    options.incremental = {.enabled = true, .how = how, .chunk_size = chunk};
    perdure::snapshot_catalogue<perdure::directory_backend<perdure::posix_files<>>> catalogue(
        {{}, directory}, options);
    auto const save = [&] {
        error_code ec;
        auto writer = catalogue.begin(1, 3, 1, ec);
        check(ec);
        auto bytes = std::as_bytes(std::span(state));
        for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), 1 << 20))) {
            writer->append(bytes.first(std::min<std::size_t>(bytes.size(), 1 << 20)), ec);
            check(ec);
        }
        catalogue.publish(*writer, ec);
        check(ec);
        return catalogue.counters().bytes_written;
    };
    auto const before = save();
    change();
    auto const share = static_cast<double>(save() - before) / (8.0 * static_cast<double>(state.size()));
    std::filesystem::remove_all(directory);
    return share;
}

} // namespace

int main(int argc, char** argv)
{
    auto const settings = benchmark::settings::from(argc, argv);
    std::size_t const numbers = settings.smoke ? 1 << 20 : std::size_t{1} << 27;
    std::string directory = "benchmark_snapshot_taking.XXXXXX";
    if (!::mkdtemp(directory.data()))
        return 1;

    std::vector<std::uint64_t> state(numbers);
    for (std::size_t i = 0; i != numbers; ++i)
        state[i] = i * 0x9e3779b97f4a7c15u;

    std::printf("| taken in slices | longest handler, thread time | on the clock | whole snapshot | "
                "floor: idle loop | bar: 2 ms of thread time |\n|---|---|---|---|---|---|\n");
    auto const floor = idle(settings.smoke ? 0.05 : 3);
    std::string const size = std::to_string(8 * numbers >> 20) + " MiB";
    print(("cooperative, a vector of " + size).c_str(), save_in_slices(directory + "/a", state),
          floor, 2000);
    std::filesystem::remove_all(directory + "/a");
    {
        std::map<std::uint64_t, std::string> map;
        std::size_t const entries = numbers / 64; // about 1 GiB with 500-byte values
        for (std::size_t i = 0; i != entries; ++i)
            map.emplace_hint(map.end(), i, std::string(500, 'x'));
        print(("fuzzy, a map of " + std::to_string(entries) + " values of 500 bytes that changes").c_str(),
              save_fuzzy(directory + "/b", map), floor, 2000);
        std::filesystem::remove_all(directory + "/b");
    }

    std::printf("\n| 1 %% of %s changed in place | chunks | written, of the state |\n|---|---|---|\n",
                size.c_str());
    benchmark::bars goals;
    using perdure::chunking;
    auto const row = [&](std::string const& what, chunking how, std::uint32_t chunk, auto change) {
        double const share = 100 * second_snapshot(directory + "/c", state, how, chunk, change);
        std::printf("| %s | %s, %u KiB | %.2f %% |\n", what.c_str(),
                    how == chunking::fixed ? "fixed" : "content-defined", chunk >> 10, share);
        std::fflush(stdout);
        if (how == chunking::fixed && chunk == perdure::incremental_options().chunk_size)
            goals.at_most(what + ": written, of the state", share, 3, "%");
    };
    std::size_t const part = numbers / 100;
    for (auto const how : {chunking::fixed, chunking::content_defined}) {
        row("one range", how, 8 << 10, [&] {
            for (std::size_t i = 0; i != part; ++i)
                ++state[numbers / 3 + i];
        });
        row("100 ranges", how, 8 << 10, [&] {
            for (std::size_t r = 0; r != 100; ++r)
                for (std::size_t i = 0; i != part / 100; ++i)
                    ++state[r * part + i];
        });
        for (std::uint32_t const chunk : {16u << 10, 8u << 10, 4u << 10})
            row("pages of 4 KiB all over", how, chunk, [&] {
                std::uint64_t x = 1;
                for (std::size_t page = 0; page != part / 512; ++page) {
                    x = x * 6364136223846793005u + 1442695040888963407u;
                    std::size_t const at = (x >> 20) % (numbers / 512) * 512;
                    for (std::size_t i = 0; i != 512; ++i)
                        ++state[at + i];
                }
            });
    }
    if (!settings.smoke)
        goals.print();
    std::filesystem::remove_all(directory);
}
