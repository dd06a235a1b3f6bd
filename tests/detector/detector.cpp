// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/detector/detector.hpp>
#include <perdure/detector/fixed_timeout.hpp>
#include <perdure/detector/heartbeat_sender.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace perdure;
using namespace std::chrono_literals;

namespace {

using fixed_detector = basic_detector<fixed_timeout>;

basic_detector_options<fixed_timeout> quick()
{
    basic_detector_options<fixed_timeout> o;
    o.listener.listen = {asio::ip::address_v4::loopback(), 0};
    o.listener.cluster = 42;
    o.estimator.timeout = 200ms;
    o.monitor.down_after = 50ms;
    o.monitor.startup_grace = 30s;
    return o;
}

heartbeat_sender_options sender_of(node_id node, asio::ip::udp::endpoint const& listener)
{
    heartbeat_sender_options o;
    o.cluster = 42;
    o.node = node;
    o.boot = 1;
    o.interval = 10ms;
    o.from = {asio::ip::address_v4::loopback(), 0};
    o.listeners = {listener};
    return o;
}

// Runs until the condition holds; fails after 20 s.
template <class Condition>
void run_until(asio::io_context& context, Condition condition)
{
    auto const end = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        context.restart();
        context.run_one_for(10ms);
    }
}

struct toy_key {
    static constexpr std::size_t tag_size = 8;
    std::uint64_t key;
    void sign(std::span<std::byte const> message, std::span<std::byte> tag) const
    {
        std::uint64_t h = key;
        for (auto const b : message)
            h = (h ^ static_cast<std::uint64_t>(b)) * 0x100000001b3ULL;
        store_little(tag.data(), h);
    }
};

} // namespace

TEST_CASE("detector: up, suspect, down and restarted over UDP", "[detector][asio]")
{
    asio::io_context context;
    fixed_detector d(context, quick());
    d.open();
    CHECK(d.add_peer(7));
    CHECK(!d.add_peer(7));
    std::vector<peer_event> events;
    auto const wait = [&](std::size_t n) {
        while (events.size() < n) {
            bool done = false;
            d.async_wait_event([&](error_code ec, peer_event e) {
                REQUIRE(!ec);
                events.push_back(e);
                done = true;
            });
            CHECK(!done); // never inline
            run_until(context, [&] { return done; });
        }
    };
    std::optional<heartbeat_sender> sender;
    sender.emplace(context, sender_of(7, d.local_endpoint()));
    sender->open();
    wait(1);
    CHECK(events[0].change == peer_change::up);
    CHECK(events[0].evidence.boot == 1);
    CHECK(d.status(7) == peer_status::up);
    sender.reset();
    wait(3);
    CHECK(events[1].change == peer_change::suspect);
    CHECK(events[1].evidence.silence >= 200ms);
    CHECK(events[2].change == peer_change::down);
    auto o = sender_of(7, d.local_endpoint());
    o.boot = 2;
    sender.emplace(context, o);
    sender->open();
    wait(4);
    CHECK(events[3].change == peer_change::restarted);
    CHECK(events[3].evidence.previous_boot == 1);
    sender->leave();
    wait(5);
    CHECK(events[4].change == peer_change::down);
    CHECK(events[4].evidence.cause == peer_cause::left);
    CHECK(d.evidence(7)->cause == peer_cause::left);
    CHECK(d.remove_peer(7));
    CHECK(!d.status(7));
    CHECK(sender->counters().sent >= 1);
    CHECK(d.listener_counters().heartbeats >= 2);
}

TEST_CASE("detector: heartbeats of other clusters, other keys and garbage have no effect",
          "[detector][asio]")
{
    asio::io_context context;
    auto o = quick();
    o.listener.keys = authentication(toy_key{1});
    fixed_detector d(context, o);
    d.open();
    d.add_peer(7);
    auto wrong_cluster = sender_of(7, d.local_endpoint());
    wrong_cluster.cluster = 43;
    wrong_cluster.keys = authentication(toy_key{1});
    auto wrong_key = sender_of(7, d.local_endpoint());
    wrong_key.keys = authentication(toy_key{2});
    heartbeat_sender first(context, wrong_cluster);
    heartbeat_sender second(context, wrong_key);
    first.open();
    second.open();
    asio::ip::udp::socket garbage(context, asio::ip::udp::v4());
    garbage.send_to(asio::buffer(std::string(100, 'x')), d.local_endpoint());
    garbage.send_to(asio::buffer(std::string(5000, 'x')), d.local_endpoint());
    garbage.send_to(asio::buffer(std::string()), d.local_endpoint());
    run_until(context, [&] {
        auto const c = d.listener_counters();
        return c.wrong_cluster >= 3 && c.not_authentic >= 3 && c.unreadable == 3;
    });
    CHECK(d.status(7) == peer_status::unknown);
    CHECK(d.listener_counters().heartbeats == 0);
    auto good = sender_of(7, d.local_endpoint());
    good.keys = authentication(toy_key{1});
    heartbeat_sender third(context, good);
    third.open();
    run_until(context, [&] { return d.status(7) == peer_status::up; });
}

TEST_CASE("detector: no event is lost when a wait is cancelled", "[detector][asio]")
{
    for (auto const type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                            asio::cancellation_type::total}) {
        asio::io_context context;
        fixed_detector d(context, quick());
        d.open();
        d.add_peer(7);
        asio::cancellation_signal signal;
        std::vector<error_code> results;
        auto const wait = [&] {
            d.async_wait_event(asio::bind_cancellation_slot(
                signal.slot(), [&](error_code ec, peer_event const&) { results.push_back(ec); }));
        };
        wait();
        signal.emit(type);
        CHECK(results.empty()); // never inline
        run_until(context, [&] { return results.size() == 1; });
        CHECK(results[0] == asio::error::operation_aborted);
        signal.emit(type); // without effect
        heartbeat_sender sender(context, sender_of(7, d.local_endpoint()));
        sender.open();
        run_until(context, [&] { return d.status(7) == peer_status::up; });
        wait();
        run_until(context, [&] { return results.size() == 2; });
        CHECK(!results[1]);
        // Cancelled by the detector: it goes on.
        wait();
        d.cancel();
        run_until(context, [&] { return results.size() == 3; });
        CHECK(results[2] == asio::error::operation_aborted);
        sender.close();
        wait();
        run_until(context, [&] { return results.size() == 4; });
        CHECK(!results[3]);
    }
}

TEST_CASE("detector: several waits get an event each, in their order", "[detector][asio]")
{
    asio::io_context context;
    fixed_detector d(context, quick());
    d.open();
    d.add_peer(1);
    d.add_peer(2);
    std::vector<std::pair<int, node_id>> got;
    for (int i = 0; i != 2; ++i)
        d.async_wait_event(
            [&, i](error_code, peer_event const& e) { got.emplace_back(i, e.node); });
    heartbeat_sender first(context, sender_of(1, d.local_endpoint()));
    first.open();
    run_until(context, [&] { return got.size() == 1; });
    heartbeat_sender second(context, sender_of(2, d.local_endpoint()));
    second.open();
    run_until(context, [&] { return got.size() == 2; });
    CHECK(got == std::vector<std::pair<int, node_id>>{{0, 1}, {1, 2}});
}

TEST_CASE("detector: a socket that cannot be opened is named", "[detector][asio]")
{
    asio::io_context context;
    fixed_detector first(context, quick());
    first.open();
    auto const taken = first.local_endpoint();
    std::ostringstream at;
    at << " on " << taken << ": "; // Which of a host's sockets it is.
    auto const said = [](auto&& open) -> std::string {
        try {
            open();
        } catch (boost::system::system_error const& e) {
            CHECK(e.code() == asio::error::address_in_use);
            return e.what();
        }
        return "nothing";
    };
    auto o = quick();
    o.listener.listen = taken;
    fixed_detector second(context, o);
    CHECK(said([&] { second.open(); }).starts_with("detector::open" + at.str()));
    perdure::heartbeat_sender_options from;
    from.from = taken;
    heartbeat_sender sender(context, from);
    CHECK(said([&] { sender.open(); }).starts_with("heartbeat_sender::open" + at.str()));
}

TEST_CASE("detector: the usual completion tokens", "[detector][asio]")
{
    asio::io_context context;
    auto o = quick();
    fixed_detector d(context, o);
    d.open();
    for (node_id n = 1; n != 5; ++n)
        d.add_peer(n);
    std::optional<heartbeat_sender> senders[5];
    auto const start = [&](node_id n) {
        senders[n].emplace(context, sender_of(n, d.local_endpoint()));
        senders[n]->open();
    };
    start(1);
    auto future = d.async_wait_event(asio::use_future);
    run_until(context, [&] { return future.wait_for(0s) == std::future_status::ready; });
    CHECK(future.get().node == 1);

    auto deferred = d.async_wait_event();
    start(2);
    node_id node = 0;
    std::move(deferred)([&](error_code, peer_event const& e) { node = e.node; });
    run_until(context, [&] { return node == 2; });

    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            auto const e = co_await d.async_wait_event(asio::use_awaitable);
            node = e.node;
        },
        asio::detached);
    start(3);
    run_until(context, [&] { return node == 3; });

    // A handler that can only be moved.
    auto owned = std::make_unique<int>(1);
    d.async_wait_event(
        [&, owned = std::move(owned)](error_code, peer_event const& e) { node = e.node; });
    start(4);
    run_until(context, [&] { return node == 4; });
}

TEST_CASE("detector: a handler runs on its associated executor", "[detector][asio]")
{
    asio::io_context context;
    asio::io_context other;
    fixed_detector d(context, quick());
    d.open();
    d.add_peer(7);
    bool done = false;
    d.async_wait_event(asio::bind_executor(other.get_executor(),
                                           [&](error_code, peer_event const&) { done = true; }));
    heartbeat_sender sender(context, sender_of(7, d.local_endpoint()));
    sender.open();
    run_until(context, [&] { return d.status(7) == peer_status::up; });
    context.poll();
    CHECK(!done);
    other.restart();
    CHECK(other.run_for(10s) > 0);
    CHECK(done);
}

TEST_CASE("detector: destroying detector, waits, sender and loop in any order", "[detector][asio]")
{
    SECTION("the detector first: waits complete with operation_aborted")
    {
        asio::io_context context;
        std::optional<fixed_detector> d(std::in_place, context, quick());
        d->open();
        d->add_peer(7);
        error_code result;
        d->async_wait_event([&](error_code ec, peer_event const&) { result = ec; });
        d.reset();
        CHECK(!result);
        context.run_for(1s);
        CHECK(result == asio::error::operation_aborted);
        CHECK(context.stopped()); // nothing of the detector is left
    }
    SECTION("the loop first: handlers are destroyed")
    {
        auto context = std::make_unique<asio::io_context>();
        auto token = std::make_shared<int>(0);
        fixed_detector d(*context, quick());
        d.open();
        d.add_peer(7);
        heartbeat_sender s(*context, sender_of(7, d.local_endpoint()));
        s.open();
        d.async_wait_event([token](error_code, peer_event const&) {});
        context->run_for(20ms);
        d.async_wait_event([token](error_code, peer_event const&) {});
        CHECK(token.use_count() > 1);
        context.reset();
        CHECK(token.use_count() == 1);
        // What is called now has no effect.
        d.async_wait_event([token](error_code, peer_event const&) {});
        CHECK(token.use_count() == 1);
        d.add_peer(8);
        d.cancel();
        d.close();
        s.leave();
    }
    SECTION("the detector inside a handler")
    {
        asio::io_context context;
        std::optional<fixed_detector> d(std::in_place, context, quick());
        d->open();
        d->add_peer(7);
        heartbeat_sender s(context, sender_of(7, d->local_endpoint()));
        s.open();
        int calls = 0;
        d->async_wait_event([&](error_code, peer_event const&) {
            ++calls;
            d.reset();
            s.close();
        });
        d->async_wait_event([&](error_code ec, peer_event const&) {
            CHECK(ec == asio::error::operation_aborted);
            ++calls;
        });
        context.run_for(5s);
        CHECK(calls == 2);
        CHECK(context.stopped());
    }
    SECTION("never opened")
    {
        asio::io_context context;
        fixed_detector d(context, quick());
        d.add_peer(1);
        bool aborted = false;
        d.async_wait_event([&](error_code ec, peer_event const&) { aborted = ec.failed(); });
        fixed_detector moved(std::move(d));
        moved.close();
        context.run_for(1s);
        CHECK(aborted);
    }
}

TEST_CASE("detector: what cannot be opened says why", "[detector][asio]")
{
    asio::io_context context;
    fixed_detector first(context, quick());
    first.open();
    auto o = quick();
    o.listener.listen = first.local_endpoint();
    fixed_detector second(context, o);
    error_code ec;
    second.open(ec);
    CHECK(ec == asio::error::address_in_use);
    CHECK_THROWS_AS(second.open(), boost::system::system_error);
    auto s = sender_of(1, first.local_endpoint());
    s.interval = 0ms;
    CHECK_THROWS_AS(heartbeat_sender(context, s), std::invalid_argument);
}

TEST_CASE("heartbeat_sender: a listener that cannot be reached harms no other", "[detector][asio]")
{
    asio::io_context context;
    fixed_detector d(context, quick());
    d.open();
    d.add_peer(7);
    auto o = sender_of(7, {asio::ip::address_v4::broadcast(), 9}); // needs a permission
    heartbeat_sender s(context, o);
    s.add_listener(d.local_endpoint());
    s.add_listener(d.local_endpoint());
    s.open();
    run_until(context, [&] { return d.status(7) == peer_status::up; });
    CHECK(s.counters().failed >= 1);
    CHECK(s.last_error().failed());
    s.remove_listener(d.local_endpoint());
    run_until(context, [&] { return d.status(7) == peer_status::down; });
    CHECK(make_boot_id(system_world(context)) > 1'700'000'000'000'000);
}

TEST_CASE("detector: on a strand of a loop with several threads", "[detector][asio][threads]")
{
    asio::thread_pool pool(4);
    auto const strand = asio::make_strand(pool);
    std::promise<std::size_t> done;
    asio::co_spawn(
        strand,
        [&]() -> asio::awaitable<void> {
            basic_detector<fixed_timeout> d(strand, quick());
            d.open();
            std::vector<heartbeat_sender> senders;
            for (node_id n = 0; n != 20; ++n) {
                d.add_peer(n);
                senders.emplace_back(strand, sender_of(n, d.local_endpoint()));
                senders.back().open();
            }
            std::size_t ups = 0;
            std::size_t downs = 0;
            while (downs < 20) {
                auto const e = co_await d.async_wait_event(asio::use_awaitable);
                ups += e.change == peer_change::up;
                downs += e.change == peer_change::down;
                if (ups == 20 && !senders.empty())
                    senders.clear();
            }
            done.set_value(ups);
        },
        asio::detached);
    CHECK(done.get_future().get() >= 20);
    pool.join();
}

TEST_CASE("detector: after it was closed a wait gets what is left, and then ends", "[detector][asio]")
{
    asio::io_context context;
    fixed_detector d(context, quick());
    d.open();
    d.add_peer(7);
    heartbeat_sender sender(context, sender_of(7, d.local_endpoint()));
    sender.open();
    run_until(context, [&] { return d.status(7) == peer_status::up; });
    sender.close();
    d.close();
    std::vector<error_code> results;
    auto const wait = [&] {
        d.async_wait_event([&](error_code ec, peer_event const&) { results.push_back(ec); });
    };
    wait();
    wait();
    context.restart();
    context.run_for(20s); // Runs dry.
    REQUIRE(results.size() == 2);
    CHECK(!results[0]);
    CHECK(results[1] == asio::error::operation_aborted);
    CHECK(context.stopped());
}

TEST_CASE("detector: closed and opened again it listens anew, and the end of the old wait is no failure",
          "[detector][asio]")
{
    asio::io_context context;
    auto o = quick();
    o.monitor.admit_unknown = true;
    fixed_detector d(context, o);
    d.open();
    std::vector<error_code> results;
    d.close();
    d.open();
    d.async_wait_event([&](error_code ec, peer_event const&) { results.push_back(ec); });
    heartbeat_sender sender(context, sender_of(7, d.local_endpoint()));
    sender.open();
    run_until(context, [&] { return !results.empty(); });
    CHECK(!results[0]);
    CHECK(d.status(7) == peer_status::up);
}

TEST_CASE("heartbeat_sender: a node that left and was opened again is back", "[detector][asio]")
{
    asio::io_context context;
    fixed_detector d(context, quick());
    d.open();
    d.add_peer(7);
    heartbeat_sender sender(context, sender_of(7, d.local_endpoint()));
    sender.open();
    run_until(context, [&] { return d.status(7) == peer_status::up; });
    sender.leave();
    run_until(context, [&] { return d.status(7) == peer_status::down; });
    sender.open();
    run_until(context, [&] { return d.status(7) == peer_status::up; });
}

namespace {

// A world whose sockets cannot be waited for a few times.
struct deaf_socket : system_datagram_socket {
    static inline int failures = 0;
    using system_datagram_socket::system_datagram_socket;

    template <class Token>
    auto async_wait(asio::ip::udp::socket::wait_type what, Token&& token)
    {
        if (failures == 0)
            return system_datagram_socket::async_wait(what, std::forward<Token>(token));
        --failures;
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, asio::any_io_executor on) {
                asio::post(on, [h = std::move(handler)]() mutable {
                    std::move(h)(error_code(asio::error::no_buffer_space));
                });
            },
            token, get_executor());
    }
};
struct deaf_world : system_world {
    using datagram_socket = deaf_socket;
    using system_world::system_world;
};

} // namespace

TEST_CASE("detector: it hears again after its socket could not be waited for, also if no peer can be lost",
          "[detector][asio]")
{
    asio::io_context context;
    auto o = quick();
    o.monitor.admit_unknown = true;
    o.monitor.pulse = 20ms;
    deaf_socket::failures = 2;
    basic_detector<fixed_timeout, deaf_world> d(context, o);
    d.open();
    error_code failure;
    d.async_wait_event([&](error_code ec, peer_event const&) { failure = ec; });
    run_until(context, [&] { return failure.failed(); });
    CHECK(failure == asio::error::no_buffer_space);
    heartbeat_sender sender(context, sender_of(7, d.local_endpoint()));
    sender.open();
    run_until(context, [&] { return d.status(7) == peer_status::up; });
    CHECK(deaf_socket::failures == 0);
}
