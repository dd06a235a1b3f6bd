// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_EXPRESSION_STEPS_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_EXPRESSION_STEPS_HPP

#include <perdure/availability/structure/chance.hpp>
#include <perdure/availability/structure/node_kind.hpp>
#include <perdure/availability/two_state.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::availability::detail {

/// One step of an expression in postfix order: a leaf, or a gate over the results of the steps before it.
struct expression_step {
    node_kind kind = node_kind::event;
    bool even = false;      ///< of odd: the opposite
    bool has_rates = false; ///< of a leaf
    std::uint32_t inputs = 0;
    std::uint32_t threshold = 0;
    std::string_view name;
    chance value; ///< of a leaf: the chance that it is true
    rate failures;
    rate repairs;
};

[[noreturn]] inline void refuse_name(char const* before, std::string_view name, char const* after)
{
    throw std::invalid_argument(before + std::string(name) + after);
}

constexpr expression_step leaf(std::string_view name, chance value)
{
    if (name.empty()) {
        refuse_name("a component or event has the name '", name,
                    "'; the name is what tells them apart and cannot be empty");
    }
    expression_step step;
    step.name = name;
    step.value = value;
    return step;
}
constexpr expression_step leaf(std::string_view name, chance value, rate failures, rate repairs)
{
    auto step = leaf(name, value);
    step.has_rates = true;
    step.failures = failures;
    step.repairs = repairs;
    return step;
}
constexpr expression_step gate(node_kind kind)
{
    expression_step step;
    step.kind = kind;
    return step;
}
constexpr void check_threshold(expression_step const& gate)
{
    if (gate.inputs == 0) {
        refuse_name("a gate '", gate.name, "' over no parts; it needs at least one");
    }
    if (gate.kind == node_kind::at_least) {
        require(gate.threshold <= gate.inputs, "k of k_of_n", gate.threshold,
                "it must not exceed the number of parts");
    }
}
constexpr expression_step gate(node_kind kind, std::size_t threshold, std::size_t inputs)
{
    auto step = gate(kind);
    step.threshold = static_cast<std::uint32_t>(threshold);
    step.inputs = static_cast<std::uint32_t>(inputs);
    check_threshold(step);
    return step;
}

/// The step that says of failures what `step` says of working.
constexpr expression_step dual(expression_step step)
{
    switch (step.kind) {
    case node_kind::event:
        step.value = !step.value;
        break;
    case node_kind::all_of:
        step.kind = node_kind::any_of;
        break;
    case node_kind::any_of:
        step.kind = node_kind::all_of;
        break;
    case node_kind::at_least: // fewer than k work: n - k + 1 have failed
        step.threshold = step.inputs - step.threshold + 1;
        break;
    case node_kind::odd: // not(not a xor not b) = not(a xor b)
        step.even = !step.even;
        break;
    case node_kind::constant:
    case node_kind::negation:
        break;
    }
    return step;
}

constexpr two_state model_of(expression_step const& leaf)
{
    if (!leaf.has_rates) {
        refuse_name("'", leaf.name, "' has no failure rate; give it a two_state model or a rate");
    }
    return {leaf.failures, leaf.repairs};
}

constexpr void check_same(expression_step const& a, expression_step const& b)
{
    if (a.value != b.value || a.has_rates != b.has_rates || a.failures != b.failures ||
        a.repairs != b.repairs) {
        refuse_name("'", a.name, "' is used twice with different numbers; one name is one thing");
    }
}

/// Whether a name of a leaf occurs twice. @throws std::invalid_argument if it does with different numbers.
constexpr bool shares_names(std::span<expression_step const> steps)
{
    bool shared = false;
    if (steps.size() <= 64) {
        for (std::size_t i = 0; i < steps.size(); ++i) {
            for (std::size_t j = 0; steps[i].kind == node_kind::event && j < i; ++j) {
                if (steps[j].kind == node_kind::event && steps[i].name == steps[j].name) {
                    check_same(steps[i], steps[j]);
                    shared = true;
                }
            }
        }
        return shared;
    }
    std::vector<expression_step const*> leaves;
    for (auto const& step : steps) {
        if (step.kind == node_kind::event) {
            leaves.push_back(&step);
        }
    }
    std::sort(leaves.begin(), leaves.end(),
              [](auto const* a, auto const* b) { return a->name < b->name; });
    for (std::size_t i = 1; i < leaves.size(); ++i) {
        if (leaves[i]->name == leaves[i - 1]->name) {
            check_same(*leaves[i], *leaves[i - 1]);
            shared = true;
        }
    }
    return shared;
}

constexpr chance evaluate_gate(expression_step const& gate, std::span<chance const> inputs,
                               std::span<double> ways)
{
    chance result = inputs[0];
    switch (gate.kind) {
    case node_kind::all_of:
        for (std::size_t i = 1; i < inputs.size(); ++i) {
            result = both(result, inputs[i]);
        }
        return result;
    case node_kind::any_of:
        for (std::size_t i = 1; i < inputs.size(); ++i) {
            result = either(result, inputs[i]);
        }
        return result;
    case node_kind::odd:
        for (std::size_t i = 1; i < inputs.size(); ++i) {
            result = exactly_one(result, inputs[i]);
        }
        return gate.even ? !result : result;
    case node_kind::negation:
        return !result;
    case node_kind::at_least:
        if (gate.threshold == 0) {
            return {1, 0};
        }
        return gate.threshold > inputs.size() ? chance(0, 1)
                                              : at_least(gate.threshold, inputs, ways);
    case node_kind::constant:
    case node_kind::event:
        break;
    }
    return result;
}

template <class LeafChance>
constexpr chance evaluate_independent(std::span<expression_step const> steps,
                                      LeafChance const& leaf_chance, std::span<chance> stack,
                                      std::span<double> ways)
{
    std::size_t used = 0;
    for (auto const& step : steps) {
        if (step.kind == node_kind::event) {
            stack[used++] = leaf_chance(step);
        } else {
            used -= step.inputs;
            stack[used] = evaluate_gate(step, stack.subspan(used, step.inputs), ways);
            ++used;
        }
    }
    return stack[0];
}

template <class LeafChance>
constexpr chance evaluate_steps(std::span<expression_step const> steps, bool shares,
                                LeafChance const& leaf_chance, std::span<chance> stack,
                                std::span<double> ways)
{
    if (!shares) {
        return evaluate_independent(steps, leaf_chance, stack, ways);
    }
    // Shannon's expansion over the names that occur twice: under each assignment of them the rest is independent.
    constexpr std::size_t shared_max = 16;
    std::array<expression_step const*, shared_max> shared{};
    std::size_t count = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (steps[i].kind != node_kind::event) {
            continue;
        }
        bool before = false;
        bool after = false;
        for (std::size_t j = 0; j < steps.size() && !before; ++j) {
            bool const same =
                j != i && steps[j].kind == node_kind::event && steps[j].name == steps[i].name;
            before = same && j < i;
            after = after || same;
        }
        if (after && !before) {
            if (count == shared_max) {
                throw std::length_error(
                    "more than 16 names occur twice in an expression; use a diagram, which has no "
                    "such limit");
            }
            shared[count++] = &steps[i];
        }
    }
    chance result(0, 0);
    for (std::size_t assignment = 0; assignment < std::size_t{1} << count; ++assignment) {
        double weight = 1;
        for (std::size_t k = 0; k < count; ++k) {
            chance const c = leaf_chance(*shared[k]);
            weight *= (assignment >> k & 1) != 0 ? c.yes : c.no;
        }
        if (weight == 0) {
            continue;
        }
        auto const assigned = [&](expression_step const& step) {
            for (std::size_t k = 0; k < count; ++k) {
                if (shared[k]->name == step.name) {
                    return (assignment >> k & 1) != 0 ? chance(1, 0) : chance(0, 1);
                }
            }
            return chance(leaf_chance(step));
        };
        chance const c = evaluate_independent(steps, assigned, stack, ways);
        result.yes += weight * c.yes;
        result.no += weight * c.no;
    }
    return result;
}

} // namespace perdure::availability::detail

#endif
