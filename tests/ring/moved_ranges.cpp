// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "ring/support.hpp"
#include "support/catch.hpp"
#include <perdure/ring/moved_ranges.hpp>

#include <set>
#include <string>
#include <vector>

using perdure::hash_ring;
using perdure::key_hash;
using perdure::moved_range;
using perdure::no_node;
using perdure::node_index;

namespace {

std::set<std::string> holders(hash_ring const& ring, key_hash h, std::size_t copies)
{
    std::vector<node_index> out(copies);
    std::set<std::string> names;
    for (auto n : ring.indexes_for(h, std::span<node_index>(out)))
        names.insert(ring.node(n));
    return names;
}

/// Applies the ranges that contain h to the holders before; the holders after must come out.
void check_at(std::vector<moved_range> const& moves, hash_ring const& before,
              hash_ring const& after, std::size_t copies, std::uint64_t h)
{
    auto have = holders(before, {h}, copies);
    for (auto const& m : moves) {
        if (h < m.first || h > m.last)
            continue;
        if (m.from != no_node)
            REQUIRE(have.erase(before.node(m.from)) == 1);
        if (m.to != no_node)
            REQUIRE(have.insert(after.node(m.to)).second);
    }
    REQUIRE(have == holders(after, {h}, copies));
}

void check(hash_ring const& before, hash_ring const& after, std::size_t copies, std::uint64_t seed)
{
    auto const moves = perdure::moved_ranges(before, after, copies);
    for (std::size_t i = 0; i != moves.size(); ++i) {
        REQUIRE(moves[i].first <= moves[i].last);
        REQUIRE((moves[i].from != no_node || moves[i].to != no_node));
        if (i != 0)
            REQUIRE(moves[i - 1].first <= moves[i].first);
    }
    ring_test::generator random(seed);
    for (int k = 0; k != 300; ++k)
        check_at(moves, before, after, copies, random());
    for (auto h : {std::uint64_t{0}, ~std::uint64_t{0}})
        check_at(moves, before, after, copies, h);
    for (auto const& m : moves)
        for (auto h : {m.first - 1, m.first, m.last, m.last + 1})
            check_at(moves, before, after, copies, h);
}

} // namespace

TEST_CASE("moved_ranges: the ranges are exactly what changes hands", "[ring][core]")
{
    auto const copies = GENERATE(as<std::size_t>(), 1, 2, 3);
    auto const seed = Catch::rngSeed();
    CAPTURE(copies, seed);
    hash_ring before({.points_per_weight = 5});
    for (auto const* n : {"a", "b", "c", "d", "e"})
        before.add(n);
    SECTION("a node joins")
    {
        auto after = before;
        after.add("f", 2);
        check(before, after, copies, seed);
        for (auto const& m : perdure::moved_ranges(before, after, copies))
            CHECK(after.node(m.to) == "f");
    }
    SECTION("a node leaves")
    {
        auto after = before;
        after.remove("c");
        check(before, after, copies, seed);
        for (auto const& m : perdure::moved_ranges(before, after, copies))
            CHECK(before.node(m.from) == "c");
    }
    SECTION("a weight changes")
    {
        auto after = before;
        after.set_weight("b", 0.3);
        check(before, after, copies, seed);
        check(after, before, copies, seed);
    }
    SECTION("rings that number their nodes differently")
    {
        hash_ring after({.points_per_weight = 5});
        for (auto const* n : {"g", "d", "a", "c", "b"})
            after.add(n);
        check(before, after, copies, seed);
    }
    SECTION("fewer nodes than copies")
    {
        hash_ring one({.points_per_weight = 5});
        one.add("b");
        check(before, one, copies, seed);
        check(one, before, copies, seed);
    }
    SECTION("from and to nothing")
    {
        hash_ring const empty;
        auto const gained = perdure::moved_ranges(empty, before, copies);
        CHECK_THAT(perdure::share(gained),
                   Catch::Matchers::WithinRel(static_cast<double>(copies), 1e-12));
        CHECK(gained.front().from == no_node);
        auto const lost = perdure::moved_ranges(before, empty, copies);
        CHECK(lost.size() == gained.size());
        CHECK(lost.front().to == no_node);
        CHECK(perdure::moved_ranges(empty, empty, copies).empty());
    }
    SECTION("no change, no range")
    {
        CHECK(perdure::moved_ranges(before, before, copies).empty());
        CHECK(perdure::moved_ranges(before, before, 0).empty());
    }
}

TEST_CASE("moved_ranges: a sixth node of six takes a sixth of the keys", "[ring][core]")
{
    hash_ring ring({.points_per_weight = 1000});
    for (auto const* n : {"a", "b", "c", "d", "e"})
        ring.add(n);
    auto after = ring;
    after.add("f");
    CHECK_THAT(perdure::share(perdure::moved_ranges(ring, after)),
               Catch::Matchers::WithinRel(1.0 / 6, 0.1));
    CHECK_THAT(perdure::share(perdure::moved_ranges(ring, after, 3)),
               Catch::Matchers::WithinRel(3.0 / 6, 0.1));
    auto const shares = perdure::key_shares(after);
    CHECK_THAT(
        shares[after.index_of("f")],
        Catch::Matchers::WithinRel(perdure::share(perdure::moved_ranges(ring, after)), 1e-9));
}
