// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The driver with compression and encryption: appending, rotating, following, cutting, reopening.

#include "support/catch.hpp"
#include <perdure/wal/aes_gcm.hpp>
#include <perdure/wal/log_follower.hpp>
#include <perdure/wal/lz4.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace asio = boost::asio;
using namespace perdure;

TEST_CASE("wal: compressed and encrypted records are appended, followed, cut, trimmed and replayed",
          "[wal][asio]")
{
    std::filesystem::path const path = std::filesystem::temp_directory_path() /
                                       ("perdure-packed-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path);
    aes_gcm_encryption::key key{};
    key[5] = std::byte{7};
    auto const keys = std::make_shared<aes_gcm_encryption>(1, key);
    wal_options options;
    options.directory = path.string();
    options.segment_bytes = 32 * 1024;
    options.idle_seal_after = std::chrono::milliseconds(0);
    options.packing.compression = lz4_groups(256);
    options.packing.encryption = keys;
    std::vector<std::string> expected;
    auto record = [](std::size_t i) {
        std::string text = "record " + std::to_string(i) + " ";
        for (std::size_t k = 0; k != i * 37 % 3000; ++k)
            text += static_cast<char>('a' + (i + k * k) % 26);
        return text;
    };
    for (int round = 0; round != 3; ++round) {
        asio::io_context io;
        wal log(io, options);
        auto const report = log.open();
        INFO("round " << round << ": " << report);
        CHECK(report.lost.empty());
        auto read = [&] {
            std::vector<std::string> out;
            log.replay(log.first_position(), [&](position, std::span<std::byte const> bytes) {
                out.emplace_back(as_text(bytes));
            });
            return out;
        };
        CHECK(read() == expected);
        auto follower = std::make_optional<log_follower>(log, log.next_position(), "test");
        for (int burst = 0; burst != 8; ++burst) {
            for (int i = 0; i != 20; ++i) {
                expected.push_back(record(expected.size()));
                log.async_append(as_bytes(expected.back()),
                                 [](error_code ec, position) { CHECK(!ec); });
            }
            io.restart();
            io.run();
            if (burst == 4 && round == 1)
                keys->rotate(2, aes_gcm_encryption::key{});
        }
        std::vector<std::string> followed;
        while (followed.size() < 160) {
            bool done = false;
            follower->async_next([&](error_code ec) {
                CHECK(!ec);
                done = true;
            });
            io.restart();
            while (!done && io.run_one_for(std::chrono::seconds(20)) != 0)
                ;
            REQUIRE(done);
            follower->visit([&](position, std::span<std::byte const> bytes) {
                followed.emplace_back(as_text(bytes));
            });
        }
        CHECK(followed == std::vector<std::string>(expected.end() - 160, expected.end()));
        follower.reset();

        log.async_truncate(log.next_position() - 6, [](error_code ec) { CHECK(!ec); });
        log.async_trim(log.first_position() + 20, [](error_code ec) { CHECK(!ec); });
        io.restart();
        io.run();
        expected.resize(expected.size() - 5);
        expected.erase(expected.begin(), expected.begin() + 21);
        CHECK(read() == expected);
        if (round == 1)
            log.async_close([](error_code ec) { CHECK(!ec); });
        io.restart();
        io.run();
    }
    // A wrong key is told from damage.
    {
        asio::io_context io;
        options.packing.encryption = std::make_shared<aes_gcm_encryption>(2, key);
        wal log(io, options);
        error_code ec;
        auto const report = log.open(ec);
        CHECK(ec == errc::wrong_key);
        CHECK(report.lost.empty());
    }
    std::filesystem::remove_all(path);
}
