// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "placement/support.hpp"
#include <perdure/placement/survival.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

using namespace placement_test;
using perdure::node_index;

namespace {

/// Owners by the definition: all nodes by their times, each taken if it fits the limits.
std::vector<std::string> naive_owners(std::vector<cluster_node> const& nodes,
                                      placement_rules const& rules,
                                      perdure::placement_limits const& limits, std::uint32_t slot)
{
    std::vector<std::tuple<double, std::string, cluster_node const*>> order;
    for (auto const& n : nodes)
        if (n.state == node_state::up || n.state == node_state::joining)
            order.push_back({static_cast<double>(perdure::detail::draw(perdure::hash_key(
                                 std::uint64_t{slot}, perdure::hash_key(n.name, rules.seed)))) /
                                 n.weight,
                             n.name, &n});
    std::sort(order.begin(), order.end());
    std::map<std::string, unsigned> zone, rack, host;
    std::set<std::string> owners;
    auto const limit = [&](std::uint32_t l) {
        return l == 0 ? rules.copies : std::min(l, rules.copies);
    };
    // Within the rules' limits first; then what is missing, with limits one wider, and so on.
    for (std::uint32_t wider = 0; wider != 17; ++wider)
        for (auto const& [time, name, n] : order) {
            auto const r = n->zone + "/" + n->rack;
            auto const h = r + "/" + (n->host.empty() ? "node:" + name : "host:" + n->host);
            if (owners.size() < limits.copies && !owners.contains(name) &&
                zone[n->zone] < std::min(limit(rules.at_most_per_zone) + wider, limits.per_zone) &&
                rack[r] < std::min(limit(rules.at_most_per_rack) + wider, limits.per_rack) &&
                host[h] < std::min(limit(rules.at_most_per_host) + wider, limits.per_host)) {
                owners.insert(name);
                ++zone[n->zone];
                ++rack[r];
                ++host[h];
            }
        }
    std::vector<std::string> in_order;
    for (auto const& [time, name, n] : order)
        if (owners.contains(name))
            in_order.push_back(name);
    return in_order;
}

std::vector<std::vector<std::string>> all_owners(placement_map const& map)
{
    std::vector<std::vector<std::string>> all;
    for (std::uint32_t s = 0; s != map.slots(); ++s)
        all.push_back(names(map, s));
    return all;
}

std::size_t gained(std::vector<std::string> const& before, std::vector<std::string> const& after)
{
    return static_cast<std::size_t>(std::count_if(after.begin(), after.end(), [&](auto const& n) {
        return std::find(before.begin(), before.end(), n) == before.end();
    }));
}

} // namespace

TEST_CASE("placement_map: a slot's owners are the earliest that fit the limits", "[placement]")
{
    seed_range const seeds(150);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto const rules = random_rules(random);
        std::vector<cluster_node> nodes;
        for (std::uint32_t i = 0, n = random.below(25), zones = 1 + random.below(5); i != n; ++i)
            nodes.push_back(random_node(random, "n" + std::to_string(i), zones));
        placement_map const map(rules, nodes);
        for (std::uint32_t s = 0; s != map.slots(); ++s)
            REQUIRE(names(map, s) == naive_owners(nodes, rules, map.limits(), s));
    }
}

TEST_CASE("placement_map: no history, and what moves is only what must", "[placement]")
{
    seed_range const seeds(60);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto rules = random_rules(random);
        if (random.below(4) == 0 && rules.copies > 1)
            rules.scatter_width = rules.copies - 1 + random.below(8);
        placement_map map(rules);
        std::map<std::string, cluster_node> nodes;
        for (int step = 0; step != 40; ++step) {
            auto const before = all_owners(map);
            auto const limits = map.limits();
            auto const epoch = map.epoch();
            auto const name = "n" + std::to_string(random.below(20));
            bool gives = false, takes = false;
            auto const may = [](node_state s) {
                return s == node_state::up || s == node_state::joining;
            };
            if (!nodes.contains(name)) {
                nodes[name] = random_node(random, name, 4);
                map.join(nodes[name]);
                takes = may(nodes[name].state);
            } else if (auto const what = random.below(3); what == 0) {
                gives = may(nodes[name].state);
                nodes.erase(name);
                CHECK(map.leave(name));
            } else if (what == 1) {
                auto const weight = (1 + random.below(64)) / 8.0;
                gives = weight < nodes[name].weight;
                takes = weight > nodes[name].weight;
                nodes[name].weight = weight;
                CHECK(map.set_weight(name, weight));
            } else {
                auto const state = static_cast<node_state>(random.below(4));
                gives = may(nodes[name].state) && !may(state);
                takes = !may(nodes[name].state) && may(state);
                nodes[name].state = state;
                CHECK(map.set_state(name, state));
            }
            CHECK(map.epoch() == epoch + 1);

            // The same nodes at once, in another order, give the same map.
            std::vector<cluster_node> shuffled;
            for (auto const& [n, node] : nodes)
                shuffled.insert(shuffled.begin() + random.below(shuffled.size() + 1), node);
            placement_map const fresh(rules, shuffled);
            REQUIRE(all_owners(map) == all_owners(fresh));
            CHECK(map.fingerprint() == fresh.fingerprint());
            CHECK(map.limits() == fresh.limits());
            auto spec = fresh.spec();
            spec.epoch = map.epoch();
            CHECK(map.spec() == spec);

            // Distinct owners, within the limits, on nodes that may own; counted right.
            std::map<std::string, std::uint32_t> copies;
            std::size_t twice = 0, may_not = 0, beyond = 0, short_of = 0; // an assertion each is slow
            for (std::uint32_t s = 0; s != map.slots(); ++s) {
                std::map<std::uint32_t, unsigned> zone, rack, host;
                std::set<std::string> distinct;
                for (auto o : map.owners(s)) {
                    auto const& n = map.node(o);
                    twice += !distinct.insert(n.name).second;
                    may_not += !may(n.state);
                    beyond += ++zone[map.zone_of(o)] > map.limits().per_zone;
                    beyond += ++rack[map.rack_of(o)] > map.limits().per_rack;
                    beyond += ++host[map.host_of(o)] > map.limits().per_host;
                    ++copies[n.name];
                }
                short_of += distinct.size() != map.limits().copies;
            }
            CHECK(twice == 0);
            CHECK(may_not == 0);
            CHECK(beyond == 0);
            CHECK(short_of == 0);
            for (auto i : map.indexes())
                CHECK(map.copies_on(i) == copies[map.node(i).name]);

            if (rules.scatter_width != 0 || !(map.limits() == limits))
                continue;
            std::size_t several = 0, given_up = 0, between_others = 0;
            for (std::uint32_t s = 0; s != map.slots(); ++s) {
                auto const now = names(map, s);
                auto const count = gained(before[s], now);
                several += count > 1;
                if (count == 0) {
                    given_up += gained(now, before[s]) != 0;
                    continue;
                }
                bool const had = std::count(before[s].begin(), before[s].end(), name) != 0;
                bool const has = std::count(now.begin(), now.end(), name) != 0;
                between_others += !(takes ? !had && has : gives && had && !has);
            }
            REQUIRE(several == 0);
            REQUIRE(given_up == 0);
            REQUIRE(between_others == 0);
        }
    }
}

TEST_CASE("placement_map: copies are in proportion to weights", "[placement]")
{
    auto nodes = cluster(20);
    for (std::size_t i = 0; i != nodes.size(); ++i)
        nodes[i].weight = i < 10 ? 1 : i < 15 ? 2 : 0.37;
    placement_rules rules;
    rules.copies = 1;
    rules.slots = 65536;
    placement_map const map(rules, nodes);
    double total = 0;
    for (auto const& n : nodes)
        total += n.weight;
    for (auto i : map.indexes()) {
        double const expected = 65536 * map.node(i).weight / total;
        INFO(map.node(i).name << ": " << map.copies_on(i) << " of " << expected);
        CHECK(std::abs(map.copies_on(i) - expected) < 5 * std::sqrt(expected));
    }
}

TEST_CASE("placement_map: limits give way from the widest to the narrowest", "[placement]")
{
    placement_rules rules;
    rules.copies = 3;
    rules.at_most_per_zone = 1;
    rules.at_most_per_rack = 1;
    rules.slots = 256;
    auto const limits = [&](std::vector<cluster_node> const& nodes) {
        auto const l = placement_map(rules, nodes).limits();
        return std::vector{l.copies, l.per_zone, l.per_rack, l.per_host};
    };
    CHECK(limits(cluster(9, 3, 3)) == std::vector<std::uint32_t>{3, 1, 1, 1});
    CHECK(limits(cluster(8, 2, 2)) == std::vector<std::uint32_t>{3, 2, 1, 1});
    CHECK(limits(cluster(8, 2, 1)) == std::vector<std::uint32_t>{3, 2, 2, 1});
    CHECK(limits(cluster(4, 1, 1)) == std::vector<std::uint32_t>{3, 3, 3, 1});
    auto one_host = cluster(4, 1, 1);
    for (auto& n : one_host)
        n.host = "h";
    CHECK(limits(one_host) == std::vector<std::uint32_t>{3, 3, 3, 3});
    CHECK(limits(cluster(2, 2, 1)) == std::vector<std::uint32_t>{2, 1, 1, 1});
    CHECK(limits({}) == std::vector<std::uint32_t>{0, 1, 1, 1});

    rules.shortage = perdure::when_short::fewer_copies;
    CHECK(limits(cluster(8, 2, 2)) == std::vector<std::uint32_t>{2, 1, 1, 1});
    CHECK(placement_map(rules).owners(7).empty());
}

// BlockPlacementPolicyDefault of Apache Hadoop never puts more than (copies - 1) / racks + 2 copies
// into one rack, one less if that is all of them. As a rule here it is kept without giving way.
TEST_CASE("placement_map: HDFS's most copies per rack can be kept, and spread further",
          "[placement]")
{
    struct row {
        std::uint32_t copies;
        std::size_t racks;
        std::uint32_t most;
    };
    for (auto const& [copies, racks, most] : {row{3, 2, 2}, row{3, 3, 2}, row{10, 3, 5}}) {
        INFO(copies << " copies, " << racks << " racks");
        auto const hdfs = static_cast<std::uint32_t>((copies - 1) / racks + 2);
        REQUIRE((hdfs == copies ? hdfs - 1 : hdfs) == most);
        placement_rules rules;
        rules.copies = copies;
        rules.at_most_per_rack = most;
        rules.slots = 1024;
        placement_map const map(rules, cluster(8 * racks, 1, racks));
        CHECK(map.limits().copies == copies);
        CHECK(map.limits().per_rack == most);
        std::uint32_t fullest = 0;
        std::size_t fewest_racks = racks;
        for (std::uint32_t s = 0; s != map.slots(); ++s) {
            std::map<std::string, std::uint32_t> in_rack;
            for (auto o : map.owners(s))
                fullest = std::max(fullest, ++in_rack[map.node(o).rack]);
            fewest_racks = std::min(fewest_racks, in_rack.size());
        }
        CHECK(fullest == most);
        CHECK(fewest_racks == (copies + most - 1) / most);
    }
}

// racks {2, 4, 8} of nodes {128, 256, 512} with {2, 6, 6} copies: the racks that
// NetworkTopologyStrategyTest.testLargeCluster of Apache Cassandra finds in use.
TEST_CASE("placement_map: copies per rack as in Cassandra's large cluster", "[placement]")
{
    struct row {
        std::size_t racks, nodes;
        std::uint32_t copies;
        std::size_t racks_used;
    };
    for (auto const& r : {row{2, 128, 2, 2}, row{4, 256, 6, 4}, row{8, 512, 6, 6}}) {
        placement_rules rules;
        rules.copies = r.copies;
        rules.at_most_per_rack = 1;
        rules.slots = 512;
        placement_map const map(rules, cluster(r.nodes, 1, r.racks));
        for (std::uint32_t s = 0; s != map.slots(); ++s) {
            std::set<std::uint32_t> racks;
            for (auto o : map.owners(s))
                racks.insert(map.rack_of(o));
            CHECK(racks.size() == r.racks_used);
            CHECK(map.owners(s).size() == r.copies);
        }
    }
}

TEST_CASE("placement_map: a scatter width bounds with whom a node shares data", "[placement]")
{
    for (std::size_t zones : {1u, 3u, 5u})
        for (std::uint32_t width : {2u, 4u, 6u, 12u}) {
            placement_rules rules;
            rules.at_most_per_zone = zones == 1 ? 0 : 1;
            rules.scatter_width = width;
            rules.slots = 4096;
            placement_map const map(rules, cluster(60, zones));
            std::map<perdure::owner_index, std::set<perdure::owner_index>> others;
            std::set<std::set<perdure::owner_index>> sets;
            for (std::uint32_t s = 0; s != map.slots(); ++s) {
                auto const owners = map.owners(s);
                sets.insert({owners.begin(), owners.end()});
                for (auto a : owners)
                    for (auto b : owners)
                        if (a != b)
                            others[a].insert(b);
            }
            CAPTURE(zones, width);
            CHECK(sets.size() == 60 * (width / 2) / 3);
            CHECK(others.size() == 60);
            std::size_t beyond = 0;
            for (auto const& [node, with] : others)
                beyond += with.size() > width;
            CHECK(beyond <= 2);
        }
}

TEST_CASE("placement_map: pinned slots", "[placement]")
{
    placement_rules rules;
    rules.slots = 256;
    placement_map map(rules, cluster(8, 4));
    auto const before = map;
    map.pin(7, {"node-1", "node-0"});
    CHECK(names(map, 7) == std::vector<std::string>{"node-1", "node-0"});
    CHECK(map.pinned(7));
    CHECK(map.epoch() == before.epoch() + 1);
    map.join({.name = "new", .zone = {}, .rack = {}, .host = {}, .weight = 5});
    CHECK(names(map, 7) == std::vector<std::string>{"node-1", "node-0"});
    CHECK(map.leave("node-1"));
    CHECK(names(map, 7) == std::vector<std::string>{"node-0"});
    CHECK(map.leave("node-0"));
    CHECK_FALSE(map.pinned(7));
    CHECK(map.leave("new"));
    map.join(before.node(before.index_of("node-1")));
    map.join(before.node(before.index_of("node-0")));
    CHECK(map.fingerprint() == before.fingerprint());
    CHECK_FALSE(map.unpin(7));

    // A node that is down and owns a slot only because it is pinned: the rules decide once it is gone.
    auto down = before;
    down.set_state("node-3", node_state::down);
    auto const by_rules = names(down, 9);
    down.pin(9, {"node-3"});
    CHECK(down.leave("node-3"));
    CHECK_FALSE(down.pinned(9));
    CHECK(names(down, 9) == by_rules);

    // Hold the data where they are while a node joins; let go slot by slot.
    auto next = before;
    next.join({.name = "new", .zone = "zone-0", .rack = {}, .host = {}, .weight = 1});
    auto held = next;
    held.hold(before);
    CHECK(held.pinned_count() == next.copies_on(next.index_of("new")));
    for (std::uint32_t s = 0; s != 256; ++s) {
        CHECK(names(held, s) == names(before, s));
        held.unpin(s);
    }
    CHECK(held.fingerprint() == next.fingerprint());
}

TEST_CASE("placement_map: survives is verified", "[placement]")
{
    placement_rules rules;
    rules.at_most_per_zone = 1;
    rules.slots = 256;
    placement_map map(rules, cluster(9, 3));
    CHECK(survival(map).zones == 2);
    CHECK(survival(map).kept());
    CHECK(survival(map).text() == "keeps 1 of 3 copies of everything if any 2 zones, 2 racks, "
                                  "2 hosts or 2 nodes fail");
    CHECK(survival(map, 2).zones == 1);
    CHECK(survival(map, 3).zones == 0);

    for (auto const* n : {"node-2", "node-5", "node-8"})
        map.set_state(n, node_state::down);
    auto const two = survival(map);
    CHECK(two.zones == 1);
    CHECK(two.nodes == 2);
    CHECK_FALSE(two.kept());
    CHECK(two.text().find("up to 2 copies in a zone instead of 1") != std::string::npos);
    CHECK(survival(map, 2).zones == 0);

    map.pin(9, {"node-2"}); // on a node that is down
    auto const lost = survival(map);
    CHECK(lost.zones == -1);
    CHECK(lost.weakest_slot == 9);
    CHECK(lost.slots_short == 1);
    CHECK(lost.text().find("slot 9 lacks") == 0);
    std::ostringstream printed;
    printed << lost;
    CHECK(printed.str() == lost.text());
    CHECK_THROWS_AS(survival(map, 0), std::invalid_argument);
    CHECK_THROWS_AS(survival(map, 4), std::invalid_argument);
}

TEST_CASE("placement_map: survival agrees with losing every set of zones", "[placement]")
{
    seed_range const seeds(60);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto const rules = random_rules(random);
        std::vector<cluster_node> nodes;
        for (std::uint32_t i = 0, n = 1 + random.below(14); i != n; ++i)
            nodes.push_back(random_node(random, "n" + std::to_string(i), 4));
        placement_map const map(rules, nodes);
        auto const needed = 1 + random.below(rules.copies);
        // The largest k such that no k zones take so much.
        std::int64_t survives = 4;
        for (unsigned lost = 0; lost != 16; ++lost)
            for (std::uint32_t s = 0; s != map.slots(); ++s) {
                std::uint32_t left = 0;
                for (auto o : map.owners(s))
                    left += map.node(o).state == node_state::up &&
                            !(lost >> (map.node(o).zone[0] - 'a') & 1);
                if (left < needed)
                    survives = std::min<std::int64_t>(survives, std::popcount(lost) - 1);
            }
        CHECK(survival(map, needed).zones == survives);
    }
}

TEST_CASE("placement_map: bad values are named", "[placement]")
{
    auto const message = [](auto f) -> std::string {
        try {
            f();
        } catch (std::invalid_argument const& e) {
            return e.what();
        }
        return "no exception";
    };
    auto const has = [](std::string const& text, char const* part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    placement_map map({}, cluster(3));
    auto const before = map.spec();
    auto const node = [](std::string name, double weight) {
        return cluster_node{.name = std::move(name), .weight = weight};
    };
    has(message([&] { map.join(node("node-1", 1)); }), "node is 'node-1'; it is there already");
    has(message([&] { map.join(node("", 1)); }), "name is ''");
    has(message([&] { map.join(node(std::string(256, 'x'), 1)); }), "not be longer than 255 bytes");
    for (double w : {0.0, -1.0, 1e-10, 1e19, std::numeric_limits<double>::infinity(),
                     std::numeric_limits<double>::quiet_NaN()}) {
        has(message([&] { map.join(node("x", w)); }), "it must be from 1e-9 to 1e18");
        has(message([&] { map.set_weight("node-1", w); }), "it must be from 1e-9 to 1e18");
    }
    has(message([&] { map.join(node("x", 1e-10)); }), "the weight of 'x' is 1e-10");
    has(message([&] { map.set_weight("node-1", -1); }), "the weight of 'node-1' is -1");
    has(message([&] { map.join({.name = "x", .zone = std::string(256, 'z')}); }), "the zone of 'x' is 'zzz");
    has(message([&] { map.pin(1 << 20, {"node-1"}); }), "slot is 1048576");
    has(message([&] { map.pin(1, {}); }), "the number of owners is 0");
    has(message([&] { map.pin(1, {"a", "b", "c", "d"}); }), "the number of owners is 4");
    has(message([&] { map.pin(1, {"node-7"}); }), "owner is 'node-7'; there is no such node");
    has(message([&] { map.pin(1, {"node-1", "node-1"}); }), "may be named once");
    CHECK(map.spec() == before);
    CHECK_FALSE(map.leave("x"));
    CHECK_FALSE(map.set_weight("x", 1));
    CHECK_FALSE(map.set_state("x", node_state::down));

    auto const rule = [&](auto change) {
        placement_rules r;
        change(r);
        return message([&] { placement_map{r}; });
    };
    has(rule([](auto& r) { r.copies = 0; }), "copies is 0; it must be from 1 to 16");
    has(rule([](auto& r) { r.copies = 17; }), "copies is 17");
    has(rule([](auto& r) { r.slots = 1000; }), "slots is 1000; it must be a power of two");
    has(rule([](auto& r) { r.slots = 1 << 21; }), "slots is 2097152");
    has(rule([](auto& r) { r.scatter_width = 1; }), "scatter_width is 1");
    has(rule([](auto& r) { r.copies = 1, r.scatter_width = 4; }), "with one copy it must be 0");
    auto spec = before;
    spec.fingerprint = 1;
    has(message([&] { placement_map{spec}; }), "the fingerprint is 1");
}
