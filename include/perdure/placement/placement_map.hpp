// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_PLACEMENT_MAP_HPP
#define PERDURE_PLACEMENT_PLACEMENT_MAP_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/hash.hpp>
#include <perdure/placement/cluster_node.hpp>
#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/detail/best_owners.hpp>
#include <perdure/placement/detail/check_node.hpp>
#include <perdure/placement/detail/choose_owners.hpp>
#include <perdure/placement/detail/copyset_table.hpp>
#include <perdure/placement/detail/draw.hpp>
#include <perdure/placement/detail/place_tree.hpp>
#include <perdure/placement/placement_rules.hpp>
#include <perdure/placement/placement_spec.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure {

/// A node_index as the table of a placement_map holds it.
using owner_index = std::uint16_t;
/// Stands for an owner where there is none.
inline constexpr owner_index no_owner = 0xffff;

/** Which nodes own each slot of the keys, under rules, as a versioned value.
 *
 *  Keys fall into slots, a slot has `copies` owners on distinct nodes within the rules' limits, the
 *  primary first. Owners follow from the nodes that are there, their weights and states, the rules
 *  and the pinned slots, never from how these came about; so processes exchange spec(), a few bytes
 *  a node, and agree.
 *
 *  @par Mapping     docs/formats/placement.md states it as a format. Every pair of slot and node
 *                   draws a time, the earlier the heavier the node (weighted rendezvous hashing);
 *                   a slot goes to the earliest nodes that fit the limits.
 *  @par Promises    While the limits that can be kept stay the same, a node that joins takes one
 *                   copy of some slots and nothing else moves; a node that leaves, drains or goes
 *                   down gives its copies, one each, and nothing else moves; a weight that changes
 *                   moves copies only to or from its node. (With a scatter_width more moves: whole
 *                   copysets change. Plans count it.)
 *  @par Epoch       Grows by one with every change; the token that fences requests made under an
 *                   older map (epoch_fence.hpp).
 *  @par Too few     With fewer nodes, zones, racks or hosts than the rules need, a map is made all
 *                   the same, and limits() and survival (survival.hpp) say what of it is kept.
 *  @par Index       A node keeps its index while it is in the map; later nodes reuse it.
 *  @par Complexity  owners: O(1), about a nanosecond. A change: O(slots) and for a node that leaves
 *                   O(slots * copies) draws; where the kept limits change, or with a scatter_width,
 *                   O(slots * nodes). Memory: 8 bytes a slot for up to four copies.
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 *
 *  A change that throws leaves the map as it was.
 */
class placement_map {
public:
    static constexpr std::size_t nodes_max = 65535; ///< how many nodes a map may have

    /// Throws std::invalid_argument if the rules are none, and as join does.
    explicit placement_map(placement_rules const& rules = {},
                           std::span<cluster_node const> nodes = {})
    {
        check(rules);
        rules_ = rules;
        for (auto const& n : nodes)
            put(n);
        refresh(change::all);
    }

    /// From what another map's spec() gave, or decode_placement. Throws std::invalid_argument as
    /// the constructor from nodes and as pin does, and if the result has another fingerprint.
    explicit placement_map(placement_spec const& spec) : placement_map(spec.rules, spec.nodes)
    {
        epoch_ = spec.epoch;
        for (auto const& p : spec.pins)
            put_pin(p.slot, p.owners);
        count();
        if (spec.fingerprint && *spec.fingerprint != fingerprint())
            detail::throw_bad_value("placement_map", "the fingerprint",
                                    std::to_string(*spec.fingerprint),
                                    "these nodes and rules give another one");
    }

    // Changes. Each makes the epoch grow by one.

    /// Adds a node. Throws std::invalid_argument if its name is empty, longer than 255 bytes or
    /// there already, a place is longer than 255 bytes, its weight is not from 1e-9 to 1e18, or
    /// there are nodes_max nodes.
    node_index join(cluster_node node)
    {
        auto changed = *this;
        auto const index = changed.put(std::move(node));
        changed.refresh(may_own(changed.node(index).state) ? change::gained : change::none, index);
        take(std::move(changed));
        return index;
    }

    /// Takes a node out, and out of the pinned slots too. False if it is not here.
    bool leave(std::string_view name)
    {
        auto const index = index_of(name);
        if (index == no_node)
            return false;
        auto changed = *this;
        auto& e = changed.entries_[index];
        bool const counted = may_own(e.node.state) || e.copies != 0; // a pin may be all it has
        for (auto p = changed.pins_.begin(); p != changed.pins_.end();) {
            std::erase(p->second, static_cast<owner_index>(index));
            p = p->second.empty() ? changed.pins_.erase(p) : std::next(p);
        }
        e = {};
        std::erase(changed.by_name_, static_cast<owner_index>(index));
        changed.refresh(counted ? change::lost : change::none, index);
        take(std::move(changed));
        return true;
    }

    /// Gives a node another weight. False if it is not here. Throws as join does.
    bool set_weight(std::string_view name, double weight)
    {
        auto const index = index_of(name);
        if (index == no_node)
            return false;
        detail::check_node_weight(name, weight);
        auto changed = *this;
        auto& n = changed.entries_[index].node;
        auto const kind = !may_own(n.state) || weight == n.weight ? change::none
                          : weight > n.weight                     ? change::heavier
                                                                  : change::lost;
        n.weight = weight;
        changed.refresh(kind, index);
        take(std::move(changed));
        return true;
    }

    /// Gives a node another state. False if it is not here.
    bool set_state(std::string_view name, node_state state)
    {
        auto const index = index_of(name);
        if (index == no_node)
            return false;
        auto changed = *this;
        auto& n = changed.entries_[index].node;
        bool const before = may_own(n.state), after = may_own(state);
        n.state = state;
        changed.refresh(before == after ? change::none
                        : after         ? change::gained
                                        : change::lost,
                        index);
        take(std::move(changed));
        return true;
    }

    /// Other rules. The number of slots may change only while no slot is pinned; std::invalid_argument
    /// otherwise, and if the rules are none.
    void set_rules(placement_rules const& rules)
    {
        check(rules);
        if (rules.slots != rules_.slots && !pins_.empty())
            detail::throw_bad_value("placement_map", "slots", std::to_string(rules.slots),
                                    "it cannot change while slots are pinned");
        auto changed = *this;
        changed.rules_ = rules;
        for (auto& e : changed.entries_)
            e.seed = hash_key(e.node.name, rules.seed);
        changed.refresh(change::all);
        take(std::move(changed));
    }

    /// Decides a slot's owners by hand, whatever the rules say. Throws std::invalid_argument if
    /// there is no such slot or node, a node twice, none, or more than copies.
    void pin(std::uint32_t slot, std::vector<std::string> const& owners)
    {
        auto changed = *this;
        changed.put_pin(slot, owners);
        changed.count();
        take(std::move(changed));
    }

    /// Lets the rules decide again. False if the slot was not pinned.
    bool unpin(std::uint32_t slot)
    {
        if (!pins_.contains(slot))
            return false;
        auto changed = *this;
        changed.pins_.erase(slot);
        changed.compile();
        changed.fill(slot);
        changed.count();
        take(std::move(changed));
        return true;
    }

    /** Pins every slot whose owners differ from `before` to its owners there, as far as they are
     *  still here: the data have not moved yet. unpin each slot when its copies have arrived.
     *  Throws std::invalid_argument if `before` has another number of slots.
     */
    void hold(placement_map const& before)
    {
        if (before.slots() != slots())
            detail::throw_bad_value("placement_map", "slots", std::to_string(before.slots()),
                                    "to hold slots both maps must have the same number of them");
        auto changed = *this;
        for (std::uint32_t s = 0; s != slots(); ++s) {
            std::vector<std::string> owners;
            for (auto o : before.owners(s))
                if (contains(before.node(o).name) && owners.size() != rules_.copies)
                    owners.push_back(before.node(o).name);
            auto const now = this->owners(s);
            if (!owners.empty() &&
                !std::equal(now.begin(), now.end(), owners.begin(), owners.end(),
                            [&](owner_index o, std::string const& n) { return node(o).name == n; }))
                changed.put_pin(s, owners);
        }
        changed.count();
        take(std::move(changed));
    }

    // Queries.

    /// Grows by one with every change; 0 for a map made from nodes.
    std::uint64_t epoch() const noexcept { return epoch_; }
    /// As they were given.
    placement_rules const& rules() const noexcept { return rules_; }
    /// What of the rules is kept with the nodes that may own; equal for every slot not pinned.
    placement_limits const& limits() const noexcept { return limits_; }
    /// How many slots there are.
    std::uint32_t slots() const noexcept { return rules_.slots; }

    /// The slot of a key: the top bits of its hash under the rules' seed, or of a key_hash itself.
    template <class Key>
    std::uint32_t slot_of(Key const& key) const noexcept
    {
        if constexpr (std::same_as<Key, key_hash>)
            return static_cast<std::uint32_t>(key.value >> shift_);
        else
            return static_cast<std::uint32_t>(hash_key(key, rules_.seed) >> shift_);
    }

    /// A slot's owners, the primary first; valid until the map changes. Precondition: slot <
    /// slots().
    std::span<owner_index const> owners(std::uint32_t slot) const noexcept
    {
        auto const* const row = table_.data() + std::size_t{slot} * stride_;
        std::size_t count = rules_.copies;
        while (count != 0 && row[count - 1] == no_owner)
            --count;
        return {row, count};
    }
    /// The owners of a key's slot, the primary first; valid until the map changes.
    template <class Key>
    std::span<owner_index const> owners_for(Key const& key) const noexcept
    {
        return owners(slot_of(key));
    }
    /// The slot's first owner, or no_node.
    node_index primary(std::uint32_t slot) const noexcept
    {
        auto const o = table_[std::size_t{slot} * stride_];
        return o == no_owner ? no_node : o;
    }

    std::size_t size() const noexcept { return by_name_.size(); }
    bool empty() const noexcept { return by_name_.empty(); }
    /// One more than the largest index in use.
    std::size_t index_bound() const noexcept { return entries_.size(); }
    /// Whether an index below index_bound() belongs to a node.
    bool in_use(node_index i) const noexcept { return !entries_[i].node.name.empty(); }
    /// Precondition: `i` is the index of a node that is here.
    cluster_node const& node(node_index i) const noexcept { return entries_[i].node; }
    /// How many slots have a copy on a node.
    std::uint32_t copies_on(node_index i) const noexcept { return entries_[i].copies; }
    /// A node's zone as a number: equal ones are one zone. So for racks and hosts.
    std::uint32_t zone_of(node_index i) const noexcept { return entries_[i].where.zone; }
    /// A node's rack as a number: equal ones are one rack.
    std::uint32_t rack_of(node_index i) const noexcept { return entries_[i].where.rack; }
    /// A node's host as a number: equal ones are one host.
    std::uint32_t host_of(node_index i) const noexcept { return entries_[i].where.host; }

    /// The index of a node, or no_node. O(log size()).
    node_index index_of(std::string_view name) const noexcept
    {
        auto const i = lower_bound(name);
        return i != by_name_.end() && node(*i).name == name ? *i : no_node;
    }
    /// Whether there is a node of this name. O(log size()).
    bool contains(std::string_view name) const noexcept { return index_of(name) != no_node; }
    /// The indexes of all nodes in the order of their names.
    std::vector<owner_index> const& indexes() const noexcept { return by_name_; }

    /// Whether a slot's owners were decided by hand or are held. O(log pinned_count()).
    bool pinned(std::uint32_t slot) const noexcept { return pins_.contains(slot); }
    /// How many slots are pinned.
    std::size_t pinned_count() const noexcept { return pins_.size(); }

    /// All that this map follows from, to be exchanged or kept; O(slots + nodes).
    placement_spec spec() const
    {
        placement_spec s;
        s.epoch = epoch_;
        s.rules = rules_;
        for (auto i : by_name_)
            s.nodes.push_back(node(i));
        for (auto const& [slot, owners] : pins_) {
            pinned_slot p{slot, {}};
            for (auto o : owners)
                p.owners.push_back(node(o).name);
            s.pins.push_back(std::move(p));
        }
        s.fingerprint = fingerprint();
        return s;
    }

    /// One number that is equal where every slot has the same owners in the same order; the epoch
    /// and what leads to the owners do not count. O(slots).
    std::uint64_t fingerprint() const
    {
        std::vector<owner_index> rank(entries_.size());
        for (std::size_t i = 0; i != by_name_.size(); ++i)
            rank[by_name_[i]] = static_cast<owner_index>(i);
        std::vector<std::byte> bytes(std::size_t{slots()} * rules_.copies * 2);
        auto* to = bytes.data();
        for (std::size_t row = 0; row != table_.size(); row += stride_)
            for (std::size_t i = 0; i != rules_.copies; ++i, to += 2) {
                auto const o = table_[row + i];
                store_little<std::uint16_t>(to, o == no_owner ? no_owner : rank[o]);
            }
        std::uint64_t seed = hash_key(slots());
        for (auto i : by_name_)
            seed = hash_key(node(i).name, seed);
        return xxh3_64(bytes.data(), bytes.size(), seed);
    }

    /// Equal epochs, rules, nodes and pinned slots; so equal owners, too.
    friend bool operator==(placement_map const& a, placement_map const& b)
    {
        return a.epoch_ == b.epoch_ && a.spec() == b.spec();
    }

    /// Bytes that a lookup reads.
    std::size_t table_memory() const noexcept { return table_.size() * sizeof(table_[0]); }

    /// The table itself, for what walks all of it: row s holds the owners of slot s, then no_owner.
    std::span<owner_index const> table() const noexcept { return table_; }
    /// How many entries of table() a slot has.
    std::size_t table_stride() const noexcept { return stride_; }

private:
    struct entry {
        cluster_node node{};
        std::uint64_t seed = 0;
        detail::place where{};
        std::uint32_t copies = 0;
    };
    enum class change { none, gained, lost, heavier, all };

    std::vector<owner_index>::const_iterator lower_bound(std::string_view name) const noexcept
    {
        return std::lower_bound(
            by_name_.begin(), by_name_.end(), name,
            [&](owner_index i, std::string_view n) { return node(i).name < n; });
    }

    node_index put(cluster_node node)
    {
        detail::check_node(node);
        auto const at = lower_bound(node.name);
        if (at != by_name_.end() && this->node(*at).name == node.name)
            detail::throw_bad_value("placement_map", "node", "'" + node.name + "'",
                                    "it is there already, and each may be added once");
        if (size() == nodes_max)
            detail::throw_bad_value("placement_map", "the number of nodes",
                                    std::to_string(size() + 1), "it must be at most 65535");
        std::size_t index = 0;
        while (index != entries_.size() && in_use(static_cast<node_index>(index)))
            ++index;
        if (size() == entries_.size())
            index = entries_.size();
        by_name_.insert(at, static_cast<owner_index>(index));
        if (index == entries_.size())
            entries_.push_back({});
        entries_[index].seed = hash_key(node.name, rules_.seed);
        entries_[index].node = std::move(node);
        return static_cast<node_index>(index);
    }

    void put_pin(std::uint32_t slot, std::vector<std::string> const& owners)
    {
        if (slot >= slots())
            detail::throw_bad_value("placement_map", "slot", std::to_string(slot),
                                    "it must be below the number of slots");
        if (owners.empty() || owners.size() > rules_.copies)
            detail::throw_bad_value("placement_map", "the number of owners",
                                    std::to_string(owners.size()), "it must be from 1 to copies");
        std::vector<owner_index> indexes;
        for (auto const& name : owners) {
            auto const i = index_of(name);
            if (i == no_node)
                detail::throw_bad_value("placement_map", "owner", "'" + name + "'",
                                        "there is no such node");
            if (std::find(indexes.begin(), indexes.end(), i) != indexes.end())
                detail::throw_bad_value("placement_map", "owner", "'" + name + "'",
                                        "an owner may be named once");
            indexes.push_back(static_cast<owner_index>(i));
        }
        put_row(slot, indexes);
        pins_[slot] = std::move(indexes);
    }

    void take(placement_map changed)
    {
        ++changed.epoch_;
        *this = std::move(changed);
    }

    void put_row(std::uint32_t slot, std::vector<owner_index> const& owners)
    {
        auto* const row = table_.data() + std::size_t{slot} * stride_;
        std::fill(row, row + stride_, no_owner);
        std::copy(owners.begin(), owners.end(), row);
    }

    /// Brings places, contenders and limits up to date; whether the limits are others than before.
    bool compile()
    {
        detail::place_numbers numbers;
        contenders_.clear();
        std::vector<detail::place> places;
        for (auto i : by_name_) {
            auto& e = entries_[i];
            e.where = numbers.of(e.node);
            if (!may_own(e.node.state))
                continue;
            contenders_.push_back(
                {e.seed, e.node.weight, detail::draw_bound / e.node.weight, i, e.where});
            places.push_back(e.where);
        }
        auto const limits = detail::limits_for(places, rules_);
        bool const others = !(limits == limits_);
        limits_ = limits;
        sets_.clear();
        if (rules_.scatter_width != 0 && limits_.copies > 1)
            sets_ = detail::copyset_table(contenders_, limits_, rules_.scatter_width).sets();
        return others;
    }

    void refresh(change kind, node_index index = no_node)
    {
        shift_ = 64 - std::countr_zero(rules_.slots);
        auto const stride = std::size_t{rules_.copies + 3} / 4 * 4;
        if (stride != stride_ || table_.size() != slots() * stride) {
            kind = change::all;
            stride_ = stride;
            table_.assign(slots() * stride, no_owner);
        }
        auto const before = limits_;
        if (compile() && (kind != change::none || !(before == limits_)))
            kind = change::all;
        auto wanted = detail::wanted_limits(rules_);
        wanted.copies = limits_.copies;
        if (kind != change::none && (!sets_.empty() || !(wanted == limits_)))
            kind = change::all;
        auto const lost = static_cast<owner_index>(index);
        switch (kind) {
        case change::none:
            break;
        case change::all:
            for (std::uint32_t s = 0; s != slots(); ++s)
                fill(s);
            break;
        case change::lost:
            for (std::uint32_t s = 0; s != slots(); ++s) {
                auto const* const row = table_.data() + s * stride_;
                if (std::find(row, row + rules_.copies, lost) != row + rules_.copies)
                    fill(s);
            }
            break;
        case change::gained:
        case change::heavier:
            offer_to_all(index);
            break;
        }
        for (auto const& [slot, owners] : pins_)
            put_row(slot, owners);
        count();
    }

    auto earlier() const noexcept
    {
        return [this](detail::candidate const& a, detail::candidate const& b) {
            return a.time != b.time ? a.time < b.time
                                    : a.node != b.node && node(a.node).name < node(b.node).name;
        };
    }
    /// Lets the rules choose a slot's owners.
    void fill(std::uint32_t slot)
    {
        auto* const row = table_.data() + std::size_t{slot} * stride_;
        std::fill(row, row + stride_, no_owner);
        auto wanted = detail::wanted_limits(rules_);
        wanted.copies = limits_.copies;
        if (sets_.empty()) {
            detail::best_owners best(wanted, earlier());
            detail::choose_owners(best, slot, contenders_, wanted, limits_);
            write(row, best);
        } else {
            detail::best_owners best(limits_, earlier()); // the sets have been chosen so
            detail::choose_set(best, slot, contenders_, sets_);
            write(row, best);
        }
    }

    /// A node is new, or weighs more: where it is early enough it takes the place of one owner.
    void offer_to_all(node_index index)
    {
        auto const self = *std::find_if(contenders_.begin(), contenders_.end(),
                                        [&](auto const& c) { return c.node == index; });
        auto const own = static_cast<owner_index>(index);
        for (std::uint32_t s = 0; s != slots(); ++s) {
            if (pins_.contains(s)) {
                fill(s); // what is under the pin is not in the table
                continue;
            }
            auto* const row = table_.data() + s * stride_;
            auto const drawn = hash_key(std::uint64_t{s}, self.seed);
            detail::best_owners best(limits_, earlier());
            for (std::size_t i = 0; i != limits_.copies && row[i] != no_owner; ++i) {
                auto const& e = entries_[row[i]];
                if (row[i] != own)
                    best.offer({detail::draw_time(hash_key(std::uint64_t{s}, e.seed), e.node.weight),
                                row[i], e.where});
            }
            if (detail::hopeless(drawn, self.quick, best.cutoff()))
                continue;
            best.offer({detail::draw_time(drawn, self.weight), index, self.where});
            write(row, best);
        }
    }

    template <class Best>
    static void write(owner_index* row, Best& best) noexcept
    {
        for (std::size_t i = 0, n = best.finish(); i != n; ++i)
            row[i] = static_cast<owner_index>(best.owner(i));
    }

    void count()
    {
        std::vector<std::uint32_t> copies(std::size_t{no_owner} + 1);
        for (auto o : table_)
            ++copies[o];
        for (std::size_t i = 0; i != entries_.size(); ++i)
            entries_[i].copies = copies[i];
    }

    std::uint64_t epoch_ = 0;
    placement_rules rules_;
    placement_limits limits_;
    int shift_ = 50;
    std::size_t stride_ = 4;
    std::vector<owner_index> table_;
    std::vector<entry> entries_;
    std::vector<owner_index> by_name_;
    std::map<std::uint32_t, std::vector<owner_index>> pins_;
    std::vector<detail::contender> contenders_; // in the order of their names
    std::vector<detail::copyset_table::set> sets_;
};

} // namespace perdure

#endif
