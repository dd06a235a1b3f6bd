// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Appends a few records to a log and reads them back, as a service does when it starts: run it
// again, and the log goes on where it ended.
//
// Prints what opening found, the records of earlier runs, and the positions of the new ones. Ten
// appends at once cost one or two syncs.

#include <perdure/wal/basic_wal.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>
#include <string>

int main()
{
    boost::asio::io_context io;
    perdure::wal_options options;
    options.directory = "wal_tutorial";
    perdure::wal log(io, options);

    perdure::error_code ec;
    auto const report = log.open(ec);
    std::cout << "opening: " << report << '\n';
    if (ec) {
        std::cerr << "cannot open the log: " << ec.message() << '\n';
        return 1;
    }

    // What an earlier run acknowledged is there, whatever ended it.
    int known = 0;
    log.replay(log.first_position(),
               [&](perdure::position, std::span<std::byte const>) { ++known; });
    std::cout << known << " records of earlier runs\n";

    for (int i = 0; i != 10; ++i) {
        std::string const record = "record " + std::to_string(known + i);
        log.async_append(perdure::as_bytes(record), // Copied; `record` may go.
                         [](perdure::error_code ec, perdure::position at) {
                             if (ec)
                                 std::cerr << "not durable: " << ec.message() << '\n';
                             else
                                 std::cout << "durable at position " << at << '\n';
                         });
    }
    io.run(); // Until all have completed.
    std::cout << log.counters().records << " records, " << log.counters().syncs << " syncs\n";

    // Once a snapshot holds the older records, their segments may go.
    if (log.durable_position() > 1000)
        log.async_trim(log.durable_position() - 1000, [](perdure::error_code) {});
    log.async_close([](perdure::error_code ec) {
        std::cout << (ec ? "closed with " + ec.message() : "closed") << '\n';
    });
    io.restart();
    io.run();
}
