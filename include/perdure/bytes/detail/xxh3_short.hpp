// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BYTES_DETAIL_XXH3_SHORT_HPP
#define PERDURE_BYTES_DETAIL_XXH3_SHORT_HPP

// XXH3 of 4 to 16 bytes, the sizes of most keys. xxhash.h has it too, behind a function for all
// sizes that compilers seldom inline: the call costs a lookup more than the hash does.
// Written from the specification of XXH3 (doc/xxhash_spec.md of xxHash), whose default secret the
// constants are taken from; tests/bytes/hash.cpp compares it with xxhash.h.

#if defined(__SIZEOF_INT128__)
#define PERDURE_HAS_XXH3_SHORT 1

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace perdure::detail {

template <class Word>
[[gnu::always_inline]] inline Word little_word(unsigned char const* from) noexcept
{
    Word w;
    std::memcpy(&w, from, sizeof w);
    if constexpr (std::endian::native == std::endian::big)
        w = sizeof w == 8 ? static_cast<Word>(__builtin_bswap64(w))
                          : static_cast<Word>(__builtin_bswap32(static_cast<std::uint32_t>(w)));
    return w;
}

/// Precondition: 4 <= size <= 8.
[[gnu::always_inline]] inline std::uint64_t xxh3_4_to_8(void const* data, std::size_t size,
                                                        std::uint64_t seed) noexcept
{
    auto const* const p = static_cast<unsigned char const*>(data);
    seed ^= std::uint64_t{__builtin_bswap32(static_cast<std::uint32_t>(seed))} << 32;
    auto const joined = little_word<std::uint32_t>(p + size - 4) +
                        (std::uint64_t{little_word<std::uint32_t>(p)} << 32);
    auto h = joined ^ (0xc73ab174c5ecd5a2 - seed);
    h ^= std::rotl(h, 49) ^ std::rotl(h, 24);
    h *= 0x9fb21c651e98df25;
    h ^= (h >> 35) + size;
    h *= 0x9fb21c651e98df25;
    return h ^ (h >> 28);
}

/// Precondition: 9 <= size <= 16.
[[gnu::always_inline]] inline std::uint64_t xxh3_9_to_16(void const* data, std::size_t size,
                                                         std::uint64_t seed) noexcept
{
    auto const* const p = static_cast<unsigned char const*>(data);
    auto const low = little_word<std::uint64_t>(p) ^ (0x6782737bea4239b9 + seed);
    auto const high = little_word<std::uint64_t>(p + size - 8) ^ (0xaf56bc3b0996523a - seed);
    __extension__ using wide = unsigned __int128;
    auto const product = static_cast<wide>(low) * high;
    auto h = size + __builtin_bswap64(low) + high +
             (static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64));
    h ^= h >> 37;
    h *= 0x165667919e3779f9;
    return h ^ (h >> 32);
}

} // namespace perdure::detail

#endif
#endif
