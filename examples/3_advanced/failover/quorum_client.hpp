// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_QUORUM_CLIENT_HPP
#define FAILOVER_QUORUM_CLIENT_HPP

#include "messages.hpp"
#include "rpc.hpp"
#include "shard_map.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace failover {

/// Asks the system for ports that are free now.
inline address_book free_addresses(asio::io_context& io, node_id count)
{
    std::vector<asio::ip::tcp::acceptor> held;
    address_book result;
    for (node_id id = 1; id <= count; ++id) {
        held.emplace_back(io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        result[id] = held.back().local_endpoint();
    }
    return result;
}

/// The peers of one process, each connected when first called.
template <class World>
class peers {
public:
    peers(World world, address_book addresses) : world_(world), addresses_(std::move(addresses)) {}

    ~peers()
    {
        for (auto& [id, client] : clients_)
            client->close();
    }

    rpc_client<World>& operator[](node_id id)
    {
        auto& client = clients_[id];
        if (!client)
            client = std::make_shared<rpc_client<World>>(world_, addresses_.at(id));
        return *client;
    }

    void add(node_id id, asio::ip::tcp::endpoint address) { addresses_[id] = address; }

    World world() const { return world_; }

private:
    World world_;
    address_book addresses_;
    std::map<node_id, std::shared_ptr<rpc_client<World>>> clients_;
};

struct client_options {
    std::chrono::milliseconds call_timeout{400}; ///< For one node's answer.
    std::chrono::milliseconds retry_pause{10};   ///< Before another attempt.
    std::chrono::milliseconds give_up_after{0};  ///< A write fails then; 0: it tries for ever.
    std::size_t acknowledging_owners = quorum;   ///< Two. One is a planted bug of the simulation.
};

/** The numbers of one writer's writes. Each write has one at each process, under which it takes effect there once,
 *  however often and by whichever way it is sent.
 *
 *  A writer has one write under way at a time. To every process it is a client of its own, whose id was never used
 *  before and whose writes are numbered from 1.
 */
class write_numbers {
public:
    explicit write_numbers(std::function<std::uint64_t()> unique) : unique_(std::move(unique)) {}
    /// Those of another writer, to write for it.
    write_numbers(std::function<std::uint64_t()> unique, std::map<node_id, client_command> numbers)
        : unique_(std::move(unique)), numbers_(std::move(numbers))
    {
    }

    /// The next write begins.
    void next()
    {
        for (auto& [node, number] : numbers_)
            ++number.sequence;
    }

    client_command at(node_id node)
    {
        auto& number = numbers_[node];
        if (number.sequence == 0)
            number = {unique_(), 1};
        return number;
    }
    std::map<node_id, client_command> at(std::vector<node_id> const& nodes)
    {
        std::map<node_id, client_command> result;
        for (node_id node : nodes)
            result[node] = at(node);
        return result;
    }

    /// After an answer that says that the write had no effect: what is sent next is another command.
    void heard(node_id node, reply_status answer)
    {
        if (answer == reply_status::stale_epoch)
            ++numbers_[node].sequence;
        else if (answer == reply_status::new_client)
            numbers_.erase(node);
    }

private:
    std::function<std::uint64_t()> unique_;
    std::map<node_id, client_command> numbers_;
};

/** Writes and reads a key at its owners.
 *
 *  A write is acknowledged when the owners that have it on disk suffice (slot::write_is_acknowledged).
 *  A read asks the owners until two have answered and returns the newest version among them.
 *  Both act on one view of the slot; owners that know a newer one refuse.
 */
template <class World>
class quorum_client {
public:
    /// `map` is the client's view; whoever publishes maps keeps it up to date.
    quorum_client(peers<World>& nodes, std::shared_ptr<shard_map const> map,
                  client_options options = {})
        : nodes_(nodes), map_(std::move(map)), options_(options)
    {
    }

    void use(std::shared_ptr<shard_map const> map) { map_ = std::move(map); }
    shard_map const& map() const noexcept { return *map_; }

    /// How many of its requests were refused because their epoch was old.
    std::uint64_t stale_answers() const noexcept { return *stale_answers_; }

    /// The numbers of a new writer.
    write_numbers new_writer() const
    {
        return write_numbers([world = nodes_.world()] { return world.entropy(); });
    }

    /// One attempt; true when the write is acknowledged, false when it may or may not have happened.
    asio::awaitable<bool> try_put(std::string key, std::uint64_t version, std::string content,
                                  write_numbers& numbers)
    {
        slot const at = map_->of(key);
        return try_put_at(at, std::move(key), version, std::move(content), numbers);
    }

    /// The same at the owners of `at`, however old that view of the slot is: the owners judge.
    asio::awaitable<bool> try_put_at(slot at, std::string key, std::uint64_t version,
                                     std::string content, write_numbers& numbers)
    {
        auto const round = std::make_shared<gather>(nodes_.world());
        put_request put{std::move(key), version, std::move(content), at.epoch};
        auto const targets = at.write_targets();
        for (node_id target : targets) {
            put.from = numbers.at(target);
            call(round, target, encode(put));
        }
        bool const acknowledged = co_await settle(round, targets.size(), [&] {
            std::vector<node_id> durable_on;
            for (auto const& [node, answer] : round->replies)
                if (answer.status == reply_status::ok)
                    durable_on.push_back(node);
            if (options_.acknowledging_owners < quorum)
                return durable_on.size() >= options_.acknowledging_owners;
            return at.write_is_acknowledged(durable_on);
        });
        for (auto const& [node, answer] : round->replies)
            numbers.heard(node, answer.status);
        co_return acknowledged;
    }

    /// The newest version that two owners know of; nullopt when fewer than two owners answered.
    asio::awaitable<std::optional<versioned>> try_get(std::string key)
    {
        slot const at = map_->of(key);
        auto const round = std::make_shared<gather>(nodes_.world());
        bytes const message = encode(get_request{key, at.epoch});
        for (node_id owner : at.owners)
            call(round, owner, message);
        std::optional<versioned> newest;
        bool const enough = co_await settle(round, at.owners.size(), [&] {
            std::size_t answers = 0;
            newest = versioned{};
            for (auto const& [node, reply] : round->replies) {
                if (reply.status != reply_status::ok)
                    continue;
                ++answers;
                if (reply.value.version > newest->version)
                    newest = reply.value;
            }
            return answers >= quorum;
        });
        if (!enough)
            newest.reset();
        co_return newest;
    }

    /// Tries until acknowledged; returns the number of attempts, or 0 when it gave up. The write may
    /// then have happened.
    asio::awaitable<int> put(std::string key, std::uint64_t version, std::string content,
                             write_numbers& numbers)
    {
        auto const begin = nodes_.world().now();
        for (int attempt = 1;; ++attempt) {
            if (co_await try_put(key, version, content, numbers))
                co_return attempt;
            if (options_.give_up_after.count() != 0 &&
                nodes_.world().now() - begin > options_.give_up_after)
                co_return 0;
            co_await pause();
        }
    }

    /// Tries until two owners have answered.
    asio::awaitable<versioned> get(std::string key)
    {
        for (;;) {
            if (auto found = co_await try_get(key))
                co_return *found;
            co_await pause();
        }
    }

private:
    // The answers of one round. Answers that come after the round was decided find nobody waiting.
    struct gather {
        explicit gather(World const& w) : wake(w) {}
        typename World::timer wake;
        std::map<node_id, reply> replies;
        std::size_t answered = 0;
    };

    void call(std::shared_ptr<gather> const& round, node_id node, bytes const& message)
    {
        nodes_[node].async_call(message, options_.call_timeout,
                                [round, node, stale = stale_answers_](error_code ec, bytes body) {
                                    ++round->answered;
                                    if (!ec)
                                        if (auto decoded = decode_reply(body)) {
                                            *stale += decoded->status == reply_status::stale_epoch;
                                            round->replies.emplace(node, std::move(*decoded));
                                        }
                                    round->wake.cancel();
                                });
    }

    asio::awaitable<bool> settle(std::shared_ptr<gather> round, std::size_t asked, auto enough)
    {
        for (;;) {
            if (enough())
                co_return true;
            if (round->answered == asked)
                co_return false;
            round->wake.expires_after(std::chrono::hours(1));
            co_await round->wake.async_wait(asio::as_tuple(asio::use_awaitable));
        }
    }

    asio::awaitable<void> pause()
    {
        typename World::timer timer(nodes_.world());
        timer.expires_after(options_.retry_pause);
        co_await timer.async_wait(asio::use_awaitable);
    }

    peers<World>& nodes_;
    std::shared_ptr<shard_map const> map_;
    client_options options_;
    std::shared_ptr<std::uint64_t> stale_answers_ = std::make_shared<std::uint64_t>(0);
};

} // namespace failover

#endif
