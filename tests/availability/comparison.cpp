// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/comparison.hpp>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::published;
using perdure::tests::WithinRel;

TEST_CASE("compare_probabilities: Fisher's tea", "[availability]")
{
    // Fisher, The Design of Experiments, 1935: 3 of 4 right. One table is as unlikely on the other
    // side: 34 / 70.
    auto const tea = compare_probabilities({3, 4}, {1, 4}, 0.95);
    CHECK_THAT(tea.p_value, WithinRel(34 / 70., 1e-13));
    CHECK_FALSE(tea.differs());
    CHECK_THAT(compare_probabilities({4, 4}, {0, 4}, 0.95).p_value, WithinRel(2 / 70., 1e-13));
    CHECK(compare_probabilities({4, 4}, {0, 4}, 0.95).differs());
    CHECK_THAT(compare_probabilities({0, 4}, {0, 9}, 0.95).p_value, WithinRel(1, 1e-15));
}

TEST_CASE("compare_probabilities: Newcombe's example", "[availability]")
{
    // Newcombe 1998, table II, example (a), method 10: 56/70 - 48/80 = 0.2, 0.0524 to 0.3339.
    auto const e = compare_probabilities({56, 70}, {48, 80}, 0.95).effect;
    CHECK_THAT(e.value, WithinRel(0.2, 1e-14));
    CHECK(published{"0.0524"}.agrees(e.lower));
    CHECK(published{"0.3339"}.agrees(e.upper));
}

TEST_CASE("compare_probabilities: sides and extremes", "[availability]")
{
    auto const forth = compare_probabilities({5, 1000}, {50, 1000}, 0.95);
    auto const back = compare_probabilities({50, 1000}, {5, 1000}, 0.95);
    CHECK_THAT(forth.p_value, WithinRel(back.p_value, 1e-10));
    CHECK_THAT(forth.effect.lower, WithinRel(-back.effect.upper, 1e-13));
    CHECK(forth.p_value < 1e-9);
    // Both tails count although the centre outweighs them by more than 1e20.
    auto const far = compare_probabilities({100, 1000}, {300, 1000}, 0.95);
    auto const mirrored = compare_probabilities({900, 1000}, {700, 1000}, 0.95);
    CHECK(far.p_value < 1e-25);
    CHECK_THAT(far.p_value, WithinRel(mirrored.p_value, 1e-9));
}

TEST_CASE("compare_rates: R's example of poisson.test", "[availability]")
{
    // R documentation of poisson.test, "These are the data of Koch": 11 in 800 against 21 in 3011
    // person-years.
    auto const c =
        compare_rates({11, duration(800)}, {6 + 8 + 7, duration(1083 + 1050 + 878)}, 0.95);
    CHECK(published{"0.07967"}.agrees(c.p_value));
    CHECK_THAT(c.effect.value, WithinRel(11 / 800. / (21 / 3011.), 1e-13));
    CHECK(published{"0.8584264"}.agrees(c.effect.lower));
    CHECK(published{"4.2772659"}.agrees(c.effect.upper));
}

TEST_CASE("compare_rates: no fault on one side", "[availability]")
{
    auto const c = compare_rates({3, 100h}, {0, 100h}, 0.9);
    CHECK(c.effect.upper == detail::infinity);
    CHECK(c.effect.lower > 0);
    CHECK_THAT(c.p_value, WithinRel(0.25, 1e-13));
    CHECK_THROWS_AS(compare_rates({0, 1h}, {0, 1h}, 0.9), std::invalid_argument);
    CHECK_THROWS_AS(compare_rates({1, 0h}, {0, 1h}, 0.9), std::invalid_argument);
}
