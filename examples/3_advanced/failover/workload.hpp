// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_WORKLOAD_HPP
#define FAILOVER_WORKLOAD_HPP

#include "ledger.hpp"
#include "quorum_client.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace failover {

struct workload_options {
    std::size_t loaders = 48;     ///< Coroutines that write each key once.
    std::size_t overwriters = 16; ///< Coroutines that write a fifth of the keys again and again.
    std::chrono::microseconds loader_pause{
        0}; ///< After each write, to spread the load over the run.
    std::chrono::microseconds overwriter_pause{2000};
    unsigned forward_one_in = 16; ///< That share of writes goes through a storage process.
};

/// One acknowledged write: when, and how long it took with all retries.
struct write_sample {
    perdure::time_point at;
    std::chrono::nanoseconds took;
    int attempts = 1;
};

/** Writers and readers of one client: loads every key, overwrites a fifth of them and reads it back.
 *
 *  Every key is written by one coroutine at a time, so versions need no agreement.
 */
template <class World>
class workload : public std::enable_shared_from_this<workload<World>> {
public:
    workload(peers<World>& nodes, quorum_client<World>& client, ledger& book,
             std::vector<std::string> keys, workload_options options)
        : nodes_(nodes), client_(client), ledger_(book), keys_(std::move(keys)), options_(options)
    {
    }

    void start()
    {
        auto const self = this->shared_from_this();
        running_ = options_.loaders + options_.overwriters;
        for (std::size_t i = 0; i != options_.loaders; ++i)
            asio::co_spawn(nodes_.world().get_executor(), load(self), ignore_lost_connections{});
        for (std::size_t i = 0; i != options_.overwriters; ++i)
            asio::co_spawn(nodes_.world().get_executor(), overwrite(self, i),
                           ignore_lost_connections{});
    }

    /// The writers end after the write that each has begun.
    void stop() noexcept { stopping_ = true; }
    bool finished() const noexcept { return running_ == 0; }

    std::size_t loaded() const noexcept { return loaded_; }
    std::size_t keys() const noexcept { return keys_.size(); }
    std::vector<write_sample> const& samples() const noexcept { return samples_; }
    /// Nodes that forward writes for us, in turn. Empty: none does.
    void forward_by(std::vector<node_id> nodes) { forwarders_ = std::move(nodes); }
    std::uint64_t bytes_written() const noexcept { return bytes_written_; }
    /// Writes that were given up.
    std::uint64_t failed() const noexcept { return failed_; }

private:
    asio::awaitable<void> load(std::shared_ptr<workload> /*keeps this alive*/)
    {
        typename World::timer timer(nodes_.world());
        auto numbers = client_.new_writer();
        while (!stopping_ && next_ != keys_.size()) {
            std::string const key = keys_[next_++];
            co_await write(key, numbers);
            ++loaded_;
            if (options_.loader_pause.count() != 0) {
                timer.expires_after(options_.loader_pause);
                co_await timer.async_wait(asio::use_awaitable);
            }
        }
        --running_;
    }

    asio::awaitable<void> overwrite(std::shared_ptr<workload> /*keeps this alive*/,
                                    std::size_t mine)
    {
        typename World::timer timer(nodes_.world());
        auto numbers = client_.new_writer();
        for (std::size_t at = mine; !stopping_; at += options_.overwriters) {
            std::size_t const fifth = std::max<std::size_t>(keys_.size() / 5, options_.overwriters);
            std::size_t const index = at % (fifth - fifth % options_.overwriters);
            // Only what the loaders have finished: a key has one writer at a time.
            if (index < keys_.size() && ledger_.floor(keys_[index]) != 0) {
                std::string const key = keys_[index];
                co_await write(key, numbers);
                auto const floor = ledger_.floor(key);
                versioned const got = co_await client_.get(key);
                ledger_.check_read(key, floor, got);
            }
            timer.expires_after(options_.overwriter_pause);
            co_await timer.async_wait(asio::use_awaitable);
        }
        --running_;
    }

    asio::awaitable<void> write(std::string key, write_numbers& numbers)
    {
        numbers.next();
        auto const version = ledger_.begin_write(key);
        std::string const content = ledger_.content(key, version);
        bytes_written_ += content.size();
        auto const begin = nodes_.world().now();
        int attempts = 0;
        bool acknowledged = false;
        if (!forwarders_.empty() && ++writes_ % options_.forward_one_in == 0) {
            ++attempts;
            acknowledged = co_await forward(key, version, content, numbers);
        }
        if (!acknowledged) {
            int const more = co_await client_.put(key, version, content, numbers);
            if (more == 0) {
                ++failed_;
                co_return;
            }
            attempts += more;
        }
        ledger_.acknowledged(key, version);
        samples_.push_back({nodes_.world().now(), nodes_.world().now() - begin, attempts});
    }

    // Asks a storage process to write for us. When it does not answer, it may still do it later, under
    // the same numbers as we: it has one effect, or, if the map or the writer has moved on, none.
    asio::awaitable<bool> forward(std::string key, std::uint64_t version, std::string content,
                                  write_numbers& numbers)
    {
        node_id const by = forwarders_[writes_ / options_.forward_one_in % forwarders_.size()];
        try {
            slot const at = client_.map().of(key);
            bytes message =
                encode(forward_request{key, version, content, at, numbers.at(at.write_targets())});
            auto const answer = co_await nodes_[by].call_and_wait(std::move(message),
                                                                  std::chrono::milliseconds(800));
            auto const decoded = decode_reply(answer);
            co_return decoded && decoded->status == reply_status::ok;
        } catch (boost::system::system_error const&) {
            co_return false;
        }
    }

    peers<World>& nodes_;
    quorum_client<World>& client_;
    ledger& ledger_;
    std::vector<std::string> keys_;
    workload_options options_;
    std::vector<node_id> forwarders_;
    std::vector<write_sample> samples_;
    std::size_t next_ = 0, running_ = 0, loaded_ = 0;
    std::uint64_t writes_ = 0, bytes_written_ = 0, failed_ = 0;
    bool stopping_ = false;
};

/// Asks every owner for its copy of every acknowledged key.
template <class World>
asio::awaitable<void> verify_copies(peers<World>& nodes, shard_map const& map, ledger& book)
{
    struct shared {
        std::vector<std::pair<std::string, node_id>> left;
        std::size_t running = 0;
    };
    auto const job = std::make_shared<shared>();
    for (std::string const& key : book.keys())
        for (node_id owner : map.of(key).owners)
            job->left.emplace_back(key, owner);
    typename World::timer timer(nodes.world());
    auto ask = [](peers<World>& all, shard_map const& m, ledger& b,
                  std::shared_ptr<shared> j) -> asio::awaitable<void> {
        while (!j->left.empty()) {
            auto const [key, owner] = j->left.back();
            j->left.pop_back();
            versioned copy;
            for (int attempt = 0; attempt != 3; ++attempt) {
                try {
                    bytes message = encode(get_request{key, m.of(key).epoch});
                    auto const body = co_await all[owner].call_and_wait(std::move(message),
                                                                        std::chrono::seconds(5));
                    auto decoded = decode_reply(body);
                    if (decoded && decoded->status == reply_status::ok) {
                        copy = std::move(decoded->value);
                        break;
                    }
                } catch (boost::system::system_error const&) {
                }
            }
            b.check_copy(key, owner, copy);
        }
        --j->running;
    };
    for (int i = 0; i != 32; ++i) {
        ++job->running;
        asio::co_spawn(nodes.world().get_executor(), ask(nodes, map, book, job),
                       ignore_lost_connections{});
    }
    while (job->running != 0) {
        timer.expires_after(std::chrono::milliseconds(5));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

} // namespace failover

#endif
