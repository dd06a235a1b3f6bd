// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// One key becomes popular. A plain ring sends all of it to one server; with bounded loads no server
// has more than 1.25 times the mean, and all other keys stay where they are while there is room.
//
// Ten servers, each request is worked on for a while. Prints what the busiest server has, and how
// many requests went elsewhere than to their own server.

#include <perdure/ring/bounded_loads.hpp>
#include <perdure/ring/hash_ring.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

namespace {

constexpr int servers = 10, requests = 200000;
constexpr std::size_t in_progress = 2000; // requests that are being worked on at any time

/// One request in `every` is for the hot key; 0 for none.
std::string key_of(int request, int every)
{
    auto const drawn = perdure::hash_key(request);
    if (every != 0 && drawn % static_cast<unsigned>(every) == 0)
        return "the hot key";
    return "key-" + std::to_string(drawn % 100000);
}

struct result {
    double peak;    // the busiest server's load in means, the worst moment
    double spilled; // share of the requests
};

template <class Start, class Finish, class Load>
double worst_peak(int every, Start start, Finish finish, Load load)
{
    std::deque<perdure::node_index> working;
    double worst = 0;
    for (int r = 0; r != requests; ++r) {
        if (working.size() == in_progress) {
            finish(working.front());
            working.pop_front();
        }
        working.push_back(start(key_of(r, every)));
        if (working.size() == in_progress && r % 100 == 0) {
            std::uint64_t most = 0;
            for (perdure::node_index n = 0; n != servers; ++n)
                most = std::max<std::uint64_t>(most, load(n));
            worst = std::max(worst, static_cast<double>(most) * servers / in_progress);
        }
    }
    return worst;
}

double plain(perdure::hash_ring const& ring, int every)
{
    std::vector<std::uint64_t> loads(servers);
    return worst_peak(
        every,
        [&](std::string const& key) {
            auto const n = ring.index_for(key);
            ++loads[n];
            return n;
        },
        [&](perdure::node_index n) { --loads[n]; }, [&](perdure::node_index n) { return loads[n]; });
}

result bounded(perdure::hash_ring const& ring, int every, double factor)
{
    perdure::bounded_loads loads(ring, {.factor = factor});
    auto const peak = worst_peak(
        every, [&](std::string const& key) { return loads.acquire(key); },
        [&](perdure::node_index n) { loads.release(n); },
        [&](perdure::node_index n) { return loads.load(n); });
    return {peak, static_cast<double>(loads.spilled()) / requests};
}

} // namespace

int main()
{
    perdure::hash_ring ring({.points_per_weight = 200});
    for (int s = 0; s != servers; ++s)
        ring.add("server-" + std::to_string(s));

    std::printf("%-22s %12s   %-26s %-26s\n", "the hot key's share", "plain ring",
                "bounded, 1.25", "bounded, 1.05");
    for (int every : {0, 10, 5, 2}) {
        auto const quarter = bounded(ring, every, 1.25), tight = bounded(ring, every, 1.05);
        std::printf("%19.0f %% %9.2f mean   %.2f mean, %4.1f %% spilled   %.2f mean, %4.1f %% spilled\n",
                    every == 0 ? 0.0 : 100.0 / every, plain(ring, every), quarter.peak,
                    100 * quarter.spilled, tight.peak, 100 * tight.spilled);
        if (quarter.peak > 1.26 || tight.peak > 1.06)
            return 1; // never happens: it is a bound
    }
    std::printf("Where the hot key may go, in its order:");
    for (auto const& server : ring.ranked("the hot key"))
        std::printf(" %s", server.c_str());
    std::printf("\n");
}
