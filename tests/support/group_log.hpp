// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_GROUP_LOG_HPP
#define PERDURE_TESTS_SUPPORT_GROUP_LOG_HPP

#include <perdure/world/concepts.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

/** The smallest driver over files that keeps the whole contract of a driver: a file to which records
 *  are appended, with one sync for all that wait. It knows no format and cannot be read back.
 *
 *  Cancellation of an append (terminal, partial, total): a record that is not yet on its way to the
 *  disk is not written, and the append completes with operation_aborted. Afterwards it completes
 *  truthfully. Destroying the log cancels all, and what was on its way may have been written.
 */
template <class World>
    requires perdure::has_files<World>
class group_log {
    using error_code = perdure::error_code;
    using file = typename World::files::file;

public:
    using executor_type = typename World::executor_type;

    /// Opens `path`, blocking.
    template <perdure::world_source<World> Source>
    group_log(Source&& source, std::string const& path)
        : state_(std::make_shared<state>(World(std::forward<Source>(source))))
    {
        auto files = state_->world.blocking_files();
        state_->log = files.open(path, perdure::open_mode::create, state_->failure);
        if (!state_->failure)
            state_->end = state_->log.size(state_->failure);
    }
    group_log(group_log const&) = delete;
    group_log& operator=(group_log const&) = delete;
    ~group_log()
    {
        if (state_)
            state_->close();
    }

    executor_type get_executor() const { return state_->world.get_executor(); }

    /** Appends and syncs.
     *
     *  @par Completion signature  void(error_code, std::uint64_t): where the record begins
     *  @par Errors                errc::log_failed after a failed write or sync; the first of them
     *                             completes with its own error.
     */
    template <boost::asio::completion_token_for<void(error_code, std::uint64_t)> Token =
                  boost::asio::deferred_t>
    [[nodiscard]] auto async_append(std::string record, Token&& token = {})
    {
        return boost::asio::async_initiate<Token, void(error_code, std::uint64_t)>(
            initiate_append{state_}, token, std::move(record));
    }

private:
    struct waiting_record {
        std::string bytes;
        std::uint64_t position = 0;
    };
    using waiters = perdure::waiter_queue<void(error_code, std::uint64_t), waiting_record>;

    struct state : std::enable_shared_from_this<state> {
        explicit state(World w)
            : world(std::move(w)), waiting(world.get_executor()), syncing(world.get_executor())
        {
        }

        template <class Handler>
        void append(Handler&& handler, std::string record)
        {
            waiting.push(std::forward<Handler>(handler), {std::move(record)});
            if (closed)
                waiting.cancel_all();
            else if (failure)
                waiting.complete_all(perdure::errc::log_failed, 0);
            else
                pump();
        }

        // Once a turn of the loop, so that clients resumed by one completion share the next sync.
        void pump()
        {
            if (pumping || waiting.empty())
                return;
            pumping = true;
            boost::asio::post(world.get_executor(),
                              [self = this->shared_from_this()] { self->sync_group(); });
        }

        void sync_group()
        {
            if (waiting.empty()) { // Cancelled meanwhile.
                pumping = false;
                return;
            }
            syncing.take_all(waiting);
            std::string group;
            syncing.for_each([&](waiting_record& r) {
                r.position = end + group.size();
                group += r.bytes;
            });
            auto const offset = std::exchange(end, end + group.size());
            world.async_file_job(
                [log = std::move(log), group = std::move(group), offset](typename World::files&,
                                                                         error_code& ec) mutable {
                    log.write_at(offset, std::as_bytes(std::span(group.data(), group.size())), ec);
                    if (!ec)
                        log.sync(perdure::sync_mode::data, ec);
                    return std::move(log);
                },
                [self = this->shared_from_this()](error_code ec, file log) {
                    self->log = std::move(log);
                    self->synced(ec);
                });
        }

        void synced(error_code ec)
        {
            pumping = false;
            syncing.complete_all([ec](waiting_record& r) { return std::tuple(ec, r.position); });
            if (ec && !failure) {
                failure = ec;
                waiting.complete_all(perdure::errc::log_failed, 0);
            }
            if (!closed)
                pump();
        }

        void close()
        {
            closed = true;
            waiting.cancel_all();
            syncing.cancel_all();
        }

        World world;
        file log;
        std::uint64_t end = 0;
        waiters waiting;
        waiters syncing;
        bool pumping = false;
        bool closed = false;
        error_code failure;
    };

    struct initiate_append {
        using executor_type = group_log::executor_type;

        std::shared_ptr<state> log;

        executor_type get_executor() const { return log->world.get_executor(); }
        template <class Handler>
        void operator()(Handler&& handler, std::string record) const
        {
            log->append(std::forward<Handler>(handler), std::move(record));
        }
    };

    std::shared_ptr<state> state_;
};

#endif
