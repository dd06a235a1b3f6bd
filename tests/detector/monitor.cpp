// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/detector/chen.hpp>
#include <perdure/detector/fixed_timeout.hpp>
#include <perdure/detector/monitor.hpp>
#include <perdure/detector/phi_accrual.hpp>

#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace perdure;
using namespace std::chrono_literals;

namespace {

using fixed_monitor = monitor<fixed_timeout>;

time_point const start{100s};

heartbeat beat(node_id node, std::uint64_t sequence, boot_id boot = 1)
{
    heartbeat h;
    h.cluster = 1;
    h.node = node;
    h.boot = boot;
    h.sequence = sequence;
    return h;
}

// Timeout 300 ms, down 200 ms later, grace 1 s.
monitor_options const quick{1s, 200ms, 50ms, 500ms, 3, false, 1000, 1000};

// Drives a monitor as its contract says, and keeps what it reports as text and as values.
template <class Monitor>
struct script {
    Monitor& m;
    time_point now = start;
    std::vector<peer_event> events{};

    // What the monitor would read if it asks for a drain.
    std::vector<heartbeat> waiting{};

    void settle()
    {
        while (m.wants_drain()) {
            for (auto const& h : std::exchange(waiting, {}))
                m.handle_heartbeat(h, now);
            m.handle_drained(now);
        }
        while (auto e = m.poll_event())
            events.push_back(*e);
        REQUIRE(m.check_invariants() == 0);
    }
    void add(node_id node)
    {
        REQUIRE(m.add_peer(node, now));
        settle();
    }
    heartbeat_outcome hear(heartbeat const& h)
    {
        auto const outcome = m.handle_heartbeat(h, now);
        settle();
        return outcome;
    }
    // Lets time pass with all timeouts served when they are due.
    void pass(std::chrono::nanoseconds d)
    {
        auto const until = now + d;
        while (m.next_deadline() && *m.next_deadline() <= until) {
            now = std::max(now, *m.next_deadline());
            m.handle_timeout(now);
            settle();
        }
        now = until;
    }
    // Lets time pass without serving anything.
    void stall(std::chrono::nanoseconds d)
    {
        now += d;
        m.handle_timeout(now);
        settle();
    }
    // "7 up +0, 7 suspect +300", in milliseconds since the start.
    std::string said()
    {
        std::ostringstream out;
        for (auto const& e : std::exchange(events, {}))
            out << (out.tellp() > 0 ? ", " : "") << e.node << ' ' << e.change << " +"
                << std::chrono::duration<double, std::milli>(e.at - start).count();
        return out.str();
    }
};

} // namespace

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

// The model check.

namespace {

// The same rules without heap, laziness or counters: looks at every peer at every step.
template <class Estimator>
struct naive {
    struct peer {
        Estimator e;
        peer_status status = peer_status::unknown;
        bool heard = false;
        boot_id boot = 0;
        std::uint64_t last = 0;
        time_point base{};
    };
    struct stall_span {
        time_point from, to;
    };

    typename Estimator::options_type model;
    monitor_options o;
    std::map<node_id, peer> peers{};
    std::vector<stall_span> stalls{};
    std::vector<std::string> said{};

    void say(node_id n, peer_change c, time_point at)
    {
        said.push_back(std::to_string(n) + ' ' + to_string(c) + ' ' +
                       std::to_string(at.time_since_epoch().count()));
    }
    void add(node_id n, time_point now)
    {
        if (peers.contains(n))
            return;
        peer p{Estimator(model)};
        p.base = now;
        peers.emplace(n, p);
    }
    time_point deadline(peer const& p) const
    {
        auto d = p.heard ? *p.e.deadline() : p.base + o.startup_grace;
        if (p.status == peer_status::suspect)
            d = std::max(d, p.base) + o.down_after;
        std::chrono::nanoseconds stalled{0};
        auto last_end = p.base;
        for (auto const& s : stalls)
            if (s.to > p.base) {
                stalled += s.to - s.from;
                last_end = s.to;
            }
        auto const whole = d - p.base;
        return std::max(d, std::min(last_end + whole, p.base + stalled + o.stall_patience * whole));
    }
    void hear(heartbeat const& h, time_point now, bool timely)
    {
        auto const found = peers.find(h.node);
        if (found == peers.end())
            return;
        auto& p = found->second;
        if (p.heard && (h.boot < p.boot || (h.boot == p.boot && h.sequence <= p.last)))
            return;
        bool const restarted = p.heard && h.boot > p.boot;
        if (restarted)
            p.e.reset();
        p.e.handle_heartbeat({h.sequence, now, h.interval, timely});
        auto const before = p.status;
        bool const silent = before == peer_status::suspect || before == peer_status::down;
        p.heard = true;
        p.boot = h.boot;
        p.last = h.sequence;
        p.base = now;
        if (silent && !restarted && !h.leaving && *p.e.deadline() <= now)
            return;
        p.status = h.leaving ? peer_status::down : peer_status::up;
        if (h.leaving) {
            if (before != peer_status::down)
                say(h.node, peer_change::down, now);
        } else if (restarted) {
            say(h.node, peer_change::restarted, now);
        } else if (before != peer_status::up) {
            say(h.node, peer_change::up, now);
        }
    }
    // In the order of deadlines and, among equal ones, of nodes.
    void judge(time_point now)
    {
        while (true) {
            typename std::map<node_id, peer>::iterator first = peers.end();
            for (auto i = peers.begin(); i != peers.end(); ++i)
                if (i->second.status != peer_status::down && deadline(i->second) <= now &&
                    (first == peers.end() || deadline(i->second) < deadline(first->second)))
                    first = i;
            if (first == peers.end())
                return;
            bool const down = first->second.status == peer_status::suspect;
            first->second.status = down ? peer_status::down : peer_status::suspect;
            say(first->first, down ? peer_change::down : peer_change::suspect, now);
        }
    }
};

template <class Estimator>
void compare(typename Estimator::options_type const& model, unsigned seed)
{
    std::mt19937 random(seed);
    auto const draw = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    monitor_options o = quick;
    o.down_after = std::chrono::milliseconds(draw(3) * 150);
    o.stall_patience = 2 + static_cast<unsigned>(draw(3));
    monitor<Estimator> m(o, model);
    naive<Estimator> n{model, o};
    std::vector<std::string> said;
    std::map<node_id, heartbeat> next;
    std::vector<heartbeat> waiting;
    std::vector<heartbeat> old;
    auto now = start;
    bool timely = true;

    // Inputs to both; the monitor's notion of when it asked to be called is the only thing shared.
    auto const note_stall = [&](time_point last) {
        if (auto const asked = m.next_deadline()) {
            auto const expected = std::max(*asked, last);
            if (now - expected > o.stall_tolerance) {
                n.stalls.push_back({expected, now});
                timely = false;
            }
        }
    };
    auto last = now;
    auto const settle = [&] {
        if (m.wants_drain()) {
            for (auto const& h : std::exchange(waiting, {})) {
                m.handle_heartbeat(h, now);
                n.hear(h, now, timely);
            }
            m.handle_drained(now);
            timely = true;
            n.judge(now);
        }
        while (auto const e = m.poll_event())
            said.push_back(std::to_string(e->node) + ' ' + to_string(e->change) + ' ' +
                           std::to_string(e->at.time_since_epoch().count()));
        REQUIRE(m.check_invariants() == 0);
        last = now;
    };

    // Slots of a heap and nodes of a map agree in order only if nodes are added in order and kept.
    for (node_id i = 0; i != 8; ++i) {
        m.add_peer(i, now);
        n.add(i, now);
        next[i] = beat(i, 0);
    }
    for (int step = 0; step != 600; ++step) {
        auto const until = now + std::chrono::milliseconds(draw(40));
        if (draw(50) == 0) {
            // The observer does nothing for a while.
            now = until + std::chrono::milliseconds(draw(1500));
            note_stall(last);
            m.handle_timeout(now);
            settle();
        } else {
            while (m.next_deadline() && *m.next_deadline() <= until) {
                now = std::max(now, *m.next_deadline());
                m.handle_timeout(now);
                settle();
                // The naive one may have nothing more to say at any time that the monitor let pass.
                n.judge(now);
            }
            now = until;
            n.judge(now - 1ns);
        }
        auto& h = next[static_cast<node_id>(draw(8))];
        switch (draw(20)) {
        case 0: // restart
            h = beat(h.node, 0, h.boot + 1);
            break;
        case 1: // a silence of this node: its slots pass
            h.sequence += static_cast<std::uint64_t>(draw(100));
            break;
        case 2:
            h.leaving = true;
            break;
        default:
            break;
        }
        auto sent = h;
        ++h.sequence;
        h.leaving = false;
        old.push_back(sent);
        if (draw(6) == 0)
            sent = old[old.size() - 1 -
                       static_cast<std::size_t>(
                           draw(static_cast<int>(std::min<std::size_t>(old.size(), 100))))];
        if (draw(5) == 0) {
            waiting.push_back(sent);
        } else if (draw(3) != 0 || sent.node < 4) {
            note_stall(last);
            m.handle_heartbeat(sent, now);
            n.hear(sent, now, timely);
            settle();
        }
    }
    CHECK(said.size() > 20);
    for (std::size_t i = 0; i != std::max(said.size(), n.said.size()); ++i)
        REQUIRE((i < said.size() ? said[i] : "nothing") ==
                (i < n.said.size() ? n.said[i] : "nothing"));
}

} // namespace

TEST_CASE("monitor: agrees with a naive one that looks at every peer at every step",
          "[detector][core]")
{
    auto const first = Catch::rngSeed();
    for (unsigned i = 0; i != 60; ++i) {
        CAPTURE(first + i);
        compare<fixed_timeout>({std::chrono::milliseconds(100 + 10 * (i % 30))}, first + i);
        phi_accrual_options o;
        o.expected_interval = 100ms;
        o.min_deviation = 20ms;
        o.acceptable_pause = 100ms;
        o.window = 10;
        compare<phi_accrual>(o, first + i);
        compare<chen>({50ms, std::chrono::milliseconds(50 + 10 * (i % 10)), 8}, first + i);
    }
}
