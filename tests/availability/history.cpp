// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/history.hpp>

using namespace perdure::availability;
using namespace std::chrono_literals;

namespace {
using clock_type = std::chrono::steady_clock;
clock_type::time_point at(clock_type::duration t)
{
    return clock_type::time_point(t);
}
} // namespace

TEST_CASE("recorder: sums up and down time and counts what ended", "[availability]")
{
    recorder r(at(10s));
    r.handle_down(at(110s));
    r.handle_up(at(112s));
    CHECK(r.is_up());
    CHECK(r.until(at(142s)) == history{1, 1, 130s, 2s});
    r.handle_down(at(152s));
    CHECK_FALSE(r.is_up());
    // The running repair counts with its time and not as a repair.
    CHECK(r.until(at(155s)) == history{2, 1, 140s, 5s});
    // Asking changes nothing.
    CHECK(r.until(at(155s)) == history{2, 1, 140s, 5s});
}

TEST_CASE("recorder: may begin while the unit is down", "[availability]")
{
    recorder r(at(0s), false);
    r.handle_up(at(3s));
    CHECK(r.until(at(10s)) == history{0, 1, 7s, 3s});
}

TEST_CASE("recorder: repeated and late events do no harm", "[availability]")
{
    recorder r(at(0s));
    r.handle_up(at(1s));
    r.handle_down(at(5s));
    r.handle_down(at(6s));
    CHECK(r.until(at(6s)) == history{1, 0, 5s, 1s});
    r.handle_up(at(4s)); // late: the repair ends no earlier than the latest time seen
    CHECK(r.until(at(6s)) == history{1, 1, 5s, 1s});
    CHECK(r.until(at(2s)) == history{1, 1, 5s, 1s});
}

TEST_CASE("recorder: a year of nanoseconds is summed exactly", "[availability]")
{
    recorder r(at(0s));
    for (int i = 0; i < 100000; ++i) {
        r.handle_down(at(315s * i + 314999999999ns));
        r.handle_up(at(315s * (i + 1)));
    }
    auto const h = r.until(at(315s * 100000));
    CHECK(h.down == duration(100000 * 1ns));
    CHECK(h.failures == 100000);
}

TEST_CASE("history: like units add up", "[availability]")
{
    history a{1, 1, 10h, 1h};
    a += history{2, 1, 5h, 30min};
    CHECK(a == history{3, 2, 15h, 90min});
    CHECK(a.total() == 16.5h);
}
