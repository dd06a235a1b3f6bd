// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_MOVED_RANGES_HPP
#define PERDURE_RING_MOVED_RANGES_HPP

#include <perdure/ring/hash_ring.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace perdure {

/** Keys whose hash lies in [first, last], both included, pass from one node to another.
 *
 *  `from` is an index in the ring before, `to` in the ring after. `from` is no_node where a copy is
 *  gained and none given up, `to` where one is given up and none gained.
 */
struct moved_range {
    std::uint64_t first{}; ///< the smallest hash
    std::uint64_t last{}; ///< the largest hash
    node_index from{}; ///< who has the keys before
    node_index to{}; ///< who has them after
    friend bool operator==(moved_range const&, moved_range const&) = default;
};

namespace detail {

/// Calls visit(first, last, i, j) for every stretch of hashes whose keys have their first point at
/// before[i] and at after[j]. Both circles are in order and not empty.
template <class Visit>
void for_each_stretch(std::vector<ring_point> const& before, std::vector<ring_point> const& after,
                      Visit visit)
{
    std::uint64_t first = 0;
    std::size_t i = 0, j = 0;
    while (i != before.size() || j != after.size()) {
        auto const last = i == before.size()  ? after[j].hash
                          : j == after.size() ? before[i].hash
                                              : std::min(before[i].hash, after[j].hash);
        visit(first, last, i == before.size() ? 0 : i, j == after.size() ? 0 : j);
        // Of points that coincide the first owns; the others only follow it.
        while (i != before.size() && before[i].hash == last)
            ++i;
        while (j != after.size() && after[j].hash == last)
            ++j;
        if (last == ~std::uint64_t{0})
            return;
        first = last + 1;
    }
    visit(first, ~std::uint64_t{0}, 0, 0);
}

inline void first_distinct(std::vector<ring_point> const& circle, std::size_t i, std::size_t count,
                           std::vector<node_index>& out)
{
    out.clear();
    for (; out.size() != count; i = i + 1 == circle.size() ? 0 : i + 1)
        if (std::find(out.begin(), out.end(), circle[i].node) == out.end())
            out.push_back(circle[i].node);
}

} // namespace detail

/** Which keys change hands between two rings, as ranges of hashes in ascending order.
 *
 *  With `copies` above 1 a key is held by its first `copies` distinct nodes, and a range is listed
 *  once for each copy that passes to another node; passing between the copies of a key that stay is
 *  no movement. The nodes are matched by identity, so the rings need not be copies of one another;
 *  their hashers must agree. Complexity: O((points of both) * copies).
 *
 *  What a node joining would take, before it joins:
 *  @code
 *      auto after = ring;
 *      after.add("node-6");
 *      for (auto const& m : perdure::moved_ranges(ring, after)) ...
 *  @endcode
 */
template <class Node, class Hash>
std::vector<moved_range> moved_ranges(basic_hash_ring<Node, Hash> const& before,
                                      basic_hash_ring<Node, Hash> const& after,
                                      std::size_t copies = 1)
{
    std::vector<moved_range> moves;
    auto const old_points = before.points();
    auto const new_points = after.points();
    auto const append = [&](std::uint64_t first, std::uint64_t last, node_index from,
                            node_index to) {
        // Continue a range of the same movement rather than begin another.
        for (auto i = moves.rbegin(); i != moves.rend() && i != moves.rbegin() + 8; ++i)
            if (i->last + 1 == first && i->from == from && i->to == to) {
                i->last = last;
                return;
            }
        moves.push_back({first, last, from, to});
    };
    if (old_points.empty() || new_points.empty() || copies == 0) {
        // Everything appears or disappears; ranges as the nodes of the other ring own them.
        auto const& points = old_points.empty() ? new_points : old_points;
        bool const appears = old_points.empty();
        std::vector<node_index> owners;
        if (!points.empty() && copies != 0)
            detail::for_each_stretch(
                points, points,
                [&](std::uint64_t first, std::uint64_t last, std::size_t i, std::size_t) {
                    detail::first_distinct(
                        points, i, std::min(copies, (appears ? after : before).size()), owners);
                    for (auto owner : owners)
                        append(first, last, appears ? no_node : owner, appears ? owner : no_node);
                });
        return moves;
    }

    // The index in `before` of each node of `after`.
    std::vector<node_index> same(after.index_bound(), no_node);
    for (auto n : after.indexes())
        same[n] = before.index_of(after.node(n));

    std::vector<node_index> old_owners, new_owners, lost, gained;
    auto const old_count = std::min(copies, before.size());
    auto const new_count = std::min(copies, after.size());
    detail::for_each_stretch(
        old_points, new_points,
        [&](std::uint64_t first, std::uint64_t last, std::size_t i, std::size_t j) {
            if (copies == 1) {
                if (same[new_points[j].node] != old_points[i].node)
                    append(first, last, old_points[i].node, new_points[j].node);
                return;
            }
            detail::first_distinct(old_points, i, old_count, old_owners);
            detail::first_distinct(new_points, j, new_count, new_owners);
            lost.clear();
            gained.clear();
            for (auto n : new_owners)
                if (std::find(old_owners.begin(), old_owners.end(), same[n]) == old_owners.end())
                    gained.push_back(n);
            for (auto o : old_owners)
                if (std::find_if(new_owners.begin(), new_owners.end(),
                                 [&](node_index n) { return same[n] == o; }) == new_owners.end())
                    lost.push_back(o);
            for (std::size_t k = 0; k != std::max(lost.size(), gained.size()); ++k)
                append(first, last, k < lost.size() ? lost[k] : no_node,
                       k < gained.size() ? gained[k] : no_node);
        });
    return moves;
}

/// The share of all keys in these ranges, from 0 to the number of copies.
inline double share(std::vector<moved_range> const& ranges) noexcept
{
    double sum = 0;
    for (auto const& r : ranges)
        sum += static_cast<double>(r.last - r.first) + 1;
    return sum / 18446744073709551616.0;
}

/// The share of the keys that each node owns first, by index; what is not in use has 0.
template <class Node, class Hash>
std::vector<double> key_shares(basic_hash_ring<Node, Hash> const& ring)
{
    std::vector<double> shares(ring.index_bound(), 0.0);
    auto const points = ring.points();
    if (!points.empty())
        detail::for_each_stretch(
            points, points,
            [&](std::uint64_t first, std::uint64_t last, std::size_t i, std::size_t) {
                shares[points[i].node] +=
                    (static_cast<double>(last - first) + 1) / 18446744073709551616.0;
            });
    return shares;
}

} // namespace perdure

#endif
