// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/composition.hpp>
#include <perdure/availability/what_if.hpp>

#include <array>
#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

namespace {

auto const service = [](std::span<unavailability const> u) {
    return series({u[0], parallel(u.subspan(1))});
};

std::vector<named_unit> units()
{
    return {{"switch", two_state(mtbf(8760h), mttr(4h))},
            {"left", two_state(mtbf(720h), mttr(1h))},
            {"right", two_state(mtbf(720h), mttr(2h))}};
}

} // namespace

TEST_CASE("sensitivities: agree with differences, the most important first", "[availability]")
{
    auto const all = units();
    auto const s = sensitivities(service, std::span<named_unit const>(all));
    REQUIRE(s.size() == 3);
    CHECK(s[0].name == "switch");
    CHECK(s[0].share > 0.99);
    auto const whole = [](std::vector<named_unit> const& of) {
        std::vector<unavailability> u;
        for (auto const& x : of) {
            u.push_back(x.unit.steady_state());
        }
        return service(u).value();
    };
    for (auto const& x : s) {
        for (std::size_t i = 0; i < 3; ++i) {
            if (all[i].name != x.name) {
                continue;
            }
            CAPTURE(x.name);
            double const l = all[i].unit.failures().per_second();
            double const m = all[i].unit.repairs().per_second();
            auto const with = [&](double l2, double m2) {
                auto changed = all;
                changed[i].unit = two_state(rate::per_second(l2), rate::per_second(m2));
                return whole(changed);
            };
            double const h = 1e-4;
            CHECK_THAT(
                x.to_failure_rate.count(),
                WithinRel((with(l * (1 + h), m) - with(l * (1 - h), m)) / (2 * h * l), 1e-5));
            CHECK_THAT(
                x.to_repair_rate.count(),
                WithinRel((with(l, m * (1 + h)) - with(l, m * (1 - h))) / (2 * h * m), 1e-5));
            // Without the part, the whole is down less by its share.
            CHECK_THAT(with(0, m), WithinRel(whole(all) * (1 - x.share), 1e-6));
        }
    }
    // Birnbaum's importance of a replica is that the other is down and the switch is not.
    double const switch_down = all[0].unit.steady_state().value();
    CHECK_THAT(s[1].to_unavailability,
               WithinRel((1 - switch_down) *
                             (s[1].name == "left" ? all[2] : all[1]).unit.steady_state().value(),
                         1e-9));
}

TEST_CASE("what_if: ranks changes by the nines that they buy", "[availability]")
{
    what_if trial(service, units());
    trial.divide_repair_time(1, 2)
        .divide_repair_time(0, 2)
        .divide_failure_rate(0, 10)
        .duplicate(0)
        .remove(0)
        .replace("both switches", [](std::span<unavailability const> u) {
            return series({parallel({u[0], u[0]}), parallel(u.subspan(1))});
        });
    auto const ranked = trial.ranked();
    REQUIRE(ranked.size() == 6);
    CHECK(ranked[0].change == "do without switch");
    CHECK(ranked[1].whole == ranked[2].whole); // duplicate and replace are the same system
    CHECK(ranked[3].change == "make switch fail 10 times more rarely");
    CHECK(ranked[4].change == "repair switch twice faster");
    CHECK(ranked[5].change == "repair left twice faster");
    double const before = trial.before().value();
    for (auto const& r : ranked) {
        CHECK_THAT(r.nines_gained, WithinRel(std::log10(before / r.whole.value()), 1e-9));
    }
    CHECK_THAT(ranked[4].nines_gained, WithinRel(0.3, 0.02)); // halving what dominates
    CHECK(ranked[5].nines_gained < 0.01);
    what_if worse(service, units());
    worse.change("a cheap switch", 0, two_state(mtbf(100h), mttr(4h)));
    CHECK(worse.ranked()[0].nines_gained < -1);
    CHECK_THROWS_AS(worse.divide_repair_time(9, 2), std::out_of_range);
    CHECK_THROWS_AS(worse.divide_repair_time(0, 0), std::invalid_argument);
}

TEST_CASE("breaking_sets: single points of failure, pairs, and no supersets", "[availability]")
{
    std::array const u = {unavailability(1e-4), unavailability(1e-2), unavailability(2e-2)};
    auto const sets = breaking_sets(service, std::span<unavailability const>(u), 3);
    REQUIRE(sets.size() == 2);
    CHECK(sets[0].parts == std::vector<std::size_t>{1, 2});
    CHECK(sets[1].parts == std::vector<std::size_t>{0});
    double const whole = service(std::span<unavailability const>(u)).value();
    CHECK_THAT(sets[0].share, WithinRel(2e-4 / whole, 1e-12));
    // 3 of 5: every three of them.
    std::array<unavailability, 5> const five = {u[0], u[0], u[0], u[0], u[0]};
    auto const vote = [](std::span<unavailability const> x) { return k_of_n(3, x); };
    CHECK(breaking_sets(vote, std::span<unavailability const>(five), 2).empty());
    CHECK(breaking_sets(vote, std::span<unavailability const>(five), 3).size() == 10);
    auto const never = [](std::span<unavailability const>) { return unavailability(1); };
    CHECK(breaking_sets(never, std::span<unavailability const>(u)).front().parts.empty());
    CHECK_THROWS_AS(breaking_sets(vote, std::span<unavailability const>(five), 4),
                    std::invalid_argument);
}
