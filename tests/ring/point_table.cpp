// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Points chosen so that what the table does not store must decide: real hashes never get there.

#include "ring/support.hpp"
#include "support/catch.hpp"
#include <perdure/ring/detail/point_table.hpp>

#include <algorithm>
#include <vector>

using perdure::node_index;
using perdure::ring_point;
using perdure::detail::point_table;

namespace {

struct chosen_points {
    std::vector<std::vector<std::uint64_t>> points;
    std::vector<std::uint32_t> counts; // how many of them are in the ring
    std::vector<int> names;            // ties go to the smaller

    std::uint32_t points_of(node_index n) const { return counts[n]; }
    std::uint64_t point(node_index n, std::uint32_t r) const { return points[n][r]; }
    bool identity_less(node_index a, node_index b) const { return names[a] < names[b]; }

    std::vector<ring_point> circle() const
    {
        std::vector<ring_point> all;
        for (node_index n = 0; n != points.size(); ++n)
            for (std::uint32_t r = 0; r != counts[n]; ++r)
                all.push_back({points[n][r], n});
        std::sort(all.begin(), all.end(), [&](ring_point const& x, ring_point const& y) {
            return x.hash != y.hash ? x.hash < y.hash : names[x.node] < names[y.node];
        });
        return all;
    }
};

void check(point_table const& table, chosen_points const& source)
{
    auto const circle = source.circle();
    REQUIRE(table.points_count() == circle.size());
    if (circle.empty())
        return;
    auto const check_at = [&](std::uint64_t h) {
        auto i = std::find_if(circle.begin(), circle.end(),
                              [&](ring_point const& p) { return p.hash >= h; });
        if (i == circle.end())
            i = circle.begin();
        REQUIRE(table.locate(h, source) == i->node);
        // A whole walk around, so that the order within ties is seen too.
        auto at = table.find(h, source);
        for (std::size_t step = 0; step != circle.size() + 1; ++step) {
            REQUIRE(at.node() == i->node);
            at = table.next(at);
            if (++i == circle.end())
                i = circle.begin();
        }
    };
    for (auto const& p : circle)
        for (std::uint64_t d : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}})
            check_at(p.hash + d);
    check_at(0);
    check_at(~std::uint64_t{0});
}

} // namespace

TEST_CASE("point_table: points that differ only in bits that are not stored keep their order",
          "[ring][core]")
{
    auto const seed = Catch::rngSeed();
    auto const where = GENERATE(0, 1, 2);
    CAPTURE(seed, where);
    ring_test::generator random(seed);
    for (int round = 0; round != 60; ++round) {
        chosen_points source;
        for (int n = 0; n != 6; ++n) {
            source.points.emplace_back();
            source.names.push_back(static_cast<int>(random.below(1000)) * 10 + n);
            for (int r = 0; r != 8; ++r) {
                auto const low = random.below(6); // far below the stored bits, and often equal
                auto const cluster = random.below(3) << 62;
                source.points.back().push_back(where == 0 ? low
                                               : where == 1
                                                   ? ~low
                                                   : cluster + (low << 8) + random.below(2));
            }
        }
        source.counts.assign(6, 0);
        point_table table;
        std::vector<std::pair<point_table, chosen_points>> kept;
        for (int step = 0; step != 30; ++step) {
            auto const n = static_cast<node_index>(random.below(6));
            auto const from = source.counts[n];
            auto const to = static_cast<std::uint32_t>(random.below(9));
            source.counts[n] = to;
            if (to >= from)
                table.change(true, n, from, to, 6, source);
            else
                table.change(false, n, to, from, 6, source);
            check(table, source);
            if (step % 7 == 3)
                kept.emplace_back(table, source);
        }
        for (auto const& [old_table, old_source] : kept)
            check(old_table, old_source);
        point_table built;
        built.build(6, source);
        check(built, source);
    }
}

TEST_CASE("point_table: empty buckets at both ends of the circle lead around it", "[ring][core]")
{
    chosen_points source;
    source.names = {0, 1};
    source.points = {{}, {}};
    for (std::uint64_t i = 0; i != 64; ++i) {
        source.points[0].push_back((std::uint64_t{1} << 63) + (i << 50));
        source.points[1].push_back((std::uint64_t{1} << 63) + (i << 50) + 1);
    }
    source.counts = {64, 64};
    point_table table;
    table.build(2, source);
    check(table, source);
    source.counts[1] = 50;
    table.change(false, 1, 50, 64, 2, source);
    check(table, source);
    source.counts[0] = 60;
    table.change(false, 0, 60, 64, 2, source);
    check(table, source);
}
