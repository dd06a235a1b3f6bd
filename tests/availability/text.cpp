// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/text.hpp>

using namespace perdure::availability;
using namespace std::chrono_literals;

TEST_CASE("to_text: durations in the unit people use", "[availability]")
{
    CHECK(to_text(duration(43.2 * 60)) == "43.2 min");
    CHECK(to_text(duration(8.76h)) == "8.76 h");
    CHECK(to_text(duration(26h)) == "26.0 h");
    CHECK(to_text(duration(days(3.65))) == "3.65 d");
    CHECK(to_text(duration(days(900))) == "2.47 years");
    CHECK(to_text(duration(days(5.15e10 * 365))) == "5.15e+10 years");
    CHECK(to_text(duration(0.25)) == "250 ms");
    CHECK(to_text(duration(2e-5)) == "20.0 us");
    CHECK(to_text(duration{}) == "0 s");
    CHECK(to_text(duration(detail::infinity)) == "never ends");
    CHECK(to_text(duration(59.99)) == "1.00 min");
    CHECK(to_text(duration(59.9)) == "59.9 s");
    CHECK(to_text(mtbf::infinite()) == "infinite");
    CHECK(to_text(mttr(90min)) == "90.0 min");
}

TEST_CASE("to_text: an availability shows its nines, however many", "[availability]")
{
    CHECK(to_text(unavailability(1e-3)) == "99.9000 %");
    CHECK(to_text(unavailability(5e-4)) == "99.9500 %");
    CHECK(to_text(unavailability(2.9e-7)) == "99.9999710 %");
    CHECK(to_text(unavailability(1e-20)) == "99.999999999999999999000 %");
    CHECK(to_text(unavailability(0.5)) == "50.0 %");
    CHECK(to_text(unavailability(1)) == "0.0 %");
    CHECK(to_text(unavailability(0.028)) == "97.20 %");
    CHECK(to_text(unavailability(0)) == "100 %");
}

TEST_CASE("to_text: an estimate with its interval", "[availability]")
{
    auto const sure = confidence::two_sided(0.9);
    CHECK(to_text(estimate<mtbf>{mtbf(5h), mtbf(3h), mtbf::infinite(), sure}) ==
          "5.00 h (3.00 h to infinite, 90 % sure)");
    CHECK(to_text(estimate<unavailability>{unavailability(0.01), unavailability(0.005),
                                           unavailability(0.02), sure}) ==
          "99.000 % (98.00 % to 99.500 %, 90 % sure)");
}
