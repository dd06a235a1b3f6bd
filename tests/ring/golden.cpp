// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Where a key lies is a format: these files may never change, on any machine (tests/foreign.sh).

#include "ring/hashes.hpp"
#include "ring/support.hpp"
#include "support/catch.hpp"

#include <concepts>
#include <string>

using namespace ring_test;

TEST_CASE("hash_ring: 10 000 keys lie where they always lay", "[ring][core][format]")
{
    perdure::hash_ring ring;
    for (int i = 0; i != 10; ++i)
        ring.add(node_name(i), i < 8 ? 1 : 0.5 * (i - 6));
    check_golden("hash_ring",
                            [&](std::string const& key) { return ring.node_for(key).substr(5); });
    check_golden("hash_ring_third_copy", [&](std::string const& key) {
        return ring.node(ring.indexes_for<3>(key)[2]).substr(5);
    });
    CHECK(ring.fingerprint() == 0x1d80d51871ff8be6);
}

TEMPLATE_TEST_CASE("10 000 keys lie where they always lay", "[ring][core][format]",
                   perdure::dx_hash, perdure::maglev, perdure::rendezvous_hash,
                   perdure::weighted_rendezvous_hash, perdure::multi_probe_hash,
                   perdure::slot_table, perdure::jump_hash, perdure::choose_k)
{
    auto h = make<TestType>(10);
    std::string name;
    if constexpr (std::same_as<TestType, perdure::dx_hash>) {
        name = "dx_hash";
        h.remove(node_name(3));
        h.remove(node_name(7));
    } else if constexpr (std::same_as<TestType, perdure::maglev>) {
        name = "maglev";
        h.set_weight(node_name(2), 2);
        h.set_weight(node_name(5), 0.3);
    } else if constexpr (std::same_as<TestType, perdure::rendezvous_hash>) {
        name = "rendezvous_hash";
    } else if constexpr (std::same_as<TestType, perdure::weighted_rendezvous_hash>) {
        name = "weighted_rendezvous_hash";
        h.set_weight(node_name(2), 2);
        h.set_weight(node_name(5), 0.3);
    } else if constexpr (std::same_as<TestType, perdure::multi_probe_hash>) {
        name = "multi_probe_hash";
    } else if constexpr (std::same_as<TestType, perdure::slot_table>) {
        name = "slot_table";
        h.remove(node_name(4));
        h.set_weight(node_name(2), 2);
    } else if constexpr (std::same_as<TestType, perdure::jump_hash>) {
        name = "jump_hash";
    } else {
        name = "choose_k";
    }
    check_golden(name, [&](std::string const& key) {
        return static_cast<std::uint64_t>(number(h, h.index_for(key)));
    });
    check_golden(name + "_third_copy", [&](std::string const& key) {
        return static_cast<std::uint64_t>(number(h, h.template indexes_for<3>(key)[2]));
    });
}
