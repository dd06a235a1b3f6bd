// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_RING_CHANGES_HPP
#define PERDURE_BENCHMARKS_RING_CHANGES_HPP

// Updates, their publication, plans, and what including the header costs.

#include "peers.hpp"
#include "support.hpp"
#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/moved_ranges.hpp>
#include <perdure/ring/published.hpp>
#include <perdure/ring/slot_table.hpp>

#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace ring_benchmark {

inline void bench_changes(settings const& s, std::size_t n, bars& goals)
{
    auto const label = ", N = " + std::to_string(n);
    perdure::hash_ring ring;
    ring.add_all(nodes(n));
    perdure::published<perdure::hash_ring> current(ring);
    perdure::published<perdure::hash_ring>::reader reader(current);
    peers::sorted_ring sorted{ring.points()};
    peers::map_ring map;
    for (auto const& p : sorted.circle)
        map.tree.emplace(p.hash, p.node);
    std::vector<double> adding, publishing, merging, inserting;
    std::vector<std::vector<perdure::ring_point>> joins;
    int const rounds = s.smoke ? 3 : 400;
    for (int i = 0; i != rounds; ++i) {
        auto const name = "joins-" + std::to_string(i);
        auto const begin = thread_ns();
        auto const index = ring.add(name);
        auto const added = thread_ns();
        current.publish(ring);
        auto const done = thread_ns();
        reader.get();
        joins.emplace_back();
        for (auto const p : ring.points(index))
            joins.back().push_back({p, index});
        ring.remove(name);
        adding.push_back((added - begin) / 1000);
        publishing.push_back((done - added) / 1000);
    }
    for (auto const& points : joins) {
        auto copy = sorted;
        auto const merge_begin = thread_ns();
        copy.insert(points);
        auto const insert_begin = thread_ns();
        for (auto const& p : points)
            map.tree.emplace(p.hash, p.node);
        auto const inserted = thread_ns();
        for (auto const& p : points)
            map.tree.erase(p.hash);
        merging.push_back((insert_begin - merge_begin) / 1000);
        inserting.push_back((inserted - insert_begin) / 1000);
    }
    auto const most = [](std::vector<double> const& all) {
        return *std::max_element(all.begin(), all.end());
    };
    print_row("add one node, median" + label, median(adding), "us", median(merging), "sorted vector");
    print_row("add one node, median" + label, median(adding), "us", median(inserting), "std::map");
    print_row("add one node, largest of 400" + label, most(adding), "us", most(merging),
              "sorted vector");
    print_row("publish it to readers, median" + label, median(publishing), "us");
    print_row("publish it to readers, largest of 400" + label, most(publishing), "us");
    goals.at_most("add one node, median", median(adding), 40, "us");
    goals.at_most("add one node and publish it, median", median(adding) + median(publishing), 40,
                  "us");

    auto after = ring;
    after.add("joins");
    auto const ranges = median_of(s, [&] {
        auto const begin = thread_ns();
        auto const moves = perdure::moved_ranges(ring, after);
        keep(moves.size());
        return (thread_ns() - begin) / 1e6;
    });
    print_row("ranges that move, points: " + std::to_string(ring.points_count()), ranges, "ms");
    perdure::slot_table table({.slots = 65536});
    std::size_t const owners = s.smoke ? 5 : 100;
    for (auto const& node : nodes(owners))
        table.add(node.node);
    auto const slots = median_of(s, [&] {
        auto copy = table;
        auto const begin = thread_ns();
        auto const moves = copy.add("joins");
        keep(moves.size());
        return (thread_ns() - begin) / 1e3;
    });
    print_row("moves of 65 536 slots, N = " + std::to_string(owners), slots, "us");
    goals.at_most("plan for 65 536 slots", slots, 100, "us");
    goals.at_most("plan for the ranges of a 100 000-point ring", ranges, 10, "ms");
}

/// Processor time of the compiler for a file with these lines, in seconds.
inline double compile_seconds(std::string const& lines)
{
    namespace fs = std::filesystem;
    auto const file = fs::temp_directory_path() / ("perdure_include_" + std::to_string(getpid()) + ".cpp");
    std::ofstream(file) << lines;
    auto const command = std::string(PERDURE_BENCHMARK_COMPILER) + " -std=c++20 -O2 -I '" +
                         PERDURE_BENCHMARK_INCLUDE + "' -c -o /dev/null '" + file.string() + "'";
    auto const used = [] {
        rusage r;
        getrusage(RUSAGE_CHILDREN, &r);
        return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
               1e-6 * static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
    };
    auto const begin = used();
    bool const compiled = std::system(command.c_str()) == 0;
    fs::remove(file);
    return compiled ? used() - begin : 1e9;
}

inline void bench_include(settings const& s, bars& goals)
{
    if (s.smoke)
        return;
    settings five = s;
    five.repetitions = 5;
    auto const none = in_turns(
        five, [] { return compile_seconds("#include <perdure/ring/hash_ring.hpp>\n"
                                          "int owner(perdure::hash_ring const& r) {"
                                          " return static_cast<int>(r.index_for(\"k\")); }\n"); },
        [] { return compile_seconds("#include <vector>\n#include <string>\n"); });
    auto const whole = in_turns(
        five, [] { return compile_seconds("#include <perdure/ring.hpp>\n"); },
        [] { return compile_seconds("#include <vector>\n#include <string>\n"); });
    print_row("compiling hash_ring.hpp and a lookup", none.ours, "s", none.peer, "<vector>, <string>");
    print_row("compiling ring.hpp, all of it", whole.ours, "s", whole.peer, "<vector>, <string>");
    goals.at_most("hash_ring.hpp and a lookup, beyond <vector> and <string>", none.ours - none.peer,
                  0.5, "s");
    goals.at_most("ring.hpp, all of it, beyond <vector> and <string>", whole.ours - whole.peer, 0.5,
                  "s");
}

} // namespace ring_benchmark

#endif
