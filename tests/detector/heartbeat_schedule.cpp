// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/detector/heartbeat_schedule.hpp>

using namespace perdure;
using namespace std::chrono_literals;

TEST_CASE("heartbeat_schedule: slot i is at start + i * interval", "[detector][core]")
{
    time_point const start{5s};
    heartbeat_schedule s(100ms, start);
    for (std::uint64_t i = 0; i != 5; ++i) {
        auto const at = start + static_cast<std::int64_t>(i) * 100ms;
        CHECK(s.next_deadline() == at);
        CHECK(!s.handle_timeout(at - 1ns));
        CHECK(s.handle_timeout(at + 99ms) == i); // late, but within its slot
        CHECK(!s.handle_timeout(at + 99ms));
    }
    CHECK(s.skipped() == 0);
}

TEST_CASE("heartbeat_schedule: a sender that was late skips the slots that have passed",
          "[detector][core]")
{
    time_point const start{};
    heartbeat_schedule s(100ms, start);
    CHECK(s.handle_timeout(start) == 0u);
    CHECK(s.handle_timeout(start + 730ms) == 7u);
    CHECK(s.skipped() == 6);
    CHECK(s.next_deadline() == start + 800ms);
}

TEST_CASE("heartbeat_schedule: numbers grow over a change of the interval and a slot out of turn",
          "[detector][core]")
{
    time_point const start{};
    heartbeat_schedule s(100ms, start);
    CHECK(s.handle_timeout(start + 200ms) == 2u);
    s.set_interval(10ms, start + 205ms);
    CHECK(s.next_deadline() == start + 205ms);
    CHECK(s.handle_timeout(start + 205ms) == 3u);
    CHECK(s.handle_timeout(start + 215ms) == 4u);
    CHECK(s.take(start + 216ms) == 5u);
    CHECK(s.next_deadline() == start + 226ms);
    CHECK(s.handle_timeout(start + 226ms) == 6u);
    CHECK(s.skipped() == 2);
}
