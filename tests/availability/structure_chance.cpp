// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/structure/chance.hpp>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include <cmath>
#include <vector>

using namespace perdure::availability;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;
using wide = boost::multiprecision::cpp_bin_float_100;

namespace {

struct wide_chance {
    wide yes, no;
};
wide_chance at_least_wide(std::size_t k, std::vector<chance> const& inputs)
{
    std::vector<wide> ways(inputs.size() + 1);
    ways[0] = 1;
    for (auto const& c : inputs) {
        for (std::size_t j = inputs.size(); j >= 1; --j) {
            ways[j] = ways[j] * wide(c.no) + ways[j - 1] * wide(c.yes);
        }
        ways[0] *= wide(c.no);
    }
    wide_chance result{0, 0};
    for (std::size_t j = 0; j <= inputs.size(); ++j) {
        (j >= k ? result.yes : result.no) += ways[j];
    }
    return result;
}

} // namespace

TEST_CASE("chance: both sides keep their digits", "[availability]")
{
    chance const rare(1e-18);
    double const square = 1e-18 * 1e-18;
    CHECK(both(rare, rare).yes == square);
    CHECK(either(rare, rare).yes == 2e-18);
    CHECK((!either(!rare, !rare)).yes == square);
    CHECK(either(!rare, !rare).no == square);
    CHECK(both(!rare, !rare).no == 2e-18);
    CHECK(exactly_one(rare, !rare).no == 2e-18);
    CHECK(choose(rare, chance(1, 0), rare).yes == 2e-18);
    // What 1 - p makes of the same thing.
    CHECK(1 - (1 - 1e-18) * (1 - 1e-18) == 0);
    static_assert(both(chance(0.5), chance(0.25)) == chance(0.125, 0.875));
    static_assert(chance::complement_of(1e-30).no == 1e-30);
}

TEST_CASE("chance: at_least agrees with 100 digits on both sides", "[availability]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    random_numbers random(seed);
    for (int round = 0; round < 200; ++round) {
        std::vector<chance> inputs(1 + random.below(40));
        for (auto& c : inputs) {
            double const p = std::pow(10.0, -14 * random.uniform());
            c = random.below(2) == 0 ? chance(p) : chance::complement_of(p);
        }
        auto const k = random.below(inputs.size() + 2);
        CAPTURE(round, k, inputs.size());
        auto const c = at_least(k, inputs);
        auto const exact = at_least_wide(k, inputs);
        if (exact.yes > 1e-290) {
            REQUIRE_THAT(c.yes, WithinRel(static_cast<double>(exact.yes), 2e-14));
        }
        if (exact.no > 1e-290) {
            REQUIRE_THAT(c.no, WithinRel(static_cast<double>(exact.no), 2e-14));
        }
    }
    CHECK(at_least(0, {}) == chance(1, 0));
    CHECK(at_least(1, {}) == chance(0, 1));
}
