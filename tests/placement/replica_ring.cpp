// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "placement/support.hpp"
#include <perdure/placement/range_plan.hpp>
#include <perdure/placement/replica_ring.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

using namespace placement_test;
using perdure::key_hash;
using perdure::owner_index;
using perdure::replica_ring;

namespace {

std::vector<std::string> owners(replica_ring const& ring, std::uint64_t hash)
{
    std::array<owner_index, 16> out;
    std::vector<std::string> all;
    for (auto o : ring.owners_for(key_hash{hash}, out))
        all.push_back(ring.node(o).name);
    return all;
}

/// By the definition: the nodes of a hash_ring in the key's order, each taken if it fits the wanted
/// limits; then, while copies are missing, with limits one wider; listed in the key's order.
std::vector<std::string> naive_owners(perdure::hash_ring const& ring,
                                      std::map<std::string, cluster_node> const& nodes,
                                      placement_rules const& rules,
                                      perdure::placement_limits const& limits, std::uint64_t hash)
{
    auto const limit = [&](std::uint32_t l) {
        return l == 0 ? rules.copies : std::min(l, rules.copies);
    };
    std::map<std::string, unsigned> zone, rack, host;
    std::set<std::string> chosen;
    for (std::uint32_t wider = 0; wider != 17; ++wider)
        for (auto const& name : ring.ranked(key_hash{hash})) {
            auto const& n = nodes.at(name);
            auto const r = n.zone + "/" + n.rack;
            auto const h = r + "/" + (n.host.empty() ? "node:" + name : "host:" + n.host);
            if (chosen.size() < limits.copies && !chosen.contains(name) &&
                zone[n.zone] < std::min(limit(rules.at_most_per_zone) + wider, limits.per_zone) &&
                rack[r] < std::min(limit(rules.at_most_per_rack) + wider, limits.per_rack) &&
                host[h] < std::min(limit(rules.at_most_per_host) + wider, limits.per_host)) {
                chosen.insert(name);
                ++zone[n.zone];
                ++rack[r];
                ++host[h];
            }
        }
    std::vector<std::string> in_order;
    for (auto const& name : ring.ranked(key_hash{hash}))
        if (chosen.contains(name))
            in_order.push_back(name);
    return in_order;
}

} // namespace

TEST_CASE("replica_ring: owners are the first on the hash ring that fit, with and without links",
          "[placement]")
{
    seed_range const seeds(120);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto const rules = random_rules(random);
        std::map<std::string, cluster_node> nodes;
        std::vector<cluster_node> list;
        std::uint32_t const points = 1 + random.below(20);
        perdure::hash_ring ring({.points_per_weight = points}, perdure::key_hasher{rules.seed});
        for (std::uint32_t i = 0, n = random.below(20), zones = 1 + random.below(5); i != n; ++i) {
            auto const node = random_node(random, "n" + std::to_string(i), zones);
            nodes[node.name] = node;
            list.push_back(node);
            if (perdure::may_own(node.state))
                ring.add(node.name, node.weight);
        }
        replica_ring const linked(list, rules, {points, true});
        replica_ring const walked(list, rules, {points, false});
        CHECK(linked.points_count() == ring.points_count());
        CHECK(linked.limits() == placement_map(rules, list).limits());
        std::vector<std::uint64_t> hashes{0, ~std::uint64_t{0}};
        for (int i = 0; i != 100; ++i)
            hashes.push_back(random());
        for (std::size_t p = 0; p < linked.points_count(); p += 1 + random.below(8))
            for (std::uint64_t near = 0; near != 3; ++near)
                hashes.push_back(linked.point(p) - 1 + near);
        for (auto h : hashes) {
            auto const expected = naive_owners(ring, nodes, rules, linked.limits(), h);
            if (owners(linked, h) == expected && owners(walked, h) == expected)
                continue; // an assertion costs more than the lookups
            CAPTURE(h);
            REQUIRE(owners(linked, h) == expected);
            REQUIRE(owners(walked, h) == expected);
        }
    }
}

TEST_CASE("replica_ring: large, crowded lines, and the hash_ring's owner first", "[placement]")
{
    auto const nodes = cluster(300, 5);
    placement_rules rules;
    rules.at_most_per_zone = 1;
    replica_ring const linked(nodes, rules, {100, true}), walked(nodes, rules, {100, false});
    perdure::hash_ring ring;
    for (auto const& n : nodes)
        ring.add(n.name);
    generator random(1);
    std::array<owner_index, 16> a, b;
    for (int i = 0; i != 300000; ++i) {
        auto const h = random();
        auto const x = linked.owners_for(key_hash{h}, a);
        auto const y = walked.owners_for(key_hash{h}, b);
        REQUIRE(std::equal(x.begin(), x.end(), y.begin(), y.end()));
        REQUIRE(linked.node(x[0]).name == ring.node_for(key_hash{h}));
    }
    // Less room than copies.
    CHECK(linked.owners_for("key", std::span(a).first(2)).size() == 2);
    CHECK(linked.owners_for("key", std::span(a).first(0)).empty());
    auto const two = linked.owners_for("key", std::span(a).first(2));
    auto const all = linked.owners_for("key", b);
    CHECK(std::equal(two.begin(), two.end(), all.begin()));
    CHECK(replica_ring({}, rules).owners_for("key", a).empty());
    CHECK(linked.index_of("node-7") != perdure::no_node);
    CHECK(linked.index_of("node-") == perdure::no_node);
}

TEST_CASE("plan_ranges: what owners of keys before and after say", "[placement]")
{
    seed_range const seeds(100);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto rules = random_rules(random);
        std::vector<cluster_node> nodes;
        for (std::uint32_t i = 0, n = random.below(12); i != n; ++i)
            nodes.push_back(random_node(random, "n" + std::to_string(i), 3));
        std::uint32_t const points = 1 + random.below(20);
        replica_ring const before(nodes, rules, {points, random.below(2) == 0});
        auto changed = nodes;
        for (auto n = random.below(4); n != 0 && !changed.empty(); --n) {
            auto const i = random.below(changed.size());
            if (auto const what = random.below(3); what == 0)
                changed.erase(changed.begin() + i);
            else if (what == 1)
                changed[i].state = static_cast<node_state>(random.below(4));
            else
                changed.push_back(random_node(random, "new" + std::to_string(n), 3));
        }
        replica_ring const after(changed, rules, {points, random.below(2) == 0});
        auto const plan = plan_ranges(before, after, 1e9);
        REQUIRE(plan.plan.slots == plan.ranges.size());
        std::vector<std::uint64_t> hashes{0, ~std::uint64_t{0}};
        for (auto const& r : plan.ranges)
            for (auto h : {r.first - 1, r.first, r.last, r.last + 1})
                hashes.push_back(h);
        for (int i = 0; i != 50; ++i)
            hashes.push_back(random());
        double moved = 0;
        auto all = plan.plan.moves;
        all.insert(all.end(), plan.plan.lost.begin(), plan.plan.lost.end());
        for (auto const& m : plan.plan.moves)
            moved += (static_cast<double>(plan.ranges[m.slot].last - plan.ranges[m.slot].first)) /
                     18446744073709551616.0;
        CHECK_THAT(plan.moved, Catch::Matchers::WithinAbs(moved, 1e-9));
        std::map<std::size_t, std::set<std::string>> gains;
        for (auto const& m : all)
            REQUIRE(gains[m.slot].insert(plan.plan.nodes[m.to].name).second);
        for (auto h : hashes) {
            auto const was = owners(before, h);
            std::set<std::string> gained;
            for (auto const& n : owners(after, h))
                if (std::find(was.begin(), was.end(), n) == was.end())
                    gained.insert(n);
            std::set<std::string> planned;
            for (std::size_t r = 0; r != plan.ranges.size(); ++r)
                if (plan.ranges[r].first <= h && h <= plan.ranges[r].last)
                    planned.insert(gains[r].begin(), gains[r].end());
            CAPTURE(h);
            REQUIRE(planned == gained);
        }
    }
}

TEST_CASE("plan_ranges: a join moves the new node's share", "[placement]")
{
    auto nodes = cluster(30, 3);
    placement_rules rules;
    rules.at_most_per_zone = 1;
    replica_ring const before(nodes, rules);
    nodes.push_back({.name = "new", .zone = "zone-1", .rack = {}, .host = {}, .weight = 1});
    replica_ring const after(nodes, rules);
    auto const plan = plan_ranges(before, after, 1e12);
    CHECK_THAT(plan.moved, Catch::Matchers::WithinAbs(plan.minimum, 1e-9));
    CHECK_THAT(plan.moved, Catch::Matchers::WithinAbs(3.0 / 31, 0.03));
    CHECK_THAT(static_cast<double>(plan.plan.bytes),
               Catch::Matchers::WithinRel(1e12 * plan.moved, 1e-6));
    for (auto const& m : plan.plan.moves)
        CHECK(plan.plan.nodes[m.to].name == "new");
    CHECK(plan.text().find("in " + std::to_string(plan.ranges.size()) + " ranges") !=
          std::string::npos);
    CHECK(plan_ranges(before, before).ranges.empty());

    rules.seed = 1;
    CHECK_THROWS_AS(plan_ranges(before, replica_ring(nodes, rules)), std::invalid_argument);
    CHECK_THROWS_AS(plan_ranges(before, after, -1), std::invalid_argument);
    CHECK_THROWS_AS(plan_ranges(before, after, std::numeric_limits<double>::quiet_NaN()),
                    std::invalid_argument);
    CHECK_THROWS_AS(replica_ring(nodes, rules, {0, true}), std::invalid_argument);
    nodes.push_back(nodes[0]);
    CHECK_THROWS_AS(replica_ring(nodes, rules), std::invalid_argument);
}
