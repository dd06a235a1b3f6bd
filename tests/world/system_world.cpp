// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/world/system_world.hpp>

#include <boost/asio/io_context.hpp>

#include <string>
#include <thread>
#include <utility>

namespace asio = boost::asio;
using perdure::error_code;
using perdure::system_world;

static_assert(perdure::complete_world<system_world>);
static_assert(perdure::world_source<asio::io_context&, system_world>);
static_assert(perdure::world_source<asio::io_context::executor_type, system_world>);
static_assert(!perdure::world_source<int, system_world>);

TEST_CASE("system_world: a file job runs off the loop and its handler on it", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    auto const loop = std::this_thread::get_id();
    int called = 0;
    world.async_file_job(
        [](system_world::files&, error_code& ec) {
            ec = perdure::errc::locked;
            return std::make_pair(std::string("result"), std::this_thread::get_id());
        },
        [&](error_code ec, std::pair<std::string, std::thread::id> result) {
            auto const& [s, ran_on] = result;
            CHECK(ran_on != loop);
            CHECK(std::this_thread::get_id() == loop);
            CHECK(ec == perdure::errc::locked);
            CHECK(s == "result");
            ++called;
        });
    CHECK(called == 0);
    io.run();
    CHECK(called == 1);
}

TEST_CASE("system_world: a simulated context is refused with a sentence", "[world][asio]")
{
    asio::io_context io;
    asio::make_service<perdure::detail::simulated_context>(io);
    try {
        system_world w(io);
        FAIL("not refused");
    } catch (std::invalid_argument const& e) {
        CHECK(std::string(e.what()).find("simulation::world") != std::string::npos);
    }
}
