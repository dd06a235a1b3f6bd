// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include <perdure/snapshot.hpp>
#include <perdure/wal.hpp>

#include <cstdio>
#include <filesystem>

int main()
{
    boost::asio::io_context io;
    perdure::wal_options options;
    options.directory = "consumer.log";
    std::filesystem::remove_all(options.directory);
    perdure::wal log(io, options);
    log.open();
    perdure::position durable{};
    log.async_append(perdure::as_bytes("record"),
                     [&](perdure::error_code ec, perdure::position at) {
                         if (!ec)
                             durable = at;
                     });
    io.run();
    perdure::save("consumer.snapshot", durable);
    auto const loaded = perdure::load<perdure::position>("consumer.snapshot");
    std::printf("position %llu\n", static_cast<unsigned long long>(loaded));
    return loaded == durable && durable != perdure::position{} ? 0 : 1;
}
