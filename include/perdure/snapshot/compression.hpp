// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_COMPRESSION_HPP
#define PERDURE_SNAPSHOT_COMPRESSION_HPP

#include <perdure/snapshot/format.hpp>

#include <cstddef>
#include <span>

namespace perdure {

/** One way to compress chunks, as a value: perdure's own headers need no compression library.
 *
 *  `lz4_compression()` (snapshot/lz4.hpp) and `zstd_compression()` (snapshot/zstd.hpp) make them.
 */
struct compressor {
    /// As recorded with each chunk; see snapshot_format.
    chunk_compression kind = chunk_compression::none;
    int level = 0; ///< In the library's own scale.

    /** Compresses `raw` into `out`; returns the size, or 0 if it does not fit.
     *
     *  `out` is smaller than `raw`: what does not shrink enough is stored as it is.
     */
    std::size_t (*compress)(std::span<std::byte const> raw, std::span<std::byte> out,
                            int level) = nullptr;

    /// Decompresses `stored` into exactly `out`; false if the bytes do not give that. Any bytes are safe.
    bool (*decompress)(std::span<std::byte const> stored, std::span<std::byte> out) = nullptr;
};

} // namespace perdure

#endif
