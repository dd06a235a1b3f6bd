// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_POINT_LINE_HPP
#define PERDURE_RING_DETAIL_POINT_LINE_HPP

#include <perdure/ring/node_index.hpp>

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace perdure::detail {

/** Up to seven points of one bucket, in order, in one cache line.
 *
 *  Slots behind the points are sentinels: their key is the largest one, and their nodes are those of
 *  the points that follow in other lines: the first one owns what lies behind the points here.
 *  Slot 7 is always a sentinel; where the bucket has more points than fit, its node is a link:
 *  `link` plus the number of the line, within the group, that goes on.
 */
struct alignas(64) point_line {
    static constexpr std::size_t slots = 8, points_max = 7;
    /// Keys are kept with the top bit flipped, since SSE2 compares signed numbers only.
    static constexpr std::uint32_t flip = 0x80000000;
    static constexpr std::uint32_t sentinel = 0xffffffff ^ flip;
    static constexpr node_index link = 0x80000000;

    std::uint32_t keys[slots];
    node_index nodes[slots];

    /// How many keys are below a (flipped) key; at most 7. Without a branch: it cannot be predicted.
    std::size_t below(std::uint32_t key) const noexcept
    {
#if defined(__SSE2__)
        auto const wanted = _mm_set1_epi32(static_cast<int>(key));
        auto const* const k = reinterpret_cast<__m128i const*>(keys);
        auto const less = _mm_packs_epi32(_mm_cmplt_epi32(_mm_load_si128(k), wanted),
                                          _mm_cmplt_epi32(_mm_load_si128(k + 1), wanted));
        // Two bits a key. The keys are sorted, so those below come first.
        auto const mask = static_cast<unsigned>(_mm_movemask_epi8(less));
        // Never 0, as the mask has 16 bits. std::countr_zero would ask in every lookup.
        return static_cast<unsigned>(__builtin_ctz(~mask)) / 2;
#else
        std::size_t count = 0;
        for (std::size_t i = 0; i != points_max; ++i)
            count += (keys[i] ^ flip) < (key ^ flip);
        return count;
#endif
    }
};

} // namespace perdure::detail

#endif
