// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_PLACEMENT_SUPPORT_HPP
#define PERDURE_TESTS_PLACEMENT_SUPPORT_HPP

#include "support/catch.hpp"
#include <perdure/placement/placement_map.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace placement_test {

using perdure::cluster_node;
using perdure::node_state;
using perdure::placement_map;
using perdure::placement_rules;

/// A small generator whose numbers are the same everywhere (splitmix64, public domain by S. Vigna).
class generator {
public:
    explicit generator(std::uint64_t seed) : state_(seed) {}
    std::uint64_t operator()()
    {
        auto z = state_ += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
    /// From 0 to bound - 1; the bias does not matter here.
    std::uint32_t below(std::uint64_t bound)
    {
        return static_cast<std::uint32_t>((*this)() % bound);
    }

private:
    std::uint64_t state_;
};

/// Seeds first .. first + count - 1; PERDURE_SEED replays one of them, PERDURE_SEEDS asks for more.
struct seed_range {
    std::uint64_t first = 0, count;
    explicit seed_range(std::uint64_t n) : count(n)
    {
        if (auto const* one = std::getenv("PERDURE_SEED")) {
            first = std::strtoull(one, nullptr, 10);
            count = 1;
        } else if (auto const* many = std::getenv("PERDURE_SEEDS")) {
            count = std::strtoull(many, nullptr, 10);
        }
    }
};

inline std::string replay(std::uint64_t seed)
{
    return "seed " + std::to_string(seed) + "; PERDURE_SEED=" + std::to_string(seed) +
           " replays it alone";
}

/// `n` nodes in `zones` zones of `racks` racks each, one host a node.
inline std::vector<cluster_node> cluster(std::size_t n, std::size_t zones = 1,
                                         std::size_t racks = 1)
{
    std::vector<cluster_node> all;
    for (std::size_t i = 0; i != n; ++i)
        all.push_back({.name = "node-" + std::to_string(i),
                       .zone = "zone-" + std::to_string(i % zones),
                       .rack = "rack-" + std::to_string(i / zones % racks),
                       .host = {},
                       .weight = 1,
                       .state = node_state::up});
    return all;
}

inline std::vector<std::string> names(placement_map const& map, std::uint32_t slot)
{
    std::vector<std::string> all;
    for (auto o : map.owners(slot))
        all.push_back(map.node(o).name);
    return all;
}

/// A random node, of up to `zones` zones, racks of each and hosts of each.
inline cluster_node random_node(generator& random, std::string name, std::uint32_t zones)
{
    cluster_node n{.name = std::move(name),
                   .zone = std::string(1, static_cast<char>('a' + random.below(zones))),
                   .rack = std::string(1, static_cast<char>('a' + random.below(3))),
                   .host = {},
                   .weight = 1,
                   .state = node_state::up};
    if (random.below(2) == 0)
        n.host = std::string(1, static_cast<char>('a' + random.below(2)));
    if (random.below(2) == 0)
        n.weight = (1 + random.below(64)) / 8.0;
    auto const s = random.below(10);
    if (s == 0)
        n.state = node_state::draining;
    else if (s == 1)
        n.state = node_state::down;
    else if (s == 2)
        n.state = node_state::joining;
    return n;
}

inline placement_rules random_rules(generator& random)
{
    placement_rules r;
    r.copies = 1 + random.below(5);
    r.at_most_per_zone = random.below(4);
    r.at_most_per_rack = random.below(3);
    r.at_most_per_host = random.below(2);
    r.shortage = random.below(3) == 0 ? perdure::when_short::fewer_copies
                                      : perdure::when_short::relax_limits;
    r.slots = 64;
    r.seed = random();
    return r;
}

} // namespace placement_test

#endif
