// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "ring/support.hpp"
#include "support/catch.hpp"
#include <perdure/ring/hash_ring.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

using perdure::basic_hash_ring;
using perdure::hash_ring;
using perdure::key_hash;
using perdure::node_index;
using ring_test::generator;

static_assert(perdure::consistent_hash<hash_ring>);
static_assert(perdure::consistent_hash<basic_hash_ring<int>>);
static_assert(!perdure::consistent_hash<std::string>);
static_assert(!perdure::ring_node<std::unique_ptr<int>>);

namespace {

/// The textbook ring, as slow and as plain as can be.
template <class Node>
struct naive_ring {
    std::map<Node, std::uint32_t> nodes; // and how many points each has

    std::vector<std::pair<std::uint64_t, Node>> circle;

    void refresh()
    {
        circle.clear();
        for (auto const& [node, points] : nodes)
            for (std::uint32_t r = 0; r != points; ++r)
                circle.emplace_back(perdure::hash_key(r, perdure::hash_key(node)), node);
        std::sort(circle.begin(), circle.end());
    }
    std::size_t position(std::uint64_t hash) const
    {
        auto const i =
            std::lower_bound(circle.begin(), circle.end(), hash,
                             [](auto const& point, std::uint64_t h) { return point.first < h; });
        return i == circle.end() ? 0 : static_cast<std::size_t>(i - circle.begin());
    }
    Node const& owner(std::uint64_t hash) const { return circle[position(hash)].second; }
    std::vector<Node> preference(std::uint64_t hash) const
    {
        std::vector<Node> list;
        for (auto i = position(hash); list.size() != nodes.size(); i = (i + 1) % circle.size())
            if (std::find(list.begin(), list.end(), circle[i].second) == list.end())
                list.push_back(circle[i].second);
        return list;
    }
};

std::string name(int i)
{
    return "node-" + std::to_string(i);
}

std::vector<std::string> owners(hash_ring const& ring, int keys)
{
    std::vector<std::string> all;
    for (int k = 0; k != keys; ++k)
        all.push_back(ring.node_for(k));
    return all;
}

} // namespace

TEST_CASE("hash_ring: every key has the owner of the textbook ring", "[ring][core]")
{
    auto const nodes = GENERATE(1, 2, 3, 10, 100, 1000);
    hash_ring ring({.compact = GENERATE(false, true)});
    naive_ring<std::string> naive;
    std::vector<perdure::weighted_node<std::string>> all;
    for (int i = 0; i != nodes; ++i) {
        double const weight = i % 7 == 0 ? 0.25 : 1 + i % 3;
        all.push_back({name(i), weight});
        naive.nodes[name(i)] = static_cast<std::uint32_t>(weight * 100);
    }
    ring.add_all(all);
    naive.refresh();
    REQUIRE(ring.size() == naive.nodes.size());
    REQUIRE(ring.points_count() == naive.circle.size());
    auto const seed = Catch::rngSeed();
    CAPTURE(nodes, seed);
    generator random(seed);
    int wrong = 0;
    for (int k = 0; k != 200000; ++k) {
        key_hash const h{random()};
        wrong += ring.node_for(h) != naive.owner(h.value);
    }
    // At, just before and just behind every point.
    for (auto const& [point, owner] : naive.circle)
        for (std::uint64_t h : {point - 1, point, point + 1})
            wrong += ring.node_for(key_hash{h}) != naive.owner(h);
    for (std::uint64_t h : {std::uint64_t{0}, ~std::uint64_t{0}})
        wrong += ring.node_for(key_hash{h}) != naive.owner(h);
    CHECK(wrong == 0);
}

TEST_CASE("hash_ring: after any history of joins, leaves and weights it is the textbook ring",
          "[ring][core]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    generator random(seed);
    hash_ring ring({.compact = GENERATE(false, true)});
    naive_ring<std::string> naive;
    std::vector<std::pair<hash_ring, naive_ring<std::string>>> kept; // snapshots must not change
    for (int step = 0; step != 160; ++step) {
        auto const node = name(static_cast<int>(random.below(60)));
        auto const weight = 0.01 * static_cast<double>(1 + random.below(200));
        auto const points = static_cast<std::uint32_t>(std::llround(weight * 100));
        switch (random.below(step < 80 ? 3 : 4)) {
        case 0:
        case 1:
            if (!naive.nodes.contains(node)) {
                ring.add(node, weight);
            } else {
                CHECK_THROWS_AS(ring.add(node, weight), std::invalid_argument);
                CHECK(ring.set_weight(node, weight));
            }
            naive.nodes[node] = points;
            break;
        case 2:
            CHECK(ring.set_weight(node, weight) == naive.nodes.contains(node));
            if (naive.nodes.contains(node))
                naive.nodes[node] = points;
            break;
        default:
            CHECK(ring.remove(node) == (naive.nodes.erase(node) == 1));
        }
        naive.refresh();
        REQUIRE(ring.size() == naive.nodes.size());
        REQUIRE(ring.points_count() == naive.circle.size());
        if (naive.nodes.empty())
            continue;
        int wrong = 0;
        for (int k = 0; k != 1000; ++k) {
            key_hash const h{random()};
            wrong += ring.node_for(h) != naive.owner(h.value);
        }
        for (auto const& [point, owner] : naive.circle)
            wrong += ring.node_for(key_hash{point}) != owner;
        for (int k = 0; k != 100; ++k) {
            key_hash const h{k < 50 ? random()
                                    : naive.circle[random.below(naive.circle.size())].first};
            auto const list = naive.preference(h.value);
            auto const three = ring.indexes_for<3>(h);
            wrong += three.size() != std::min<std::size_t>(3, list.size());
            for (std::size_t i = 0; i != three.size(); ++i)
                wrong += ring.node(three[i]) != list[i];
        }
        REQUIRE(wrong == 0);
        if (step % 50 == 17)
            kept.emplace_back(ring, naive);
    }
    for (auto& [old_ring, old_naive] : kept) {
        int wrong = 0;
        for (auto const& [point, owner] : old_naive.circle)
            wrong += old_ring.node_for(key_hash{point}) != owner;
        CHECK(wrong == 0);
        // A kept copy can go its own way.
        old_ring.add("of its own", 3);
        old_naive.nodes["of its own"] = 300;
        old_naive.refresh();
        for (auto const& [point, owner] : old_naive.circle)
            wrong += old_ring.node_for(key_hash{point + 1}) != old_naive.owner(point + 1);
        CHECK(wrong == 0);
    }
}

TEST_CASE("hash_ring: the order of joining, and what has left since, leave no trace",
          "[ring][core]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    generator random(seed);
    std::vector<int> order;
    for (int i = 0; i != 12; ++i)
        order.push_back(i);
    hash_ring first;
    for (int i : order)
        first.add(name(i), 0.1 * (i + 1));
    auto const expected = owners(first, 2000);
    for (int round = 0; round != 200; ++round) {
        for (std::size_t i = order.size(); i > 1; --i)
            std::swap(order[i - 1], order[random.below(i)]);
        hash_ring ring;
        ring.add("passing");
        for (int i : order) {
            ring.add(name(i), 0.1 * (1 + static_cast<double>(random.below(20))));
            ring.set_weight(name(i), 0.1 * (i + 1));
        }
        ring.remove("passing");
        REQUIRE(ring.fingerprint() == first.fingerprint());
        REQUIRE((owners(ring, 2000) == expected));
    }
}

TEST_CASE("hash_ring: a node that joins or leaves moves its own keys and nothing else",
          "[ring][core]")
{
    hash_ring ring;
    for (int i = 0; i != 20; ++i)
        ring.add(name(i));
    auto const before = owners(ring, 20000);
    ring.add("joins", 1.5);
    auto const with = owners(ring, 20000);
    int moved = 0, collateral = 0;
    for (std::size_t k = 0; k != before.size(); ++k)
        if (before[k] != with[k])
            ++(with[k] == "joins" ? moved : collateral);
    CHECK(collateral == 0);
    CHECK(moved > 20000 * 1.5 / 21.5 * 0.6);
    CHECK(moved < 20000 * 1.5 / 21.5 * 1.4);
    ring.remove("joins");
    CHECK((owners(ring, 20000) == before));
}

TEST_CASE("hash_ring: a changed weight moves keys only to or from that node", "[ring][core]")
{
    // libketama moves 9 % between servers that did not change when the smallest of eight leaves,
    // because it divides every weight by their sum.
    std::vector<double> const weights{600, 300, 200, 350, 1000, 800, 950, 100};
    hash_ring ring({.points_per_weight = 1});
    for (std::size_t i = 0; i != weights.size(); ++i)
        ring.add(name(static_cast<int>(i)), weights[i]);
    auto const before = owners(ring, 30000);
    for (double weight : {1.0, 37.0, 599.0, 601.0, 1200.0, 5000.0}) {
        auto changed = ring;
        REQUIRE(changed.set_weight(name(0), weight));
        auto const after = owners(changed, 30000);
        int collateral = 0, wrong_way = 0;
        for (std::size_t k = 0; k != before.size(); ++k) {
            if (before[k] == after[k])
                continue;
            collateral += before[k] != name(0) && after[k] != name(0);
            wrong_way += (weight > 600 ? before : after)[k] == name(0);
        }
        CHECK(collateral == 0);
        CHECK(wrong_way == 0);
    }
}

TEST_CASE("hash_ring: no weight is too small for a share of the keys", "[ring][core]")
{
    // libketama gives no point at all to weight 10 beside seven of weight 1000.
    hash_ring ring;
    for (int i = 0; i != 7; ++i)
        ring.add(name(i), 1000);
    auto const small = ring.add("small", 1e-300);
    CHECK(ring.points_of(small) == 1);
    CHECK(ring.node_for(key_hash{ring.point(small, 0)}) == "small");
}

TEST_CASE("hash_ring: the number of points is the exact product, rounded half up", "[ring][core]")
{
    auto const points = [](double weight, std::uint32_t per_weight) {
        hash_ring ring({.points_per_weight = per_weight});
        return ring.points_of(ring.add("n", weight));
    };
    CHECK(points(1, 100) == 100);
    CHECK(points(0.005, 100) == 1);
    CHECK(points(0.015, 100) == 1); // the double is a little below 0.015
    CHECK(points(0.025, 100) == 3); // and this one a little above 0.025
    CHECK(points(1.005, 100) == 100);
    CHECK(points(2.5, 1) == 3);
    CHECK(points(0.4999999999999999, 3) == 1);
    CHECK(points(std::nextafter(0.5, 0), 5) == 2); // in doubles 2.5 - tiny would round up
    CHECK(points(0.5, 5) == 3);
    CHECK(points(100000.25, 2) == 200001);
    CHECK(perdure::detail::scaled(double(1 << 30), 1) == 1u << 30);
    CHECK(perdure::detail::scaled(1, 65536) == 65536);
    CHECK(perdure::detail::scaled(0x1.fffffffffffffp-1, 65536) == 65536);
    CHECK(perdure::detail::scaled(std::numeric_limits<double>::denorm_min(), 65536) == 0);
}

TEST_CASE("hash_ring: what is no configuration is refused and changes nothing", "[ring][core]")
{
    hash_ring ring{"a", "b"};
    auto const before = ring.fingerprint();
    for (double weight : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
        CAPTURE(weight);
        CHECK_THROWS_AS(ring.add("c", weight), std::invalid_argument);
        CHECK_THROWS_AS(ring.set_weight("a", weight), std::invalid_argument);
    }
    CHECK_THROWS_AS(ring.add("c", 1e30), std::invalid_argument);
    CHECK_THROWS_AS(ring.add("c", 10737419), std::invalid_argument); // 2^30 points and some
    CHECK_THROWS_AS(ring.add("a"), std::invalid_argument);
    CHECK_THROWS_AS(hash_ring({.points_per_weight = 0}), std::invalid_argument);
    CHECK_THROWS_AS(hash_ring({.points_per_weight = 65537}), std::invalid_argument);
    CHECK_THROWS_AS((hash_ring{"a", "b", "a"}), std::invalid_argument);
    std::vector<perdure::weighted_node<std::string>> const bad{{"c", 1}, {"d", -1}};
    CHECK_THROWS_AS(ring.add_all(bad), std::invalid_argument);
    CHECK(ring.fingerprint() == before);
    CHECK_FALSE(ring.remove("c"));
    CHECK_FALSE(ring.set_weight("c", 1));
    try {
        ring.add("a");
    } catch (std::invalid_argument const& e) {
        CHECK(std::string(e.what()) ==
              "perdure::hash_ring: node is 'a'; it is there already, and each may be added once");
    }
}

TEST_CASE("hash_ring: an empty ring has no node for a key, a single node has all", "[ring][core]")
{
    hash_ring ring;
    CHECK(ring.index_for("k") == perdure::no_node);
    CHECK_THROWS_AS(ring.node_for("k"), std::out_of_range);
    ring_test::check_lookups(ring, "k");
    std::vector<key_hash> const keys(20, key_hash{5});
    std::vector<node_index> out(20, 7);
    ring.indexes_for_batch(keys, out);
    CHECK(out == std::vector<node_index>(20, perdure::no_node));
    ring.add("only", 0.001);
    for (std::uint64_t h = 0; h != 1000; ++h)
        REQUIRE(ring.node_for(key_hash{h * 0x0123456789abcdef}) == "only");
    CHECK(ring.node_for(key_hash{~std::uint64_t{0}}) == "only");
    ring.remove("only");
    CHECK(ring.empty());
    CHECK(ring.points().empty());
}

TEST_CASE("hash_ring: the nodes for a key are the distinct nodes clockwise", "[ring][core]")
{
    auto const nodes = GENERATE(1, 2, 5, 40);
    auto const seed = Catch::rngSeed();
    CAPTURE(nodes, seed);
    generator random(seed);
    hash_ring ring({.points_per_weight = 7});
    naive_ring<std::string> naive;
    for (int i = 0; i != nodes; ++i) {
        ring.add(name(i));
        naive.nodes[name(i)] = 7;
    }
    naive.refresh();
    for (int k = 0; k != 300; ++k) {
        key_hash const h{random()};
        ring_test::check_lookups(ring, h);
        std::vector<std::string> ranked;
        for (auto const& node : ring.ranked(h))
            ranked.push_back(node);
        REQUIRE(ranked == naive.preference(h.value));
    }
    auto const three = ring.indexes_for<3>("k");
    CHECK(three.size() == std::min<std::size_t>(3, ring.size()));
}

TEST_CASE("hash_ring: a batch answers as the keys one by one", "[ring][core]")
{
    // The second one is larger than what is looked up one by one.
    hash_ring ring({.points_per_weight = GENERATE(100u, 2000u)});
    for (int i = 0; i != 50; ++i)
        ring.add(name(i));
    generator random(Catch::rngSeed());
    for (auto const size : std::vector<std::size_t>{0, 1, 31, 32, 33, 500}) {
        std::vector<key_hash> keys(size);
        std::vector<node_index> out(size);
        for (auto& k : keys)
            k = {random()};
        ring.indexes_for_batch(keys, out);
        for (std::size_t i = 0; i != size; ++i)
            CHECK(out[i] == ring.index_for(keys[i]));
    }
}

TEST_CASE("hash_ring: a point takes 24 bytes, 16 in a compact ring", "[ring][core]")
{
    bool const compact = GENERATE(false, true);
    int const nodes = GENERATE(100, 300, 1000, 10000);
    hash_ring ring({.compact = compact});
    std::vector<perdure::weighted_node<std::string>> all;
    for (int i = 0; i != nodes; ++i)
        all.push_back({name(i), 1});
    ring.add_all(all);
    auto const bytes =
        static_cast<double>(ring.memory()) / static_cast<double>(ring.points_count());
    CAPTURE(compact, nodes, bytes);
    CHECK(bytes < (compact ? 16 : 24));
}

TEST_CASE("hash_ring: points and nodes can be listed", "[ring][core]")
{
    hash_ring ring{"b", "a", "c"};
    ring.remove("a");
    ring.add("d", 0.5);
    auto const points = ring.points();
    REQUIRE(points.size() == 250);
    CHECK(std::is_sorted(points.begin(), points.end(),
                         [](auto const& x, auto const& y) { return x.hash < y.hash; }));
    for (auto const& p : points)
        REQUIRE(ring.index_for(key_hash{p.hash}) == p.node);
    std::vector<std::string> names;
    for (auto n : ring.indexes())
        names.push_back(ring.node(n));
    CHECK(names == std::vector<std::string>{"b", "c", "d"});
    auto const d = ring.index_of("d");
    CHECK(ring.weight(d) == 0.5);
    CHECK(ring.points(d).size() == 50);
    CHECK(d < ring.index_bound());
    CHECK(ring.index_of("a") == perdure::no_node);
    CHECK(ring.contains(std::string_view("b")));
}

TEST_CASE("hash_ring: a walk passes the points one by one, around the end", "[ring][core]")
{
    hash_ring const ring({"a", "b", "c"}, {.points_per_weight = 5});
    auto const circle = ring.points();
    for (std::size_t start = 0; start != circle.size(); ++start) {
        auto walk = ring.walk(circle[start].hash);
        for (std::size_t i = 0; i != 2 * circle.size(); ++i, ++walk)
            REQUIRE(*walk == circle[(start + i) % circle.size()].node);
    }
    CHECK(*ring.walk(circle.back().hash + 1) == circle.front().node);
}

TEST_CASE("hash_ring: a node keeps its index while others come and go", "[ring][core]")
{
    hash_ring ring{"stays"};
    auto const index = ring.index_of("stays");
    for (int i = 0; i != 100; ++i)
        ring.add(name(i));
    for (int i = 0; i != 100; i += 2)
        ring.remove(name(i));
    for (int i = 0; i != 30; ++i)
        ring.add("again-" + std::to_string(i));
    CHECK(ring.index_of("stays") == index);
    CHECK(ring.index_bound() == 101);
}

namespace {
// Every node has the same hash, so all points of all nodes coincide.
struct colliding_hash {
    std::uint64_t operator()(auto const&) const { return 1; }
};
} // namespace

TEST_CASE("hash_ring: where points coincide the smaller node owns, in every order of joining",
          "[ring][core]")
{
    std::vector<std::string> nodes{"a", "b", "c", "d"};
    do {
        basic_hash_ring<std::string, colliding_hash> ring;
        for (auto const& n : nodes)
            ring.add(n);
        REQUIRE(ring.size() == 4);
        for (auto const& p : ring.points())
            REQUIRE(ring.node_for(key_hash{p.hash}) == "a");
        // Points that a loser shares come into force when the winner leaves.
        ring.remove("a");
        REQUIRE(ring.node_for("any") == "b");
        ring.add("0", 0.5);
        ring.set_weight("c", 2);
        std::map<std::string, int> owned;
        for (auto const& p : ring.points())
            ++owned[ring.node_for(key_hash{p.hash})];
        REQUIRE(owned.size() == 3); // the first 50 are 0's, the next 50 b's, the last 100 c's
        REQUIRE(owned["c"] == 100);
        REQUIRE(ring.fingerprint() != basic_hash_ring<std::string, colliding_hash>().fingerprint());
        std::vector<std::string> ranked;
        for (auto const& n : ring.ranked(key_hash{ring.point(ring.index_of("0"), 0)}))
            ranked.push_back(n);
        REQUIRE(ranked.size() == 4);
        REQUIRE(ranked[0] == "0");
        REQUIRE(ranked[1] == "b");
    } while (std::next_permutation(nodes.begin(), nodes.end()));
}

TEST_CASE("hash_ring: names that concatenate alike do not collide", "[ring][core]")
{
    // ringpop-node placed ("node1", replica 12) and ("node11", replica 2) on one point.
    hash_ring ring({.points_per_weight = 1000});
    ring.add("node1");
    ring.add("node11");
    auto points = ring.points();
    CHECK(std::adjacent_find(points.begin(), points.end(), [](auto const& x, auto const& y) {
              return x.hash == y.hash;
          }) == points.end());
}

TEST_CASE("hash_ring: shares vary as 1 / sqrt(points), as theory says", "[ring][core]")
{
    // Relative standard deviation of the arcs; measured medians in the literature: 100 points
    // 0.096.
    auto const points = GENERATE(10u, 100u, 1000u);
    hash_ring ring({.points_per_weight = points});
    for (int i = 0; i != 100; ++i)
        ring.add(name(i));
    std::vector<double> share(100);
    std::uint64_t previous = ring.points().back().hash;
    for (auto const& p : ring.points()) {
        share[p.node] += static_cast<double>(p.hash - previous) / 0x1p64;
        previous = p.hash;
    }
    double variance = 0;
    for (double s : share)
        variance += (s * 100 - 1) * (s * 100 - 1) / 100;
    CAPTURE(points, std::sqrt(variance));
    CHECK(std::sqrt(variance) > 0.75 / std::sqrt(points));
    CHECK(std::sqrt(variance) < 1.25 / std::sqrt(points));
}

TEST_CASE("hash_ring: any key type, and nodes of any type with a stable hash and an order",
          "[ring][core]")
{
    basic_hash_ring<std::uint16_t> ring({}, perdure::key_hasher{42});
    ring.add(7001);
    ring.add(7002);
    ring.add(7003);
    CHECK(ring.node_for("k") == ring.node_for(std::string("k")));
    CHECK(ring.index_for(5) == ring.index_for(key_hash{perdure::hash_key(5, 42)}));
    basic_hash_ring<std::uint16_t> other({}, perdure::key_hasher{43});
    other.add(7001);
    CHECK(other.fingerprint() != ring.fingerprint());
}
