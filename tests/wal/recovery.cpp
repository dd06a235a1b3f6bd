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
