// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The table of docs/choosing_avoidance.md: ways to place the same data on the same nodes, and what
// each costs, moves and loses.
//
//   choosing_avoidance [nodes [zones [failed nodes]]]

#include <perdure/placement/load_report.hpp>
#include <perdure/placement/loss.hpp>
#include <perdure/placement/placement_diff.hpp>
#include <perdure/placement/range_plan.hpp>
#include <perdure/placement/replica_ring.hpp>
#include <perdure/placement/time_to_loss.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

using namespace perdure;

namespace {

struct question {
    std::size_t nodes = 60;
    std::size_t zones = 3;
    std::size_t failed = 3;
};

std::vector<cluster_node> cluster(question const& q)
{
    std::vector<cluster_node> all;
    for (std::size_t i = 0; i != q.nodes; ++i)
        all.push_back({.name = "node-" + std::to_string(i),
                       .zone = "zone-" + std::to_string(i % q.zones),
                       .rack = {},
                       .host = {},
                       .weight = 1,
                       .state = node_state::up});
    return all;
}

cluster_node const new_node{
    .name = "new", .zone = "zone-0", .rack = {}, .host = {}, .weight = 1, .state = node_state::up};

/// One node fails in four years and is noticed after 5 minutes; it holds 2 TB, of which each helper
/// copies 50 MB/s.
time_to_loss_report years(placed_copysets const& placed)
{
    node_failures f;
    f.of_node = availability::rate::per(availability::days(4 * 365.25));
    f.detection = availability::minutes(5);
    f.bytes_of_node = 2e12;
    f.bytes_per_second = 50e6;
    return time_to_loss(placed, f);
}

/// How many zones, whichever they are, may fail: every copyset has one more.
template <class Placement>
std::size_t zones_survived(placed_copysets const& placed, Placement const& placement)
{
    std::size_t least = ~std::size_t{0};
    for (auto const& s : placed.sets()) {
        std::set<std::uint32_t> zones;
        for (auto m : s.members)
            zones.insert(placement.zone_of(m));
        least = std::min(least, zones.size() - 1);
    }
    return least;
}

void row(std::string const& name, std::uint32_t copies, std::size_t zones, double peak,
         double moved, double least, placed_copysets const& placed, question const& q)
{
    auto const at_once = loss_if_fail(placed, q.failed);
    auto const year = years(placed);
    std::printf("| %s | %u | %zu | %.2f | %.2f %% | %.1f | %zu | %.0f | %s | %.1f min | %.2g |\n",
                name.c_str(), copies, zones, peak, 100 * moved, least == 0 ? 1 : moved / least,
                placed.count(), placed.mean_scatter_width(), at_once.text().c_str(),
                year.rebuild.count() / 60, year.within_a_year.value());
    std::fflush(stdout);
}

void with_map(std::string const& name, placement_rules rules, question const& q)
{
    rules.slots = 16384;
    placement_map const map(rules, cluster(q));
    auto joined = map;
    joined.join(new_node);
    auto const plan = plan_movement(map, joined);
    auto const wanted = static_cast<double>(plan.copies_wanted);
    placed_copysets const placed(map);
    row(name, rules.copies, zones_survived(placed, map), measure_load(map).copies.peak_to_average,
        static_cast<double>(plan.moves.size()) / wanted, static_cast<double>(plan.minimum) / wanted,
        placed, q);
}

void with_ring(std::string const& name, placement_rules const& rules, std::uint32_t points,
               question const& q)
{
    auto nodes = cluster(q);
    replica_ring const ring(nodes, rules, {points, true});
    nodes.push_back(new_node);
    auto const plan = plan_ranges(ring, replica_ring(nodes, rules, {points, true}));
    placed_copysets const placed(ring);
    std::vector<double> load(ring.size());
    for (auto const& s : placed.sets())
        for (auto m : s.members)
            load[m] += s.share;
    auto const peak = *std::max_element(load.begin(), load.end()) *
                      static_cast<double>(ring.size()) / rules.copies;
    row(name, rules.copies, zones_survived(placed, ring), peak, plan.moved / rules.copies,
        plan.minimum / rules.copies, placed, q);
}

std::size_t number(char const* text, std::size_t least, std::size_t most, char const* what)
{
    char* end = nullptr;
    auto const n = std::strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0' || n < least || n > most) {
        std::fprintf(stderr, "choosing_avoidance: %s is '%s'; it must be from %zu to %zu\n", what,
                     text, least, most);
        std::exit(2);
    }
    return static_cast<std::size_t>(n);
}

} // namespace

int main(int argc, char** argv)
{
    question q;
    if (argc > 1)
        q.nodes = number(argv[1], 6, 5000, "the number of nodes");
    if (argc > 2)
        q.zones = number(argv[2], 1, std::min<std::size_t>(q.nodes, 64), "the number of zones");
    if (argc > 3)
        q.failed = number(argv[3], 1, q.nodes, "the number of failed nodes");
    std::printf("%zu nodes in %zu zones; %zu fail at once\n\n", q.nodes, q.zones, q.failed);
    std::printf(
        "| placement | copies | zones it survives | peak / average | a join moves | "
        "times the least | copysets | scatter width | P(loss, %zu fail) | rebuild | P(loss, "
        "a year) |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
        q.failed);
    placement_rules one, free, zoned, two;
    one.copies = 1;
    two.copies = 2;
    two.at_most_per_zone = zoned.at_most_per_zone = 1;
    with_map("hashing, no replica", one, q);
    with_map("2 replicas, zones", two, q);
    with_map("3 replicas", free, q);
    with_map("3 replicas, zones", zoned, q);
    with_ring("ring, 256 points, zones", zoned, 256, q);
    with_ring("ring, 16 points, zones", zoned, 16, q);
    with_ring("ring, 1 point, zones", zoned, 1, q);
    for (std::uint32_t width : {12u, 6u, 2u}) {
        zoned.scatter_width = width;
        if (width < q.nodes)
            with_map("copysets, width " + std::to_string(width) + ", zones", zoned, q);
    }
}
