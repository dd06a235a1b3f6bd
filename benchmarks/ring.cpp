// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The consistent hashes in nanoseconds of processor time a lookup, the making of its key (the floor)
// included, one header of benchmarks/ring/ a section:
//
//   rings     the ring beside std::map and lower_bound, from 10 to 100 000 nodes; bounded loads
//   others    the other hashes, beside the algorithms as published
//   changes   joining, publishing, plans; what including the header costs
//
// Throughput: keys that do not depend on one another. Dependent: each key depends on the lookup
// before, so that it is the latency. Ours and the peer are measured in turns, medians of 21. At the
// end the goals of the project, and whether this run met them; those of zones are in the benchmark
// of placement. `--part rings` (others, changes, include) runs one section.

#include "ring/changes.hpp"
#include "ring/others.hpp"
#include "ring/rings.hpp"

int main(int argc, char** argv)
{
    using namespace ring_benchmark;
    auto const s = settings::from(argc, argv);
    std::size_t const count = s.smoke ? 1000 : 500000, n = s.smoke ? 20 : 1000;
    std::string part;
    for (int i = 1; i + 1 < argc; ++i)
        if (std::string(argv[i]) == "--part")
            part = argv[i + 1];
    auto const wanted = [&](char const* name) { return part.empty() || part == name; };
    bars goals;
    print_header();
    auto const floor = throughput(s, count, [](std::uint64_t h) { return h; });
    print_row("making a random 64-bit hash (floor)", floor, "ns");
    print_row("hash_key of an integer",
              throughput(s, count, [](std::uint64_t h) { return perdure::hash_key(h); }), "ns", 0,
              "", floor);
    print_row("hash_key of 16 bytes", throughput(s, count, [](std::uint64_t h) {
                  std::uint64_t const text[2] = {h, ~h};
                  return perdure::xxh3_64(text, 16);
              }),
              "ns", 0, "", floor);
    if (wanted("rings"))
        bench_rings(s, floor, goals);
    if (wanted("others"))
        bench_others(s, n, floor, goals);
    if (wanted("changes"))
        bench_changes(s, n, goals);
    if (wanted("include"))
        bench_include(s, goals);
    if (!s.smoke)
        goals.print();
}
