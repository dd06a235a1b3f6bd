// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* What one heartbeat costs a monitor of 100, 10 000 and 100 000 peers, its timeouts included, and
 * how much memory a peer takes.
 *
 * Every peer beats once a second of virtual time, in another random order each second.
 *   floor: a lookup in the same hash map and a store of the time, which no monitor can do without.
 *   poll:  a naive monitor made of the same map and the same estimators, which asks all peers every
 *          100 ms whether they are suspicious by now (no library: written here for comparison).
 */

#include "support/measure.hpp"
#include <perdure/detector/chen.hpp>
#include <perdure/detector/fixed_timeout.hpp>
#include <perdure/detector/heartbeat_codec.hpp>
#include <perdure/detector/monitor.hpp>
#include <perdure/detector/phi_accrual.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <malloc.h>
#include <random>
#include <string>
#include <vector>

using namespace perdure;
using namespace std::chrono_literals;

namespace {

time_point const start{1000s};

// The order in which peers beat, a new one for each second; made before the clock runs.
struct schedule {
    schedule(std::size_t peers, std::size_t rounds) : peers_(peers)
    {
        std::mt19937_64 random(42);
        std::vector<node_id> order(peers);
        for (std::size_t i = 0; i != peers; ++i)
            order[i] = random(); // node ids need not be small or dense
        nodes_ = order;
        for (std::size_t r = 0; r != rounds; ++r) {
            std::shuffle(order.begin(), order.end(), random);
            beats_.insert(beats_.end(), order.begin(), order.end());
        }
    }
    std::vector<node_id> const& nodes() const { return nodes_; }
    std::size_t size() const { return beats_.size(); }
    // The i-th heartbeat of all; beyond the end the orders repeat.
    node_id node(std::size_t i) const { return beats_[i % beats_.size()]; }
    std::uint64_t sequence(std::size_t i) const { return i / peers_; }
    time_point at(std::size_t i) const
    {
        return start + std::chrono::nanoseconds(i * 1'000'000'000 / peers_);
    }

private:
    std::size_t peers_;
    std::vector<node_id> nodes_;
    std::vector<node_id> beats_;
};

template <class Estimator>
struct driven_monitor {
    driven_monitor(schedule const& s, typename Estimator::options_type const& o)
        : beats(s), monitor(with_room(), o)
    {
        for (auto const n : s.nodes())
            monitor.add_peer(n, start);
    }
    static monitor_options with_room()
    {
        monitor_options o;
        o.startup_grace = 1h;
        return o;
    }
    void run(std::size_t count)
    {
        heartbeat h;
        h.boot = 1;
        for (std::size_t end = next + count; next != end; ++next) {
            auto const now = beats.at(next);
            while (monitor.next_deadline() && *monitor.next_deadline() <= now) {
                monitor.handle_timeout(now);
                ++timeouts;
                if (monitor.wants_drain())
                    monitor.handle_drained(now);
            }
            h.node = beats.node(next);
            h.sequence = beats.sequence(next);
            monitor.handle_heartbeat(h, now);
        }
        while (monitor.poll_event()) {
        }
    }
    schedule const& beats;
    perdure::monitor<Estimator> monitor;
    std::size_t next = 0;
    std::size_t timeouts = 0;
};

template <class Estimator>
struct polling_monitor {
    polling_monitor(schedule const& s, typename Estimator::options_type const& o) : beats(s)
    {
        for (auto const n : s.nodes())
            peers.emplace(n, Estimator(o));
    }
    void run(std::size_t count)
    {
        for (std::size_t end = next + count; next != end; ++next) {
            auto const now = beats.at(next);
            while (next_poll <= now) {
                for (auto const& [node, e] : peers)
                    suspects += e.level(next_poll) >= e.threshold();
                next_poll += 100ms;
            }
            peers.find(beats.node(next))
                ->second.handle_heartbeat({beats.sequence(next), now, 0ns, true});
        }
        benchmark::keep(suspects);
    }
    schedule const& beats;
    boost::unordered_flat_map<node_id, Estimator> peers;
    time_point next_poll = start;
    std::size_t next = 0;
    std::size_t suspects = 0;
};

struct floor_store {
    explicit floor_store(schedule const& s) : beats(s)
    {
        for (auto const n : s.nodes())
            times.emplace(n, start);
    }
    void run(std::size_t count)
    {
        for (std::size_t end = next + count; next != end; ++next)
            times.find(beats.node(next))->second = beats.at(next);
        benchmark::keep(times);
    }
    schedule const& beats;
    boost::unordered_flat_map<node_id, time_point> times;
    std::size_t next = 0;
};

// Nanoseconds of one heartbeat once every window is full.
template <class Subject>
double steady(benchmark::settings const& s, Subject& subject, std::size_t peers,
              std::size_t warm_up_rounds)
{
    subject.run(peers * warm_up_rounds);
    auto const count = std::max<std::size_t>(peers, s.smoke ? 1 : 100'000);
    return benchmark::time_each(s, count, [&](std::size_t n) { subject.run(n); });
}

template <class Estimator>
void compare(benchmark::settings const& s, char const* name, std::size_t peers,
             typename Estimator::options_type const& options, std::size_t window)
{
    schedule const beats(peers, s.smoke ? 2 : std::max<std::size_t>(4, 100'000 / peers));
    auto const rounds = s.smoke ? 2 : window + 3;
    auto const before = mallinfo2().uordblks + mallinfo2().hblkhd;
    driven_monitor<Estimator> m(beats, options);
    auto const ours = steady(s, m, peers, rounds);
    auto const after = mallinfo2().uordblks + mallinfo2().hblkhd;
    if (m.monitor.silent_count() != 0)
        std::printf("(a healthy peer was suspected: the figures mean nothing)\n");
    auto const virtual_seconds = static_cast<double>(m.next) / static_cast<double>(peers);
    auto const bytes = static_cast<double>(after - before) / static_cast<double>(peers);

    polling_monitor<Estimator> p(beats, options);
    auto const polled = steady(s, p, peers, rounds);
    floor_store f(beats);
    auto const floor = steady(s, f, peers, 3);
    auto const title = std::string(name) + ", " + std::to_string(peers) + " peers";
    benchmark::print_row(title + ": a heartbeat", ours, "ns", polled, "poll", floor);
    benchmark::print_row(title + ": memory of a peer", bytes, "B");
    benchmark::print_row(title + ": timeouts a second",
                         static_cast<double>(m.timeouts) / virtual_seconds, "");
}

struct no_peer_left {
    static constexpr std::size_t peers = 100'000;
};

// All peers fall silent at once, and after a stall of the observer.
void verdicts(benchmark::settings const& s)
{
    std::size_t const peers = s.smoke ? 100 : no_peer_left::peers;
    schedule const beats(peers, 1);
    auto const time_of = [&](bool stalled) {
        driven_monitor<fixed_timeout> m(beats, {2s});
        m.run(peers);
        auto now = beats.at(peers);
        auto const begin = benchmark::thread_ns();
        if (stalled) {
            now += 60s;
            m.monitor.handle_timeout(now);
            m.monitor.handle_drained(now);
        } else {
            auto const end = now + 10s;
            while (m.monitor.next_deadline() && *m.monitor.next_deadline() <= end) {
                m.monitor.handle_timeout(*m.monitor.next_deadline());
                if (m.monitor.wants_drain())
                    m.monitor.handle_drained(*m.monitor.next_deadline());
            }
        }
        std::size_t events = 0;
        while (m.monitor.poll_event())
            ++events;
        benchmark::keep(events);
        return (benchmark::thread_ns() - begin) / static_cast<double>(peers);
    };
    auto const title = "fixed timeout, " + std::to_string(peers) + " peers: ";
    auto few = s;
    few.repetitions = s.smoke ? 1 : 5;
    benchmark::print_row(title + "suspect and down, each peer",
                         benchmark::median_of(few, [&] { return time_of(false); }), "ns");
    benchmark::print_row(title + "a stall of the observer, each peer",
                         benchmark::median_of(few, [&] { return time_of(true); }), "ns");
}

void messages(benchmark::settings const& s)
{
    heartbeat h;
    h.cluster = 1;
    h.node = 2;
    h.boot = 3;
    std::array<std::byte, heartbeat_size_written_max> room;
    std::size_t const count = s.smoke ? 10 : 100'000;
    benchmark::print_row("write a message",
                         benchmark::time_each(s, count,
                                              [&](std::size_t n) {
                                                  for (std::size_t i = 0; i != n; ++i) {
                                                      h.sequence = i;
                                                      benchmark::keep(
                                                          encode_heartbeat(h, {}, room).size());
                                                  }
                                              }),
                         "ns");
    auto const bytes = encode_heartbeat(h, {}, room);
    authentication const none;
    benchmark::print_row(
        "read a message",
        benchmark::time_each(s, count,
                             [&](std::size_t n) {
                                 for (std::size_t i = 0; i != n; ++i) {
                                     error_code ec;
                                     benchmark::keep(decode_heartbeat(bytes, none, ec).sequence);
                                 }
                             }),
        "ns");
}

} // namespace

int main(int argc, char** argv)
{
    auto const s = benchmark::settings::from(argc, argv);
    benchmark::print_header();
    fixed_timeout_options const fixed{3s};
    chen_options const chens{1s, 2s, 32};
    phi_accrual_options phi;
    phi.expected_interval = 1s;
    phi.acceptable_pause = 2s;
    phi.window = 200;
    for (std::size_t const peers : {100u, 10'000u, 100'000u}) {
        if (s.smoke && peers > 100)
            break;
        compare<fixed_timeout>(s, "fixed timeout", peers, fixed, 1);
        compare<chen>(s, "chen (32)", peers, chens, 32);
        compare<phi_accrual>(s, "phi-accrual (200)", peers, phi, 200);
    }
    verdicts(s);
    messages(s);
}
