// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_AVAILABILITY_CHAINS_HPP
#define PERDURE_BENCHMARKS_AVAILABILITY_CHAINS_HPP

#include "cluster.hpp"
#include "support/bars.hpp"
#include "support/measure.hpp"
#include <perdure/availability/markov/steady.hpp>
#include <perdure/availability/markov/transient.hpp>

#include <sys/resource.h>

#include <cstddef>
#include <string>
#include <vector>

namespace chains {

/// The peer: the textbook's elimination of a full matrix (Grassmann, Taksar, Heyman), as QuantEcon
/// and RMarkov have it, skipping zero factors.
inline double textbook(perdure::availability::markov_chain const& chain,
                       std::vector<double> const& measure)
{
    auto const n = chain.size();
    std::vector<double> a(n * n, 0.);
    for (std::size_t i = 0; i < n; ++i) {
        auto const r = chain.from(static_cast<perdure::availability::chain_state>(i));
        for (std::size_t k = 0; k < r.to.size(); ++k) {
            a[i * n + r.to[k]] = r.per_second[k];
        }
    }
    for (std::size_t k = n - 1; k > 0; --k) {
        double sum = 0;
        for (std::size_t j = 0; j < k; ++j) {
            sum += a[k * n + j];
        }
        for (std::size_t i = 0; i < k; ++i) {
            if (a[i * n + k] == 0) {
                continue;
            }
            double const factor = a[i * n + k] /= sum;
            for (std::size_t j = 0; j < k; ++j) {
                a[i * n + j] += factor * a[k * n + j];
            }
        }
    }
    std::vector<double> x(n, 0.);
    x[0] = 1;
    double total = 1;
    double value = measure[0];
    for (std::size_t k = 1; k < n; ++k) {
        for (std::size_t i = 0; i < k; ++i) {
            x[k] += x[i] * a[i * n + k];
        }
        total += x[k];
        value += x[k] * measure[k];
    }
    return value / total;
}

} // namespace chains

inline void availability_chains(benchmark::settings const& s, benchmark::bars& wanted)
{
    using namespace perdure::availability;
    using benchmark::keep;
    auto few = s;
    few.repetitions = s.smoke ? 1 : 5;

    for (int n : {4, 8}) {
        if (s.smoke && n == 8) {
            break;
        }
        auto const model = cluster::explore(n);
        auto const down = model.where([n](auto const& state) { return !cluster::minimum(state, n); });
        auto const states = std::to_string(model.chain.size());
        // In turns, ours and the peer.
        double const ours = benchmark::time_each(few, 1, [&](std::size_t) {
            keep(stationary(model.chain).back());
        });
        double const peer = benchmark::time_each(few, 1, [&](std::size_t) {
            keep(chains::textbook(model.chain, down));
        });
        double const certified = benchmark::time_each(few, 1, [&](std::size_t) {
            keep(long_run(model.chain, down).value);
        });
        steady_options sweep;
        sweep.direct_states_max = 0;
        double const swept = benchmark::time_each(few, 1, [&](std::size_t) {
            keep(long_run(model.chain, down, sweep).value);
        });
        benchmark::print_row("GTH, " + states + " states", ours / 1e6, "ms", peer / 1e6,
                             "full matrix");
        benchmark::print_row("U with its bound by GTH, " + states + " states", certified / 1e6,
                             "ms");
        benchmark::print_row("U with its bound by sweeps, " + states + " states", swept / 1e6,
                             "ms");
        if (!s.smoke) {
            wanted.at_most("GTH " + states + " states", ours / 1e6, n == 4 ? 15 : 200, "ms");
        }
    }

    int const n = s.smoke ? 16 : 256;
    auto const begin = benchmark::thread_ns();
    auto const model = cluster::explore(n);
    auto const down = model.where([n](auto const& state) { return !cluster::minimum(state, n); });
    auto const explored = benchmark::thread_ns();
    auto const u = long_run(model.chain, down);
    auto const solved = benchmark::thread_ns();
    // The floor: one pass over the matrix for every sweep, as fast as it can be read.
    double pass = 0;
    {
        auto const start = benchmark::thread_ns();
        double sum = 0;
        for (chain_state i = 0; i < model.chain.size(); ++i) {
            auto const r = model.chain.from(i);
            for (std::size_t k = 0; k < r.to.size(); ++k) {
                sum += r.per_second[k] * r.to[k];
            }
        }
        keep(sum);
        pass = benchmark::thread_ns() - start;
    }
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    double const gigabytes = static_cast<double>(usage.ru_maxrss) / 1048576;
    benchmark::print_row("cluster N = " + std::to_string(n) + ": " +
                             std::to_string(model.chain.size()) + " states, " +
                             std::to_string(model.chain.transitions()) + " transitions, building",
                         (explored - begin) / 1e9, "s");
    benchmark::print_row("U with its bound, " + std::to_string(u.sweeps) + " sweeps",
                         (solved - explored) / 1e9, "s", 0, "",
                         pass * static_cast<double>(u.sweeps) / 1e9);
    std::printf("U = %.17g, at most %.2g off (relative %.2g); %.2f GB in all.\n", u.value, u.error,
                u.relative_error(), gigabytes);
    if (!s.smoke) {
        wanted.at_most("cluster N = 256, building and U", (solved - begin) / 1e9, 45, "s");
        wanted.at_most("its bound on the relative error", u.relative_error(), 1e-9, "");
        wanted.at_most("memory", gigabytes, 1, "GB");
    }

    auto const four = cluster::explore(4);
    auto const four_down =
        four.where([](auto const& state) { return !cluster::minimum(state, 4); });
    transient const in_time(four.chain);
    auto const start = started_in(four.chain, 0);
    double const hundred = benchmark::time_each(few, 1, [&](std::size_t) {
        keep(in_time.at(start, four_down, duration(s.smoke ? 1 : 100)));
    });
    benchmark::print_row("820 states after 100 h (about 1000 jumps)", hundred / 1e6, "ms");
}

#endif
