// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_REPLICA_INVENTORY_HPP
#define PERDURE_PLACEMENT_REPLICA_INVENTORY_HPP

#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/detail/plan_builder.hpp>
#include <perdure/placement/movement_plan.hpp>
#include <perdure/placement/placement_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

/** Which node really has a copy of which slot, as nodes report it: what a repair starts from.
 *
 *  A copy is on its way (begin) or there (add). plan_repair compares with a map and says what is
 *  missing.
 *
 *  @par Complexity  O(copies of the slot) and O(log nodes) for a name. 8 bytes a copy.
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 */
class replica_inventory {
public:
    explicit replica_inventory(std::uint32_t slots) : held_(slots) {}

    /// As if every owner of a map that can be read had its copies.
    explicit replica_inventory(placement_map const& map) : held_(map.slots())
    {
        for (std::uint32_t s = 0; s != map.slots(); ++s)
            for (auto o : map.owners(s))
                if (may_be_read(map.node(o).state))
                    add(s, map.node(o).name);
    }

    /// How many slots the map has that it was made for.
    std::uint32_t slots() const noexcept { return static_cast<std::uint32_t>(held_.size()); }

    // Each throws std::invalid_argument if there is no such slot. Reporting a thing twice is harmless.

    /// The node has a copy.
    void add(std::uint32_t slot, std::string_view node) { put(slot, node, true); }
    /// A copy is on its way to the node. Nothing changes if it is there already.
    void begin(std::uint32_t slot, std::string_view node)
    {
        if (!has(slot, node))
            put(slot, node, false);
    }
    /// The node has no copy, nor is one on its way.
    void remove(std::uint32_t slot, std::string_view node)
    {
        check_slot(slot);
        if (auto const id = find(node); id != none)
            std::erase_if(held_[slot], [&](copy const& c) { return c.node == id; });
    }
    /// The node lost all it had.
    void remove_node(std::string_view node)
    {
        if (auto const id = find(node); id != none)
            for (auto& slot : held_)
                std::erase_if(slot, [&](copy const& c) { return c.node == id; });
    }

    /// Whether the node has a copy. Throws std::invalid_argument if there is no such slot.
    bool has(std::uint32_t slot, std::string_view node) const { return state_of(slot, node) == 2; }
    /// Whether a copy is on its way to the node. Throws std::invalid_argument if there is no such
    /// slot.
    bool on_its_way(std::uint32_t slot, std::string_view node) const
    {
        return state_of(slot, node) == 1;
    }

    /// Calls visit(name, there) for each copy of a slot, there or on its way.
    template <class Visit>
    void for_each(std::uint32_t slot, Visit visit) const
    {
        check_slot(slot);
        for (auto const& c : held_[slot])
            visit(names_[c.node], c.there);
    }

private:
    static constexpr std::uint32_t none = 0xffffffff;
    struct copy {
        std::uint32_t node;
        bool there;
    };

    void check_slot(std::uint32_t slot) const
    {
        if (slot >= held_.size())
            detail::throw_bad_value("replica_inventory", "slot", std::to_string(slot),
                                    "it must be below the number of slots");
    }
    std::uint32_t find(std::string_view node) const
    {
        auto const i = ids_.find(node);
        return i == ids_.end() ? none : i->second;
    }
    int state_of(std::uint32_t slot, std::string_view node) const
    {
        check_slot(slot);
        auto const id = find(node);
        for (auto const& c : held_[slot])
            if (c.node == id)
                return c.there ? 2 : 1;
        return 0;
    }
    void put(std::uint32_t slot, std::string_view node, bool there)
    {
        check_slot(slot);
        auto id = find(node);
        if (id == none) {
            id = static_cast<std::uint32_t>(names_.size());
            names_.emplace_back(node);
            ids_.emplace(node, id);
        }
        for (auto& c : held_[slot])
            if (c.node == id) {
                c.there = there;
                return;
            }
        held_[slot].push_back({id, there});
    }

    std::vector<std::vector<copy>> held_;
    std::vector<std::string> names_;
    std::map<std::string, std::uint32_t, std::less<>> ids_;
};

/// A copy that a node has and is not to have.
struct surplus_copy {
    std::uint32_t slot = 0; ///< of which slot
    std::string node; ///< the name of who has it
    friend bool operator==(surplus_copy const&, surplus_copy const&) = default;
};

/// What to copy so that every slot has its replicas again.
struct repair_plan {
    movement_plan missing; ///< copies to make; what is on its way is not made again
    std::size_t on_their_way = 0; ///< copies that were begun already
    /// Copies that can be dropped: every owner of their slot has its own.
    std::vector<surplus_copy> surplus;
};

/** What is missing between what nodes have and what the map wants, from whom to whom.
 *
 *  Copies on nodes that are up and draining can be read; those on nodes that are down or unknown to
 *  the map cannot. A copy on its way to an owner counts as neither missing nor there. `sizes` as for
 *  plan_movement. Throws std::invalid_argument if the numbers of slots differ, or as plan_movement.
 *  Complexity: O(slots * copies^2 + copies log nodes).
 */
inline repair_plan plan_repair(placement_map const& map, replica_inventory const& inventory,
                               std::span<std::uint64_t const> sizes = {})
{
    using copies_are = detail::plan_builder::copies_are;
    if (inventory.slots() != map.slots())
        detail::throw_bad_value("plan_repair", "slots", std::to_string(inventory.slots()),
                                "map and inventory must have the same number of them");
    detail::check_sizes(sizes, map.slots());
    detail::plan_builder builder(map);
    auto& plan = builder.plan();
    repair_plan result;
    std::vector<copies_are> worth(plan.nodes.size(), copies_are::gone);
    for (auto i : map.indexes()) {
        plan.nodes[i].was_here = true;
        if (map.node(i).state != node_state::down)
            worth[i] =
                map.node(i).state == node_state::draining ? copies_are::draining : copies_are::live;
    }
    // Names are looked up once a slot here and again below; a repair copies data, this is nothing.
    std::vector<std::vector<node_index>> there(map.slots()), coming(map.slots());
    for (std::uint32_t s = 0; s != map.slots(); ++s)
        inventory.for_each(s, [&](std::string const& name, bool is_there) {
            auto const i = map.index_of(name);
            if (i == no_node || worth[i] == copies_are::gone)
                return;
            (is_there ? there : coming)[s].push_back(i);
            ++plan.nodes[i].before;
        });
    builder.begin(std::move(worth), false);
    std::vector<node_index> want;
    for (std::uint32_t s = 0; s != map.slots(); ++s) {
        want.clear();
        bool complete = true;
        for (auto o : map.owners(s)) {
            bool const comes = std::find(coming[s].begin(), coming[s].end(), o) != coming[s].end();
            result.on_their_way += comes;
            if (!comes)
                want.push_back(o);
            complete = complete && std::find(there[s].begin(), there[s].end(), o) != there[s].end();
        }
        // The lists of owners have 16 entries at most; nodes may hold more than that by mistake.
        if (there[s].size() > 32)
            there[s].resize(32);
        builder.slot(s, sizes.empty() ? 0 : sizes[s], sizes.empty() ? 1 : sizes[s], there[s], want);
        if (complete && map.owners(s).size() == map.limits().copies)
            for (auto i : there[s])
                if (auto const owners = map.owners(s);
                    std::find(owners.begin(), owners.end(), i) == owners.end())
                    result.surplus.push_back({s, map.node(i).name});
    }
    result.missing = builder.finish();
    return result;
}

} // namespace perdure

#endif
