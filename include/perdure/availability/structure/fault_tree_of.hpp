// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_FAULT_TREE_OF_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_FAULT_TREE_OF_HPP

#include <perdure/availability/structure/expression.hpp>
#include <perdure/availability/structure/fault_tree.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace perdure::availability {

/** The fault tree of an expression; of a block diagram the tree of its failure. Names are copied. Rates are in events per
 *  hour.
 */
template <std::size_t N>
fault_tree fault_tree_of(expression<sense::happens, N> const& e)
{
    fault_tree tree;
    std::vector<fault_tree::node> stack;
    for (auto const& step : e.steps()) {
        std::string name(step.name);
        if (step.kind == node_kind::event) {
            basic_event leaf{std::move(name), step.value};
            if (step.has_rates) {
                leaf.failures = step.failures.per_hour();
                leaf.repairs = step.repairs.per_hour();
            }
            stack.push_back(tree.add_event(std::move(leaf)));
            continue;
        }
        std::vector<fault_tree::node> const inputs(stack.end() - step.inputs, stack.end());
        stack.resize(stack.size() - step.inputs);
        if (step.inputs == 1 && !name.empty() && tree.kind(inputs.front()) != node_kind::event &&
            tree.name(inputs.front()).empty()) {
            tree.set_name(inputs.front(), std::move(name)); // named()
            stack.push_back(inputs.front());
            continue;
        }
        switch (step.kind) {
        case node_kind::all_of:
            stack.push_back(tree.all_of(inputs, std::move(name)));
            break;
        case node_kind::any_of:
            stack.push_back(tree.any_of(inputs, std::move(name)));
            break;
        case node_kind::at_least:
            // The dual of "0 of n" asks for more than there are: never.
            stack.push_back(step.threshold > inputs.size()
                                ? tree.add_constant(false)
                                : tree.at_least(step.threshold, inputs, std::move(name)));
            break;
        case node_kind::odd:
            stack.push_back(tree.odd(inputs, step.even ? std::string() : name));
            if (step.even) {
                stack.back() = tree.negation(stack.back(), std::move(name));
            }
            break;
        case node_kind::negation:
            stack.push_back(tree.negation(inputs.front(), std::move(name)));
            break;
        case node_kind::constant:
        case node_kind::event:
            break;
        }
    }
    tree.set_top(stack.back());
    return tree;
}
template <std::size_t N>
fault_tree fault_tree_of(expression<sense::works, N> const& e)
{
    return fault_tree_of(failed(e));
}

} // namespace perdure::availability

#endif
