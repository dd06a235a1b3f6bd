// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/structure_support.hpp"
#include <perdure/availability/structure/cut_sets.hpp>
#include <perdure/availability/structure/fault_tree_of.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;

namespace {

using literals = std::set<int>; // i + 1 for event i, -(i + 1) where it must not happen

std::set<literals> found(cut_sets const& sets, cut_set_limits limits = {})
{
    std::set<literals> result;
    for (auto const& set : sets.list(limits)) {
        literals s;
        for (auto const& m : set.members) {
            s.insert((m.negated ? -1 : 1) * (static_cast<int>(m.event) + 1));
        }
        REQUIRE(result.insert(s).second);
    }
    return result;
}

/// Minimal states with which the top happens.
std::set<literals> minimal_by_enumeration(fault_tree const& tree)
{
    auto const n = tree.events().size();
    std::vector<std::uint64_t> minimal;
    std::vector<std::uint64_t> states;
    for (std::uint64_t state = 0; state < std::uint64_t{1} << n; ++state) {
        if (happens(tree, state)) {
            states.push_back(state);
        }
    }
    std::ranges::stable_sort(states, {}, [](std::uint64_t s) { return std::popcount(s); });
    std::set<literals> result;
    for (auto const state : states) {
        if (std::ranges::none_of(minimal, [&](std::uint64_t m) { return (m & state) == m; })) {
            minimal.push_back(state);
            literals s;
            for (std::size_t i = 0; i < n; ++i) {
                if ((state >> i & 1) != 0) {
                    s.insert(static_cast<int>(i) + 1);
                }
            }
            result.insert(s);
        }
    }
    return result;
}

/// Products that imply the top and of which no literal can be left out.
std::set<literals> implicants_by_enumeration(fault_tree const& tree)
{
    auto const n = tree.events().size();
    auto const all = std::uint64_t{1} << n;
    auto const implies = [&](std::uint64_t so, std::uint64_t not_so) {
        for (std::uint64_t state = 0; state < all; ++state) {
            if ((state & so) == so && (state & not_so) == 0 && !happens(tree, state)) {
                return false;
            }
        }
        return true;
    };
    std::set<literals> result;
    for (std::uint64_t so = 0; so < all; ++so) {
        for (std::uint64_t not_so = 0; not_so < all; ++not_so) {
            if ((so & not_so) != 0 || !implies(so, not_so)) {
                continue;
            }
            bool prime = true;
            literals s;
            for (std::size_t i = 0; i < n && prime; ++i) {
                auto const bit = std::uint64_t{1} << i;
                if ((so & bit) != 0) {
                    prime = !implies(so ^ bit, not_so);
                    s.insert(static_cast<int>(i) + 1);
                } else if ((not_so & bit) != 0) {
                    prime = !implies(so, not_so ^ bit);
                    s.insert(-static_cast<int>(i) - 1);
                }
            }
            if (prime) {
                result.insert(s);
            }
        }
    }
    return result;
}

std::size_t order_of(literals const& s)
{
    return s.size();
}

} // namespace

TEST_CASE("cut_sets: minimal cut sets agree with enumeration", "[availability]")
{
    auto const seed = Catch::rngSeed();
    for (std::size_t round = 0; round < 400; ++round) {
        CAPTURE(seed, round);
        random_numbers random(seed + round);
        auto const tree =
            random_tree(random, 2 + random.below(8), 2 + random.below(25), round % 2 == 0);
        diagram const d(tree);
        auto const expected = minimal_by_enumeration(tree);
        auto const sets = cut_sets::minimal(d);
        REQUIRE(found(sets) == expected);
        REQUIRE(sets.count() == expected.size());

        // By order, in all three ways: counted, limited while walking, limited while building.
        auto const by_order = sets.count_by_order();
        for (std::size_t order = 0; order < 6; ++order) {
            auto const exactly =
                static_cast<std::size_t>(std::ranges::count(expected, order, order_of));
            REQUIRE((order < by_order.size() ? by_order[order] : set_count(0)) == exactly);
            std::set<literals> up_to;
            for (auto const& s : expected) {
                if (s.size() <= order) {
                    up_to.insert(s);
                }
            }
            cut_set_limits limits;
            limits.order_max = static_cast<std::uint32_t>(order);
            REQUIRE(found(sets, limits) == up_to);
            cut_set_options options;
            options.order_max = limits.order_max;
            auto const limited = cut_sets::minimal(d, options);
            REQUIRE(found(limited) == up_to);
            REQUIRE(limited.count() == up_to.size());
        }
    }
}

TEST_CASE("cut_sets: prime implicants agree with enumeration", "[availability]")
{
    auto const seed = Catch::rngSeed();
    for (std::size_t round = 0; round < 150; ++round) {
        CAPTURE(seed, round);
        random_numbers random(seed + round);
        auto const tree =
            random_tree(random, 2 + random.below(4), 2 + random.below(20), round % 4 == 0);
        diagram const d(tree);
        auto const expected = implicants_by_enumeration(tree);
        auto const sets = cut_sets::prime_implicants(d);
        REQUIRE(found(sets) == expected);
        REQUIRE(sets.count() == expected.size());
        if (d.monotone()) {
            REQUIRE(found(cut_sets::minimal(d)) == expected);
        }
    }
}

TEST_CASE("cut_sets: sums, most probable sets and probability limits", "[availability]")
{
    auto const seed = Catch::rngSeed();
    for (std::size_t round = 0; round < 100; ++round) {
        CAPTURE(seed, round);
        random_numbers random(seed + 500 + round);
        auto const tree = random_tree(random, 10, 25, true);
        diagram const d(tree);
        auto const sets = cut_sets::minimal(d);
        auto all = sets.list();
        double sum = 0;
        std::vector<double> by_event(10);
        for (auto const& s : all) {
            double p = 1;
            for (auto const& m : s.members) {
                p *= tree.events()[m.event].happens.yes;
            }
            REQUIRE_THAT(s.probability, WithinRel(p, 1e-13));
            sum += p;
            for (auto const& m : s.members) {
                by_event[m.event] += p;
            }
        }
        REQUIRE_THAT(sets.sum(), WithinRel(sum, 1e-12));
        auto const chances = tree.chances();
        auto const sums = sets.sums_by_event(chances);
        for (std::size_t i = 0; i < sums.size(); ++i) {
            REQUIRE(std::abs(sums[i] - by_event[i]) <= 1e-12 * by_event[i]);
        }
        // The sum bounds the exact value, and any single set is a lower bound.
        double const exact = d.evaluate().yes;
        REQUIRE(exact <= sum * (1 + 1e-12));
        std::ranges::sort(all, std::ranges::greater{}, &cut_set::probability);
        if (!all.empty()) {
            REQUIRE(all.front().probability <= exact * (1 + 1e-12));
        }
        auto const best = sets.most_probable(5);
        REQUIRE(best.size() == std::min<std::size_t>(5, all.size()));
        for (std::size_t i = 0; i < best.size(); ++i) {
            REQUIRE_THAT(best[i].probability, WithinRel(all[i].probability, 1e-13));
        }
        if (all.size() > 3) {
            cut_set_limits limits;
            limits.probability_min = all[2].probability * (1 - 1e-9);
            for (auto const& s : sets.list(limits)) {
                REQUIRE(s.probability >= limits.probability_min * (1 - 1e-9));
            }
            REQUIRE(sets.list(limits).size() >= 3);
        }
    }
}

TEST_CASE("cut_sets: counts beyond 64 bits are exact", "[availability]")
{
    // 40 gates of 4 events each: 4^40 = 2^80 sets.
    fault_tree tree;
    std::vector<fault_tree::node> gates;
    for (int i = 0; i < 40; ++i) {
        std::vector<fault_tree::node> events;
        for (int k = 0; k < 4; ++k) {
            events.push_back(tree.add_event(std::to_string(i) + "." + std::to_string(k), 0.1));
        }
        gates.push_back(tree.any_of(events));
    }
    tree.set_top(tree.all_of(gates));
    auto const sets = cut_sets::minimal(diagram(tree));
    CHECK(sets.count() == set_count(1) << 80);
    CHECK(sets.count_by_order()[40] == set_count(1) << 80);
    CHECK(sets.most_probable(3).size() == 3);

    // 50 of 100: the binomial coefficient, from its table.
    fault_tree half;
    std::vector<fault_tree::node> events;
    for (int i = 0; i < 100; ++i) {
        events.push_back(half.add_event(std::to_string(i), 0.1));
    }
    half.set_top(half.at_least(50, events));
    CHECK(cut_sets::minimal(diagram(half)).count().str() == "100891344545564193334812497256");
    // The same shared with a further gate, so that it is a decision diagram.
    auto const both_ways =
        half.any_of(std::vector{half.top(), half.all_of(std::vector{events[0], events[1]})});
    half.set_top(both_ways);
    // Sets with both of the first two events are covered: C(100, 50) - C(98, 48) + 1.
    CHECK(cut_sets::minimal(diagram(half)).count() ==
          set_count("100891344545564193334812497256") - set_count("24968060013801239764675820028") +
              1);
}

TEST_CASE("cut_sets: says which limit was too small", "[availability]")
{
    fault_tree tree;
    std::vector<fault_tree::node> pairs;
    std::vector<fault_tree::node> a;
    for (int i = 0; i < 30; ++i) {
        a.push_back(tree.add_event(std::to_string(i), 0.1));
    }
    for (std::size_t i = 0; i < 30; ++i) {
        pairs.push_back(tree.all_of(std::vector{a[i], a[(i * 7 + 3) % 30]}));
    }
    tree.set_top(tree.at_least(9, pairs));
    diagram const d(tree);
    cut_set_options options;
    options.nodes_max = 100;
    CHECK(message_of<std::length_error>([&] { cut_sets::minimal(d, options); }) ==
          "the cut sets need more than 100 nodes (nodes_max); limit their order");
    options.order_max = 5;
    CHECK(cut_sets::minimal(d, options).count() == 0);
}

TEST_CASE("cut_sets: constants", "[availability]")
{
    fault_tree tree;
    tree.set_top(tree.add_constant(true));
    CHECK(cut_sets::minimal(diagram(tree)).count() == 1);
    CHECK(cut_sets::minimal(diagram(tree)).list().front().members.empty());
    tree.set_top(tree.add_constant(false));
    CHECK(cut_sets::minimal(diagram(tree)).count() == 0);
    CHECK(cut_sets::prime_implicants(diagram(tree)).list().empty());
    CHECK(cut_sets::minimal(diagram(tree)).most_probable(3).empty());
    auto const a = tree.add_event("a", 0.1);
    tree.set_top(a);
    CHECK(cut_sets::minimal(diagram(tree)).names(cut_sets::minimal(diagram(tree)).list()[0]) ==
          "a");
    tree.set_top(tree.negation(a));
    CHECK(cut_sets::minimal(diagram(tree)).list().front().members.empty());
    auto const implicants = cut_sets::prime_implicants(diagram(tree));
    CHECK(implicants.names(implicants.list()[0]) == "not-a");
    CHECK(implicants.list()[0].probability == 0.9);
}
