// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Look at a rebalance before it happens: who would copy what from whom, as text and as a picture.
//
// A cluster of nine nodes gets a tenth of twice the size while an old one is drained. Prints the
// plan, writes it to rebalance.svg, and then runs it under limits, letting go of slot by slot as its
// copies arrive, so that every slot is served by owners that have its data at all times.

#include <perdure/placement/load_report.hpp>
#include <perdure/placement/movement_queue.hpp>
#include <perdure/placement/movement_svg.hpp>
#include <perdure/placement/placement_diff.hpp>

#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <vector>

using perdure::node_state;

int main()
{
    perdure::placement_rules rules;
    rules.slots = 2048;
    rules.at_most_per_zone = 1;
    perdure::placement_map before(rules);
    for (int i = 1; i != 10; ++i)
        before.join({.name = "node-" + std::to_string(i),
                     .zone = "zone-" + std::string(1, "abc"[i % 3]),
                     .rack = {},
                     .host = {},
                     .weight = 1,
                     .state = node_state::up});

    auto after = before;
    after.join({.name = "node-10",
                .zone = "zone-b",
                .rack = {},
                .host = {},
                .weight = 2,
                .state = node_state::joining});
    after.set_state("node-4", node_state::draining);
    std::vector<std::uint64_t> const sizes(rules.slots, 64 << 20);
    auto const plan = plan_movement(before, after, sizes);

    std::printf("%s\n", diff(before, after).text().c_str());
    std::printf("%s\n", plan.text().c_str());
    std::printf("%s\n", measure_load(after).text().c_str());
    std::ofstream("rebalance.svg") << movement_svg(plan);
    std::printf("the picture is in rebalance.svg\n");

    // Approved. Publish the new nodes with all owners as they were, copy, and let go slot by slot.
    auto live = after;
    live.hold(before);
    std::vector<std::size_t> open(rules.slots); // copies that a slot still waits for
    for (auto const& m : plan.moves)
        ++open[m.slot];
    perdure::movement_queue queue(plan, {.into_node = 8, .out_of_node = 4, .on_link = 6});
    std::vector<std::size_t> under_way;
    std::size_t rounds = 0, most = 0;
    while (!queue.finished()) {
        while (auto const i = queue.start())
            under_way.push_back(*i);
        most = std::max(most, under_way.size());
        for (auto i : under_way) { // a real program copies here
            queue.finish(i, true);
            auto const slot = plan.moves[i].slot;
            if (--open[slot] == 0)
                live.unpin(slot);
        }
        under_way.clear();
        ++rounds;
    }
    // What is pinned still has the same owners in another order: nothing to copy.
    for (std::uint32_t s = 0; s != live.slots(); ++s)
        live.unpin(s);
    live.set_state("node-10", node_state::up);
    live.leave("node-4");
    std::printf(
        "done in %zu rounds of at most %zu copies; node-4 may be switched off at epoch %llu\n",
        rounds, most, static_cast<unsigned long long>(live.epoch()));
    return live.fingerprint() != [&] {
        auto direct = after;
        direct.set_state("node-10", node_state::up);
        direct.leave("node-4");
        return direct.fingerprint();
    }();
}
