// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/structure/fault_tree.hpp>

#include <limits>
#include <string>
#include <vector>

using namespace perdure::availability;
using perdure::tests::message_of;

TEST_CASE("fault_tree: a name is one event", "[availability]")
{
    fault_tree tree;
    auto const a = tree.add_event("a", 0.1);
    CHECK(tree.add_event("a", 0.1) == a);
    CHECK(tree.events().size() == 1);
    CHECK(message_of<std::invalid_argument>([&] { tree.add_event("a", 0.2); }) ==
          "event 'a' is used twice with different numbers; one name is one event");
    CHECK(message_of<std::invalid_argument>([&] {
              tree.add_event({"a", 0.1, 1e-3});
          }) == "event 'a' is used twice with different numbers; one name is one event");
    CHECK(tree.event("a") == 0);
    CHECK(message_of<std::invalid_argument>([&] { (void)tree.event("b"); }) ==
          "there is no event 'b'");
}

TEST_CASE("fault_tree: refuses what cannot be, by name", "[availability]")
{
    fault_tree tree;
    auto const a = tree.add_event("a", 0.1);
    double const nan = std::numeric_limits<double>::quiet_NaN();
    for (double p : {-0.1, 1.1, nan}) {
        CHECK(message_of<std::invalid_argument>([&] {
                  tree.add_event("b", p);
              }).find("event 'b'") == 0);
    }
    CHECK(message_of<std::invalid_argument>([&] {
              tree.add_event("b", chance(0.5, 0.4));
          }).find("add up to 1") != std::string::npos);
    CHECK(message_of<std::invalid_argument>([&] {
              tree.add_event({"b", 0.5, -1.0});
          }).find("event 'b' has the rate -1") == 0);
    CHECK(message_of<std::invalid_argument>([&] {
              tree.add_event({"b", 0.5, 1.0, std::numeric_limits<double>::infinity()});
          }).find("event 'b' has the rate inf") == 0);
    CHECK(message_of<std::invalid_argument>([&] { tree.add_event("", 0.5); }).find("no name") !=
          std::string::npos);
    CHECK(message_of<std::invalid_argument>([&] { tree.all_of({}, "g"); }) ==
          "gate 'g' has no inputs; it needs at least one");
    CHECK(message_of<std::invalid_argument>([&] { tree.at_least(2, std::vector{a}, "g"); }) ==
          "gate 'g' asks for 2 of 1 inputs; it can ask for as many as it has");
    CHECK(message_of<std::invalid_argument>([&] {
              tree.any_of(std::vector{a, fault_tree::node{7}}, "g");
          }) == "gate 'g' refers to node 7 of a tree that has 1");
    CHECK(message_of<std::invalid_argument>([&] { tree.set_top({9}); }) ==
          "the top refers to node 9 of a tree that has 1");
    // What was refused has left no trace.
    CHECK(tree.events().size() == 1);
    CHECK(tree.size() == 1);
}

TEST_CASE("fault_tree: inputs may come from the tree itself", "[availability]")
{
    fault_tree tree;
    std::vector<fault_tree::node> nodes;
    for (int i = 0; i < 100; ++i) {
        nodes.push_back(tree.add_event("e" + std::to_string(i), 0.5));
    }
    auto const g = tree.all_of(nodes);
    auto const h = tree.any_of(tree.inputs(g)); // the span must survive its own vector's growth
    CHECK(std::vector(tree.inputs(h).begin(), tree.inputs(h).end()) == nodes);
    CHECK(tree.top() == h);
}
