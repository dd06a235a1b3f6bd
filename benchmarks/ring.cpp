// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Lookups of the consistent hashes in nanoseconds of processor time, the making of the key (floor)
// included, beside std::map and std::lower_bound on the same circle; updates and their publication.

#include "support/measure.hpp"
#include <perdure/ring/bounded_loads.hpp>
#include <perdure/ring/choose_k.hpp>
#include <perdure/ring/dx_hash.hpp>
#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/jump_hash.hpp>
#include <perdure/ring/maglev.hpp>
#include <perdure/ring/moved_ranges.hpp>
#include <perdure/ring/multi_probe_hash.hpp>
#include <perdure/ring/published.hpp>
#include <perdure/ring/rendezvous_hash.hpp>
#include <perdure/ring/slot_table.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace benchmark;
using perdure::key_hash;
using perdure::node_index;

namespace {

/// Hashes that no predictor can learn: a multiplication each.
struct hashes {
    std::uint64_t state;
    std::uint64_t operator()()
    {
        state += 0x9E3779B97F4A7C15;
        auto const p = perdure::detail::multiply(state, state ^ 0xE7037ED1A0B428DB);
        return p.high ^ p.low;
    }
};

std::uint64_t fresh_seed()
{
    static std::uint64_t seed = 1000003;
    return seed += 7919;
}

template <class Lookup>
double throughput(settings const& s, std::size_t count, Lookup lookup)
{
    return time_each(s, count, [&](std::size_t n) {
        hashes next{fresh_seed()};
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i != n; ++i)
            sum += lookup(next());
        keep(sum);
    });
}

template <class Lookup>
double dependent(settings const& s, std::size_t count, Lookup lookup)
{
    return time_each(s, count, [&](std::size_t n) {
        hashes next{fresh_seed()};
        for (std::size_t i = 0; i != n; ++i)
            next.state += lookup(next());
        keep(next.state);
    });
}

std::vector<perdure::weighted_node<std::string>> nodes(std::size_t count)
{
    std::vector<perdure::weighted_node<std::string>> all;
    for (std::size_t i = 0; i != count; ++i)
        all.push_back({"node-" + std::to_string(i), 1});
    return all;
}

std::size_t position(std::vector<perdure::ring_point> const& circle, std::uint64_t hash)
{
    auto const i = std::lower_bound(circle.begin(), circle.end(), hash,
                                    [](auto const& p, std::uint64_t h) { return p.hash < h; });
    return i == circle.end() ? 0 : static_cast<std::size_t>(i - circle.begin());
}

void rings(settings const& s, double floor)
{
    for (std::size_t n : {10u, 100u, 1000u, 10000u, 100000u}) {
        if (s.smoke && n > 100)
            break;
        std::size_t const count = s.smoke ? 1000 : 200000;
        perdure::hash_ring ring;
        ring.add_all(nodes(n));
        auto const circle = ring.points();
        auto const label = ", N = " + std::to_string(n);
        auto const ours = [&](std::uint64_t h) { return ring.index_for(key_hash{h}); };
        auto const search = [&](std::uint64_t h) { return circle[position(circle, h)].node; };
        print_row("ring, throughput" + label, throughput(s, count, ours), "ns",
                  throughput(s, count, search), "lower_bound", floor);
        print_row("ring, dependent" + label, dependent(s, count / 2, ours), "ns",
                  dependent(s, count / 2, search), "lower_bound", floor);
        if (n <= 10000) { // its 10^7 tree nodes take half a minute to build
            std::map<std::uint64_t, node_index> tree;
            for (auto const& p : circle)
                tree.emplace(p.hash, p.node);
            print_row("ring, throughput" + label, throughput(s, count, ours), "ns",
                      throughput(s, count / 4,
                                 [&](std::uint64_t h) {
                                     auto const i = tree.lower_bound(h);
                                     return (i == tree.end() ? tree.begin() : i)->second;
                                 }),
                      "std::map", floor);
        }
        print_row("three distinct owners" + label,
                  throughput(s, count,
                             [&](std::uint64_t h) { return ring.indexes_for<3>(key_hash{h})[2]; }),
                  "ns",
                  throughput(s, count / 2,
                             [&](std::uint64_t h) {
                                 node_index found[3];
                                 std::size_t k = 0;
                                 for (auto i = position(circle, h); k != 3;
                                      i = i + 1 == circle.size() ? 0 : i + 1)
                                     if (std::find(found, found + k, circle[i].node) == found + k)
                                         found[k++] = circle[i].node;
                                 return found[2];
                             }),
                  "lower_bound", floor);
        std::vector<key_hash> keys(4096);
        std::vector<node_index> out(keys.size());
        print_row("ring, batches of 4096" + label,
                  median_of(s,
                            [&] {
                                hashes next{fresh_seed()};
                                for (auto& k : keys)
                                    k.value = next();
                                auto const begin = thread_ns();
                                ring.indexes_for_batch(keys, out);
                                keep(out[7]);
                                return (thread_ns() - begin) / static_cast<double>(keys.size());
                            }),
                  "ns");
        print_row("ring, memory of a point" + label,
                  static_cast<double>(ring.memory()) / static_cast<double>(ring.points_count()),
                  "B", sizeof(perdure::ring_point), "sorted vector");
    }
}

template <class H>
void other(settings const& s, std::string const& name, H const& h, std::size_t count, double floor)
{
    print_row(name,
              throughput(s, s.smoke ? 100 : count,
                         [&](std::uint64_t hash) { return h.index_for(key_hash{hash}); }),
              "ns", 0, "", floor);
}

template <class H>
H filled(std::size_t n)
{
    H h;
    for (auto const& node : nodes(n))
        h.add(node.node);
    return h;
}

void others(settings const& s, std::size_t n, double floor)
{
    auto const label = ", N = " + std::to_string(n);
    perdure::slot_table table({.slots = 65536});
    for (auto const& node : nodes(n))
        table.add(node.node);
    other(s, "slot table of 65536" + label, table, 500000, floor);
    perdure::maglev maglev;
    maglev.add_all(nodes(n));
    other(s, "Maglev of 65537" + label, maglev, 500000, floor);
    other(s, "jump" + label, perdure::jump_hash(n), 100000, floor);
    other(s, "choose k, k = 1" + label, perdure::choose_k(n), 200000, floor);
    auto dx = filled<perdure::dx_hash>(n);
    other(s, "Dx, none removed" + label, dx, 200000, floor);
    hashes random{42};
    while (dx.size() > n / 2)
        dx.remove("node-" + std::to_string(random() % n));
    other(s, "Dx, half removed at random" + label, dx, 200000, floor);
    other(s, "rendezvous, N = 10", filled<perdure::rendezvous_hash>(10), 50000, floor);
    other(s, "weighted rendezvous, N = 10", filled<perdure::weighted_rendezvous_hash>(10), 50000,
          floor);
    other(s, "multi-probe of 21" + label, filled<perdure::multi_probe_hash>(n), 20000, floor);
}

void bounded(settings const& s, std::size_t n)
{
    perdure::hash_ring ring;
    ring.add_all(nodes(n));
    perdure::bounded_loads<perdure::hash_ring> loads(ring);
    std::size_t const count = s.smoke ? 1000 : 200000;
    auto const plain =
        throughput(s, count, [&](std::uint64_t h) { return ring.index_for(key_hash{h}); });
    auto const bound =
        throughput(s, count, [&](std::uint64_t h) { return loads.acquire(key_hash{h}); });
    print_row("bounded load 1.25, N = " + std::to_string(n) + " (floor: the plain lookup)", bound,
              "ns", 0, "", plain);
}

void changes(settings const& s, std::size_t n)
{
    perdure::hash_ring ring;
    ring.add_all(nodes(n));
    perdure::published<perdure::hash_ring> current(ring);
    perdure::published<perdure::hash_ring>::reader reader(current);
    std::vector<double> adding, publishing;
    for (int i = 0; i != (s.smoke ? 3 : 400); ++i) {
        auto const begin = thread_ns();
        ring.add("joins-" + std::to_string(i));
        auto const added = thread_ns();
        current.publish(ring);
        auto const done = thread_ns();
        reader.get();
        ring.remove("joins-" + std::to_string(i));
        adding.push_back((added - begin) / 1000);
        publishing.push_back((done - added) / 1000);
    }
    auto const show = [](std::string const& what, std::vector<double>& all) {
        std::sort(all.begin(), all.end());
        print_row(what + ", median", all[all.size() / 2], "us");
        print_row(what + ", largest of " + std::to_string(all.size()), all.back(), "us");
    };
    show("add one node, N = " + std::to_string(n), adding);
    show("publish it", publishing);

    auto after = ring;
    after.add("joins");
    print_row("ranges that move, points: " + std::to_string(ring.points_count()),
              median_of(s,
                        [&] {
                            auto const begin = thread_ns();
                            auto const moves = perdure::moved_ranges(ring, after);
                            keep(moves.size());
                            return (thread_ns() - begin) / 1e6;
                        }),
              "ms");
    perdure::slot_table table({.slots = 65536});
    std::size_t const owners = s.smoke ? 5 : 100;
    for (auto const& node : nodes(owners))
        table.add(node.node);
    print_row("moves of 65 536 slots, N = " + std::to_string(owners),
              median_of(s,
                        [&] {
                            auto copy = table;
                            auto const begin = thread_ns();
                            auto const moves = copy.add("joins");
                            keep(moves.size());
                            return (thread_ns() - begin) / 1e3;
                        }),
              "us");
}

} // namespace

int main(int argc, char** argv)
{
    auto const s = settings::from(argc, argv);
    std::size_t const count = s.smoke ? 1000 : 500000;
    std::size_t const n = s.smoke ? 20 : 1000;
    print_header();
    auto const floor = throughput(s, count, [](std::uint64_t h) { return h; });
    print_row("making a random 64-bit hash (floor)", floor, "ns");
    print_row("hash_key of an integer",
              throughput(s, count, [](std::uint64_t h) { return perdure::hash_key(h); }), "ns", 0,
              "", floor);
    print_row("hash_key of 16 bytes",
              throughput(s, count,
                         [](std::uint64_t h) {
                             std::uint64_t const text[2] = {h, ~h};
                             return perdure::xxh3_64(text, 16);
                         }),
              "ns", 0, "", floor);
    rings(s, floor);
    others(s, n, floor);
    bounded(s, n);
    changes(s, n);
}
