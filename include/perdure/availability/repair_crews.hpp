// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_REPAIR_CREWS_HPP
#define PERDURE_AVAILABILITY_REPAIR_CREWS_HPP

#include <perdure/availability/two_state.hpp>

#include <cstddef>

namespace perdure::availability {

/** `n` equal units of which `k` must be up, repaired by a limited number of crews: with one crew,
 *  failed units queue.
 *
 *  @par Formula    birth-death chain of the number of failed units j: pi_{j+1} / pi_j = (n - j) l
 *                  / (min(j + 1, crews) m); the system is down from n - k + 1 failed units. All
 *                  terms positive. Units go on failing while the system is down.
 *  @par Accuracy   1e-14 relative for n up to 100.
 *  @throws std::invalid_argument unless k <= n and crews >= 1
 */
constexpr unavailability k_of_n_with_crews(std::size_t k, std::size_t n, two_state unit,
                                           std::size_t crews)
{
    detail::require(k <= n, "k", static_cast<double>(k), "it must not exceed the number of units");
    detail::require(crews >= 1, "crews", static_cast<double>(crews), "at least one is needed");
    double const l = unit.failures().per_second();
    double const m = unit.repairs().per_second();
    if (k == 0 || l == 0) {
        return unavailability(0);
    }
    if (m == 0) {
        return unavailability(1);
    }
    double weight = 1;
    double up = 0;
    double down = 0;
    for (std::size_t j = 0; j <= n; ++j) {
        (n - j >= k ? up : down) += weight;
        double const busy = static_cast<double>(j + 1 < crews ? j + 1 : crews);
        weight *= static_cast<double>(n - j) * l / (busy * m);
        if (up + down > 1e200) { // only the ratio counts
            weight *= 1e-200;
            up *= 1e-200;
            down *= 1e-200;
        }
    }
    return unavailability(down / (up + down));
}

} // namespace perdure::availability

#endif
