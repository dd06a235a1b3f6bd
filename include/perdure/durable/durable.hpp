// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_DURABLE_HPP
#define PERDURE_DURABLE_DURABLE_HPP

#include <perdure/durable/archive_command_codec.hpp>
#include <perdure/durable/detail/durable_core.hpp>
#include <perdure/durable/options.hpp>
#include <perdure/durable/report.hpp>
#include <perdure/durable/state_machine.hpp>
#include <perdure/fwd.hpp>
#include <perdure/snapshot/store.hpp>
#include <perdure/wal/basic_wal.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace perdure {

/** A state that survives: commands are logged before they take effect, and snapshots keep recovery short.
 *
 *      struct counter {
 *          std::uint64_t value = 0;
 *          std::uint64_t apply(int const& by) { return value += by; }
 *          template <class Archive> void serialize(Archive& ar, unsigned) { ar & value; }
 *      };
 *      perdure::durable<counter, int> total(io, {.directory = "total"});
 *      co_await total.async_open();
 *      std::uint64_t now = co_await total.async_execute(5);   // on disk, then applied
 *
 *  A command is logged, applied when its record is durable, then acknowledged with its result. So
 *  `state()` shows only what survives a crash, in the order of the log. Commands that are under way
 *  together share one sync of the disk.
 *
 *  @par Recovery       the newest good snapshot, then the log from there. A snapshot that is bad is passed over, which
 *                      costs a longer replay: the log is kept back to the older of two snapshots.
 *  @par Failure        when the log fails (see wal), commands that were not durable complete with its error and are
 *                      not applied, and no more are taken. Destroy the object and open a new one.
 *  @par Memory         the state, the commands under way, and while a snapshot is written its encoded bytes, or a few
 *                      MiB where it is taken in slices (see state_machine.hpp).
 *  @par Versions       State and Command may name the version before them (has_previous_version): snapshots and records of
 *                      older versions are taken up to the present one when they are loaded.
 *  @par Thread safety  Distinct objects: safe. One object: use it from its executor; on a loop with several threads give
 *                      it a strand.
 *
 *  Destroying it ends its operations with `operation_aborted`; commands under way may then be found applied after the
 *  next opening, or not. Object and loop may be destroyed in any order.
 *
 *  `Log` and `Snapshots` are the log and the store that it is put together from, for tests that replace them.
 */
template <class State, class Command, class World, class Codec, class Log, class Snapshots>
class basic_durable {
    static_assert(std::default_initializable<State> && std::movable<State>,
                  "State needs a default constructor, which makes the state before the first command, and a move "
                  "constructor");
    static_assert(state_machine<State, Command>,
                  "State needs a member apply that takes a Command const&; see state_machine");
    static_assert(command_codec<Codec, Command>,
                  "Codec needs static functions encode and decode for Command; see command_codec");
    static_assert(has_files<World> && has_time<World>,
                  "durable state needs a World with files and time");

    using core = detail::durable_core<State, Command, World, Codec, Log, Snapshots>;

public:
    using executor_type = typename World::executor_type;
    using result_type = apply_result<State, Command>;
    /// `void(error_code, result_type)`, or `void(error_code)` if applying a command gives nothing.
    using execute_signature = typename core::execute_signature;

    /// Touches nothing. Throws std::invalid_argument naming field, value and rule.
    template <world_source<World> Source>
    basic_durable(Source&& source, durable_options options)
        : core_(std::make_shared<core>(World(std::forward<Source>(source)), std::move(options)))
    {
    }

    basic_durable(basic_durable&&) noexcept = default;
    basic_durable& operator=(basic_durable&& other) noexcept
    {
        if (core_ && this != &other)
            core_->abandon();
        core_ = std::move(other.core_);
        return *this;
    }
    ~basic_durable()
    {
        if (core_)
            core_->abandon();
    }

    executor_type get_executor() const noexcept { return core_->get_executor(); }

    /** Recovers the state. Once, before anything else.
     *
     *  @par Completion signature        void(error_code, durable_report)
     *  @par Errors                      as wal::async_open and snapshot_store::async_load_newest. errc::already_open,
     *                                   errc::closed: this is not the first time, and changed nothing.
     *                                   errc::acknowledged_data_lost: the log does not reach back to the snapshot,
     *                                   ends before it, or has a gap that `lost_ranges` did not fill.
     *                                   errc::cannot_decode: a record is no command. errc::unsupported_version:
     *                                   a newer program wrote it. What `lost_ranges` reported. Nothing durable was changed but
     *                                   what the log's mode says, and the state is empty.
     *  @par Per-operation cancellation  none.
     *  @par Executor                    the handler's associated executor, else get_executor(); never inline.
     */
    template <asio::completion_token_for<void(error_code, durable_report)> Token = asio::deferred_t>
    [[nodiscard]] auto async_open(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, durable_report)>(
            [](auto handler, std::shared_ptr<core> c) { c->open(std::move(handler)); }, token,
            core_);
    }

    /** Makes a command durable, applies it, and completes with its result.
     *
     *  @par Completion signature        execute_signature
     *  @par Errors                      errc::record_too_large, errc::cannot_encode (its type threw, or the code that it
     *                                   threw): it had no effect. errc::log_failed and what the system
     *                                   reported: it was not applied; whether it is found after the next opening is
     *                                   unknown. errc::closed: not open.
     *  @par Per-operation cancellation  none: the command is on its way to the disk.
     *  @par Executor                    the handler's associated executor, else get_executor(); never inline. Handlers
     *                                   run in the order in which the commands were applied.
     */
    template <asio::completion_token_for<execute_signature> Token = asio::deferred_t>
    [[nodiscard]] auto async_execute(Command command, Token&& token = {})
    {
        return asio::async_initiate<Token, execute_signature>(
            [](auto handler, std::shared_ptr<core> c, Command cmd) {
                c->execute(std::move(cmd), std::nullopt, std::move(handler));
            },
            token, core_, std::move(command));
    }

    /** As async_execute, for a command that a client may give again because it got no answer: it takes effect once,
     *  and completes with the same result each time.
     *
     *  Clients number their commands from 1, one more each, and never use an id again. Give a client's commands in the
     *  order of their numbers: one that arrives behind a higher number is never applied. So `from` may come straight
     *  from a request. What was given is kept in the log and in snapshots, within `session_options`.
     *
     *  @par Completion signature        execute_signature
     *  @par Errors                      as async_execute; asio::error::invalid_argument: the sequence number is 0, not
     *                                   applied. errc::result_forgotten: it or a later command of the client was
     *                                   applied, and the result is not kept any more, or as another type.
     *                                   errc::session_expired: the client
     *                                   is not known (any more), and this is not its first command; not applied.
     *                                   Where the error of a first try leaves the effect open, giving it again settles it.
     */
    template <asio::completion_token_for<execute_signature> Token = asio::deferred_t>
        requires exactly_once_state<State>
    [[nodiscard]] auto async_execute_once(client_command from, Command command, Token&& token = {})
    {
        return asio::async_initiate<Token, execute_signature>(
            [](auto handler, std::shared_ptr<core> c, client_command by, Command cmd) {
                c->execute(std::move(cmd), by, std::move(handler));
            },
            token, core_, from, std::move(command));
    }

    /** Asks the state when all commands that were given before have been applied: `f(State const&)`, on the loop.
     *
     *  So it sees what its caller did before, also if those commands are still under way. state() does not wait.
     *
     *  @par Completion signature        void(error_code, R): what `f` returns; R is default-constructible and copyable.
     *  @par Errors                      errc::closed: not open.
     *  @par Per-operation cancellation  terminal, partial, total: the wait ends; `f` may still be called.
     *  @par Executor                    the handler's associated executor, else get_executor(); never inline.
     */
    template <class F,
              asio::completion_token_for<void(
                  error_code, std::decay_t<std::invoke_result_t<F&, State const&>>)> Token =
                  asio::deferred_t>
    [[nodiscard]] auto async_query(F f, Token&& token = {})
    {
        using result = std::decay_t<std::invoke_result_t<F&, State const&>>;
        return asio::async_initiate<Token, void(error_code, result)>(
            [](auto handler, std::shared_ptr<core> c, F question) {
                auto waiting =
                    std::make_shared<waiter_queue<void(error_code, result)>>(c->get_executor());
                waiting->push(std::move(handler));
                c->when_applied([raw = c.get(), waiting, question = std::move(question)](
                                    error_code ec) mutable {
                    if (ec)
                        waiting->complete_all(ec, result());
                    else
                        waiting->complete_all(ec, question(raw->state()));
                });
            },
            token, core_, std::move(f));
    }

    /** Takes a snapshot of the present state now, and trims the log behind the one before it.
     *
     *  @par Completion signature        void(error_code, snapshot_info)
     *  @par Errors                      as snapshot_store::async_save; errc::overloaded: one is being taken; errc::closed
     *  @par Per-operation cancellation  none.
     */
    template <asio::completion_token_for<void(error_code, snapshot_info)> Token = asio::deferred_t>
    [[nodiscard]] auto async_snapshot(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, snapshot_info)>(
            [](auto handler, std::shared_ptr<core> c) { c->snapshot(std::move(handler)); }, token,
            core_);
    }

    /** Waits for the commands under way, then closes the log, so that the next opening is quick. No more are taken.
     *
     *  @par Completion signature        void(error_code)
     *  @par Per-operation cancellation  none.
     */
    template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
    [[nodiscard]] auto async_close(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, std::shared_ptr<core> c) { c->close(std::move(handler)); }, token,
            core_);
    }

    /// The state after the last command that was acknowledged. Changes between, never during, handlers.
    State const& state() const noexcept { return core_->state(); }

    /// The position of the last command that was applied.
    position applied() const noexcept { return core_->applied(); }

    /// The error of the last snapshot that was taken in the background; none if it went well. The log is kept meanwhile.
    error_code snapshot_error() const noexcept { return core_->snapshot_error(); }

    /// After which time a snapshot is due, as measured so far; nothing if only bytes decide, or none was taken yet.
    std::optional<std::chrono::duration<double>> snapshot_interval() const
    {
        return core_->snapshot_interval();
    }

    /// Clients of async_execute_once that are remembered.
    std::size_t clients() const noexcept { return core_->clients(); }

    /// What its log did since it was opened.
    auto counters() const { return core_->log_counters(); }

private:
    std::shared_ptr<core> core_;
};

} // namespace perdure

#endif
