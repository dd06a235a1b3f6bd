// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/composition.hpp>
#include <perdure/availability/repair_crews.hpp>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::WithinRel;

namespace {
two_state const unit(rate::per_hour(1e-3), rate::per_hour(0.1));
double down(std::size_t k, std::size_t n, std::size_t crews)
{
    return k_of_n_with_crews(k, n, unit, crews).value();
}
} // namespace

TEST_CASE("k_of_n_with_crews: machine repair", "[availability]")
{
    CHECK_THAT(down(1, 2, 1), WithinRel(1.960399921584003e-4, 1e-14));
    CHECK_THAT(down(1, 2, 2), WithinRel(9.802960494069208e-5, 1e-14));
    CHECK_THAT(down(2, 3, 1), WithinRel(5.880035629522824e-4, 1e-14));
    CHECK_THAT(down(2, 3, 3), WithinRel(2.92147634526221e-4, 1e-14));
    CHECK_THAT(down(3, 5, 1), WithinRel(5.81829263371797e-5, 1e-14));
    CHECK_THAT(down(3, 5, 5), WithinRel(9.562325307016584e-6, 1e-14));
}

TEST_CASE("k_of_n_with_crews: with a crew for each, units are independent", "[availability]")
{
    for (std::size_t n = 1; n <= 100; n = n * 2 + 1) {
        for (std::size_t k = 0; k <= n; k += 1 + n / 7) {
            CAPTURE(n, k);
            double const independent = k_of_n(k, n, unavailability(unit)).value();
            CHECK_THAT(down(k, n, n), WithinRel(independent, 1e-12));
            CHECK_THAT(down(k, n, 2 * n), WithinRel(independent, 1e-12));
            double before = 1;
            for (std::size_t crews = 1; crews <= n; ++crews) { // another crew never harms
                double const u = down(k, n, crews);
                CHECK(u <= before * (1 + 1e-13));
                before = u;
            }
        }
    }
}

TEST_CASE("k_of_n_with_crews: edges", "[availability]")
{
    CHECK(k_of_n_with_crews(1, 2, two_state(rate{}, rate::per_hour(1)), 1) == 0);
    CHECK(k_of_n_with_crews(1, 2, two_state(rate::per_hour(1), rate{}), 1) == 1);
    CHECK(down(0, 2, 1) == 0);
    // A queue that overflows any double when weights are not scaled.
    two_state const bad(rate::per_hour(1e6), rate::per_hour(1e-6));
    CHECK(k_of_n_with_crews(1, 100, bad, 1) > 0.999999);
    CHECK_THROWS_AS(down(3, 2, 1), std::invalid_argument);
    CHECK_THROWS_AS(down(1, 2, 0), std::invalid_argument);
    static_assert(k_of_n_with_crews(1, 2, two_state(mtbf(1000h), mttr(10h)), 1) < 1.97e-4);
}
