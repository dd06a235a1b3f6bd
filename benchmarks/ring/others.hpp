// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_RING_OTHERS_HPP
#define PERDURE_BENCHMARKS_RING_OTHERS_HPP

// The other hashes, each beside the algorithm as published; what they cost to make and to keep.

#include "peers.hpp"
#include "support.hpp"
#include <perdure/ring/choose_k.hpp>
#include <perdure/ring/dx_hash.hpp>
#include <perdure/ring/envoy.hpp>
#include <perdure/ring/jump_hash.hpp>
#include <perdure/ring/ketama.hpp>
#include <perdure/ring/maglev.hpp>
#include <perdure/ring/multi_probe_hash.hpp>
#include <perdure/ring/rendezvous_hash.hpp>
#include <perdure/ring/slot_table.hpp>

namespace ring_benchmark {

using perdure::key_hash;
using perdure::node_index;

template <class H>
auto lookup_of(H const& h)
{
    return [&h](std::uint64_t hash) { return h.index_for(key_hash{hash}); };
}

template <class H, class Peer>
pair compare(settings const& s, std::string const& name, H const& h, std::size_t count, Peer peer,
             char const* peer_name, double floor)
{
    if (s.smoke)
        count = 100;
    auto const t = throughputs(s, count, lookup_of(h), peer);
    auto const d = dependents(s, count / 2, lookup_of(h), peer);
    print_row(name + ", throughput", t.ours, "ns", t.peer, peer_name, floor);
    print_row(name + ", dependent", d.ours, "ns", d.peer, peer_name, floor);
    return t;
}

template <class H>
H filled(std::size_t n)
{
    H h;
    for (auto const& node : nodes(n))
        h.add(node.node);
    return h;
}

inline void bench_others(settings const& s, std::size_t n, double floor, bars& goals)
{
    auto const label = ", N = " + std::to_string(n);
    auto const all = nodes(n);
    auto const ring = [&] {
        perdure::hash_ring r({.points_per_weight = 1});
        r.add_all(all);
        return r;
    }();

    perdure::slot_table table({.slots = 65536});
    for (auto const& node : all)
        table.add(node.node);
    perdure::maglev maglev;
    auto const begin = thread_ns();
    maglev.add_all(all);
    auto const maglev_ms = (thread_ns() - begin) / 1e6;
    peers::maglev_by_division const division{{maglev.entries().begin(), maglev.entries().end()}};
    auto const t =
        compare(s, "slot table of 65536" + label, table, 500000, division, "Maglev by division", floor);
    auto const m =
        compare(s, "Maglev of 65537" + label, maglev, 500000, division, "by division", floor);
    goals.at_most("slot table", t.ours, 1.0, "ns");
    goals.at_most("Maglev", m.ours, 1.3, "ns");
    print_row("Maglev, building" + label, maglev_ms, "ms");

    auto const jump = [&](std::uint64_t h) {
        return perdure::jump(h, static_cast<std::uint32_t>(n));
    };
    compare(s, "jump" + label, perdure::jump_hash(n), 100000, jump, "the same", floor);
    compare(s, "choose k, k = 1" + label, perdure::choose_k(n), 200000, jump, "jump", floor);

    auto dx = filled<perdure::dx_hash>(n);
    peers::anchor anchor(static_cast<std::uint32_t>(n));
    peers::memento memento(static_cast<std::uint32_t>(n));
    peers::dx plain_dx(std::bit_ceil(n));
    for (std::size_t i = 0; i != n; ++i)
        plain_dx.set(i, true);
    compare(s, "Dx, none removed" + label, dx, 200000, anchor, "Anchor", floor);
    compare(s, "Dx, none removed" + label, dx, 200000, plain_dx, "Dx as published", floor);
    compare(s, "Dx, none removed" + label, dx, 100000, memento, "Memento", floor);
    hashes random{42};
    while (dx.size() > n / 2) {
        auto const i = static_cast<std::uint32_t>(random() % n);
        if (!dx.remove("node-" + std::to_string(i)))
            continue;
        anchor.remove(i);
        memento.remove(i);
        plain_dx.set(i, false);
    }
    auto const half = compare(s, "Dx, half removed at random" + label, dx, 200000, anchor, "Anchor",
                              floor);
    compare(s, "Dx, half removed at random" + label, dx, 200000, plain_dx, "Dx as published", floor);
    compare(s, "Dx, half removed at random" + label, dx, 100000, memento, "Memento", floor);
    goals.at_most("arbitrary removal, half of 1000 removed at random", half.ours, 18, "ns");
    print_row("Dx, memory of a node" + label,
              static_cast<double>(dx.memory()) / static_cast<double>(n), "B", 16, "Anchor");

    peers::rendezvous ten;
    for (auto const& node : nodes(10))
        ten.seeds.push_back(perdure::hash_key(node.node));
    compare(s, "rendezvous, N = 10", filled<perdure::rendezvous_hash>(10), 50000, ten, "plain scan",
            floor);
    compare(s, "weighted rendezvous, N = 10", filled<perdure::weighted_rendezvous_hash>(10), 50000,
            ten, "plain scan, no weights", floor);
    peers::multi_probe const probes{{ring.points()}};
    compare(s, "multi-probe of 21" + label, filled<perdure::multi_probe_hash>(n), 20000, probes,
            "lower_bound", floor);

    // The rings of others: their lookup is a binary search over their points.
    std::vector<perdure::compatible_host> hosts;
    for (std::size_t i = 0; i != n; ++i)
        hosts.push_back({"10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ":11211"});
    perdure::libketama_ring const ketama(hosts);
    peers::sorted_ring const search{ketama.points()};
    compare(s, "libketama's ring" + label, ketama, 200000, search, "its binary search", floor);
    perdure::envoy_ring const envoy(hosts, {.minimum_ring_size = 100 * n});
    peers::sorted_ring const envoy_search{envoy.points()};
    compare(s, "Envoy's ring, 100 points a host" + label, envoy, 200000, envoy_search,
            "its binary search", floor);
    compare(s, "Envoy's Maglev" + label, perdure::envoy_maglev(hosts), 200000, division,
            "by division", floor);
    auto const md5 = throughput(s, s.smoke ? 100 : 20000, [](std::uint64_t h) {
        return perdure::ketama_hasher{}(std::string_view(reinterpret_cast<char const*>(&h), 8));
    });
    print_row("MD5 of a key, for libketama's", md5, "ns", 0, "", floor);
}

} // namespace ring_benchmark

#endif
