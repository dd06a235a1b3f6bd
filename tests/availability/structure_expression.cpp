// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/structure/diagram.hpp>
#include <perdure/availability/structure/expression.hpp>
#include <perdure/availability/structure/fault_tree_of.hpp>

#include <string>
#include <vector>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::WithinRel;

namespace {

constexpr component a("a", unavailability(1e-3)), b("b", unavailability(2e-3)),
    c("c", unavailability(0.1)), d("d", unavailability(0.2)), e("e", unavailability(0.3));

// The issue's own sentence compiles.
constexpr auto service = (a & b) | k_of_n(2, c, d, e);
static_assert(unavailability(service) <= 1e-3);
static_assert(whole_nines(service) == 3);
static_assert(!service.shares());
static_assert(((a & b) | (a & c)).shares());

} // namespace

TEST_CASE("expression: a block diagram is evaluated in terms of unavailability", "[availability]")
{
    double const two_of_three =
        0.1 * 0.2 * 0.7 + 0.1 * 0.8 * 0.3 + 0.9 * 0.2 * 0.3 + 0.1 * 0.2 * 0.3;
    CHECK_THAT(service.evaluate().no, WithinRel((1e-3 + 2e-3 - 2e-6) * two_of_three, 1e-15));
    CHECK_THAT(unavailability(a & b).value(), WithinRel(1e-3 + 2e-3 - 2e-6, 1e-15));
    CHECK_THAT((a | b).evaluate().no, WithinRel(2e-6, 1e-15));
    constexpr component x("x", unavailability(1e-17)), y("y", unavailability(1e-18));
    CHECK((x & y).evaluate().no == 1.1e-17);
    CHECK_THAT((x | y).evaluate().no, WithinRel(1e-35, 1e-15));
    CHECK_THAT((x ^ y).evaluate().yes, WithinRel(1.1e-17, 1e-15));
    CHECK((!x).evaluate().yes == 1e-17);
    CHECK(k_of_n(0, x, y).evaluate() == chance(1, 0));
}

TEST_CASE("expression: one name is one component", "[availability]")
{
    // a & (b | c), written with a twice.
    auto const twice = (a & b) | (a & c);
    auto const once = a & (b | c);
    CHECK_THAT(twice.evaluate().no, WithinRel(once.evaluate().no, 1e-15));
    CHECK_THAT(twice.evaluate().yes, WithinRel(once.evaluate().yes, 1e-15));
    static_assert(unavailability((a & b) | (a & c)) <= 1.21e-3);
    CHECK((a | !a).evaluate() == chance(1, 0));
    CHECK((a & !a).evaluate() == chance(0, 1));
    CHECK((a ^ a).evaluate() == chance(0, 1));
    CHECK_THAT((a & a & a).evaluate().no, WithinRel(1e-3, 1e-15));

    component const other("a", unavailability(0.5));
    CHECK(message_of<std::invalid_argument>([&] { return (a & other).evaluate(); }) ==
          "'a' is used twice with different numbers; one name is one thing");
    CHECK(message_of<std::invalid_argument>([] {
              component("", unavailability(0.5));
          }).find("name") != std::string::npos);
}

TEST_CASE("expression: many shared names are for a diagram", "[availability]")
{
    std::vector<component> parts;
    std::vector<std::string> names;
    for (int i = 0; i < 40; ++i) {
        names.push_back("part " + std::to_string(i));
    }
    for (auto const& name : names) {
        parts.emplace_back(name, unavailability(0.01));
    }
    auto const all = all_of(parts);
    auto const none_shared = any_of(std::vector{all});
    CHECK_THAT(none_shared.evaluate().no, WithinRel(1 - std::pow(0.99, 40), 1e-13));
    auto const twice = all & k_of_n(10, parts);
    CHECK(message_of<std::length_error>([&] { return twice.evaluate(); }).find("use a diagram") !=
          std::string::npos);
    CHECK_THAT(diagram(fault_tree_of(twice)).evaluate().yes, WithinRel(all.evaluate().no, 1e-14));
}

TEST_CASE("expression: ranges are parts too", "[availability]")
{
    std::vector const replicas{c, d, e};
    CHECK(k_of_n(2, replicas).evaluate() == k_of_n(2, c, d, e).evaluate());
    CHECK(all_of(replicas).evaluate() == (c & d & e).evaluate());
    CHECK(any_of(replicas).evaluate() == (c | d | e).evaluate());
    CHECK(((a & b) | k_of_n(2, replicas)).evaluate() == service.evaluate());
    CHECK(message_of<std::invalid_argument>([&] { k_of_n(4, replicas); }) ==
          "k of k_of_n is 4; it must not exceed the number of parts");
    CHECK(message_of<std::invalid_argument>([&] { k_of_n(4, c, d, e); }) ==
          "k of k_of_n is 4; it must not exceed the number of parts");
    CHECK(message_of<std::invalid_argument>([] { all_of(std::vector<component>()); }) ==
          "a gate '' over no parts; it needs at least one");
}

TEST_CASE("expression: the failure of a block diagram is a fault tree", "[availability]")
{
    auto const parity = (a ^ b) | ((!(c ^ d)) & e);
    for (bool odd : {false, true}) {
        auto const down = odd ? failed(parity).evaluate() : failed(service).evaluate();
        auto const up = odd ? parity.evaluate() : service.evaluate();
        CHECK_THAT(down.yes, WithinRel(up.no, 1e-15));
        CHECK_THAT(down.no, WithinRel(up.yes, 1e-15));
        auto const tree = odd ? fault_tree_of(parity) : fault_tree_of(service);
        CHECK_THAT(diagram(tree).evaluate().yes, WithinRel(up.no, 1e-15));
        CHECK_THAT(diagram(tree).evaluate().no, WithinRel(up.yes, 1e-15));
    }
    // A service below a fault tree of a site.
    event const power("power", probability(1e-6));
    auto const site = power | failed(service);
    CHECK_THAT(unavailability(site).value(),
               WithinRel(1e-6 + unavailability(service).value() * (1 - 1e-6), 1e-15));
    CHECK(diagram(fault_tree_of(failed(k_of_n(0, a, b)))).evaluate() == chance(0, 1));
}

TEST_CASE("expression: the state at a time needs rates", "[availability]")
{
    constexpr component server("server", two_state(mtbf(720h), mttr(1h)));
    constexpr component disk("disk", rate::per_hour(1e-5));
    static_assert(unavailability(server) <= 1.0 / 721 * 1.0000001);
    auto const both_parts = server & disk;
    double const u = server.at(10h).value();
    CHECK_THAT(both_parts.at(10h).value(), WithinRel(u + (1 - u) * -std::expm1(-1e-4), 1e-14));
    CHECK(both_parts.steady_state() == 1.0);
    CHECK_THAT(event("server", two_state(mtbf(720h), mttr(1h))).at(10h).value(),
               WithinRel(u, 1e-15));
    CHECK(message_of<std::invalid_argument>([&] { return (server & a).at(1h); }) ==
          "'a' has no failure rate; give it a two_state model or a rate");
}

TEST_CASE("expression: published block diagrams", "[availability]")
{
    // ReliaWiki, "RBDs and Analytical System Reliability": 0.995, 0.987, 0.973 in series 95.55 %,
    // in parallel 1.755e-6.
    component const r1("r1", unavailability(0.005)), r2("r2", unavailability(0.013)),
        r3("r3", unavailability(0.027));
    CHECK_THAT((r1 & r2 & r3).evaluate().yes, WithinRel(0.955549245, 1e-12));
    CHECK_THAT((r1 | r2 | r3).evaluate().no, WithinRel(1.755e-6, 1e-14));
    // Redundant server (schematex.js.org): power supply 0.99, two disks 0.95, two of three fans
    // 0.97: 0.98491.
    component const psu("psu", unavailability(0.01)), m1("m1", unavailability(0.05)),
        m2("m2", unavailability(0.05)), f1("f1", unavailability(0.03)),
        f2("f2", unavailability(0.03)), f3("f3", unavailability(0.03));
    CHECK_THAT((psu & (m1 | m2) & k_of_n(2, f1, f2, f3)).evaluate().yes,
               WithinRel(0.9849120089, 1e-10));
    // Majorities of nodes that are up 99 %, 99.9 %, 90 % of the time (closed form).
    struct row {
        double u;
        std::size_t n;
        double expected;
    };
    for (auto const& r : {row{0.01, 3, 2.98e-4}, row{0.01, 5, 9.8506e-6}, row{0.001, 3, 2.998e-6},
                          row{0.001, 5, 9.985006e-9}, row{0.001, 7, 3.491606998e-11},
                          row{0.1, 3, 0.028}, row{0.1, 5, 0.00856}, row{0.1, 7, 0.002728}}) {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < r.n; ++i) {
            names.push_back(std::to_string(i));
        }
        std::vector<component> nodes;
        for (auto const& name : names) {
            nodes.emplace_back(name, unavailability(r.u));
        }
        CAPTURE(r.u, r.n);
        CHECK_THAT(k_of_n(r.n / 2 + 1, nodes).evaluate().no, WithinRel(r.expected, 1e-9));
    }
    // Amazon's Reliability Pillar: a service of 99.99 % with two hard dependencies of 99.99 %:
    // 99.97 %.
    component const s("s", unavailability(1e-4)), p("p", unavailability(1e-4)),
        q("q", unavailability(1e-4));
    CHECK_THAT((s & p & q).evaluate().yes, WithinRel(0.999700029999, 1e-14));
}
