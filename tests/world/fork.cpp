// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/world/system_world.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <sys/wait.h>

namespace asio = boost::asio;
using perdure::error_code;
using perdure::system_world;
using files = system_world::files;

// Exit codes tell how the child fared, since its own checks would be lost.
TEST_CASE("fork: after notify_fork file jobs go on in the parent and work in the child",
          "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    int completed = 0;
    int aborted = 0;
    auto const done = [&](error_code ec) {
        ++completed;
        aborted += ec == asio::error::operation_aborted;
    };
    world.async_file_job([](files&, error_code&) {}, done);
    io.run();
    REQUIRE(completed == 1);

    io.notify_fork(asio::execution_context::fork_prepare);
    // Initiated while nothing may run: they are the parent's.
    world.async_file_job([](files&, error_code&) {}, done);
    world.async_file_job([](files&, error_code&) {}, done);
    pid_t const child = ::fork();
    if (child == 0) {
        io.notify_fork(asio::execution_context::fork_child);
        io.restart();
        io.run();
        if (completed != 3 || aborted != 2)
            ::_exit(1);
        world.async_file_job([](files&, error_code&) {}, done);
        io.restart();
        io.run();
        ::_exit(completed == 4 && aborted == 2 ? 0 : 2);
    }
    io.notify_fork(asio::execution_context::fork_parent);
    io.restart();
    io.run();
    CHECK(completed == 3);
    CHECK(aborted == 0);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("fork: the parent's jobs on a borrowed pool go on", "[world][asio]")
{
    asio::thread_pool pool(1);
    asio::io_context io;
    system_world const world(io, pool.get_executor());
    int completed = 0;
    auto const done = [&](error_code ec) { completed += !ec; };
    for (int i = 0; i < 100; ++i)
        world.async_file_job([](files&, error_code&) {}, done);
    io.notify_fork(asio::execution_context::fork_prepare);
    world.async_file_job([](files&, error_code&) {}, done);
    io.notify_fork(asio::execution_context::fork_parent);
    io.run();
    CHECK(completed == 101);
}
