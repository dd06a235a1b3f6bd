// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_PUMP_HPP
#define PERDURE_WAL_DETAIL_LOG_PUMP_HPP

#include <perdure/wal/detail/collector.hpp>
#include <perdure/wal/detail/group_job.hpp>
#include <perdure/wal/detail/log_files.hpp>
#include <perdure/wal/detail/log_keeping.hpp>
#include <perdure/wal/detail/log_requests.hpp>
#include <perdure/wal/detail/log_writing.hpp>
#include <perdure/wal/event.hpp>
#include <perdure/wal/retention.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/bind_executor.hpp>

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace perdure::detail {

/* Who writes a log: the pump, which runs on the driver's executor, and threads that wait.
 *
 *     append --post--> wake() --file job--> written() --post--> waiters
 *                        ^___________post______/
 *
 * While a group is under way the next one is collected. The pump is woken behind the completions
 * that it posted, so that clients which append again when they are resumed share the next sync.
 *
 * A thread that appends and waits goes no such way if nobody is writing: it takes the collector's
 * baton, does the file job itself, in lead(), and completes everybody whose records it wrote. So
 * whatever belongs to writing is touched by the baton's holder, and under the lock, because the
 * executor may look at it; the lock is never held for input or output.
 */
template <class World>
class log_pump : public std::enable_shared_from_this<log_pump<World>> {
public:
    using files = typename World::files;
    using plain_handler = erased_handler<void(error_code)>;

    World const& world() const noexcept { return world_; }
    asio::any_io_executor const& executor() const noexcept { return executor_; }

    /// Has all who wait for something to read look again.
    void wake_readers() { readers_.complete_all(error_code()); }

protected:
    enum class status : std::uint8_t { unopened, opening, open, closing, closed };

    using job = group_job<files>;

    log_pump(World world, wal_options options)
        : world_(std::move(world)),
          options_(std::move(options)),
          executor_(world_.get_executor()),
          idle_timer_(world_),
          stall_timer_(world_),
          completions_(std::make_shared<completion_queue>(executor_)),
          collector_(options_.waiting_bytes_max, options_.record_bytes_max, options_.checksum),
          disk_(std::make_shared<log_files<files>>(directories(), options_.packing)),
          writing_(options_),
          readers_(executor_)
    {
    }
    ~log_pump() = default;

    log_directories directories() const { return {options_.directory, options_.second_directory}; }

    std::uint64_t now_ms() const { return options_.unix_time_ms ? options_.unix_time_ms() : 0; }

    template <class T>
    T locked(T const& value) const
    {
        std::lock_guard lock(mutex_);
        return value;
    }

    template <class F>
    auto pump(F f)
    {
        return asio::bind_executor(executor_, [self = this->shared_from_this(), f](auto&&... args) {
            f(*self, std::forward<decltype(args)>(args)...);
        });
    }

    template <class F>
    void post(F f)
    {
        asio::post(executor_, [self = this->shared_from_this(), f] { f(*self); });
    }

    void act(log_collector::duty d)
    {
        if (d == log_collector::duty::wake)
            post([](log_pump& s) { s.wake(); });
        else if (d == log_collector::duty::wake_behind)
            completions_->push([self = this->shared_from_this()] { self->wake(); });
    }

    // -- writing: the baton

    void wake()
    {
        if (!collector_.begin_pump())
            return; // Whoever writes comes back here.
        completion_batch at_once(*completions_);
        std::optional<job> next;
        bool resting = false;
        {
            std::lock_guard lock(mutex_);
            if (status_ == status::closed || failed_)
                resting = true;
            else if (collector_.take(writing_.flight().group, writing_.flight().sync, at_once))
                next = make_job();
            else if (!truncations_.empty())
                return start_truncation(); // Keeps the baton.
            else if (status_ == status::closing)
                return start_closing(); // Keeps the baton.
        }
        at_once.post();
        if (next) {
            submit(std::move(*next));
            watch_stall();
            admit();
            return;
        }
        give_back(false);
        stall_timer_.cancel(); // So that it does not keep the loop at work.
        if (!resting)
            watch_idle();
    }

    void submit(job j)
    {
        world_.async_file_job(std::move(j), pump([](log_pump& s, error_code ec, write_result r) {
                                  completion_batch done(*s.completions_);
                                  if (auto again = s.written(ec, std::move(r), done))
                                      return s.submit(std::move(*again));
                                  done.post();
                                  s.give_back(true);
                              }));
    }

    // Appends that wait for room are let in piece by piece, so that the loop gets to its other work.
    void admit()
    {
        if (collector_.admit())
            post([](log_pump& s) { s.admit(); });
    }

    // A thread that waits writes for all.
    void lead()
    {
        // Threads that the last group woke are about to append again, and may share this one.
        for (int i = 0; i != 16 && !collector_.others_are_in(); ++i)
            World::yield_thread();
        completion_batch at_once(*completions_);
        std::optional<job> next;
        bool watch = false;
        {
            std::lock_guard lock(mutex_);
            if (status_ != status::closed && !failed_ &&
                collector_.take(writing_.flight().group, writing_.flight().sync, at_once)) {
                next = make_job();
                watch = watches_stalls() && !stall_watched_;
            }
        }
        at_once.post();
        if (watch)
            post([](log_pump& s) { s.watch_stall(); });
        while (collector_.admit()) {
        }
        auto fs = world_.blocking_files();
        while (next) {
            error_code ec;
            auto r = (*next)(fs, ec);
            completion_batch done(*completions_);
            next = written(ec, std::move(r), done);
            done.post();
        }
        bool pump_is_wanted = false;
        {
            std::lock_guard lock(mutex_);
            // Only the pump closes and cuts; the seal that was to wake it may be in this group.
            pump_is_wanted = status_ == status::closing || !truncations_.empty() ||
                             (wants_idle_seal() && !idle_watched_);
        }
        give_back(pump_is_wanted);
    }

    void give_back(bool wake_anyway)
    {
        auto const next = collector_.release(wake_anyway);
        if (next.thread)
            next.thread->wake();
        else
            act(next.duty);
    }

    // -- writing: a group

    job make_job()
    {
        auto& flight = writing_.flight();
        flight.active = true;
        flight.trims = trims_.size();
        flight.stalled = false;
        if (watches_stalls())
            flight.began = world_.now();
        return {writing_.plan(keeping_.front(), now_ms()), disk_};
    }

    // After a failure.
    job continue_elsewhere(error_code const& cause, write_result r)
    {
        bool const rotated = r.rotated;
        job j{writing_.plan_elsewhere(cause, std::move(r), keeping_.front(), world_.entropy(),
                                      now_ms()),
              disk_};
        if (rotated)
            tell_readers();
        return j;
    }

    // Another segment is in use.
    void enter_next()
    {
        writing_.enter_next();
        collector_.enter(writing_.active().header);
        tell_readers();
        if (status_ != status::closed) {
            prepare_next();
            retain();
        }
    }

    void accept(bool synced)
    {
        writing_.accept(synced);
        if (!synced)
            return;
        tell_readers();
        if (status_ != status::closed)
            remove_trimmed(writing_.flight().front);
    }

    // Returns what is to be written next of the same group: after a failure, in a new segment. Who is
    // to be told of the group is in `done`.
    std::optional<job> written(error_code ec, write_result r, completion_batch& done)
    {
        waiter_list landed;
        {
            std::lock_guard lock(mutex_);
            auto& flight = writing_.flight();
            if (r.failed && may_continue())
                return continue_elsewhere(ec, std::move(r));
            writing_.land(r);
            if (flight.stalled)
                emit(wal_event_kind::disk_answered, {}, world_.now() - flight.began);
            if (r.rotated)
                enter_next();
            if (!ec) {
                accept(r.synced);
                if (flight.continues)
                    emit(wal_event_kind::continued, flight.cause, {}, making_in());
                landed = collector_.land();
            } else if (status_ == status::closed) {
                landed = collector_.land(); // stop() has told them.
                landed.clear();
            } else if (r.failed || ec != errc::no_space || !collector_.roll_back(flight.first, done)) {
                fail(ec, done);
            } else {
                emit(wal_event_kind::no_space, ec);
                finish(trims_, errc::no_space);
            }
            if (failed_ && status_ == status::closing)
                finish_closing(failed_);
        }
        done.add(std::move(landed), {});
        return std::nullopt;
    }

    // -- writing: after a failure

    bool may_continue() const
    {
        return options_.after_failure == after_failure::continue_elsewhere &&
               !writing_.flight().continues && status_ != status::closed;
    }

    std::string const& making_in() const
    {
        return options_.second_directory.empty() ? options_.directory : options_.second_directory;
    }

    // A failed write or sync is final: the system may have dropped the bytes and report success next.
    void fail(error_code const& cause, completion_batch& done)
    {
        failed_ = errc::log_failed;
        cause_ = cause;
        done.add(collector_.land(), failed_);
        collector_.refuse(failed_, done);
        finish(trims_, failed_);
        finish(truncations_, failed_);
        tell_readers();
        emit(wal_event_kind::failed, cause);
    }

    // -- segments

    // The next segment, made beforehand. If that fails now, changing to it tries again and reports.
    void prepare_next()
    {
        writing_.name_next(writing_.active().header.sequence, world_.entropy(), now_ms());
        world_.async_file_job([disk = disk_, header = writing_.next_header()](
                                  files& fs, error_code& ec) mutable {
                                  std::exchange(disk, {})->prepare(fs, header, ec);
                              },
                              pump([](log_pump&, error_code) {}));
    }

    // Asks for the seal behind which the segments that nobody wants are removed.
    void give_up_trimmed()
    {
        if (status_ == status::open && !failed_ && keeping_.has_trimmed(writing_.chain()))
            act(collector_.want_seal());
    }

    void retain()
    {
        if (options_.retention.empty())
            return;
        auto const front = retention_front(writing_.chain(), options_.retention, now_ms());
        // What is not durable is not trimmed.
        keeping_.trim(std::min(front, writing_.durable() + 1));
        give_up_trimmed();
    }

    void remove_trimmed(position front)
    {
        auto const& chain = writing_.chain();
        auto const n = static_cast<std::ptrdiff_t>(log_keeping::trimmed_segments(chain, front));
        // Those that came since the group was made wait for the next one.
        auto const done = trims_.begin() + static_cast<std::ptrdiff_t>(
                                               std::min(writing_.flight().trims, trims_.size()));
        if (n == 0 && done == trims_.begin())
            return;
        std::vector<plain_waiter> trims(std::make_move_iterator(trims_.begin()),
                                        std::make_move_iterator(done));
        trims_.erase(trims_.begin(), done);
        std::vector<std::uint64_t> gone;
        for (auto i = chain.begin(); i != chain.begin() + n; ++i)
            gone.push_back(i->header.sequence);
        writing_.drop_front(n);
        world_.async_file_job(
            [disk = disk_, gone](files& fs, error_code& ec) mutable {
                std::exchange(disk, {})->remove(fs, gone, ec);
            },
            asio::bind_executor(executor_,
                                [self = this->shared_from_this(), trims = std::move(trims)](
                                    error_code ec) mutable { finish(trims, ec); }));
    }

    // The readers wait on the executor, and this may be another thread.
    void tell_readers()
    {
        if (std::exchange(read_, true))
            return;
        post([](log_pump& s) { s.wake_readers(); });
    }

    // -- truncating

    // Everything that was appended before is written. The pump has the baton.
    void start_truncation()
    {
        position const last = truncations_.front().last;
        position const given = writing_.written();
        bool const trimmed = last < keeping_.front() - 1; // Since it was asked for.
        if (last >= given || trimmed) {
            end_truncation(trimmed ? make_error_code(errc::position_out_of_range) : error_code(),
                           given + 1);
            return post([](log_pump& s) { s.give_back(true); });
        }
        writing_.flight().active = true;
        auto header =
            writing_.header_of_next(writing_.active().header.sequence, world_.entropy(), now_ms());
        world_.async_file_job(
            [disk = disk_, header, last, given, chain = writing_.chain(), front = keeping_.front(),
             now = now_ms()](files& fs, error_code& ec) mutable {
                truncation_result r;
                std::exchange(disk, {})->truncate(fs, chain, last, given, front, header, now, r.failed, ec);
                r.chain = std::move(chain);
                return r;
            },
            pump([](log_pump& s, error_code ec, truncation_result r) {
                s.truncated(ec, std::move(r));
            }));
    }

    void truncated(error_code const& ec, truncation_result r)
    {
        completion_batch done(*completions_);
        {
            std::lock_guard lock(mutex_);
            writing_.flight().active = false;
            if (status_ == status::closed)
                return;
            if (r.failed) {
                fail(ec, done);
                if (status_ == status::closing)
                    finish_closing(failed_);
            } else {
                position given = writing_.written();
                if (!ec) {
                    keeping_.cut(truncations_.front().last);
                    writing_.go_on_with(std::move(r.chain));
                    writing_.count_segment();
                    given = writing_.written();
                    tell_readers();
                    prepare_next();
                }
                end_truncation(ec, given + 1);
            }
        }
        done.post();
        give_back(true);
    }

    void end_truncation(error_code const& ec, position next)
    {
        auto waiter = std::move(truncations_.front().waiter);
        truncations_.pop_front();
        collector_.resume(writing_.active().header, next);
        finish(waiter, ec);
    }

    // -- idling and closing

    bool wants_idle_seal() const
    {
        return options_.idle_seal_after.count() != 0 && writing_.durable() > writing_.proven() &&
               status_ == status::open && !failed_;
    }

    // When nothing has happened for a while, a seal makes the last group provable.
    void watch_idle()
    {
        std::lock_guard lock(mutex_);
        if (idle_watched_ || !wants_idle_seal())
            return;
        idle_watched_ = true;
        idle_timer_.expires_after(options_.idle_seal_after);
        idle_timer_.async_wait(
            asio::bind_executor(executor_, [weak = this->weak_from_this(),
                                            groups = writing_.counters().groups](error_code ec) {
                if (auto const self = weak.lock())
                    self->idled(ec, groups);
            }));
    }

    void idled(error_code const& ec, std::uint64_t groups)
    {
        {
            std::lock_guard lock(mutex_);
            idle_watched_ = false;
            if (ec || status_ != status::open || failed_ || writing_.flight().active)
                return;
            if (writing_.counters().groups == groups)
                return act(collector_.want_seal());
        }
        watch_idle();
    }

    bool watches_stalls() const { return options_.on_event && options_.stall_after.count() != 0; }

    // One timer for many groups: it looks whether the group that is under way is an old one.
    void watch_stall()
    {
        if (!watches_stalls())
            return;
        std::lock_guard lock(mutex_);
        auto const& flight = writing_.flight();
        if (stall_watched_ || !flight.active || flight.stalled || status_ == status::closed)
            return;
        stall_watched_ = true;
        stall_timer_.expires_at(flight.began + options_.stall_after);
        stall_timer_.async_wait(
            asio::bind_executor(executor_, [weak = this->weak_from_this()](error_code ec) {
                if (auto const self = weak.lock())
                    self->look_for_stall(ec);
            }));
    }

    void look_for_stall(error_code const& ec)
    {
        {
            std::lock_guard lock(mutex_);
            stall_watched_ = false;
            if (ec || !writing_.flight().active)
                return;
            auto const took = world_.now() - writing_.flight().began;
            if (took >= options_.stall_after) {
                writing_.flight().stalled = true;
                emit(wal_event_kind::disk_stalled, {}, took);
            }
        }
        watch_stall();
    }

    void emit(wal_event_kind kind, error_code const& cause, std::chrono::nanoseconds took = {},
              std::string directory = {})
    {
        if (!options_.on_event)
            return;
        wal_event e{kind, writing_.durable(), took, cause, std::move(directory)};
        post([e = std::move(e)](log_pump& s) {
            if (s.locked(s.status_) != status::closed)
                s.options_.on_event(e);
        });
    }

    void start_closing()
    {
        if (!writing_.is_linked()) {
            // The segment in use was begun when the disk was full: no footer may stand behind nothing.
            disk_.reset();
            return finish_closing(errc::no_space);
        }
        auto const footer = writing_.footer(0, keeping_.front(), now_ms());
        writing_.flight().active = true;
        world_.async_file_job([disk = disk_, footer, used = writing_.active().used_bytes](
                                  files&, error_code& ec) mutable {
                                  std::exchange(disk, {})->close(used, footer, ec);
                              },
                              pump([](log_pump& s, error_code ec) {
                                  std::lock_guard lock(s.mutex_);
                                  s.finish_closing(ec);
                              }));
    }

    void finish_closing(error_code const& ec)
    {
        writing_.flight().active = false;
        if (status_ == status::closing)
            status_ = status::closed;
        tell_readers();
        if (failed_)
            disk_.reset();
        finish(closers_, ec);
        post([](log_pump& s) { // This may be another thread.
            s.idle_timer_.cancel();
            s.stall_timer_.cancel();
        });
    }

    World world_;
    wal_options options_;
    asio::any_io_executor executor_;
    typename World::timer idle_timer_;
    typename World::timer stall_timer_;
    std::shared_ptr<completion_queue> completions_; // May outlive *this.
    log_collector collector_;

    mutable std::mutex mutex_;               // Guards what follows.
    // What jobs work on. They share it until they have run: the directory is free when the last one has, whether or not
    // the loop has heard of it.
    std::shared_ptr<log_files<files>> disk_;
    status status_ = status::unopened;
    bool stopped_ = false; // The driver was destroyed.
    error_code failed_;
    error_code cause_; // What the system said then.
    bool idle_watched_ = false;
    bool stall_watched_ = false;
    log_keeping keeping_;
    log_writing writing_;
    std::vector<plain_waiter> closers_;
    std::vector<plain_waiter> trims_;
    std::deque<truncation> truncations_;
    bool read_ = true; // Nobody has come to wait for something to read since they were told.

    waiter_queue<void(error_code)> readers_; // Who follows the log. On the executor only.
};

} // namespace perdure::detail

#endif
