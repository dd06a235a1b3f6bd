// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_STATE_HPP
#define PERDURE_WAL_DETAIL_LOG_STATE_HPP

#include <perdure/wal/detail/collector.hpp>
#include <perdure/wal/detail/group_job.hpp>
#include <perdure/wal/detail/log_files.hpp>
#include <perdure/wal/detail/log_keeping.hpp>
#include <perdure/wal/event.hpp>
#include <perdure/wal/log_reader.hpp>
#include <perdure/wal/retention.hpp>
#include <perdure/world/attachment.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/bind_executor.hpp>

#include <algorithm>
#include <cassert>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace perdure::detail {

/* The state of a log, and its pump, which runs on the driver's executor.
 *
 *     append --post--> wake() --file job--> written() --post--> waiters
 *                        ^___________post______/
 *
 * While a group is under way the next one is collected. The pump is woken by a post behind the
 * completions that it posted, so that clients which append again when they are resumed share the
 * next sync.
 *
 * A thread that appends and waits goes no such way if nobody is writing: it takes the collector's
 * baton, does the file job itself, in lead(), and completes everybody whose records it wrote. So
 * whatever belongs to writing is touched by the baton's holder, and under the lock, because the
 * executor may look at it; the lock is never held for input or output.
 */
template <class World>
class log_state : public context_attachment, public std::enable_shared_from_this<log_state<World>> {
public:
    using files = typename World::files;
    using plain_handler = erased_handler<void(error_code)>;

    enum class status : std::uint8_t { unopened, opening, open, closing, closed };

    log_state(World world, wal_options options)
        : context_attachment(
              asio::query(asio::any_io_executor(world.get_executor()), asio::execution::context)),
          world_(std::move(world)),
          options_(std::move(options)),
          executor_(world_.get_executor()),
          idle_timer_(world_),
          stall_timer_(world_),
          collector_(options_.waiting_bytes_max, options_.record_bytes_max, options_.checksum),
          disk_(std::make_shared<log_files<files>>(directories(), options_.packing)),
          readers_(executor_)
    {
        if constexpr (requires { World::process_name(); })
            if (options_.owner.empty())
                options_.owner = World::process_name();
    }

    World const& world() const noexcept { return world_; }
    asio::any_io_executor const& executor() const noexcept { return executor_; }
    std::string const& directory() const noexcept { return options_.directory; }
    log_packing const& packing() const noexcept { return options_.packing; }
    log_directories directories() const { return {options_.directory, options_.second_directory}; }
    log_collector& collector() noexcept { return collector_; }
    position front() const
    {
        std::lock_guard lock(mutex_);
        return keeping_.front();
    }
    /// A copy.
    log_keeping keeping() const { return locked(keeping_); }
    position durable() const { return locked(durable_); }
    position next() const { return collector_.next(); }
    wal_counters counters() const { return locked(counters_); }
    std::vector<chain_segment> chain() const { return locked(chain_); }
    error_code failure() const { return locked(cause_); }
    bool is_open() const { return locked(status_) == status::open; }

    // -- opening and closing

    /// What opens the log: to run as a file job, or on the calling thread.
    auto opening_job()
    {
        std::lock_guard lock(mutex_);
        assert(status_ == status::unopened && "a log is opened once at a time");
        status_ = status::opening;
        opening_entropy const entropy{{world_.entropy(), world_.entropy()}, world_.entropy()};
        return [disk = disk_, options = options_, entropy, now = now_ms()](
                   files& fs, error_code& ec) { return disk->open(fs, options, entropy, now, ec); };
    }

    recovery_report opened(error_code const& ec, opened_log&& log)
    {
        std::unique_lock lock(mutex_);
        if (status_ == status::opening)
            status_ = ec ? status::unopened : status::open;
        if (status_ != status::open)
            return std::move(log.report);
        chain_ = std::move(log.chain);
        log_ = log.log;
        sequence_max_ = log.sequence_max;
        keeping_.open(log.front);
        digest_ = chain_.back().digest;
        written_ = chain_.back().positions.last;
        became_durable(written_);
        proven_ = chain_.back().link.last;
        linked_ = true;
        collector_.open(chain_.back().header, written_ + 1);
        prepare_next();
        retain();
        lock.unlock();
        watch_idle();
        return std::move(log.report);
    }

    void close(plain_handler handler, asio::any_io_executor ex)
    {
        completion_batch at_once(executor_);
        std::unique_lock lock(mutex_);
        plain_waiter w{std::move(handler), std::move(ex)};
        if (status_ != status::open && status_ != status::closing)
            return finish(w, errc::closed);
        closers_.push_back(std::move(w));
        status_ = status::closing;
        collector_.close(errc::closed, at_once);
        if (failed_)
            finish_closing(failed_);
        else
            act(collector_.want_seal());
        lock.unlock();
        at_once.post();
    }

    /// The driver is destroyed: everybody who waits is told so.
    void stop()
    {
        completion_batch at_once(executor_);
        {
            std::lock_guard lock(mutex_);
            status_ = status::closed;
            collector_.refuse(asio::error::operation_aborted, at_once);
            collector_.cancel_flying(at_once);
            finish(closers_, asio::error::operation_aborted);
            finish(trims_, asio::error::operation_aborted);
            finish_truncations(asio::error::operation_aborted);
            disk_.reset();
        }
        at_once.post();
        readers_.cancel_all();
        idle_timer_.cancel();
        stall_timer_.cancel();
    }

    // -- appending and waiting

    void append(record_list records, log_waiter&& waiter)
    {
        completion_batch at_once(executor_);
        act(collector_.append(records, std::move(waiter), at_once));
        at_once.post();
    }

    void wait_durable(log_waiter&& waiter)
    {
        completion_batch at_once(executor_);
        act(start_waiting(std::move(waiter), at_once));
        at_once.post();
    }

    /// The same for a thread that blocks.
    position append_blocking(record_list records, durability how, error_code& ec)
    {
        return block(
            [&](log_waiter&& w, completion_batch& at_once) {
                return collector_.append(records, std::move(w), at_once);
            },
            how, 0, ec);
    }

    void wait_durable_blocking(position at, error_code& ec)
    {
        block([&](log_waiter&& w,
                  completion_batch& at_once) { return start_waiting(std::move(w), at_once); },
              durability::disk, at, ec);
    }

    void cancel(std::uint64_t id)
    {
        completion_batch at_once(executor_);
        collector_.cancel(id, at_once);
        at_once.post();
    }

    // -- trimming

    void trim(position up_to, plain_handler handler, asio::any_io_executor ex)
    {
        std::lock_guard lock(mutex_);
        plain_waiter w{std::move(handler), std::move(ex)};
        if (status_ != status::open || failed_)
            return finish(w, failed_ ? failed_ : make_error_code(errc::closed));
        if (up_to > durable_)
            return finish(w, errc::position_out_of_range);
        keeping_.trim(up_to + 1);
        if (!keeping_.has_trimmed(chain_))
            return finish(w, {});
        // Only when a durable seal says that these positions are not wanted may their files go.
        trims_.push_back(std::move(w));
        give_up_trimmed();
    }

    log_holds::id hold(position from, std::string who, error_code& ec)
    {
        std::lock_guard lock(mutex_); // Retention may move the front on another thread.
        ec = {};
        if (from >= keeping_.front())
            return keeping_.hold(from, std::move(who));
        ec = errc::position_out_of_range;
        return 0;
    }
    void move_hold(log_holds::id n, position from)
    {
        std::lock_guard lock(mutex_);
        keeping_.move_hold(n, from);
        give_up_trimmed();
    }
    void release(log_holds::id n)
    {
        std::lock_guard lock(mutex_);
        keeping_.release(n);
        give_up_trimmed();
    }

    // -- truncating

    void truncate(position last, plain_handler handler, asio::any_io_executor ex)
    {
        std::lock_guard lock(mutex_);
        plain_waiter w{std::move(handler), std::move(ex)};
        if (status_ != status::open || failed_)
            return finish(w, failed_ ? failed_ : make_error_code(errc::closed));
        if (last < keeping_.front() - 1)
            return finish(w, errc::position_out_of_range);
        truncations_.push_back({last, std::move(w)});
        // What was appended before is written before; what is appended from now on comes behind.
        collector_.pause();
        act(collector_.want_seal());
    }

    // -- following

    /// What is on disk of the log, from the segment with `from` on.
    std::vector<chain_segment> durable_chain(position from) const
    {
        std::lock_guard lock(mutex_);
        auto first = chain_.begin();
        while (first != chain_.end() && first->positions.last < from)
            ++first;
        std::vector<chain_segment> out(first, chain_.end());
        if (!out.empty()) {
            auto& newest = out.back();
            newest.positions.last = std::min(newest.positions.last, durable_end_.last);
            newest.used_bytes = durable_end_.offset;
            newest.digest = durable_end_.digest;
        }
        return out;
    }

    /// Has all who wait for something to read look again.
    void wake_readers() { readers_.complete_all(error_code()); }

    /// Completes when more is on disk than `known`, or the log was cut more than `cuts` times.
    template <class Handler>
    void wait_readable(position known, std::size_t cuts, Handler&& handler)
    {
        readers_.push(std::forward<Handler>(handler));
        std::lock_guard lock(mutex_);
        read_ = false;
        // What is durable is read before they are told that there will be no more.
        if (durable_ > known || keeping_.cuts() != cuts)
            readers_.complete_all(error_code());
        else if (failed_ || (status_ != status::open && status_ != status::closing))
            readers_.complete_all(failed_ ? failed_ : make_error_code(errc::closed));
    }

private:
    struct plain_waiter {
        plain_handler handler;
        asio::any_io_executor executor;
    };

    struct truncation {
        position last;
        plain_waiter waiter;
    };

    struct truncation_result {
        std::vector<chain_segment> chain;
        bool failed = false;
    };

    using job = group_job<files>;

    // The group that the baton's holder writes.
    struct flight {
        group_builder group;
        bool sync = false;
        bool active = false;
        std::uint64_t digest = 0;
        position claimed = 0; ///< As durable, in the seal.
        position front = 1;
        position first = 1;
        position last = 0;
        std::uint32_t records = 0;
        std::uint64_t size = 0; ///< Of all that is written to the segment.
        std::size_t trims = 0;  ///< How many of trims_ it will have done.
        std::optional<chain_segment> next; ///< If the segment changes.
        bool rotates = false;              ///< Because the one before is full.
        bool continues = false;            ///< Because the one before failed.
        time_point began;
        bool stalled = false;
        error_code cause; ///< Of the failure behind which it continues.
    };

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
    void post_wake()
    {
        post([](log_state& s) { s.wake(); });
    }

    void act(log_collector::duty d)
    {
        if (d == log_collector::duty::wake)
            post_wake();
    }

    log_collector::duty start_waiting(log_waiter&& waiter, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        position const at = waiter.at;
        if (at != 0 && at <= durable_)
            at_once.add(std::move(waiter), {}, at); // Also of a log that has failed since.
        else if (failed_ || status_ != status::open)
            at_once.add(std::move(waiter), failed_ ? failed_ : make_error_code(errc::closed), at);
        else if (at >= collector_.next())
            at_once.add(std::move(waiter), errc::position_out_of_range, at);
        else if (at <= durable_)
            at_once.add(std::move(waiter), {}, at);
        else
            return collector_.wait(std::move(waiter));
        return log_collector::duty::none;
    }

    // -- writing: the baton

    void wake()
    {
        if (!collector_.begin_pump())
            return; // Whoever writes comes back here.
        completion_batch at_once(executor_);
        std::optional<job> next;
        bool resting = false;
        {
            std::lock_guard lock(mutex_);
            if (status_ == status::closed || failed_)
                resting = true;
            else if (collector_.take(flight_.group, flight_.sync, at_once))
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
        world_.async_file_job(std::move(j), pump([](log_state& s, error_code ec, write_result r) {
                                  if (auto again = s.written(ec, std::move(r)))
                                      s.submit(std::move(*again));
                                  else
                                      s.give_back(true);
                              }));
    }

    // Appends that wait for room are let in piece by piece, so that the loop gets to its other work.
    void admit()
    {
        if (collector_.admit())
            post([](log_state& s) { s.admit(); });
    }

    // A thread that waits writes for all.
    void lead()
    {
        // Threads that the last group woke are about to append again, and may share this one.
        for (int i = 0; i != 16 && !collector_.others_are_in(); ++i)
            World::yield_thread();
        completion_batch at_once(executor_);
        std::optional<job> next;
        bool watch = false;
        {
            std::lock_guard lock(mutex_);
            if (status_ != status::closed && !failed_ &&
                collector_.take(flight_.group, flight_.sync, at_once)) {
                next = make_job();
                watch = watches_stalls() && !stall_watched_;
            }
        }
        at_once.post();
        if (watch)
            post([](log_state& s) { s.watch_stall(); });
        while (collector_.admit()) {
        }
        auto fs = world_.blocking_files();
        while (next) {
            error_code ec;
            auto r = (*next)(fs, ec);
            next = written(ec, std::move(r));
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
        else if (next.wake)
            post_wake();
    }

    template <class Start>
    position block(Start start, durability how, position at, error_code& ec)
    {
        thread_waiter self;
        completion_batch at_once(executor_);
        auto const d = start(log_waiter{at, how, 0, {}, {}, &self}, at_once);
        at_once.post();
        act(d);
        if (d == log_collector::duty::lead)
            lead();
        while (self.wait() == thread_waiter::word::lead)
            lead();
        ec = self.ec();
        return self.at();
    }

    // -- writing: a group

    job make_job()
    {
        chain_segment& active = chain_.back();
        flight_.active = true;
        flight_.continues = false;
        flight_.rotates = false;
        flight_.first = flight_.group.first();
        flight_.last = flight_.group.last();
        flight_.records = flight_.group.records();
        flight_.front = keeping_.front();
        flight_.trims = trims_.size();
        flight_.claimed = durable_;
        flight_.next.reset();
        flight_.stalled = false;
        if (watches_stalls())
            flight_.began = world_.now();
        std::uint64_t digest = digest_;
        std::uint64_t const size = flight_.group.size() + group_builder::seal_size +
                                   (options_.packing.empty() ? 0 : group_packer::overhead_max);
        job j;
        j.disk = disk_;
        j.at = j.used = active.used_bytes;
        j.sync = flight_.sync;
        bool const rotate =
            linked_ && !active.positions.empty() && flight_.records != 0 &&
            active.used_bytes + size + j.footer.size() > active.header.allocated_bytes;
        flight_.rotates = rotate;
        if (rotate) {
            j.next = next_header_;
            j.footer = make_footer(active, next_header_.sequence);
            j.at = wal_format::page_bytes;
            begin_next(active, wal_format::link_reason::rotated);
            flight_.group.rebind(next_header_);
            flight_.claimed = active.positions.last; // The segment before is synced first.
        }
        if (rotate || !linked_) {
            chain_segment const& fresh = rotate ? *flight_.next : active;
            j.link.begin(fresh.header, fresh.link.last + 1);
            j.link.add_link(fresh.link);
            digest = j.link.finish(fresh.link.digest, fresh.link.last, keeping_.front(), now_ms());
        }
        flight_.size = j.link.size();
        if (options_.packing.empty()) {
            flight_.digest =
                flight_.group.finish(digest, flight_.claimed, keeping_.front(), now_ms());
            flight_.size += flight_.group.size();
        } else {
            j.pack = typename job::packing{rotate ? next_header_ : active.header, digest,
                                           flight_.claimed, keeping_.front(), now_ms()};
        }
        j.group = std::move(flight_.group);
        return j;
    }

    // The segment that follows `before`, of which everything so far counts.
    void begin_next(chain_segment const& before, wal_format::link_reason why)
    {
        wal_format::link const link{before.header.sequence, before.used_bytes,
                                    before.positions.last, before.digest, why};
        flight_.next = chain_segment{next_header_,
                                     link,
                                     {link.last + 1, link.last},
                                     wal_format::page_bytes,
                                     link.digest,
                                     now_ms()};
    }

    // Returns what is to be written next of the same group: after a failure, in a new segment.
    std::optional<job> written(error_code ec, write_result r)
    {
        completion_batch done(executor_);
        waiter_list landed;
        {
            std::lock_guard lock(mutex_);
            if (r.failed && may_continue())
                return continue_elsewhere(ec, std::move(r));
            flight_.active = false;
            flight_.group = std::move(r.group);
            if (r.packed_size != 0) {
                flight_.digest = r.digest;
                flight_.size += r.packed_size;
            }
            if (flight_.stalled)
                emit(wal_event_kind::disk_answered, {}, world_.now() - flight_.began);
            if (r.rotated)
                enter_next();
            if (!ec) {
                accept(r.synced);
                keep_unsynced(r.synced);
                if (flight_.continues)
                    emit(wal_event_kind::continued, flight_.cause, {}, making_in());
                landed = collector_.land();
            } else if (status_ == status::closed) {
                landed = collector_.land(); // stop() has told them.
                landed.clear();
            } else if (r.failed || !collector_.roll_back(flight_.first, done)) {
                fail(ec, done);
            } else {
                emit(wal_event_kind::no_space, ec);
                finish(trims_, errc::no_space);
            }
            if (failed_ && status_ == status::closing)
                finish_closing(failed_);
        }
        done.add(std::move(landed), {});
        done.post();
        return std::nullopt;
    }

    // -- writing: after a failure

    bool may_continue() const
    {
        return options_.after_failure == after_failure::continue_elsewhere && !flight_.continues &&
               status_ != status::closed;
    }

    std::string const& making_in() const
    {
        return options_.second_directory.empty() ? options_.directory : options_.second_directory;
    }

    // What was not synced is needed if a sync fails: the system may have dropped it.
    void keep_unsynced(bool synced)
    {
        if (options_.after_failure != after_failure::continue_elsewhere)
            return;
        if (synced) {
            unsynced_.clear();
            return;
        }
        unsynced_.emplace_back().assign(flight_.group);
    }

    // The same group again, with all that is not durable, in a new segment, whose link cuts off the
    // failed one behind what is.
    job continue_elsewhere(error_code const& cause, write_result r)
    {
        ++counters_.failures;
        if (r.rotated) { // It is in use, and failed before it held anything.
            unsynced_.clear();
            became_durable(std::max(durable_, flight_.next->link.last));
        }
        // Unless the segment that was prepared can be used.
        bool fresh = r.rotated || flight_.rotates || !options_.second_directory.empty();
        chain_segment& failed = chain_.back();
        wal_format::link link;
        if (r.rotated) {
            link = flight_.next->link;
        } else if (durable_end_.offset <= wal_format::page_bytes) {
            link = failed.link;
            chain_.pop_back(); // Nothing in it is durable, not even its link.
            chain_segment const& whole = chain_.back();
            durable_end_ = {whole.used_bytes, whole.positions.last, whole.digest};
            fresh = true;
        } else {
            failed.used_bytes = durable_end_.offset;
            failed.positions.last = durable_end_.last;
            failed.digest = durable_end_.digest;
            link = {failed.header.sequence, failed.used_bytes, failed.positions.last, failed.digest,
                    wal_format::link_reason::continued};
        }
        link.reason = wal_format::link_reason::continued;
        if (fresh)
            next_header_ = next_header(link.sequence);
        flight_.next = chain_segment{next_header_,
                                     link,
                                     {link.last + 1, link.last},
                                     wal_format::page_bytes,
                                     link.digest,
                                     now_ms()};
        flight_.continues = true;
        flight_.rotates = false;
        flight_.cause = cause;
        flight_.sync = true;
        flight_.claimed = link.last;

        job j;
        j.disk = disk_;
        j.next = next_header_;
        j.gives_up = true;
        j.sync = true;
        j.at = wal_format::page_bytes;
        j.link.begin(next_header_, link.last + 1);
        j.link.add_link(link);
        auto digest = j.link.finish(link.digest, link.last, keeping_.front(), now_ms());
        flight_.size = j.link.size();
        bool const packs = !options_.packing.empty();
        auto const again = [&](group_builder& g) {
            if (!packs) // Else they are not sealed.
                g.unseal();
            g.rebind(next_header_);
            if (packs)
                return;
            digest = g.finish(digest, link.last, keeping_.front(), now_ms());
            flight_.size += g.size();
        };
        if (packs)
            j.pack = typename job::packing{next_header_, digest, link.last, keeping_.front(),
                                           now_ms()};
        for (auto& g : unsynced_)
            again(g);
        again(r.group);
        flight_.digest = digest;
        j.before = std::exchange(unsynced_, {});
        j.group = std::move(r.group);
        return j;
    }

    void enter_next()
    {
        chain_.push_back(*flight_.next);
        linked_ = false;
        unsynced_.clear(); // The segment before was synced.
        digest_ = chain_.back().digest;
        collector_.rebind(chain_.back().header);
        ++counters_.segments;
        became_durable(std::max(durable_, chain_.back().link.last));
        if (status_ != status::closed) {
            prepare_next();
            retain();
        }
    }

    void accept(bool synced)
    {
        chain_segment& active = chain_.back();
        active.used_bytes += flight_.size;
        active.positions.last = flight_.last;
        active.digest = digest_ = flight_.digest;
        linked_ = true;
        written_ = flight_.last;
        counters_.records += flight_.records;
        counters_.groups += 1;
        counters_.bytes += flight_.size;
        if (!synced)
            return;
        ++counters_.syncs;
        became_durable(written_);
        proven_ = std::max(proven_, flight_.claimed);
        if (status_ != status::closed)
            remove_trimmed(flight_.front);
    }

    // A failed write or sync is final: the system may have dropped the bytes and report success next.
    void fail(error_code const& cause, completion_batch& done)
    {
        failed_ = errc::log_failed;
        cause_ = cause;
        done.add(collector_.land(), failed_);
        collector_.refuse(failed_, done);
        finish(trims_, failed_);
        finish_truncations(failed_);
        tell_readers();
        emit(wal_event_kind::failed, cause);
    }

    // -- segments

    wal_format::segment_header next_header(std::uint64_t after)
    {
        auto h = header_for(options_, log_, now_ms());
        h.record_bytes_max = std::max(h.record_bytes_max, chain_.back().header.record_bytes_max);
        h.group_bytes_max = std::max(h.group_bytes_max, chain_.back().header.group_bytes_max);
        h.sequence = ++sequence_max_;
        h.after = after;
        h.salt = world_.entropy();
        // If the key cannot be used now, it cannot when the first group is written, and fails then.
        (void)describe_packing(options_.packing, h);
        return h;
    }

    void prepare_next()
    {
        next_header_ = next_header(chain_.back().header.sequence);
        // If it fails now, rotating tries again and reports.
        world_.async_file_job([disk = disk_, header = next_header_](
                                  files& fs, error_code& ec) { disk->prepare(fs, header, ec); },
                              pump([](log_state&, error_code) {}));
    }

    // Asks for the seal behind which the segments that nobody wants are removed.
    void give_up_trimmed()
    {
        if (status_ == status::open && !failed_ && keeping_.has_trimmed(chain_))
            act(collector_.want_seal());
    }

    void retain()
    {
        if (options_.retention.empty())
            return;
        auto const front = retention_front(chain_, options_.retention, now_ms());
        // What is not durable is not trimmed.
        keeping_.trim(std::min(front, durable_ + 1));
        give_up_trimmed();
    }

    void remove_trimmed(position front)
    {
        auto const n = static_cast<std::ptrdiff_t>(log_keeping::trimmed_segments(chain_, front));
        // Those that came since the group was made wait for the next one.
        auto const done = trims_.begin() + static_cast<std::ptrdiff_t>(
                                               std::min(flight_.trims, trims_.size()));
        if (n == 0 && done == trims_.begin())
            return;
        std::vector<plain_waiter> trims(std::make_move_iterator(trims_.begin()),
                                        std::make_move_iterator(done));
        trims_.erase(trims_.begin(), done);
        std::vector<std::uint64_t> gone;
        for (auto i = chain_.begin(); i != chain_.begin() + n; ++i)
            gone.push_back(i->header.sequence);
        chain_.erase(chain_.begin(), chain_.begin() + n);
        world_.async_file_job(
            [disk = disk_, gone](files& fs, error_code& ec) { disk->remove(fs, gone, ec); },
            asio::bind_executor(
                executor_, [self = this->shared_from_this(), trims = std::move(trims)](
                               error_code ec) mutable { self->finish(trims, ec); }));
    }

    void became_durable(position p)
    {
        durable_ = p;
        auto const& newest = chain_.back();
        if (newest.positions.last <= p)
            durable_end_ = {newest.used_bytes, newest.positions.last, newest.digest};
        tell_readers();
    }

    // The readers wait on the executor, and this may be another thread.
    void tell_readers()
    {
        if (std::exchange(read_, true))
            return;
        post([](log_state& s) { s.wake_readers(); });
    }

    // -- truncating

    // Everything that was appended before is written. The pump has the baton.
    void start_truncation()
    {
        position const last = truncations_.front().last;
        position const given = written_;
        bool const trimmed = last < keeping_.front() - 1; // Since it was asked for.
        if (last >= given || trimmed) {
            end_truncation(trimmed ? make_error_code(errc::position_out_of_range) : error_code(),
                           given + 1);
            return post([](log_state& s) { s.give_back(true); });
        }
        flight_.active = true;
        auto header = next_header(chain_.back().header.sequence);
        world_.async_file_job(
            [disk = disk_, header, last, given, chain = chain_, front = keeping_.front(),
             now = now_ms()](files& fs, error_code& ec) mutable {
                truncation_result r;
                disk->truncate(fs, chain, last, given, front, header, now, r.failed, ec);
                r.chain = std::move(chain);
                return r;
            },
            pump([](log_state& s, error_code ec, truncation_result r) {
                s.truncated(ec, std::move(r));
            }));
    }

    void truncated(error_code const& ec, truncation_result r)
    {
        completion_batch done(executor_);
        {
            std::lock_guard lock(mutex_);
            flight_.active = false;
            if (status_ == status::closed)
                return;
            if (r.failed) {
                fail(ec, done);
                if (status_ == status::closing)
                    finish_closing(failed_);
            } else {
                position given = written_;
                if (!ec) {
                    keeping_.cut(truncations_.front().last);
                    chain_ = std::move(r.chain);
                    digest_ = chain_.back().digest;
                    given = written_ = chain_.back().positions.last;
                    proven_ = chain_.back().link.last;
                    linked_ = true;
                    unsynced_.clear();
                    ++counters_.segments;
                    became_durable(written_);
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
        collector_.resume(chain_.back().header, next);
        finish(waiter, ec);
    }

    void finish_truncations(error_code const& ec)
    {
        for (auto& t : std::exchange(truncations_, {}))
            finish(t.waiter, ec);
    }

    footer_bytes make_footer(chain_segment const& active, std::uint64_t next_sequence) const
    {
        footer_bytes out;
        write_footer(active.header,
                     {active.link.last + 1, active.positions.last, active.used_bytes, durable_,
                      active.digest, next_sequence, keeping_.front(), now_ms()},
                     out);
        return out;
    }

    // -- idling and closing

    bool wants_idle_seal() const
    {
        return options_.idle_seal_after.count() != 0 && durable_ > proven_ &&
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
        idle_timer_.async_wait(asio::bind_executor(
            executor_, [weak = this->weak_from_this(), groups = counters_.groups](error_code ec) {
                if (auto const self = weak.lock())
                    self->idled(ec, groups);
            }));
    }

    void idled(error_code const& ec, std::uint64_t groups)
    {
        {
            std::lock_guard lock(mutex_);
            idle_watched_ = false;
            if (ec || status_ != status::open || failed_ || flight_.active)
                return;
            if (counters_.groups == groups)
                return act(collector_.want_seal());
        }
        watch_idle();
    }

    bool watches_stalls() const
    {
        return options_.on_event && options_.stall_after.count() != 0;
    }

    // One timer for many groups: it looks whether the group that is under way is an old one.
    void watch_stall()
    {
        if (!watches_stalls())
            return;
        std::lock_guard lock(mutex_);
        if (stall_watched_ || !flight_.active || flight_.stalled || status_ == status::closed)
            return;
        stall_watched_ = true;
        stall_timer_.expires_at(flight_.began + options_.stall_after);
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
            if (ec || !flight_.active)
                return;
            auto const took = world_.now() - flight_.began;
            if (took >= options_.stall_after) {
                flight_.stalled = true;
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
        post([e = wal_event{kind, durable_, took, cause, std::move(directory)}](log_state& s) {
            if (s.locked(s.status_) != status::closed)
                s.options_.on_event(e);
        });
    }

    void start_closing()
    {
        auto const footer = make_footer(chain_.back(), 0);
        flight_.active = true;
        world_.async_file_job(
            [disk = disk_, footer, used = chain_.back().used_bytes](files&, error_code& ec) {
                disk->close(used, footer, ec);
            },
            pump([](log_state& s, error_code ec) {
                std::lock_guard lock(s.mutex_);
                s.finish_closing(ec);
            }));
    }

    void finish_closing(error_code const& ec)
    {
        flight_.active = false;
        if (status_ == status::closing)
            status_ = status::closed;
        tell_readers();
        if (failed_)
            disk_.reset();
        finish(closers_, ec);
        post([](log_state& s) { // This may be another thread.
            s.idle_timer_.cancel();
            s.stall_timer_.cancel();
        });
    }

    void finish(plain_waiter& w, error_code const& ec)
    {
        if (!w.handler)
            return;
        auto const ex = std::move(w.executor);
        asio::post(ex, [handler = std::move(w.handler), ec]() mutable { handler(ec); });
    }
    void finish(std::vector<plain_waiter>& all, error_code const& ec)
    {
        for (auto& w : std::exchange(all, {}))
            finish(w, ec);
    }

    void detach() noexcept override
    {
        auto const keep = this->weak_from_this().lock();
        std::vector<plain_waiter> closers;
        std::vector<plain_waiter> trims;
        std::deque<truncation> truncations;
        {
            std::lock_guard lock(mutex_);
            status_ = status::closed;
            truncations = std::move(truncations_);
            closers = std::move(closers_);
            trims = std::move(trims_);
        }
        auto waiters = collector_.abandon();
    }

    World world_;
    wal_options options_;
    asio::any_io_executor executor_;
    typename World::timer idle_timer_;
    typename World::timer stall_timer_;
    log_collector collector_;

    mutable std::mutex mutex_; // Guards what follows.
    std::shared_ptr<log_files<files>> disk_; // What jobs work on. They share it.
    status status_ = status::unopened;
    error_code failed_;
    error_code cause_; // What the system said then.
    wal_format::log_id log_;
    std::vector<chain_segment> chain_; // The last one takes the appends.
    wal_format::segment_header next_header_;
    std::uint64_t sequence_max_ = 0;
    std::uint64_t digest_ = 0;
    bool linked_ = true; // The link of the segment in use was written.
    bool idle_watched_ = false;
    bool stall_watched_ = false;
    log_keeping keeping_;
    log_mark durable_end_; // In the segment in use.
    position written_ = 0;
    position durable_ = 0;
    position proven_ = 0; // What the last durable seal says is durable.
    flight flight_;
    std::vector<group_builder> unsynced_; // What was written since the last sync, for a continuation.
    std::vector<plain_waiter> closers_;
    std::vector<plain_waiter> trims_;
    std::deque<truncation> truncations_;
    wal_counters counters_;
    bool read_ = true; // Nobody has come to wait for something to read since they were told.

    waiter_queue<void(error_code)> readers_; // Who follows the log. On the executor only.
};

} // namespace perdure::detail

#endif
