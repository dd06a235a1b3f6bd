// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/published.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using perdure::published;

namespace {
struct counted {
    static inline std::atomic<int> alive{0};
    int value = 0;
    explicit counted(int v) : value(v) { ++alive; }
    counted(counted&& other) noexcept : value(other.value) { ++alive; }
    ~counted()
    {
        value = -1;
        --alive;
    }
};
} // namespace

TEST_CASE("published: a reader sees the newest value when it looks", "[ring][core]")
{
    published<int> value(1);
    published<int>::reader reader(value);
    CHECK(reader.get() == 1);
    auto const& held = reader.get();
    value.publish(2);
    CHECK(held == 1);
    CHECK(value.latest() == 2);
    CHECK(reader.get() == 2);
}

TEST_CASE("published: a version is freed as soon as no reader holds it", "[ring][core]")
{
    {
        published<counted> value(counted(0));
        published<counted>::reader idle(value), active(value), gone(value);
        CHECK(counted::alive == 1);
        idle.get();
        for (int i = 1; i != 100; ++i) {
            value.publish(counted(i));
            CHECK(active.get().value == i);
        }
        // The one that idle looked at, the one that active left last, and the newest.
        CHECK(counted::alive <= 3);
        CHECK(idle.get().value == 99);
        gone.get();
        {
            auto const moved = std::move(gone);
        }
        active.release();
        idle.release();
        value.publish(counted(100));
        CHECK(counted::alive == 1);
        CHECK(value.retired_count() == 0);
        CHECK(active.get().value == 100);
        // A slot that was given back is used again.
        published<counted>::reader again(value);
        CHECK(again.get().value == 100);
    }
    CHECK(counted::alive == 0);
}

TEST_CASE("published: threads look keys up while nodes come and go", "[ring][threads]")
{
    perdure::hash_ring ring({.points_per_weight = 20});
    for (int i = 0; i != 20; ++i)
        ring.add("stays-" + std::to_string(i));
    published<perdure::hash_ring> current(ring);
    std::atomic<bool> stop{false};
    std::atomic<long> lookups{0}, versions{0}, wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t != 3; ++t)
        threads.emplace_back([&, t] {
            published<perdure::hash_ring>::reader reader(current);
            std::uint64_t key = static_cast<std::uint64_t>(t) << 32, seen = 0;
            while (!stop) {
                auto const& view = reader.get();
                auto const print = view.fingerprint();
                versions += print != seen;
                seen = print;
                for (int i = 0; i != 50; ++i, ++key) {
                    // Whoever owns a key must say so itself: a torn view could not.
                    auto const index = view.index_for(key);
                    wrong += view.index_of(view.node(index)) != index;
                    wrong += view.indexes_for<3>(key).size() != 3;
                }
                lookups += 50;
                wrong += view.fingerprint() != print;
            }
        });
    int step = 0;
    for (; step < 600 || (versions < 30 && step < 100000); ++step) {
        auto const node = "passing-" + std::to_string(step % 7);
        if (!ring.remove(node))
            ring.add(node, 0.5 + step % 3);
        current.publish(ring);
        if (step % 64 == 0)
            std::this_thread::yield();
    }
    stop = true;
    for (auto& t : threads)
        t.join();
    CAPTURE(step, lookups.load(), versions.load());
    CHECK(wrong == 0);
    CHECK(lookups > 0);
    CHECK(versions >= 30);
    CHECK(current.retired_count() <= 3);
}
