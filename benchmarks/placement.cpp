// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Owners of keys under limits in nanoseconds of processor time, beside the same walk over a sorted
// vector with std::lower_bound; plans; changes of a map. Each bar says whether it is met.

#include "support/bars.hpp"
#include "support/measure.hpp"
#include <perdure/placement/loss.hpp>
#include <perdure/placement/placement_codec.hpp>
#include <perdure/placement/placement_diff.hpp>
#include <perdure/placement/range_plan.hpp>
#include <perdure/placement/replica_ring.hpp>
#include <perdure/ring/hash_ring.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

using namespace benchmark;
using namespace perdure;

namespace {

/// Hashes that no predictor can learn: a multiplication each.
struct hashes {
    std::uint64_t state;
    std::uint64_t operator()()
    {
        state += 0x9E3779B97F4A7C15;
        return detail::high_product(state, state ^ 0xE7037ED1A0B428DB) ^
               state * (state ^ 0xE7037ED1A0B428DB);
    }
};

std::uint64_t fresh_seed()
{
    static std::uint64_t seed = 1000003;
    return seed += 7919;
}

template <class Lookup>
double throughput(settings const& s, std::size_t count, Lookup lookup)
{
    return time_each(s, count, [&](std::size_t n) {
        hashes next{fresh_seed()};
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i != n; ++i)
            sum += lookup(next());
        keep(sum);
    });
}
template <class Lookup>
double dependent(settings const& s, std::size_t count, Lookup lookup)
{
    return time_each(s, count, [&](std::size_t n) {
        hashes next{fresh_seed()};
        for (std::size_t i = 0; i != n; ++i)
            next.state += lookup(next());
        keep(next.state);
    });
}

/// Milliseconds of one run of `work`.
template <class Work>
double milliseconds(settings const& s, Work work)
{
    return time_each(s, 1, [&](std::size_t) { work(); }) / 1e6;
}

std::vector<cluster_node> nodes(std::size_t n, std::size_t zones)
{
    std::vector<cluster_node> all;
    for (std::size_t i = 0; i != n; ++i)
        all.push_back({.name = "node-" + std::to_string(i),
                       .zone = "zone-" + std::to_string(i % zones),
                       .rack = {},
                       .host = {},
                       .weight = 1,
                       .state = node_state::up});
    return all;
}

/// The peer: std::lower_bound on the sorted points, then a walk with the same limits.
struct searched_ring {
    std::vector<ring_point> points;
    std::vector<std::uint32_t> zones; // of each node; empty: only distinct nodes
    std::uint64_t operator()(std::uint64_t hash) const
    {
        auto i = std::lower_bound(points.begin(), points.end(), hash,
                                  [](auto const& p, std::uint64_t h) { return p.hash < h; });
        std::uint32_t found[3];
        std::size_t k = 0;
        std::uint64_t sum = 0;
        while (k != 3) {
            if (i == points.end())
                i = points.begin();
            auto const what = zones.empty() ? i->node : zones[i->node];
            if (std::find(found, found + k, what) == found + k) {
                found[k++] = what;
                sum += i->node;
            }
            ++i;
        }
        return sum;
    }
};

struct figures {
    double links = 0, walk = 0;
};

figures owners(settings const& s, std::size_t n, std::size_t zones, double floor)
{
    std::size_t const count = s.smoke ? 1000 : 200000;
    auto const cluster = nodes(n, zones);
    placement_rules rules;
    rules.at_most_per_zone = zones == 1 ? 0 : 1;
    replica_ring const linked(cluster, rules, {100, true}), walked(cluster, rules, {100, false});
    hash_ring ring;
    for (auto const& c : cluster)
        ring.add(c.name);
    searched_ring peer{ring.points(), {}};
    if (zones != 1)
        for (node_index i = 0; i != n; ++i)
            peer.zones.push_back(static_cast<std::uint32_t>(i % zones));
    auto const look = [](replica_ring const& r) {
        return [&r](std::uint64_t h) {
            std::array<owner_index, 3> out{};
            r.owners_for(key_hash{h}, out);
            return std::uint64_t{out[0]} + out[1] + out[2];
        };
    };
    auto const label = (zones == 1 ? std::string("three distinct owners")
                                   : "three of " + std::to_string(zones) + " zones") +
                       ", N = " + std::to_string(n);
    figures f;
    f.links = throughput(s, count, look(linked));
    auto const searched = throughput(s, count / 2, peer);
    f.walk = throughput(s, count, look(walked));
    print_row(label + ", links", f.links, "ns", searched, "lower_bound", floor);
    print_row(label + ", walk", f.walk, "ns", searched, "lower_bound", floor);
    print_row(label + ", links, dependent", dependent(s, count / 2, look(linked)), "ns",
              dependent(s, count / 2, peer), "lower_bound", floor);
    if (zones == 1) {
        print_row(label + ", hash_ring::indexes_for",
                  throughput(s, count,
                             [&](std::uint64_t h) {
                                 auto const l = ring.indexes_for<3>(key_hash{h});
                                 return std::uint64_t{l[0]} + l[1] + l[2];
                             }),
                  "ns", searched, "lower_bound", floor);
        auto const points = static_cast<double>(linked.points_count());
        print_row(label + ", memory of a point, links",
                  static_cast<double>(linked.memory()) / points, "B", sizeof(ring_point),
                  "sorted vector");
        print_row(label + ", memory of a point, walk",
                  static_cast<double>(walked.memory()) / points, "B", sizeof(ring_point),
                  "sorted vector");
    }
    return f;
}

void maps(settings const& s, double floor, bars& goals)
{
    std::uint32_t const slots = s.smoke ? 1024 : 65536;
    placement_rules rules;
    rules.slots = slots;
    rules.at_most_per_zone = 1;
    double plan_us = 0;
    for (std::size_t n : {100u, 1000u}) {
        auto const label = ", " + std::to_string(slots) + " slots, N = " + std::to_string(n);
        auto const cluster = nodes(n, 5);
        placement_map const map(rules, cluster);
        auto joined = map;
        joined.join({.name = "new", .zone = "zone-1", .rack = {}, .host = {}, .weight = 1});
        auto failed = map;
        failed.set_state("node-7", node_state::down);
        auto const numbered =
            placement_map(joined.spec()); // the same map, nodes numbered otherwise

        if (n == 100)
            print_row("owners of a key in a map" + label,
                      throughput(s, s.smoke ? 1000 : 200000,
                                 [&](std::uint64_t h) {
                                     auto const o = map.owners(map.slot_of(key_hash{h}));
                                     return std::uint64_t{o[0]} + o[1] + o[2];
                                 }),
                      "ns", 0, "", floor);
        std::uint64_t differ = 0;
        auto const scan = 1000 * milliseconds(s, [&] {
                              auto const a = map.table(), b = joined.table();
                              for (std::size_t i = 0; i != a.size(); i += 4) {
                                  std::uint64_t x, y;
                                  std::memcpy(&x, &a[i], 8);
                                  std::memcpy(&y, &b[i], 8);
                                  differ += x != y;
                              }
                              keep(differ);
                          });
        auto const plan = [&](placement_map const& to) {
            return 1000 * milliseconds(s, [&] { keep(plan_movement(map, to).moves.size()); });
        };
        auto const join = plan(joined);
        print_row("plan of a join" + label, join, "us", 0, "", scan);
        print_row("plan of a failure" + label, plan(failed), "us", 0, "", scan);
        print_row("plan of a join, nodes numbered otherwise" + label, plan(numbered), "us", 0, "",
                  scan);
        print_row("copies moved by a join" + label,
                  static_cast<double>(plan_movement(map, joined).moves.size()), "",
                  static_cast<double>(plan_movement(map, joined).minimum), "least");
        print_row(
            "making the map of a join" + label,
            milliseconds(
                s,
                [&] {
                    auto m = map;
                    m.join({.name = "new", .zone = "zone-1", .rack = {}, .host = {}, .weight = 1});
                    keep(m.size());
                }),
            "ms");
        print_row("making the map of a failure" + label,
                  milliseconds(s,
                               [&] {
                                   auto m = map;
                                   m.set_state("node-7", node_state::down);
                                   keep(m.size());
                               }),
                  "ms");
        if (n == 100) {
            plan_us = join;
            print_row("making the map from nothing" + label,
                      milliseconds(s, [&] { keep(placement_map(rules, cluster).size()); }), "ms");
            auto const spec = map.spec();
            print_row("bytes of the map" + label,
                      static_cast<double>(encode_placement(spec).size()), "B");
        }
    }
    goals.at_most("plan for 65 536 slots, N = 100", plan_us, 100, "us");
}

void ranges(settings const& s, bars& goals)
{
    auto cluster = nodes(s.smoke ? 20 : 1000, 5);
    placement_rules rules;
    rules.at_most_per_zone = 1;
    replica_ring const before(cluster, rules);
    cluster.push_back({.name = "new", .zone = "zone-1", .rack = {}, .host = {}, .weight = 1});
    replica_ring const after(cluster, rules);
    auto const label = ", " + std::to_string(before.points_count()) + " points";
    print_row("making the ring" + label,
              milliseconds(s, [&] { keep(replica_ring(cluster, rules).points_count()); }), "ms");
    auto const plan =
        milliseconds(s, [&] { keep(plan_ranges(before, after, 1e12).ranges.size()); });
    print_row("plan of the ranges of a join" + label, plan, "ms");
    goals.at_most("plan for the ranges of a 100 000-point ring", plan, 10, "ms");
}

} // namespace

int main(int argc, char** argv)
{
    auto const s = settings::from(argc, argv);
    std::size_t const count = s.smoke ? 1000 : 200000;
    bars goals;
    print_header();
    auto const floor = throughput(s, count, [](std::uint64_t h) { return h; });
    std::printf("| making a hash (floor) | %.3g ns | - | - | - |\n", floor);
    for (std::size_t n : {10u, 100u, 1000u, 10000u}) {
        if (s.smoke && n > 100)
            break;
        auto const distinct = owners(s, n, 1, floor);
        auto const ten = owners(s, n, 10, floor);
        auto const three = owners(s, n, 3, floor);
        if (n == 1000) {
            goals.at_most("three distinct owners", distinct.links, 9, "ns");
            goals.at_most("three of ten zones", ten.links, 15, "ns");
            goals.at_most("three of three zones, with links", three.links, 20, "ns");
            goals.at_most("three of three zones, without links", three.walk, 32, "ns");
        }
    }
    maps(s, floor, goals);
    ranges(s, goals);
    if (!s.smoke)
        goals.print();
}
