// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_LZ4_HPP
#define PERDURE_WAL_LZ4_HPP

// Needs the LZ4 library: link perdure::wal_lz4.

#include <perdure/wal/packing.hpp>

#include <lz4.h>

#include <climits>

namespace perdure {

/** Compresses groups with LZ4: `options.packing.compression = lz4_groups()`.
 *
 *  Groups of fewer than `bytes_min` bytes, and those that do not shrink by an eighth, are stored as
 *  they are. The work is done where the log writes, never on the loop.
 *
 *  Source: the LZ4 block format, github.com/lz4/lz4, doc/lz4_Block_format.md.
 */
inline group_compressor lz4_groups(std::size_t bytes_min = 1024)
{
    group_compressor c;
    c.kind = wal_format::compression_kind::lz4;
    c.bytes_min = bytes_min;
    c.compress = [](std::span<std::byte const> raw, std::span<std::byte> out) {
        auto const n = LZ4_compress_default(reinterpret_cast<char const*>(raw.data()),
                                            reinterpret_cast<char*>(out.data()),
                                            static_cast<int>(raw.size()),
                                            static_cast<int>(out.size()));
        return n > 0 ? static_cast<std::size_t>(n) : std::size_t{0};
    };
    c.decompress = [](std::span<std::byte const> stored, std::span<std::byte> out) {
        if (stored.size() > INT_MAX || out.size() > INT_MAX)
            return false;
        auto const n = LZ4_decompress_safe(reinterpret_cast<char const*>(stored.data()),
                                           reinterpret_cast<char*>(out.data()),
                                           static_cast<int>(stored.size()),
                                           static_cast<int>(out.size()));
        return n >= 0 && static_cast<std::size_t>(n) == out.size();
    };
    return c;
}

} // namespace perdure

#endif
