// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_RANGE_PLAN_HPP
#define PERDURE_PLACEMENT_RANGE_PLAN_HPP

#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/detail/plan_builder.hpp>
#include <perdure/placement/movement_plan.hpp>
#include <perdure/placement/replica_ring.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iosfwd>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/// Keys whose hash lies in [first, last], both included.
struct hash_range {
    std::uint64_t first = 0; ///< the smallest hash
    std::uint64_t last = 0; ///< the largest hash
    friend bool operator==(hash_range const&, hash_range const&) = default;
};

/** What moves between two replica_rings, range by range.
 *
 *  `plan` is a movement_plan of which a "slot" is a position in `ranges`, so a movement_queue runs it
 *  and movement_svg draws it; its nodes' `before` and `after` count millionths of all keys.
 */
struct range_plan {
    std::vector<hash_range> ranges; ///< in the order of the circle
    movement_plan plan; ///< who copies which range from whom
    double moved = 0;   ///< copies to make, as a share of all keys: 1 is one copy of everything
    double minimum = 0; ///< the least for these shares of the nodes

    /// "3.1 % of one copy of the keys moves in 812 ranges; the least for this load is 3.1 %"
    std::string text() const
    {
        char line[160];
        std::snprintf(line, sizeof line,
                      "%.2f %% of one copy of the keys moves in %zu ranges; the least for this "
                      "load is %.2f %%",
                      100 * moved, ranges.size(), 100 * minimum);
        return line;
    }

    /// Writes text().
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        range_plan const& r)
    {
        return out << r.text();
    }
};

/** What moves between two rings; the meaning of nodes' states is that of plan_movement.
 *
 *  `bytes`: of one copy of all keys, spread evenly; 0 if unknown. Nodes are matched by their names.
 *  Throws std::invalid_argument if the rings have different seeds, or `bytes` is not a finite number
 *  of at least 0. Complexity: O(points of both), with links.
 */
inline range_plan plan_ranges(replica_ring const& before, replica_ring const& after,
                              double bytes = 0)
{
    using copies_are = detail::plan_builder::copies_are;
    if (before.rules().seed != after.rules().seed)
        detail::throw_bad_value("plan_ranges", "seed", std::to_string(after.rules().seed),
                                "both rings must have the same");
    if (!(bytes >= 0 && bytes < std::numeric_limits<double>::infinity()))
        detail::throw_bad_value("plan_ranges", "bytes", std::to_string(bytes),
                                "it must be a finite number of at least 0");
    constexpr double whole = 18446744073709551616.0;
    range_plan result;
    detail::plan_builder builder(after.rules().copies, after.limits());
    for (node_index i = 0; i != after.size(); ++i)
        builder.add_node(i, after.node(i), {after.zone_of(i), after.rack_of(i), after.host_of(i)});
    std::vector<owner_index> to(std::max<std::size_t>(before.size(), 1));
    std::vector<copies_are> worth(after.size(), copies_are::gone);
    bool placed = before.limits() == after.limits();
    for (node_index i = 0; i != before.size(); ++i) {
        auto const& n = before.node(i);
        auto const j = after.index_of(n.name);
        if (j == no_node) {
            to[i] = static_cast<owner_index>(worth.size());
            builder.add_stranger(worth.size(), n);
            worth.push_back(copies_are::gone);
            builder.plan().nodes.back().was_here = true;
            continue;
        }
        to[i] = static_cast<owner_index>(j);
        builder.plan().nodes[j].was_here = true;
        auto const& now = after.node(j);
        placed = placed && n.zone == now.zone && n.rack == now.rack && n.host == now.host;
        if (n.state != node_state::joining && may_be_read(now.state))
            worth[j] = now.state == node_state::up ? copies_are::live : copies_are::draining;
    }

    // Stretches of hashes between the points of either; a range joins those of the same movement.
    struct owners {
        std::array<owner_index, placement_rules::copies_max> node;
        std::size_t count;
        bool operator==(owners const& other) const
        {
            return std::equal(node.begin(), node.begin() + count, other.node.begin(),
                              other.node.begin() + other.count);
        }
    };
    std::vector<double> have(worth.size()), want(worth.size());
    std::vector<std::pair<owners, owners>> movements;
    std::size_t i = 0, j = 0;
    auto const n = before.points_count(), m = after.points_count();
    auto const owners_of = [](replica_ring const& ring, std::size_t p) {
        owners o;
        o.count = ring.points_count() == 0 ? 0 : ring.owners_at(p, o.node).size();
        return o;
    };
    auto old_owners = owners_of(before, 0), new_owners = owners_of(after, 0);
    auto const translate = [&] {
        for (std::size_t k = 0; k != old_owners.count; ++k)
            old_owners.node[k] = to[old_owners.node[k]];
    };
    translate();
    bool joins_last = false;
    for (std::uint64_t first = 0;;) {
        bool const end = i == n && j == m;
        auto const last = end      ? ~std::uint64_t{0}
                          : i == n ? after.point(j)
                          : j == m ? before.point(i)
                                   : std::min(before.point(i), after.point(j));
        auto const share = (static_cast<double>(last - first) + 1) / whole;
        for (std::size_t k = 0; k != old_owners.count; ++k)
            have[old_owners.node[k]] += share;
        for (std::size_t k = 0; k != new_owners.count; ++k)
            want[new_owners.node[k]] += share;
        if (old_owners == new_owners) {
            joins_last = false;
        } else if (joins_last && movements.back().first == old_owners &&
                   movements.back().second == new_owners) {
            result.ranges.back().last = last;
        } else {
            result.ranges.push_back({first, last});
            movements.push_back({old_owners, new_owners});
            joins_last = true;
        }
        if (end || last == ~std::uint64_t{0})
            break;
        first = last + 1;
        // Of points that coincide the first owns; the others only follow it.
        bool const moved_i = i != n && before.point(i) == last;
        bool const moved_j = j != m && after.point(j) == last;
        if (moved_i) {
            while (i != n && before.point(i) == last)
                ++i;
            old_owners = owners_of(before, i == n ? 0 : i);
            translate();
        }
        if (moved_j) {
            while (j != m && after.point(j) == last)
                ++j;
            new_owners = owners_of(after, j == m ? 0 : j);
        }
    }
    for (std::size_t k = 0; k != worth.size(); ++k) {
        auto& node = builder.plan().nodes[k];
        auto const there = worth[k] == copies_are::gone ? 0 : have[k];
        node.before = static_cast<std::uint32_t>(there * 1e6 + 0.5);
        node.after = static_cast<std::uint32_t>(want[k] * 1e6 + 0.5);
        result.minimum += std::max(0.0, want[k] - there);
    }
    builder.begin(std::move(worth), placed, false);
    std::array<node_index, placement_rules::copies_max> a, b;
    for (std::size_t r = 0; r != movements.size(); ++r) {
        auto const width = result.ranges[r].last - result.ranges[r].first;
        auto const& [x, y] = movements[r];
        std::copy(x.node.begin(), x.node.begin() + x.count, a.begin());
        std::copy(y.node.begin(), y.node.begin() + y.count, b.begin());
        builder.slot(static_cast<std::uint32_t>(r),
                     static_cast<std::uint64_t>(bytes * (static_cast<double>(width) / whole)),
                     (width >> 24) + 1, {a.data(), x.count}, {b.data(), y.count});
    }
    result.plan = builder.finish();
    result.plan.slots = static_cast<std::uint32_t>(result.ranges.size());
    result.plan.copies_wanted = std::uint64_t{after.limits().copies} * 1000000;
    for (auto const& move : result.plan.moves) {
        auto const& r = result.ranges[move.slot];
        result.moved += (static_cast<double>(r.last - r.first) + 1) / whole;
    }
    return result;
}

} // namespace perdure

#endif
