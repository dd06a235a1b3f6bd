// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/data_at_risk.hpp>

using namespace perdure::availability;
using namespace std::chrono_literals;

TEST_CASE("data_at_risk: what each class of durability loses in a crash", "[availability]")
{
    risk_settings const s{100ms, 5s, 10min};
    auto const crash = [&](durability_class c) { return at_risk_in_crash(c, s, 1e6); };
    CHECK(crash(durability_class::synced_by_quorum).worst == 0s);
    CHECK(crash(durability_class::synced_locally).worst == 0s);
    CHECK(crash(durability_class::replicated).worst == 0s);
    CHECK(crash(durability_class::flushed).worst == 100ms);
    CHECK(crash(durability_class::flushed).typical == 50ms);
    CHECK(crash(durability_class::flushed).worst_bytes == 1e5);
    CHECK(crash(durability_class::snapshot_only).worst == 10min);
    CHECK(crash(durability_class::snapshot_only).typical_bytes == 3e8);
}

TEST_CASE("data_at_risk: and when the disk goes as well", "[availability]")
{
    risk_settings const s{100ms, 5s, 10min};
    auto const loss = [&](durability_class c) { return at_risk_in_disk_loss(c, s, 1e6); };
    CHECK(loss(durability_class::synced_by_quorum).worst == 0s);
    CHECK(loss(durability_class::replicated).typical == 5s);
    CHECK(loss(durability_class::replicated).worst_bytes == 5e6);
    CHECK(loss(durability_class::synced_locally).worst.count() == detail::infinity);
    CHECK(loss(durability_class::flushed).worst.count() == detail::infinity);
    CHECK_THROWS_AS(at_risk_in_crash(durability_class::flushed, {-1s, 0s, 0s}, 1),
                    std::invalid_argument);
    CHECK_THROWS_AS(at_risk_in_crash(durability_class::flushed, s, -1), std::invalid_argument);
    static_assert(at_risk_in_crash(durability_class::flushed, {1s, 0s, 0s}, 1).worst == 1s);
}
