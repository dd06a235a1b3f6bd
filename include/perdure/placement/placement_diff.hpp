// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_PLACEMENT_DIFF_HPP
#define PERDURE_PLACEMENT_PLACEMENT_DIFF_HPP

#include <perdure/placement/detail/plan_builder.hpp>
#include <perdure/placement/movement_plan.hpp>
#include <perdure/placement/placement_map.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <iosfwd>
#include <string>
#include <vector>

namespace perdure {

/// A node that is in both maps, and is another.
struct node_change {
    cluster_node before; ///< as it was
    cluster_node after; ///< as it is
    friend bool operator==(node_change const&, node_change const&) = default;
};

/// In what two maps differ.
struct placement_diff {
    std::uint64_t epoch_before = 0; ///< of the map before
    std::uint64_t epoch_after = 0; ///< of the map after
    bool rules_changed = false; ///< whether any rule differs
    std::vector<cluster_node> joined; ///< nodes in the map after only
    std::vector<cluster_node> left; ///< nodes in the map before only
    std::vector<node_change> changed; ///< nodes whose place, weight or state differs
    /// Slots whose owners or their order differ; all of them if the number of slots does.
    std::vector<std::uint32_t> slots;

    bool empty() const noexcept
    {
        return !rules_changed && joined.empty() && left.empty() && changed.empty() && slots.empty();
    }

    /// "epoch 4 -> 5: node-7 joins; node-2 weight 1 -> 2; owners of 31 slots differ"
    std::string text() const
    {
        std::string t =
            "epoch " + std::to_string(epoch_before) + " -> " + std::to_string(epoch_after) + ":";
        auto const add = [&](std::string const& what) {
            t += (t.back() == ':' ? " " : "; ") + what;
        };
        for (auto const& n : joined)
            add(n.name + " joins");
        for (auto const& n : left)
            add(n.name + " leaves");
        for (auto const& c : changed) {
            if (c.before.weight != c.after.weight) {
                char weights[64];
                std::snprintf(weights, sizeof weights, " weight %g -> %g", c.before.weight,
                              c.after.weight);
                add(c.after.name + weights);
            }
            if (c.before.state != c.after.state)
                add(c.after.name + " " + to_string(c.before.state) + " -> " +
                    to_string(c.after.state));
            if (c.before.zone != c.after.zone || c.before.rack != c.after.rack ||
                c.before.host != c.after.host)
                add(c.after.name + " stands elsewhere");
        }
        if (rules_changed)
            add("the rules differ");
        add(slots.empty() ? std::string("all owners are the same")
                          : "owners of " + std::to_string(slots.size()) +
                                (slots.size() == 1 ? " slot differ" : " slots differ"));
        return t;
    }

    /// Writes text().
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        placement_diff const& r)
    {
        return out << r.text();
    }
};

namespace detail {

/// For each index of `before` the position of its node in a plan after `after`: the index there if
/// it is there, else a free one. Whether all are their own.
inline bool match_nodes(placement_map const& before, placement_map const& after,
                        std::vector<node_index>& position)
{
    bool same = true;
    position.assign(before.index_bound(), no_node);
    auto next = static_cast<node_index>(std::max(before.index_bound(), after.index_bound()));
    for (node_index i = 0; i != before.index_bound(); ++i) {
        if (!before.in_use(i))
            continue;
        bool const free = i >= after.index_bound() || !after.in_use(i);
        if (!free && after.node(i).name == before.node(i).name) {
            position[i] = i;
            continue;
        }
        position[i] = after.index_of(before.node(i).name);
        if (position[i] == no_node)
            position[i] = free ? i : next++;
        same = same && position[i] == i;
    }
    return same;
}

/// Calls visit(slot) for every slot whose rows differ. Both have the same slots and strides; `to`
/// translates owners of `before`, or is null where they are the same numbers.
template <class Visit>
void for_each_difference(placement_map const& before, placement_map const& after,
                         node_index const* to, Visit visit)
{
    auto const stride = after.table_stride();
    auto const* a = before.table().data();
    auto const* b = after.table().data();
    if (!to && stride == 4) {
        for (std::uint32_t s = 0; s != after.slots(); ++s, a += 4, b += 4) {
            std::uint64_t x, y;
            std::memcpy(&x, a, 8);
            std::memcpy(&y, b, 8);
            if (x != y) [[unlikely]]
                visit(s);
        }
        return;
    }
    if (stride == 4) {
        // Rows of 64 bits here too, by a table for every owner that there can be.
        std::vector<owner_index> same(std::size_t{no_owner} + 1, no_owner);
        for (node_index i = 0; i != before.index_bound(); ++i)
            same[i] = static_cast<owner_index>(to[i]);
        for (std::uint32_t s = 0; s != after.slots(); ++s, a += 4, b += 4) {
            owner_index const row[] = {same[a[0]], same[a[1]], same[a[2]], same[a[3]]};
            std::uint64_t x, y;
            std::memcpy(&x, row, 8);
            std::memcpy(&y, b, 8);
            if (x != y) [[unlikely]]
                visit(s);
        }
        return;
    }
    for (std::uint32_t s = 0; s != after.slots(); ++s, a += stride, b += stride)
        for (std::size_t i = 0; i != stride; ++i)
            if ((a[i] == no_owner || !to ? a[i] : to[a[i]]) != b[i]) {
                visit(s);
                break;
            }
}

} // namespace detail

/// In what two maps differ; nodes are matched by their names. O(slots * copies + nodes log nodes).
inline placement_diff diff(placement_map const& before, placement_map const& after)
{
    placement_diff d;
    d.epoch_before = before.epoch();
    d.epoch_after = after.epoch();
    d.rules_changed = !(before.rules() == after.rules());
    for (auto i : before.indexes()) {
        auto const j = after.index_of(before.node(i).name);
        if (j == no_node)
            d.left.push_back(before.node(i));
        else if (!(before.node(i) == after.node(j)))
            d.changed.push_back({before.node(i), after.node(j)});
    }
    for (auto i : after.indexes())
        if (!before.contains(after.node(i).name))
            d.joined.push_back(after.node(i));
    std::vector<node_index> to;
    bool const same = detail::match_nodes(before, after, to);
    auto const differs = [&](std::uint32_t s) { d.slots.push_back(s); };
    if (before.slots() != after.slots()) {
        for (std::uint32_t s = 0; s != after.slots(); ++s)
            differs(s);
    } else if (before.table_stride() != after.table_stride()) {
        for (std::uint32_t s = 0; s != after.slots(); ++s) {
            auto const x = before.owners(s);
            auto const y = after.owners(s);
            if (!std::equal(x.begin(), x.end(), y.begin(), y.end(),
                            [&](owner_index i, owner_index j) { return to[i] == j; }))
                differs(s);
        }
    } else {
        detail::for_each_difference(before, after, same ? nullptr : to.data(), differs);
    }
    return d;
}

/** What moves between two maps: every copy that a node is to have and has not, from whom to whom.
 *
 *  What a node has is what it owns in `before`, unless it was joining there; it can be read if in
 *  `after` the node is up or draining. So a join, a changed weight and a drain move copies at leisure; a
 *  node that is down in `after`, or gone, is a failure, whose slots come first. To let a node go
 *  without danger, drain it, run the plan, and only then let it leave.
 *
 *  `sizes`: the bytes of each slot, or none. Throws std::invalid_argument if there is another number
 *  of them than slots, or if the maps have different numbers of slots.
 *  Complexity: O(slots) and O(copies^2) for each slot that differs.
 */
inline movement_plan plan_movement(placement_map const& before, placement_map const& after,
                                   std::span<std::uint64_t const> sizes = {})
{
    using copies_are = detail::plan_builder::copies_are;
    if (before.slots() != after.slots())
        detail::throw_bad_value("plan_movement", "slots", std::to_string(after.slots()),
                                "both maps must have the same number of them");
    detail::check_sizes(sizes, after.slots());
    detail::plan_builder builder(after);
    auto& plan = builder.plan();
    plan.epoch_before = before.epoch();
    std::vector<node_index> to;
    bool const same = detail::match_nodes(before, after, to);
    for (auto i : before.indexes())
        if (!(to[i] < after.index_bound() && after.in_use(to[i])))
            builder.add_stranger(to[i], before.node(i));
    std::vector<copies_are> worth(plan.nodes.size(), copies_are::gone);
    for (auto i : before.indexes()) {
        auto& n = plan.nodes[to[i]];
        n.was_here = true;
        if (!n.is_here)
            continue;
        auto const now = after.node(to[i]).state;
        if (before.node(i).state == node_state::joining && now == node_state::joining)
            n.before = before.copies_on(i); // on their way
        if (before.node(i).state != node_state::joining && may_be_read(now)) {
            n.before = before.copies_on(i);
            worth[to[i]] = now == node_state::up ? copies_are::live : copies_are::draining;
        }
    }
    bool placed = before.limits() == after.limits() && before.pinned_count() == 0;
    for (auto i : before.indexes())
        if (placed && plan.nodes[to[i]].is_here) {
            auto const& a = before.node(i);
            auto const& b = after.node(to[i]);
            placed = a.zone == b.zone && a.rack == b.rack && a.host == b.host;
        }
    builder.begin(std::move(worth), placed);
    std::array<node_index, placement_rules::copies_max> have, want;
    auto const visit = [&](std::uint32_t s) {
        auto const old_owners = before.owners(s);
        auto const new_owners = after.owners(s);
        for (std::size_t i = 0; i != old_owners.size(); ++i)
            have[i] = to[old_owners[i]];
        for (std::size_t i = 0; i != new_owners.size(); ++i)
            want[i] = new_owners[i];
        plan.primaries_moved += old_owners.empty() || new_owners.empty() || have[0] != want[0];
        builder.slot(s, sizes.empty() ? 0 : sizes[s], sizes.empty() ? 1 : sizes[s],
                     {have.data(), old_owners.size()}, {want.data(), new_owners.size()});
    };
    if (before.table_stride() == after.table_stride())
        detail::for_each_difference(before, after, same ? nullptr : to.data(), visit);
    else
        for (std::uint32_t s = 0; s != after.slots(); ++s)
            visit(s);
    return builder.finish();
}

} // namespace perdure

#endif
