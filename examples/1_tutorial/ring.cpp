// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Shards the keys of a cache over named servers with a hash ring.
//
// Prints which server holds each of a few keys, where three copies go, the order in which to try the others when one is
// down, and what a fourth server would take over before it joins.

#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/moved_ranges.hpp>

#include <cstdio>
#include <string>

int main()
{
    // The ten lines.
    perdure::hash_ring ring{"cache-a", "cache-b", "cache-c"};
    for (auto const* key : {"user:1", "user:2", "user:3", "cart:1", "cart:2"})
        std::printf("%s is on %s\n", key, ring.node_for(key).c_str());

    // Where to go if its server is down: every key has its own order.
    std::printf("user:1 in order of preference:");
    for (auto const& server : ring.ranked("user:1"))
        std::printf(" %s", server.c_str());
    std::printf("\n");

    // Three copies go to three distinct servers.
    std::printf("three copies of user:1 go to");
    for (auto n : ring.indexes_for<3>("user:1"))
        std::printf(" %s", ring.node(n).c_str());
    std::printf("\n");

    // A server of twice the size may join. What would move?
    auto after = ring;
    after.add("cache-d", 2.0);
    auto const moves = perdure::moved_ranges(ring, after); // of first copies; `, 3` of all three
    std::printf("cache-d would take %.1f %% of the keys, in %zu ranges\n",
                100 * perdure::share(moves), moves.size());
    for (auto const& m : moves)
        if (after.node(m.to) != "cache-d")
            return 1; // never happens: nothing else moves
    ring = after;

    auto const shares = perdure::key_shares(ring);
    for (auto n : ring.indexes())
        std::printf("%s, weight %.0f: %.1f %% of the keys\n", ring.node(n).c_str(), ring.weight(n),
                    100 * shares[n]);
}
