// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_AVAILABILITY_NUMBERS_HPP
#define PERDURE_BENCHMARKS_AVAILABILITY_NUMBERS_HPP

#include "support/bars.hpp"
#include "support/measure.hpp"
#include <perdure/availability/composition.hpp>
#include <perdure/availability/downtime.hpp>
#include <perdure/availability/durability.hpp>
#include <perdure/availability/live.hpp>
#include <perdure/availability/observed.hpp>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>

#include <chrono>
#include <span>
#include <string>
#include <vector>

inline void availability_numbers(benchmark::settings const& s, benchmark::bars& wanted)
{
    namespace availability = perdure::availability;
    using namespace availability;
    using namespace std::chrono_literals;
    using benchmark::keep;
    std::size_t const many = s.smoke ? 10 : 20000;
    std::size_t const few = s.smoke ? 1 : 200;

    // Series of pairs: 1000 nodes.
    std::vector<unavailability> const parts(1000, unavailability(1e-4));
    auto const series_parallel = benchmark::time_each(s, few, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            double down = 0;
            for (std::size_t j = 0; j + 1 < parts.size(); j += 2) {
                auto const pair = parallel(std::span(parts).subspan(j, 2));
                down += pair.value() * (1 - down);
            }
            keep(down);
        }
    });
    benchmark::print_row("series-parallel, one node of 1000", series_parallel / 1000, "ns");

    double volatile volatile_u = 1e-3;
    auto const majority_of_five = benchmark::time_each(s, many, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            keep(k_of_n(3, 5, unavailability(volatile_u)).value());
        }
    });
    auto const boost_of_five = benchmark::time_each(s, many, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            boost::math::binomial_distribution<> const failed(5, volatile_u);
            keep(cdf(complement(failed, 2)));
        }
    });
    benchmark::print_row("3 of 5 equal nodes", majority_of_five, "ns", boost_of_five, "Boost.Math");

    // The event of one of ten components, then the availability of the whole.
    auto const model = [](std::span<unavailability const> u) {
        return series({u[0], k_of_n(3, u.subspan(1, 5)), parallel(u.subspan(6, 2)),
                       parallel(u.subspan(8, 2))});
    };
    assumption const plan{two_state(mtbf(720h), mttr(10min)), 0.5};
    std::vector<live_unit> units;
    for (int i = 0; i < 10; ++i) {
        units.push_back({"unit-" + std::to_string(i), plan});
    }
    std::chrono::steady_clock::time_point now{};
    live running(model, units, now);
    auto const update = benchmark::time_each(s, many, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            now += 1min;
            auto const which = i / 2 % 10;
            if (i % 2 == 0) {
                running.handle_down(which, now);
            } else {
                running.handle_up(which, now);
            }
            keep(running.value(now).value());
        }
    });
    benchmark::print_row("live: an event and the new value, 10 components", update, "ns");
    wanted.at_most("live update of a 10-component model", update / 1e3, 5, "us");
    auto const report = benchmark::time_each(s, s.smoke ? 1 : 3, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            keep(running.report(now, confidence::two_sided(0.9)).believed.upper.value());
        }
    });
    benchmark::print_row("live: report with intervals, 10 components", report / 1e6, "ms");

    double volatile volatile_hours = 1000;
    auto const bounds = benchmark::time_each(s, few, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            history const h{5, 5, hours(volatile_hours), 1h};
            keep(
                estimate_mtbf(h, ended::at_time, confidence::two_sided(0.9)).lower.value().count());
        }
    });
    auto const boost_bounds = benchmark::time_each(s, few, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            boost::math::chi_squared_distribution<> const below(12), above(10);
            keep(2 * volatile_hours / quantile(complement(below, 0.05)));
            keep(2 * volatile_hours / quantile(above, 0.05));
        }
    });
    benchmark::print_row("MTBF with its 90 % interval", bounds / 1e3, "us", boost_bounds / 1e3,
                         "Boost.Math");

    // 64 services that fail every 70 to 2300 hours, none of which the compiler knows.
    auto const window = benchmark::time_each(s, many, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            double const up = volatile_hours * (0.07 + 0.035 * static_cast<double>(i % 64));
            downtime const month(two_state(mtbf(hours(up)), mttr(43.2min)), 720h);
            keep(month.meets(unavailability(1e-3)).value());
        }
    });
    benchmark::print_row("P(a month meets 99.9 %)", window / 1e3, "us");

    auto const loss = benchmark::time_each(s, few, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            data_group const coded{6, 4, rate::per(hours(1e3 * volatile_hours)), rate::per(24h)};
            keep(loss_within(coded, days(365)).value());
        }
    });
    benchmark::print_row("P(loss in a year) of 4 + 2 fragments, exactly", loss / 1e3, "us");
}

#endif
