// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/detector_quality.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

TEST_CASE("corrected: a perfect detector changes nothing", "[availability]")
{
    evidence const seen(3, 3, 1000h, 2h);
    CHECK(corrected(seen, {}) == seen);
}

TEST_CASE("corrected: detection time belongs to the down time", "[availability]")
{
    auto const e = corrected(evidence(3, 3, 1000h, 1h), {10min, 2min, {}, {}});
    CHECK(e.failures == 3);
    CHECK_THAT(e.down / minutes(1), WithinRel(60 + 30 - 6, 1e-13));
    CHECK_THAT(e.total() / hours(1), WithinRel(1001, 1e-15));
}

TEST_CASE("corrected: false suspicions are no failures", "[availability]")
{
    // One mistake in 500 h, of 3 min each: two of five failures were none.
    auto const e = corrected(evidence(5, 5, 1000h, 1h), {{}, {}, rate::per(500h), 3min});
    CHECK_THAT(e.failures, WithinRel(3, 1e-13));
    CHECK_THAT(e.repairs, WithinRel(3, 1e-13));
    CHECK_THAT(e.down / minutes(1), WithinRel(54, 1e-13));
    // There can't be more of them than were seen, nor negative down time.
    auto const none = corrected(evidence(1, 1, 1000h, 1min), {{}, {}, rate::per(1h), 10min});
    CHECK(none.failures == 0);
    CHECK(none.repairs == 0);
    CHECK(none.down == 0s);
    CHECK(none.total() == 1000h + 1min);
    CHECK_THROWS_AS(corrected(evidence(), {-1s, {}, {}, {}}), std::invalid_argument);
}

TEST_CASE("corrected: finds the truth behind a simulated detector", "[availability]")
{
    random_numbers random(151);
    auto const exponential = [&](double mean) { return -mean * std::log1p(-random.uniform()); };
    // Hours: up 50, down 1, detected 0.1 late, announced 0.02 late; a false suspicion every 80, of
    // 0.05.
    recorder<std::chrono::time_point<std::chrono::steady_clock, hours>> seen({});
    auto const at = [](double t) {
        return std::chrono::time_point<std::chrono::steady_clock, hours>(hours(t));
    };
    double t = 0;
    for (int i = 0; i < 4000; ++i) {
        double const fault = t + exponential(50);
        for (t += exponential(80); t + 0.05 < fault; t += 0.05 + exponential(80)) {
            seen.handle_down(at(t));
            seen.handle_up(at(t + 0.05));
        }
        double const back = fault + 0.1 + exponential(0.9);
        seen.handle_down(at(fault + 0.1));
        seen.handle_up(at(back + 0.02));
        t = back + 0.02;
    }
    auto const raw = seen.until(at(t));
    auto const e = corrected(raw, {hours(0.1), hours(0.02), rate::per(80h), hours(0.05)});
    CHECK_THAT(e.up / hours(1) / e.failures, WithinRel(50, 0.05));
    CHECK_THAT(e.down / hours(1) / e.repairs, WithinRel(1, 0.05));
    // Uncorrected, the failure rate is far too high and the mean repair far too short.
    CHECK(raw.up / hours(1) / static_cast<double>(raw.failures) < 35);
    CHECK(raw.down / hours(1) / static_cast<double>(raw.repairs) < 0.7);
}

TEST_CASE("recorder: takes back a false suspicion as soon as it is known", "[availability]")
{
    auto const at = [](auto d) { return std::chrono::steady_clock::time_point(d); };
    recorder r(at(0s));
    r.handle_down(at(10s));
    r.handle_up(at(12s));
    r.handle_down(at(20s));
    CHECK(r.until(at(25s)) == history{2, 1, 18s, 7s});
    r.handle_false_alarm(at(26s));
    CHECK(r.is_up());
    CHECK(r.until(at(30s)) == history{1, 1, 28s, 2s});
    r.handle_false_alarm(at(31s)); // up already
    CHECK(r.until(at(31s)) == history{1, 1, 29s, 2s});
    recorder down(at(0s), false);
    down.handle_false_alarm(at(5s));
    CHECK(down.until(at(5s)) == history{0, 0, 5s, 0s});
}
