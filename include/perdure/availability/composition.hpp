// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_COMPOSITION_HPP
#define PERDURE_AVAILABILITY_COMPOSITION_HPP

#include <perdure/availability/unavailability.hpp>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

// Unavailability of systems of *independent* components. Every step adds and multiplies numbers
// that are not negative, so each result has a relative error of a few units in the last place per
// component, however small it is.
namespace perdure::availability {

/// Down when any component is down: 1 - prod(1 - u_i), as U <- U + u (1 - U). No component: 0.
constexpr unavailability series(std::span<unavailability const> components)
{
    double down = 0;
    for (auto u : components) {
        down += u.value() * (1 - down);
    }
    return unavailability(down < 1 ? down : 1);
}
constexpr unavailability series(std::initializer_list<unavailability> components)
{
    return series(std::span(components.begin(), components.size()));
}

/// Down when all components are down: prod(u_i). No component: 1.
constexpr unavailability parallel(std::span<unavailability const> components)
{
    double down = 1;
    for (auto u : components) {
        down *= u.value();
    }
    return unavailability(down);
}
constexpr unavailability parallel(std::initializer_list<unavailability> components)
{
    return parallel(std::span(components.begin(), components.size()));
}

namespace detail {

/// P(at least `need` of the components are down). `ways` has need + 1 elements; ways[j] becomes
/// P(exactly j down), and the last one collects "need or more".
constexpr double at_least_down(std::span<unavailability const> components, std::span<double> ways)
{
    auto const need = ways.size() - 1;
    for (auto& w : ways) {
        w = 0;
    }
    ways[0] = 1;
    for (auto component : components) {
        double const u = component.value();
        ways[need] += ways[need - 1] * u;
        for (std::size_t j = need - 1; j >= 1; --j) {
            ways[j] = ways[j] * (1 - u) + ways[j - 1] * u;
        }
        ways[0] *= 1 - u;
    }
    return ways[need] < 1 ? ways[need] : 1;
}

} // namespace detail

/** Down when fewer than `k` of the components are up.
 *
 *  Sums the failing tail: with m = n - k + 1 the probability that m or more are down, by
 *  recursion over the components. k = 0 is never down; k > n is refused.
 *
 *  @par Complexity     O(n (n - k + 1)) time; no allocation while n - k < 64.
 *  @throws std::invalid_argument if k exceeds the number of components.
 */
constexpr unavailability k_of_n(std::size_t k, std::span<unavailability const> components)
{
    auto const n = components.size();
    detail::require(k <= n, "k of k_of_n", static_cast<double>(k),
                    "it must not exceed the number of components");
    if (k == 0) {
        return unavailability(0);
    }
    auto const need = n - k + 1;
    if (need < 65) {
        std::array<double, 65> ways{};
        return unavailability(detail::at_least_down(components, std::span(ways).first(need + 1)));
    }
    std::vector<double> ways(need + 1);
    return unavailability(detail::at_least_down(components, ways));
}
constexpr unavailability k_of_n(std::size_t k, std::initializer_list<unavailability> components)
{
    return k_of_n(k, std::span(components.begin(), components.size()));
}

/** Down when fewer than `k` of `n` equal components are up: the binomial tail P(at least n - k +
 *  1 down).
 *
 *  Terms are taken relative to the largest one, walking away from it both ways with the ratio of
 *  neighbours, and the result is tail / total: no binomial coefficient, hence no overflow at n =
 *  1030, and no difference of large numbers.
 *
 *  @par Complexity     O(n), less where the terms vanish early.
 *  @par Accuracy       relative error about |n - k - n u| units in the last place, at most 1e-12
 *                      for n <= 2000.
 */
constexpr unavailability k_of_n(std::size_t k, std::size_t n, unavailability component)
{
    detail::require(k <= n, "k of k_of_n", static_cast<double>(k),
                    "it must not exceed the number of components");
    double const u = component.value();
    if (k == 0 || u == 0) {
        return unavailability(0);
    }
    if (u == 1) {
        return component;
    }
    auto const need = n - k + 1;
    double const odds = u / (1 - u);
    // term[j + 1] / term[j] for j components down
    auto const ratio = [&](std::size_t j) {
        return static_cast<double>(n - j) / static_cast<double>(j + 1) * odds;
    };
    auto const mode = static_cast<std::size_t>(u * static_cast<double>(n));
    double below = 0;
    double tail = 0;
    double term = 1;
    for (std::size_t j = mode;; ++j) {
        (j >= need ? tail : below) += term;
        if (j == n || (term == 0)) {
            break;
        }
        term *= ratio(j);
    }
    term = 1;
    for (std::size_t j = mode; j > 0 && term > 0; --j) {
        term /= ratio(j - 1);
        (j - 1 >= need ? tail : below) += term;
    }
    return unavailability(tail / (below + tail));
}

} // namespace perdure::availability

#endif
