// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_MAGLEV_FILL_HPP
#define PERDURE_RING_DETAIL_MAGLEV_FILL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
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

/** Fills the table of Maglev hashing: entry -> node, from the nodes in the order of their turns.
 *
 *  A node whose weight is half of `heaviest` takes every second turn. Preconditions: `size` is prime,
 *  offset < size, 1 <= skip < size (or skip is 1), weights are finite, above 0, one is `heaviest`.
 */
inline std::vector<std::uint16_t> maglev_take_turns(std::vector<maglev_turn> turns,
                                                    std::size_t size, double heaviest)
{
    std::vector<std::uint16_t> table;
    if (turns.empty())
        return table;
    table.resize(size);
    std::vector<bool> taken(size);
    std::size_t filled = 0;
    for (double round = 1;; ++round) {
        for (auto& t : turns) {
            // One product, compared: nothing that a compiler could round in two ways.
            if (round * t.weight < t.target)
                continue;
            t.target += heaviest;
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

/// The same for weights of any size: they are divided by the heaviest one first.
inline std::vector<std::uint16_t> maglev_fill(std::vector<maglev_turn> turns, std::size_t size)
{
    double heaviest = 0;
    for (auto const& t : turns)
        heaviest = std::max(heaviest, t.weight);
    for (auto& t : turns)
        t.weight /= heaviest;
    return maglev_take_turns(std::move(turns), size, 1);
}

} // namespace perdure::detail

#endif
