// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_MODULES_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_MODULES_HPP

#include <perdure/availability/structure/detail/formula.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

/** Everything below `root` and `root` itself, inputs first; what `stop` says yes to is listed but not entered.
 *
 *  An explicit stack, since models from files may be as deep as they are long.
 */
template <class Stop>
std::vector<std::uint32_t> inputs_first(formula const& f, std::uint32_t root, Stop&& stop)
{
    std::vector<std::uint32_t> order;
    std::vector<bool> seen(f.items());
    std::vector<std::pair<std::uint32_t, std::size_t>> path{{root, 0}};
    seen[root] = true;
    while (!path.empty()) {
        auto& [item, next] = path.back();
        bool const leaf = f.is_event(item) || (item != root && stop(item));
        if (leaf || next == f.gate_at(item).inputs.size()) {
            order.push_back(item);
            path.pop_back();
            continue;
        }
        auto const input = item_of(f.gate_at(item).inputs[next++]);
        if (!seen[input]) {
            seen[input] = true;
            path.emplace_back(input, 0);
        }
    }
    return order;
}

/** The modules of a formula: gates whose events occur nowhere else, so that each is one independent event to the rest.
 *
 *  @par Source     Dutuit and Rauzy, "A linear-time algorithm to find modules of fault trees", IEEE Trans. Reliability 45(3),
 *                  1996. In a formula that is not monotone only its monotone gates count, so that cut sets of modules may be
 *                  put into cut sets of the rest (a negated module then costs no event).
 *  @par Complexity linear.
 */
class modules {
public:
    explicit modules(formula& f) : formula_(f)
    {
        find();
        group();
    }

    /// Whether the item is an event or a module.
    bool operator()(std::uint32_t item) const { return independent_[item]; }

private:
    void find()
    {
        auto const n = formula_.items();
        auto const top = item_of(formula_.top);
        std::vector<std::uint32_t> first(n), left(n), last(n), next(n);
        references_.assign(n, 0);
        std::uint32_t time = 0;
        std::vector<std::uint32_t> path{top};
        first[top] = last[top] = ++time;
        std::vector<std::uint32_t> order; // inputs first
        while (!path.empty()) {
            auto const item = path.back();
            if (formula_.is_event(item) || next[item] == formula_.gate_at(item).inputs.size()) {
                left[item] = ++time;
                order.push_back(item);
                path.pop_back();
                continue;
            }
            auto const input = item_of(formula_.gate_at(item).inputs[next[item]++]);
            ++references_[input];
            last[input] = ++time;
            if (first[input] == 0) {
                first[input] = time;
                path.push_back(input);
            }
        }
        bool const whole_is_monotone = formula_.monotone(formula_.top & ~1U);
        independent_.assign(n, false);
        std::vector<std::uint32_t> earliest(n, 0xffffffff), latest(n, 0);
        for (auto const item : order) {
            if (formula_.is_event(item)) {
                independent_[item] = true;
                continue;
            }
            for (literal x : formula_.gate_at(item).inputs) {
                auto const input = item_of(x);
                earliest[item] = std::min({earliest[item], earliest[input], first[input]});
                latest[item] = std::max({latest[item], latest[input], last[input]});
            }
            independent_[item] = earliest[item] > first[item] && latest[item] < left[item] &&
                                 (whole_is_monotone || formula_.gate_at(item).monotone);
        }
        independent_[top] = true;
        reachable_ = std::move(order);
    }

    /// Inputs that nothing else uses, of one gate, become a gate of their own: one variable instead of many.
    void group()
    {
        for (auto const item : reachable_) {
            if (formula_.is_event(item)) {
                continue;
            }
            auto const kind = formula_.gate_at(item).kind;
            if (kind != node_kind::all_of && kind != node_kind::any_of) {
                continue;
            }
            std::vector<literal> own, rest;
            for (literal x : formula_.gate_at(item).inputs) {
                bool const only_here =
                    (x & 1) == 0 && references_[item_of(x)] == 1 && independent_[item_of(x)];
                (only_here ? own : rest).push_back(x);
            }
            if (own.size() < 2 || rest.empty()) {
                continue;
            }
            rest.push_back(positive(formula_.items()));
            auto const origin = formula_.gate_at(item).origin;
            formula_.gates.push_back({kind, 0, std::move(own), true, origin});
            formula_.gate_at(item).inputs = std::move(rest);
            independent_.push_back(true);
        }
    }

    formula& formula_;
    std::vector<std::uint32_t> references_;
    std::vector<std::uint32_t> reachable_;
    std::vector<bool> independent_;
};

} // namespace perdure::availability::detail

#endif
