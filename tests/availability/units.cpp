// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/units.hpp>

#include <limits>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::WithinRel;

namespace {
double const not_a_number = std::numeric_limits<double>::quiet_NaN();
template <class F>
std::string refused(F&& f)
{
    return message_of<std::invalid_argument>(f);
}
} // namespace

TEST_CASE("rate: converts between periods, means, FIT and AFR", "[availability]")
{
    CHECK_THAT(rate::per(720h).in(hours(8760)), WithinRel(8760. / 720, 1e-15));
    CHECK_THAT(rate::per_hour(2).mean().count(), WithinRel(1800, 1e-15));
    CHECK_THAT((rate::per_hour(2) * 30min), WithinRel(1, 1e-15));
    // 100 FIT are an MTBF of ten million hours.
    CHECK_THAT(mtbf_of(rate_of(fit(100))).in(hours(1)), WithinRel(1e7, 1e-14));
    CHECK_THAT(fit_of(rate::per_hour(1e-7)).value(), WithinRel(100, 1e-14));
    CHECK_THAT(rate_of(mtbf(50h)) / rate_of(mttr(2h)), WithinRel(0.04, 1e-15));
}

TEST_CASE("afr: is a probability, not the expected number of failures", "[availability]")
{
    // 10 % AFR: 0.10536 failures a year; as a ratio of hours the two readings differ by 5 %.
    auto const r = rate_of(afr(0.1), julian_calendar.year);
    CHECK_THAT(r.in(hours(8766)), WithinRel(0.105360515657826, 1e-14));
    CHECK_THAT(afr_of(r, julian_calendar.year).value(), WithinRel(0.1, 1e-14));
    // The same MTBF gives another AFR in a year of 365 days.
    auto const million = rate_of(mtbf(hours(1e6)));
    CHECK_THAT(afr_of(million, julian_calendar.year).value(), WithinRel(0.008727691, 1e-7));
    CHECK_THAT(afr_of(million, sre_calendar.year).value(), WithinRel(0.008721743, 1e-7));
    CHECK_THAT(afr_of(rate_of(afr(1e-18))).value(), WithinRel(1e-18, 1e-14));
}

TEST_CASE("mean_time: infinite is an answer, and a rate of 0 has it", "[availability]")
{
    CHECK(mtbf_of(rate{}).is_infinite());
    CHECK(rate_of(mtbf::infinite()) == rate{});
    CHECK(rate{}.in(duration(detail::infinity)) == 0);
    CHECK(mtbf(1h) < mtbf::infinite());
}

TEST_CASE("units refuse what has no meaning, naming value and rule", "[availability]")
{
    CHECK(refused([] { rate::per_second(-2); }) ==
          "rate is -2; events per second must be finite and at least 0");
    CHECK_FALSE(refused([] { rate::per_second(not_a_number); }).empty());
    CHECK_FALSE(refused([] { rate::per_second(detail::infinity); }).empty());
    CHECK(refused([] { rate::per(0s); }) == "period of a rate is 0; seconds must be more than 0");
    CHECK_FALSE(refused([] { rate_of(mttr(0s)); }).empty());
    CHECK(refused([] { mtbf(-1s); }).find("mtbf is -1") == 0);
    CHECK(refused([] { mttr(duration(not_a_number)); }).find("mttr is nan") == 0);
    CHECK(refused([] { fit(-1); }).find("fit is -1") == 0);
    CHECK(refused([] { afr(1); }).find("afr is 1;") == 0);
    CHECK_FALSE(refused([] { afr_of(rate::per_second(1)); }).empty());
}

TEST_CASE("units compute in constant expressions", "[availability]")
{
    static_assert(rate_of(afr(0.5)).in(sre_calendar.year) > 0.6931);
    static_assert(sre_calendar.month == 720h);
    static_assert(julian_calendar.month > 730h && gregorian_calendar.month < 730.5h);
    static_assert(!std::is_convertible_v<mtbf, mttr> && !std::is_convertible_v<double, rate>);
    SUCCEED();
}
