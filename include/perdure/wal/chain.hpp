// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_CHAIN_HPP
#define PERDURE_WAL_CHAIN_HPP

#include <perdure/wal/format.hpp>

namespace perdure {

/// A segment as part of a log.
struct chain_segment {
    wal_format::segment_header header; ///< As it stands in the file.
    wal_format::link link; ///< What came before it.
    position_range positions;     ///< That it holds, gaps included.
    std::uint64_t used_bytes = 0; ///< What counts of the file.
    std::uint64_t digest = 0;     ///< Of the log up to its end.
    std::uint64_t begun_ms = 0;   ///< When its first group was written; 0 if unknown.
    friend bool operator==(chain_segment const&, chain_segment const&) = default;
};

} // namespace perdure

#endif
