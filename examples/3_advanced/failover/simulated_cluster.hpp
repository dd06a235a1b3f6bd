// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_SIMULATED_CLUSTER_HPP
#define FAILOVER_SIMULATED_CLUSTER_HPP

#include "coordinator.hpp"
#include "ledger.hpp"
#include "planted.hpp"
#include "quorum_client.hpp"
#include "storage_node.hpp"
#include "workload.hpp"
#include <perdure/detector/detector.hpp>
#include <perdure/simulation/cluster.hpp>

#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace failover {

using namespace std::chrono_literals;
using sim_world = planted_world;
using sim_node = storage_node<sim_world, planted_durable>;

inline constexpr unsigned short node_port = 7000, detector_port = 7001, map_port = 7002;
inline constexpr node_id sim_nodes = 6; ///< The sixth joins later.

inline std::string content(std::string const& key, std::uint64_t version)
{
    std::string text = key + " version " + std::to_string(version) + " ";
    while (text.size() < 60 + perdure::hash_key(text) % 900)
        text += text;
    return text;
}

inline perdure::simulation::options cluster_options()
{
    perdure::simulation::options o;
    o.network.delay_min = 100us;
    o.network.delay_tail = 4ms;
    o.network.loss = 0.01; // Of datagrams; a lost segment of a stream comes late.
    o.network.duplication = 0.01;
    o.disk.write_tail = 500us; // Slow enough to be caught in the middle.
    o.disk.sync_tail = 2ms;
    return o;
}

/// How often each branch of recovery was taken, over all seeds. None may stay at zero.
struct branches {
    std::uint64_t recovered_from_nothing = 0, recovered_from_log = 0, recovered_from_snapshot = 0;
    std::uint64_t clean_tail = 0, torn_tail = 0;
    std::uint64_t writes_on_both_sides = 0;
    std::uint64_t refused_by_epoch = 0, forwards_refused = 0;
    std::uint64_t values_pulled = 0, slots_moved = 0, moves_dropped = 0, joins = 0, thaws_after_replacement = 0;
    std::uint64_t retried_writes = 0, repeated_writes = 0;
    std::uint64_t records_lost = 0, values_restored = 0;
};

/// What owners have promised to keep; each is held to it whenever it recovers. And what each write did there: it may
/// have one effect.
class promises {
public:
    explicit promises(ledger& book) : ledger_(book) {}

    void note(node_id node, put_request const& put, std::uint64_t revision)
    {
        auto& newest = kept_[node][put.key];
        newest = std::max(newest, put.version);
        if (put.from.sequence == 0)
            return;
        auto const [first, is_new] =
            effects_[node].try_emplace({put.from.client, put.from.sequence}, revision);
        repeated_ += !is_new;
        if (first->second != revision)
            ledger_.violation("process " + std::to_string(node) + " did one write of " + put.key +
                              " twice, as its effects " + std::to_string(first->second) + " and " +
                              std::to_string(revision));
    }

    /// A record of the process was damaged on its disk, at this moment.
    void damaged(node_id node)
    {
        auto& floors = floors_[node];
        floors.clear();
        for (auto const& key : ledger_.keys())
            floors[key] = ledger_.floor(key);
    }

    /// It recovered and found records missing: it has lost promises that nobody else knew of, but nothing acknowledged.
    void check_restored(node_id node, store_state const& state)
    {
        for (auto const& [key, version] : floors_[node]) {
            auto const found = state.values.find(key);
            if (contains(state.map.of(key).owners, node) &&
                (found == state.values.end() || found->second.version < version))
                ledger_.violation("process " + std::to_string(node) + " lost " + key +
                                  " at version " + std::to_string(version) +
                                  ", and the other owners did not give it back");
        }
        kept_[node].clear();
        effects_[node].clear();
    }

    std::uint64_t repeated() const noexcept { return repeated_; }

    void check(node_id node, store_state const& state)
    {
        for (auto const& [key, version] : kept_[node]) {
            auto const found = state.values.find(key);
            if (found == state.values.end() || found->second.version < version) {
                ledger_.violation(
                    "process " + std::to_string(node) + " had " + key + " on disk at version " +
                    std::to_string(version) + " and recovered version " +
                    std::to_string(found == state.values.end() ? 0 : found->second.version));
                return;
            }
        }
    }

private:
    ledger& ledger_;
    std::map<node_id, std::map<std::string, std::uint64_t>> kept_, floors_;
    std::map<node_id, std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t>> effects_;
    std::uint64_t repeated_ = 0;
};

/// Every move that was planned must have been made once, or dropped for a newer plan.
inline void count_moves(transfer const& moves, branches& seen, ledger& book)
{
    seen.slots_moved += moves.totals().done;
    seen.moves_dropped += moves.totals().dropped;
    if (!moves.adds_up())
        book.violation("the moves of the plans do not add up: " + moves.text());
}

/// A client process: writes and reads its own keys, and reads everybody's.
struct sim_client {
    sim_client(sim_world w, address_book const& nodes, ledger& book, std::vector<std::string> keys,
               std::vector<std::string> const& everybodys, client_options options,
               workload_options load)
        : world(w),
          book(book),
          all_keys(everybodys),
          to_nodes(w, nodes),
          client(to_nodes, std::make_shared<shard_map const>(), options),
          work(std::make_shared<workload<sim_world>>(to_nodes, client, book, std::move(keys), load))
    {
        work->forward_by({1, 2, 3, 4, 5});
    }
    ~sim_client() { work->stop(); }

    // Reads without pause, at random, and judges: this is where a stale answer shows.
    static asio::awaitable<void> read(std::shared_ptr<sim_client> self, std::shared_ptr<bool> stop)
    {
        sim_world::timer timer(self->world);
        while (!*stop) {
            auto const& key = self->all_keys[self->world.entropy() % self->all_keys.size()];
            auto const floor = self->book.floor(key);
            if (auto const got = co_await self->client.try_get(key))
                self->book.check_read(key, floor, *got);
            timer.expires_after(2ms);
            co_await timer.async_wait(asio::use_awaitable);
        }
    }

    sim_world world;
    ledger& book;
    std::vector<std::string> const& all_keys;
    peers<sim_world> to_nodes;
    quorum_client<sim_world> client;
    std::shared_ptr<workload<sim_world>> work;
};

/// The driver process: coordinator, detector and a client, as in the demonstration.
struct sim_driver : sim_client {
    using base = sim_client;
    using detector_type = perdure::basic_detector<perdure::phi_accrual, sim_world>;

    template <class... Args>
    explicit sim_driver(asio::ip::tcp::endpoint map_at, asio::ip::udp::endpoint detector_at,
                        coordinator_options options, Args&&... args)
        : sim_client(std::forward<Args>(args)...),
          detector(this->world, detector_options(detector_at))
    {
        coordinator<sim_world>::events events;
        events.published = [this](auto map) { this->client.use(std::move(map)); };
        if (std::getenv("FAILOVER_TALK"))
            events.tells = [](std::string const& what) { std::puts(what.c_str()); };
        moves =
            std::make_shared<coordinator<sim_world>>(this->to_nodes, options, std::move(events));
        maps = std::make_shared<rpc_server<sim_world>>(
            this->world, map_at, [weak = std::weak_ptr(moves)](bytes) -> asio::awaitable<bytes> {
                reply r;
                if (auto const c = weak.lock(); c && c->map()) {
                    r.status = reply_status::ok;
                    r.map = *c->map();
                }
                co_return encode(r);
            });
        maps->start();
    }

    static detector_type::options_type detector_options(asio::ip::udp::endpoint at)
    {
        detector_type::options_type o;
        o.listener.listen = at;
        o.listener.cluster = cluster;
        o.monitor.down_after = 500ms;
        return o;
    }

    static asio::awaitable<void> watch(std::shared_ptr<sim_driver> self)
    {
        for (;;) {
            auto const event = co_await self->detector.async_wait_event(asio::use_awaitable);
            auto const id = static_cast<node_id>(event.node);
            if (event.change == perdure::peer_change::down)
                self->moves->node_is_down(id);
            else if (event.change != perdure::peer_change::suspect)
                self->moves->node_is_up(id);
        }
    }

    detector_type detector;
    std::shared_ptr<coordinator<sim_world>> moves;
    std::shared_ptr<rpc_server<sim_world>> maps;
};

/// Asks the driver for its map now and then: between two answers the client's map may be old.
inline asio::awaitable<void> follow_maps(std::shared_ptr<sim_client> self,
                                         asio::ip::tcp::endpoint driver)
{
    auto const to_driver = std::make_shared<rpc_client<sim_world>>(self->world, driver);
    sim_world::timer timer(self->world);
    for (;;) {
        try {
            bytes message = encode(map_request{});
            auto const body = co_await to_driver->call_and_wait(std::move(message), 300ms);
            if (auto const r = decode_reply(body); r && r->map)
                self->client.use(std::make_shared<shard_map const>(*r->map));
        } catch (boost::system::system_error const&) {
        }
        timer.expires_after(400ms);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

} // namespace failover

#endif
