// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_DETAIL_DURABLE_CORE_HPP
#define PERDURE_DURABLE_DETAIL_DURABLE_CORE_HPP

#include <perdure/durable/options.hpp>
#include <perdure/durable/report.hpp>
#include <perdure/durable/state_machine.hpp>
#include <perdure/snapshot/report.hpp>
#include <perdure/wal/position.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/bind_executor.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace perdure::detail {

template <class Result>
struct execute_signature_of {
    using type = void(error_code, Result);
};
template <>
struct execute_signature_of<void> {
    using type = void(error_code);
};

/* What a durable state's operations share; lives until the last of them has ended.
 *
 * Commands wait in `pending_` in the order in which the log got them. Records become durable in that order, so the
 * front is applied whenever its append has completed.
 */
template <class State, class Command, class World, class Codec, class Log, class Snapshots>
class durable_core : public std::enable_shared_from_this<
                         durable_core<State, Command, World, Codec, Log, Snapshots>> {
public:
    using executor_type = typename World::executor_type;
    using result_type = apply_result<State, Command>;
    using execute_signature = typename execute_signature_of<result_type>::type;

    durable_core(World world, durable_options options)
        : world_(std::move(world)),
          options_(std::move(options)),
          log_(std::in_place, world_, log_options()),
          snapshots_(std::in_place, world_, options_.directory + "/snapshots", options_.snapshots),
          opening_(get_executor()),
          arriving_(get_executor()),
          executing_(get_executor()),
          snapshotting_for_(get_executor()),
          closing_for_(get_executor())
    {
    }

    executor_type get_executor() const noexcept { return world_.get_executor(); }
    State const& state() const noexcept { return state_; }
    position applied() const noexcept { return applied_; }
    error_code snapshot_error() const noexcept { return snapshot_error_; }
    auto log_counters() const { return log_->counters(); }

    template <class Handler>
    void open(Handler handler)
    {
        opening_.push(std::move(handler));
        if (phase_ != phase::initial)
            return opened(errc::closed);
        phase_ = phase::opening;
        opening_since_ = world_.now();
        log_->async_open(
            on_loop([self = this->shared_from_this()](error_code ec, recovery_report report) {
                self->report_.log = std::move(report);
                if (ec)
                    self->opened(ec);
                else
                    self->load();
            }));
    }

    template <class Handler>
    void execute(Command command, Handler handler)
    {
        // The log has it from here on, so nothing can call it back.
        arriving_.push(std::move(handler));
        executing_.take_all(arriving_);
        auto& entry = pending_.emplace_back();
        entry.number = ++last_number_;
        if (phase_ != phase::open || !closing_for_.empty()) {
            entry.done = true;
            entry.ec = errc::closed;
            return settle();
        }
        auto record = Codec::encode(command);
        logged_bytes_ += record.size();
        entry.command = std::move(command);
        log_->async_append(
            std::move(record),
            on_loop([self = this->shared_from_this(), number = entry.number](
                        error_code ec, position at) { self->appended(number, ec, at); }));
    }

    template <class Handler>
    void snapshot(Handler handler)
    {
        if (phase_ != phase::open || snapshotting_) {
            waiter_queue<void(error_code, snapshot_info)> refused(get_executor());
            refused.push(std::move(handler));
            return refused.complete_all(phase_ != phase::open ? errc::closed : errc::overloaded,
                                        {});
        }
        snapshotting_for_.push(std::move(handler));
        take_snapshot();
    }

    template <class Handler>
    void close(Handler handler)
    {
        if (phase_ != phase::open) {
            waiter_queue<void(error_code)> refused(get_executor());
            refused.push(std::move(handler));
            return refused.complete_all(errc::closed);
        }
        closing_for_.push(std::move(handler));
        close_when_idle();
    }

    /// The object is gone: ends what waits. What the log or the store still reports finds nobody.
    void abandon()
    {
        phase_ = phase::closed;
        log_.reset();
        snapshots_.reset();
        pending_.clear();
        opening_.cancel_all();
        executing_.cancel_all();
        snapshotting_for_.cancel_all();
        closing_for_.cancel_all();
    }

private:
    enum class phase : std::uint8_t { initial, opening, open, closed };

    struct entry_type {
        std::uint64_t number = 0;
        std::optional<Command> command;
        position at = 0;
        error_code ec;
        bool done = false;
    };

    wal_options log_options() const
    {
        auto result = options_.log;
        result.directory = options_.directory + "/log";
        return result;
    }

    template <class Handler>
    auto on_loop(Handler handler)
    {
        return asio::bind_executor(get_executor(), std::move(handler));
    }

    // -- opening ---------------------------------------------------------------------------------

    void opened(error_code ec)
    {
        if (ec && phase_ == phase::opening) {
            phase_ = phase::closed;
            state_ = State();
            applied_ = 0;
        }
        report_.took = world_.now() - opening_since_;
        opening_.complete_all(ec, report_);
    }

    void load()
    {
        if (phase_ != phase::opening)
            return;
        snapshots_->template async_load_newest<State>(on_loop(
            [self = this->shared_from_this()](error_code ec, loaded_snapshot<State> loaded) {
                self->report_.snapshots = std::move(loaded.report);
                if (self->phase_ == phase::opening)
                    self->replay(ec, std::move(loaded.value), loaded.info);
            }));
    }

    void replay(error_code ec, std::optional<State> value, snapshot_info const& info)
    {
        position from = 1;
        if (value) {
            state_ = std::move(*value);
            report_.loaded = info;
            from = info.position;
        } else if (ec == errc::no_good_snapshot) {
            ec = {}; // The log may reach back to the beginning.
        } else if (ec == errc::no_snapshot) {
            ec = {};
        }
        if (ec)
            return opened(ec);
        // The state needs every record from `from` on, and the log must not give those positions out anew.
        if (log_->first_position() > from || log_->next_position() < from)
            return opened(report_.snapshots.candidates != 0 && !report_.loaded.id
                              ? error_code(errc::no_good_snapshot)
                              : error_code(errc::acknowledged_data_lost));
        older_snapshot_ = newest_snapshot_ = from;
        applied_ = from - 1;
        if (from == log_->next_position())
            return replayed({});
        // The records come on the loop, a piece at a time, so that it gets to its other work.
        log_->async_replay(
            from,
            [self = this->shared_from_this()](position at, std::span<std::byte const> record) {
                self->replay_one(at, record);
            },
            on_loop([self = this->shared_from_this()](error_code e, position) { self->replayed(e); }));
    }

    void replay_one(position at, std::span<std::byte const> record)
    {
        if (phase_ != phase::opening || undecodable_)
            return;
        auto const command = Codec::decode(record);
        if (!command) {
            undecodable_ = true;
            return;
        }
        static_cast<void>(state_.apply(*command));
        applied_ = at;
        logged_bytes_ += record.size();
        ++report_.commands_replayed;
    }

    void replayed(error_code ec)
    {
        if (phase_ != phase::opening)
            return;
        if (!ec && undecodable_)
            ec = errc::cannot_decode;
        if (!ec)
            phase_ = phase::open;
        opened(ec);
    }

    // -- commands --------------------------------------------------------------------------------

    void appended(std::uint64_t number, error_code ec, position at)
    {
        if (pending_.empty() || number < pending_.front().number)
            return; // Abandoned.
        auto& entry = pending_[number - pending_.front().number];
        entry.done = true;
        entry.ec = ec;
        entry.at = at;
        settle();
    }

    void settle()
    {
        while (!pending_.empty() && pending_.front().done) {
            auto entry = std::move(pending_.front());
            pending_.pop_front();
            complete(entry, entry.ec);
        }
        if (phase_ == phase::open && options_.snapshot_every_bytes != 0 && !snapshotting_ &&
            closing_for_.empty() && logged_bytes_ >= options_.snapshot_every_bytes)
            take_snapshot();
        close_when_idle();
    }

    void complete(entry_type& entry, error_code ec)
    {
        if (executing_.empty())
            return; // The loop is shutting down, and the waiters are gone.
        if constexpr (std::is_void_v<result_type>) {
            if (!ec)
                apply(entry);
            executing_.complete_front(ec);
        } else if (ec) {
            executing_.complete_front(ec, result_type());
        } else {
            executing_.complete_front(ec, apply(entry));
        }
    }

    result_type apply(entry_type& entry)
    {
        applied_ = entry.at;
        return state_.apply(*entry.command);
    }

    // -- snapshots -------------------------------------------------------------------------------

    void take_snapshot()
    {
        snapshotting_ = true;
        logged_bytes_ = 0;
        snapshots_->async_save(
            state_, applied_ + 1,
            on_loop([self = this->shared_from_this()](error_code ec, snapshot_info info) {
                self->snapshot_taken(ec, info);
            }));
    }

    void snapshot_taken(error_code ec, snapshot_info const& info)
    {
        snapshotting_ = false;
        snapshot_error_ = ec;
        if (!ec && phase_ == phase::open) {
            // The store keeps two generations; the log has to reach back to the older one.
            older_snapshot_ = std::exchange(newest_snapshot_, info.position);
            if (older_snapshot_ > log_->first_position())
                log_->async_trim(older_snapshot_ - 1,
                                 on_loop([self = this->shared_from_this()](error_code) {}));
        }
        snapshotting_for_.complete_all(ec, info);
        close_when_idle();
    }

    void close_when_idle()
    {
        if (closing_for_.empty() || closing_ || phase_ != phase::open || !pending_.empty() ||
            snapshotting_)
            return;
        closing_ = true;
        log_->async_close(on_loop([self = this->shared_from_this()](error_code ec) {
            if (self->phase_ != phase::open)
                return;
            self->phase_ = phase::closed;
            self->closing_for_.complete_all(ec);
        }));
    }

    World world_;
    durable_options options_;
    std::optional<Log> log_;
    std::optional<Snapshots> snapshots_;

    State state_{};
    position applied_ = 0;
    std::deque<entry_type> pending_;
    std::uint64_t last_number_ = 0;

    phase phase_ = phase::initial;
    time_point opening_since_{};
    durable_report report_;

    bool snapshotting_ = false;
    bool closing_ = false;
    bool undecodable_ = false;
    std::uint64_t logged_bytes_ = 0; ///< Since the last snapshot.
    position newest_snapshot_ = 1, older_snapshot_ = 1;
    error_code snapshot_error_;

    waiter_queue<void(error_code, durable_report)> opening_;
    waiter_queue<execute_signature> arriving_, executing_; ///< One each for `pending_`.
    waiter_queue<void(error_code, snapshot_info)> snapshotting_for_;
    waiter_queue<void(error_code)> closing_for_;
};

} // namespace perdure::detail

#endif
