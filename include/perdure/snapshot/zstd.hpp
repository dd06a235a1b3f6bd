// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_ZSTD_HPP
#define PERDURE_SNAPSHOT_ZSTD_HPP

#include <perdure/snapshot/compression.hpp>

#include <zstd.h>

namespace perdure {

/** Chunks as Zstandard frames: `snapshot_options{.compression = zstd_compression()}`. Needs libzstd.
 *
 *  @param level  Zstandard's own scale; 1 to 3 suit snapshots.
 */
inline compressor zstd_compression(int level = 1) noexcept
{
    compressor c;
    c.kind = chunk_compression::zstd;
    c.level = level;
    c.compress = [](std::span<std::byte const> raw, std::span<std::byte> out, int how) {
        std::size_t const n =
            ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), how);
        return ZSTD_isError(n) ? std::size_t{0} : n; // An error here is that it does not fit.
    };
    c.decompress = [](std::span<std::byte const> stored, std::span<std::byte> out) {
        std::size_t const n =
            ZSTD_decompress(out.data(), out.size(), stored.data(), stored.size());
        return !ZSTD_isError(n) && n == out.size();
    };
    return c;
}

} // namespace perdure

#endif
