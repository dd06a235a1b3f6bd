// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_PLACEMENT_SEAL_HPP
#define PERDURE_TESTS_PLACEMENT_SEAL_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/crc32c.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace placement_test {

/// Sets all checksums to what they would be, so that what is behind them is tested.
inline void seal(std::vector<std::byte>& b)
{
    if (b.size() < 32)
        return;
    perdure::store_little<std::uint32_t>(b.data() + 28,
                                         perdure::crc32c(std::span<std::byte const>(b).first(28)));
    for (std::size_t at = 32; at + 12 <= b.size();) {
        auto const size = perdure::load_little<std::uint32_t>(b.data() + at + 4);
        if (size > b.size() - at - 12)
            return;
        perdure::store_little<std::uint32_t>(
            b.data() + at + 8 + size,
            perdure::crc32c(std::span<std::byte const>(b).subspan(at, 8 + size)));
        at += 12 + size;
    }
}

} // namespace placement_test

#endif
