// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "detector/monitor_script.hpp"
#include "support/catch.hpp"
#include <perdure/detector/fixed_timeout.hpp>
#include <perdure/detector/monitor.hpp>

#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace monitor_test;

TEST_CASE("monitor: up, suspect, down, and up again", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    CHECK(!m.next_deadline());
    CHECK(!m.status(7));
    s.add(7);
    CHECK(m.status(7) == peer_status::unknown);
    s.pass(100ms);
    CHECK(s.hear(beat(7, 0)) == heartbeat_outcome::accepted);
    CHECK(s.said() == "7 up +100");
    s.pass(250ms);
    s.hear(beat(7, 1));
    CHECK(s.said() == "");
    s.pass(299ms);
    CHECK(m.status(7) == peer_status::up);
    s.pass(2s);
    CHECK(s.said() == "7 suspect +650, 7 down +850");
    CHECK(m.status(7) == peer_status::down);
    CHECK(m.silent_count() == 1);
    CHECK(!m.next_deadline());
    s.hear(beat(7, 9));
    CHECK(s.said() == "7 up +2649");
    CHECK(m.silent_count() == 0);
}

TEST_CASE("monitor: a suspect that is heard in time is not declared down", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.hear(beat(7, 0));
    s.pass(499ms);
    s.hear(beat(7, 1));
    s.pass(299ms);
    CHECK(s.said() == "7 up +0, 7 suspect +300, 7 up +499");
}

TEST_CASE("monitor: without down_after a silent peer is suspect and down at once",
          "[detector][core]")
{
    auto o = quick;
    o.down_after = 0s;
    fixed_monitor m(o, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.hear(beat(7, 0));
    s.pass(1s);
    CHECK(s.said() == "7 up +0, 7 suspect +300, 7 down +300");
}

TEST_CASE("monitor: a peer that is never heard is suspected after the startup grace",
          "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.pass(2s);
    REQUIRE(s.events.size() == 2);
    CHECK(s.events[0].evidence.cause == peer_cause::never_heard);
    CHECK(s.events[0].evidence.silence == 1s);
    CHECK(s.events[0].evidence.boot == 0);
    CHECK(s.said() == "7 suspect +1000, 7 down +1200");
}

TEST_CASE("monitor: evidence says what the monitor knew", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.add(8);
    for (auto const sequence : {10, 11, 13, 12, 13, 16})
        s.hear(beat(7, static_cast<std::uint64_t>(sequence), 5));
    s.hear(beat(7, 99, 4));
    s.hear(beat(8, 0));
    s.pass(100ms);
    s.hear(beat(8, 1));
    s.pass(200ms);
    REQUIRE(s.events.size() == 3);
    auto const& e = s.events[2];
    CHECK(e.node == 7);
    CHECK(e.change == peer_change::suspect);
    peer_evidence expected;
    expected.cause = peer_cause::silence;
    expected.before = peer_status::up;
    expected.boot = 5;
    expected.last_sequence = 16;
    expected.silence = 300ms;
    expected.limit = 300ms;
    expected.level = 1;
    expected.threshold = 1;
    expected.samples = 1;
    expected.received = 5;
    expected.missing = 2;
    expected.duplicates = 1;
    expected.late = 1;
    expected.old_boot = 1;
    expected.peers_silent = 1;
    expected.peers_watched = 2;
    CHECK(e.evidence == expected);
    std::ostringstream line;
    line << e;
    CHECK(
        line.str() ==
        "node 7 suspect (was up): silent for 300.0 ms, limit 300.0 ms, level 1.0 of 1.0 from 1 "
        "samples, last heartbeat 16 of boot 5, missing 2 of 7, 1 from older boots, silent peers 1 "
        "of 2");
    // The same question can be asked at any time.
    s.pass(10ms);
    auto const v = *m.evidence(8, s.now);
    CHECK(v.silence == 210ms);
    CHECK(v.limit == 300ms);
    CHECK(v.before == peer_status::up);
    CHECK(!m.evidence(9, s.now));
}

TEST_CASE("monitor: a later boot restarts the peer, an earlier one proves nothing",
          "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.hear(beat(7, 100, 5));
    s.pass(50ms);
    CHECK(s.hear(beat(7, 0, 6)) == heartbeat_outcome::accepted);
    REQUIRE(s.events.size() == 2);
    CHECK(s.events[1].evidence.previous_boot == 5);
    CHECK(s.events[1].evidence.boot == 6);
    CHECK(s.events[1].evidence.received == 1);
    CHECK(s.events[1].evidence.before == peer_status::up);
    CHECK(s.said() == "7 up +0, 7 restarted +50");
    s.pass(200ms);
    // Delayed heartbeats of the dead process do not keep its successor alive.
    CHECK(s.hear(beat(7, 101, 5)) == heartbeat_outcome::old_boot);
    s.pass(100ms);
    CHECK(s.said() == "7 suspect +350");
    CHECK(m.counters().old_boot == 1);
    s.pass(1s);
    CHECK(s.hear(beat(7, 0, 7)) == heartbeat_outcome::accepted);
    CHECK(s.said() == "7 down +550, 7 restarted +1350");
    CHECK(m.status(7) == peer_status::up);
}

TEST_CASE("monitor: duplicates and late heartbeats prove nothing", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.hear(beat(7, 70));
    s.pass(200ms);
    CHECK(s.hear(beat(7, 70)) == heartbeat_outcome::duplicate);
    CHECK(s.hear(beat(7, 69)) == heartbeat_outcome::late);
    CHECK(s.hear(beat(7, 69)) == heartbeat_outcome::duplicate);
    CHECK(s.hear(beat(7, 7)) == heartbeat_outcome::late);
    CHECK(s.hear(beat(7, 6)) == heartbeat_outcome::late); // too old to know whether it came before
    CHECK(s.hear(beat(7, 6)) == heartbeat_outcome::late);
    s.pass(100ms);
    CHECK(s.said() == "7 up +0, 7 suspect +300");
    CHECK(m.counters().duplicates == 2);
    CHECK(m.counters().late == 4);
}

TEST_CASE("monitor: late heartbeats are told from duplicates over the newest 64 slots",
          "[detector][core]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    std::mt19937 random(seed);
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    std::vector<std::uint64_t> heard;
    std::uint64_t newest = 1000;
    std::uint64_t oldest = 1000;
    for (int i = 0; i != 5000; ++i) {
        auto const sequence = heard.empty() ? newest : newest + random() % 70 - 63;
        bool const before = std::find(heard.begin(), heard.end(), sequence) != heard.end();
        auto const expected = before                               ? heartbeat_outcome::duplicate
                              : heard.empty() || sequence > newest ? heartbeat_outcome::accepted
                                                                   : heartbeat_outcome::late;
        REQUIRE(s.hear(beat(7, sequence)) == expected);
        if (!before)
            heard.push_back(sequence);
        newest = std::max(newest, sequence);
        oldest = std::min(oldest, sequence);
        auto const v = *m.evidence(7, s.now);
        REQUIRE(v.received == heard.size());
        REQUIRE(v.missing == newest - oldest + 1 - heard.size());
    }
}

TEST_CASE("monitor: a peer that leaves is down at once and stays so without a suspicion",
          "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.hear(beat(7, 0));
    s.pass(100ms);
    auto last = beat(7, 1);
    last.leaving = true;
    s.hear(last);
    REQUIRE(s.events.size() == 2);
    CHECK(s.events[1].evidence.cause == peer_cause::left);
    s.pass(5s);
    CHECK(s.said() == "7 up +0, 7 down +100");
    CHECK(m.evidence(7, s.now)->cause == peer_cause::left);
    s.hear(beat(7, 0, 2));
    CHECK(s.said() == "7 restarted +5100");
}

TEST_CASE("monitor: a restarted peer that leaves is down", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.hear(beat(7, 0));
    auto last = beat(7, 0, 2);
    last.leaving = true;
    s.hear(last);
    CHECK(m.status(7) == peer_status::down);
    CHECK(s.said() == "7 up +0, 7 down +0");
}

TEST_CASE("monitor: peers are added once, removed, and bounded in number", "[detector][core]")
{
    auto o = quick;
    o.peers_max = 2;
    fixed_monitor m(o, {300ms});
    script<fixed_monitor> s{m};
    s.add(1);
    CHECK(!m.add_peer(1, s.now));
    s.add(2);
    CHECK(!m.add_peer(3, s.now));
    CHECK(s.hear(beat(3, 0)) == heartbeat_outcome::unknown_peer);
    CHECK(m.counters().unknown_peer == 1);
    CHECK(m.remove_peer(1));
    CHECK(!m.remove_peer(1));
    CHECK(!m.status(1));
    s.add(3);
    CHECK(m.status(3) == peer_status::unknown);
    s.hear(beat(3, 5));
    CHECK(m.evidence(3, s.now)->received == 1);
    s.pass(5s);
    CHECK(m.silent_count() == 2);
    CHECK(m.remove_peer(2));
    CHECK(m.silent_count() == 1);
    CHECK(m.peers_count() == 1);
    CHECK(s.said() == "3 up +0, 3 suspect +300, 3 down +500, 2 suspect +1000, 2 down +1200");
    // A bound below what is watched already lets none in.
    s.add(4);
    o.peers_max = 1;
    m.set_options(o, s.now);
    CHECK(!m.add_peer(5, s.now));
    CHECK(m.peers_count() == 2);
}

TEST_CASE("monitor: unknown nodes can be admitted", "[detector][core]")
{
    auto o = quick;
    o.admit_unknown = true;
    o.peers_max = 2;
    fixed_monitor m(o, {300ms});
    script<fixed_monitor> s{m};
    CHECK(s.hear(beat(5, 0)) == heartbeat_outcome::accepted);
    CHECK(s.hear(beat(6, 0)) == heartbeat_outcome::accepted);
    CHECK(s.hear(beat(7, 0)) == heartbeat_outcome::unknown_peer);
    CHECK(s.said() == "5 up +0, 6 up +0");
}

TEST_CASE("monitor: time that goes back counts as standing still", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.pass(100ms);
    s.hear(beat(7, 0));
    m.handle_heartbeat(beat(7, 1), start);
    CHECK(m.evidence(7, start)->limit == 300ms);
    CHECK(m.evidence(7, start)->silence == 0ms);
    CHECK(m.check_invariants() == 0);
}

TEST_CASE("monitor: timeouts can be changed at run time", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    script<fixed_monitor> s{m};
    s.add(7);
    s.add(8);
    s.hear(beat(7, 0));
    m.set_estimator_options({100ms}, s.now);
    CHECK(m.check_invariants() == 0);
    auto o = quick;
    o.startup_grace = 150ms;
    o.down_after = 20ms;
    m.set_options(o, s.now);
    s.pass(1s);
    CHECK(s.said() == "7 up +0, 7 suspect +100, 7 down +120, 8 suspect +150, 8 down +170");
    s.hear(beat(7, 1));
    m.set_estimator_options({700ms}, s.now);
    s.pass(2s);
    CHECK(s.said() == "7 up +1000, 7 suspect +1700, 7 down +1720");
    // A peer that is added later has them, too.
    s.add(9);
    s.hear(beat(9, 0));
    s.pass(699ms);
    CHECK(s.said() == "9 up +3000");
}

TEST_CASE("monitor: of unfetched events the latest of each peer is kept", "[detector][core]")
{
    auto o = quick;
    o.events_max = 4;
    fixed_monitor m(o, {300ms});
    for (node_id const n : {1u, 2u, 3u})
        m.add_peer(n, start);
    for (std::uint64_t i = 0; i != 50; ++i)
        for (node_id const n : {1u, 2u})
            m.handle_heartbeat(beat(n, 0, 1 + i), start);
    m.handle_heartbeat(beat(3, 0), start);
    std::map<node_id, std::uint64_t> told;
    std::size_t count = 0;
    std::uint64_t last_boot = 0;
    while (auto const e = m.poll_event()) {
        told[e->node] += 1 + e->skipped;
        if (e->node == 1)
            last_boot = e->evidence.boot;
        ++count;
    }
    CHECK(count <= 6);
    CHECK(told == std::map<node_id, std::uint64_t>{{1, 50}, {2, 50}, {3, 1}});
    CHECK(last_boot == 50);
    CHECK(m.counters().events_skipped == 101 - count);
}

TEST_CASE("monitor: a bad option is refused by name, value and rule", "[detector][core]")
{
    auto const refused = [](auto change) -> std::string {
        auto o = quick;
        change(o);
        try {
            fixed_monitor m(o, {300ms});
        } catch (std::invalid_argument const& e) {
            return e.what();
        }
        return "nothing thrown";
    };
    CHECK(refused([](auto& o) { o.startup_grace = 0s; }) ==
          "monitor_options::startup_grace is 0 ns; it must be above 0 and at most ten years");
    CHECK(refused([](auto& o) { o.down_after = -1ns; }).find("down_after is -1 ns") !=
          std::string::npos);
    CHECK(refused([](auto& o) { o.stall_tolerance = 0s; }).find("stall_tolerance") !=
          std::string::npos);
    CHECK(refused([](auto& o) { o.pulse = 0s; }).find("pulse is 0 ns") != std::string::npos);
    CHECK(refused([](auto& o) { o.stall_patience = 1; }).find("stall_patience is 1") !=
          std::string::npos);
    CHECK(refused([](auto& o) { o.peers_max = 0; }).find("peers_max is 0") != std::string::npos);
    CHECK(refused([](auto&) {}) == "nothing thrown");
}

TEST_CASE("monitor: many healthy peers cost few timeouts and no drains", "[detector][core]")
{
    fixed_monitor m(quick, {300ms});
    for (node_id n = 0; n != 1000; ++n)
        m.add_peer(n, start);
    int timeouts = 0;
    int drains = 0;
    auto now = start;
    // 1000 peers, each every 100 ms, evenly spread, for 10 s.
    for (std::uint64_t i = 0; i != 100'000; ++i) {
        now = start + static_cast<std::int64_t>(i) * 100us;
        while (m.next_deadline() && *m.next_deadline() <= now) {
            m.handle_timeout(now);
            ++timeouts;
            if (m.wants_drain()) {
                ++drains;
                m.handle_drained(now);
            }
        }
        m.handle_heartbeat(beat(i % 1000, i / 1000), now);
        if (i >= 1000)
            REQUIRE(!(i == 1000 && drains != 0));
    }
    CHECK(drains == 0);
    CHECK(timeouts < 1000); // at most 100 a second, not one a peer and interval
    CHECK(m.silent_count() == 0);
    CHECK(m.check_invariants() == 0);
}
