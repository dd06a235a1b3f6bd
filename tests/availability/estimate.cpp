// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/estimate.hpp>

using namespace perdure::availability;
using perdure::tests::message_of;
using perdure::tests::WithinRel;

TEST_CASE("confidence: splits the risk between the bounded sides", "[availability]")
{
    auto const both = confidence::two_sided(0.9);
    CHECK_THAT(both.below(), WithinRel(0.05, 1e-14));
    CHECK(both.below() == both.above());
    CHECK(confidence::lower(0.9).above() == 0);
    CHECK_THAT(confidence::lower(0.9).below(), WithinRel(0.1, 1e-14));
    CHECK(confidence::upper(0.9).below() == 0);
    CHECK_THAT(confidence::upper(0.9).above(), WithinRel(0.1, 1e-14));
    CHECK(message_of<std::invalid_argument>([] { confidence::two_sided(95); }) ==
          "confidence is 95; it must lie between 0 and 1, both excluded");
    CHECK_THROWS_AS(confidence::lower(1), std::invalid_argument);
    CHECK_THROWS_AS(confidence::upper(0), std::invalid_argument);
}

TEST_CASE("estimate: contains its ends", "[availability]")
{
    constexpr estimate<double> e{2, 1, 3, confidence::two_sided(0.95)};
    static_assert(e.contains(1) && e.contains(3) && !e.contains(0.999) && !e.contains(3.001));
    SUCCEED();
}
