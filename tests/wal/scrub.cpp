// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/memory_files.hpp"
#include "support/temporary_directory.hpp"
#include "wal/plain_log.hpp"
#include <perdure/wal/log_scrubber.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <fstream>
#include <optional>
#include <string>

namespace asio = boost::asio;
using namespace perdure;

namespace {

using test_log = plain_log<memory_files>;

scrub_report pass(test_log const& log, memory_files files, std::size_t piece)
{
    scrub_pass p;
    detail::directory_source<memory_files> source(files, std::string("log"));
    while (p.begin(log.chain)) {
        error_code ec;
        p.read(source, piece, ec);
        CHECK(!ec);
    }
    return p.report();
}

} // namespace

TEST_CASE("scrub: every changed byte of a cold segment is found, and where", "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    memory_files const files(disk);
    test_log log(files);
    log.open();
    for (int i = 0; i != 150; ++i)
        log.append({std::string(static_cast<std::size_t>(i % 7 * 60), 'x'), "y"});
    REQUIRE(log.chain.size() > 4);
    auto const clean = pass(log, files, 1000);
    CHECK(clean.segments == log.chain.size() - 1);
    CHECK(clean.damages.empty());
    for (std::size_t const piece : {1u, 97u, 4096u, 1u << 20})
        CHECK(pass(log, files, piece) == clean);

    for (std::size_t k = 0; k + 1 < log.chain.size(); ++k) {
        auto const& s = log.chain[k];
        auto const name = wal_format::segment_name(s.header.sequence);
        auto& bytes = disk->files.at("log/" + name)->content;
        for (std::size_t i = 0; i < s.used_bytes; i += i < 256 ? 7 : i < 4096 ? 100 : 13) {
            bool const in_header = i < 256 || (i >= 2048 && i < 2304);
            if (i < 4096 && !in_header)
                continue;
            bytes[i] ^= std::byte{0x04};
            auto const report = pass(log, files, 3000);
            INFO("byte " << i << " of " << name << ": " << to_string(report));
            REQUIRE(report.damages.size() == 1);
            auto const& d = report.damages.front();
            CHECK(d.segment == name);
            CHECK(report.segments == clean.segments);
            if (in_header) {
                CHECK(d.reason == wal_damage::segment_header);
                CHECK(report.suspect().empty()); // The other copy serves.
            } else {
                CHECK(d.offset <= i);
                CHECK(d.suspect.last == s.positions.last);
                CHECK(d.suspect.first >= s.positions.first);
            }
            bytes[i] ^= std::byte{0x04};
        }
        auto const whole = bytes;
        bytes.resize(s.used_bytes - 1);
        CHECK(pass(log, files, 3000).damages.at(0).reason == wal_damage::shortened);
        bytes = whole;
    }
    CHECK(pass(log, files, 3000) == clean);
}

TEST_CASE("scrub: a pass keeps to its rate, misses nothing, and does not miss what is trimmed",
          "[wal][asio]")
{
    temporary_directory const directory;
    asio::io_context io;
    wal_options options;
    options.directory = directory.path();
    options.segment_bytes = 16 * 1024;
    options.idle_seal_after = std::chrono::milliseconds(0);
    wal log(io, options);
    log.open();
    auto append_sixty = [&] {
        for (int i = 0; i != 60; ++i) {
            std::string const record(1000, static_cast<char>('a' + i % 26));
            log.async_append(as_bytes(record), i == 59 ? durability::disk : durability::os,
                             [](error_code ec, position) { CHECK(!ec); });
            io.restart();
            io.run();
        }
    };
    append_sixty();
    scrub_report report;
    error_code result;
    auto run = [&](std::uint64_t rate, auto during) {
        log_scrubber scrubber(log, {rate});
        result = asio::error::would_block;
        asio::cancellation_signal stop;
        scrubber.async_pass(asio::bind_cancellation_slot(
            stop.slot(), [&](error_code ec, scrub_report r) {
                result = ec;
                report = std::move(r);
            }));
        during(stop, scrubber);
        io.restart();
        io.run();
        return result;
    };
    auto const nothing = [](auto&, auto&) {};
    auto const began = std::chrono::steady_clock::now();
    CHECK(!run(300'000, nothing));
    CHECK(std::chrono::steady_clock::now() - began > std::chrono::milliseconds(150));
    CHECK(report.damages.empty());
    CHECK(report.bytes > 50'000);
    auto const segments = report.segments;

    auto const second = directory / wal_format::segment_name(2);
    {
        std::fstream f(second, std::ios::in | std::ios::out | std::ios::binary);
        f.seekp(6000);
        f.put('!');
    }
    CHECK(!run(100'000'000, nothing));
    REQUIRE(report.damages.size() == 1);
    CHECK(report.damages[0].segment == wal_format::segment_name(2));
    CHECK(report.segments == segments);
    CHECK(to_string(report).find("positions") != std::string::npos);

    // Trimmed while it is at it.
    CHECK(!run(400'000, [&](auto&, auto&) {
        log.async_trim(50, [](error_code ec) { CHECK(!ec); });
    }));
    CHECK(report.segments < segments);
    append_sixty();
    CHECK(run(1024, [&](auto& stop, auto&) {
              asio::post(io, [&] {
                  asio::post(io, [&] { stop.emit(asio::cancellation_type::total); });
              });
          }) == asio::error::operation_aborted);
    CHECK(run(1024, [&](auto&, auto& scrubber) {
              auto const gone = std::move(scrubber);
          }) == asio::error::operation_aborted);
    CHECK_THROWS_AS(log_scrubber(log, {10}), std::invalid_argument);
}
