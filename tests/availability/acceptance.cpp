// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/acceptance.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::WithinRel;

namespace {
double passes(mtbf truth, acceptance_test const& plan)
{
    return boost::math::gamma_q(static_cast<double>(plan.allowed) + 1, plan.length / truth.value());
}
} // namespace

TEST_CASE("plan_acceptance: keeps both risks, which a published plan misses", "[availability]")
{
    // MatthewReid854/reliability, docs/Reliability test duration.rst: MTBF 2500 required, 3000
    // designed, both risks 20 %: 231615.79491309822. That is the test with 84 failures, one too
    // few: its producer's risk is 20.1 %.
    mtbf const required(2500h), design(3000h);
    CHECK_THAT(test_length(required, 84, 0.2) / hours(1), WithinRel(231615.79491309822, 1e-12));
    CHECK(1 - passes(design, {84, test_length(required, 84, 0.2)}) > 0.2);
    auto const plan = plan_acceptance(required, design, 0.2, 0.2);
    CHECK(plan.allowed == 85);
    CHECK_THAT(passes(required, plan), WithinRel(0.2, 1e-12));
    CHECK(1 - passes(design, plan) <= 0.2);
}

TEST_CASE("test_length: without failures it is -ln risk of the MTBF", "[availability]")
{
    CHECK_THAT(test_length(mtbf(1000h), 0, 0.05) / hours(1),
               WithinRel(-1000 * std::log(0.05), 1e-13));
    CHECK(plan_acceptance(mtbf(1h), mtbf::infinite(), 0.1, 0.1).allowed == 0);
}

TEST_CASE("plan_acceptance: is the shortest plan", "[availability]")
{
    for (double ratio : {1.1, 1.5, 2., 5., 30.}) {
        mtbf const required(100h), design(duration(ratio * 100h));
        auto const plan = plan_acceptance(required, design, 0.1, 0.05);
        CAPTURE(ratio, plan.allowed);
        CHECK(1 - passes(design, plan) <= 0.05);
        if (plan.allowed > 0) {
            CHECK(1 - passes(design,
                             {plan.allowed - 1, test_length(required, plan.allowed - 1, 0.1)}) >
                  0.05);
        }
    }
    CHECK_THROWS_AS(plan_acceptance(mtbf(2h), mtbf(1h), 0.1, 0.1), std::invalid_argument);
    CHECK_THROWS_AS(plan_acceptance(mtbf(1h), mtbf(2h), 0, 0.1), std::invalid_argument);
    CHECK_THROWS_AS(plan_acceptance(mtbf(1h), mtbf(2h), 0.5, 0.5), std::invalid_argument);
    CHECK_THROWS_AS(plan_acceptance(mtbf(1h), mtbf(1.00001h), 0.1, 0.1), std::invalid_argument);
}
