// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_STORAGE_NODE_HPP
#define FAILOVER_STORAGE_NODE_HPP

#include "messages.hpp"
#include "quorum_client.hpp"
#include "rpc.hpp"
#include "shard_map.hpp"
#include "store_state.hpp"
#include <perdure/detector/heartbeat_sender.hpp>
#include <perdure/durable/durable.hpp>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace failover {

struct storage_options {
    node_id id = 0;
    std::string directory;            ///< For its log and snapshots.
    address_book addresses;           ///< Of all nodes, its own among them.
    asio::ip::udp::endpoint detector; ///< Where heartbeats go.
    std::chrono::milliseconds heartbeat_interval{100};
    std::uint64_t boot = 0; ///< Greater at every start, for heartbeats; 0: by the system's clock.
    std::uint64_t snapshot_every_bytes = 32U << 20;
    bool check_epochs = true; ///< False is a planted bug of the simulation.
    /// Told whenever this process has promised to keep a version; the simulation holds it to that.
    std::function<void(put_request const& put, std::uint64_t revision)> promised;
    /// Told when its log has lost records, before it asks the other owners for what was in them.
    std::function<void(perdure::position_range)> lost;
    perdure::wal_options log; ///< The directory is filled in.
};

/** One storage process: a durable map from key to version and content, served over a stream.
 *
 *  The host starts it on its World and keeps it; it recovers, then listens, then sends heartbeats, so
 *  that whoever is up can be asked.
 */
template <class World, class Durable = perdure::basic_durable<store_state, store_command, World,
                                                              store_command_codec>>
class storage_node : public std::enable_shared_from_this<storage_node<World, Durable>> {
public:
    storage_node(World world, storage_options options)
        : world_(world),
          options_(std::move(options)),
          store_(world, durable_options()),
          nodes_(world, options_.addresses),
          client_(nodes_, std::make_shared<shard_map>())
    {
    }

    ~storage_node()
    {
        if (server_)
            server_->close();
    }

    /// Recovers and serves; throws system_error when the store cannot be opened.
    asio::awaitable<void> run(std::function<void(perdure::durable_report const&)> recovered = {})
    {
        auto const self = this->shared_from_this();
        report_ = co_await store_.async_open(asio::use_awaitable);
        if (report_.loaded.id != 0)
            recovered_values_ = state().values.size();
        if (recovered)
            recovered(report_);
        server_ = std::make_shared<rpc_server<World>>(
            world_, options_.addresses.at(options_.id),
            [weak = this->weak_from_this()](bytes body) -> asio::awaitable<bytes> {
                auto const node = weak.lock();
                if (!node)
                    co_return encode(reply{});
                reply const answered = co_await node->answer(std::move(body));
                co_return encode(answered);
            });
        server_->start();
        heartbeats_.emplace(world_, heartbeat_options());
        heartbeats_->open();
    }

    /// Where its count of syncs comes from, for stats.
    void count_syncs_by(std::function<std::uint64_t()> count) { count_syncs_ = std::move(count); }

    store_state const& state() const { return store_.state(); }

private:
    perdure::durable_options durable_options()
    {
        perdure::durable_options result;
        result.directory = options_.directory;
        result.snapshot_every_bytes = options_.snapshot_every_bytes;
        result.log = options_.log;
        result.sessions.results = 1; // A writer has one write under way.
        result.lost_ranges = [this](perdure::position_range lost, auto done) {
            stats_.records_lost += lost.count();
            if (options_.lost)
                options_.lost(lost);
            asio::co_spawn(world_.get_executor(), replace(this->shared_from_this(), lost, done),
                           ignore_lost_connections{});
        };
        return result;
    }

    perdure::heartbeat_sender_options heartbeat_options() const
    {
        perdure::heartbeat_sender_options result;
        result.cluster = cluster;
        result.node = options_.id;
        result.interval = options_.heartbeat_interval;
        result.boot = options_.boot;
        result.listeners = {options_.detector};
        return result;
    }

    // Arguments of co_await are named first: GCC 12 destroys some temporaries there twice.
    asio::awaitable<reply> answer(bytes body)
    {
        auto const message = decode_request(body);
        if (!message)
            co_return reply{};
        try {
            auto handling = std::visit([this](auto const& m) { return this->handle(m); }, *message);
            co_return co_await std::move(handling);
        } catch (boost::system::system_error const&) {
            co_return reply{}; // The log has failed or is closing: nothing is promised.
        }
    }

    bool is_stale(std::size_t slot_number, epoch_number epoch) const
    {
        return options_.check_epochs && epoch < state().map.slots[slot_number].epoch;
    }

    asio::awaitable<reply> handle(put_request const& put)
    {
        ++stats_.puts;
        put_request mine = put;
        co_return co_await execute(std::move(mine));
    }

    asio::awaitable<reply> execute(put_request put)
    {
        if (!options_.check_epochs)
            put.slot_epoch = any_epoch;
        auto const before = state().revision;
        store_result came_to;
        store_command command(put);
        if (put.from.sequence == 0) {
            came_to = co_await store_.async_execute(std::move(command), asio::use_awaitable);
        } else {
            auto const [ec, result] = co_await store_.async_execute_once(
                put.from, std::move(command), asio::as_tuple(asio::use_awaitable));
            if (!ec)
                came_to = result;
            else if (ec == perdure::errc::session_expired)
                came_to.status = reply_status::new_client;
        }
        stats_.refused += came_to.status == reply_status::stale_epoch;
        if (came_to.status == reply_status::ok) {
            stats_.repeated += came_to.revision <= before;
            if (options_.promised)
                options_.promised(put, came_to.revision);
        }
        reply result;
        result.status = came_to.status;
        co_return result;
    }

    asio::awaitable<reply> handle(get_request const& get)
    {
        reply result;
        if (is_stale(slot_of(get.key), get.slot_epoch)) {
            result.status = reply_status::stale_epoch;
            co_return result;
        }
        if (auto const found = state().values.find(get.key); found != state().values.end())
            result.value = found->second;
        result.status = reply_status::ok;
        co_return result;
    }

    asio::awaitable<reply> handle(adopt_request const& adopt)
    {
        reply result;
        store_command command(adopt);
        auto const came_to =
            co_await store_.async_execute(std::move(command), asio::use_awaitable);
        result.status = came_to.status;
        co_return result;
    }

    asio::awaitable<reply> handle(index_request const& index)
    {
        reply result;
        std::set<std::size_t> wanted;
        for (auto const& [number, epoch] : index.slots) {
            if (options_.check_epochs && state().map.slots[number].epoch < epoch) {
                result.status = reply_status::behind;
                co_return result;
            }
            wanted.insert(number);
        }
        for (auto const& [key, value] : state().values)
            if (wanted.contains(slot_of(key)))
                result.index.emplace_back(key, value.version);
        result.status = reply_status::ok;
        co_return result;
    }

    // Takes over what the sources have more recently. Each copy carries the epoch of the pull, so a
    // pull that was overtaken by another change of the map fails instead of counting.
    asio::awaitable<reply> handle(pull_request const& pull)
    {
        auto const job = std::make_shared<pull_job>();
        std::map<std::size_t, epoch_number> const epochs(pull.slots.begin(), pull.slots.end());
        std::uint32_t whole = 0;
        for (node_id source : pull.sources) {
            if (source == options_.id)
                continue;
            request const message = index_request{pull.slots};
            auto const answered = co_await ask(source, message, pull_timeout);
            if (answered.status != reply_status::ok)
                continue;
            ++whole;
            note_newer(answered.index, source, job->wanted);
        }
        for (auto& [key, from] : job->wanted)
            from.slot_epoch = epochs.at(slot_of(key));
        reply result;
        if (whole < pull.needed)
            co_return result;
        job->next = job->wanted.begin();
        // Many copies at a time share the syncs of the log.
        typename World::timer all_done(world_);
        job->done = [&all_done] { all_done.cancel(); };
        for (std::size_t i = 0; i != std::min<std::size_t>(pullers, job->wanted.size()); ++i) {
            ++job->running;
            asio::co_spawn(world_.get_executor(), copy(this->shared_from_this(), job),
                           ignore_lost_connections{});
        }
        while (job->running != 0) {
            all_done.expires_after(std::chrono::hours(1));
            co_await all_done.async_wait(asio::as_tuple(asio::use_awaitable));
        }
        job->done = {};
        stats_.pulled += job->copied;
        result.count = job->copied;
        result.bytes = job->bytes;
        result.status = job->failed ? reply_status::failed : reply_status::ok;
        co_return result;
    }

    asio::awaitable<reply> handle(forward_request const& forward)
    {
        write_numbers numbers([world = world_] { return world.entropy(); }, forward.numbers);
        bool const acknowledged = co_await client_.try_put_at(
            forward.at, forward.key, forward.version, forward.content, numbers);
        reply result;
        result.status = acknowledged ? reply_status::ok : reply_status::failed;
        co_return result;
    }

    asio::awaitable<reply> handle(stats_request const&)
    {
        reply result;
        result.status = reply_status::ok;
        result.stats = stats_;
        result.stats.keys = state().values.size();
        result.stats.forwards_refused = client_.stale_answers();
        result.stats.syncs = count_syncs_();
        result.stats.recovered_from_snapshot = recovered_values_;
        result.stats.recovered_from_log = report_.commands_replayed;
        result.stats.recovery_microseconds = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(report_.took).count());
        co_return result;
    }

    asio::awaitable<reply> handle(map_request const&)
    {
        reply result;
        result.status = reply_status::ok;
        result.map = state().map;
        co_return result;
    }

    asio::awaitable<reply> handle(restore_request const&)
    {
        co_return reply{}; // Stands in logs only.
    }

    struct copy_from {
        std::uint64_t version = 0;
        node_id source = 0;
        epoch_number slot_epoch = 0;
    };

    struct pull_job {
        std::map<std::string, copy_from> wanted;
        std::map<std::string, copy_from>::iterator next;
        std::size_t running = 0;
        std::uint64_t copied = 0, bytes = 0;
        bool failed = false;
        std::function<void()> done;
    };

    asio::awaitable<void> copy(std::shared_ptr<storage_node> /*keeps this alive*/,
                               std::shared_ptr<pull_job> job)
    {
        while (job->next != job->wanted.end() && !job->failed) {
            auto const [key, from] = *job->next++;
            request const message = get_request{key, from.slot_epoch};
            auto answered = co_await ask(from.source, message, call_timeout);
            if (answered.status != reply_status::ok) {
                job->failed = true;
                break;
            }
            reply stored;
            auto const size = answered.value.content.size();
            try {
                put_request put{key, answered.value.version, std::move(answered.value.content),
                                from.slot_epoch};
                stored = co_await execute(std::move(put));
            } catch (boost::system::system_error const&) {
            }
            if (stored.status == reply_status::ok) {
                ++job->copied;
                job->bytes += size;
            } else {
                job->failed = true;
            }
        }
        if (--job->running == 0 && job->done)
            job->done();
    }

    // -- lost records ----------------------------------------------------------------------------

    using lost_records = std::vector<bytes>;

    /* What to put in place of lost records. The other owners have other logs, so not the records
     * themselves, but what those were for: the map, and every value that the owners of our slots
     * have. All of it goes into the first record; the others do nothing.
     *
     * That is as good where the lost ones are older than any call that is under way, as those are
     * that rot. We answer nobody until it is done.
     */
    asio::awaitable<void> replace(std::shared_ptr<storage_node> /*keeps this alive*/,
                                  perdure::position_range lost,
                                  std::function<void(perdure::error_code, lost_records)> done)
    {
        std::optional<restore_request> found;
        typename World::timer timer(world_);
        while (!(found = co_await ask_owners())) {
            timer.expires_after(restore_pause);
            co_await timer.async_wait(asio::use_awaitable);
        }
        stats_.values_restored += found->values.size();
        auto const record = [](store_command what) {
            auto const command = store_command_codec::encode(what);
            return perdure::encode_durable_record({.command = command});
        };
        lost_records records(static_cast<std::size_t>(lost.count()), record(restore_request{}));
        records.front() = record(std::move(*found));
        done({}, std::move(records));
    }

    // Nothing unless all other owners of our slots have answered, each of which may be the only one
    // that has a value beside us, and two owners of every other slot: one of them would know if it
    // had become ours.
    asio::awaitable<std::optional<restore_request>> ask_owners()
    {
        restore_request found{state().map, {}};
        std::vector<node_id> answered;
        for (auto const& [node, address] : options_.addresses) {
            if (node == options_.id)
                continue;
            request message = map_request{};
            auto const known = co_await ask(node, std::move(message), restore_timeout);
            if (known.status != reply_status::ok || !known.map)
                continue;
            found.map.merge(*known.map);
            answered.push_back(node);
        }
        index_request ours;
        std::set<node_id> owners;
        for (std::size_t i = 0; i != slot_count; ++i) {
            slot const& s = found.map.slots[i];
            auto others = s.write_targets();
            bool const mine = std::erase(others, options_.id) != 0;
            if (mine ? count_in(others, answered) != others.size()
                     : count_in(s.owners, answered) < quorum)
                co_return std::nullopt;
            if (mine) {
                ours.slots.emplace_back(static_cast<std::uint32_t>(i), 0);
                owners.insert(others.begin(), others.end());
            }
        }
        std::map<std::string, copy_from> wanted;
        for (node_id owner : owners) {
            request message = ours;
            auto const index = co_await ask(owner, std::move(message), pull_timeout);
            if (index.status != reply_status::ok)
                co_return std::nullopt;
            note_newer(index.index, owner, wanted);
        }
        for (auto const& [key, from] : wanted) {
            request message = get_request{key, any_epoch};
            auto value = co_await ask(from.source, std::move(message), call_timeout);
            if (value.status != reply_status::ok)
                co_return std::nullopt;
            found.values.push_back({key, value.value.version, std::move(value.value.content), 0, {}});
        }
        co_return found;
    }

    // -- other nodes -----------------------------------------------------------------------------

    // Notes what a node has more recently than we, and than was noted before.
    void note_newer(std::vector<std::pair<std::string, std::uint64_t>> const& index, node_id source,
                    std::map<std::string, copy_from>& wanted)
    {
        for (auto const& [key, version] : index) {
            auto const mine = state().values.find(key);
            if (mine != state().values.end() && mine->second.version >= version)
                continue;
            auto& best = wanted[key];
            if (best.version < version)
                best = {version, source};
        }
    }

    // A reply of status `failed` stands for "no answer".
    asio::awaitable<reply> ask(node_id node, request message, std::chrono::nanoseconds timeout)
    {
        try {
            bytes encoded = encode(message);
            auto const body = co_await nodes_[node].call_and_wait(std::move(encoded), timeout);
            if (auto decoded = decode_reply(body))
                co_return std::move(*decoded);
        } catch (boost::system::system_error const&) {
        }
        co_return reply{};
    }

    static constexpr std::chrono::seconds pull_timeout{5}, call_timeout{2};
    static constexpr std::chrono::milliseconds restore_timeout{500}, restore_pause{100};
    static constexpr epoch_number any_epoch = ~epoch_number(0); ///< Older than none.
    static constexpr std::size_t pullers = 32;

    World world_;
    storage_options options_;
    Durable store_;
    peers<World> nodes_;
    quorum_client<World> client_;
    std::shared_ptr<rpc_server<World>> server_;
    std::optional<perdure::basic_heartbeat_sender<World>> heartbeats_;
    perdure::durable_report report_;
    std::uint64_t recovered_values_ = 0;
    std::function<std::uint64_t()> count_syncs_ = [] { return std::uint64_t(0); };
    node_stats stats_;
};

} // namespace failover

#endif
