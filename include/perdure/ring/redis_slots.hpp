// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_REDIS_SLOTS_HPP
#define PERDURE_RING_REDIS_SLOTS_HPP

#include <array>
#include <cstdint>
#include <string_view>

namespace perdure {

/// How many slots a Redis cluster has.
inline constexpr std::uint32_t redis_slots_count = 16384;

namespace detail {
inline constexpr std::array<std::uint16_t, 256> crc16_steps = [] {
    std::array<std::uint16_t, 256> steps{};
    for (unsigned i = 0; i != 256; ++i) {
        unsigned crc = i << 8;
        for (int bit = 0; bit != 8; ++bit)
            crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
        steps[i] = static_cast<std::uint16_t>(crc);
    }
    return steps;
}();
} // namespace detail

/// CRC-16/XMODEM: polynomial 0x1021, initial value 0, not reflected.
constexpr std::uint16_t crc16_xmodem(std::string_view bytes) noexcept
{
    unsigned crc = 0;
    for (char c : bytes)
        crc = (crc << 8 ^ detail::crc16_steps[(crc >> 8 ^ static_cast<unsigned char>(c)) & 0xff]) &
              0xffff;
    return static_cast<std::uint16_t>(crc);
}

/** The slot of a key in Redis Cluster, 0 to 16383.
 *
 *  If the key has a `{`, and after it a `}`, and something between the first of each, only that
 *  something is hashed: so keys with a common tag share a slot. (Redis Cluster Specification.)
 */
constexpr std::uint32_t redis_slot(std::string_view key) noexcept
{
    auto const open = key.find('{');
    if (open != key.npos) {
        auto const close = key.find('}', open + 1);
        if (close != key.npos && close != open + 1)
            key = key.substr(open + 1, close - open - 1);
    }
    return crc16_xmodem(key) % redis_slots_count;
}

/// Lets a slot_table of 16384 slots place keys as Redis Cluster does:
/// `basic_slot_table<std::string, redis_hasher>`.
struct redis_hasher {
    std::uint64_t operator()(std::string_view key) const noexcept
    {
        return std::uint64_t{redis_slot(key)} << 50;
    }
};

} // namespace perdure

#endif
