// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_DETECTOR_MONITOR_SCRIPT_HPP
#define PERDURE_TESTS_DETECTOR_MONITOR_SCRIPT_HPP

#include "support/catch.hpp"
#include <perdure/detector/fixed_timeout.hpp>
#include <perdure/detector/monitor.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// What the monitor's tests share.
namespace monitor_test {

using namespace perdure;
using namespace std::chrono_literals;

using fixed_monitor = monitor<fixed_timeout>;

inline time_point const start{100s};

inline heartbeat beat(node_id node, std::uint64_t sequence, boot_id boot = 1)
{
    heartbeat h;
    h.cluster = 1;
    h.node = node;
    h.boot = boot;
    h.sequence = sequence;
    return h;
}

// Timeout 300 ms, down 200 ms later, grace 1 s.
inline monitor_options const quick{1s, 200ms, 50ms, 500ms, 3, false, 1000, 1000};

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

} // namespace monitor_test

#endif
