// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/simulation/cluster.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace simulation = perdure::simulation;
using namespace std::chrono_literals;
using perdure::error_code;
using simulation::event;
using udp = asio::ip::udp;
using socket_type = simulation::world::datagram_socket;

static_assert(perdure::has_datagrams<simulation::world>);

// Keeps what it receives, with the time. Lives as a process of a cluster.
struct listener {
    struct received {
        simulation::duration at;
        udp::endpoint peer;
        std::string text;
    };

    simulation::cluster& c;
    socket_type socket;
    std::vector<received>& log;

    listener(simulation::cluster& cluster, simulation::world const& w, std::vector<received>& l)
        : c(cluster), socket(w), log(l)
    {
        error_code ec;
        socket.open({udp::v4(), 7000}, ec);
        REQUIRE(!ec);
        wait();
    }
    void wait()
    {
        socket.async_wait(udp::socket::wait_read, [this](error_code ec) {
            if (ec)
                return;
            drain();
            wait();
        });
    }
    void drain()
    {
        std::array<std::byte, 2000> storage;
        std::array slots{perdure::incoming_datagram{storage}};
        error_code ec;
        while (socket.try_receive(slots, ec) != 0)
            log.push_back({c.now(),
                           slots[0].peer,
                           {reinterpret_cast<char const*>(storage.data()), slots[0].size}});
    }
};

// A cluster where "a" sends and "b" listens.
struct pair {
    simulation::cluster c;
    std::vector<listener::received> log;
    explicit pair(simulation::options o = {}, std::uint64_t seed = 1) : c(seed, o)
    {
        c.add("a", [](simulation::world) {});
        c.add("b", [this](simulation::world w) { return std::make_unique<listener>(c, w, log); });
    }
    void send(socket_type& s, std::string_view text)
    {
        std::array const batch{
            perdure::outgoing_datagram{{c.address("b"), 7000}, std::as_bytes(std::span(text))}};
        error_code ec;
        REQUIRE(s.try_send(batch, ec) == 1);
        REQUIRE(!ec);
    }
    socket_type sender()
    {
        socket_type s(c.world_of("a"));
        error_code ec;
        s.open({udp::v4(), 0}, ec);
        REQUIRE(!ec);
        return s;
    }
    // Sends `n` numbered messages, one each `every`, and waits for them.
    void send_many(int n, simulation::duration every, simulation::duration rest = 1h)
    {
        auto s = sender();
        for (int i = 0; i != n; ++i) {
            send(s, std::to_string(i));
            c.run_for(every);
        }
        c.run_for(rest);
    }
    std::uint64_t count(event e) const { return c.counters()[e]; }
};

bool near(double hits, double n, double p)
{
    return std::abs(hits - n * p) <= 6 * std::sqrt(n * p * (1 - p)) + 1e-9;
}

} // namespace

TEST_CASE("datagram_socket: a message arrives with its sender's address, and can be answered",
          "[simulation][sim]")
{
    pair p;
    auto s = p.sender();
    p.send(s, "hello");
    p.send(s, "");
    p.c.run_for(1s);
    REQUIRE(p.log.size() == 2);
    error_code ec;
    auto const from = s.local_endpoint(ec);
    CHECK(from.address().is_unspecified());
    CHECK(p.log[0].peer == udp::endpoint(p.c.address("a"), from.port()));
    CHECK((p.log[0].text == "hello" || p.log[1].text == "hello"));
    CHECK(p.count(event::message_sent) == 2);
    CHECK(p.count(event::message_delivered) == 2);
}

TEST_CASE("datagram_socket: a message takes the minimum delay and an exponential time",
          "[simulation][sim]")
{
    simulation::options o;
    o.network.delay_min = 10ms;
    o.network.delay_tail = 5ms;
    pair p(o, Catch::rngSeed());
    CAPTURE(Catch::rngSeed());
    p.send_many(2000, 1s);
    REQUIRE(p.log.size() == 2000);
    double sum = 0;
    auto least = 1h * 1.0;
    for (std::size_t i = 0; i != p.log.size(); ++i) {
        auto const delay = p.log[i].at - 1s * i;
        sum += std::chrono::duration<double, std::milli>(delay).count();
        least = std::min<std::chrono::duration<double, std::ratio<3600>>>(least, delay);
    }
    CHECK(least >= 10ms);
    CHECK_THAT(sum / 2000, Catch::Matchers::WithinAbs(15, 6 * 5 / std::sqrt(2000)));
}

TEST_CASE("datagram_socket: messages are lost, doubled and corrupted with their probabilities",
          "[simulation][sim]")
{
    simulation::options o;
    o.network.loss = 0.2;
    o.network.duplication = 0.3;
    o.network.corruption = 0.1;
    pair p(o, Catch::rngSeed());
    CAPTURE(Catch::rngSeed());
    constexpr int n = 5000;
    p.send_many(n, 1ms);
    CHECK(near(static_cast<double>(p.count(event::message_lost)), n, 0.2));
    auto const arrived = static_cast<double>(n - p.count(event::message_lost));
    CHECK(near(static_cast<double>(p.count(event::message_duplicated)), arrived, 0.3));
    auto const copies = p.log.size();
    CHECK(copies == n - p.count(event::message_lost) + p.count(event::message_duplicated));
    CHECK(near(static_cast<double>(p.count(event::message_corrupted)), static_cast<double>(copies),
               0.1));
    std::map<std::string, int> times;
    std::size_t strange = 0;
    for (auto const& m : p.log) {
        auto const number = std::atoi(m.text.c_str());
        if (std::to_string(number) == m.text && number < n)
            ++times[m.text];
        else
            ++strange;
    }
    CHECK(strange > 0); // flips may also turn one number into another
    CHECK(strange <= p.count(event::message_corrupted));
    CHECK(times.size() > std::size_t(n) * 7 / 10);
}

TEST_CASE("datagram_socket: a tail of delays reorders messages, and none without it does not",
          "[simulation][sim]")
{
    simulation::options o;
    o.network.delay_tail = 10ms;
    pair p(o);
    p.send_many(100, 1ms);
    CHECK(p.count(event::message_reordered) > 5);
    CHECK_FALSE(std::is_sorted(p.log.begin(), p.log.end(), [](auto const& a, auto const& b) {
        return std::stoi(a.text) < std::stoi(b.text);
    }));
    o.network.delay_tail = 0ms;
    pair q(o);
    q.send_many(100, 1ms);
    CHECK(q.count(event::message_reordered) == 0);
}

TEST_CASE("datagram_socket: a full link and a full receiver drop what comes next",
          "[simulation][sim]")
{
    simulation::options o;
    o.network.link_capacity = 10;
    pair p(o);
    p.send_many(25, 0ms);
    CHECK(p.log.size() == 10);
    CHECK(p.count(event::message_overflowed) == 15);
    o.network.link_capacity = 100;
    o.network.receive_capacity = 7;
    pair q(o);
    q.c.freeze("b");
    q.send_many(25, 0ms);
    CHECK(q.log.empty());
    CHECK(q.count(event::message_overflowed) == 18);
    q.c.thaw("b");
    q.c.run_for(1ms);
    CHECK(q.log.size() == 7);
}

TEST_CASE("datagram_socket: a clogged link holds back what is sent behind", "[simulation][sim]")
{
    simulation::options o;
    o.network.clog = 0.01;
    o.network.clog_mean = 100ms;
    o.network.delay_tail = 0ms;
    constexpr int n = 3000;
    // The link stands still about as long as it moves, so many may wait.
    o.network.link_capacity = o.network.receive_capacity = n;
    pair p(o, Catch::rngSeed());
    CAPTURE(Catch::rngSeed());
    p.send_many(n, 1ms);
    CHECK(near(static_cast<double>(p.count(event::link_clogged)), n, 0.01));
    REQUIRE(p.log.size() == n);
    int late = 0;
    for (int i = 0; i != n; ++i) {
        CHECK(p.log[static_cast<std::size_t>(i)].text == std::to_string(i)); // they wait in order
        late += p.log[static_cast<std::size_t>(i)].at - 1ms * i > 1ms;
    }
    CHECK(late > static_cast<int>(p.count(event::link_clogged)));
}

TEST_CASE(
    "datagram_socket: a partition stops both directions, a block one, and messages on the way too",
    "[simulation][sim]")
{
    simulation::options o;
    o.network.delay_min = 10ms;
    o.network.delay_tail = 0ms;
    simulation::cluster c(1, o);
    std::map<std::string, std::vector<listener::received>> logs;
    for (auto const* name : {"a", "b", "c"})
        c.add(name, [&, name](simulation::world w) {
            return std::make_unique<listener>(c, w, logs[name]);
        });
    auto const exchange = [&] {
        for (auto& [name, log] : logs)
            log.clear();
        for (std::string from : {"a", "b", "c"})
            for (auto const* to : {"a", "b", "c"}) {
                socket_type s(c.world_of(from));
                error_code ec;
                s.open({udp::v4(), 0}, ec);
                std::array const batch{perdure::outgoing_datagram{{c.address(to), 7000},
                                                                  std::as_bytes(std::span(from))}};
                s.try_send(batch, ec);
            }
        c.run_for(1s);
        std::string text;
        for (auto& [name, log] : logs) {
            std::vector<std::string> from;
            for (auto const& m : log)
                from.push_back(m.text);
            std::sort(from.begin(), from.end());
            text += name + ":";
            for (auto const& f : from)
                text += f;
            text += ' ';
        }
        return text;
    };
    CHECK(exchange() == "a:abc b:abc c:abc ");
    c.partition({{"a"}, {"b", "c"}});
    CHECK(exchange() == "a:a b:bc c:bc ");
    c.isolate("b");
    CHECK(exchange() == "a:ac b:b c:ac ");
    c.heal();
    CHECK(exchange() == "a:abc b:abc c:abc ");
    c.block("a", "b");
    CHECK(exchange() == "a:abc b:bc c:abc ");
    c.unblock("a", "b");
    CHECK(exchange() == "a:abc b:abc c:abc ");

    logs["b"].clear();
    socket_type s(c.world_of("a"));
    error_code ec;
    s.open({udp::v4(), 0}, ec);
    std::array const batch{perdure::outgoing_datagram{{c.address("b"), 7000}, {}}};
    s.try_send(batch, ec);
    c.run_for(5ms);
    c.isolate("b");
    c.run_for(1s);
    CHECK(logs["b"].empty());
    CHECK(c.counters()[event::message_blocked] > 0);
}

TEST_CASE(
    "datagram_socket: a frozen process finds its messages waiting, a suspended machine does not",
    "[simulation][sim]")
{
    pair p;
    p.c.freeze("b");
    p.send_many(3, 1ms, 1s);
    CHECK(p.log.empty());
    p.c.thaw("b");
    p.c.run_for(1s);
    CHECK(p.log.size() == 3);
    CHECK(p.log[0].at == p.log[2].at);
    p.c.suspend("b");
    p.send_many(3, 1ms, 1s);
    p.c.resume("b");
    p.c.run_for(1s);
    CHECK(p.log.size() == 3);
    CHECK(p.count(event::message_unclaimed) == 3);
}

TEST_CASE("datagram_socket: a crash closes ports, and the next incarnation opens them again",
          "[simulation][sim]")
{
    pair p;
    p.c.crash("b");
    p.send_many(3, 1ms, 1s);
    CHECK(p.count(event::message_unclaimed) == 3);
    p.c.restart("b");
    p.send_many(3, 1ms, 1s);
    CHECK(p.log.size() == 3);
}

TEST_CASE("datagram_socket: waits complete, are cancelled each and all, and never inline",
          "[simulation][sim]")
{
    auto const type = GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial,
                               asio::cancellation_type::total);
    pair p;
    auto s = p.sender();
    std::vector<std::string> ended;
    asio::cancellation_signal signal;
    auto const handler = [&](std::string name) {
        return [&ended, name](error_code ec) {
            ended.push_back(name + (ec == asio::error::operation_aborted ? " aborted"
                                    : ec                                 ? " failed"
                                                                         : " done"));
        };
    };
    s.async_wait(udp::socket::wait_read, handler("read 1"));
    s.async_wait(udp::socket::wait_read,
                 asio::bind_cancellation_slot(signal.slot(), handler("read 2")));
    s.async_wait(udp::socket::wait_error, handler("error"));
    s.async_wait(udp::socket::wait_write, handler("write"));
    CHECK(ended.empty());
    p.c.run_for(1s);
    CHECK(ended == std::vector<std::string>{"write done"});
    signal.emit(asio::cancellation_type::none);
    p.c.run_for(1s);
    CHECK(ended.size() == 1);
    signal.emit(type);
    CHECK(ended.size() == 1);
    p.c.run_for(1s);
    CHECK(ended.back() == "read 2 aborted");
    s.cancel();
    CHECK(ended.size() == 2);
    p.c.run_for(1s);
    CHECK(ended == std::vector<std::string>{"write done", "read 2 aborted", "read 1 aborted",
                                            "error aborted"});
    s.async_wait(udp::socket::wait_read, handler("read 3"));
    error_code ec;
    s.close(ec);
    s.async_wait(udp::socket::wait_read, handler("read 4"));
    p.c.run_for(1s);
    CHECK(ended.back() == "read 4 failed");
    CHECK(ended[4] == "read 3 aborted");
}

TEST_CASE("datagram_socket: a wait for reading is done at once when something waits already",
          "[simulation][sim]")
{
    pair p;
    std::vector<listener::received> log;
    socket_type receiver(p.c.world_of("b"));
    error_code ec;
    receiver.open({udp::v4(), 7001}, ec);
    auto s = p.sender();
    std::string const text(100, 'x');
    std::array const batch{
        perdure::outgoing_datagram{{p.c.address("b"), 7001}, std::as_bytes(std::span(text))}};
    CHECK(s.try_send(batch, ec) == 1);
    p.c.run_for(1s);
    int done = 0;
    receiver.async_wait(udp::socket::wait_read, [&](error_code e) { done += !e; });
    receiver.async_wait(udp::socket::wait_read, [&](error_code e) { done += !e; });
    p.c.run_for(0s);
    CHECK(done == 2);
    std::array<std::byte, 10> small;
    std::array slots{perdure::incoming_datagram{small}, perdure::incoming_datagram{small}};
    CHECK(receiver.try_receive(slots, ec) == 1);
    CHECK(slots[0].size == 10);
    CHECK(slots[0].truncated);
    CHECK(receiver.try_receive(slots, ec) == 0);
    CHECK_FALSE(ec);
}

TEST_CASE("datagram_socket: opening it wrongly is an error that says why", "[simulation][sim]")
{
    pair p;
    socket_type s(p.c.world_of("b"));
    error_code ec;
    s.local_endpoint(ec);
    CHECK(ec == asio::error::bad_descriptor);
    s.open({udp::v4(), 7000}, ec);
    CHECK(ec == asio::error::address_in_use);
    s.open({p.c.address("a"), 1}, ec);
    CHECK(ec == boost::system::errc::address_not_available);
    s.open({udp::v6(), 1}, ec);
    CHECK(ec == asio::error::address_family_not_supported);
    CHECK_FALSE(s.is_open());
    s.open({p.c.address("b"), 1}, ec);
    CHECK_FALSE(ec);
    s.open({p.c.address("b"), 2}, ec);
    CHECK(ec == asio::error::already_open);
    CHECK(s.local_endpoint(ec) == udp::endpoint(p.c.address("b"), 1));
    std::string const huge(65508, 'x');
    std::array const batch{
        perdure::outgoing_datagram{{p.c.address("a"), 1}, std::as_bytes(std::span(huge))},
        perdure::outgoing_datagram{{asio::ip::address_v6::loopback(), 1}, {}}};
    CHECK(s.try_send(batch, ec) == 0);
    CHECK(ec == asio::error::message_size);
    CHECK(s.try_send(std::span(batch).subspan(1), ec) == 0);
    CHECK(ec == asio::error::address_family_not_supported);
    s.close(ec);
    s.open({p.c.address("b"), 1}, ec); // the port is free again
    CHECK_FALSE(ec);
}

TEST_CASE("datagram_socket: a send may be refused in part, and becomes possible a little later",
          "[simulation][sim]")
{
    simulation::options o;
    o.network.send_refusal = 0.5;
    pair p(o, Catch::rngSeed());
    CAPTURE(Catch::rngSeed());
    auto s = p.sender();
    std::vector<perdure::outgoing_datagram> const batch(10, {{p.c.address("b"), 7000}, {}});
    int sent = 0, refused = 0;
    constexpr int rounds = 1000;
    for (int i = 0; i != rounds; ++i) {
        error_code ec;
        auto const n = s.try_send(batch, ec);
        REQUIRE_FALSE(ec);
        sent += static_cast<int>(n);
        refused += n < 10;
        if (n < 10) {
            CHECK(s.try_send(batch, ec) == 0);
            bool writable = false;
            s.async_wait(udp::socket::wait_write, [&](error_code e) { writable = !e; });
            auto const begin = p.c.now();
            REQUIRE(p.c.run_until([&] { return writable; }, 1s));
            CHECK(p.c.now() - begin == 1ms);
        }
    }
    CHECK(near(refused, rounds, 0.5));
    CHECK(p.count(event::send_refused) == static_cast<unsigned>(refused));
    p.c.run_for(1h);
    CHECK(p.log.size() == static_cast<unsigned>(sent));
}

TEST_CASE("datagram_socket: a machine reaches itself without faults, by its address or by loopback",
          "[simulation][sim]")
{
    simulation::options o = simulation::lossy();
    o.network.loss = 1;
    simulation::cluster c(1, o);
    std::vector<listener::received> log;
    c.add("a", [&](simulation::world w) { return std::make_unique<listener>(c, w, log); });
    socket_type s(c.world_of("a"));
    error_code ec;
    s.open({asio::ip::address_v4::loopback(), 0}, ec);
    std::array const batch{perdure::outgoing_datagram{{asio::ip::address_v4::loopback(), 7000}, {}},
                           perdure::outgoing_datagram{{c.address("a"), 7000}, {}}};
    CHECK(s.try_send(batch, ec) == 2);
    c.run_for(1ms);
    CHECK(log.size() == 2);
    CHECK(log[0].peer.address().is_loopback());
}

TEST_CASE("datagram_socket: a dead process sends nothing", "[simulation][sim]")
{
    pair p;
    auto s = p.sender();
    auto const w = p.c.world_of("a");
    p.c.crash("a");
    p.c.restart("a");
    error_code ec;
    std::array const batch{perdure::outgoing_datagram{{p.c.address("b"), 7000}, {}}};
    CHECK(s.try_send(batch, ec) == 0);
    CHECK(ec == asio::error::operation_aborted);
    CHECK(s.try_receive({}, ec) == 0);
    CHECK(ec == asio::error::operation_aborted);
    s.open({udp::v4(), 1}, ec);
    CHECK(ec == asio::error::operation_aborted);
    int ran = 0;
    s.async_wait(udp::socket::wait_write, [&](error_code) { ++ran; });
    socket_type late(w);
    late.open({udp::v4(), 1}, ec);
    CHECK(ec == asio::error::operation_aborted);
    p.c.run_for(1s);
    CHECK(ran == 0);
    CHECK(p.log.empty());
}

TEST_CASE("datagram_socket: a machine whose ports are all taken gives none", "[simulation][sim]")
{
    pair p;
    std::vector<socket_type> all;
    error_code ec;
    for (int i = 0; i != 28232; ++i) { // 32768 to 60999, as on Linux.
        all.emplace_back(p.c.world_of("b"));
        all.back().open({udp::v4(), 0}, ec);
        REQUIRE(!ec);
    }
    socket_type one_more(p.c.world_of("b"));
    one_more.open({udp::v4(), 0}, ec);
    CHECK(ec == asio::error::address_in_use);
    all.erase(all.begin() + 5);
    one_more.open({udp::v4(), 0}, ec);
    CHECK(!ec);
    CHECK(one_more.local_endpoint(ec).port() == 32768 + 5);
}
