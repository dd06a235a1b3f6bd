// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_COMPILED_TREE_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_COMPILED_TREE_HPP

#include <perdure/availability/structure/detail/decision_diagram.hpp>
#include <perdure/availability/structure/detail/formula.hpp>
#include <perdure/availability/structure/detail/modules.hpp>
#include <perdure/availability/structure/detail/variable_order.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

/** A fault tree ready to be calculated with: its modules, inputs first, each a plain gate over independent inputs or a
 *  decision diagram.
 *
 *  A *slot* is an event (0 .. events - 1) or, after these, a unit. Every slot is an input of at most one unit.
 */
struct compiled_tree {
    /// A step of a diagram: high where the slot is so, low where not. Edges are 2 * node + 1 where complemented; 0 and 1 are
    /// true and false.
    struct step {
        std::uint32_t slot;
        std::uint32_t high;
        std::uint32_t low;
    };
    enum class unit_kind : std::uint8_t { all_of, any_of, at_least, diagram };
    struct unit {
        unit_kind kind = unit_kind::diagram;
        bool monotone = true;
        std::uint32_t threshold = 0; ///< of a diagram: its edge
        std::uint32_t begin = 0;     ///< of its slots in inputs
        std::uint32_t end = 0;
        std::uint32_t first_step = 0; ///< of a diagram: its steps are first_step .. last_step - 1
        std::uint32_t last_step = 0;
    };

    std::uint32_t events = 0;
    std::vector<unit> units;
    std::vector<std::uint32_t> inputs; ///< of a diagram in the order of its variables
    std::vector<step> steps{step{}};   ///< the first stands for the terminal
    literal top = 0;                   ///< 2 * slot + 1 where negated
    std::optional<bool> constant;
    bool monotone = true;

    [[nodiscard]] std::uint32_t slots() const
    {
        return events + static_cast<std::uint32_t>(units.size());
    }
    [[nodiscard]] std::span<std::uint32_t const> inputs_of(unit const& u) const
    {
        return std::span(inputs).subspan(u.begin, u.end - u.begin);
    }
};

class compiler {
public:
    /// Recursion in a diagram is as deep as it has variables.
    static constexpr std::size_t variables_max = 20'000;
    /// Nodes that every order may use; a millisecond's work.
    static constexpr std::size_t first_limit = 1U << 14;

    compiler(fault_tree const& tree, std::size_t nodes_max) : tree_(tree), nodes_max_(nodes_max) {}

    compiled_tree run()
    {
        formula_ = simplifier(tree_).run();
        result_.events = formula_.events;
        result_.constant = formula_.constant;
        if (result_.constant) {
            return std::move(result_);
        }
        modules const independent(formula_);
        auto const top = item_of(formula_.top);
        slot_.assign(formula_.items(), 0);
        result_.monotone = formula_.monotone(formula_.top);
        for (auto const item : inputs_first(formula_, top, [](std::uint32_t) { return false; })) {
            if (formula_.is_event(item)) {
                slot_[item] = item;
            } else if (independent(item)) {
                slot_[item] = result_.slots();
                add_unit(item, independent);
            }
        }
        result_.top = slot_[top] << 1 | (formula_.top & 1);
        return std::move(result_);
    }

private:
    void add_unit(std::uint32_t item, modules const& independent)
    {
        auto const& gate = formula_.gate_at(item);
        compiled_tree::unit u;
        u.monotone = gate.monotone;
        u.begin = static_cast<std::uint32_t>(result_.inputs.size());
        if (is_plain(gate, independent)) {
            u.kind = gate.kind == node_kind::all_of   ? compiled_tree::unit_kind::all_of
                     : gate.kind == node_kind::any_of ? compiled_tree::unit_kind::any_of
                                                      : compiled_tree::unit_kind::at_least;
            u.threshold = gate.threshold;
            for (literal x : gate.inputs) {
                result_.inputs.push_back(slot_[item_of(x)]);
            }
        } else {
            add_diagram(item, independent, u);
        }
        u.end = static_cast<std::uint32_t>(result_.inputs.size());
        result_.units.push_back(u);
    }

    static bool is_plain(formula::gate const& gate, modules const& independent)
    {
        return gate.kind != node_kind::odd &&
               std::ranges::all_of(
                   gate.inputs,
                   [&](literal x) { return (x & 1) == 0 && independent(item_of(x)); }) &&
               std::ranges::adjacent_find(gate.inputs) == gate.inputs.end();
    }

    void add_diagram(std::uint32_t root, modules const& independent, compiled_tree::unit& u)
    {
        // Local numbers: leaves first.
        auto const items = inputs_first(formula_, root, independent);
        region r;
        std::vector<std::uint32_t> leaves, gates;
        for (auto const item : items) {
            (item != root && independent(item) ? leaves : gates).push_back(item);
        }
        if (leaves.size() > variables_max) {
            throw std::length_error("the gates below " + described(root) + " share " +
                                    std::to_string(leaves.size()) + " events; a diagram can have " +
                                    std::to_string(variables_max));
        }
        r.leaves = static_cast<std::uint32_t>(leaves.size());
        local_.resize(formula_.items());
        for (std::uint32_t i = 0; i < r.leaves; ++i) {
            local_[leaves[i]] = i;
        }
        for (std::uint32_t i = 0; i < gates.size(); ++i) {
            local_[gates[i]] = r.leaves + i;
            r.inputs.emplace_back();
            for (literal x : formula_.gate_at(gates[i]).inputs) {
                r.inputs.back().push_back(local_[item_of(x)]);
            }
        }
        race(root, r, leaves, gates, u);
    }

    /// One order and how far it came under the last limit.
    struct racer {
        std::vector<std::uint32_t> order;
        std::size_t gates_done = 0;
        std::size_t nodes = 0; ///< when that gate was done
    };

    /// Tries every order with few nodes allowed, then the ones that came furthest with more.
    void race(std::uint32_t root, region const& r, std::vector<std::uint32_t> const& leaves,
              std::vector<std::uint32_t> const& gates, compiled_tree::unit& u)
    {
        std::vector<racer> racers;
        for (auto const kind : all_orders) {
            racers.push_back({variable_order(r, kind)});
            if (racers.back().order.empty()) {
                racers.pop_back();
            }
        }
        for (std::size_t limit = first_limit;; limit *= 8) {
            limit = std::min(limit, nodes_max_);
            std::optional<decision_diagram> best;
            decision_diagram::edge best_edge = 0;
            std::vector<std::uint32_t> const* best_order = nullptr;
            for (auto& x : racers) {
                // Another one must be much better to be worth its time.
                decision_diagram d(best ? best->nodes().size() / 2 : limit);
                auto const edge = build(d, r, gates, x);
                if (!d.exceeded()) {
                    best = std::move(d);
                    best_edge = edge;
                    best_order = &x.order;
                    if (limit > first_limit) {
                        break;
                    }
                }
            }
            if (best) {
                keep(*best, best_edge, *best_order, leaves, u);
                return;
            }
            if (limit == nodes_max_) {
                throw std::length_error("the diagram of " + described(root) + " needs more than " +
                                        std::to_string(nodes_max_) + " nodes (nodes_max)");
            }
            std::ranges::stable_sort(racers, [](racer const& a, racer const& b) {
                return a.gates_done != b.gates_done ? a.gates_done > b.gates_done
                                                    : a.nodes < b.nodes;
            });
            racers.resize(std::min<std::size_t>(racers.size(), 2));
        }
    }

    decision_diagram::edge build(decision_diagram& d, region const& r,
                                 std::vector<std::uint32_t> const& gates, racer& x)
    {
        std::vector<decision_diagram::edge> edges(r.items());
        for (std::uint32_t level = 0; level < x.order.size(); ++level) {
            edges[x.order[level]] = d.variable(level);
        }
        std::vector<decision_diagram::edge> inputs;
        x.gates_done = 0;
        for (std::uint32_t i = 0; i < gates.size(); ++i) {
            auto const& gate = formula_.gate_at(gates[i]);
            inputs.clear();
            for (literal input : gate.inputs) {
                inputs.push_back(edges[local_[item_of(input)]] ^ (input & 1));
            }
            // From the last variable to the first, each step adds on top of what is there.
            std::ranges::sort(inputs, std::ranges::greater{},
                              [&](decision_diagram::edge e) { return d.level(e); });
            edges[r.leaves + i] = join(d, gate, inputs);
            if (d.exceeded()) {
                break;
            }
            x.gates_done = i + 1;
            x.nodes = d.nodes().size();
        }
        return edges.back();
    }

    static decision_diagram::edge join(decision_diagram& d, formula::gate const& gate,
                                       std::span<decision_diagram::edge const> inputs)
    {
        auto constexpr yes = decision_diagram::yes;
        auto constexpr no = decision_diagram::no;
        auto result = gate.kind == node_kind::all_of ? yes : no;
        if (gate.kind == node_kind::at_least) {
            std::vector<decision_diagram::edge> enough(gate.threshold + 1, no); // j more are needed
            enough[0] = yes;
            for (auto const input : inputs) {
                for (std::uint32_t j = gate.threshold; j >= 1; --j) {
                    enough[j] = d.choose(input, enough[j - 1], enough[j]);
                }
            }
            return enough.back();
        }
        for (auto const input : inputs) {
            result = gate.kind == node_kind::all_of   ? d.both(result, input)
                     : gate.kind == node_kind::any_of ? d.either(result, input)
                                                      : d.choose(input, result ^ 1, result);
        }
        return result;
    }

    /// Copies what the edge reaches, in its order.
    void keep(decision_diagram const& d, decision_diagram::edge edge,
              std::vector<std::uint32_t> const& order, std::vector<std::uint32_t> const& leaves,
              compiled_tree::unit& u)
    {
        auto const& nodes = d.nodes();
        std::vector<std::uint32_t> place(nodes.size());
        place[edge >> 1] = 1;
        for (auto i = edge >> 1; i > 0; --i) { // parents come after their children
            if (place[i] != 0) {
                place[nodes[i].high >> 1] = place[nodes[i].low >> 1] = 1;
            }
        }
        place[0] = 0;
        u.first_step = static_cast<std::uint32_t>(result_.steps.size());
        for (std::uint32_t i = 1; i <= edge >> 1; ++i) {
            if (place[i] == 0) {
                continue;
            }
            place[i] = static_cast<std::uint32_t>(result_.steps.size());
            auto const& n = nodes[i];
            result_.steps.push_back({slot_[leaves[order[n.level]]],
                                     place[n.high >> 1] << 1 | (n.high & 1),
                                     place[n.low >> 1] << 1 | (n.low & 1)});
        }
        u.last_step = static_cast<std::uint32_t>(result_.steps.size());
        u.threshold = place[edge >> 1] << 1 | (edge & 1);
        for (auto const leaf : order) {
            result_.inputs.push_back(slot_[leaves[leaf]]);
        }
    }

    [[nodiscard]] std::string described(std::uint32_t item) const
    {
        fault_tree::node const origin{formula_.gate_at(item).origin};
        auto const& name = tree_.name(origin);
        return name.empty() ? "gate number " + std::to_string(origin.index) : "gate '" + name + "'";
    }

    fault_tree const& tree_;
    std::size_t nodes_max_;
    formula formula_;
    compiled_tree result_;
    std::vector<std::uint32_t> slot_;
    std::vector<std::uint32_t> local_;
};

} // namespace perdure::availability::detail

#endif
