// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Event trees: what follows an initiating event branches on what works and what fails. A sequence is
// the conjunction of its branches, so that the structure part calculates it exactly, with components
// that several branches share. SCRAM, bench_attack.cc, bench_gas_leak.cc, risk_analysis_tests.cc.

#include "availability/support.hpp"
#include <perdure/availability/structure/chance.hpp>
#include <perdure/availability/structure/diagram.hpp>
#include <perdure/availability/structure/expression.hpp>
#include <perdure/availability/structure/fault_tree_of.hpp>

#include <array>

using namespace perdure::availability;
using namespace perdure::tests;

TEST_CASE("structure T-F23: event trees whose branches have chances of their own", "[availability]")
{
    // attack: denied with 0.2, else detected with 0.7 and then interdicted with 0.05.
    chance const stopped = choose(.2, 1, choose(.7, .05, 0));
    CHECK_THAT((!stopped).yes, WithinRel(0.772, 1e-15));
    CHECK_THAT(stopped.yes, WithinRel(0.228, 1e-15));
    // bcd: the last branch depends on the way to it.
    chance const success = choose(.1, choose(.8, .9, .9), choose(.6, .6, .5));
    CHECK_THAT(success.yes, WithinRel(0.594, 1e-15));
    CHECK_THAT(success.no, WithinRel(0.406, 1e-15));
}

TEST_CASE("structure T-F23: an event tree whose branches share components", "[availability]")
{
    // A gas leak, Andrews and Dunnett 2000: two valves that isolate it and one that blows down, on
    // common relays and solenoids.
    auto const unit = [](char const* name) { return event(name, probability(.05)); };
    auto const relays = unit("RC1");
    auto const solenoids = unit("SOLA") & unit("SOLB");
    auto const a = unit("IVALA") | relays | solenoids;
    auto const b = unit("IVALB") | relays | solenoids;
    auto const blow = unit("BDVAL") | relays | (unit("SOLC") & unit("SOLD"));
    auto const exact = [](auto const& sequence) {
        double const p = diagram(fault_tree_of(sequence)).evaluate().yes;
        CHECK_THAT(sequence.evaluate().yes, WithinRel(p, 1e-12));
        return p;
    };
    std::array const sequences{
        exact((!a) & !b & !blow), exact((!a) & !b & blow), exact((!a) & b & !blow),
        exact((!a) & b & blow),   exact(a & !b & !blow),   exact(a & !b & blow),
        exact(a & b & !blow),     exact(a & b & blow)};
    std::array const printed{"0.81044", "0.04479", "0.04265", "2.36e-3",
                             "0.04265", "2.36e-3", "4.5e-3",  "0.05025"};
    double all = 0;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        CAPTURE(i);
        // SCRAM allows 1e-5, which its last digits need.
        CHECK_THAT(sequences[i], WithinAbs(published{printed[i]}.value(), 1e-5));
        all += sequences[i];
    }
    CHECK_THAT(all, WithinRel(1., 1e-15)); // one of them comes
}
