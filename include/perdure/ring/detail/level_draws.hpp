// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_LEVEL_DRAWS_HPP
#define PERDURE_RING_DETAIL_LEVEL_DRAWS_HPP

// An endless series of slots for a key, each uniform over 0 .. 2^levels - 1 and independent of the
// others, such that the series for fewer levels is the series for more with the larger slots left
// out. So "the first slot of the series that is in use" depends on the set of used slots alone: not
// on a capacity, and not on how the set came about.
//
// DxHash (C. Dong, F. Wang, arXiv:2107.07930) draws from a series too, but its series for twice the
// capacity is another one, and half of all keys move when the capacity is doubled. Here the slots
// are grouped in levels: level l > 0 holds the 2^(l-1) slots from 2^(l-1) on, level 0 holds slot 0.
// Every level tosses a coin of its own: on heads the draw is in this level, on tails the draw is the
// next one of the level below. Leaving the top level out leaves the series below untouched.
//
//   coin of level l, toss c:        bit l - 1 of W(c), where W(0) = h and W(c) = H(64 c, h)
//   place in level l, toss c:       H(64 c + l, h) mod 2^(l-1)
//   H(x, s) = hash_key(x, s)

#include <perdure/bytes/hash.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace perdure::detail {

class level_draws {
public:
    static constexpr int levels_max = 31;

    /// From 0 to 31 levels: slots below 2^levels.
    level_draws(std::uint64_t hash, int levels) noexcept
        : hash_(hash),
          coins_(hash & ((std::uint64_t{1} << levels) - 1)),
          levels_(levels),
          lowest_(levels + 1)
    {
    }

    /// The first slot of the series, as next() of a fresh object gives it.
    static std::uint32_t first(std::uint64_t hash, int levels) noexcept
    {
        auto const coins = hash & ((std::uint64_t{1} << levels) - 1);
        auto const level = static_cast<int>(std::bit_width(coins));
        return place(hash, level, 0);
    }

    std::uint32_t next() noexcept
    {
        // Heads at the highest level whose next coin says so; all levels above have tossed tails.
        auto const level = static_cast<int>(std::bit_width(coins_));
        for (; lowest_ > std::max(level, 1); --lowest_)
            tosses_[lowest_ - 1] = 0;
        auto const slot = place(hash_, level, level == 0 ? 0 : tosses_[level]);
        // Levels further up have tossed at least as often, so equal counts are neighbours.
        std::uint32_t count = 0;
        std::uint64_t word = 0;
        for (int l = levels_; l >= std::max(level, 1); --l) {
            auto const toss = ++tosses_[l];
            if (toss != count) {
                count = toss;
                word = hash_key(std::uint64_t{64} * toss, hash_);
            }
            auto const coin = std::uint64_t{1} << (l - 1);
            coins_ = (coins_ & ~coin) | (word & coin);
        }
        return slot;
    }

private:
    static std::uint32_t place(std::uint64_t hash, int level, std::uint32_t toss) noexcept
    {
        if (level == 0)
            return 0;
        auto const size = std::uint32_t{1} << (level - 1);
        auto const drawn =
            hash_key(std::uint64_t{64} * toss + static_cast<std::uint64_t>(level), hash);
        return size | (static_cast<std::uint32_t>(drawn) & (size - 1));
    }

    std::uint64_t hash_;
    std::uint64_t coins_; // bit l - 1: the next coin of level l
    int levels_;
    int lowest_; // the lowest level that has tossed
    std::uint32_t tosses_[levels_max + 1];
};

} // namespace perdure::detail

#endif
