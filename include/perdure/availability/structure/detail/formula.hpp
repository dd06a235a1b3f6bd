// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_FORMULA_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_FORMULA_HPP

#include <perdure/availability/structure/fault_tree.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

/// 2 * item + 1 where it is negated.
using literal = std::uint32_t;
constexpr std::uint32_t item_of(literal x)
{
    return x >> 1;
}
constexpr literal positive(std::uint32_t item)
{
    return item << 1;
}

/** A fault tree without what does not matter: no constants inside, no negation gates, no gate with one input, no equal gates.
 *
 *  Items 0 .. events - 1 are the events, the rest gates in an order in which inputs come first. Negation is a bit of the
 *  reference.
 */
struct formula {
    struct gate {
        node_kind kind = node_kind::all_of; ///< all_of, any_of, at_least, odd
        std::uint32_t threshold = 0;
        std::vector<literal> inputs; ///< sorted; without duplicates but in at_least
        bool monotone = true;        ///< neither a negated reference nor `odd` anywhere below
        std::uint32_t origin = 0;    ///< the tree's node, for messages
    };

    std::uint32_t events = 0;
    std::vector<gate> gates;
    literal top = 0;
    std::optional<bool> constant; ///< set where nothing is left of the tree; then the rest is empty

    [[nodiscard]] bool is_event(std::uint32_t item) const { return item < events; }
    [[nodiscard]] gate const& gate_at(std::uint32_t item) const { return gates[item - events]; }
    [[nodiscard]] gate& gate_at(std::uint32_t item) { return gates[item - events]; }
    [[nodiscard]] std::uint32_t items() const
    {
        return events + static_cast<std::uint32_t>(gates.size());
    }
    [[nodiscard]] bool monotone(literal x) const
    {
        return (x & 1) == 0 && (is_event(item_of(x)) || gate_at(item_of(x)).monotone);
    }
};

/// Builds the formula of a tree in one pass over its nodes, inputs first.
class simplifier {
public:
    explicit simplifier(fault_tree const& tree) : tree_(tree)
    {
        result_.events = static_cast<std::uint32_t>(tree.events().size());
    }

    formula run()
    {
        count_references();
        std::vector<value> values(tree_.size());
        auto const top = tree_.top().index;
        for (std::uint32_t i = 0; i <= top; ++i) {
            if (references_[i] != 0) {
                current_ = i;
                values[i] = simplified({i}, values);
            }
        }
        if (values[top].constant) {
            formula nothing;
            nothing.events = result_.events;
            nothing.constant = values[top].negated;
            return nothing;
        }
        result_.top = values[top].reference;
        return std::move(result_);
    }

private:
    /// A chain of n gates would otherwise be copied n times.
    static constexpr std::size_t merged_inputs_max = 128;

    using node = fault_tree::node;
    struct value {
        literal reference = 0;
        bool constant = false;
        bool negated = false; ///< of a constant: its value
        bool single = false;  ///< a gate that only one gate refers to
    };

    void count_references()
    {
        references_.assign(tree_.size(), 0);
        auto const top = tree_.top().index;
        references_[top] = 1;
        for (std::uint32_t i = top + 1; i-- > 0;) {
            if (references_[i] != 0) {
                for (node input : tree_.inputs({i})) {
                    ++references_[input.index];
                }
            }
        }
    }

    static value always(bool v) { return {0, true, v, false}; }

    value simplified(node n, std::vector<value> const& values)
    {
        switch (tree_.kind(n)) {
        case node_kind::constant:
            return always(tree_.threshold(n) != 0);
        case node_kind::event:
            return {positive(tree_.event(n)), false, false, false};
        case node_kind::negation: {
            value v = values[tree_.inputs(n).front().index];
            v.reference ^= 1;
            v.negated = !v.negated;
            v.single = v.single && references_[n.index] == 1;
            return v;
        }
        case node_kind::all_of:
            return junction(n, values, false);
        case node_kind::any_of:
            return junction(n, values, true);
        case node_kind::at_least:
            return threshold(n, values);
        case node_kind::odd:
            return parity(n, values);
        }
        return always(false);
    }

    /// And, or; `any` is the value that decides.
    value junction(node n, std::vector<value> const& values, bool any)
    {
        std::vector<literal> inputs;
        for (node input : tree_.inputs(n)) {
            value const& v = values[input.index];
            if (v.constant) {
                if (v.negated == any) {
                    return always(any);
                }
                continue;
            }
            // A gate of the same kind with no other parent is not needed; nor is one of the other kind below a negation.
            if (v.single && merge(v.reference, any, inputs)) {
                continue;
            }
            inputs.push_back(v.reference);
        }
        return make_junction(any, std::move(inputs), references_[n.index] == 1);
    }
    bool merge(literal x, bool any, std::vector<literal>& inputs) const
    {
        auto const& g = result_.gate_at(item_of(x));
        if (g.inputs.size() > merged_inputs_max) {
            return false;
        }
        bool const negated = (x & 1) != 0;
        auto const wanted = any != negated ? node_kind::any_of : node_kind::all_of;
        if (g.kind != wanted) {
            return false;
        }
        for (literal input : g.inputs) {
            inputs.push_back(input ^ (negated ? 1U : 0U));
        }
        return true;
    }
    value make_junction(bool any, std::vector<literal> inputs, bool single)
    {
        std::ranges::sort(inputs);
        inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
        if (inputs.empty()) {
            return always(!any);
        }
        for (std::size_t i = 0; i + 1 < inputs.size(); ++i) {
            if ((inputs[i] ^ inputs[i + 1]) == 1) {
                return always(any);
            }
        }
        bool const flip = all_negated(inputs);
        return gate((any != flip) ? node_kind::any_of : node_kind::all_of, 0, std::move(inputs),
                    flip, single);
    }

    value threshold(node n, std::vector<value> const& values)
    {
        std::int64_t need = tree_.threshold(n);
        std::vector<literal> inputs;
        for (node input : tree_.inputs(n)) {
            value const& v = values[input.index];
            if (v.constant) {
                need -= v.negated ? 1 : 0;
            } else {
                inputs.push_back(v.reference);
            }
        }
        std::ranges::sort(inputs);
        // Of something and its opposite exactly one is so.
        for (std::size_t i = 0; i + 1 < inputs.size();) {
            if ((inputs[i] ^ inputs[i + 1]) == 1) {
                inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(i),
                             inputs.begin() + static_cast<std::ptrdiff_t>(i) + 2);
                --need;
                i = i == 0 ? 0 : i - 1;
            } else {
                ++i;
            }
        }
        auto const n_inputs = static_cast<std::int64_t>(inputs.size());
        bool const single = references_[n.index] == 1;
        if (need <= 0 || need > n_inputs) {
            return always(need <= 0);
        }
        if (need == 1 || need == n_inputs) {
            return make_junction(need == 1, std::move(inputs), single);
        }
        bool const flip = all_negated(inputs);
        if (flip) { // k of n are not so  =  not (n - k + 1 of n are so)
            need = n_inputs - need + 1;
        }
        return gate(node_kind::at_least, static_cast<std::uint32_t>(need), std::move(inputs), flip,
                    single);
    }

    value parity(node n, std::vector<value> const& values)
    {
        bool flip = false;
        std::vector<literal> inputs;
        for (node input : tree_.inputs(n)) {
            value const& v = values[input.index];
            if (v.constant) {
                flip = flip != v.negated;
            } else {
                flip = flip != ((v.reference & 1) != 0);
                inputs.push_back(v.reference & ~1U);
            }
        }
        std::ranges::sort(inputs);
        std::vector<literal> left; // equal ones cancel in pairs
        for (literal x : inputs) {
            if (!left.empty() && left.back() == x) {
                left.pop_back();
            } else {
                left.push_back(x);
            }
        }
        if (left.empty()) {
            return always(flip);
        }
        value v = gate(node_kind::odd, 0, std::move(left), false, references_[n.index] == 1);
        v.reference ^= flip ? 1U : 0U;
        return v;
    }

    static bool all_negated(std::vector<literal>& inputs)
    {
        if (!std::ranges::all_of(inputs, [](literal x) { return (x & 1) != 0; })) {
            return false;
        }
        for (literal& x : inputs) {
            x ^= 1;
        }
        return true;
    }

    /// The gate, or the one that is equal to it, or its only input.
    value gate(node_kind kind, std::uint32_t threshold, std::vector<literal> inputs, bool negated,
               bool single)
    {
        literal const sign = negated ? 1 : 0;
        if (inputs.size() == 1) {
            return {inputs.front() ^ sign, false, false, false};
        }
        auto const [place, added] =
            known_.try_emplace(std::tuple(kind, threshold, inputs), result_.items());
        if (!added) {
            return {positive(place->second) ^ sign, false, false, false};
        }
        formula::gate g{kind, threshold, std::move(inputs), kind != node_kind::odd, current_};
        for (literal x : g.inputs) {
            g.monotone = g.monotone && result_.monotone(x);
        }
        result_.gates.push_back(std::move(g));
        return {positive(place->second) ^ sign, false, false, single};
    }

    fault_tree const& tree_;
    formula result_;
    std::uint32_t current_ = 0;
    std::vector<std::uint32_t> references_;
    std::map<std::tuple<node_kind, std::uint32_t, std::vector<literal>>, std::uint32_t> known_;
};

} // namespace perdure::availability::detail

#endif
