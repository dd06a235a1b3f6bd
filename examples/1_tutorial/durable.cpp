// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// A counter that survives: run it again, or kill it with SIGKILL while it runs, and it goes on where it was.
// Prints how the state came back, and the count.

//[ durable_counter
#include <perdure/durable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

struct counter {
    long value = 0;
    long apply(long by) { return value += by; } // the only way it changes
    void serialize(auto& archive, unsigned) { archive& value; }
};

boost::asio::awaitable<void> count(boost::asio::io_context& io)
{
    perdure::durable<counter, long> total(io, {.directory = "counter.state"});
    std::cout << co_await total.async_open() << '\n';
    for (int i = 0; i != 3; ++i) // each is on disk before its result is here
        std::cout << "count " << co_await total.async_execute(1) << '\n';
}

int main()
{
    boost::asio::io_context io; // your loop
    boost::asio::co_spawn(io, count(io), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    });
    io.run();
}
//]
