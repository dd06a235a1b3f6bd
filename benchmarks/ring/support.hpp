// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_RING_SUPPORT_HPP
#define PERDURE_BENCHMARKS_RING_SUPPORT_HPP

#include "support/bars.hpp"
#include "support/measure.hpp"
#include <perdure/ring/detail/multiply.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace ring_benchmark {

using namespace benchmark;

/// Hashes that no predictor can learn: a multiplication each.
struct hashes {
    std::uint64_t state;
    std::uint64_t operator()()
    {
        state += 0x9E3779B97F4A7C15;
        auto const p = perdure::detail::multiply(state, state ^ 0xE7037ED1A0B428DB);
        return p.high ^ p.low;
    }
};

inline std::uint64_t fresh_seed()
{
    static std::uint64_t seed = 1000003;
    return seed += 7919;
}

/// Brings into the caches what the other one of two in turns has driven out.
template <class Lookup>
void warm_up(std::size_t count, Lookup& lookup)
{
    hashes next{fresh_seed()};
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i != count; ++i)
        sum += lookup(next());
    keep(sum);
}

/// Lookups of keys that do not depend on one another: nanoseconds of one, its key's making included.
template <class Lookup>
double throughput_once(std::size_t count, Lookup& lookup)
{
    warm_up(count / 2, lookup);
    hashes next{fresh_seed()};
    std::uint64_t sum = 0;
    auto const begin = thread_ns();
    for (std::size_t i = 0; i != count; ++i)
        sum += lookup(next());
    keep(sum);
    return (thread_ns() - begin) / static_cast<double>(count);
}

/// Each key depends on the lookup before.
template <class Lookup>
double dependent_once(std::size_t count, Lookup& lookup)
{
    warm_up(count / 2, lookup);
    hashes next{fresh_seed()};
    auto const begin = thread_ns();
    for (std::size_t i = 0; i != count; ++i)
        next.state += lookup(next());
    keep(next.state);
    return (thread_ns() - begin) / static_cast<double>(count);
}

/// Nanoseconds of one of `size` keys that `find` looks up together, made by `fill` meanwhile untimed.
template <class Fill, class Find>
double batches_once(std::size_t count, std::size_t size, Fill fill, Find find)
{
    std::size_t const batches = count / size + 1;
    double all = 0;
    hashes next{fresh_seed()};
    for (std::size_t i = 0; i != batches + batches / 2; ++i) {
        fill(next);
        auto const begin = thread_ns();
        find();
        if (i >= batches / 2) // Before that it warms up.
            all += thread_ns() - begin;
    }
    return all / static_cast<double>(batches * size);
}

inline double median(std::vector<double> all)
{
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

struct pair {
    double ours, peer;
};

/// The medians of two measurements made in turns.
template <class Ours, class Peer>
pair in_turns(settings const& s, Ours ours, Peer peer)
{
    std::vector<double> a, b;
    for (int i = 0; i != s.repetitions; ++i) {
        a.push_back(ours());
        b.push_back(peer());
    }
    return {median(a), median(b)};
}

/// Throughput of two lookups, in turns; the slower one looks up a quarter as often.
template <class Ours, class Peer>
pair throughputs(settings const& s, std::size_t count, Ours ours, Peer peer)
{
    return in_turns(
        s, [&] { return throughput_once(count, ours); },
        [&] { return throughput_once(count / 4 + 1, peer); });
}
template <class Ours, class Peer>
pair dependents(settings const& s, std::size_t count, Ours ours, Peer peer)
{
    return in_turns(
        s, [&] { return dependent_once(count, ours); },
        [&] { return dependent_once(count / 4 + 1, peer); });
}
template <class Lookup>
double throughput(settings const& s, std::size_t count, Lookup lookup)
{
    return median_of(s, [&] { return throughput_once(count, lookup); });
}

inline std::vector<perdure::weighted_node<std::string>> nodes(std::size_t count)
{
    std::vector<perdure::weighted_node<std::string>> all;
    for (std::size_t i = 0; i != count; ++i)
        all.push_back({"node-" + std::to_string(i), 1});
    return all;
}

} // namespace ring_benchmark

#endif
