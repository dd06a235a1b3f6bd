// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_DERIVATIVES_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_DERIVATIVES_HPP

#include <perdure/availability/structure/diagram.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace perdure::availability::detail {

/// a - b where both are chances of the same kind, taken on the side that keeps more digits.
inline double difference(chance a, chance b)
{
    return a.yes + b.yes <= a.no + b.no ? a.yes - b.yes : b.no - a.no;
}

/** What the top's probability gains per unit of each slot's probability: P(top | slot) - P(top | not slot).
 *
 *  Two passes over everything: up for the values, which the caller has made, and down for the derivatives. In monotone trees
 *  every term is a product of numbers that are not negative, but for the one difference at each node.
 */
class derivative_pass {
public:
    /// @param values   what diagram::evaluate_slots() filled
    derivative_pass(compiled_tree const& tree, std::span<chance const> values)
        : tree_(tree),
          values_(values.first(tree.slots())),
          steps_(values.subspan(tree.slots())),
          derivatives_(tree.slots()),
          reach_(tree.steps.size())
    {
    }

    /// Of all slots; the first ones are the events.
    std::vector<double> run()
    {
        derivatives_[tree_.top >> 1] = (tree_.top & 1) != 0 ? -1 : 1;
        for (std::size_t i = tree_.units.size(); i-- > 0;) {
            auto const& u = tree_.units[i];
            double const outer = derivatives_[tree_.events + i];
            switch (u.kind) {
            case compiled_tree::unit_kind::all_of:
                others(u, outer, true);
                break;
            case compiled_tree::unit_kind::any_of:
                others(u, outer, false);
                break;
            case compiled_tree::unit_kind::at_least:
                threshold(u, outer);
                break;
            case compiled_tree::unit_kind::diagram:
                diagram_unit(u, outer);
                break;
            }
        }
        return std::move(derivatives_);
    }

private:
    /// And, or: the product of the others' chances to be so, or not so, from products of both sides.
    void others(compiled_tree::unit const& u, double outer, bool so)
    {
        auto const inputs = tree_.inputs_of(u);
        auto const factor = [&](std::uint32_t slot) {
            return so ? values_[slot].yes : values_[slot].no;
        };
        double before = outer;
        for (auto const slot : inputs) {
            derivatives_[slot] = before;
            before *= factor(slot);
        }
        double after = 1;
        for (std::size_t k = inputs.size(); k-- > 0;) {
            derivatives_[inputs[k]] *= after;
            after *= factor(inputs[k]);
        }
    }

    /// The chance that exactly threshold - 1 of the others are so: what is before joined with what is after.
    void threshold(compiled_tree::unit const& u, double outer)
    {
        auto const inputs = tree_.inputs_of(u);
        auto const n = inputs.size();
        std::size_t const k = u.threshold;
        auto const add = [&](std::vector<double>& ways, chance c) { // ways[j]: exactly j, j < k
            for (std::size_t j = k - 1; j >= 1; --j) {
                ways[j] = ways[j] * c.no + ways[j - 1] * c.yes;
            }
            ways[0] *= c.no;
        };
        std::vector<double> before(n * k);
        std::vector<double> ways(k);
        ways[0] = 1;
        for (std::size_t i = 0; i < n; ++i) {
            std::copy(ways.begin(), ways.end(),
                      before.begin() + static_cast<std::ptrdiff_t>(i * k));
            add(ways, values_[inputs[i]]);
        }
        std::fill(ways.begin(), ways.end(), 0.0);
        ways[0] = 1;
        for (std::size_t i = n; i-- > 0;) {
            double sum = 0;
            for (std::size_t j = 0; j < k; ++j) {
                sum += before[i * k + j] * ways[k - 1 - j];
            }
            derivatives_[inputs[i]] = outer * sum;
            add(ways, values_[inputs[i]]);
        }
    }

    [[nodiscard]] chance along(std::uint32_t edge) const
    {
        auto const c = steps_[edge >> 1];
        return (edge & 1) != 0 ? !c : c;
    }

    /// reach_ of a step: the probability of the ways to it, each way counted negative under an odd number of complements.
    void diagram_unit(compiled_tree::unit const& u, double outer)
    {
        auto const pass_on = [&](std::uint32_t edge, double weight) {
            reach_[edge >> 1] += (edge & 1) != 0 ? -weight : weight;
        };
        pass_on(u.threshold, outer);
        for (auto i = u.last_step; i-- > u.first_step;) {
            auto const& s = tree_.steps[i];
            auto const reach = reach_[i];
            derivatives_[s.slot] += reach * difference(along(s.high), along(s.low));
            pass_on(s.high, reach * values_[s.slot].yes);
            pass_on(s.low, reach * values_[s.slot].no);
        }
    }

    compiled_tree const& tree_;
    std::span<chance const> values_;
    std::span<chance const> steps_;
    std::vector<double> derivatives_;
    std::vector<double> reach_;
};

/** For every slot the probability that the top depends on it: that it is so with the slot and not without, or the reverse.
 *
 *  Of a monotone tree that is the derivative. Elsewhere the one diagram that is not monotone, which is the top's, is cofactored
 *  by each of its inputs; that costs its size times their number.
 */
inline std::vector<double> dependence(compiled_tree const& tree, std::span<chance const> values,
                                      std::size_t nodes_max)
{
    if (tree.monotone || (tree.top >> 1) < tree.events ||
        tree.units[(tree.top >> 1) - tree.events].monotone) {
        auto result = derivative_pass(tree, values).run();
        for (double& x : result) {
            x = x < 0 ? -x : x;
        }
        return result;
    }
    auto const& u = tree.units[(tree.top >> 1) - tree.events];
    auto const inputs = tree.inputs_of(u);
    std::vector<std::uint32_t> level(tree.slots());
    for (std::uint32_t k = 0; k < inputs.size(); ++k) {
        level[inputs[k]] = k;
    }
    std::vector<double> depends(tree.slots());
    for (auto const slot : inputs) {
        decision_diagram d(nodes_max);
        std::vector<std::uint32_t> with(u.last_step - u.first_step), without(with.size());
        auto const along = [&](std::vector<std::uint32_t> const& edges, std::uint32_t e) {
            return e <= 1 ? e : edges[(e >> 1) - u.first_step] ^ (e & 1);
        };
        for (auto i = u.first_step; i < u.last_step; ++i) {
            auto const& s = tree.steps[i];
            auto const k = i - u.first_step;
            if (s.slot == slot) {
                with[k] = along(with, s.high);
                without[k] = along(without, s.low);
            } else {
                with[k] = d.make(level[s.slot], along(with, s.high), along(with, s.low));
                without[k] = d.make(level[s.slot], along(without, s.high), along(without, s.low));
            }
        }
        auto const f1 = along(with, u.threshold);
        auto const f0 = along(without, u.threshold);
        auto const differ = d.choose(f1, f0 ^ 1, f0);
        if (d.exceeded()) {
            throw std::length_error(
                "the failure frequency of a tree that is not monotone needs more "
                "than " +
                std::to_string(nodes_max) + " nodes");
        }
        std::vector<chance> chances(d.nodes().size());
        chances[0] = chance(1, 0);
        auto const at = [&](std::uint32_t e) {
            return (e & 1) != 0 ? !chances[e >> 1] : chances[e >> 1];
        };
        for (std::size_t i = 1; i <= differ >> 1; ++i) {
            auto const& n = d.nodes()[i];
            chances[i] = choose(values[inputs[n.level]], at(n.high), at(n.low));
        }
        depends[slot] = at(differ).yes;
    }
    // Below, everything is monotone.
    for (std::size_t i = tree.units.size() - 1; i-- > 0;) {
        if (depends[tree.events + i] != 0) {
            compiled_tree part = tree;
            part.top = static_cast<literal>(2 * (tree.events + i));
            auto const inner = derivative_pass(part, values).run();
            for (std::size_t slot = 0; slot < tree.events; ++slot) {
                depends[slot] += depends[tree.events + i] * inner[slot];
            }
        }
    }
    return depends;
}

} // namespace perdure::availability::detail

#endif
