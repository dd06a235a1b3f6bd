// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/memory_files.hpp"
#include "wal/plain_log.hpp"
#include <perdure/wal/recovery.hpp>

using namespace perdure;

namespace {
using test_log = plain_log<memory_files>;
}

TEST_CASE("recovery: what was appended is read, closed or not", "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    std::vector<test_log::record> expected;
    for (int round = 0; round != 6; ++round) {
        test_log log{memory_files(disk)};
        auto const report = log.open();
        INFO("round " << round << ": " << report);
        REQUIRE(!log.error);
        CHECK(report.outcome == (round == 0   ? recovery_outcome::created
                                 : round == 3 ? recovery_outcome::clean
                                              : recovery_outcome::recovered));
        error_code ec;
        CHECK(log.read(ec) == expected);
        CHECK(!ec);
        for (int i = 0; i != 40; ++i) {
            std::string const r(static_cast<std::size_t>(i * 7 % 90), static_cast<char>('a' + i));
            expected.emplace_back(log.next(), r);
            log.append({r}, i % 3 == 0);
        }
        CHECK(log.read(ec) == expected);
        if (round == 2)
            log.close();
    }
}

TEST_CASE("recovery: before a damaged segment is cut it is copied aside, whatever the mode gives up",
          "[wal][core]")
{
    auto const mode = GENERATE(recovery_mode::point_in_time, recovery_mode::salvage);
    bool const in_head = GENERATE(true, false);
    auto disk = std::make_shared<memory_files::disk>();
    {
        test_log log{memory_files(disk)};
        log.open();
        for (int i = 0; i != (in_head ? 10 : 100); ++i)
            log.append({std::string(300, 'x')});
        log.idle_seal();
    }
    auto const name = "log/" + wal_format::segment_name(1);
    auto& bytes = disk->files.at(name)->content;
    bytes[5000] ^= std::byte{1};
    auto const damaged = bytes;
    auto const files_before = disk->files.size();
    {
        test_log log{memory_files(disk)};
        CHECK(log.open(recovery_mode::strict).outcome == recovery_outcome::refused);
        CHECK(disk->files.size() == files_before);
    }
    test_log log{memory_files(disk)};
    auto const report = log.open(mode);
    INFO(report);
    REQUIRE(!log.error);
    CHECK(report.outcome == recovery_outcome::damaged);
    REQUIRE(!report.set_aside.empty());
    CHECK(report.set_aside.front() == wal_format::segment_name(1) + ".broken");
    CHECK(disk->files.at(name + ".broken")->content == damaged);
    // Trimmed with the log, the copy stays.
    for (int i = 0; i != 100; ++i)
        log.append({std::string(300, 'y')});
    log.trim(log.next() - 5);
    CHECK(!disk->files.contains(name));
    CHECK(disk->files.at(name + ".broken")->content == damaged);
}
