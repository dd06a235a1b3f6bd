// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Three replicas of everything over three zones, and a zone that is lost.
//
// Prints who owns a few keys, what the placement survives, and what is to be copied when a zone
// burns down: where it can be, when there are only two zones for three copies.

#include <perdure/placement/movement_queue.hpp>
#include <perdure/placement/placement_codec.hpp>
#include <perdure/placement/placement_diff.hpp>
#include <perdure/placement/placement_map.hpp>
#include <perdure/placement/survival.hpp>

#include <cstdio>
#include <string>

using perdure::node_state;

int main()
{
    perdure::placement_rules rules;
    rules.copies = 3;
    rules.at_most_per_zone = 1;
    rules.slots = 4096;
    perdure::placement_map map(rules);
    for (auto const* zone : {"amsterdam", "berlin", "cracow"})
        for (int i = 1; i != 5; ++i)
            map.join({.name = std::string(zone, 1) + std::to_string(i), .zone = zone});

    for (auto const* key : {"user:1", "user:2", "cart:1"}) {
        std::printf("%s is on", key);
        for (auto owner : map.owners_for(key))
            std::printf(" %s", map.node(owner).name.c_str());
        std::printf("\n");
    }
    std::printf("%s\n", survival(map).text().c_str());
    std::printf("to be able to ask two: %s\n\n", survival(map, 2).text().c_str());

    // Berlin is lost. Every slot has two copies left, so nothing is lost; the third ones go to the
    // zones that there are.
    auto after = map;
    for (auto const* name : {"b1", "b2", "b3", "b4"})
        after.set_state(name, node_state::down);
    auto const plan = plan_movement(map, after);
    std::printf("%s\n", plan.text().c_str());
    std::printf("then: %s\n", survival(after).text().c_str());
    if (!plan.lost.empty())
        return 1; // never happens: one copy a zone

    // How long are two copies all there is? At 100 MB/s a copy, 500 MB a slot, two at a time a node.
    std::vector<std::uint64_t> const sizes(map.slots(), 500'000'000);
    auto const time = estimate(plan_movement(map, after, sizes), {2, 2, 0, 0}, 100e6);
    std::printf("all have three copies after %.0f minutes, with %zu copies under way at once\n\n",
                time.seconds / 60, time.most_under_way);

    // What the other processes are told: a few bytes a node. They come to the same owners.
    auto const bytes = encode_placement(after.spec());
    auto const received = perdure::decode_placement(bytes);
    if (!received || !(perdure::placement_map(*received.spec) == after))
        return 1;
    std::printf("epoch %llu goes to the others in %zu bytes\n",
                static_cast<unsigned long long>(after.epoch()), bytes.size());
}
