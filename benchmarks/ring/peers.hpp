// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_RING_PEERS_HPP
#define PERDURE_BENCHMARKS_RING_PEERS_HPP

// The published algorithms of others, written plainly: what a careful programmer makes of the paper.
// All take the same 64-bit hashes as ours.

#include <perdure/bytes/hash.hpp>
#include <perdure/ring/jump_hash.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

namespace peers {

using perdure::node_index;
using perdure::ring_point;

/// One multiplication and two shifts: the second hash of a key, where an algorithm wants more.
inline std::uint64_t mixed(std::uint64_t x)
{
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93;
    return x ^ (x >> 32);
}

/// The ring as most have it: points in a sorted vector (libketama, Envoy, brpc).
struct sorted_ring {
    std::vector<ring_point> circle;

    std::size_t position(std::uint64_t hash) const
    {
        auto const i = std::lower_bound(circle.begin(), circle.end(), hash,
                                        [](auto const& p, std::uint64_t h) { return p.hash < h; });
        return i == circle.end() ? 0 : static_cast<std::size_t>(i - circle.begin());
    }
    node_index operator()(std::uint64_t hash) const { return circle[position(hash)].node; }
    node_index third(std::uint64_t hash) const
    {
        node_index found[3];
        std::size_t count = 0;
        for (auto i = position(hash); count != 3; i = i + 1 == circle.size() ? 0 : i + 1)
            if (std::find(found, found + count, circle[i].node) == found + count)
                found[count++] = circle[i].node;
        return found[2];
    }
    /// A node's points are sorted and merged in.
    void insert(std::vector<ring_point> points)
    {
        auto const less = [](auto const& x, auto const& y) { return x.hash < y.hash; };
        std::sort(points.begin(), points.end(), less);
        auto const middle = static_cast<std::ptrdiff_t>(circle.size());
        circle.insert(circle.end(), points.begin(), points.end());
        std::inplace_merge(circle.begin(), circle.begin() + middle, circle.end(), less);
    }
};

/// The ring as tutorials have it.
struct map_ring {
    std::map<std::uint64_t, node_index> tree;

    node_index operator()(std::uint64_t hash) const
    {
        auto const i = tree.lower_bound(hash);
        return (i == tree.end() ? tree.begin() : i)->second;
    }
};

/// Maglev's table read with a division (NSDI 2016; Envoy).
struct maglev_by_division {
    std::vector<std::uint32_t> table;
    node_index operator()(std::uint64_t hash) const { return table[hash % table.size()]; }
};

/// AnchorHash (G. Mendelson et al., arXiv:1812.09674), all buckets working at first.
class anchor {
public:
    explicit anchor(std::uint32_t capacity)
        : removed_at_(capacity), working_(capacity), last_(capacity), successor_(capacity),
          size_(capacity)
    {
        for (std::uint32_t b = 0; b != capacity; ++b)
            working_[b] = last_[b] = successor_[b] = b;
    }
    void remove(std::uint32_t b)
    {
        --size_;
        removed_at_[b] = size_;
        working_[last_[b]] = working_[size_];
        last_[working_[size_]] = last_[b];
        successor_[b] = working_[size_];
    }
    bool has(std::uint32_t b) const { return removed_at_[b] == 0; }
    std::uint32_t size() const { return size_; }
    std::size_t memory() const { return removed_at_.size() * 16; }

    node_index operator()(std::uint64_t hash) const
    {
        auto b = scaled(hash, static_cast<std::uint32_t>(removed_at_.size()));
        while (removed_at_[b] > 0) {
            auto h = scaled(mixed(hash + b), removed_at_[b]);
            while (removed_at_[h] >= removed_at_[b])
                h = successor_[h];
            b = h;
        }
        return b;
    }

private:
    static std::uint32_t scaled(std::uint64_t hash, std::uint32_t n)
    {
        return static_cast<std::uint32_t>((hash >> 32) * n >> 32);
    }
    std::vector<std::uint32_t> removed_at_, working_, last_, successor_;
    std::uint32_t size_;
};

/// DxHash (C. Dong, F. Wang, arXiv:2107.07930): a bit a slot, a pseudo-random walk.
class dx {
public:
    explicit dx(std::size_t slots) : bits_((slots + 63) / 64), mask_(slots - 1) {} // a power of two
    void set(std::size_t slot, bool used)
    {
        auto const bit = std::uint64_t{1} << (slot % 64);
        bits_[slot / 64] = used ? bits_[slot / 64] | bit : bits_[slot / 64] & ~bit;
    }
    node_index operator()(std::uint64_t hash) const
    {
        for (auto r = hash;; r = mixed(r + 0x9E3779B97F4A7C15))
            if (auto const slot = r & mask_; bits_[slot / 64] >> (slot % 64) & 1)
                return static_cast<node_index>(slot);
    }

private:
    std::vector<std::uint64_t> bits_;
    std::uint64_t mask_;
};

/// MementoHash (M. Coluzzi et al., arXiv:2306.09783): jump, and a map of the removed.
class memento {
public:
    explicit memento(std::uint32_t size) : size_(size) {}
    void remove(std::uint32_t b)
    {
        removed_.emplace(b, size_ - static_cast<std::uint32_t>(removed_.size()) - 1);
    }
    node_index operator()(std::uint64_t hash) const
    {
        auto b = perdure::jump(hash, size_);
        for (auto r = removed_.find(b); r != removed_.end(); r = removed_.find(b)) {
            auto const left = r->second;
            auto d = static_cast<std::uint32_t>(mixed(hash + b) % left);
            for (auto q = removed_.find(d); q != removed_.end() && q->second >= left;
                 q = removed_.find(d))
                d = q->second;
            b = d;
        }
        return b;
    }

private:
    std::uint32_t size_;
    std::unordered_map<std::uint32_t, std::uint32_t> removed_; // bucket -> how many were left
};

/// Rendezvous hashing: every node's score.
struct rendezvous {
    std::vector<std::uint64_t> seeds;
    node_index operator()(std::uint64_t hash) const
    {
        node_index best = 0;
        std::uint64_t score = 0;
        for (std::size_t n = 0; n != seeds.size(); ++n)
            if (auto const s = perdure::hash_key(hash, seeds[n]); s >= score) {
                score = s;
                best = static_cast<node_index>(n);
            }
        return best;
    }
};

/// Multi-probe consistent hashing on a sorted vector of one point a node.
struct multi_probe {
    sorted_ring ring;
    node_index operator()(std::uint64_t hash) const
    {
        node_index best = 0;
        auto nearest = ~std::uint64_t{0};
        for (std::uint64_t i = 0; i != 21; ++i) {
            auto const probe = i == 0 ? hash : perdure::hash_key(i, hash);
            auto const& p = ring.circle[ring.position(probe)];
            if (p.hash - probe <= nearest) {
                nearest = p.hash - probe;
                best = p.node;
            }
        }
        return best;
    }
};

/// Bounded loads by walking a sorted ring (arXiv:1608.01350; HAProxy).
struct bounded {
    sorted_ring const& ring;
    std::vector<std::uint64_t> loads;
    std::uint64_t total = 0;
    node_index operator()(std::uint64_t hash)
    {
        ++total;
        auto const capacity = static_cast<std::uint64_t>(
            1.25 * static_cast<double>(total) / static_cast<double>(loads.size()) + 1);
        auto i = ring.position(hash);
        while (loads[ring.circle[i].node] >= capacity)
            i = i + 1 == ring.circle.size() ? 0 : i + 1;
        ++loads[ring.circle[i].node];
        return ring.circle[i].node;
    }
};

} // namespace peers

#endif
