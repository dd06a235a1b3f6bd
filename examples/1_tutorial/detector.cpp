// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* Two nodes send heartbeats to a detector. Node 1 leaves on purpose, node 2 stops without a word
 * and is started again later. Prints what the detector reports, each with its evidence on one line:
 *
 *   node 1 up ...
 *   node 2 up ...
 *   node 1 down (was up): said that it leaves ...
 *   node 2 suspect (was up): silent for ... ms, limit ... ms, level 8.0 of 8.0 ...
 *   node 2 down (was suspect): ...
 *   node 2 restarted (was down): boot ... after boot ...
 */

#include <perdure/detector/detector.hpp>
#include <perdure/detector/heartbeat_sender.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <optional>

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> run()
{
    auto const executor = co_await asio::this_coro::executor;

    // The detector listens on a port that the system chooses.
    perdure::detector_options options;
    options.listener.listen = {asio::ip::address_v4::loopback(), 0};
    options.listener.cluster = 42;
    options.estimator.expected_interval = 20ms;
    options.estimator.min_deviation = 5ms;
    options.estimator.acceptable_pause = 100ms;
    options.monitor.down_after = 200ms;
    perdure::detector detector(executor, options);
    detector.open();
    detector.add_peer(1);
    detector.add_peer(2);

    // Usually every node has its sender in a process of its own.
    auto const start_node = [&](perdure::node_id node) {
        perdure::heartbeat_sender_options o;
        o.cluster = 42;
        o.node = node;
        o.interval = 20ms;
        o.listeners = {detector.local_endpoint()};
        auto sender = std::make_optional<perdure::heartbeat_sender>(executor, o);
        sender->open();
        return sender;
    };
    auto first = start_node(1);
    auto second = start_node(2);

    for (int up = 0; true;) {
        auto const event = co_await detector.async_wait_event(asio::use_awaitable);
        std::cout << event << std::endl;
        if (event.change == perdure::peer_change::up && ++up == 2) {
            first->leave();
            second.reset();
        }
        if (event.node == 2 && event.change == perdure::peer_change::down)
            second = start_node(2);
        if (event.change == perdure::peer_change::restarted)
            co_return;
    }
}

int main()
{
    asio::io_context context;
    std::exception_ptr failed;
    asio::co_spawn(context, run(), [&](std::exception_ptr e) { failed = e; });
    context.run();
    if (failed)
        std::rethrow_exception(failed);
}
