// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_POSITION_HPP
#define PERDURE_WAL_POSITION_HPP

#include <cstdint>

namespace perdure {

/// The place of a record in a log: 1 for the first one ever appended, then one more each. 0 is before all.
using position = std::uint64_t;

/// The positions from `first` to `last`, both included; empty if `last` is before `first`.
struct position_range {
    position first = 1; ///< Of the range.
    position last = 0; ///< Of the range, included.

    bool empty() const noexcept { return last < first; }
    /// How many positions.
    std::uint64_t count() const noexcept { return empty() ? 0 : last - first + 1; }
    /// Whether `p` is one of them.
    bool contains(position p) const noexcept { return first <= p && p <= last; }
    friend bool operator==(position_range const&, position_range const&) = default;
};

} // namespace perdure

#endif
