// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_EXPONENTIAL_HPP
#define PERDURE_AVAILABILITY_EXPONENTIAL_HPP

#include <perdure/availability/unavailability.hpp>

#include <cstddef>
#include <initializer_list>
#include <span>

// Failures without memory: what has survived until now is as good as new.
namespace perdure::availability {

/** P(at least one event within `t`) at the given rate: 1 - e^{-rate t}, by expm1.
 *
 *  The probability of failing within a mission of length t, and of a fault in a trial that lasts t.
 */
constexpr probability probability_within(rate events, duration t)
{
    detail::require(t.count() >= 0, "t", t.count(), "seconds must be at least 0");
    return probability(-detail::expm1(-events.in(t)));
}
/// P(no event within `t`): e^{-rate t}, the reliability of a mission.
constexpr probability probability_of_none(rate events, duration t)
{
    detail::require(t.count() >= 0, "t", t.count(), "seconds must be at least 0");
    return probability(detail::exp(-events.in(t)));
}

/** The rate at which something happens within `t` with probability `p`: -ln(1 - p) / t.
 *
 *  @par Domain     p < 1. The rate is p / t only for small p: at p = 0.1 it is 5 % more, and near
 *                  1 unbounded.
 */
constexpr rate rate_of(probability p, duration t)
{
    detail::require(p < 1, "probability of a fault in a trial", p.value(),
                    "a rate exists only below 1");
    return rate::per(t, -detail::log1p(-p.value()));
}

/// Mean time to the first failure of any of the components: 1 / sum of the rates. Infinite without
/// components.
constexpr mtbf mttf_of_series(std::span<rate const> components)
{
    rate sum;
    for (auto r : components) {
        sum = sum + r;
    }
    return mtbf_of(sum);
}
constexpr mtbf mttf_of_series(std::initializer_list<rate> components)
{
    return mttf_of_series(std::span(components.begin(), components.size()));
}

/** Mean time until fewer than `k` of `n` equal components are left, without repair: sum of 1 / (i
 *  rate), i = k .. n.
 *
 *  The second spare of two buys half of a lifetime, the tenth a tenth: redundancy without repair
 *  is a poor bargain.
 *  @throws std::invalid_argument unless 1 <= k <= n.
 */
constexpr mtbf mttf_of_k_of_n(std::size_t k, std::size_t n, rate component)
{
    detail::require(k >= 1 && k <= n, "k", static_cast<double>(k),
                    "it must lie between 1 and the number of components");
    double sum = 0;
    for (auto i = n; i >= k; --i) {
        sum += 1 / static_cast<double>(i);
    }
    return mtbf(sum * component.mean());
}

} // namespace perdure::availability

#endif
