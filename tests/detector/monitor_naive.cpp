// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The monitor against the same rules without a wheel, laziness or counters.

#include "detector/monitor_script.hpp"
#include "support/catch.hpp"
#include <perdure/detector/chen.hpp>
#include <perdure/detector/fixed_timeout.hpp>
#include <perdure/detector/monitor.hpp>
#include <perdure/detector/phi_accrual.hpp>

#include <map>
#include <random>
#include <string>
#include <vector>

using namespace monitor_test;

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
