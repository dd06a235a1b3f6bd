// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/durability.hpp>
#include <perdure/availability/exponential.hpp>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include <cmath>
#include <vector>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::published;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;
using wide = boost::multiprecision::cpp_bin_float_100;

namespace {

/// P(loss) by the Taylor series of the matrix exponential with scaling and squaring, in 100 digits.
wide loss_in_100_digits(data_group const& g, duration t)
{
    std::size_t const n = g.pieces - g.needed + 2;
    using matrix = std::vector<std::vector<wide>>;
    matrix q(n, std::vector<wide>(n, 0));
    wide const l = wide(g.failures.per_second()), m = wide(g.rebuilds.per_second());
    wide const bad = g.unreadable.value();
    for (std::size_t i = 0; i + 1 < n; ++i) {
        bool const last = i + 2 == n;
        wide const repair = (i == 0 ? wide(0) : g.one_rebuild_at_a_time ? wide(1) : wide(i)) * m;
        q[i][i + 1] = wide(g.pieces - i) * l + (last ? repair * bad : wide(0));
        if (i > 0) {
            q[i][i - 1] = repair * (last ? 1 - bad : wide(1));
        }
        q[i][i] = -(wide(g.pieces - i) * l + repair);
    }
    auto const times = [n](matrix const& a, matrix const& b) {
        matrix c(n, std::vector<wide>(n, 0));
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t k = 0; k < n; ++k) {
                for (std::size_t j = 0; j < n; ++j) {
                    c[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return c;
    };
    int const squarings = 60;
    for (auto& row : q) {
        for (auto& x : row) {
            x *= wide(t.count()) / pow(wide(2), squarings);
        }
    }
    matrix sum(n, std::vector<wide>(n, 0)), term = sum;
    for (std::size_t i = 0; i < n; ++i) {
        sum[i][i] = term[i][i] = 1;
    }
    for (unsigned k = 1; k < 30; ++k) {
        term = times(term, q);
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                term[i][j] /= k;
                sum[i][j] += term[i][j];
            }
        }
    }
    for (int i = 0; i < squarings; ++i) {
        sum = times(sum, sum);
    }
    return sum[0][n - 1];
}

} // namespace

TEST_CASE("loss_by_periods: Backblaze's 4 + 2 shards", "[availability]")
{
    // Backblaze erasure-coding-durability, README.md: AFR 10 %, a day to rebuild.
    auto const day = probability_within(rate::per(days(365), 0.1), days(1));
    published const annual[] = {{"4.512e-01"}, {"4.105e-04"}, {"1.500e-07"},
                                {"3.082e-11"}, {"3.377e-15"}, {"1.542e-19"}};
    int const whole_nines_[] = {0, 3, 6, 10, 14, 18};
    for (unsigned failures = 1; failures <= 6; ++failures) {
        auto const p = loss_by_periods(6, 7 - failures, day, 365);
        CAPTURE(failures, p.value());
        CHECK(annual[failures - 1].agrees(p.value()));
        CHECK(static_cast<int>(nines(p)) == whole_nines_[failures - 1]);
    }
    CHECK(published{"4.109e-10"}.agrees(loss_by_periods(6, 4, day, 1).value()));
    CHECK(loss_by_periods(6, 4, probability(1), 5) == 1);
    CHECK(loss_by_periods(6, 4, probability(1), 0) == 0);
}

TEST_CASE("loss_within: disks with one spare, against PRISM", "[availability]")
{
    // saifalam/prism-probabilistic-model-checker, models/model3.pm: three of four disks, 0.05
    // failures a year; it prints 99.94395322369579 % and 99.99181150494746 % for a week and a day,
    // ten digits of them right (its solver stops early).
    struct row {
        duration rebuild;
        double survival;
    };
    row const rows[] = {
        {days(7), 0.9994395321835199}, {days(1), 0.9999181150438629}, {1h, 0.9999965758760626}};
    for (auto const& r : rows) {
        data_group const g{4, 3, rate::per(days(365), 0.05), rate::per(r.rebuild), true};
        CHECK_THAT(1 - loss_within(g, days(365)).value(), WithinRel(r.survival, 3e-15));
    }
}

TEST_CASE("loss_within: 1e-12 relative, however small and however stiff", "[availability]")
{
    random_numbers random(121);
    for (int i = 0; i < 60; ++i) {
        data_group g;
        g.pieces = 1 + static_cast<unsigned>(random.below(7));
        g.needed = 1 + static_cast<unsigned>(random.below(g.pieces));
        g.failures = rate::per_hour(std::pow(10., -8 * random.uniform()));
        g.rebuilds = rate::per_hour(std::pow(10., 8 * random.uniform() - 3));
        g.one_rebuild_at_a_time = random.below(2) == 0;
        g.unreadable = probability(random.below(2) == 0 ? 0 : 0.1 * random.uniform());
        duration const t = hours(std::pow(10., 8 * random.uniform() - 2));
        wide const exact = loss_in_100_digits(g, t);
        CAPTURE(i, g.pieces, g.needed, g.failures.per_hour(), g.rebuilds.per_hour(), t / hours(1));
        CAPTURE(static_cast<double>(exact));
        REQUIRE(static_cast<double>(abs(wide(loss_within(g, t).value()) / exact - 1)) < 1e-12);
    }
}

TEST_CASE("mean_time_to_loss: exact and approximate, and the first RAID paper", "[availability]")
{
    // One spare: ((2 n - 1) l + m) / (n (n - 1) l^2).
    data_group const g{11, 10, rate::per(30000h), rate::per(1h)};
    CHECK_THAT(mean_time_to_loss(g).in(hours(1)), WithinRel(8187545.4545454545, 1e-12));
    CHECK_THAT(approximate_mean_time_to_loss(g).in(hours(1)),
               WithinRel(90000. * 10000 / 110, 1e-12));
    // Patterson, Gibson, Katz 1988: 100 data disks of 30,000 h, an hour to rebuild.
    auto const raid = [](unsigned group, unsigned check) {
        return raid_mean_time_to_loss(mtbf(30000h), mttr(1h), 100, group, check).in(hours(1));
    };
    CHECK_THAT(raid(1, 1), WithinRel(4500000, 1e-13));
    CHECK_THAT(raid(10, 4), WithinRel(494505.4945, 1e-9)); // printed as 494,500
    CHECK_THAT(raid(10, 1), WithinRel(818181.8182, 1e-9)); // printed as 820,000
    CHECK_THAT(raid(25, 1), WithinRel(346153.8462, 1e-9)); // printed as 346,000
    CHECK(mean_time_to_loss({3, 1, rate{}, rate::per(1h)}).is_infinite());
    CHECK_THAT(mean_time_to_loss({1, 1, rate::per(5h), rate::per(1h)}).in(hours(1)),
               WithinRel(5, 1e-14));
}

TEST_CASE("mean_time_to_loss: is the integral of the survival", "[availability]")
{
    data_group g{3, 1, rate::per(10h), rate::per(2h), false, probability(0.05)};
    double sum = 0;
    double const step = 0.25;
    for (double t = 0; t < 6000; t += step) {
        sum += step * (1 - loss_within(g, hours(t + step / 2)).value());
    }
    CHECK_THAT(mean_time_to_loss(g).in(hours(1)), WithinRel(sum, 1e-4));
}

TEST_CASE("mean_time_to_loss: says little about a year", "[availability]")
{
    // Far from loss the chance within a year is year / mean; without rebuilds the mean is useless.
    data_group const g{3, 1, rate::per(hours(1e6)), rate::per(10h)};
    CHECK_THAT(loss_within(g, days(365)).value(),
               WithinRel(days(365) / mean_time_to_loss(g).value(), 1e-2));
    data_group const cold{3, 1, rate::per(hours(1e6)), rate{}};
    CHECK(loss_within(cold, days(365)).value() <
          1e-2 * (days(365) / mean_time_to_loss(cold).value()));
}

TEST_CASE("data_group: laws", "[availability]")
{
    data_group g{6, 4, rate::per(hours(1e5)), rate::per(24h)};
    double const base = loss_within(g, days(365)).value();
    auto better = g;
    better.pieces = 7;
    CHECK(loss_within(better, days(365)) < base);
    better = g;
    better.rebuilds = rate::per(12h);
    CHECK(loss_within(better, days(365)) < base);
    auto worse = g;
    worse.one_rebuild_at_a_time = true;
    CHECK(loss_within(worse, days(365)) > base);
    worse = g;
    worse.unreadable = probability(0.01);
    CHECK(loss_within(worse, days(365)) > base);
    worse.unreadable = probability(1);
    CHECK(loss_within(worse, days(365)) > 10 * base);
    CHECK(loss_within(g, 0s) == 0);
    CHECK_THROWS_AS(loss_within({3, 0, rate{}, rate{}}, 1h), std::invalid_argument);
    CHECK_THROWS_AS(loss_within({3, 4, rate{}, rate{}}, 1h), std::invalid_argument);
    CHECK_THROWS_AS(loss_within(g, duration(detail::infinity)), std::invalid_argument);
}

TEST_CASE("any_of and unreadable_in: tiny probabilities, many times", "[availability]")
{
    CHECK_THAT(any_of(probability(1e-20), 1000000).value(), WithinRel(1e-14, 1e-13));
    CHECK(any_of(probability(1), 0) == 0);
    CHECK(any_of(probability(1), 3) == 1);
    CHECK_THAT(unreadable_in(12e12, 1e-14).value(), WithinRel(1 - std::exp(-0.96), 1e-12));
    CHECK_THAT(unreadable_in(1, 1e-18).value(), WithinRel(8e-18, 1e-14));
    CHECK(unreadable_in(0, 0.5) == 0);
    CHECK_THROWS_AS(unreadable_in(-1, 0.5), std::invalid_argument);
    CHECK_THROWS_AS(unreadable_in(1, 1), std::invalid_argument);
    CHECK(nines(probability(0)) == detail::infinity);
}
