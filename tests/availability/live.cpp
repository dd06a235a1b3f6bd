// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/composition.hpp>
#include <perdure/availability/live.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

namespace {

auto const service = [](std::span<unavailability const> u) {
    return series({u[0], parallel(u.subspan(1))});
};
assumption const plan{two_state(mtbf(720h), mttr(10min)), 0.5};
std::vector<live_unit> const units = {{"switch", plan}, {"left", plan}, {"right", plan}};

auto at(std::chrono::steady_clock::duration t)
{
    return std::chrono::steady_clock::time_point(t);
}
auto const sure = confidence::two_sided(0.9);

} // namespace

TEST_CASE("live: begins with the plan and learns from events", "[availability]")
{
    live l(service, units, at(0s));
    double const u = plan.plan.steady_state().value();
    CHECK_THAT(l.value(at(0s)).value(), WithinRel(u + (1 - u) * u * u, 1e-13));
    CHECK(l.works_now());

    l.handle_down(1, at(100h));
    CHECK_FALSE(l.is_up(1));
    CHECK(l.works_now());
    l.handle_down(2, at(100h));
    CHECK_FALSE(l.works_now());
    l.handle_up(1, at(101h));
    l.handle_up(2, at(103h));
    CHECK(l.works_now());
    CHECK(l.seen(1, at(200h)) == evidence(1, 1, 199h, 1h));
    // (0.5 + 1) failures in (360 + 199) h up and as many repairs in (1/12 + 1) h down.
    CHECK_THAT(l.posterior(1, at(200h)).value().value(),
               WithinRel((1 / 12. + 1) / (1 / 12. + 1 + 360 + 199), 1e-13));
    live quiet(service, units, at(0s));
    CHECK(l.value(at(200h)) > quiet.value(at(200h)));
    // Time without failures speaks for it again.
    CHECK(l.value(at(5000h)) < l.value(at(200h)));
}

TEST_CASE("live: reports what it knows, how sure, and what breaks it", "[availability]")
{
    live l(service, units, at(0s));
    l.handle_down(1, at(100h));
    l.handle_up(1, at(101h));
    auto const r = l.report(at(200h), sure);
    CHECK(r.value == l.value(at(200h)));
    CHECK(r.believed.lower < r.believed.value);
    CHECK(r.believed.value < r.believed.upper);
    REQUIRE(r.units.size() == 3);
    CHECK(r.units[0].name == "switch");
    CHECK(r.units[0].between_failures.value.is_infinite());
    CHECK(r.units[0].measured.upper == 1);
    CHECK(r.units[0].believed.upper < 0.1);
    CHECK(r.units[1].seen.failures == 1);
    CHECK_THAT(r.units[1].to_repair.value.in(hours(1)), WithinRel(1, 1e-14));
    auto const data = estimate_unavailability(r.units[1].seen, ended::at_time, sure);
    CHECK(r.units[1].measured.upper == data.upper);
    CHECK(r.units[0].share > 0.9);
    REQUIRE(r.broken_by.size() == 2);
    CHECK(r.broken_by[0].parts == std::vector<std::size_t>{0});
    // The same again, and as text.
    CHECK(l.report(at(200h), sure).believed.upper == r.believed.upper);
    auto const text = to_text(r);
    CHECK(text.find("single point of failure: switch") != std::string::npos);
    CHECK(text.find("left") != std::string::npos);
}

TEST_CASE("live: corrects for its detector", "[availability]")
{
    live perfect(service, units, at(0s));
    live slow(service, units, at(0s), detector_quality{30min, {}, {}, {}});
    for (auto* l : {&perfect, &slow}) {
        l->handle_down(0, at(100h));
        l->handle_up(0, at(101h));
    }
    CHECK(slow.seen(0, at(200h)).down == 90min);
    CHECK(perfect.seen(0, at(200h)).down == 1h);
    CHECK(slow.value(at(200h)) > perfect.value(at(200h)));
    slow.handle_down(0, at(210h));
    slow.handle_false_alarm(0, at(211h));
    CHECK(slow.seen(0, at(220h)).failures == 1);
}

TEST_CASE("live: evidence survives restarts", "[availability]")
{
    live first(service, units, at(0s));
    first.handle_down(1, at(100h));
    first.handle_up(1, at(101h));
    first.handle_down(2, at(150h)); // still down when the program stops
    auto const saved = first.save(at(200h));

    // The next run counts time from anew; right has come back meanwhile.
    live second(service, units, at(0s));
    CHECK(second.load(saved).empty());
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(second.seen(i, at(0s)) == first.seen(i, at(200h)));
    }
    second.handle_down(1, at(50h));
    second.handle_up(1, at(51h));
    CHECK(second.seen(1, at(100h)) == evidence(2, 2, 298h, 2h));
    // A third run has the evidence of both.
    live third(service, units, at(0s));
    third.load(second.save(at(100h)));
    CHECK(third.seen(1, at(0s)) == evidence(2, 2, 298h, 2h));
    CHECK(third.value(at(0s)) == second.value(at(100h)));

    // Other units, or a damaged file.
    live other(service, {{"switch", plan}, {"middle", plan}, {"right", plan}}, at(0s));
    CHECK(other.load(saved) == std::vector<std::string>{"left"});
    CHECK(other.seen(1, at(0s)) == evidence());
    auto damaged = saved;
    damaged[40] ^= 1;
    live untouched(service, units, at(0s));
    CHECK_THROWS_AS(untouched.load(damaged), std::invalid_argument);
    CHECK(untouched.seen(1, at(0s)) == evidence());
}

TEST_CASE("live: comes to believe the truth", "[availability]")
{
    random_numbers random(181);
    auto const exponential = [&](double mean) { return -mean * std::log1p(-random.uniform()); };
    live l(service, units, at(0s));
    double const up[] = {500, 50, 80}, down[] = {0.2, 2, 1}; // the plan is far off
    for (std::size_t i = 0; i < 3; ++i) {
        for (double t = exponential(up[i]); t < 1e5;) {
            l.handle_down(
                i, at(std::chrono::duration_cast<std::chrono::steady_clock::duration>(hours(t))));
            t += exponential(down[i]);
            l.handle_up(
                i, at(std::chrono::duration_cast<std::chrono::steady_clock::duration>(hours(t))));
            t += exponential(up[i]);
        }
    }
    auto const u = [&](std::size_t i) { return down[i] / (up[i] + down[i]); };
    double const truth = u(0) + (1 - u(0)) * u(1) * u(2);
    auto const r = l.report(at(100000h), sure);
    CHECK_THAT(r.value.value(), WithinRel(truth, 0.1));
    CHECK(r.believed.lower < truth);
    CHECK(r.believed.upper > truth);
    CHECK(r.believed.upper.value() / r.believed.lower.value() < 1.3);
}

TEST_CASE("what_changed: names the part that moved", "[availability]")
{
    live l(service, units, at(0s));
    auto const then = l.report(at(1000h), sure);
    l.handle_down(0, at(1100h));
    l.handle_up(0, at(1103h));
    auto const now = l.report(at(1200h), sure);
    auto const changes = what_changed(then, now);
    REQUIRE(changes.size() == 3);
    CHECK(changes[0].name == "switch");
    CHECK(changes[0].factor > 5);
    CHECK(changes[0].repair_factor > 5);
    CHECK(changes[0].nines < -0.5);
    CHECK_THAT(changes[0].nines, WithinRel(now.value.nines() - then.value.nines(), 0.01));
    CHECK(changes[1].factor < 1); // 200 h more without a failure
}

TEST_CASE("live: feeds what_if with what it has learnt", "[availability]")
{
    live l(service, units, at(0s));
    what_if trial(l.model(), l.units(at(100h)));
    CHECK_THAT(trial.before().value(), WithinRel(l.value(at(100h)).value(), 1e-13));
    CHECK(trial.duplicate(0).ranked()[0].nines_gained > 1);
}

TEST_CASE("live: refuses units that cannot be told apart or believed", "[availability]")
{
    auto const refused = [](std::vector<live_unit> of) {
        return message_of<std::invalid_argument>([&] { live(service, std::move(of), at(0s)); });
    };
    CHECK(refused({{"a", plan}, {"a", plan}}) == "the unit 'a' is named twice");
    CHECK_FALSE(refused({{"a b", plan}}).empty());
    CHECK_FALSE(refused({{"", plan}}).empty());
    CHECK_FALSE(refused({{"a", {two_state(rate{}, rate{}), 1}}}).empty());
    live l(service, units, at(0s));
    CHECK_THROWS_AS(l.handle_down(3, at(0s)), std::out_of_range);
    live ten(service, {{"a", plan, false}, {"b", plan}, {"c", plan}}, at(0s));
    CHECK_FALSE(ten.works_now());
}
