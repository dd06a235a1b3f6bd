// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Whatever holds the observer up is not held against its peers.

#include "detector/monitor_script.hpp"
#include "support/catch.hpp"
#include <perdure/detector/chen.hpp>
#include <perdure/detector/monitor.hpp>
#include <perdure/detector/phi_accrual.hpp>

using namespace monitor_test;

TEST_CASE("monitor: before a verdict it asks to read what is waiting", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.hear(beat(7, 0));
    s.waiting = {beat(7, 1)};
    s.pass(300ms);
    CHECK(s.waiting.empty());
    CHECK(s.said() == "7 up +0");
    s.pass(299ms);
    CHECK(s.said() == "");
    s.pass(1ms);
    CHECK(s.said() == "7 suspect +600");
}

TEST_CASE("monitor: time that passes while it drains is not held against peers", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(1);
    s.add(2);
    s.hear(beat(1, 0));
    s.pass(20ms);
    s.hear(beat(2, 0));
    s.now = start + 300ms;
    m.handle_timeout(s.now);
    REQUIRE(m.wants_drain());
    // Peer 2's deadline passes now; what it sent may have arrived after the read.
    m.handle_drained(s.now + 30ms);
    CHECK(m.status(1) == peer_status::suspect);
    CHECK(m.status(2) == peer_status::up);
    CHECK(*m.next_deadline() <= start + 320ms);
    CHECK(*m.next_deadline() > start + 310ms);
}

TEST_CASE("monitor: a heartbeat that the model finds too late to be news ends no suspicion",
          "[detector][core]")
{
    using chen_monitor = monitor<chen>;
    chen_monitor m(quick, {100ms, 100ms, 32});
    script<chen_monitor> s{m};
    s.add(7);
    for (std::uint64_t i = 0; i != 10; ++i) {
        s.hear(beat(7, i));
        s.pass(100ms);
    }
    // Number 10 should have come at +1000; its successor's freshness point is +1200.
    s.pass(250ms);
    CHECK(s.said() == "7 up +0, 7 suspect +1100");
    s.hear(beat(7, 10));
    CHECK(m.status(7) == peer_status::suspect);
    // It was heard, so it is down only after a silence of down_after.
    s.pass(199ms);
    CHECK(s.said() == "");
    s.hear(beat(7, 14)); // in time
    CHECK(s.said() == "7 up +1449");
}

TEST_CASE("monitor: a stall while it drains asks for another drain", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    m.add_peer(1, start);
    m.handle_heartbeat(beat(1, 0), start);
    m.handle_timeout(start + 300ms);
    REQUIRE(m.wants_drain());
    m.handle_drained(start + 1s);
    CHECK(m.wants_drain());
    CHECK(m.status(1) == peer_status::up);
    m.handle_heartbeat(beat(1, 1), start + 1s);
    m.handle_drained(start + 1s);
    CHECK(!m.wants_drain());
    CHECK(m.status(1) == peer_status::up);
}

TEST_CASE("monitor: the observer's own stall is no verdict about its peers", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    for (node_id n = 0; n != 100; ++n) {
        s.add(n);
        s.hear(beat(n, 0));
    }
    s.pass(100ms);
    s.events.clear();
    SECTION("their heartbeats are waiting")
    {
        for (node_id n = 0; n != 100; ++n)
            s.waiting.push_back(beat(n, 1));
        s.stall(10s);
        CHECK(s.said() == "");
        CHECK(m.counters().stalls == 1);
        s.pass(299ms);
        CHECK(s.said() == "");
        s.pass(1ms);
        CHECK(s.events.size() == 100);
    }
    SECTION("their heartbeats are lost, so all get a full detection time")
    {
        s.stall(10s);
        CHECK(s.said() == "");
        s.pass(299ms);
        for (node_id n = 0; n != 99; ++n)
            s.hear(beat(n, 40));
        CHECK(s.said() == "");
        s.pass(1ms);
        REQUIRE(s.events.size() == 1);
        CHECK(s.events[0].evidence.silence == 10400ms);
        // The timeout was due 300 ms after the heartbeats, so that is when the stall began.
        // It asks for timeouts up to 9 ms before they are due.
        CHECK(s.events[0].evidence.observer_stalled >= 9800ms);
        CHECK(s.events[0].evidence.observer_stalled < 9809ms);
        CHECK(s.said() == "99 suspect +10400");
    }
    SECTION("it is noticed also if a heartbeat comes before the timeout")
    {
        s.now += 10s;
        s.hear(beat(3, 1));
        s.stall(0ms);
        CHECK(s.said() == "");
        CHECK(m.counters().stalls == 1);
        s.pass(299ms);
        CHECK(s.said() == "");
    }
    SECTION("also if detection time and patience are as long as they may be")
    {
        auto o = quick;
        o.stall_patience = 1000;
        auto const timeout = 24h * GENERATE(200, 3660);
        fixed_monitor patient(o, {timeout});
        script<fixed_monitor> t{patient};
        t.add(1);
        t.hear(beat(1, 0));
        t.stall(1h);
        CHECK(patient.evidence(1, t.now)->limit == timeout + 1h);
    }
    SECTION("it is noticed also if nothing was due in it, thanks to the pulse")
    {
        fixed_monitor slow(quick, {20s});
        script<fixed_monitor> t{slow};
        t.add(1);
        t.hear(beat(1, 0));
        t.pass(15s);
        t.stall(4s);
        CHECK(slow.counters().stalls == 1);
        t.pass(19999ms);
        CHECK(t.said() == "1 up +0");
        t.pass(1ms);
        CHECK(t.said() == "1 suspect +39000");
    }
}

TEST_CASE("monitor: an observer that stalls again and again judges in the end", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.hear(beat(7, 0));
    int stalls = 0;
    while (s.events.size() < 2 && stalls < 100) {
        s.pass(200ms);
        s.stall(400ms);
        ++stalls;
    }
    // Three detection times of 300 ms without the stalls.
    CHECK(stalls >= 3);
    CHECK(stalls <= 6);
    auto const& v = s.events.back().evidence;
    CHECK(v.silence - v.observer_stalled >= 900ms);
    CHECK(v.silence - v.observer_stalled < 1300ms);
}

TEST_CASE("monitor: arrivals during a stall teach the estimator nothing", "[detector][core]")
{
    phi_accrual_options o;
    o.expected_interval = 100ms;
    o.min_deviation = 10ms;
    o.acceptable_pause = 0s;
    using phi_monitor = monitor<phi_accrual>;
    phi_monitor m(quick, o);
    script<phi_monitor> s{m};
    s.add(7);
    std::uint64_t sequence = 0;
    for (; sequence != 50; ++sequence) {
        s.hear(beat(7, sequence));
        s.pass(100ms);
    }
    auto const samples = m.evidence(7, s.now)->samples;
    auto const limit = m.evidence(7, s.now)->limit;
    for (int i = 0; i != 20; ++i)
        s.waiting.push_back(beat(7, sequence++));
    s.stall(2s);
    CHECK(m.evidence(7, s.now)->samples == samples);
    CHECK(m.evidence(7, s.now)->limit == limit);
    s.pass(100ms);
    s.hear(beat(7, sequence++));
    CHECK(m.evidence(7, s.now)->samples == samples + 1);
    CHECK(s.said() == "7 up +0");
}

TEST_CASE("monitor: a loop that starts late blames nobody", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    for (node_id n = 0; n != 10; ++n)
        s.add(n);
    s.stall(5s);
    CHECK(s.said() == "");
    s.pass(999ms);
    CHECK(s.said() == "");
    s.pass(1ms);
    CHECK(s.events.size() == 10);
}
