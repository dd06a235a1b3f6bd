// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/composition.hpp>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include <bit>
#include <cmath>

using namespace perdure::availability;
using perdure::tests::message_of;
using perdure::tests::published;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;
using wide = boost::multiprecision::cpp_bin_float_100;

namespace {

using components = std::vector<unavailability>;

/// By enumeration of all states, in 100 digits.
wide down_by_enumeration(std::size_t k, components const& parts)
{
    wide sum = 0;
    for (unsigned state = 0; state < 1U << parts.size(); ++state) { // bit set: down
        if (parts.size() - static_cast<std::size_t>(std::popcount(state)) < k) {
            wide p = 1;
            for (std::size_t i = 0; i < parts.size(); ++i) {
                wide const u = parts[i].value();
                p *= (state >> i & 1) != 0 ? u : 1 - u;
            }
            sum += p;
        }
    }
    return sum;
}

wide binomial_tail(std::size_t n, std::size_t from, double u)
{
    wide sum = 0;
    wide term = 1;
    for (std::size_t j = 0; j <= n; ++j) {
        if (j >= from) {
            sum += term * pow(wide(u), static_cast<int>(j)) *
                   pow(wide(1) - wide(u), static_cast<int>(n - j));
        }
        term = term * static_cast<unsigned>(n - j) / static_cast<unsigned>(j + 1);
    }
    return sum;
}

double relative(double got, wide const& exact)
{
    return static_cast<double>(abs(wide(got) / exact - 1));
}

} // namespace

TEST_CASE("series and parallel: published values", "[availability]")
{
    // ReliaWiki, "RBDs and Analytical System Reliability": 0.995 0.987 0.973 in series 95.55 %, in
    // parallel 1.755e-6.
    components const three = {unavailability(0.005), unavailability(0.013), unavailability(0.027)};
    CHECK_THAT(series(three).value(), WithinRel(1 - 0.955549245, 1e-12));
    CHECK_THAT(parallel(three).value(), WithinRel(1.755e-6, 1e-12));
    // AWS Reliability Pillar: a 99.99 % service with two 99.99 % hard dependencies has 99.97 %, 2 h
    // 37 min a year.
    auto const aws = series({unavailability(1e-4), unavailability(1e-4), unavailability(1e-4)});
    CHECK_THAT(aws.value(), WithinRel(1 - 0.999700029999, 1e-9));
    CHECK_THAT(aws.value(), WithinRel(2.99970001e-4, 1e-12));
    CHECK(published{"2.63"}.agrees(aws.downtime(sre_calendar.year) / hours(1)));
    // schematex.js.org, "rbd-redundant-server": 0.98491.
    auto const server =
        series({unavailability(0.01), parallel({unavailability(0.05), unavailability(0.05)}),
                k_of_n(2, 3, unavailability(0.03))});
    CHECK(published{"0.98491"}.agrees(server.availability()));
    CHECK_THAT(server.value(), WithinRel(1 - 0.9849120089, 1e-8));
}

TEST_CASE("k_of_n: majorities", "[availability]")
{
    struct row {
        std::size_t k, n;
        double u, down;
    };
    row const rows[] = {{2, 3, 0.01, 2.98e-4},         {3, 5, 0.01, 9.8506e-6},
                        {2, 3, 1e-3, 2.998e-6},        {3, 5, 1e-3, 9.985006e-9},
                        {4, 7, 1e-3, 3.491606998e-11}, {2, 3, 0.1, 0.028},
                        {3, 5, 0.1, 0.00856},          {4, 7, 0.1, 0.002728}};
    for (auto const& r : rows) {
        CAPTURE(r.k, r.n, r.u);
        auto const exact = binomial_tail(r.n, r.n - r.k + 1, r.u);
        CHECK_THAT(r.down, WithinRel(static_cast<double>(exact), 1e-9));
        CHECK(relative(k_of_n(r.k, r.n, unavailability(r.u)).value(), exact) < 1e-14);
        components const each(r.n, unavailability(r.u));
        CHECK(relative(k_of_n(r.k, each).value(), exact) < 1e-14);
    }
}

TEST_CASE("k_of_n: agrees with enumeration down to 1e-30 and below", "[availability]")
{
    auto const seed = GENERATE(std::uint64_t{11}, std::uint64_t{12}, std::uint64_t{13});
    CAPTURE(seed);
    random_numbers random(seed);
    for (int i = 0; i < 60; ++i) {
        components parts;
        for (std::size_t n = 1 + random.below(8); n > 0; --n) {
            parts.emplace_back(std::pow(10., -12 * random.uniform()) * random.uniform());
        }
        for (std::size_t k = 1; k <= parts.size(); ++k) {
            CAPTURE(k, parts.size());
            REQUIRE(relative(k_of_n(k, parts).value(), down_by_enumeration(k, parts)) < 1e-14);
        }
        REQUIRE(relative(series(parts).value(), down_by_enumeration(parts.size(), parts)) < 1e-14);
        REQUIRE(relative(parallel(parts).value(), down_by_enumeration(1, parts)) < 1e-14);
    }
}

TEST_CASE("k_of_n of equal components: holds for thousands of them", "[availability]")
{
    struct row {
        std::size_t k, n;
        double u;
    };
    // Binomial coefficients overflow a double at n = 1030.
    row const rows[] = {{1000, 1100, 0.05}, {1900, 2000, 1e-3}, {1999, 2000, 1e-9},
                        {1, 50, 0.9},       {500, 1000, 0.5},   {2000, 2000, 1e-30},
                        {990, 1000, 1e-4},  {10, 10, 0.999},    {1, 2000, 0.999},
                        {3, 5, 1e-6}};
    for (auto const& r : rows) {
        CAPTURE(r.k, r.n, r.u);
        CHECK(relative(k_of_n(r.k, r.n, unavailability(r.u)).value(),
                       binomial_tail(r.n, r.n - r.k + 1, r.u)) < 1e-12);
    }
    components const many(200, unavailability(0.3));
    CHECK(relative(k_of_n(60, many).value(), binomial_tail(200, 141, 0.3)) < 1e-12);
}

TEST_CASE("series: a thousand small unavailabilities lose no digits", "[availability]")
{
    // 1 - (1 - 1e-10)^365 by repeated multiplication is off by 6e-8; 1 - 1 of 1e-20 gives 0.
    components const year(365, unavailability(1e-10));
    CHECK(relative(series(year).value(), 1 - pow(wide(1) - wide(1e-10), 365)) < 1e-13);
    components const tiny(200, unavailability(1e-20));
    CHECK_THAT(series(tiny).value(), WithinRel(2e-18, 1e-13));
}

TEST_CASE("composition: laws of structures", "[availability]")
{
    random_numbers random(21);
    for (int i = 0; i < 200; ++i) {
        components parts;
        for (std::size_t n = 2 + random.below(10); n > 0; --n) {
            parts.emplace_back(random.uniform());
        }
        double before = 0;
        for (std::size_t k = 0; k <= parts.size(); ++k) { // needing more is never better
            double const down = k_of_n(k, parts).value();
            REQUIRE(down >= before);
            before = down;
        }
        REQUIRE_THAT(k_of_n(1, parts).value(), WithinRel(parallel(parts).value(), 1e-12));
        REQUIRE_THAT(k_of_n(parts.size(), parts).value(), WithinRel(series(parts).value(), 1e-12));
        // Duality: k of n down is the complement of (n - k + 1) of n with up and down exchanged.
        components dual;
        for (auto u : parts) {
            dual.emplace_back(1 - u.value());
        }
        auto const k = 1 + random.below(parts.size());
        REQUIRE(std::abs(k_of_n(k, parts).value() - 1 +
                         k_of_n(parts.size() - k + 1, dual).value()) < 1e-12);
        // A worse component never helps.
        double const u = k_of_n(k, parts).value();
        auto& worse = parts[random.below(parts.size())];
        worse = unavailability(worse.value() + (1 - worse.value()) * random.uniform());
        REQUIRE(k_of_n(k, parts).value() >= u * (1 - 1e-14));
    }
}

TEST_CASE("composition: edges", "[availability]")
{
    CHECK(series(components{}) == 0);
    CHECK(parallel(components{}) == 1);
    CHECK(k_of_n(0, components{}) == 0);
    CHECK(k_of_n(0, 3, unavailability(1)) == 0);
    CHECK(k_of_n(3, 3, unavailability(1)) == 1);
    CHECK(k_of_n(3, 3, unavailability(0)) == 0);
    CHECK(series({unavailability(1), unavailability(1)}) == 1);
    CHECK(message_of<std::invalid_argument>([] { k_of_n(4, 3, unavailability(0)); }) ==
          "k of k_of_n is 4; it must not exceed the number of components");
    CHECK_THROWS_AS(k_of_n(1, components{}), std::invalid_argument);
}

TEST_CASE("composition: a deployment is checked by the compiler", "[availability]")
{
    constexpr auto disk = unavailability(1e-3);
    constexpr auto service =
        series({k_of_n(2, 3, unavailability(1e-4)), parallel({disk, disk}), unavailability(1e-6)});
    static_assert(service <= 1e-5 && whole_nines(service) == 5);
    static_assert(k_of_n(2, {disk, disk, disk}) < 3e-6);
    SUCCEED();
}
