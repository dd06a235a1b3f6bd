// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "placement/support.hpp"
#include <perdure/placement/hot_keys.hpp>
#include <perdure/placement/load_report.hpp>

#include <limits>
#include <map>

using namespace placement_test;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

TEST_CASE("measure_load: balance, zones, traffic", "[placement]")
{
    placement_rules rules;
    rules.slots = 1024;
    auto nodes = cluster(8, 2);
    for (std::size_t i = 0; i != 8; i += 2)
        nodes[i].weight = 3; // zone-0
    placement_map map(rules, nodes);
    std::vector<double> traffic(1024, 1);
    traffic[77] = 1024;
    auto const report = measure_load(map, traffic);
    double most = 0, sum = 0;
    std::uint32_t zone = 0;
    for (auto i : map.indexes()) {
        auto const relative = map.copies_on(i) / map.node(i).weight * 16 / 3072;
        most = std::max(most, relative);
        sum += (relative - 1) * (relative - 1);
        if (map.node(i).zone == "zone-0")
            zone += map.copies_on(i);
    }
    CHECK_THAT(report.copies.peak_to_average, WithinRel(most, 1e-12));
    CHECK_THAT(report.copies.coefficient_of_variation, WithinRel(std::sqrt(sum / 8), 1e-12));
    CHECK(report.copies.idle == 0);
    REQUIRE(report.zones.size() == 2);
    CHECK_THAT(report.zones[0].nodes_share, WithinRel(0.75, 1e-12));
    CHECK_THAT(report.zones[0].copies_share, WithinRel(zone / 3072.0, 1e-12));
    CHECK(report.hottest_slot == 77);
    CHECK_THAT(report.hottest_share, WithinRel(1024 / 2047.0, 1e-12));
    CHECK(report.traffic.peak == map.primary(77));
    CHECK(report.text().find("hottest slot: 77") != std::string::npos);

    // Sizes: all bytes in one slot, so that all but its owners are idle.
    std::vector<std::uint64_t> sizes(1024, 0);
    sizes[5] = 100;
    auto const one = measure_load(map, {}, sizes);
    CHECK(one.copies.idle == 5);
    CHECK(one.primaries.idle == 7);
    CHECK(one.primaries.peak == map.primary(5));
    CHECK(one.text().find("traffic") == std::string::npos);

    CHECK(measure_load(placement_map()).copies.peak_to_average == 0);
    traffic[3] = -1;
    CHECK_THROWS_AS(measure_load(map, traffic), std::invalid_argument);
    traffic[3] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(measure_load(map, traffic), std::invalid_argument);
    traffic.pop_back();
    CHECK_THROWS_AS(measure_load(map, traffic), std::invalid_argument);
    sizes.pop_back();
    CHECK_THROWS_AS(measure_load(map, {}, sizes), std::invalid_argument);
}

TEST_CASE("hot_keys: counts are right within their errors, and no hot key is missing",
          "[placement]")
{
    seed_range const seeds(100);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        std::size_t const capacity = 1 + random.below(30);
        perdure::hot_keys<> sketch(capacity);
        std::map<std::string, std::uint64_t> truth;
        std::uint64_t total = 0;
        for (int i = 0; i != 2000; ++i) {
            // Skewed: small numbers are frequent.
            auto const key = "k" + std::to_string(random.below(1 + random.below(100)));
            auto const times = random.below(8) == 0 ? 1 + random.below(9) : 1;
            sketch.add(key, times);
            truth[key] += times;
            total += times;
        }
        CHECK(sketch.total() == total);
        CHECK(sketch.size() == std::min(capacity, truth.size()));
        auto const top = sketch.top(capacity);
        std::map<std::string, std::uint64_t> kept;
        std::uint64_t counts = 0;
        for (auto const& e : top) {
            REQUIRE(e.count >= truth[e.key]);
            REQUIRE(e.count - e.error <= truth[e.key]);
            kept[e.key] = e.count;
            counts += e.count;
        }
        CHECK(counts == total); // the invariant of Space-Saving
        for (auto const& [key, n] : truth)
            if (n > total / capacity)
                REQUIRE(kept.contains(key));
        for (std::size_t i = 1; i < top.size(); ++i)
            REQUIRE(top[i].count <= top[i - 1].count);
    }
    CHECK_THROWS_AS(perdure::hot_keys<>(0), std::invalid_argument);
    perdure::hot_keys<std::uint64_t> numbers(2);
    numbers.add(7, 3);
    numbers.add(8);
    numbers.add(9);
    CHECK(numbers.top(1) == std::vector<perdure::hot_keys<std::uint64_t>::entry>{{7, 3, 0}});
    CHECK(numbers.top(9)[1] == perdure::hot_keys<std::uint64_t>::entry{9, 2, 1});
}
