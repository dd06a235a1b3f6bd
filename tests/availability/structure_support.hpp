// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_AVAILABILITY_STRUCTURE_SUPPORT_HPP
#define PERDURE_TESTS_AVAILABILITY_STRUCTURE_SUPPORT_HPP

#include "availability/support.hpp"
#include <perdure/availability/structure/fault_tree.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace perdure::tests {

using availability::chance;
using availability::fault_tree;
using availability::node_kind;

/// Whether the top happens when the events in `state` (one bit each) do.
inline bool happens(fault_tree const& tree, std::uint64_t state)
{
    std::vector<bool> so(tree.size());
    for (std::uint32_t i = 0; i < tree.size(); ++i) {
        fault_tree::node const n{i};
        std::size_t count = 0;
        for (auto const input : tree.inputs(n)) {
            count += so[input.index] ? 1U : 0U;
        }
        switch (tree.kind(n)) {
        case node_kind::constant:
            so[i] = tree.threshold(n) != 0;
            break;
        case node_kind::event:
            so[i] = (state >> tree.event(n) & 1) != 0;
            break;
        case node_kind::all_of:
            so[i] = count == tree.inputs(n).size();
            break;
        case node_kind::any_of:
            so[i] = count > 0;
            break;
        case node_kind::at_least:
            so[i] = count >= tree.threshold(n);
            break;
        case node_kind::odd:
            so[i] = count % 2 == 1;
            break;
        case node_kind::negation:
            so[i] = count == 0;
            break;
        }
    }
    return so[tree.top().index];
}

/// The top's chance by adding up all states, in long double.
inline chance by_enumeration(fault_tree const& tree, std::vector<chance> const& chances)
{
    long double yes = 0;
    long double no = 0;
    for (std::uint64_t state = 0; state < std::uint64_t{1} << chances.size(); ++state) {
        long double weight = 1;
        for (std::size_t i = 0; i < chances.size(); ++i) {
            weight *=
                static_cast<long double>((state >> i & 1) != 0 ? chances[i].yes : chances[i].no);
        }
        (happens(tree, state) ? yes : no) += weight;
    }
    return {static_cast<double>(yes), static_cast<double>(no)};
}

/// A random tree whose gates share inputs.
inline fault_tree random_tree(random_numbers& random, std::size_t events, std::size_t gates,
                              bool monotone)
{
    fault_tree tree;
    std::vector<fault_tree::node> nodes;
    for (std::size_t i = 0; i < events; ++i) {
        // Probabilities from 1e-12 to 1.
        double const p = std::pow(10.0, -12 * random.uniform() * random.uniform());
        nodes.push_back(tree.add_event("e" + std::to_string(i), p));
    }
    for (std::size_t i = 0; i < gates; ++i) {
        std::vector<fault_tree::node> inputs;
        auto const n = 1 + random.below(4);
        for (std::size_t k = 0; k < n; ++k) {
            // Later nodes more often, so that the top sees most of the tree.
            auto const from = random.below(2) == 0 ? 0 : nodes.size() * 2 / 3;
            inputs.push_back(nodes[from + random.below(nodes.size() - from)]);
        }
        std::string const name = "g" + std::to_string(i);
        switch (random.below(monotone ? 5 : 8)) {
        case 0:
        case 1:
            nodes.push_back(tree.all_of(inputs, name));
            break;
        case 2:
        case 3:
            nodes.push_back(tree.any_of(inputs, name));
            break;
        case 4:
            nodes.push_back(
                tree.at_least(static_cast<std::uint32_t>(random.below(n + 1)), inputs, name));
            break;
        case 5:
            nodes.push_back(tree.odd(inputs, name));
            break;
        case 6:
            nodes.push_back(tree.add_constant(random.below(2) == 0));
            break;
        default:
            nodes.push_back(tree.negation(inputs.front(), name));
            break;
        }
    }
    std::vector<fault_tree::node> const last(nodes.end() - 3, nodes.end());
    tree.set_top(random.below(2) == 0 ? tree.any_of(last, "top") : tree.all_of(last, "top"));
    return tree;
}

/// A seed that the test prints when it fails.
inline std::uint64_t test_seed()
{
    return Catch::rngSeed();
}

} // namespace perdure::tests

#endif
