// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_COORDINATOR_HPP
#define FAILOVER_COORDINATOR_HPP

#include "messages.hpp"
#include "quorum_client.hpp"
#include "rpc.hpp"
#include "shard_map.hpp"
#include "transfer.hpp"
#include <perdure/placement/movement_plan.hpp>
#include <perdure/placement/placement_map.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace failover {

struct coordinator_options {
    bool repair = true; ///< False is a planted bug of the simulation.
    std::chrono::milliseconds adopt_timeout{1000};
    std::chrono::milliseconds pull_timeout{15000};
    std::chrono::milliseconds retry_pause{100};
};

/** Decides who owns what: the one process that changes the map.
 *
 *  It is told which nodes are up (from a failure detector), lets a placement_map say who should own
 *  each slot, plans the copies that this takes, and carries the plan out move by move (transfer.hpp),
 *  by the steps of shard_map.hpp. It is not replicated: while it is down the map stands still, and
 *  reads and writes go on.
 *
 *  Reconciliation is one loop: compare what is with what should be, take each step that is possible
 *  now, wait for something to change. A step that fails is simply still due at the next turn.
 */
template <class World>
class coordinator : public std::enable_shared_from_this<coordinator<World>> {
public:
    using map_pointer = std::shared_ptr<shard_map const>;

    struct events {
        std::function<void(map_pointer)> published = [](auto const&) {};
        std::function<void(std::string const&)> tells = [](auto const&) {};
        /// The bytes of each slot, for plans; or none.
        std::function<std::vector<std::uint64_t>()> sizes = [] {
            return std::vector<std::uint64_t>();
        };
    };

    coordinator(peers<World>& nodes, coordinator_options options, events listener)
        : nodes_(nodes), options_(options), on_(std::move(listener)), wake_(nodes.world())
    {
    }

    /// Adds a node to those that own slots while they are up.
    void add(node_id id)
    {
        members_[id];
        members_changed();
    }

    void node_is_up(node_id id)
    {
        auto& m = members_.at(id);
        m.up = true;
        m.needs_repair = true; // It may have missed writes while it was away.
        m.known = 0;
        members_changed();
    }

    void node_is_down(node_id id)
    {
        members_.at(id).up = false;
        members_changed();
    }

    map_pointer map() const { return published_; }

    /// True when every slot is where the placement wants it and no node waits for repair.
    bool settled() const
    {
        return published_ && moving_slots() == 0 && unfenced_.empty() &&
               !anybody([](member const& m) { return m.up && (m.needs_repair || m.busy); });
    }

    std::size_t moving_slots() const
    {
        return static_cast<std::size_t>(std::count_if(map_.slots.begin(), map_.slots.end(),
                                                      [](slot const& s) { return s.moving(); }));
    }

    /// Asks every node to compare itself with the others once more.
    void repair_all()
    {
        for (auto& [id, m] : members_)
            m.needs_repair = true;
        wake_.cancel();
    }

    asio::awaitable<void> run()
    {
        auto const self = this->shared_from_this();
        while (!stopped_) {
            plan();
            co_await install();
            start_pulls();
            switch_slots();
            publish();
            if (changed_) {
                changed_ = false;
                continue;
            }
            wake_.expires_after(options_.retry_pause);
            co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
        }
    }

    void stop()
    {
        stopped_ = true;
        wake_.cancel();
    }

    /// What was planned, and what came of it.
    transfer const& moves() const noexcept { return transfer_; }

private:
    struct member {
        bool up = false;
        bool needs_repair = false;
        bool busy = false;      ///< A pull of this node is under way.
        epoch_number known = 0; ///< The newest map epoch that it has on disk, as far as we know.
    };

    struct pull {
        pull_request request;
        std::vector<transfer::begun> moves; ///< Of the plan; a repair is none.
    };
    using pulls = std::map<std::pair<perdure::danger, std::vector<node_id>>, pull>;

    bool anybody(auto condition) const
    {
        return std::any_of(members_.begin(), members_.end(),
                           [&](auto const& m) { return condition(m.second); });
    }

    bool is_up(node_id id) const
    {
        auto const found = members_.find(id);
        return found != members_.end() && found->second.up;
    }

    /// Brings the placement up to date with who is up.
    void members_changed()
    {
        for (auto const& [id, m] : members_) {
            auto const name = std::to_string(id);
            auto const state = m.up ? perdure::node_state::up : perdure::node_state::down;
            auto const known = target_.index_of(name);
            if (known == perdure::no_node)
                target_.join({.name = name,
                              .zone = {},
                              .rack = {},
                              .host = {},
                              .weight = 1,
                              .state = state});
            else if (target_.node(known).state != state)
                target_.set_state(name, state);
        }
        replan_ = true;
        changed_ = true;
        wake_.cancel();
    }

    static perdure::placement_rules rules()
    {
        perdure::placement_rules r;
        r.copies = copies;
        r.slots = slot_count;
        return r;
    }

    std::vector<node_id> wanted_owners(std::size_t number) const
    {
        std::vector<node_id> owners;
        for (auto o : target_.owners(static_cast<std::uint32_t>(number)))
            owners.push_back(static_cast<node_id>(std::stoul(target_.node(o).name)));
        return owners;
    }

    // 1. What should be: marks slots as moving where the placement wants other owners, and plans the copies that are
    // missing for it.
    void plan()
    {
        if (target_.limits().copies < copies)
            return;
        std::size_t changes = 0;
        for (std::size_t i = 0; i != slot_count; ++i) {
            slot& s = map_.slots[i];
            if (unfenced_.contains(i))
                continue;
            auto const want = wanted_owners(i);
            if (s.owners
                    .empty()) { // The first map: nothing is stored yet, so nothing needs to move.
                s = {map_.epoch + 1, want, {}};
                ++changes;
            } else if (same_set(want, s.owners)) {
                if (s.moving()) {
                    s.incoming.clear();
                    s.epoch = map_.epoch + 1;
                    ++changes;
                }
            } else if (!same_set(want, s.incoming)) {
                s.incoming = want;
                s.epoch = map_.epoch + 1;
                ++changes;
            }
        }
        if (changes != 0) {
            ++map_.epoch;
            on_.tells("map " + std::to_string(map_.epoch) + ": " + std::to_string(changes) +
                      " of " + std::to_string(slot_count) + " slots change hands");
        }
        if (std::exchange(replan_, false))
            tell(transfer_.plan(target_, map_, on_.sizes()));
    }

    void tell(perdure::movement_plan const& plan)
    {
        if (plan.moves.empty())
            return;
        auto const missing = std::count_if(plan.moves.begin(), plan.moves.end(), [](auto const& m) {
            return m.why < perdure::danger::misplaced;
        });
        on_.tells("plan for placement " + std::to_string(plan.epoch_after) + ": " +
                  std::to_string(plan.moves.size()) + " copies to make, " +
                  std::to_string(missing) + " of them because one is missing; " +
                  std::to_string(plan.bytes / 1000000) + " MB");
    }

    // 2. Gives the newest map to every node that is up and does not know it. All at once; the slowest decides.
    asio::awaitable<void> install()
    {
        auto const pending = std::make_shared<std::size_t>(0);
        auto const done = std::make_shared<typename World::timer>(nodes_.world());
        bytes const message = encode(adopt_request{map_});
        for (auto const& [id, m] : members_) {
            if (!m.up || m.known >= map_.epoch)
                continue;
            ++*pending;
            nodes_[id].async_call(message, options_.adopt_timeout,
                                  [self = this->shared_from_this(), pending, done, node = id,
                                   epoch = map_.epoch](error_code ec, bytes body) {
                                      auto const answer = ec ? std::nullopt : decode_reply(body);
                                      if (answer && answer->status == reply_status::ok)
                                          self->members_.at(node).known =
                                              std::max(self->members_.at(node).known, epoch);
                                      --*pending;
                                      done->cancel();
                                  });
        }
        while (*pending != 0) {
            done->expires_after(std::chrono::hours(1));
            co_await done->async_wait(asio::as_tuple(asio::use_awaitable));
        }
        // A switched slot is fenced once two of its old owners refuse the older epoch.
        std::erase_if(unfenced_, [&](auto const& item) {
            auto const& [number, old_owners] = item;
            return std::count_if(old_owners.begin(), old_owners.end(), [&](node_id n) {
                       return members_.at(n).known >= map_.slots[number].epoch;
                   }) >= static_cast<std::ptrdiff_t>(quorum);
        });
    }

    // 3. Begins the moves of the plan that can be begun, and lets nodes that were away pull what they missed: batch by
    // batch, one at a time for each node.
    void start_pulls()
    {
        std::map<node_id, pulls> work;
        for (auto& move : transfer_.start(map_, [&](auto const& c) { return can_pull(c); })) {
            slot const& s = map_.slots[move.what.slot];
            auto sources = live_owners(s, move.what.to);
            // All are asked for what they have; where they have the same, the first one is read.
            std::stable_partition(sources.begin(), sources.end(),
                                  [&](node_id n) { return n == move.from; });
            auto& [request, moves] = batch(work[move.what.to], move.why, sources);
            request.needed = quorum;
            request.slots.emplace_back(static_cast<std::uint32_t>(move.what.slot), move.what.epoch);
            moves.push_back(std::move(move));
        }
        for (auto& [id, m] : members_) {
            if (!can_work(m))
                continue;
            bool const repairing = options_.repair && m.needs_repair;
            for (std::size_t i = 0; repairing && i != slot_count; ++i) {
                slot const& s = map_.slots[i];
                auto const sources = live_owners(s, id);
                // An owner that lacks an acknowledged write finds it at any other; none: blocked until one is back.
                if (!contains(s.owners, id) || sources.empty())
                    continue;
                auto& request = batch(work[id], danger_of(s), sources).request;
                request.slots.emplace_back(static_cast<std::uint32_t>(i), s.epoch);
            }
            auto const found = work.find(id);
            if (found == work.end()) {
                if (repairing || !options_.repair)
                    m.needs_repair = false;
                continue;
            }
            m.busy = true;
            asio::co_spawn(
                nodes_.world().get_executor(),
                pull_all(this->shared_from_this(), id, std::move(found->second), repairing),
                ignore_lost_connections{});
        }
    }

    bool can_work(member const& m) const noexcept
    {
        return m.up && !m.busy && m.known >= map_.epoch;
    }

    // Two owners know of every acknowledged write, and a newcomer must.
    bool can_pull(transfer::copy const& c) const
    {
        slot const& s = map_.slots[c.slot];
        return can_work(members_.at(c.to)) && contains(s.newcomers(), c.to) &&
               live_owners(s, c.to).size() >= quorum;
    }

    std::vector<node_id> live_owners(slot const& s, node_id but) const
    {
        auto live = s.owners;
        std::erase_if(live, [&](node_id n) { return n == but || !is_up(n); });
        return live;
    }

    // What has lost a copy comes before what only moves.
    perdure::danger danger_of(slot const& s) const
    {
        auto const live =
            std::count_if(s.owners.begin(), s.owners.end(), [&](node_id n) { return is_up(n); });
        return perdure::danger_of(static_cast<std::uint32_t>(live), 0, copies);
    }

    static pull& batch(pulls& all, perdure::danger why, std::vector<node_id> const& sources)
    {
        return all.try_emplace({why, sources}, pull{{{}, sources, 1}, {}}).first->second;
    }

    asio::awaitable<void> pull_all(std::shared_ptr<coordinator> /*keeps this alive*/, node_id id,
                                   pulls all, bool repairing)
    {
        std::uint64_t copied = 0;
        bool all_done = true;
        for (auto const& [why_and_sources, part] : all) {
            reply answer;
            try {
                bytes message = encode(request(part.request));
                auto const body =
                    co_await nodes_[id].call_and_wait(std::move(message), options_.pull_timeout);
                if (auto decoded = decode_reply(body))
                    answer = std::move(*decoded);
            } catch (boost::system::system_error const&) {
            }
            copied += answer.count;
            if (!part.moves.empty())
                transfer_.copied(answer.bytes);
            bool const done = answer.status == reply_status::ok;
            for (auto const& move : part.moves)
                replan_ |= !transfer_.finish(move, done, map_);
            changed_ |= done;
            all_done &= done;
        }
        auto& m = members_.at(id);
        m.busy = false;
        if (repairing && all_done)
            m.needs_repair = false;
        if (copied != 0)
            on_.tells("process " + std::to_string(id) + " pulled " + std::to_string(copied) +
                      " values that it lacked");
        wake_.cancel();
    }

    // 4. Hands over each moving slot whose newcomers have all caught up.
    void switch_slots()
    {
        std::size_t switched = 0;
        for (std::size_t i = 0; i != slot_count; ++i) {
            slot& s = map_.slots[i];
            if (!s.moving())
                continue;
            auto const newcomers = s.newcomers();
            if (!std::all_of(newcomers.begin(), newcomers.end(), [&](node_id n) {
                    return transfer_.made({n, i, s.epoch});
                }))
                continue;
            unfenced_[i] = s.owners;
            s.owners = std::exchange(s.incoming, {});
            s.epoch = map_.epoch + 1;
            ++switched;
        }
        if (switched != 0) {
            ++map_.epoch;
            transfer_.forget_old(map_);
            changed_ = true;
            if (moving_slots() == 0)
                on_.tells("map " + std::to_string(map_.epoch) + ": every slot has its new owners");
        }
    }

    // 5. Clients see a slot's new owners only once its old ones are fenced. Moving slots are always safe to see.
    void publish()
    {
        if (map_.epoch == 0)
            return;
        auto next = published_ ? *published_ : shard_map{};
        for (std::size_t i = 0; i != slot_count; ++i)
            if (!unfenced_.contains(i))
                next.slots[i] = map_.slots[i];
        next.epoch = map_.epoch;
        if (published_ && next == *published_)
            return;
        published_ = std::make_shared<shard_map const>(std::move(next));
        on_.published(published_);
    }

    peers<World>& nodes_;
    coordinator_options options_;
    events on_;
    typename World::timer wake_;
    perdure::placement_map target_{rules()}; ///< Who should own each slot.
    std::map<node_id, member> members_;
    shard_map map_;         ///< What we are working towards, step by step.
    map_pointer published_; ///< What clients use.
    std::map<std::size_t, std::vector<node_id>>
        unfenced_;      ///< Switched slots, and who must still learn of it.
    transfer transfer_; ///< The copies that are made for it.
    bool replan_ = true, changed_ = true, stopped_ = false;
};

} // namespace failover

#endif
