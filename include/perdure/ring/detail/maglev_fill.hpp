// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_MAGLEV_FILL_HPP
#define PERDURE_RING_DETAIL_MAGLEV_FILL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace perdure::detail {

constexpr bool is_prime(std::uint64_t n) noexcept
{
    if (n < 2)
        return false;
    for (std::uint64_t d = 2; d * d <= n; ++d)
        if (n % d == 0)
            return false;
    return true;
}

/// A node's permutation of the table, offset + i * skip modulo its size, and how far it has come.
struct maglev_turn {
    std::uint16_t node;
    std::uint64_t offset;
    std::uint64_t skip;
    double weight = 1;
    double target = 0;
};

/** The table of Maglev hashing: entry -> node, from the nodes in the order of their turns.
 *
 *  A node whose weight is half of the largest takes every second turn. Preconditions: `size` is
 *  prime, offset < size, 1 <= skip < size, weights are finite and above 0.
 */
inline std::vector<std::uint16_t> maglev_fill(std::vector<maglev_turn> turns, std::size_t size)
{
    std::vector<std::uint16_t> table;
    if (turns.empty())
        return table;
    table.resize(size);
    std::vector<bool> taken(size);
    double heaviest = 0;
    for (auto const& t : turns)
        heaviest = std::max(heaviest, t.weight);
    for (auto& t : turns)
        t.weight /= heaviest;
    std::size_t filled = 0;
    for (double round = 1;; ++round) {
        for (auto& t : turns) {
            // One product, compared: nothing that a compiler could round in two ways.
            if (round * t.weight < t.target)
                continue;
            t.target += 1;
            while (taken[t.offset]) {
                t.offset += t.skip; // below 2 * size, where a 32-bit product would overflow
                if (t.offset >= size)
                    t.offset -= size;
            }
            taken[t.offset] = true;
            table[t.offset] = t.node;
            if (++filled == size)
                return table;
        }
    }
}

} // namespace perdure::detail

#endif
