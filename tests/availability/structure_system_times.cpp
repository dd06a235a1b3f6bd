// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/structure_support.hpp"
#include <perdure/availability/structure/fault_tree_of.hpp>
#include <perdure/availability/structure/system_times.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;
using namespace std::chrono_literals;

namespace {

component never_repaired(char const* name, double failures_per_hour)
{
    return {name, rate::per_hour(failures_per_hour)};
}

/// The same from the state of every component, by flipping each in each state: the definition.
double frequency_by_enumeration(fault_tree const& tree)
{
    auto const events = tree.events();
    long double sum = 0;
    for (std::uint64_t state = 0; state < std::uint64_t{1} << events.size(); ++state) {
        if (happens(tree, state)) {
            continue;
        }
        long double weight = 1;
        for (std::size_t i = 0; i < events.size(); ++i) {
            auto const c = events[i].happens;
            weight *= static_cast<long double>((state >> i & 1) != 0 ? c.yes : c.no);
        }
        for (std::size_t i = 0; i < events.size(); ++i) {
            if (happens(tree, state ^ std::uint64_t{1} << i)) {
                sum += weight * static_cast<long double>(
                                    (state >> i & 1) != 0 ? events[i].repairs : events[i].failures);
            }
        }
    }
    return static_cast<double>(sum);
}

} // namespace

TEST_CASE("long_run_of: frequency agrees with the definition", "[availability]")
{
    auto const seed = Catch::rngSeed();
    for (std::size_t round = 0; round < 200; ++round) {
        CAPTURE(seed, round);
        random_numbers random(seed + round);
        auto const plain =
            random_tree(random, 2 + random.below(8), 2 + random.below(20), round % 2 == 0);
        // The same tree with rates.
        fault_tree tree;
        std::vector<fault_tree::node> map;
        for (std::uint32_t i = 0; i < plain.size(); ++i) {
            fault_tree::node const n{i};
            std::vector<fault_tree::node> inputs;
            for (auto const input : plain.inputs(n)) {
                inputs.push_back(map[input.index]);
            }
            switch (plain.kind(n)) {
            case node_kind::event: {
                double const l = 1e-3 * (0.1 + random.uniform());
                double const m = 0.1 * (0.1 + random.uniform());
                map.push_back(
                    tree.add_event({plain.name(n), chance(l / (l + m), m / (l + m)), l, m}));
                break;
            }
            case node_kind::constant:
                map.push_back(tree.add_constant(plain.threshold(n) != 0));
                break;
            case node_kind::all_of:
                map.push_back(tree.all_of(inputs));
                break;
            case node_kind::any_of:
                map.push_back(tree.any_of(inputs));
                break;
            case node_kind::at_least:
                map.push_back(tree.at_least(plain.threshold(n), inputs));
                break;
            case node_kind::odd:
                map.push_back(tree.odd(inputs));
                break;
            case node_kind::negation:
                map.push_back(tree.negation(inputs.front()));
                break;
            }
        }
        tree.set_top(map[plain.top().index]);
        auto const x = long_run_of(diagram(tree));
        double const expected = frequency_by_enumeration(tree);
        REQUIRE(std::abs(x.failures - expected) <= 1e-12 * expected);
        if (expected > 0) {
            REQUIRE_THAT(x.mean_up / (x.mean_up + x.mean_down), WithinRel(x.down.no, 1e-13));
            double causes = 0;
            for (double c : x.causes) {
                causes += c;
            }
            REQUIRE_THAT(causes, WithinRel(1.0, 1e-13));
        }
    }
}

TEST_CASE("long_run_of: closed forms", "[availability]")
{
    component const a("a", two_state(mtbf(1000h), mttr(10h))),
        b("b", two_state(mtbf(1000h), mttr(10h)));
    auto const pair = long_run_of(diagram(fault_tree_of(a | b)));
    // Down only while both are: at the rate 2 m until one is back.
    CHECK_THAT(pair.mean_down, WithinRel(5.0, 1e-14));
    CHECK_THAT(pair.down.yes, WithinRel(std::pow(10.0 / 1010, 2), 1e-14));
    auto const chain = long_run_of(diagram(fault_tree_of(a & b)));
    CHECK_THAT(chain.mean_up, WithinRel(500.0, 1e-14));
    CHECK_THAT(chain.causes[0], WithinRel(0.5, 1e-14));
    component const c("c", unavailability(0.1));
    CHECK(message_of<std::invalid_argument>([&] { long_run_of(diagram(fault_tree_of(a & c))); }) ==
          "event 'c' has no failure rate");
    // Nothing ever fails.
    fault_tree never;
    never.set_top(never.add_constant(false));
    CHECK(long_run_of(diagram(never)).mean_up == std::numeric_limits<double>::infinity());
}

TEST_CASE("mean_time_to_failure: published and closed forms", "[availability]")
{
    auto const mttf = [](auto const& e) { return mean_time_to_failure(diagram(fault_tree_of(e))); };
    // Fiabilipy's tutorial: one component, two in series.
    CHECK_THAT(mttf(never_repaired("a", 1e-4)), WithinRel(1e4, 1e-12));
    CHECK_THAT(mttf(never_repaired("a", 1e-6) & never_repaired("b", 1e-3)),
               WithinRel(1000000.0 / 1001, 1e-12));
    // The same, seven equal components: from E by a, b, c or g; a and g lead to S, b and c by f
    // and then e or d to S.
    double const l = 1e-4;
    auto const a = never_repaired("a", l), b = never_repaired("b", l), c = never_repaired("c", l),
               d = never_repaired("d", l), e = never_repaired("e", l), f = never_repaired("f", l),
               g = never_repaired("g", l);
    auto const seven = a | g | ((b | c) & f & (e | d));
    CHECK_THAT(mttf(seven), WithinRel(331000.0 / 21, 1e-12));
    CHECK_THAT(down_without_repair(diagram(fault_tree_of(seven)), 1000).no,
               WithinRel(0.998990476784623, 1e-14));
    CHECK_THAT(down_without_repair(diagram(fault_tree_of(a)), 100).no,
               WithinRel(0.990049833749168, 1e-14));
    // Storm, TestBdd.cpp: rate ln 2.
    double const h = std::log(2.0);
    auto const p = never_repaired("p", h), q = never_repaired("q", h), r = never_repaired("r", h),
               s = never_repaired("s", h);
    CHECK_THAT(mttf(p | q), WithinRel(2.164042561, 1e-9));
    CHECK_THAT(mttf(p & q), WithinRel(0.7213475204, 1e-9));
    CHECK_THAT(mttf((p & q) | (r & s)), WithinRel(1.082021281, 1e-9));
    CHECK_THAT(mttf(k_of_n(3, p, q, r, s)), WithinRel(0.8415721072, 1e-9));
    // Storm, DftModelCheckerTest.cpp: static trees.
    CHECK_THAT(mttf(never_repaired("x", .5) | never_repaired("y", .5)), WithinRel(3.0, 1e-12));
    CHECK_THAT(mttf(never_repaired("x", .5) & never_repaired("y", .5)), WithinRel(1.0, 1e-12));
    auto const x = never_repaired("x", .1), y = never_repaired("y", .2),
               z = never_repaired("z", .3);
    CHECK_THAT(mttf(x & y & z), WithinRel(5.0 / 3, 1e-12));
    auto const v = never_repaired("v", .3), w = never_repaired("w", .4), u = never_repaired("u", 1);
    CHECK_THAT(mttf(k_of_n(2, v, w, u)), WithinRel(2685.0 / 1547, 1e-12));
}

TEST_CASE("mean_time_to_failure: rates may differ by any factor", "[availability]")
{
    for (double slow : {1e-3, 1e-9, 1e-20}) {
        auto const system = never_repaired("slow", slow) | never_repaired("fast", 1.0);
        // E max = 1/a + 1/b - 1/(a + b)
        CHECK_THAT(mean_time_to_failure(diagram(fault_tree_of(system))),
                   WithinRel(1 / slow + 1 - 1 / (1 + slow), 1e-12));
    }
    std::vector<std::string> names;
    for (int i = 0; i < 100; ++i) {
        names.push_back(std::to_string(i));
    }
    std::vector<component> parts;
    double harmonic = 0;
    for (auto const& name : names) {
        parts.emplace_back(name, rate::per_hour(1));
        harmonic += 1.0 / static_cast<double>(parts.size());
    }
    CHECK_THAT(mean_time_to_failure(diagram(fault_tree_of(any_of(parts)))),
               WithinRel(harmonic, 1e-12));
}

TEST_CASE("mean_time_to_failure: never, at once, and not at all", "[availability]")
{
    auto const a = never_repaired("a", 1), never = never_repaired("never", 0);
    CHECK(mean_time_to_failure(diagram(fault_tree_of(a | never))) ==
          std::numeric_limits<double>::infinity());
    fault_tree tree;
    tree.set_top(tree.add_constant(true));
    CHECK(mean_time_to_failure(diagram(tree)) == 0);
    CHECK(message_of<std::invalid_argument>([&] {
              mean_time_to_failure(diagram(fault_tree_of(a ^ never)));
          }).find("negations") != std::string::npos);
    component const c("c", unavailability(0.1));
    CHECK(message_of<std::invalid_argument>([&] {
              mean_time_to_failure(diagram(fault_tree_of(c & a)));
          }) == "event 'c' has no failure rate");
}
