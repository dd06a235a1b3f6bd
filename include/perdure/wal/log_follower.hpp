// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_LOG_FOLLOWER_HPP
#define PERDURE_WAL_LOG_FOLLOWER_HPP

#include <perdure/fwd.hpp>
#include <perdure/wal/basic_wal.hpp>
#include <perdure/wal/detail/log_operation.hpp>

#include <boost/asio/post.hpp>

#include <cassert>
#include <memory>
#include <string>
#include <utility>

namespace perdure {

/** Reads a log that is being appended to, record by record, as they become durable.
 *
 *      basic_log_follower follower(log, log.first_position(), "replica 7");
 *      for (;;) {
 *          co_await follower.async_next();
 *          follower.visit([&](position p, std::span<std::byte const> record) { ... });
 *          follower.release_read();   // once they need not be read again
 *      }
 *
 *  It holds the log's records from where release_read() was called last, so that a trim does not
 *  take away what it has yet to read: log.holds() names it. Records are passed only when they are on
 *  disk; none is passed twice, none is left out.
 *
 *  @par Complexity     every byte is read once, in pieces of half a MiB; the first read begins at the
 *                      begin of the segment with the first position.
 *  @par Destroying     a wait under way completes with operation_aborted. Follower, log and loop may
 *                      go in any order.
 *  @par Thread safety  from the log's executor.
 */
template <class World>
class basic_log_follower {
    using state = detail::log_state<World>;

public:
    using executor_type = typename World::executor_type;

    /** From `from` on, which may be the next position: then only what is yet to come.
     *
     *  `who` is the name of its hold. Precondition: the log is open, and `from` is in
     *  [first_position(), next_position()].
     */
    basic_log_follower(basic_wal<World>& log, position from, std::string who)
        : me_(std::make_shared<core>(log.state_, from))
    {
        error_code ec;
        me_->hold = log.hold(from, std::move(who), ec);
        assert(!ec && "the log is not open, or the position is not in it");
    }
    basic_log_follower(basic_log_follower&&) noexcept = default;
    basic_log_follower& operator=(basic_log_follower&& other) noexcept
    {
        if (this != &other) {
            stop();
            me_ = std::move(other.me_);
        }
        return *this;
    }
    ~basic_log_follower() { stop(); }

    executor_type get_executor() const { return me_->log->world().get_executor(); }

    /** Completes when there are records behind those that were read; visit() passes them.
     *
     *  @par Completion signature        void(error_code)
     *  @par Errors                      log_truncated: something that this follower read was cut off
     *                                   the log; see cut_at() and resume_at(). closed or log_failed,
     *                                   once everything durable was read. acknowledged_data_lost, or
     *                                   the system's: the follower can be asked again.
     *  @par Per-operation cancellation  terminal, partial, total: while it waits for appends.
     *                                   Nothing is lost: the next call reads the same records.
     *  @par Executor                    the handler's associated executor, else get_executor().
     *  Precondition: no other call is under way.
     */
    template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
    [[nodiscard]] auto async_next(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, std::shared_ptr<core> me) {
                assert(!me->busy && "one wait at a time");
                me->busy = true;
                auto ex = basic_wal<World>::executor_of(handler, *me->log);
                auto const pump = me->log->executor();
                asio::post(pump,
                           step<decltype(handler)>{{me, std::move(handler), std::move(ex)}});
            },
            token, me_);
    }

    /** Calls `f(position, std::span<std::byte const>)` for the records that async_next() read.
     *
     *  The bytes are views that end with the next async_next(). Not while one is under way.
     */
    template <class F>
    void visit(F&& f) const
    {
        me_->reader.visit(std::forward<F>(f));
    }

    /// Behind the last record that was read.
    position next_position() const { return me_->reader.next_position(); }

    /// What was read so far is not needed again: a trim may take it.
    void release_read() { me_->hold.move_to(next_position()); }

    /// After log_truncated: the last position that was not cut off.
    position cut_at() const { return me_->cut_at; }

    /** Goes on at another position, for example at cut_at() + 1 after log_truncated, where the reader
     *  finds what was appended behind the cut.
     *
     *  Precondition: as of the constructor's; no async_next() is under way.
     */
    void resume_at(position p)
    {
        me_->reader = log_reader({}, p, me_->log->packing());
        me_->cuts = me_->log->keeping().cuts();
        me_->hold.move_to(p);
    }

private:
    struct core {
        std::shared_ptr<state> log;
        log_reader reader;
        basic_log_hold<World> hold;
        std::size_t cuts;
        position cut_at = 0;
        bool busy = false;
        bool stopped = false;

        core(std::shared_ptr<state> of, position from)
            : log(std::move(of)),
              reader({}, from, log->packing()),
              cuts(log->keeping().cuts())
        {
        }

        // Makes the reader see what is durable now. False if what it read was cut off.
        bool refresh()
        {
            auto const uncut = log->keeping().last_uncut(cuts);
            position const next = reader.next_position();
            if (next > uncut && next - 1 > uncut) {
                cut_at = uncut;
                return false;
            }
            bool const was_cut = cuts != log->keeping().cuts();
            cuts = log->keeping().cuts();
            auto chain = log->durable_chain(next);
            if (was_cut || !reader.extend(chain))
                reader = log_reader(std::move(chain), next, log->packing());
            return true;
        }
    };

    // One wait: refresh, read, and if there is nothing, wait and begin anew.
    template <class Handler>
    struct step : detail::log_operation<core, Handler> {
        using detail::log_operation<core, Handler>::me;

        // Begin, or more may be readable.
        void operator()(error_code ec = {})
        {
            ec = this->unless_stopped(ec);
            if (ec)
                return this->finish(ec);
            if (!me->refresh())
                return this->finish(errc::log_truncated);
            auto& world = me->log->world();
            // This step owns the reader, and outlives the job.
            auto job = [reader = &me->reader, directory = me->log->directories()](
                           typename World::files& files, error_code& read_ec) {
                detail::directory_source source(files, directory);
                while (reader->advance(source, read_ec))
                    if (reader->has_records())
                        return true;
                return false;
            };
            auto const pump = me->log->executor();
            world.async_file_job(std::move(job), asio::bind_executor(pump, std::move(*this)));
        }
        // Read.
        void operator()(error_code ec, bool found)
        {
            ec = this->unless_stopped(ec);
            if (ec || found)
                return this->finish(ec);
            auto& log = *me->log;
            position const known = me->reader.next_position() - 1;
            auto const cuts = me->cuts;
            log.wait_readable(known, cuts, std::move(*this));
        }
    };

    void stop()
    {
        if (!me_)
            return;
        me_->stopped = true;
        me_->hold.release();
        if (me_->busy)
            me_->log->wake_readers();
    }

    std::shared_ptr<core> me_;
};

} // namespace perdure

#endif
