// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_MOVEMENT_PLAN_HPP
#define PERDURE_PLACEMENT_MOVEMENT_PLAN_HPP

#include <perdure/placement/cluster_node.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iosfwd>
#include <string>
#include <vector>

namespace perdure {

/** How urgent a copy is: the queues of HDFS (LowRedundancyBlocks), and one for what is not urgent.
 *
 *  The smaller the worse, `lost` aside.
 */
enum class danger : std::uint8_t {
    last_copy,    ///< one copy is left, or none but on nodes that drain
    few_copies,   ///< fewer than a third of those wanted
    missing_copy, ///< fewer than wanted
    misplaced,    ///< as many as wanted, but not within the limits
    rebalance,    ///< nothing is wrong: the load or the rules changed
    lost          ///< no copy can be read: there is nothing to copy from
};
/// How many kinds of danger there are.
inline constexpr std::size_t dangers_count = 6;

/// In a few words, for people.
inline char const* to_string(danger d) noexcept
{
    static constexpr char const* names[] = {"last copy", "few copies", "missing copy",
                                            "misplaced", "rebalance",  "lost"};
    return names[static_cast<std::size_t>(d)];
}

/// The queue of a slot with `live` copies on nodes that are up and `draining` on nodes that drain,
/// of `wanted`; `misplaced`: the live ones do not keep the limits.
constexpr danger danger_of(std::uint32_t live, std::uint32_t draining, std::uint32_t wanted,
                           bool misplaced = false) noexcept
{
    if (live == 0)
        return draining == 0 ? danger::lost : danger::last_copy;
    if (live >= wanted)
        return misplaced ? danger::misplaced : danger::rebalance;
    if (live == 1)
        return danger::last_copy;
    return live * 3 < wanted ? danger::few_copies : danger::missing_copy;
}

/// A node is to get a copy of a slot. Nodes are positions in movement_plan::nodes.
struct copy_move {
    std::uint32_t slot = 0; ///< which slot, below movement_plan::slots
    node_index from = no_node;     ///< whom to read it from; no_node if it is lost
    node_index to = no_node;       ///< who gets it
    node_index gives_up = no_node; ///< whose copy is not needed any more then
    std::uint64_t bytes = 0;       ///< 0 if no sizes were given
    danger why = danger::rebalance; ///< how endangered the slot is before; the order of the moves
    std::uint8_t live = 0; ///< copies on nodes that are up, before

    friend bool operator==(copy_move const&, copy_move const&) = default;
};

/// What a plan means for one node.
struct planned_node {
    std::string name;
    std::string zone; ///< its zone's name
    bool was_here = false; ///< whether it is in the map before
    bool is_here = false; ///< whether it is in the map after
    node_state state = node_state::up; ///< in the end, if it is here
    std::uint32_t before = 0;          ///< copies that it has
    std::uint32_t after = 0;           ///< copies that it is to have
    std::uint32_t in = 0;              ///< copies that it gets
    std::uint32_t out = 0;             ///< copies that are read from it
    std::uint64_t bytes_in = 0; ///< of the copies that it gets; 0 without sizes
    std::uint64_t bytes_out = 0; ///< of the copies that are read from it; 0 without sizes
};

/** Which copies are to be made, from whom to whom, the most endangered first.
 *
 *  A value: look at it, print it (text(), movement_svg.hpp), let a movement_queue run it, or drop it.
 */
struct movement_plan {
    std::uint64_t epoch_before = 0; ///< of the map before
    std::uint64_t epoch_after = 0; ///< of the map after
    std::uint32_t slots = 0; ///< how many slots both maps have
    std::uint64_t copies_wanted = 0; ///< of all slots, after
    std::vector<planned_node> nodes; ///< an entry without a name is no node
    std::vector<copy_move> moves;    ///< by danger, then live copies, then slot
    std::vector<copy_move> lost;     ///< that cannot be made
    std::size_t primaries_moved = 0; ///< slots whose first owner is another one
    std::uint64_t bytes = 0; ///< of all moves; 0 without sizes
    /// No plan that leaves every node with as many copies as this one makes fewer: the sum of what
    /// nodes have to gain. (For a node that joins, its fair share.)
    std::uint64_t minimum = 0;

    bool empty() const noexcept { return moves.empty() && lost.empty(); }

    /// How many moves are of each danger, lost ones included.
    std::array<std::size_t, dangers_count> by_danger() const noexcept
    {
        std::array<std::size_t, dangers_count> counts{};
        for (auto const& m : moves)
            ++counts[static_cast<std::size_t>(m.why)];
        for (auto const& m : lost)
            ++counts[static_cast<std::size_t>(m.why)];
        return counts;
    }

    /// What would happen, for a person: a few lines, and a table of the nodes that take part.
    std::string text() const;

    /// Writes text().
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        movement_plan const& r)
    {
        return out << r.text();
    }
};

namespace detail {

/// "12.3 GiB"
inline std::string bytes_text(std::uint64_t bytes)
{
    static constexpr char const* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit != 5; ++unit)
        value /= 1024;
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

} // namespace detail

inline std::string movement_plan::text() const
{
    char line[256];
    std::string t;
    auto const share = copies_wanted == 0 ? 0.0
                                          : 100.0 * static_cast<double>(moves.size()) /
                                                static_cast<double>(copies_wanted);
    std::snprintf(line, sizeof line, "epoch %llu -> %llu: %zu of %llu copies move (%.2f %%)",
                  static_cast<unsigned long long>(epoch_before),
                  static_cast<unsigned long long>(epoch_after), moves.size(),
                  static_cast<unsigned long long>(copies_wanted), share);
    t += line;
    if (bytes != 0)
        t += ", " + detail::bytes_text(bytes);
    std::snprintf(line, sizeof line, "; the least for this load is %llu; %zu primaries change\n",
                  static_cast<unsigned long long>(minimum), primaries_moved);
    t += line;
    auto const counts = by_danger();
    bool any = false;
    for (std::size_t d = 0; d != counts.size(); ++d)
        if (counts[d] != 0 && d != static_cast<std::size_t>(danger::rebalance)) {
            t += any ? ", " : "in danger: ";
            t += std::to_string(counts[d]) + " " + to_string(static_cast<danger>(d));
            any = true;
        }
    if (any)
        t += "\n";
    std::size_t width = 4, zone_width = 4, still = 0;
    for (auto const& n : nodes) {
        width = std::max(width, n.name.size());
        zone_width = std::max(zone_width, n.zone.size());
    }
    auto const pad = [](std::string s, std::size_t to) {
        s.resize(std::max(s.size(), to), ' ');
        return s;
    };
    auto const row = [&](std::string const& name, std::string const& zone, char const* rest) {
        t += "  " + pad(name, width) + "  " + pad(zone, zone_width) + rest;
    };
    if (!moves.empty())
        row("node", "zone", "   before    after       in   read from\n");
    for (auto const& n : nodes) {
        if (n.name.empty())
            continue;
        if (n.in == 0 && n.out == 0 && n.before == n.after) {
            ++still;
            continue;
        }
        char const* const what = !n.is_here                  ? "leaves"
                                 : n.state != node_state::up ? to_string(n.state)
                                 : !n.was_here               ? "joins"
                                                             : "";
        std::snprintf(line, sizeof line, " %8u %8u %8u %8u   %s", n.before, n.after, n.in, n.out,
                      what);
        std::string rest = line;
        rest.erase(rest.find_last_not_of(' ') + 1);
        rest += "\n";
        row(n.name, n.zone, rest.c_str());
    }
    if (still != 0)
        t += "  " + std::to_string(still) + (still == 1 ? " node takes" : " nodes take") +
             " no part\n";
    return t;
}

} // namespace perdure

#endif
