// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "placement/support.hpp"
#include <perdure/placement/loss.hpp>
#include <perdure/placement/time_to_loss.hpp>

#include <bit>
#include <cmath>
#include <set>

using namespace placement_test;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using perdure::loss_if_fail;
using perdure::placed_copysets;
using perdure::replica_ring;

namespace {

/// Over all sets of `failed` of the nodes that may own: how many lose a slot.
double naive_loss(placement_map const& map, std::size_t failed)
{
    std::vector<perdure::owner_index> nodes;
    for (auto i : map.indexes())
        if (perdure::may_own(map.node(i).state) || map.copies_on(i) != 0)
            nodes.push_back(i);
    std::size_t lost = 0, all = 0;
    for (std::uint32_t mask = 0; mask != 1u << nodes.size(); ++mask) {
        if (static_cast<std::size_t>(std::popcount(mask)) != failed)
            continue;
        ++all;
        std::set<perdure::owner_index> gone;
        for (std::size_t i = 0; i != nodes.size(); ++i)
            if (mask >> i & 1)
                gone.insert(nodes[i]);
        for (std::uint32_t s = 0; s != map.slots(); ++s) {
            auto const owners = map.owners(s);
            if (!owners.empty() && std::all_of(owners.begin(), owners.end(),
                                               [&](auto o) { return gone.contains(o); })) {
                ++lost;
                break;
            }
        }
    }
    return static_cast<double>(lost) / static_cast<double>(all);
}

} // namespace

TEST_CASE("loss_if_fail: exact is what going through all failures counts; samples agree",
          "[placement]")
{
    seed_range const seeds(120);
    int rare = 0, missed = 0, intervals = 0;
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto rules = random_rules(random);
        rules.slots = 2u << random.below(4);
        placement_map map(rules);
        for (std::uint32_t i = 0, n = 1 + random.below(12); i != n; ++i)
            map.join(random_node(random, "n" + std::to_string(i), 3));
        placed_copysets const placed(map);
        if (placed.nodes() == 0)
            continue;
        auto const failed = random.below(placed.nodes() + 1);
        auto const truth = naive_loss(map, failed);
        auto const exact = loss_if_fail(placed, failed);
        CHECK(exact.exact);
        REQUIRE_THAT(exact.probability, WithinAbs(truth, 1e-12));

        perdure::loss_options sampled;
        sampled.exact_steps = 0;
        sampled.samples = 2000;
        sampled.seed = seed;
        auto const e = loss_if_fail(placed, failed, sampled);
        if (e.exact)
            continue; // nothing can be lost
        ++intervals;
        missed += truth < e.low - 1e-12 || truth > e.high + 1e-12;
        rare += truth < 0.3;
        CHECK(e.probability >= e.low - 1e-12);
        CHECK(e.probability <= e.high + 1e-12);
        REQUIRE_THAT(e.probability, WithinAbs(truth, 0.06));
    }
    if (seeds.count > 100) {
        CHECK(rare > 2);
        INFO(missed << " of " << intervals << " intervals of 95 % miss the truth");
        CHECK(missed <= intervals / 8 + 1);
    }
}

// Section 3 of the paper: 5000 nodes, 50 of them fail, 3 copies.
TEST_CASE("loss_if_fail: the clusters of the copyset paper", "[placement]")
{
    placement_rules rules;
    rules.slots = 16384;
    rules.scatter_width = 2;
    placed_copysets const few(placement_map(rules, cluster(5000)));
    CHECK(few.count() == 1667);
    auto const e = loss_if_fail(few, 50);
    INFO(e.text());
    CHECK_FALSE(e.exact);
    CHECK_THAT(e.probability, WithinRel(0.00157, 0.01));
    CHECK(e.high - e.low < 0.02 * e.probability);

    rules.scatter_width = 0;
    placed_copysets const many(placement_map(rules, cluster(5000)));
    CHECK(many.count() > 16370);
    // Independent copysets: 1 - (1 - C(50,3)/C(5000,3))^sets.
    CHECK_THAT(loss_if_fail(many, 50).probability, WithinRel(0.01530, 0.02));
    CHECK(loss_if_fail(many, 2).probability == 0);
    // As much is lost on average.
    CHECK_THAT(loss_if_fail(few, 50).expected_share,
               WithinRel(loss_if_fail(many, 50).expected_share, 1e-9));
}

// J. Lynch, J. Snyder, Cassandra Availability with Virtual Nodes (2018): of the nodes of other racks
// (here zones), so many hold copies of what a node has.
TEST_CASE("placed_copysets: neighbours on a ring are as many as theory says", "[placement]")
{
    struct row {
        std::size_t nodes;
        std::uint32_t points;
        double published;
    };
    for (auto const& r : {row{60, 256, 39.9999999998}, row{60, 16, 32.0867407145},
                          row{60, 4, 13.3231932630}, row{300, 256, 198.8200470802},
                          row{300, 16, 54.8867183963}, row{300, 4, 15.4137752052}}) {
        CAPTURE(r.nodes, r.points);
        auto const others = static_cast<double>(r.nodes) * 2 / 3;
        // Two copies besides the own one, each point a neighbour on either side.
        CHECK_THAT(others * (1 - std::pow(1 - 1 / others, 2 * r.points * 2)),
                   WithinRel(r.published, 1e-11));
        placement_rules rules;
        rules.at_most_per_zone = 1;
        double sum = 0;
        for (rules.seed = 0; rules.seed != 8; ++rules.seed)
            sum += placed_copysets(replica_ring(cluster(r.nodes, 3), rules, {r.points, false}))
                       .mean_scatter_width();
        CHECK_THAT(sum / 8, WithinRel(r.published, 0.03));
    }
}

TEST_CASE("placed_copysets: points are copysets", "[placement]")
{
    // One point a node: as many copysets as nodes; three failures of 60 hit one with 60 / C(60, 3).
    replica_ring const ring(cluster(60), {}, {1, false});
    placed_copysets const placed(ring);
    CHECK(placed.count() == 60);
    CHECK_THAT(loss_if_fail(placed, 3).probability, WithinRel(60.0 / 34220, 1e-9));
    CHECK_THAT(placed.mean_scatter_width(), WithinAbs(4, 1e-9));
    CHECK(placed.max_scatter_width() == 4);
    double shares = 0;
    for (auto const& s : placed.sets())
        shares += s.share;
    CHECK_THAT(shares, WithinAbs(1, 1e-9));
    // 256 points: nearly everyone shares data with everyone (Lynch and Snyder 2018).
    placed_copysets const many(replica_ring(cluster(60), {}, {256, false}));
    CHECK(many.mean_scatter_width() > 58.9);
    CHECK(loss_if_fail(many, 3).probability > 0.25);

    CHECK_THROWS_AS(loss_if_fail(placed, 61), std::invalid_argument);
    perdure::loss_options bad;
    bad.samples = 0;
    CHECK_THROWS_AS(loss_if_fail(placed, 3, bad), std::invalid_argument);
    CHECK(loss_if_fail(placed_copysets(placement_map()), 0).probability == 0);
}

TEST_CASE("time_to_loss: as the availability part computes it", "[placement]")
{
    using perdure::availability::duration;
    using perdure::availability::rate;
    placed_copysets const placed(replica_ring(cluster(60), {}, {1, false}));
    perdure::node_failures f;
    f.of_node = rate::per(duration(4 * 365.25 * 86400));
    f.detection = duration(60);
    f.bytes_of_node = 4e12;
    f.bytes_per_second = 1e8;
    auto const r = time_to_loss(placed, f);
    CHECK_THAT(r.rebuild.count(), WithinRel(60 + 4e12 / 4e8, 1e-12));
    perdure::availability::data_group group;
    group.failures = f.of_node;
    group.rebuilds = rate::per(r.rebuild);
    CHECK_THAT(r.mean.value().count(),
               WithinRel(mean_time_to_loss(group).value().count() / 60, 1e-9));
    CHECK_THAT(r.within_a_year.value(),
               WithinRel(any_of(loss_within(group, duration(365.25 * 86400)), 60).value(), 1e-9));
    f.bytes_per_second = 0;
    CHECK_THROWS_AS(time_to_loss(placed, f), std::invalid_argument);
    f.bytes_per_second = 1;
    CHECK_THROWS_AS(time_to_loss(placed_copysets(placement_map()), f), std::invalid_argument);
}
