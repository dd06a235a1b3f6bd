// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/detector/detail/deadline_wheel.hpp>

#include <map>
#include <random>

using namespace perdure;
using namespace std::chrono_literals;
using perdure::detail::deadline_heap;
using perdure::detail::deadline_wheel;

namespace {

time_point const start{100s};

} // namespace

TEST_CASE("deadline_heap: agrees with a sorted map", "[detector][core]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    std::mt19937 random(seed);
    deadline_heap heap;
    std::map<deadline_heap::slot_type, time_point> all;
    for (int i = 0; i != 20000; ++i) {
        auto const slot = static_cast<deadline_heap::slot_type>(random() % 100);
        if (random() % 3 == 0) {
            heap.erase(slot);
            all.erase(slot);
        } else {
            auto const at = start + std::chrono::nanoseconds(random() % 50);
            heap.set(slot, at);
            all[slot] = at;
        }
        REQUIRE(heap.valid());
        REQUIRE(heap.size() == all.size());
        REQUIRE(heap.contains(slot) == all.contains(slot));
        if (all.empty())
            continue;
        auto const least = *std::min_element(all.begin(), all.end(), [](auto& a, auto& b) {
            return std::pair(a.second, a.first) < std::pair(b.second, b.first);
        });
        REQUIRE(heap.top().slot == least.first);
        REQUIRE(heap.top().at == least.second);
    }
}

TEST_CASE("deadline_wheel: agrees with a sorted map, whatever the distances", "[detector][core]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (std::int64_t const reach :
         {1'000'000LL, 100'000'000LL, 10'000'000'000LL, 10'000'000'000'000LL}) {
        deadline_wheel wheel;
        std::map<deadline_wheel::slot_type, time_point> all;
        auto now = start;
        std::size_t passed = 0;
        for (int i = 0; i != 20000; ++i) {
            auto const slot = static_cast<deadline_wheel::slot_type>(random() % 50);
            switch (random() % 8) {
            case 0:
                wheel.erase(slot);
                all.erase(slot);
                break;
            case 1: {
                // Time passes, by little or by far.
                now += std::chrono::nanoseconds(
                    static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(reach)) >>
                    random() % 10);
                wheel.pour(now, [&](auto s) {
                    REQUIRE(all.contains(s));
                    return all[s];
                });
                while (!wheel.near().empty() && wheel.near().top().at <= now) {
                    auto const [at, s] = wheel.near().top();
                    // The earliest of all, exactly.
                    for (auto const& [other, when] : all)
                        REQUIRE(std::pair(at, s) <= std::pair(when, other));
                    REQUIRE(all[s] == at);
                    wheel.erase(s);
                    all.erase(s);
                    ++passed;
                }
                for (auto const& [other, when] : all)
                    REQUIRE(when > now);
                break;
            }
            default: {
                auto const at =
                    now +
                    std::chrono::nanoseconds(
                        static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(reach)) -
                        reach / 50);
                wheel.set(slot, at, now);
                all[slot] = at;
            }
            }
            REQUIRE(wheel.size() == all.size());
            REQUIRE(wheel.empty() == all.empty());
            REQUIRE(wheel.contains(slot) == all.contains(slot));
            if (i % 16 == 0)
                REQUIRE(wheel.valid());
            for (auto const& [s, at] : all) {
                REQUIRE(wheel.lower_bound(s) <= at);
                REQUIRE(wheel.next() <= at);
            }
        }
        CHECK(passed > 100);
    }
}

TEST_CASE("deadline_wheel: turning to next() again and again comes to every deadline",
          "[detector][core]")
{
    // From less than a bucket to days; few turns each, because each turn brings a finer bucket.
    for (auto const distance :
         {1ns, 1'000'000ns, 100'000'000ns, 60'000'000'000ns, 86'400'000'000'000ns}) {
        deadline_wheel wheel;
        auto const at = start + distance;
        wheel.set(3, at, start);
        int turns = 0;
        while (wheel.near().empty()) {
            REQUIRE(++turns < 60);
            auto const next = wheel.next();
            REQUIRE(next <= at);
            wheel.pour(next, [&](auto) { return at; });
        }
        CHECK(wheel.near().top().at == at);
        CHECK(wheel.next() == at);
    }
}

TEST_CASE("deadline_wheel: an empty wheel forgets what it held", "[detector][core]")
{
    deadline_wheel wheel;
    wheel.set(1, start + 50ms, start);
    wheel.erase(1);
    wheel.set(2, start + 10s, start + 1s);
    CHECK(wheel.next() > start + 1s);
    CHECK(wheel.next() <= start + 10s);
}
