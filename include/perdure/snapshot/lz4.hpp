// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_LZ4_HPP
#define PERDURE_SNAPSHOT_LZ4_HPP

#include <perdure/snapshot/compression.hpp>

#include <lz4.h>

namespace perdure {

/** Chunks as LZ4 blocks: `snapshot_options{.compression = lz4_compression()}`. Needs liblz4.
 *
 *  @param acceleration  1 and up: larger is faster and compresses less.
 */
inline compressor lz4_compression(int acceleration = 1) noexcept
{
    compressor c;
    c.kind = chunk_compression::lz4;
    c.level = acceleration;
    c.compress = [](std::span<std::byte const> raw, std::span<std::byte> out, int level) {
        int const n = LZ4_compress_fast(
            reinterpret_cast<char const*>(raw.data()), reinterpret_cast<char*>(out.data()),
            static_cast<int>(raw.size()), static_cast<int>(out.size()), level);
        return static_cast<std::size_t>(n > 0 ? n : 0);
    };
    c.decompress = [](std::span<std::byte const> stored, std::span<std::byte> out) {
        int const n = LZ4_decompress_safe(
            reinterpret_cast<char const*>(stored.data()), reinterpret_cast<char*>(out.data()),
            static_cast<int>(stored.size()), static_cast<int>(out.size()));
        return n >= 0 && static_cast<std::size_t>(n) == out.size();
    };
    return c;
}

} // namespace perdure

#endif
