// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_STORAGE_PROCESS_HPP
#define FAILOVER_STORAGE_PROCESS_HPP

#include "options.hpp"
#include "storage_node.hpp"
#include <perdure/world/counting_calls.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

namespace failover {

template <class Endpoint>
Endpoint parse_endpoint(std::string const& text)
{
    auto const colon = text.rfind(':');
    if (colon == std::string::npos)
        throw std::invalid_argument("'" + text + "' is no ip:port");
    return Endpoint(
        asio::ip::make_address(text.substr(0, colon)),
        static_cast<unsigned short>(detail::parse_number("the port", text.substr(colon + 1))));
}

/// One storage process: the service template on the system's world, until it is killed.
inline int run_storage_process(options const& o)
{
    using World = perdure::basic_system_world<perdure::counting_calls>;
    storage_options s;
    s.id = o.storage;
    s.directory = o.data.string();
    s.detector = parse_endpoint<asio::ip::udp::endpoint>(o.detector);
    s.heartbeat_interval = std::chrono::milliseconds(100);
    node_id id = 0;
    for (auto const& a : o.addresses)
        s.addresses[++id] = parse_endpoint<asio::ip::tcp::endpoint>(a);

    asio::io_context io(1);
    auto const counts = std::make_shared<perdure::call_counts>();
    auto const node =
        std::make_shared<storage_node<World>>(World(io, perdure::counting_calls({counts})), s);
    node->count_syncs_by([counts] { return counts->syncs(); });
    asio::co_spawn(io, node->run([](perdure::durable_report const& report) {
        std::cout << "recovered: " << report << std::endl;
    }),
                   [](std::exception_ptr error) {
                       if (error)
                           std::rethrow_exception(error);
                   });
    io.run();
    return 0;
}

} // namespace failover

#endif
