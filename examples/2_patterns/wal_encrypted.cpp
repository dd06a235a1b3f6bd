// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// A log whose records are compressed with LZ4 and encrypted with AES-256-GCM, a change of keys while it
// is in use, and what an opener with the wrong key is told.
//
// Prints how many bytes the records took, what is read with both keys, and the refusal. Keys come from
// where you keep secrets; here they are drawn anew in each run, and the log begins empty.

#include <perdure/wal/aes_gcm.hpp>
#include <perdure/wal/basic_wal.hpp>
#include <perdure/wal/lz4.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <iostream>
#include <random>
#include <string>

namespace {

perdure::aes_gcm_encryption::key draw_key()
{
    perdure::aes_gcm_encryption::key key;
    std::random_device random;
    for (auto& b : key)
        b = static_cast<std::byte>(random());
    return key;
}

} // namespace

int main()
{
    std::filesystem::remove_all("wal_encrypted");
    auto const keys = std::make_shared<perdure::aes_gcm_encryption>(1, draw_key());
    perdure::wal_options options;
    options.directory = "wal_encrypted";
    options.segment_bytes = 16 * 1024; // So that a few records fill several.
    options.packing.compression = perdure::lz4_groups();
    options.packing.encryption = keys;

    std::uint64_t raw = 0;
    {
        boost::asio::io_context io;
        perdure::wal log(io, options);
        log.open();
        for (int batch = 0; batch != 60; ++batch) {
            for (int i = 0; i != 50; ++i) {
                auto const record = "{\"account\": " + std::to_string(i) + ", \"amount\": " +
                                    std::to_string(batch * i) + ", \"currency\": \"EUR\"}";
                raw += record.size();
                log.async_append(perdure::as_bytes(record), perdure::durability::os,
                                 [](perdure::error_code ec, perdure::position) {
                                     if (ec)
                                         std::cerr << "not written: " << ec.message() << '\n';
                                 });
            }
            io.restart();
            io.run();
            if (batch == 30)
                keys->rotate(2, draw_key()); // New segments use it. Key 1 reads the older ones.
        }
        std::cout << log.counters().records << " records of " << raw << " bytes took "
                  << log.counters().bytes << " bytes\n";
        log.async_close([](perdure::error_code) {});
        io.restart();
        io.run();
    }
    {
        boost::asio::io_context io;
        perdure::wal log(io, options);
        std::cout << "with both keys: " << log.open() << '\n';
        std::uint64_t read = 0;
        log.replay(log.first_position(),
                   [&](perdure::position, std::span<std::byte const> record) {
                       read += record.size();
                   });
        std::cout << "replayed " << read << " bytes of records\n";
    }
    boost::asio::io_context io;
    options.packing.encryption = std::make_shared<perdure::aes_gcm_encryption>(1, draw_key());
    perdure::wal log(io, options);
    perdure::error_code ec;
    std::cout << "with a wrong key: " << log.open(ec) << '\n';
    return ec == perdure::errc::wrong_key ? 0 : 1;
}
