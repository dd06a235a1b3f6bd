// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_SORTED_POINTS_HPP
#define PERDURE_RING_DETAIL_SORTED_POINTS_HPP

#include <perdure/ring/detail/multiply.hpp>
#include <perdure/ring/detail/sort.hpp>
#include <perdure/ring/node_index.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace perdure::detail {

/// The order of the circle: by point, and where points coincide by the identity of the node.
/// `Source` is what point_table asks for the points.
template <class Source>
struct circle_order {
    Source const& source;
    bool operator()(ring_point const& x, ring_point const& y) const noexcept
    {
        return x.hash != y.hash ? x.hash < y.hash
                                : x.node != y.node && source.identity_less(x.node, y.node);
    }
};

/// All points of a circle in order, cut into equal buckets.
struct sorted_points {
    std::vector<ring_point> points;
    std::vector<std::uint32_t> ends; // where each bucket begins, and the end of the last
};

/// The `total` points of nodes 0 .. nodes_count - 1 by a counting sort by bucket, then a small sort
/// in each. O(points).
template <class Source>
sorted_points sort_points(std::size_t nodes_count, std::uint64_t total, std::uint64_t buckets,
                          Source const& source)
{
    sorted_points s;
    s.ends.resize(buckets + 1);
    for (std::size_t n = 0; n != nodes_count; ++n) {
        auto const node = static_cast<node_index>(n);
        for (std::uint32_t r = 0, v = source.points_of(node); r != v; ++r)
            ++s.ends[reduce(source.point(node, r), buckets) + 1];
    }
    for (std::size_t b = 1; b != s.ends.size(); ++b)
        s.ends[b] += s.ends[b - 1];
    s.points.resize(total);
    auto next = s.ends;
    for (std::size_t n = 0; n != nodes_count; ++n) {
        auto const node = static_cast<node_index>(n);
        for (std::uint32_t r = 0, v = source.points_of(node); r != v; ++r) {
            auto const hash = source.point(node, r);
            s.points[next[reduce(hash, buckets)]++] = {hash, node};
        }
    }
    circle_order<Source> const less{source};
    for (std::size_t b = 1; b != s.ends.size(); ++b)
        sort(s.points.data() + s.ends[b - 1], s.ends[b] - s.ends[b - 1], less);
    return s;
}

} // namespace perdure::detail

#endif
