// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_TRANSFER_HPP
#define FAILOVER_TRANSFER_HPP

#include "shard_map.hpp"
#include <perdure/placement/movement_queue.hpp>
#include <perdure/placement/placement_map.hpp>
#include <perdure/placement/replica_inventory.hpp>

#include <compare>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace failover {

/** The copies that are to be made, as a plan says: each move is begun once, and ticked off when its
 *  copy is there.
 *
 *  A plan is made from who has what: the owners, and the newcomers that have pulled or are pulling.
 *  So when the cluster changes before a plan is done, the next one has only what is still missing.
 */
class transfer {
public:
    /// A copy of a slot for a node, as of a step of the slot's move.
    struct copy {
        node_id to;
        std::size_t slot;
        epoch_number epoch;
        friend auto operator<=>(copy const&, copy const&) = default;
    };

    /// A move of a plan that was begun.
    struct begun {
        copy what;
        node_id from; ///< Whom the plan reads from.
        perdure::danger why;
        std::shared_ptr<perdure::movement_queue> plan;
        std::size_t number; ///< In the plan's list.
    };

    /// Of all plans so far. In the end each planned move was done, or dropped for a newer plan.
    struct counts {
        std::uint64_t planned = 0, done = 0, dropped = 0;
        std::uint64_t failed_tries = 0;
        std::uint64_t twice = 0; ///< Moves of a copy that had been begun or made: never.
        std::uint64_t bytes_planned = 0, bytes_copied = 0;
    };

    /// Replaces the plan by one that leads from what is to `target`. `sizes` of the slots, or none.
    perdure::movement_plan const& plan(perdure::placement_map const& target, shard_map const& map,
                                       std::span<std::uint64_t const> sizes)
    {
        if (queue_) {
            counts_.dropped += waiting();
            queue_->abandon();
        }
        perdure::replica_inventory has(slot_count);
        for (std::uint32_t s = 0; s != slot_count; ++s)
            for (node_id const n : map.slots[s].owners)
                has.add(s, std::to_string(n));
        // A newcomer counts as an owner only once its slot is switched.
        for (auto const* copies : {&made_, &under_way_})
            for (copy const& c : *copies)
                if (map.slots[c.slot].epoch == c.epoch)
                    has.begin(static_cast<std::uint32_t>(c.slot), std::to_string(c.to));
        // No limits: a node pulls one batch after the other anyway (coordinator.hpp).
        queue_ = std::make_shared<perdure::movement_queue>(plan_repair(target, has, sizes).missing,
                                                           perdure::movement_limits{0, 0, 0, 0});
        counts_.planned += queue_->plan().moves.size();
        counts_.bytes_planned += queue_->plan().bytes;
        return queue_->plan();
    }

    /// Begins every move that can be begun, the most endangered slots first.
    template <class Can>
    std::vector<begun> start(shard_map const& map, Can can)
    {
        std::vector<begun> started;
        if (!queue_)
            return started;
        std::vector<std::size_t> not_yet;
        while (auto const i = queue_->start()) {
            auto const& m = queue_->plan().moves[*i];
            copy const c{id_of(m.to), m.slot, map.slots[m.slot].epoch};
            if (!can(c)) {
                not_yet.push_back(*i);
                continue;
            }
            counts_.twice += made_.contains(c) || !under_way_.insert(c).second;
            started.push_back({c, id_of(m.from), m.why, queue_, *i});
        }
        for (auto const i : not_yet)
            queue_->finish(i, false);
        return started;
    }

    /// Ticks a move off, or puts it back. False if it is in no plan any more and is needed yet.
    bool finish(begun const& move, bool done, shard_map const& map)
    {
        under_way_.erase(move.what);
        move.plan->finish(move.number, done);
        if (done) {
            ++counts_.done;
            made_.insert(move.what);
            return true;
        }
        ++counts_.failed_tries;
        if (move.plan == queue_)
            return true;
        ++counts_.dropped;
        return map.slots[move.what.slot].epoch != move.what.epoch;
    }

    void copied(std::uint64_t bytes) noexcept { counts_.bytes_copied += bytes; }

    /// Whether a copy was made.
    bool made(copy const& c) const { return made_.contains(c); }

    /// Forgets the copies of slots that have gone on since.
    void forget_old(shard_map const& map)
    {
        std::erase_if(made_, [&](copy const& c) { return c.epoch != map.slots[c.slot].epoch; });
    }

    counts const& totals() const noexcept { return counts_; }

    /// Moves that no pull has been begun for.
    std::size_t waiting() const
    {
        return queue_
                   ? queue_->plan().moves.size() - queue_->done_count() - queue_->under_way_count()
                   : 0;
    }
    /// Nothing is left to do, and each move was done once or dropped for a newer plan.
    bool adds_up() const
    {
        return waiting() == 0 && under_way_.empty() && counts_.twice == 0 &&
               counts_.planned == counts_.done + counts_.dropped;
    }

    /// The totals on one line.
    std::string text() const
    {
        auto const n = [](std::uint64_t v) { return std::to_string(v); };
        auto const megabytes = [](std::uint64_t bytes) {
            char text[32];
            std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
            return std::string(text);
        };
        return n(counts_.planned) + " planned, " + megabytes(counts_.bytes_planned) + "; " +
               n(counts_.done) + " done, " + megabytes(counts_.bytes_copied) + " copied; " +
               n(counts_.dropped) + " dropped for a newer plan, " + n(counts_.failed_tries) +
               " tries failed, " + n(counts_.twice) + " made twice";
    }

private:
    node_id id_of(perdure::node_index n) const
    {
        return static_cast<node_id>(std::stoul(queue_->plan().nodes[n].name));
    }

    std::shared_ptr<perdure::movement_queue> queue_; ///< Pulls that outlive their plan share it.
    std::set<copy> made_, under_way_;
    counts counts_;
};

} // namespace failover

#endif
