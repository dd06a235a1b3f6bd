// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_EPOCH_FENCE_HPP
#define PERDURE_PLACEMENT_EPOCH_FENCE_HPP

#include <cstdint>

namespace perdure {

/// What a request's epoch says about the map that it was made under.
enum class fenced : std::uint8_t {
    current, ///< perform it
    stale,   ///< made under an older map: refuse it, and tell the newest epoch
    ahead    ///< made under a newer map than is known here: fetch that one first
};

/** Refuses what was decided under an older map: the epoch of a placement_map as fencing token.
 *
 *  Kept by whatever stores the data, since only there can a request that was delayed for an hour be
 *  told from a fresh one. What must survive a restart is newest(): write it down before performing
 *  the first request under it, or a process that slept over the restart is let in again.
 *
 *  @par Thread safety  Distinct objects: safe. One object: not.
 */
class epoch_fence {
public:
    /// `newest`: the newest epoch known, as it was before a restart.
    explicit constexpr epoch_fence(std::uint64_t newest = 0) noexcept : newest_(newest) {}

    /// What a request that carries this epoch is: refuse it if stale, ask for the newer map if
    /// ahead.
    constexpr fenced judge(std::uint64_t epoch) const noexcept
    {
        return epoch < newest_ ? fenced::stale : epoch == newest_ ? fenced::current : fenced::ahead;
    }
    /// A newer map is here. False, and nothing changes, if it is not newer.
    constexpr bool advance(std::uint64_t epoch) noexcept
    {
        if (epoch <= newest_)
            return false;
        newest_ = epoch;
        return true;
    }
    /// The newest epoch that was seen.
    constexpr std::uint64_t newest() const noexcept { return newest_; }

private:
    std::uint64_t newest_;
};

} // namespace perdure

#endif
