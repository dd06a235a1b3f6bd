// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/structure_support.hpp"
#include <perdure/availability/structure/fault_tree_of.hpp>
#include <perdure/availability/structure/importance.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;

namespace {

double constexpr infinity = std::numeric_limits<double>::infinity();

} // namespace

TEST_CASE("importances: agree with re-evaluation for every event", "[availability]")
{
    auto const seed = Catch::rngSeed();
    for (std::size_t round = 0; round < 300; ++round) {
        CAPTURE(seed, round);
        random_numbers random(seed + round);
        auto const tree =
            random_tree(random, 2 + random.below(25), 2 + random.below(40), round % 2 == 0);
        diagram const d(tree);
        auto const chances = tree.chances();
        auto const x = importances(d);
        double const p = d.evaluate().yes;
        for (std::size_t i = 0; i < chances.size(); ++i) {
            CAPTURE(i);
            auto with = chances;
            auto without = chances;
            with[i] = chance(1, 0);
            without[i] = chance(0, 1);
            double const p1 = d.evaluate(with).yes;
            double const p0 = d.evaluate(without).yes;
            double const larger = std::max(p1, p0);
            REQUIRE(std::abs(x[i].birnbaum - (p1 - p0)) <= 1e-13 * larger);
            REQUIRE(std::abs(x[i].given - p1) <= 1e-12 * p1);
            REQUIRE(std::abs(x[i].given_not - p0) <= 1e-12 * p0);
            if (p > 0 && p0 > 0) {
                REQUIRE_THAT(x[i].achievement_worth, WithinRel(p1 / p, 1e-12));
                REQUIRE_THAT(x[i].reduction_worth, WithinRel(p / p0, 1e-12));
                REQUIRE_THAT(x[i].diagnostic, WithinRel(chances[i].yes * p1 / p, 1e-12));
            }
        }
    }
}

TEST_CASE("importances: two trains (SCRAM, risk_analysis_tests.cc)", "[availability]")
{
    // (valve one or pump one) and (valve two or pump two); columns as SCRAM names them.
    event const v1("ValveOne", probability(0.4)), v2("ValveTwo", probability(0.5)),
        p1("PumpOne", probability(0.6)), p2("PumpTwo", probability(0.7));
    diagram const d(fault_tree_of((v1 | p1) & (v2 | p2)));
    CHECK_THAT(d.evaluate().yes, WithinRel(0.646, 1e-14));
    struct row {
        char const* mif;
        char const* cif;
        char const* dif;
        char const* raw;
        char const* rrw;
    };
    row const rows[] = {{"0.34", "0.2105", "0.5263", "1.316", "1.267"},
                        {"0.51", "0.4737", "0.7895", "1.316", "1.9"},
                        {"0.228", "0.1765", "0.5882", "1.176", "1.214"},
                        {"0.38", "0.4118", "0.8235", "1.176", "1.7"}};
    auto const x = importances(d);
    for (std::size_t i = 0; i < 4; ++i) {
        CAPTURE(d.events()[i].name);
        CHECK(published{rows[i].mif}.agrees(x[i].birnbaum));
        CHECK(published{rows[i].cif}.agrees(x[i].criticality));
        CHECK(published{rows[i].dif}.agrees(x[i].diagnostic));
        CHECK(published{rows[i].raw}.agrees(x[i].achievement_worth));
        CHECK(published{rows[i].rrw}.agrees(x[i].reduction_worth));
    }
}

TEST_CASE("importances: equal halves (Storm, TestBdd.cpp)", "[availability]")
{
    event const e1("x1", probability(0.5)), e2("x2", probability(0.5)), e3("x3", probability(0.5)),
        e4("x4", probability(0.5));
    struct expected {
        double p, mif, cif, dif, raw, rrw;
    };
    auto const check = [](auto const& expression, expected const& e) {
        diagram const d(fault_tree_of(expression));
        CHECK_THAT(d.evaluate().yes, WithinRel(e.p, 1e-14));
        for (auto const& x : importances(d)) {
            CHECK_THAT(x.birnbaum, WithinRel(e.mif, 1e-14));
            CHECK_THAT(x.criticality, WithinRel(e.cif, 1e-6));
            CHECK_THAT(x.diagnostic, WithinRel(e.dif, 1e-6));
            CHECK_THAT(x.achievement_worth, WithinRel(e.raw, 1e-6));
            CHECK((x.reduction_worth == e.rrw || std::abs(x.reduction_worth / e.rrw - 1) < 1e-6));
        }
    };
    check(e1 & e2, {0.25, 0.5, 1, 1, 2, infinity});
    check(e1 | e2, {0.75, 0.5, 1. / 3, 2. / 3, 4. / 3, 1.5});
    check((e1 | e2) & (e3 | e4), {0.5625, 0.375, 1. / 3, 2. / 3, 4. / 3, 1.5});
    check(k_of_n(2, e1, e2, e3, e4), {0.6875, 0.375, 0.272727, 0.636364, 1.272727, 1.375});

    // Six events of several rates at t = 1.
    auto const by = [](double r) { return probability(-std::expm1(-r)); };
    double const ln2 = std::log(2.);
    event const x1("x1", by(ln2)), x2("x2", by(ln2)), x3("x3", by(.2)), x4("x4", by(ln2)),
        x5("x5", by(.6)), x6("x6", by(1));
    diagram const mix(fault_tree_of(x1 & (x2 | x3) & (x4 | x5 | x6)));
    CHECK(published{".2655055433"}.agrees(mix.evaluate().yes));
    auto const mixed = importances(mix);
    char const* const birnbaum[] = {".531011", ".368041", ".224763", ".0596235", ".0543206", ".0810368"};
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(published{birnbaum[i]}.agrees(mixed[i].birnbaum));
    }
}

TEST_CASE("importances: events in every cut set, and irrelevant ones", "[availability]")
{
    fault_tree tree;
    auto const a = tree.add_event("a", 1e-9), b = tree.add_event("b", 1e-12);
    tree.add_event("unused", 0.5);
    tree.set_top(tree.all_of(std::vector{a, b}));
    auto const x = importances(diagram(tree));
    CHECK(x[0].birnbaum == 1e-12);
    CHECK(x[0].given_not == 0);
    CHECK(x[0].reduction_worth == infinity);
    CHECK_THAT(x[0].criticality, WithinRel(1.0, 1e-15));
    CHECK(x[2].birnbaum == 0);
    CHECK(x[2].achievement_worth == 1);
    CHECK(x[2].reduction_worth == 1);

    tree.set_top(tree.add_constant(false));
    auto const never = importances(diagram(tree));
    CHECK(never[0].birnbaum == 0);
}

TEST_CASE("structural_importances: a majority of three", "[availability]")
{
    event const a("a", probability(0.1)), b("b", probability(0.2)), c("c", probability(0.3));
    for (double x : structural_importances(diagram(fault_tree_of(k_of_n(2, a, b, c))))) {
        CHECK_THAT(x, WithinRel(0.5, 1e-15)); // the other two disagree in two of four states
    }
}
