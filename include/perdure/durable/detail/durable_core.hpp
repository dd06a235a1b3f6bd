// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_DETAIL_DURABLE_CORE_HPP
#define PERDURE_DURABLE_DETAIL_DURABLE_CORE_HPP

#include <perdure/durable/detail/apply_once.hpp>
#include <perdure/durable/detail/command_record.hpp>
#include <perdure/durable/detail/durable_image.hpp>
#include <perdure/durable/detail/replay_gaps.hpp>
#include <perdure/durable/detail/save_state.hpp>
#include <perdure/durable/detail/snapshot_schedule.hpp>
#include <perdure/durable/options.hpp>
#include <perdure/durable/record.hpp>
#include <perdure/durable/report.hpp>
#include <perdure/durable/sessions.hpp>
#include <perdure/durable/state_machine.hpp>
#include <perdure/snapshot/report.hpp>
#include <perdure/wal/position.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace perdure::detail {

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
          options_(checked(std::move(options))),
          log_(std::in_place, world_, log_options()),
          snapshots_(std::in_place, world_, options_.directory + "/snapshots", options_.snapshots),
          schedule_(options_),
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
    std::optional<std::chrono::duration<double>> snapshot_interval() const
    {
        return schedule_.interval(world_.now());
    }
    std::size_t clients() const noexcept { return sessions_.size(); }

    template <class Handler>
    void open(Handler handler)
    {
        if (phase_ != phase::initial) {
            waiter_queue<void(error_code, durable_report)> refused(get_executor());
            refused.push(std::move(handler));
            return refused.complete_all(
                phase_ == phase::closed ? errc::closed : errc::already_open, report_);
        }
        push_for_good(opening_, std::move(handler));
        phase_ = phase::opening;
        opening_since_ = world_.now();
        if (options_.on_progress)
            options_.on_progress({});
        if (phase_ != phase::opening)
            return; // Destroyed there.
        log_->async_open(
            on_loop([self = this->shared_from_this()](error_code ec, recovery_report report) {
                self->report_.log = std::move(report);
                if (ec)
                    self->opened(ec, "/log");
                else
                    self->load();
            }));
    }

    template <class Handler>
    void execute(Command command, std::optional<client_command> from, Handler handler)
    {
        // The log has it from here on, so nothing can call it back.
        arriving_.push(std::move(handler));
        executing_.take_all(arriving_);
        auto& entry = pending_.emplace_back();
        entry.number = ++last_number_;
        entry.from = from;
        std::vector<std::byte> record;
        if (phase_ != phase::open || !closing_for_.empty())
            entry.ec = errc::closed;
        else if (from && from->sequence == 0)
            entry.ec = asio::error::invalid_argument; // In the log it would be no record.
        // What a known one comes to is durable already; those under way decide too: its client's first may be among them.
        else if (!from || pending_.size() != 1 ||
                 sessions_.judge(*from) == client_sessions::verdict::apply)
            record = encode_command<Codec>(command, from, options_.sessions.clients, entry.ec);
        if (entry.ec || record.empty()) {
            entry.done = true;
            return settle();
        }
        schedule_.logged(record.size());
        entry.command = std::move(command);
        log_->async_append(
            std::move(record),
            on_loop([self = this->shared_from_this(), number = entry.number](
                        error_code ec, position at) { self->appended(number, ec, at); }));
    }

    /// Calls `f(error_code)` when the commands under way have been applied.
    void when_applied(std::function<void(error_code)> f)
    {
        if (phase_ != phase::open)
            return f(errc::closed);
        if (pending_.empty())
            return f({});
        queries_.emplace_back(last_number_, std::move(f));
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
        push_for_good(snapshotting_for_, std::move(handler));
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
        push_for_good(closing_for_, std::move(handler));
        close_when_idle();
    }

    /// The object is gone: ends what waits. What the log or the store still reports finds nobody.
    void abandon()
    {
        phase_ = phase::closed;
        log_.reset();
        snapshots_.reset();
        pending_.clear();
        fetched_ = {};
        for (auto& [number, query] : std::exchange(queries_, {}))
            query(asio::error::operation_aborted);
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
        std::optional<client_command> from;
        position at = 0;
        error_code ec;
        bool done = false;
    };

    wal_options log_options() const
    {
        auto result = options_.log;
        result.directory = options_.directory + "/log";
        if (result.type.empty())
            result.type = options_.snapshots.type;
        if (options_.lost_ranges) {
            // A log that was closed is not read when it is opened, and then its losses come too late.
            result.mode = recovery_mode::salvage;
            result.verify_everything = true;
        }
        return result;
    }

    void progress(durable_progress::stage at)
    {
        if (options_.on_progress)
            options_.on_progress({at, applied_ + 1, log_ ? log_->next_position() : 0});
    }

    template <class Handler>
    auto on_loop(Handler handler)
    {
        return asio::bind_executor(get_executor(), std::move(handler));
    }

    // What waits there cannot be cancelled.
    template <class Queue, class Handler>
    void push_for_good(Queue& queue, Handler handler)
    {
        Queue arriving(get_executor());
        arriving.push(std::move(handler));
        queue.take_all(arriving);
    }

    // -- opening ---------------------------------------------------------------------------------

    // `in` is the directory that an error of the system is about.
    void opened(error_code ec, char const* in = nullptr)
    {
        if (ec && in != nullptr && ec.category() != perdure::category())
            report_.detail = options_.directory + in + ": " + ec.message();
        if (phase_ == phase::opening) {
            phase_ = ec ? phase::closed : phase::open;
            if (ec) {
                state_ = State();
                sessions_ = {};
                applied_ = 0;
            }
        }
        report_.took = world_.now() - opening_since_;
        opening_.complete_all(ec, report_);
        if (phase_ == phase::open && !snapshotting_ && schedule_.log_is_long())
            take_snapshot();
    }

    void load()
    {
        if (phase_ != phase::opening)
            return;
        progress(durable_progress::stage::loading_snapshot);
        if (phase_ != phase::opening)
            return; // Destroyed there.
        // Their positions count in this log and in no other.
        options_.snapshots.log_id = {log_->id().high, log_->id().low};
        snapshots_.emplace(world_, options_.directory + "/snapshots", options_.snapshots);
        snapshots_->template async_load_newest<durable_image<State>>(
            durable_codec{}, on_loop([self = this->shared_from_this()](
                                         error_code ec, loaded_snapshot<durable_image<State>> l) {
                self->report_.snapshots = std::move(l.report);
                if (self->phase_ == phase::opening)
                    self->replay(ec, std::move(l.value), l.info);
            }));
    }

    void replay(error_code ec, std::optional<durable_image<State>> image, snapshot_info const& info)
    {
        position from = 1;
        complete_ = 0;
        failure_history history;
        if (image) {
            state_ = std::move(image->loaded);
            sessions_ = std::move(image->sessions);
            history = image->history;
            if (image->sliced) {
                complete_ = image->complete;
                sessions_when_complete_ = std::move(image->sessions_when_complete);
            }
            report_.loaded = info;
            from = info.position;
        } else if (ec == errc::no_good_snapshot || ec == errc::no_snapshot) {
            ec = {}; // The log may reach back to the beginning.
        } else if (ec == errc::wrong_log) {
            report_.detail = "the snapshots in " + options_.directory + "/snapshots belong to another log";
            if (report_.log.outcome == recovery_outcome::created)
                ec = errc::acknowledged_data_lost; // To which they belong, is gone.
        }
        if (ec)
            return opened(ec, "/snapshots");
        auto const outcome = report_.log.outcome;
        schedule_.opened(world_.now(), history,
                         outcome != recovery_outcome::created && outcome != recovery_outcome::clean,
                         report_.log.segments * options_.log.segment_bytes);
        // The state needs every record from `from` on, and the log must not give those positions out anew.
        bool const begins_late = log_->first_position() > from && !options_.lost_ranges;
        if (begins_late || log_->next_position() < from) {
            report_.detail = "the state needs the log from position " + std::to_string(from) + ", and it has " +
                             counted(position_range{log_->first_position(), log_->next_position() - 1});
            return opened(report_.snapshots.candidates != 0 && !report_.loaded.id
                              ? error_code(errc::no_good_snapshot)
                              : error_code(errc::acknowledged_data_lost));
        }
        older_snapshot_ = newest_snapshot_ = from;
        applied_ = from - 1;
        reach(from);
        gaps_.begin(from);
        auto const first = std::max(from, log_->first_position());
        if (first == log_->next_position())
            return replayed({});
        progress(durable_progress::stage::replaying);
        if (phase_ != phase::opening)
            return;
        replaying_since_ = world_.now();
        // The records come on the loop, a piece at a time, so that it gets to its other work.
        log_->async_replay(
            first,
            [self = this->shared_from_this()](position at, std::span<std::byte const> record) {
                if (self->phase_ == phase::opening && self->gaps_.accept(at, record))
                    self->replay_one(at, record);
            },
            on_loop([self = this->shared_from_this()](error_code e, position) { self->replayed(e); }));
    }

    void replay_one(position at, std::span<std::byte const> bytes)
    {
        if (failed_)
            return;
        durable_record record;
        char const* reason = nullptr;
        auto const command = decode_command<Codec, Command>(bytes, exactly_once_state<State>,
                                                            record, reason, failed_);
        if (failed_) {
            report_.detail = "record " + std::to_string(at) + " of the log " + reason;
            return;
        }
        applied_ = at;
        error_code ignored;
        if (!record.from)
            static_cast<void>(state_.apply(*command));
        else if constexpr (exactly_once_state<State>) {
            // As many clients as were remembered then, or others' commands would be refused now that were done.
            auto limits = options_.sessions;
            if (record.clients != 0)
                limits.clients = record.clients;
            static_cast<void>(apply_once(state_, sessions_, *record.from, &*command, at, limits,
                                         ignored));
        }
        reach(at + 1);
        replayed_bytes_ += bytes.size();
        ++report_.commands_replayed;
        if (report_.commands_replayed % 4096 == 0)
            progress(durable_progress::stage::replaying);
    }

    // Behind the records that a snapshot in slices may hold, clients' results are those that were given then.
    void reach(position next)
    {
        if (complete_ != 0 && next >= complete_) {
            sessions_ = std::move(sessions_when_complete_);
            complete_ = 0;
        }
    }

    void replayed(error_code ec)
    {
        if (phase_ != phase::opening)
            return;
        if (ec)
            return opened(ec, "/log");
        schedule_.replayed(replayed_bytes_, world_.now() - replaying_since_);
        gaps_.finish(log_->next_position());
        if (gaps_.whole())
            return finish_replay();
        if (!options_.lost_ranges)
            return opened(errc::acknowledged_data_lost);
        fetch();
    }

    void fetch()
    {
        progress(durable_progress::stage::fetching);
        if (phase_ != phase::opening)
            return;
        auto const gap = gaps_.first_gap();
        // The source may keep its callback: it must not keep us, nor reach us when we are gone or called twice.
        fetched_ = std::make_shared<std::function<void(error_code, std::vector<replay_gaps::bytes>)>>(
            [self = this](error_code ec, std::vector<replay_gaps::bytes> records) {
                self->fetched(ec, std::move(records));
            });
        options_.lost_ranges(gap, [weak = std::weak_ptr(fetched_)](
                                      error_code ec, std::vector<replay_gaps::bytes> records) {
            if (auto const f = weak.lock())
                (*f)(ec, std::move(records));
        });
    }

    void fetched(error_code ec, std::vector<replay_gaps::bytes> records)
    {
        auto const self = this->shared_from_this();
        fetched_.reset();
        if (phase_ != phase::opening)
            return;
        auto const count = records.size();
        if (!ec && !gaps_.fill_first(std::move(records)))
            ec = errc::acknowledged_data_lost;
        if (ec)
            return opened(ec);
        report_.commands_fetched += count;
        if (!gaps_.whole())
            return fetch();
        finish_replay();
    }

    void finish_replay()
    {
        gaps_.drain([this](position at, std::span<std::byte const> record) {
            replay_one(at, record);
        });
        if (phase_ != phase::opening)
            return;
        if (failed_)
            return opened(failed_);
        if (complete_ != 0)
            return opened(errc::acknowledged_data_lost); // The snapshot is ahead of the log.
        if (report_.commands_fetched == 0)
            return opened({});
        // What was fetched is durable here with this snapshot.
        healing_ = true;
        take_snapshot();
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
        while (!queries_.empty() &&
               (pending_.empty() || queries_.front().first < pending_.front().number)) {
            auto const query = std::move(queries_.front().second);
            queries_.pop_front();
            try {
                query({});
            } catch (...) { // It is the caller's; those behind it get their turn all the same.
                asio::post(get_executor(), [self = this->shared_from_this()] { self->settle(); });
                throw;
            }
        }
        if (phase_ == phase::open && !snapshotting_ && closing_for_.empty() &&
            schedule_.due(world_.now()))
            take_snapshot();
        close_when_idle();
    }

    void complete(entry_type& entry, error_code ec)
    {
        if (executing_.empty())
            return; // The loop is shutting down, and the waiters are gone.
        if constexpr (std::is_void_v<result_type>) {
            if (!ec)
                apply(entry, ec);
            executing_.complete_front(ec);
        } else if (ec) {
            executing_.complete_front(ec, result_type());
        } else {
            auto result = apply(entry, ec);
            executing_.complete_front(ec, std::move(result));
        }
    }

    result_type apply(entry_type& entry, error_code& ec)
    {
        if (entry.at != 0)
            applied_ = entry.at;
        if constexpr (exactly_once_state<State>) {
            // It may have been given before, also while it was under way.
            if (entry.from)
                return apply_once(state_, sessions_, *entry.from,
                                  entry.command ? &*entry.command : nullptr, applied_,
                                  options_.sessions, ec);
        }
        return state_.apply(*entry.command);
    }

    // -- snapshots -------------------------------------------------------------------------------

    void take_snapshot()
    {
        snapshotting_ = true;
        auto const now = world_.now();
        schedule_.begun(now);
        auto done = on_loop([self = this->shared_from_this()](error_code ec, snapshot_info info) {
            self->snapshot_taken(ec, info);
        });
        // For a state that changes meanwhile. Its generator refers to it, and it lives as long as we do.
        auto at_end = [self = this->shared_from_this()](client_sessions const&) {
            return std::pair(self->applied_ + 1, &self->sessions_);
        };
        save_state(*snapshots_, state_, sessions_, schedule_.history(now), applied_ + 1, options_, std::move(at_end),
                   std::move(done));
    }

    void snapshot_taken(error_code ec, snapshot_info const& info)
    {
        snapshotting_ = false;
        snapshot_error_ = ec;
        schedule_.ended(world_.now(), !ec);
        if (!ec && (phase_ == phase::open || healing_)) {
            // The store keeps two generations; the log has to reach back to the older one.
            older_snapshot_ = std::exchange(newest_snapshot_, info.position);
            if (log_ && older_snapshot_ > log_->first_position())
                log_->async_trim(older_snapshot_ - 1,
                                 on_loop([self = this->shared_from_this()](error_code) {}));
        }
        if (std::exchange(healing_, false) && phase_ == phase::opening)
            opened(ec, "/snapshots");
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
    client_sessions sessions_;
    std::deque<entry_type> pending_;
    std::uint64_t last_number_ = 0;

    phase phase_ = phase::initial;
    time_point opening_since_{};
    time_point replaying_since_{};
    durable_report report_;
    replay_gaps gaps_;
    std::uint64_t replayed_bytes_ = 0;
    position complete_ = 0; ///< While the state may hold later records: the one that ends that.
    client_sessions sessions_when_complete_;
    error_code failed_;
    std::shared_ptr<std::function<void(error_code, std::vector<replay_gaps::bytes>)>> fetched_;
    std::deque<std::pair<std::uint64_t, std::function<void(error_code)>>> queries_;

    bool snapshotting_ = false;
    bool closing_ = false;
    bool healing_ = false; ///< The snapshot under way ends the opening.
    snapshot_schedule schedule_;
    position newest_snapshot_ = 1, older_snapshot_ = 1;
    error_code snapshot_error_;

    waiter_queue<void(error_code, durable_report)> opening_;
    waiter_queue<execute_signature> arriving_, executing_; ///< One each for `pending_`.
    waiter_queue<void(error_code, snapshot_info)> snapshotting_for_;
    waiter_queue<void(error_code)> closing_for_;
};

} // namespace perdure::detail

#endif
