// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/burn_monitor.hpp>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

namespace {

using time_point = std::chrono::steady_clock::time_point;
time_point at(std::chrono::steady_clock::duration t)
{
    return time_point(t);
}

burn_monitor_options options(double false_alarms = 1e-3)
{
    auto const alerts = recommended_alerts(sre_calendar.month);
    return {{unavailability(1e-3), sre_calendar.month},
            {alerts.begin(), alerts.end()},
            false_alarms,
            {}};
}

} // namespace

TEST_CASE("burn_monitor: pages when both windows burn, and stops soon after the fault",
          "[availability]")
{
    burn_monitor<> monitor(options(), at(0s));
    for (int minute = 0; minute < 120; ++minute) { // 600 requests a minute, all well
        monitor.handle_requests(at(minute * 1min), 600, 0);
        REQUIRE_FALSE(monitor.states(at(minute * 1min))[0].firing);
    }
    int fired_after = 0;
    for (int minute = 0; minute < 30; ++minute) { // 10 % fail: burn rate 100
        monitor.handle_requests(at((120 + minute) * 1min), 540, 60);
        auto const s = monitor.states(at((120 + minute) * 1min))[0];
        if (s.firing && fired_after == 0) {
            fired_after = minute;
        }
    }
    // A burn rate of 100 takes 14.4 / 100 of the hour, less than 9 minutes, to reach 14.4 over the
    // hour.
    CHECK(fired_after >= 7);
    CHECK(fired_after <= 9);
    int silent_after = 0;
    for (int minute = 0; minute < 30; ++minute) {
        monitor.handle_requests(at((150 + minute) * 1min), 600, 0);
        auto const s = monitor.states(at((150 + minute) * 1min))[0];
        if (!s.firing && silent_after == 0) {
            silent_after = minute;
            CHECK(s.long_burn > 14.4); // the hour still remembers
        }
    }
    CHECK(silent_after >= 4);
    CHECK(silent_after <= 6);
}

TEST_CASE("burn_monitor: one failed request of ten wakes nobody", "[availability]")
{
    for (double false_alarms : {1e-3, 1.}) {
        burn_monitor<> monitor(options(false_alarms), at(0s));
        for (int i = 0; i < 10; ++i) {
            monitor.handle_requests(at(i * 20s), i == 9 ? 0 : 1, i == 9 ? 1 : 0);
        }
        auto const s = monitor.states(at(200s))[0];
        CHECK_THAT(s.long_burn, WithinRel(100, 1e-13));
        CHECK_THAT(s.chance, WithinRel(-std::expm1(10 * std::log1p(-1e-3)), 1e-12));
        CHECK(s.firing == (false_alarms == 1)); // the raw ratio would page
    }
    // Three failed ones are no chance any more.
    burn_monitor<> monitor(options(), at(0s));
    monitor.handle_requests(at(0s), 7, 3);
    CHECK(monitor.states(at(0s))[0].firing);
}

TEST_CASE("burn_monitor: false alarms stay as rare as promised", "[availability]")
{
    // A service that just meets its target, 20 requests an hour; asked once an hour for 2000 hours.
    random_numbers random(81);
    auto set = options(1e-2);
    burn_monitor<> monitor(set, at(0s));
    int raw = 0, firing = 0;
    constexpr int total = 20000;
    for (int hour = 0; hour < total; ++hour) {
        for (int i = 0; i < 20; ++i) {
            bool const bad = random.uniform() < 1e-3;
            monitor.handle_requests(at(hour * 1h + i * 3min), bad ? 0 : 1, bad ? 1 : 0);
        }
        auto const s = monitor.states(at(hour * 1h + 57min))[0];
        firing += s.firing ? 1 : 0;
        raw += s.long_burn >= 14.4 ? 1 : 0;
    }
    CHECK(firing <= 1e-2 * total);
    CHECK(raw > 1e-2 * total); // what the ratio alone would do
}

TEST_CASE("burn_monitor: counts slide out of the window", "[availability]")
{
    burn_monitor<> monitor(options(), at(0s));
    monitor.handle_requests(at(0s), 0, 100);
    CHECK(monitor.states(at(0s))[0].failed == 100);
    CHECK(monitor.states(at(59min))[0].failed == 100);
    CHECK(monitor.states(at(62min))[0].failed == 0);
    CHECK(monitor.states(at(62min))[1].failed == 100);
    CHECK(monitor.states(at(7h))[1].failed == 0);
    CHECK(monitor.states(at(73h))[2].requests == 0);
    // After a long silence nothing old comes back.
    monitor.handle_requests(at(100000h), 5, 0);
    auto const s = monitor.states(at(100000h))[2];
    CHECK(s.requests == 5);
    CHECK(s.long_burn == 0);
    // A late event counts now rather than nowhere.
    monitor.handle_requests(at(99990h), 5, 1);
    CHECK(monitor.states(at(100000h))[0].failed == 1);
}

TEST_CASE("burn_monitor: refuses options that make no sense", "[availability]")
{
    auto const refused = [](auto change) {
        auto o = options();
        change(o);
        return message_of<std::invalid_argument>([&] { burn_monitor<>(o, at(0s)); });
    };
    CHECK(refused([](auto& o) { o.goal.target = unavailability(0); }).find("goal.target is 0") ==
          0);
    CHECK(refused([](auto& o) { o.false_alarms = 0; }).find("false_alarms is 0") == 0);
    CHECK(refused([](auto& o) { o.alerts.clear(); }).find("alerts is empty") == 0);
    CHECK(refused([](auto& o) { o.alerts[0].short_window = 2h; }).find("short_window is") == 0);
    CHECK(refused([](auto& o) { o.alerts[0].burn = 0; }).find("burn is 0") == 0);
    CHECK(refused([](auto& o) { o.step = 10min; }).find("step is 600") == 0);
    CHECK(refused([](auto& o) { o.step = duration(1e-4); }).find("step is") == 0);
}
