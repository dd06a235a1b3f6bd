// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_RING_RINGS_HPP
#define PERDURE_BENCHMARKS_RING_RINGS_HPP

// The hash ring beside the two rings that everybody writes.

#include "peers.hpp"
#include "support.hpp"
#include "texts.hpp"
#include <perdure/ring/bounded_loads.hpp>
#include <perdure/ring/hash_ring.hpp>

#include <malloc.h>

namespace ring_benchmark {

using perdure::key_hash;
using perdure::node_index;

inline double heap_bytes()
{
    auto const m = mallinfo2();
    return static_cast<double>(m.uordblks + m.hblkhd);
}

inline double random_line_ns(settings const& s, std::size_t bytes)
{
    struct alignas(64) line {
        std::uint64_t words[8];
    };
    perdure::detail::page_array<line> lines(bytes / sizeof(line));
    for (std::size_t i = 0; i != lines.size(); ++i)
        lines[i].words[0] = i;
    return throughput(s, s.smoke ? 1000 : 200000, [&](std::uint64_t h) {
        return lines[perdure::detail::reduce(h, lines.size())].words[0];
    });
}

inline void bench_rings(settings const& s, double floor, bars& goals)
{
    for (std::size_t n : {10u, 100u, 1000u, 10000u, 100000u}) {
        if (s.smoke && n > 100)
            break;
        std::size_t const count = s.smoke ? 1000 : n > 1000 ? 100000 : 200000;
        auto const label = ", N = " + std::to_string(n);
        bool const thousand = n == (s.smoke ? 100 : 1000), most = n == 100000;
        auto const all = nodes(n);
        perdure::hash_ring ring;
        auto const begin = thread_ns();
        ring.add_all(all);
        auto const built = (thread_ns() - begin) / 1e6;
        auto const ours = [&](std::uint64_t h) { return ring.index_for(key_hash{h}); };

        auto const before_sorted = heap_bytes();
        auto const sort_begin = thread_ns();
        peers::sorted_ring sorted;
        for (std::size_t i = 0; i != n; ++i)
            for (std::uint64_t r = 0, seed = perdure::hash_key(all[i].node); r != 100; ++r)
                sorted.circle.push_back({perdure::hash_key(r, seed), static_cast<node_index>(i)});
        sorted.circle.shrink_to_fit();
        std::sort(sorted.circle.begin(), sorted.circle.end(),
                  [](auto const& x, auto const& y) { return x.hash < y.hash; });
        auto const sorted_ms = (thread_ns() - sort_begin) / 1e6;
        auto const sorted_bytes = heap_bytes() - before_sorted;

        // Absolute figures of ours alone: what is measured in turns shares the caches with the peer.
        auto const alone = throughput(s, count, ours);
        print_row("ring alone, throughput" + label, alone, "ns", 0, "", floor);
        auto const t = throughputs(s, count, ours, sorted);
        auto const d = dependents(s, count / 2, ours, sorted);
        print_row("ring, throughput" + label, t.ours, "ns", t.peer, "lower_bound", floor);
        print_row("ring, dependent" + label, d.ours, "ns", d.peer, "lower_bound", floor);
        if (n <= 10000) { // 10^7 tree nodes would take half a minute to make
            auto const before = heap_bytes();
            auto const map_begin = thread_ns();
            peers::map_ring map;
            // As nodes join: in no order of the points.
            for (std::size_t i = 0; i != n; ++i)
                for (std::uint64_t r = 0, seed = perdure::hash_key(all[i].node); r != 100; ++r)
                    map.tree.emplace(perdure::hash_key(r, seed), static_cast<node_index>(i));
            auto const map_ms = (thread_ns() - map_begin) / 1e6;
            auto const m = throughputs(s, count, ours, map);
            auto const md = dependents(s, count / 2, ours, map);
            print_row("ring, throughput" + label, m.ours, "ns", m.peer, "std::map", floor);
            print_row("ring, dependent" + label, md.ours, "ns", md.peer, "std::map", floor);
            if (thousand)
                goals.at_least("ring, N = 1000: std::map / ring", m.peer / m.ours, 25, "times");
            print_row("building" + label, built, "ms", map_ms, "std::map");
            print_row("memory of a node" + label,
                      static_cast<double>(ring.memory()) / static_cast<double>(n), "B",
                      (heap_bytes() - before) / static_cast<double>(n), "std::map");
        }
        print_row("building" + label, built, "ms", sorted_ms, "sorted vector");
        print_row("memory of a node" + label,
                  static_cast<double>(ring.memory()) / static_cast<double>(n), "B",
                  sorted_bytes / static_cast<double>(n), "sorted vector");
        auto const point_bytes =
            static_cast<double>(ring.memory()) / static_cast<double>(ring.points_count());
        print_row("memory of a point" + label, point_bytes, "B", sizeof(perdure::ring_point),
                  "sorted vector");

        perdure::hash_ring compact({.compact = true});
        compact.add_all(all);
        auto const c = throughput(s, count,
                                  [&](std::uint64_t h) { return compact.index_for(key_hash{h}); });
        auto const compact_bytes =
            static_cast<double>(compact.memory()) / static_cast<double>(compact.points_count());
        print_row("compact ring, throughput" + label, c, "ns", t.peer, "lower_bound", floor);
        print_row("compact ring, memory of a point" + label, compact_bytes, "B",
                  sizeof(perdure::ring_point), "sorted vector");

        auto const three_of = [&](std::uint64_t h) { return ring.indexes_for<3>(key_hash{h})[2]; };
        auto const three_alone = throughput(s, count, three_of);
        auto const three = throughputs(
            s, count, three_of, [&](std::uint64_t h) { return sorted.third(h); });
        print_row("three distinct owners" + label, three.ours, "ns", three.peer, "lower_bound",
                  floor);

        std::vector<key_hash> keys(4096);
        std::vector<node_index> out(keys.size());
        auto const batch = median_of(s, [&] {
            return batches_once(
                count, keys.size(),
                [&](hashes& next) {
                    for (auto& k : keys)
                        k.value = next();
                },
                [&] {
                    ring.indexes_for_batch(keys, out);
                    keep(out[7]);
                });
        });
        print_row("ring, batches of 4096" + label, batch, "ns");

        if (thousand) {
            bench_texts(s, ring, count, label, goals);
            goals.at_most("ring, N = 1000, at <= 24 B a point", alone, 5, "ns");
            goals.at_most("its memory of a point", point_bytes, 24, "B");
            goals.at_most("compact ring, N = 1000, at <= 16 B a point", c, 7, "ns");
            goals.at_most("its memory of a point", compact_bytes, 16, "B");
            goals.at_least("ring, N = 1000: lower_bound / ring", t.peer / t.ours, 14, "times");
            goals.at_most("three distinct owners", three_alone, 9, "ns");

            perdure::bounded_loads<perdure::hash_ring> loads(ring);
            peers::bounded plain{sorted, std::vector<std::uint64_t>(n)};
            auto const acquire = [&](std::uint64_t h) { return loads.acquire(key_hash{h}); };
            auto const b = throughputs(s, count, acquire, [&](std::uint64_t h) { return plain(h); });
            auto const both = in_turns(
                s, [&] { auto f = acquire; return throughput_once(count, f); },
                [&] { auto f = ours; return throughput_once(count, f); });
            print_row("bounded load 1.25" + label, b.ours, "ns", b.peer, "lower_bound, a walk",
                      both.peer);
            goals.at_most("bounded load 1.25 / plain lookup", both.ours / both.peer, 2, "times");
        }
        if (most) {
            auto const line = random_line_ns(s, ring.memory());
            print_row("reading a random line of as much memory" + label, line, "ns");
            goals.at_most("ring, N = 100 000", alone, 36, "ns");
            goals.at_least("ring, N = 100 000: lower_bound / ring", t.peer / t.ours, 13, "times");
            goals.at_most("ring, N = 100 000, a key in batches", batch, 20, "ns");
        }
    }
}

} // namespace ring_benchmark

#endif
