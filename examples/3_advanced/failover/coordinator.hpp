// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_COORDINATOR_HPP
#define FAILOVER_COORDINATOR_HPP

#include "messages.hpp"
#include "quorum_client.hpp"
#include "rpc.hpp"
#include "shard_map.hpp"
#include <perdure/placement/movement_plan.hpp>
#include <perdure/placement/placement_diff.hpp>
#include <perdure/placement/placement_map.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
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
 *  each slot, and moves slots there by the steps of shard_map.hpp, those with a copy missing first. It is not replicated: while it is down
 *  the map stands still, and reads and writes go on.
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

    /// Copies that the last plans moved, in slots, and how many slot copies there are.
    std::uint64_t moved_slot_copies() const noexcept { return moved_; }

private:
    struct member {
        bool up = false;
        bool needs_repair = false;
        bool busy = false;      ///< A pull of this node is under way.
        epoch_number known = 0; ///< The newest map epoch that it has on disk, as far as we know.
    };

    using pulls = std::map<std::pair<perdure::danger, std::vector<node_id>>, pull_request>;

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

    /// Brings the placement up to date with who is up, and says what that would move.
    void members_changed()
    {
        auto const before = target_;
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
        if (before.limits().copies == copies && target_.limits().copies == copies) {
            auto const plan = plan_movement(before, target_);
            if (!plan.empty())
                on_.tells("placement " + std::to_string(target_.epoch()) + ": " +
                          std::to_string(plan.moves.size()) +
                          " copies to move, the least for it is " + std::to_string(plan.minimum));
        }
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

    // 1. What should be: marks slots as moving where the placement wants other owners.
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
                moved_ += copies - count_in(want, s.owners);
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

    // 3. Lets newcomers, and nodes that were away, pull what they lack: one pull for each node at a time.
    void start_pulls()
    {
        for (auto& [id, m] : members_) {
            if (!m.up || m.busy || m.known < map_.epoch)
                continue;
            pulls by_sources;
            bool const repairing = options_.repair && m.needs_repair;
            for (std::size_t i = 0; i != slot_count; ++i) {
                slot const& s = map_.slots[i];
                bool const newcomer = contains(s.incoming, id) && !contains(s.owners, id);
                if (newcomer ? pulled_.contains({id, i, s.epoch})
                             : !(repairing && contains(s.owners, id)))
                    continue;
                auto sources = s.owners;
                std::erase_if(sources, [&](node_id n) { return n == id || !is_up(n); });
                // Two owners know of every acknowledged write; an owner that lacks one finds it at any other.
                std::size_t const needed = newcomer ? quorum : 1;
                if (sources.size() < needed)
                    continue; // Blocked until another owner is back.
                // What has lost a copy comes before what only moves.
                auto const live = std::count_if(s.owners.begin(), s.owners.end(),
                                                [&](node_id n) { return is_up(n); });
                auto const why = perdure::danger_of(static_cast<std::uint32_t>(live), 0, copies);
                auto& pull = by_sources.try_emplace({why, sources}, pull_request{{}, sources, 0})
                                 .first->second;
                pull.needed = std::max(pull.needed, static_cast<std::uint32_t>(needed));
                pull.slots.emplace_back(static_cast<std::uint32_t>(i), s.epoch);
            }
            if (by_sources.empty()) {
                if (repairing || !options_.repair)
                    m.needs_repair = false;
                continue;
            }
            m.busy = true;
            asio::co_spawn(nodes_.world().get_executor(),
                           pull_all(this->shared_from_this(), id, std::move(by_sources), repairing),
                           ignore_lost_connections{});
        }
    }

    asio::awaitable<void> pull_all(std::shared_ptr<coordinator> /*keeps this alive*/, node_id id,
                                   pulls by_sources, bool repairing)
    {
        std::uint64_t copied = 0;
        bool all = true;
        for (auto const& [why_and_sources, pull] : by_sources) {
            reply answer;
            try {
                bytes message = encode(request(pull));
                auto const body =
                    co_await nodes_[id].call_and_wait(std::move(message), options_.pull_timeout);
                if (auto decoded = decode_reply(body))
                    answer = std::move(*decoded);
            } catch (boost::system::system_error const&) {
            }
            copied += answer.count;
            if (answer.status == reply_status::ok) {
                for (auto const& [number, epoch] : pull.slots)
                    pulled_.insert({id, number, epoch});
                changed_ = true;
            } else {
                all = false;
            }
        }
        auto& m = members_.at(id);
        m.busy = false;
        if (repairing && all)
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
                    return pulled_.contains({n, i, s.epoch});
                }))
                continue;
            unfenced_[i] = s.owners;
            s.owners = std::exchange(s.incoming, {});
            s.epoch = map_.epoch + 1;
            ++switched;
        }
        if (switched != 0) {
            ++map_.epoch;
            std::erase_if(pulled_,
                          [&](pulled_key const& p) { return p.epoch != map_.slots[p.slot].epoch; });
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

    struct pulled_key {
        node_id node;
        std::size_t slot;
        epoch_number epoch;
        friend auto operator<=>(pulled_key const&, pulled_key const&) = default;
    };

    peers<World>& nodes_;
    coordinator_options options_;
    events on_;
    typename World::timer wake_;
    perdure::placement_map target_{rules()}; ///< Who should own each slot.
    std::map<node_id, member> members_;
    shard_map map_;         ///< What we are working towards, step by step.
    map_pointer published_; ///< What clients use.
    std::map<std::size_t, std::vector<node_id>>
        unfenced_; ///< Switched slots, and who must still learn of it.
    std::set<pulled_key> pulled_;
    std::uint64_t moved_ = 0;
    bool changed_ = true, stopped_ = false;
};

} // namespace failover

#endif
