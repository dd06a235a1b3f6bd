// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "placement/support.hpp"
#include <perdure/placement/movement_queue.hpp>
#include <perdure/placement/movement_svg.hpp>
#include <perdure/placement/placement_diff.hpp>
#include <perdure/placement/replica_inventory.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

using namespace placement_test;
using perdure::danger;
using perdure::danger_of;
using perdure::movement_plan;
using perdure::no_node;
using perdure::plan_movement;

namespace {

using copy = std::pair<std::uint32_t, std::string>; // slot, node

/// What the definition of plan_movement says is there, can be read, and is wanted.
struct naive_state {
    std::set<copy> has, readable, wanted;
    naive_state(placement_map const& before, placement_map const& after)
    {
        for (std::uint32_t s = 0; s != after.slots(); ++s) {
            for (auto const& n : names(before, s)) {
                has.insert({s, n});
                auto const i = after.index_of(n);
                if (i != no_node && perdure::may_be_read(after.node(i).state) &&
                    before.node(before.index_of(n)).state != node_state::joining)
                    readable.insert({s, n});
            }
            for (auto const& n : names(after, s))
                wanted.insert({s, n});
        }
    }
};

void check_plan(placement_map const& before, placement_map const& after, movement_plan const& plan)
{
    naive_state const naive(before, after);
    std::set<copy> made, expected;
    for (auto const& w : naive.wanted)
        if (!naive.has.contains(w))
            expected.insert(w);
    std::vector<std::uint32_t> in(plan.nodes.size()), out(plan.nodes.size());
    auto check = [&](perdure::copy_move const& m) {
        REQUIRE(made.insert({m.slot, plan.nodes[m.to].name}).second); // nothing twice
        std::uint32_t live = 0, draining = 0;
        for (auto const& n : names(before, m.slot))
            if (naive.readable.contains({m.slot, n}))
                ++(after.node(after.index_of(n)).state == node_state::up ? live : draining);
        REQUIRE(m.live == live);
        auto const why = danger_of(live, draining, after.rules().copies);
        REQUIRE((m.why == why || (m.why == danger::misplaced && why == danger::rebalance)));
        if (m.gives_up != no_node) {
            copy const given{m.slot, plan.nodes[m.gives_up].name};
            REQUIRE(naive.readable.contains(given));
            REQUIRE_FALSE(naive.wanted.contains(given));
        }
        ++in[m.to];
    };
    for (auto const& m : plan.moves) {
        check(m);
        REQUIRE(naive.readable.contains({m.slot, plan.nodes[m.from].name}));
        ++out[m.from];
    }
    auto const in_moves = in;
    for (auto const& m : plan.lost) {
        check(m);
        REQUIRE(m.from == no_node);
        REQUIRE(m.why == danger::lost);
    }
    REQUIRE(made == expected);
    std::uint64_t minimum = 0;
    for (std::size_t i = 0; i != plan.nodes.size(); ++i) {
        auto const& n = plan.nodes[i];
        REQUIRE(n.in == in_moves[i]);
        REQUIRE(n.out == out[i]);
        minimum += n.after > n.before ? n.after - n.before : 0;
    }
    REQUIRE(plan.minimum == minimum);
    REQUIRE(std::is_sorted(plan.moves.begin(), plan.moves.end(), [](auto const& a, auto const& b) {
        return std::tuple(a.why, a.live, a.slot) < std::tuple(b.why, b.live, b.slot);
    }));
    auto const d = diff(before, after);
    std::vector<std::uint32_t> differ;
    for (std::uint32_t s = 0; s != after.slots(); ++s)
        if (names(before, s) != names(after, s))
            differ.push_back(s);
    REQUIRE(d.slots == differ);
}

} // namespace

TEST_CASE("danger_of: the queues of HDFS", "[placement]")
{
    CHECK(danger_of(1, 0, 3) == danger::last_copy);
    CHECK(danger_of(1, 0, 10) == danger::last_copy);
    CHECK(danger_of(2, 0, 10) == danger::few_copies);
    CHECK(danger_of(3, 0, 10) == danger::few_copies);
    for (std::uint32_t live = 4; live != 10; ++live)
        CHECK(danger_of(live, 0, 10) == danger::missing_copy);
    CHECK(danger_of(2, 0, 3) == danger::missing_copy);
    CHECK(danger_of(10, 0, 10, true) == danger::misplaced);
    CHECK(danger_of(10, 0, 10) == danger::rebalance);
    CHECK(danger_of(0, 1, 3) == danger::last_copy);
    CHECK(danger_of(0, 0, 3) == danger::lost);
    CHECK(danger_of(1, 0, 1) == danger::rebalance);
}

TEST_CASE("plan_movement: every copy that is missing, once, from who has it", "[placement]")
{
    seed_range const seeds(150);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto rules = random_rules(random);
        placement_map before(rules);
        for (std::uint32_t i = 0, n = random.below(14); i != n; ++i)
            before.join(random_node(random, "n" + std::to_string(i), 3));
        if (!before.empty() && random.below(2) == 0)
            before.pin(random.below(64), {before.node(before.indexes()[0]).name});
        auto after = before;
        for (auto changes = random.below(5); changes != 0; --changes) {
            auto const name = "n" + std::to_string(random.below(16));
            if (!after.contains(name))
                after.join(random_node(random, name, 3));
            else if (random.below(3) == 0)
                after.leave(name);
            else
                after.set_state(name, static_cast<node_state>(random.below(4)));
        }
        if (random.below(4) == 0) {
            rules.copies = 1 + random.below(6);
            after = placement_map(rules, after.spec().nodes);
        }
        // Another numbering of the same nodes must not matter.
        if (random.below(3) == 0)
            after = placement_map(after.spec());
        check_plan(before, after, plan_movement(before, after));
    }
}

TEST_CASE("plan_movement: joins, drains and failures move the least", "[placement]")
{
    placement_rules rules;
    rules.slots = 4096;
    rules.at_most_per_zone = 1;
    placement_map const map(rules, cluster(20, 4));
    std::vector<std::uint64_t> const sizes(4096, 1000);

    auto joined = map;
    joined.join({.name = "new", .zone = "zone-1", .rack = {}, .host = {}, .weight = 1});
    auto const join = plan_movement(map, joined, sizes);
    CHECK(join.moves.size() == joined.copies_on(joined.index_of("new")));
    CHECK(join.moves.size() == join.minimum);
    CHECK(join.bytes == 1000 * join.moves.size());
    for (auto const& m : join.moves) {
        CHECK(join.nodes[m.to].name == "new");
        CHECK(m.why == danger::rebalance);
        CHECK(m.gives_up != no_node);
    }
    CHECK(diff(map, joined).text().find("epoch 0 -> 1: new joins; owners of ") == 0);

    auto drained = map;
    drained.set_state("node-3", node_state::draining);
    auto const drain = plan_movement(map, drained);
    auto const copies = map.copies_on(map.index_of("node-3"));
    CHECK(drain.moves.size() == copies);
    CHECK(drain.moves.size() == drain.minimum);
    for (auto const& m : drain.moves) {
        CHECK(drain.nodes[m.gives_up].name == "node-3");
        CHECK(m.why == danger::missing_copy);
    }
    // Then it may leave: nothing is left to move.
    auto left = drained;
    left.leave("node-3");
    CHECK(plan_movement(drained, left).empty());

    auto failed = map;
    failed.set_state("node-3", node_state::down);
    failed.set_state("node-4", node_state::down);
    failed.set_state("node-5", node_state::down);
    auto const repair = plan_movement(map, failed);
    CHECK(repair.lost.empty() == (repair.by_danger()[5] == 0));
    CHECK(repair.moves.front().why == danger::last_copy);
    CHECK(repair.moves.back().why == danger::missing_copy);
    CHECK(repair.text().find("in danger: ") != std::string::npos);
}

TEST_CASE("plan_movement: sources share the work", "[placement]")
{
    placement_rules rules;
    rules.slots = 4096;
    placement_map const map(rules, cluster(20));
    auto after = map;
    after.set_state("node-7", node_state::down);
    auto const plan = plan_movement(map, after);
    std::uint32_t most = 0;
    for (auto const& n : plan.nodes)
        most = std::max(most, n.out);
    INFO("of " << plan.moves.size() << " copies one node reads out " << most);
    CHECK(most <= plan.moves.size() / 19 + 3);
}

TEST_CASE("plan_movement: bad input", "[placement]")
{
    placement_rules rules;
    rules.slots = 64;
    placement_map const map(rules, cluster(3));
    rules.slots = 128;
    CHECK_THROWS_AS(plan_movement(map, placement_map(rules)), std::invalid_argument);
    std::vector<std::uint64_t> const sizes(63);
    CHECK_THROWS_AS(plan_movement(map, map, sizes), std::invalid_argument);
    CHECK(plan_movement(map, map).empty());
    CHECK(plan_movement(map, map).text().find("0 of 192 copies move") != std::string::npos);
    CHECK(diff(map, map).empty());
    CHECK(diff(map, placement_map(rules)).slots.size() == 128);
}

TEST_CASE("movement_queue: limits hold, danger goes first, nothing twice", "[placement]")
{
    seed_range const seeds(60);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        placement_rules rules;
        rules.slots = 256;
        placement_map const before(rules, cluster(9, 3));
        auto after = before;
        after.set_state("node-1", node_state::down);
        after.set_state("node-2", node_state::down);
        after.join({.name = "new", .zone = "zone-1", .rack = {}, .host = {}, .weight = 1});
        perdure::movement_limits const limits{random.below(4), random.below(4), random.below(4),
                                              random.below(8)};
        perdure::movement_queue queue(plan_movement(before, after), limits);
        auto const& plan = queue.plan();
        std::set<std::size_t> running, done;
        std::map<std::size_t, std::uint32_t> failed;
        // What runs, counted anew each time: into and out of each node, and over each link.
        std::map<std::string, std::size_t> zones;
        for (auto const& n : plan.nodes)
            zones.try_emplace(n.zone, zones.size());
        auto const link = [&](perdure::copy_move const& m) {
            return zones.at(plan.nodes[m.from].zone) * zones.size() +
                   zones.at(plan.nodes[m.to].zone);
        };
        struct counts {
            std::vector<std::uint32_t> into, out_of, links;
        };
        auto const counted = [&] {
            counts c{std::vector<std::uint32_t>(plan.nodes.size()),
                     std::vector<std::uint32_t>(plan.nodes.size()),
                     std::vector<std::uint32_t>(zones.size() * zones.size())};
            for (auto r : running) {
                auto const& m = plan.moves[r];
                ++c.into[m.to];
                ++c.out_of[m.from];
                if (plan.nodes[m.from].zone != plan.nodes[m.to].zone)
                    ++c.links[link(m)];
            }
            return c;
        };
        auto const within = [&] {
            auto const c = counted();
            auto const below = [](auto const& all, std::uint32_t limit) {
                return limit == 0 || std::all_of(all.begin(), all.end(),
                                                 [&](std::uint32_t n) { return n <= limit; });
            };
            return below(c.into, limits.into_node) && below(c.out_of, limits.out_of_node) &&
                   below(c.links, limits.on_link) &&
                   (limits.altogether == 0 || running.size() <= limits.altogether);
        };
        auto const full = [](std::uint32_t n, std::uint32_t limit) {
            return limit != 0 && n >= limit;
        };
        while (!queue.finished()) {
            while (auto const i = queue.start()) {
                REQUIRE(running.insert(*i).second);
                REQUIRE_FALSE(done.contains(*i));
                REQUIRE(within());
            }
            // Nothing that waits could begin: a more urgent one would have.
            auto const c = counted();
            std::size_t could_begin = 0;
            for (std::size_t i = 0; i != plan.moves.size(); ++i) {
                auto const& m = plan.moves[i];
                could_begin += !running.contains(i) && !done.contains(i) &&
                               !full(c.into[m.to], limits.into_node) &&
                               !full(c.out_of[m.from], limits.out_of_node) &&
                               !(plan.nodes[m.from].zone != plan.nodes[m.to].zone &&
                                 full(c.links[link(m)], limits.on_link)) &&
                               !full(static_cast<std::uint32_t>(running.size()), limits.altogether);
            }
            REQUIRE(could_begin == 0);
            REQUIRE_FALSE(running.empty());
            auto const ended = *std::next(running.begin(), random.below(running.size()));
            running.erase(ended);
            bool const ok = random.below(5) != 0;
            if (ok)
                done.insert(ended);
            REQUIRE(queue.finish(ended, ok));
            REQUIRE_FALSE(queue.finish(ended, ok));
        }
        CHECK(done.size() == plan.moves.size());
        CHECK(queue.done_count() == plan.moves.size());
    }
}

TEST_CASE("movement_queue: an estimate, and abandoning", "[placement]")
{
    placement_rules rules;
    rules.slots = 1024;
    placement_map const before(rules, cluster(10));
    auto after = before;
    after.join({.name = "new", .zone = {}, .rack = {}, .host = {}, .weight = 1});
    std::vector<std::uint64_t> const sizes(1024, 1 << 20);
    auto const plan = plan_movement(before, after, sizes);
    auto const n = static_cast<double>(plan.moves.size());
    auto const one = estimate(plan, {1, 1, 0, 0}, 1 << 20);
    CHECK_THAT(one.seconds, Catch::Matchers::WithinRel(n, 1e-9)); // all go to one node
    CHECK(one.most_under_way == 1);
    auto const four = estimate(plan, {4, 0, 0, 0}, 1 << 20);
    CHECK_THAT(four.seconds, Catch::Matchers::WithinAbs(n / 4, 1));
    CHECK(four.most_under_way == 4);
    CHECK(four.seconds_of[static_cast<std::size_t>(danger::rebalance)] == four.seconds);
    CHECK_THROWS_AS(estimate(plan, {}, 0), std::invalid_argument);

    perdure::movement_queue queue(plan, {1, 1, 0, 0});
    auto const first = queue.start();
    REQUIRE(first);
    queue.abandon();
    CHECK_FALSE(queue.finished());
    CHECK_FALSE(queue.start());
    CHECK(queue.finish(*first, true));
    CHECK(queue.finished());
    CHECK(queue.bytes_done() == 1 << 20);
}

TEST_CASE("plan_repair: from what nodes really have", "[placement]")
{
    seed_range const seeds(60);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto rules = random_rules(random);
        placement_map map(rules);
        for (std::uint32_t i = 0, n = 1 + random.below(10); i != n; ++i)
            map.join(random_node(random, "n" + std::to_string(i), 3));
        perdure::replica_inventory inventory(64);
        std::set<copy> has, comes;
        for (auto n = random.below(300); n != 0; --n) {
            copy const c{random.below(64), "n" + std::to_string(random.below(12))};
            if (random.below(6) == 0) {
                inventory.begin(c.first, c.second);
                if (!has.contains(c))
                    comes.insert(c);
            } else if (random.below(6) == 0) {
                inventory.remove(c.first, c.second);
                has.erase(c);
                comes.erase(c);
            } else {
                inventory.add(c.first, c.second);
                has.insert(c);
                comes.erase(c);
            }
        }
        auto const readable = [&](std::string const& n) {
            auto const i = map.index_of(n);
            return i != no_node && map.node(i).state != node_state::down;
        };
        auto const plan = plan_repair(map, inventory);
        std::set<copy> made, expected;
        for (auto const& m : plan.missing.moves) {
            REQUIRE(made.insert({m.slot, plan.missing.nodes[m.to].name}).second);
            auto const& from = plan.missing.nodes[m.from].name;
            REQUIRE(has.contains({m.slot, from}));
            REQUIRE(readable(from));
        }
        for (auto const& m : plan.missing.lost)
            REQUIRE(made.insert({m.slot, plan.missing.nodes[m.to].name}).second);
        std::size_t on_their_way = 0;
        for (std::uint32_t s = 0; s != 64; ++s) {
            bool complete = true;
            for (auto const& n : names(map, s)) {
                on_their_way += comes.contains({s, n}) && readable(n);
                complete = complete && has.contains({s, n}) && readable(n);
                if (readable(n) && !has.contains({s, n}) && !comes.contains({s, n}))
                    expected.insert({s, n});
            }
            for (auto const& c : plan.surplus)
                if (c.slot == s) {
                    auto const owners = names(map, s);
                    CHECK(complete);
                    CHECK(has.contains({s, c.node}));
                    CHECK(std::count(owners.begin(), owners.end(), c.node) == 0);
                }
        }
        REQUIRE(made == expected);
        CHECK(plan.on_their_way == on_their_way);

        // Told what was begun, it asks for nothing again; done, there is nothing left to do.
        for (auto const& m : plan.missing.moves)
            inventory.begin(m.slot, plan.missing.nodes[m.to].name);
        CHECK(plan_repair(map, inventory).missing.moves.empty());
        for (auto const& m : plan.missing.moves)
            inventory.add(m.slot, plan.missing.nodes[m.to].name);
        CHECK(plan_repair(map, inventory).missing.moves.empty());
    }
}

TEST_CASE("plan_repair: surplus copies, lost nodes, bad slots", "[placement]")
{
    placement_rules rules;
    rules.slots = 64;
    placement_map map(rules, cluster(6));
    perdure::replica_inventory inventory(map);
    CHECK(plan_repair(map, inventory).missing.empty());
    CHECK(plan_repair(map, inventory).surplus.empty());
    auto const n = map.copies_on(map.index_of("node-2"));
    inventory.remove_node("node-2");
    CHECK(plan_repair(map, inventory).missing.moves.size() == n);

    perdure::replica_inventory everything(64);
    for (std::uint32_t s = 0; s != 64; ++s)
        for (auto i : map.indexes())
            everything.add(s, map.node(i).name);
    CHECK(plan_repair(map, everything).surplus.size() == 64 * 3);
    CHECK(everything.has(3, "node-1"));
    everything.remove(3, "node-1");
    CHECK_FALSE(everything.has(3, "node-1"));
    everything.begin(3, "node-1");
    CHECK(everything.on_its_way(3, "node-1"));
    CHECK_THROWS_AS(everything.add(64, "node-1"), std::invalid_argument);
    CHECK_THROWS_AS(plan_repair(map, perdure::replica_inventory(32)), std::invalid_argument);
}

TEST_CASE("movement_svg: a complete document that escapes names", "[placement]")
{
    placement_rules rules;
    rules.slots = 256;
    placement_map const before(rules, cluster(5, 2));
    auto after = before;
    after.join({.name = "a<b>&\"c\"", .zone = "<z>", .rack = {}, .host = {}, .weight = 1});
    auto const svg = movement_svg(plan_movement(before, after));
    CHECK(svg.find("<svg xmlns") == 0);
    CHECK(svg.find("</svg>\n") == svg.size() - 7);
    CHECK(svg.find("a&lt;b&gt;&amp;&quot;c&quot;") != std::string::npos);
    CHECK(svg.find("a<b>") == std::string::npos);
    CHECK(svg.find("nan") == std::string::npos);
    CHECK(std::count(svg.begin(), svg.end(), '<') == std::count(svg.begin(), svg.end(), '>'));
    CHECK(svg == movement_svg(plan_movement(before, after)));
    CHECK(movement_svg(movement_plan{}).find("</svg>") != std::string::npos);
}
