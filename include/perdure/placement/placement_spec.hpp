// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_PLACEMENT_SPEC_HPP
#define PERDURE_PLACEMENT_PLACEMENT_SPEC_HPP

#include <perdure/placement/cluster_node.hpp>
#include <perdure/placement/placement_rules.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace perdure {

/// A slot whose owners were decided by hand, or held until its data have moved; primary first.
struct pinned_slot {
    std::uint32_t slot = 0; ///< its number, below rules.slots.
    std::vector<std::string> owners; ///< names of nodes that are there, from 1 to rules.copies.
    friend bool operator==(pinned_slot const&, pinned_slot const&) = default;
};

/** All that a placement_map follows from: what processes exchange, and what is kept on disk
 *  (placement_codec.hpp).
 */
struct placement_spec {
    std::uint64_t epoch = 0; ///< of the map
    placement_rules rules; ///< by which the owners were chosen
    std::vector<cluster_node> nodes; ///< in the order of their names
    std::vector<pinned_slot> pins;   ///< in the order of their slots
    /// What placement_map::fingerprint() was where this was made; whoever makes a map of it and
    /// comes to another result is told so.
    std::optional<std::uint64_t> fingerprint;

    friend bool operator==(placement_spec const&, placement_spec const&) = default;
};

} // namespace perdure

#endif
