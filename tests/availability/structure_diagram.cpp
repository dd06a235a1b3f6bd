// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/structure_support.hpp"
#include <perdure/availability/structure/diagram.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;

TEST_CASE("diagram: agrees with the enumeration of all states", "[availability]")
{
    auto const seed = Catch::rngSeed();
    for (std::size_t round = 0; round < 400; ++round) {
        random_numbers random(seed + round);
        bool const monotone = round % 2 == 0;
        // Most rounds small; every twentieth with 14 to 20 events.
        auto const events = round % 40 == 0 ? 14 + random.below(3) : 2 + random.below(9);
        auto tree = random_tree(random, events, 2 + random.below(20), monotone);
        CAPTURE(seed, round);
        diagram const d(tree);
        auto const exact = by_enumeration(tree, tree.chances());
        auto const c = d.evaluate();
        if (exact.yes > 1e-290) {
            REQUIRE_THAT(c.yes, WithinRel(exact.yes, 1e-13));
        } else {
            REQUIRE(c.yes <= 1e-290);
        }
        if (exact.no > 1e-290) {
            REQUIRE_THAT(c.no, WithinRel(exact.no, 1e-13));
        }
        // Other numbers, same diagram.
        std::vector<chance> other(events);
        for (auto& x : other) {
            x = chance(random.uniform());
        }
        REQUIRE_THAT(d.evaluate(other).yes, WithinRel(by_enumeration(tree, other).yes, 1e-12));
    }
}

TEST_CASE("diagram: agrees with the enumeration of 20 events", "[availability]")
{
    random_numbers random(Catch::rngSeed() + 1);
    auto const tree = random_tree(random, 20, 30, false);
    CHECK_THAT(diagram(tree).evaluate().yes,
               WithinRel(by_enumeration(tree, tree.chances()).yes, 1e-12));
}

TEST_CASE("diagram: laws", "[availability]")
{
    auto const seed = Catch::rngSeed();
    for (std::size_t round = 0; round < 200; ++round) {
        CAPTURE(seed, round);
        random_numbers random(seed + 1000 + round);
        auto tree = random_tree(random, 30, 60, true);
        diagram const d(tree);
        REQUIRE(d.monotone());
        auto const c = d.evaluate();
        // Complement: not top swaps the two numbers, bit for bit or nearly so.
        auto opposite = tree;
        opposite.set_top(opposite.negation(tree.top()));
        auto const n = diagram(opposite).evaluate();
        REQUIRE_THAT(n.yes, WithinRel(c.no, 1e-13));
        REQUIRE_THAT(n.no, WithinRel(c.yes, 1e-13));
        // Bounds.
        REQUIRE(c.yes >= 0);
        REQUIRE(c.no >= 0);
        REQUIRE_THAT(c.yes + c.no, WithinRel(1.0, 1e-13));
        // Monotony: a more probable event makes the top no less probable.
        auto chances = tree.chances();
        auto const i = random.below(chances.size());
        chances[i] = chance(chances[i].yes + chances[i].no * random.uniform());
        REQUIRE(d.evaluate(chances).yes >= c.yes * (1 - 1e-13));
        // Shannon: P = p P1 + (1 - p) P0.
        chances = tree.chances();
        auto with = chances;
        auto without = chances;
        with[i] = chance(1, 0);
        without[i] = chance(0, 1);
        REQUIRE_THAT(choose(chances[i], d.evaluate(with), d.evaluate(without)).yes,
                     WithinRel(c.yes, 1e-13));
    }
}

TEST_CASE("diagram: de Morgan", "[availability]")
{
    // The dual tree over opposite events is the opposite: the two forms give the same digits.
    auto const seed = Catch::rngSeed();
    for (std::size_t round = 0; round < 100; ++round) {
        CAPTURE(seed, round);
        random_numbers random(seed + 2000 + round);
        auto const tree = random_tree(random, 12, 25, true);
        fault_tree dual;
        std::vector<fault_tree::node> map;
        for (std::uint32_t i = 0; i < tree.size(); ++i) {
            fault_tree::node const n{i};
            std::vector<fault_tree::node> inputs;
            for (auto const input : tree.inputs(n)) {
                inputs.push_back(map[input.index]);
            }
            auto const kind = tree.kind(n);
            if (kind == node_kind::event) {
                auto const& e = tree.events()[tree.event(n)];
                map.push_back(dual.add_event(e.name, !e.happens));
            } else if (kind == node_kind::all_of) {
                map.push_back(dual.any_of(inputs));
            } else if (kind == node_kind::any_of) {
                map.push_back(dual.all_of(inputs));
            } else {
                auto const k = static_cast<std::uint32_t>(inputs.size()) - tree.threshold(n) + 1;
                map.push_back(k > inputs.size() ? dual.add_constant(false)
                                                : dual.at_least(k, inputs));
            }
        }
        dual.set_top(map[tree.top().index]);
        auto const c = diagram(tree).evaluate();
        auto const o = diagram(dual).evaluate();
        REQUIRE_THAT(o.no, WithinRel(c.yes, 1e-13));
        REQUIRE_THAT(o.yes, WithinRel(c.no, 1e-13));
    }
}

TEST_CASE("diagram: agrees with Monte Carlo", "[availability]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    random_numbers random(seed + 3000);
    auto const tree = random_tree(random, 50, 90, false);
    std::vector<chance> chances(50);
    for (auto& c : chances) {
        c = chance(0.1 + 0.8 * random.uniform());
    }
    double const p = diagram(tree).evaluate(chances).yes;
    int const trials = 40'000;
    int hits = 0;
    for (int i = 0; i < trials; ++i) {
        std::uint64_t state = 0;
        for (std::size_t k = 0; k < chances.size(); ++k) {
            state |= std::uint64_t{random.uniform() < chances[k].yes ? 1U : 0U} << k;
        }
        hits += happens(tree, state) ? 1 : 0;
    }
    double const sigma = std::sqrt(p * (1 - p) / trials);
    CHECK(std::abs(static_cast<double>(hits) / trials - p) <= 5 * sigma + 1e-12);
}

TEST_CASE("diagram: keeps its digits down to 1e-30", "[availability]")
{
    // A bridge of rare failures: U = ac + bd + a e d + b e c - ... ; the exact value from 100
    // digits in closed form is u^2 (2 + 2u - 5u^2 + 2u^3) for equal u.
    for (double u : {1e-3, 1e-9, 1e-15}) {
        fault_tree tree;
        auto const a = tree.add_event("a", u), b = tree.add_event("b", u),
                   c = tree.add_event("c", u), dd = tree.add_event("d", u),
                   e = tree.add_event("e", u);
        auto const ac = tree.all_of(std::vector{a, c}), bd = tree.all_of(std::vector{b, dd}),
                   aed = tree.all_of(std::vector{a, e, dd}),
                   bec = tree.all_of(std::vector{b, e, c});
        tree.set_top(tree.any_of(std::vector{ac, bd, aed, bec}));
        CHECK_THAT(diagram(tree).evaluate().yes,
                   WithinRel(u * u * (2 + u * (2 + u * (-5 + 2 * u))), 1e-14));
    }
}

TEST_CASE("diagram: a tree that shares nothing needs no decision diagram", "[availability]")
{
    fault_tree tree;
    auto const a = tree.add_event("a", 0.1), b = tree.add_event("b", 0.2),
               c = tree.add_event("c", 0.3), d = tree.add_event("d", 0.4);
    auto const ab = tree.all_of(std::vector{a, b});
    tree.set_top(tree.any_of(std::vector{ab, tree.at_least(1, std::vector{c, d})}));
    diagram const g(tree);
    CHECK(g.nodes() == 0);
    CHECK_THAT(g.evaluate().no, WithinRel(0.98 * 0.7 * 0.6, 1e-15));
}

TEST_CASE("diagram: constants and single events are trees too", "[availability]")
{
    fault_tree tree;
    CHECK(message_of<std::invalid_argument>([&] { diagram const d(tree); }).find("no top") !=
          std::string::npos);
    auto const a = tree.add_event("a", 0.25);
    CHECK(diagram(tree).evaluate() == chance(0.25));
    tree.set_top(tree.negation(a));
    CHECK(diagram(tree).evaluate() == chance(0.75));
    CHECK_FALSE(diagram(tree).monotone());
    tree.set_top(tree.any_of(std::vector{a, tree.negation(a)}));
    CHECK(diagram(tree).evaluate() == chance(1, 0));
    tree.set_top(tree.all_of(std::vector{a, tree.add_constant(false)}));
    CHECK(diagram(tree).evaluate() == chance(0, 1));
    tree.set_top(tree.at_least(0, std::vector{a}));
    CHECK(diagram(tree).evaluate() == chance(1, 0));
}

TEST_CASE("diagram: deep and wide trees need no stack", "[availability]")
{
    fault_tree tree;
    auto node = tree.add_event("e", 0.5);
    double expected = 0.5;
    for (int i = 0; i < 100'000; ++i) {
        auto const next = tree.add_event("e" + std::to_string(i), 0.5);
        node = i % 2 == 0 ? tree.all_of(std::vector{node, next})
                          : tree.any_of(std::vector{node, next});
        expected = i % 2 == 0 ? expected * 0.5 : 0.5 + 0.5 * expected;
    }
    tree.set_top(node);
    CHECK_THAT(diagram(tree).evaluate().yes, WithinRel(expected, 1e-12));

    fault_tree wide;
    std::vector<fault_tree::node> inputs;
    for (int i = 0; i < 100'000; ++i) {
        inputs.push_back(wide.add_event("e" + std::to_string(i), 1e-7));
    }
    wide.set_top(wide.any_of(inputs));
    CHECK_THAT(diagram(wide).evaluate().yes,
               WithinRel(-std::expm1(1e5 * std::log1p(-1e-7)), 1e-11));
}

TEST_CASE("diagram: says what it cannot hold", "[availability]")
{
    // Two rows of pairs under a threshold over crossed pairs: large under any order, given 50
    // nodes.
    fault_tree tree;
    std::vector<fault_tree::node> a, pairs;
    for (int i = 0; i < 30; ++i) {
        a.push_back(tree.add_event("a" + std::to_string(i), 0.1));
    }
    for (int i = 0; i < 30; ++i) {
        pairs.push_back(tree.all_of(std::vector{a[static_cast<std::size_t>(i)],
                                                a[static_cast<std::size_t>((i * 7 + 3) % 30)]}));
    }
    tree.set_top(tree.at_least(9, pairs, "crossed"));
    diagram_options options;
    options.nodes_max = 50;
    CHECK(message_of<std::length_error>([&] { diagram(tree, options); }) ==
          "the diagram of gate 'crossed' needs more than 50 nodes (nodes_max)");
    CHECK(diagram(tree).evaluate().yes > 0);
}
