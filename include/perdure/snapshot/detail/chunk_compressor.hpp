// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_CHUNK_COMPRESSOR_HPP
#define PERDURE_SNAPSHOT_DETAIL_CHUNK_COMPRESSOR_HPP

#include <perdure/snapshot/compression.hpp>
#include <perdure/snapshot/format.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace perdure::detail {

/// Compresses chunks, one at a time, where that is worth it.
class chunk_compressor {
public:
    explicit chunk_compressor(compressor how) noexcept : how_(how) {}

    /** What is to be stored of a chunk: `raw`, or memory that lives until the next call.
     *
     *  Sets what of `c` tells of the stored bytes: compression, size, checksum.
     */
    std::span<std::byte const> store(std::span<std::byte const> raw, snapshot_chunk& c)
    {
        auto const stored = compress(raw, c);
        c.stored_size = static_cast<std::uint32_t>(stored.size());
        c.stored_crc = crc32c(stored);
        return stored;
    }

private:
    // Compression that saves less than an eighth is not worth its time when loading.
    std::span<std::byte const> compress(std::span<std::byte const> raw, snapshot_chunk& c)
    {
        if (how_.compress == nullptr || raw.size() < 64)
            return raw;
        scratch_.resize(raw.size() - raw.size() / 8);
        std::size_t const n = how_.compress(raw, scratch_, how_.level);
        if (n == 0)
            return raw;
        c.compression = how_.kind;
        return std::span<std::byte const>(scratch_).first(n);
    }

    compressor how_;
    std::vector<std::byte> scratch_;
};

} // namespace perdure::detail

#endif
