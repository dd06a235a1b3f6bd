// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// How long does a recovery take, and would we have known? A durable state is opened again after
// random amounts of work. Every fifth recovery is used to learn the time to load the snapshot and the
// rate of the replay; a model made of the two predicts the other 200, of which it knows nothing.
// Prints the prediction beside what was measured, and whether they agree.

#include <perdure/availability/recovery_time.hpp>
#include <perdure/availability/text.hpp>
#include <perdure/durable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace availability = perdure::availability;
using std::chrono::duration;

struct deposit {
    std::uint32_t account = 0;
    std::uint32_t cents = 0;
    void serialize(auto& archive, unsigned) { archive& account& cents; }
};
struct bank {
    std::vector<std::uint64_t> accounts = std::vector<std::uint64_t>(20'000);
    std::uint64_t apply(deposit const& d) { return accounts[d.account] += d.cents; }
    void serialize(auto& archive, unsigned) { archive& accounts; }
};

struct recovery {
    std::uint64_t commands;
    availability::duration took;
};

/// Works for a while since the last snapshot, stops, and comes back.
asio::awaitable<recovery> stop_and_recover(asio::io_context& io, std::string const& directory,
                                           std::uint32_t commands)
{
    perdure::durable_options const options{.directory = directory, .snapshot_every_bytes = 0};
    {
        perdure::durable<bank, deposit> store(io, options);
        co_await store.async_open(asio::use_awaitable);
        co_await store.async_snapshot(asio::use_awaitable);
        for (std::uint32_t i = 1; i < commands; ++i) { // one sync for all that wait together
            store.async_execute({i % 20'000, 1}, [](boost::system::error_code, std::uint64_t) {});
        }
        if (commands > 0) {
            co_await store.async_execute({0, 1}, asio::use_awaitable);
        }
        co_await store.async_close(asio::use_awaitable);
    }
    perdure::durable<bank, deposit> store(io, options);
    auto const report = co_await store.async_open(asio::use_awaitable);
    co_await store.async_close(asio::use_awaitable);
    co_return recovery{report.commands_replayed, report.took};
}

asio::awaitable<void> measure(asio::io_context& io, std::size_t count)
{
    auto const directory =
        (std::filesystem::temp_directory_path() / "perdure_recovery_example").string();
    std::filesystem::remove_all(directory);
    std::uint32_t const most = 20'000;
    std::mt19937 random(1);
    auto const any = [&] { return static_cast<std::uint32_t>(random() % (most + 1)); };

    // To learn from, in between: the shortest log, the longest, and others.
    auto const few = std::max<std::size_t>(count / 5, 4);
    std::vector<recovery> known;
    std::vector<availability::duration> took;
    while (known.size() < few || took.size() < count) {
        if (known.size() < few && known.size() * count <= took.size() * few) {
            auto const i = known.size();
            known.push_back(
                co_await stop_and_recover(io, directory, i % 4 == 0 ? 0 : i % 4 == 1 ? most : any()));
        } else {
            took.push_back((co_await stop_and_recover(io, directory, any())).took);
        }
    }
    std::filesystem::remove_all(directory);
    // Least squares: took = load + commands / rate.
    double mean_commands = 0;
    double mean_took = 0;
    for (auto const& k : known) {
        mean_commands += static_cast<double>(k.commands) / static_cast<double>(few);
        mean_took += k.took.count() / static_cast<double>(few);
    }
    double both = 0;
    double square = 0;
    for (auto const& k : known) {
        double const away = static_cast<double>(k.commands) - mean_commands;
        both += away * (k.took.count() - mean_took);
        square += away * away;
    }
    double const per_command = std::max(both / square, 1e-9);
    std::vector<availability::duration> loads; // what is left of each without its replay
    for (auto const& k : known) {
        loads.push_back(availability::duration(
            std::max(k.took.count() - per_command * static_cast<double>(k.commands), 0.)));
    }
    double const bytes = 16; // a command; only bytes / rate matters
    availability::recovery_time const predicted(
        {availability::measured_phase("opening and loading the snapshot", loads),
         availability::replaying_phase(bytes * most, bytes / per_command)});

    std::sort(took.begin(), took.end());

    using availability::to_text;
    std::printf("Learnt from %zu recoveries: the replay makes %.0f commands a second.\n", few,
                1 / per_command);
    for (auto const& phase : predicted.phases()) {
        std::printf("  %-34s %s on average\n", phase.name.c_str(), to_text(phase.mean()).c_str());
    }
    std::printf("\n%zu recoveries        predicted    measured\n", took.size());
    auto const mean =
        std::accumulate(took.begin(), took.end(), availability::duration{}) / static_cast<double>(took.size());
    std::printf("  mean                %-12s %s\n", to_text(predicted.mean()).c_str(),
                to_text(mean).c_str());
    for (double const p : {0.1, 0.5, 0.9, 0.99}) {
        auto const rank = static_cast<std::size_t>(p * static_cast<double>(took.size() - 1) + 0.5);
        std::printf("  %2.0f %% are done by    %-12s %s\n", 100 * p,
                    to_text(predicted.quantile(p)).c_str(), to_text(took[rank]).c_str());
    }
    // Smirnov's test of two samples: the prediction is made of `few` values itself.
    double const gap = availability::check_prediction(predicted, took).distance;
    double const allowed = 1.36 * std::sqrt(1 / static_cast<double>(few) + 1 / static_cast<double>(count));
    std::printf("\nThe largest gap between the two distributions is %.3f. By chance alone it is below %.3f in "
                "19 of 20 cases.\n%s\n",
                gap, allowed,
                gap <= allowed ? "The model stands."
                               : "The machine was not the same throughout, or a phase is missing.");
}

int main(int argc, char** argv)
{
    auto const count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200;
    asio::io_context io;
    asio::co_spawn(io, measure(io, std::max(count, 10UL)), [](std::exception_ptr e) {
        if (e) {
            std::rethrow_exception(e);
        }
    });
    io.run();
}
