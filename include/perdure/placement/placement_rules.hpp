// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_PLACEMENT_RULES_HPP
#define PERDURE_PLACEMENT_PLACEMENT_RULES_HPP

#include <perdure/placement/detail/bad_value.hpp>

#include <bit>
#include <cstdint>
#include <string>

namespace perdure {

/// What happens to the limits of zones, racks and hosts where there are too few of them.
enum class when_short : std::uint8_t {
    relax_limits, ///< as many copies as there are nodes, spread as widely as can be
    fewer_copies  ///< the limits hold, and copies are left out
};

/// How the copies of every slot are to be placed.
struct placement_rules {
    /// Copies of everything, each on another node. From 1 to copies_max.
    std::uint32_t copies = 3;
    /// At most so many copies of a slot in one zone, rack or host; 0 for no limit.
    std::uint32_t at_most_per_zone = 0;
    std::uint32_t at_most_per_rack = 0; ///< of one rack; 0 for no limit
    std::uint32_t at_most_per_host = 1; ///< of one host; 0 for no limit
    /// What gives way where zones, racks or hosts are too few.
    when_short shortage = when_short::relax_limits;
    /// Into how many slots the keys are divided: a power of two from 2 to 2^20, best a hundred times
    /// the number of nodes that there will ever be. Another number moves everything.
    std::uint32_t slots = 16384;
    /// With how many others a node may share data: few, and data are seldom lost when many nodes
    /// fail at once, but a failed node has few helpers for its repair. 0 for no limit; else from
    /// copies - 1 to 65535. See docs/choosing_avoidance.md.
    std::uint32_t scatter_width = 0;
    /// Another seed is another placement.
    std::uint64_t seed = 0;

    static constexpr std::uint32_t copies_max = 16; ///< the most that `copies` may be

    friend bool operator==(placement_rules const&, placement_rules const&) = default;
};

/// Throws std::invalid_argument that names the first field with a value that is not allowed.
inline void check(placement_rules const& rules)
{
    auto const bad = [](char const* field, std::uint64_t value, char const* rule) {
        detail::throw_bad_value("placement_rules", field, std::to_string(value), rule);
    };
    if (rules.copies < 1 || rules.copies > placement_rules::copies_max)
        bad("copies", rules.copies, "it must be from 1 to 16");
    if (rules.slots < 2 || rules.slots > std::uint32_t{1} << 20 ||
        !std::has_single_bit(rules.slots))
        bad("slots", rules.slots, "it must be a power of two from 2 to 1048576");
    if (rules.scatter_width != 0 &&
        (rules.scatter_width + 1 < rules.copies || rules.scatter_width > 65535))
        bad("scatter_width", rules.scatter_width, "it must be 0, or from copies - 1 to 65535");
    if (rules.scatter_width != 0 && rules.copies == 1)
        bad("scatter_width", rules.scatter_width, "with one copy it must be 0");
    if (rules.shortage != when_short::relax_limits && rules.shortage != when_short::fewer_copies)
        bad("shortage", static_cast<std::uint64_t>(rules.shortage), "it must be 0 or 1");
}

/// What of the rules can be kept with the nodes that there are.
struct placement_limits {
    std::uint32_t copies = 0; ///< of every slot
    std::uint32_t per_zone = 0; ///< at most so many in one zone
    std::uint32_t per_rack = 0; ///< at most so many in one rack
    std::uint32_t per_host = 0; ///< at most so many on one host

    friend bool operator==(placement_limits const&, placement_limits const&) = default;
};

} // namespace perdure

#endif
