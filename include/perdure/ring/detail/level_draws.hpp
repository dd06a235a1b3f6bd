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
//   word of toss c:                 W(0) = h, W(c) = S(h + c * G)
//   coin of level l, toss c:        bit l - 1 of W(c)
//   place in level l, toss c:       the l - 1 bits from bit 33 on of W(c) * K(l) mod 2^64
//   S is the output function of splitmix64, G its step 0x9E3779B97F4A7C15, so the words are those of
//   the generator with the seed h; K(l) = S(l * G) with its lowest bit set
//
// The bits of a word above those of the coins are uniform whatever the coins are, and so is what an
// odd factor makes of them; different factors, so that a key's places in two levels are unrelated.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace perdure::detail {

/// The output function of splitmix64 (S. Vigna, public domain).
constexpr std::uint64_t splitmix(std::uint64_t z) noexcept
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

inline constexpr std::array<std::uint64_t, 32> level_factors = [] {
    std::array<std::uint64_t, 32> factors{};
    for (std::uint64_t l = 0; l != factors.size(); ++l)
        factors[l] = splitmix(l * 0x9E3779B97F4A7C15) | 1;
    return factors;
}();

class level_draws {
public:
    static constexpr int levels_max = 31;

    /// From 0 to 31 levels: slots below 2^levels.
    level_draws(std::uint64_t hash, int levels) noexcept : hash_(hash), levels_(levels) {}

    /// The first slot of the series, as next() of a fresh object gives it.
    static std::uint32_t first(std::uint64_t hash, int levels) noexcept
    {
        return end(hash & mask_of(levels)).place(hash);
    }

    std::uint32_t next() noexcept
    {
        // Down to the first coin that says heads; a level has tossed once for every draw that ended
        // in it or below.
        auto toss = drawn_++;
        auto word = word_of(hash_, toss);
        auto level = levels_;
        for (; level > 0 && (word >> (level - 1) & 1) == 0; --level)
            if (ended_[level] != 0) {
                toss -= ended_[level];
                word = word_of(hash_, toss);
            }
        ++ended_[std::max(level, 1)];
        return end((std::uint64_t{1} << level) >> 1).place(word);
    }

    /** The first slot of the series that `in_use` accepts, where many are not: draws are made in pairs,
     *  without a branch on whether a slot is in use, which no processor could foresee.
     */
    template <class InUse>
    static std::uint32_t first_of_few(std::uint64_t hash, int levels, InUse in_use) noexcept
    {
        // `below` of a draw has the coins of the levels below the one where it ended, which tossed
        // none in it. These sets contain one another, so `&` and `|` sort two of them; a coin in
        // the i smallest has tossed as often as there are others, and its next one is in that word.
        std::uint64_t words[few], below[few];
        auto const mask = mask_of(levels);
        std::uint32_t found = 0;
        auto const draw = [&](auto number) {
            constexpr std::size_t count = number; // known, so that the loops are none
            auto coins = words[count] = word_of(hash, count);
            for (std::size_t i = count; i-- != 0;)
                coins = mix(coins, words[i], below[i]);
            end const e(coins & mask);
            auto word = words[0];
            for (std::size_t i = 0; i != count; ++i)
                word = below[i] <= e.below ? words[i + 1] : word;
            auto larger = e.below;
            for (std::size_t i = 0; i != count; ++i) {
                auto const smaller = below[i] & larger;
                larger |= below[i];
                below[i] = smaller;
            }
            below[count] = larger;
            return e.place(word);
        };
        auto const draw_two = [&](auto pair) {
            auto const first = draw(std::integral_constant<std::size_t, 2 * pair>());
            auto const second = draw(std::integral_constant<std::size_t, 2 * pair + 1>());
            bool const first_used = in_use(first), second_used = in_use(second);
            found = chosen(first_used, first, second);
            return first_used | second_used;
        };
        if (draw_two(std::integral_constant<std::size_t, 0>()) ||
            draw_two(std::integral_constant<std::size_t, 1>()) ||
            draw_two(std::integral_constant<std::size_t, 2>()) ||
            draw_two(std::integral_constant<std::size_t, 3>()))
            return found;
        level_draws draws(hash, levels);
        for (std::size_t i = 0; i != few; ++i)
            draws.next();
        for (;;)
            if (auto const slot = draws.next(); in_use(slot))
                return slot;
    }

private:
    static constexpr std::size_t few = 8;

    static std::uint64_t mask_of(int levels) noexcept { return (std::uint64_t{1} << levels) - 1; }
    static std::uint64_t word_of(std::uint64_t hash, std::uint64_t toss) noexcept
    {
        return toss == 0 ? hash : splitmix(hash + toss * 0x9E3779B97F4A7C15);
    }
    /// The bits of `low` where `below` has ones, those of `high` elsewhere.
    static std::uint64_t mix(std::uint64_t high, std::uint64_t low, std::uint64_t below) noexcept
    {
        return high ^ ((high ^ low) & below);
    }

    /// Where a draw ends: the level of its highest coin that says heads.
    struct end {
        explicit end(std::uint64_t coins) noexcept
            // The width of `coins`, in a form where 0 is no special case.
            : level(63 - std::countl_zero(coins << 1 | 1)),
              half((std::uint64_t{1} << level) >> 1),
              below(half - (half != 0))
        {
        }
        std::uint32_t place(std::uint64_t word) const noexcept
        {
            auto const drawn = word * level_factors[static_cast<std::size_t>(level)] >> 33;
            return static_cast<std::uint32_t>(half | (drawn & below));
        }
        int level;
        std::uint64_t half, below;
    };
    static std::uint32_t chosen(bool first, std::uint32_t a, std::uint32_t b) noexcept
    {
        return b ^ ((a ^ b) & (0 - static_cast<std::uint32_t>(first)));
    }

    std::uint64_t hash_;
    int levels_;
    std::uint32_t drawn_ = 0;
    std::uint32_t ended_[levels_max + 1] = {}; // draws that ended in a level; level 0 counts for 1
};

} // namespace perdure::detail

#endif
