// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_VARIABLE_ORDER_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_VARIABLE_ORDER_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

/// The part of a formula that becomes one diagram. Items 0 .. leaves - 1 are its variables, the rest gates, inputs first.
struct region {
    std::uint32_t leaves = 0;
    std::vector<std::vector<std::uint32_t>> inputs; ///< of the gates; items without their negation
    [[nodiscard]] std::uint32_t items() const
    {
        return leaves + static_cast<std::uint32_t>(inputs.size());
    }
};

/** Orders of variables, good ones first.
 *
 *  No order is good for every tree (between two of these the size of one published tree differs fortyfold), and none takes
 *  long to try, so a diagram is built with each under a small limit of nodes before the limit is raised.
 */
enum class order_kind : std::uint8_t {
    spread, ///< Minato, Ishiura, Yajima (DAC 1990): the variable that weighs most, then again without it
    heavy_first,  ///< depth first, inputs with most events below them first
    shared_first, ///< depth first, inputs with most parents first
    as_written,   ///< depth first, inputs as in the model
    light_first,  ///< depth first, inputs with fewest events below them first
};
inline constexpr order_kind all_orders[] = {order_kind::spread, order_kind::heavy_first,
                                            order_kind::shared_first, order_kind::as_written,
                                            order_kind::light_first};

namespace orders {

template <class Key>
std::vector<std::uint32_t> depth_first(region const& r, Key&& key)
{
    std::vector<std::uint32_t> order;
    std::vector<bool> seen(r.items());
    std::vector<std::uint32_t> todo{r.items() - 1};
    while (!todo.empty()) {
        auto const item = todo.back();
        todo.pop_back();
        if (seen[item]) {
            continue;
        }
        seen[item] = true;
        if (item < r.leaves) {
            order.push_back(item);
            continue;
        }
        auto inputs = r.inputs[item - r.leaves];
        std::ranges::stable_sort(inputs, {}, key);
        todo.insert(todo.end(), inputs.rbegin(), inputs.rend()); // the first one comes off first
    }
    return order;
}

inline std::vector<std::uint32_t> spread(region const& r)
{
    std::vector<std::uint32_t> order;
    std::vector<double> weight(r.items());
    std::vector<std::uint32_t> live(r.items()); // inputs that still hold an unordered variable
    std::vector<bool> ordered(r.leaves);
    while (order.size() < r.leaves) {
        for (std::uint32_t i = 0; i < r.items(); ++i) {
            weight[i] = 0;
            live[i] = 0;
            if (i < r.leaves) {
                live[i] = ordered[i] ? 0 : 1;
            } else {
                for (auto input : r.inputs[i - r.leaves]) {
                    live[i] += live[input] != 0 ? 1U : 0U;
                }
            }
        }
        weight[r.items() - 1] = 1;
        for (std::uint32_t i = r.items(); i-- > r.leaves;) {
            for (auto input : r.inputs[i - r.leaves]) {
                if (live[input] != 0) {
                    weight[input] += weight[i] / live[i];
                }
            }
        }
        std::uint32_t best = r.leaves;
        for (std::uint32_t i = 0; i < r.leaves; ++i) {
            if (!ordered[i] && (best == r.leaves || weight[i] > weight[best])) {
                best = i;
            }
        }
        ordered[best] = true;
        order.push_back(best);
    }
    return order;
}

} // namespace orders

/// The leaves of `r`, first level first. Empty where this kind would take too long to compute.
inline std::vector<std::uint32_t> variable_order(region const& r, order_kind kind)
{
    std::vector<double> weight(r.items(), 1);
    std::vector<double> parents(r.items());
    for (std::uint32_t i = r.leaves; i < r.items(); ++i) {
        weight[i] = 0;
        for (auto input : r.inputs[i - r.leaves]) {
            weight[i] = std::min(weight[i] + weight[input], 1e12);
            ++parents[input];
        }
    }
    switch (kind) {
    case order_kind::heavy_first:
        return orders::depth_first(r, [&](std::uint32_t i) { return -weight[i]; });
    case order_kind::light_first:
        return orders::depth_first(r, [&](std::uint32_t i) { return weight[i]; });
    case order_kind::shared_first:
        return orders::depth_first(r, [&](std::uint32_t i) { return -parents[i]; });
    case order_kind::as_written:
        return orders::depth_first(r, [](std::uint32_t) { return 0; });
    case order_kind::spread:
        // Quadratic; a few milliseconds at the limit.
        if (static_cast<double>(r.leaves) * r.items() > 4e6) {
            return {};
        }
        return orders::spread(r);
    }
    return {};
}

} // namespace perdure::availability::detail

#endif
