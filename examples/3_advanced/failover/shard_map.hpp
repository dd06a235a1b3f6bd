// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_SHARD_MAP_HPP
#define FAILOVER_SHARD_MAP_HPP

#include <perdure/bytes/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

// Who owns what, and how ownership moves without losing a write. docs/concepts.md argues why this suffices.
//
// Keys fall into slots; a perdure::placement_map says who should own each (coordinator.hpp), and this
// map says who does. A slot has three owners; a write is acknowledged when two owners have it on
// disk, and a read asks two owners, so that each read meets each acknowledged write. A slot moves in
// two steps:
//
//   stable   owners = {A,B,C}
//   joint    owners = {A,B,C}, incoming = {A,B,D}    writes need two of each; reads ask the owners;
//                                                    D pulls from two owners that know of this step
//   stable   owners = {A,B,D}                        published once two of {A,B,C} know of it
//
// Each step gives the slot a new epoch, and a process refuses requests for a slot that carry an
// older epoch than it knows.

namespace failover {

using node_id = std::uint32_t;
using epoch_number = std::uint64_t;

/// Heartbeats of other clusters are not ours.
inline constexpr std::uint64_t cluster = 0x6661696c6f766572;

inline constexpr int slot_bits = 10;
inline constexpr std::size_t slot_count = std::size_t{1} << slot_bits;
inline constexpr std::size_t copies = 3;
inline constexpr std::size_t quorum = 2;

inline std::size_t slot_of(std::string_view key) noexcept
{
    return static_cast<std::size_t>(perdure::hash_key(key) >>
                                    (64 - slot_bits)); // as placement_map does
}

inline bool contains(std::vector<node_id> const& nodes, node_id node) noexcept
{
    return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

inline std::size_t count_in(std::vector<node_id> const& some,
                            std::vector<node_id> const& of) noexcept
{
    return static_cast<std::size_t>(
        std::count_if(some.begin(), some.end(), [&](node_id n) { return contains(of, n); }));
}

inline bool same_set(std::vector<node_id> const& a, std::vector<node_id> const& b) noexcept
{
    return a.size() == b.size() && count_in(a, b) == a.size();
}

struct slot {
    epoch_number epoch = 0;        ///< When this slot last changed; requests carry it.
    std::vector<node_id> owners;   ///< Counted for reads and writes.
    std::vector<node_id> incoming; ///< The owners to be, while the slot moves; else empty.

    friend bool operator==(slot const&, slot const&) = default;

    bool moving() const noexcept { return !incoming.empty(); }

    /// Everyone who gets a write.
    std::vector<node_id> write_targets() const
    {
        auto all = owners;
        for (node_id n : incoming)
            if (!contains(all, n))
                all.push_back(n);
        return all;
    }

    bool write_is_acknowledged(std::vector<node_id> const& durable_on) const noexcept
    {
        return count_in(durable_on, owners) >= quorum &&
               (incoming.empty() || count_in(durable_on, incoming) >= quorum);
    }

    /// The owners to be that must pull before they count.
    std::vector<node_id> newcomers() const
    {
        std::vector<node_id> result;
        for (node_id n : incoming)
            if (!contains(owners, n))
                result.push_back(n);
        return result;
    }
};

struct shard_map {
    epoch_number epoch = 0; ///< Of the whole map; grows with every change.
    std::vector<slot> slots{slot_count};

    friend bool operator==(shard_map const&, shard_map const&) = default;

    slot const& of(std::string_view key) const { return slots[slot_of(key)]; }

    /// Takes over each slot that `other` knows more recently.
    void merge(shard_map const& other)
    {
        for (std::size_t i = 0; i != slot_count; ++i)
            if (other.slots[i].epoch > slots[i].epoch)
                slots[i] = other.slots[i];
        epoch = std::max(epoch, other.epoch);
    }
};

/// The share of all copies that a change of the map gave to a node.
inline double share_moved_to(node_id id, shard_map const& before, shard_map const& after)
{
    std::size_t moved = 0, all = 0;
    for (std::size_t i = 0; i != slot_count; ++i) {
        all += after.slots[i].owners.size();
        moved += contains(after.slots[i].owners, id) && !contains(before.slots[i].owners, id);
    }
    return static_cast<double>(moved) / static_cast<double>(all);
}

} // namespace failover

#endif
