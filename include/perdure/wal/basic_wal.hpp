// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_BASIC_WAL_HPP
#define PERDURE_WAL_BASIC_WAL_HPP

#include <perdure/fwd.hpp>
#include <perdure/wal/backward_reader.hpp>
#include <perdure/wal/detail/log_state.hpp>
#include <perdure/wal/log_hold.hpp>
#include <perdure/wal/options.hpp>
#include <perdure/wal/recovery_report.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>

#include <algorithm>
#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/** A write-ahead log on files: records are appended, get a position, and are on disk when told so.
 *
 *  Open it, replay what it holds, then append. N outstanding appends share one sync; the loop is
 *  never blocked. The log can prove whether a bad end was a write cut short by a crash, which is
 *  dropped and reported, or acknowledged data that rotted, which is refused (see recovery_mode).
 *
 *  Format: docs/formats/wal.md.
 *
 *  @par Failures       A failed write or sync is final for this object: what waits fails with
 *                      errc::log_failed, durable() tells what is safe, and the log can be opened
 *                      anew by another object. Lack of space is not final: what waits fails with
 *                      errc::no_space, has not been written, and appending works again once there
 *                      is space.
 *  @par Destroying     cancels everything outstanding. The log and the loop may go in any order.
 *                      Without async_close() the next opening reads the newest segment.
 *  @par Thread safety  Appending: from any thread. Everything else: from the executor, or before
 *                      the loop runs; on a loop with several threads give a strand.
 */
template <class World>
class basic_wal {
    static_assert(has_time<World> && has_files<World> && has_entropy<World>,
                  "a log needs a World with time, files and entropy");

    using state = detail::log_state<World>;
    using append_signature = void(error_code, position);
    using plain_signature = void(error_code);

public:
    /// What it takes time, files and entropy from.
    using world_type = World;
    using executor_type = typename World::executor_type;

    /// On an execution context, an executor or a World. @throws std::invalid_argument, see validate.
    template <world_source<World> Source>
    basic_wal(Source&& where, wal_options options)
        : state_(std::make_shared<state>(World(std::forward<Source>(where)),
                                         (validate(options), std::move(options))))
    {
    }

    basic_wal(basic_wal&&) noexcept = default;
    basic_wal& operator=(basic_wal&& other) noexcept
    {
        if (this != &other) {
            stop();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~basic_wal() { stop(); }

    executor_type get_executor() const { return state_->world().get_executor(); }

    // -- opening and closing

    /** Opens or creates the log, on the calling thread.
     *
     *  @par Errors  what the report explains: acknowledged_data_lost, segment_missing, truncated,
     *               checksum_mismatch, malformed, unsupported_version, locked; or the system's.
     *               The log is unchanged then, and may be opened again.
     *  @par Preconditions  it is not open, being opened or closed.
     */
    recovery_report open(error_code& ec)
    {
        auto job = state_->opening_job();
        auto files = state_->world().blocking_files();
        ec = {};
        auto log = job(files, ec);
        return state_->opened(ec, std::move(log));
    }
    recovery_report open()
    {
        error_code ec;
        auto report = open(ec);
        if (ec)
            throw boost::system::system_error(ec, to_string(report));
        return report;
    }

    /** The same off the loop.
     *
     *  @par Completion signature        void(error_code, recovery_report)
     *  @par Per-operation cancellation  terminal, partial, total: before it has begun.
     */
    template <
        asio::completion_token_for<void(error_code, recovery_report)> Token = asio::deferred_t>
    [[nodiscard]] auto async_open(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, recovery_report)>(
            [](auto handler, std::shared_ptr<state> s) {
                auto job = s->opening_job();
                auto const ex = executor_of(handler, *s);
                auto const slot = asio::get_associated_cancellation_slot(handler);
                s->world().async_file_job(
                    std::move(job),
                    asio::bind_cancellation_slot(
                        slot,
                        asio::bind_executor(s->executor(), opening<decltype(handler), decltype(ex)>{
                                                               s, std::move(handler), ex})));
            },
            token, state_);
    }

    /** Writes what was appended, syncs it, and marks the log as closed, so that the next opening
     *  has nothing to recover. Appends are refused from now on. While the log is being opened, it is closed as soon as it is
     *  open.
     *
     *  @par Completion signature        void(error_code)
     *  @par Errors                      no_space, log_failed or the system's: the log is closed all the same, and the next
     *                                   opening recovers it. closed: it was not open.
     *  @par Per-operation cancellation  none.
     */
    template <asio::completion_token_for<plain_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_close(Token&& token = {})
    {
        return asio::async_initiate<Token, plain_signature>(
            [](auto handler, std::shared_ptr<state> s) {
                auto ex = executor_of(handler, *s);
                s->close(std::move(handler), std::move(ex));
            },
            token, state_);
    }

    // -- appending

    /** Appends a record, and completes when it is as durable as wanted.
     *
     *  The record is copied before this returns (with a deferred operation: when it is started).
     *
     *  @par Completion signature        void(error_code, position): the record's position. With an
     *                                   error, 0 means that it was not written, and a position that
     *                                   it may be.
     *  @par Errors                      record_too_large; closed; no_space: not written, try again
     *                                   later; log_failed; asio::error::operation_aborted.
     *  @par Per-operation cancellation  terminal, partial, total: the wait ends; the record is
     *                                   written all the same, unless the position is 0.
     *  @par Executor                    the handler's associated executor, else get_executor();
     *                                   never inline.
     *  @par Thread safety               may be called from any thread.
     */
    template <asio::completion_token_for<append_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_append(std::span<std::byte const> record, durability how,
                                    Token&& token = {})
    {
        return asio::async_initiate<Token, append_signature>(
            [how](auto handler, std::shared_ptr<state> s, std::span<std::byte const> bytes) {
                s->append({&bytes, 1}, make_waiter(std::move(handler), s, how, 0));
            },
            token, state_, record);
    }
    template <asio::completion_token_for<append_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_append(std::span<std::byte const> record, Token&& token = {})
    {
        return async_append(record, durability::disk, std::forward<Token>(token));
    }

    /** Appends several records that are recovered all together or not at all.
     *
     *  As async_append; the position is that of the last one. Precondition: there is one.
     */
    template <asio::completion_token_for<append_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_append_group(std::span<std::span<std::byte const> const> records,
                                          durability how, Token&& token = {})
    {
        return asio::async_initiate<Token, append_signature>(
            [how](auto handler, std::shared_ptr<state> s,
                  std::span<std::span<std::byte const> const> all) {
                s->append(all, make_waiter(std::move(handler), s, how, 0));
            },
            token, state_, records);
    }
    template <asio::completion_token_for<append_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_append_group(std::span<std::span<std::byte const> const> records,
                                          Token&& token = {})
    {
        return async_append_group(records, durability::disk, std::forward<Token>(token));
    }

    /** The same from a thread that waits. Returns the record's position.
     *
     *  If nobody is writing, this thread writes, for all whose records have been collected
     *  meanwhile; else it sleeps until another one has. So it costs no change of threads when it is
     *  alone, and many threads share a sync. It does not need the loop to run, unless asynchronous
     *  appends are under way too.
     *
     *  @par Errors         As async_append. With an error, 0 means that it was not written, and a
     *                      position that it may be.
     *  @par Preconditions  Not called on get_executor(), which it would keep from running. Neither the
     *                      log is moved or destroyed meanwhile nor its execution context.
     *  @par Thread safety  may be called from any thread.
     */
    position append(std::span<std::byte const> record, durability how, error_code& ec)
        requires blocks_threads<World>
    {
        return state_->append_blocking({&record, 1}, how, ec);
    }
    /// @throws boost::system::system_error
    position append(std::span<std::byte const> record, durability how = durability::disk)
        requires blocks_threads<World>
    {
        return append_group({&record, 1}, how);
    }
    /// Several records that are recovered all together or not at all. Returns the last one's position.
    position append_group(std::span<std::span<std::byte const> const> records, durability how,
                          error_code& ec)
        requires blocks_threads<World>
    {
        return state_->append_blocking(records, how, ec);
    }
    /// @throws boost::system::system_error
    position append_group(std::span<std::span<std::byte const> const> records,
                          durability how = durability::disk)
        requires blocks_threads<World>
    {
        error_code ec;
        auto const at = append_group(records, how, ec);
        if (ec)
            throw boost::system::system_error(ec, "append to the log in " + state_->directory());
        return at;
    }
    /// Returns when everything up to `p` is on disk; as append(). `ec`: as async_wait_durable.
    void wait_durable(position p, error_code& ec)
        requires blocks_threads<World>
    {
        state_->wait_durable_blocking(p, ec);
    }

    /** Completes when everything up to `p` is on disk.
     *
     *  @par Completion signature  void(error_code, position)
     *  @par Errors                position_out_of_range if `p` was not given out yet; log_failed;
     *                             no_space: there was none for the group with which `p` would have been
     *                             synced. The position is 0 if `p` was in that group, which is not
     *                             written; else it was written before, stays so, and can be waited for
     *                             again. closed; asio::error::operation_aborted.
     *  @par Per-operation cancellation  terminal, partial, total: the wait ends.
     */
    template <asio::completion_token_for<append_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_wait_durable(position p, Token&& token = {})
    {
        return asio::async_initiate<Token, append_signature>(
            [p](auto handler, std::shared_ptr<state> s) {
                s->wait_durable(make_waiter(std::move(handler), s, durability::disk, p));
            },
            token, state_);
    }

    // -- reading

    /** Calls `f(position, std::span<std::byte const>)` for every written record from `from` on, on
     *  the calling thread. Returns the position behind the last one.
     *
     *  @par Errors  position_out_of_range if `from` was trimmed or not given out yet;
     *               acknowledged_data_lost if the log cannot be read on, after the intact records
     *               before that were passed; or the system's.
     */
    template <std::invocable<position, std::span<std::byte const>> F>
    position replay(position from, F&& f, error_code& ec)
    {
        if (!begin_replay(*state_, from, ec))
            return from;
        log_reader reader(state_->chain(), from, state_->packing());
        auto files = state_->world().blocking_files();
        detail::directory_source source(files, state_->directories());
        while (reader.advance(source, ec))
            reader.visit(f);
        return reader.next_position();
    }
    template <std::invocable<position, std::span<std::byte const>> F>
    position replay(position from, F&& f)
    {
        error_code ec;
        auto const next = replay(from, f, ec);
        if (ec)
            throw boost::system::system_error(ec, "replay of the log in " + state_->directory() +
                                                      " at position " + std::to_string(next));
        return next;
    }

    /** Calls `f(position, std::span<std::byte const>)` for written records from `from` down to
     *  `first_position()`, the newest first, on the calling thread; if `f` returns a bool, false ends
     *  it. Returns the position of the oldest record that was read, perhaps before what was passed.
     *
     *  @par Errors  position_out_of_range if `from` was trimmed or not given out yet;
     *               acknowledged_data_lost if the log cannot be read on; or the system's.
     */
    template <std::invocable<position, std::span<std::byte const>> F>
    position replay_backward(position from, F&& f, error_code& ec)
    {
        if (!begin_replay(*state_, from, ec))
            return from;
        backward_reader reader(state_->chain(), from, state_->front(), state_->packing());
        auto files = state_->world().blocking_files();
        detail::directory_source source(files, state_->directories());
        while (reader.advance(source, ec))
            if (!reader.visit(f))
                break;
        return std::min(from, reader.lowest());
    }

    /** The same as replay() off the loop; `f` is called on get_executor(), for up to half a MiB at a time.
     *
     *  What is appended meanwhile is not read.
     *
     *  @par Completion signature        void(error_code, position): behind the last record passed.
     *  @par Errors                      as replay; operation_aborted if the log is destroyed meanwhile.
     *  @par Per-operation cancellation  none.
     */
    template <std::invocable<position, std::span<std::byte const>> F,
              asio::completion_token_for<append_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_replay(position from, F f, Token&& token = {})
    {
        return asio::async_initiate<Token, append_signature>(
            [from](auto handler, std::shared_ptr<state> s, F visitor) {
                auto op = std::make_shared<replaying<F>>(
                    s, std::move(visitor), executor_of(handler, *s), std::move(handler), from);
                error_code ec;
                if (begin_replay(*s, from, ec))
                    replaying<F>::step(std::move(op));
                else
                    op->finish(ec);
            },
            token, state_, std::move(f));
    }

    // -- trimming

    /** Gives up the records up to `up_to`: after a snapshot that holds them.
     *
     *  Completes when whole segments of them were removed; a crash in between does not matter. What
     *  a hold keeps stays, and goes when the hold does.
     *
     *  @par Completion signature        void(error_code)
     *  @par Errors                      position_out_of_range if `up_to` is not durable yet;
     *                                   log_failed; or the system's: some segments are still there.
     *  @par Per-operation cancellation  none.
     */
    template <asio::completion_token_for<plain_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_trim(position up_to, Token&& token = {})
    {
        return asio::async_initiate<Token, plain_signature>(
            [up_to](auto handler, std::shared_ptr<state> s) {
                auto ex = executor_of(handler, *s);
                s->trim(up_to, std::move(handler), std::move(ex));
            },
            token, state_);
    }

    /** Keeps the records from `from` on from being trimmed, until the hold is moved or destroyed.
     *
     *  `who` tells people what blocks a trim: see holds().
     *  @par Errors  position_out_of_range if `from` was trimmed or not given out yet; closed.
     */
    basic_log_hold<World> hold(position from, std::string who, error_code& ec)
    {
        if (!begin_replay(*state_, from, ec))
            return {};
        auto const id = state_->hold(from, std::move(who), ec);
        if (ec)
            return {};
        return {state_, id};
    }

    /// Who keeps records from being trimmed, the one that keeps most first.
    std::vector<hold_info> holds() const { return state_->keeping().holds().all(); }

    /// Up to where trims and retention would have the records gone: first_position() unless holds
    /// keep more.
    position trim_wanted() const { return state_->keeping().wanted(); }

    // -- cutting off the end

    /** Drops the records behind `last`, durable ones too: for consensus, whose leader decided that
     *  others stand there.
     *
     *  Records appended before count as behind it; those appended from now on, also before this
     *  completes, are not dropped. Positions are not given a second time: the next record gets the
     *  one that it would have got without the cut, and the positions between are a gap that readers
     *  skip. A crash leaves the whole log or the cut one.
     *
     *  Completes when the cut is durable. `last` at or behind the end does nothing.
     *
     *  @par Completion signature        void(error_code)
     *  @par Errors                      position_out_of_range if `last` was trimmed: the first cut
     *                                   possible is behind first_position() - 1; no_space: the log is
     *                                   unchanged; acknowledged_data_lost: it cannot be read up to
     *                                   the cut, and is unchanged; log_failed: reopen it, it is either
     *                                   cut or whole; closed.
     *  @par Per-operation cancellation  none.
     */
    template <asio::completion_token_for<plain_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_truncate(position last, Token&& token = {})
    {
        return asio::async_initiate<Token, plain_signature>(
            [last](auto handler, std::shared_ptr<state> s) {
                auto ex = executor_of(handler, *s);
                s->truncate(last, std::move(handler), std::move(ex));
            },
            token, state_);
    }

    // -- queries

    /// Whether it takes appends: opened, and not closed or closing. Also after a failure. Any thread.
    bool is_open() const { return state_->is_open(); }
    /// Names the log: drawn at random when it was created, in every segment since. Zeros before it is opened. Any thread.
    wal_format::log_id id() const { return state_->id(); }
    /// The first position that was not trimmed.
    position first_position() const { return state_->front(); }
    /// What the next record gets. Any thread.
    position next_position() const { return state_->next(); }
    /// Everything up to here is on disk.
    position durable_position() const { return state_->durable(); }
    /// What it did since it was opened. A copy; any thread.
    wal_counters counters() const { return state_->counters(); }
    /// What the system said when the log failed; no error if it has not.
    error_code failure() const { return state_->failure(); }

private:
    template <class W>
    friend class basic_log_follower;
    template <class W>
    friend class basic_log_scrubber;

    // The handler of the file job that opens the log.
    template <class Handler, class Executor>
    struct opening {
        std::shared_ptr<state> s;
        Handler handler;
        Executor executor;

        void operator()(error_code ec, detail::opened_log log)
        {
            auto report = s->opened(ec, std::move(log));
            asio::dispatch(executor, asio::append(std::move(handler), ec, std::move(report)));
        }
    };

    template <class F>
    struct replaying {
        std::shared_ptr<state> s;
        F visitor;
        asio::any_io_executor executor;
        detail::erased_handler<append_signature> handler;
        log_reader reader;

        replaying(std::shared_ptr<state> of, F f, asio::any_io_executor ex,
                  detail::erased_handler<append_signature> h, position from)
            : s(std::move(of)),
              visitor(std::move(f)),
              executor(std::move(ex)),
              handler(std::move(h)),
              reader(s->chain(), from, s->packing())
        {
        }

        static void step(std::shared_ptr<replaying> op)
        {
            auto& world = op->s->world();
            auto const& ex = op->s->executor();
            auto job = [reader = &op->reader, directory = op->s->directories()](
                           typename World::files& files, error_code& ec) {
                detail::directory_source source(files, directory);
                return reader->advance(source, ec);
            };
            world.async_file_job(std::move(job),
                                 asio::bind_executor(ex, [op](error_code ec, bool more) mutable {
                                     if (op->s->is_stopped()) // What it visits for may be gone too.
                                         return op->finish(asio::error::operation_aborted);
                                     if (!more || ec)
                                         return op->finish(ec);
                                     op->reader.visit(op->visitor);
                                     step(std::move(op));
                                 }));
        }

        void finish(error_code ec)
        {
            asio::post(executor, [h = std::move(handler), ec,
                                  at = reader.next_position()]() mutable { h(ec, at); });
        }
    };

    static bool begin_replay(state const& s, position from, error_code& ec)
    {
        ec = {};
        if (!s.is_open())
            ec = errc::closed;
        else if (from < s.front() || from > s.next())
            ec = errc::position_out_of_range;
        return !ec;
    }

    template <class Handler>
    static asio::any_io_executor executor_of(Handler const& handler, state const& s)
    {
        asio::any_io_executor ex = asio::get_associated_executor(handler, s.executor());
        // The pump keeps its own loop at work.
        return ex == s.executor() ? ex
                                  : asio::prefer(ex, asio::execution::outstanding_work.tracked);
    }

    template <class Handler>
    static detail::log_waiter make_waiter(Handler&& handler, std::shared_ptr<state> const& s,
                                          durability how, position at)
    {
        detail::log_waiter w;
        w.at = at;
        w.how = how;
        if (auto ex = executor_of(handler, *s); ex != s->executor())
            w.executor = std::move(ex);
        w.handler = std::forward<Handler>(handler);
        // Only now: erasing a handler takes over its slot and passes signals on to a slot of its own.
        if (auto slot = w.handler.cancellation_slot(); slot.is_connected()) {
            w.id = s->collector().new_id();
            slot.assign([weak = std::weak_ptr<state>(s), id = w.id](asio::cancellation_type type) {
                if (auto const alive = weak.lock(); alive && type != asio::cancellation_type::none)
                    alive->cancel(id);
            });
        }
        return w;
    }

    void stop()
    {
        if (state_)
            state_->stop();
    }

    std::shared_ptr<state> state_;
};

} // namespace perdure

#endif
