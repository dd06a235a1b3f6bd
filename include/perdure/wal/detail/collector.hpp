// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_COLLECTOR_HPP
#define PERDURE_WAL_DETAIL_COLLECTOR_HPP

#include <perdure/wal/detail/completions.hpp>
#include <perdure/wal/group_builder.hpp>

#include <boost/asio/error.hpp>

#include <atomic>
#include <deque>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

namespace perdure::detail {

using record_list = std::span<std::span<std::byte const> const>;

/* Where appends on any thread meet: they copy their records into one group. Then somebody gets the
 * *baton*, takes the group, writes it, and gives the baton back: the pump on the log's executor, or
 * a thread in a blocking call, which so writes for all others (the leader; they follow).
 *
 * The lock is held for the copy, never for input or output.
 */
class log_collector {
public:
    /// What whoever added something has to do now.
    enum class duty : std::uint8_t {
        none,        ///< The baton's holder or the posted pump will see it.
        wake,        ///< Post the pump.
        wake_behind, ///< Post it behind the completions that are under way.
        lead,        ///< The calling thread has got the baton.
    };
    /// Who has to be told when the baton was given back.
    struct next_holder {
        thread_waiter* thread = nullptr; ///< Has got the baton: wake() it.
        log_collector::duty duty = duty::none;
    };

    log_collector(std::size_t waiting_max, std::size_t record_max,
                  wal_format::checksum_kind checksum)
        : waiting_max_(waiting_max), record_max_(record_max), checksum_(checksum)
    {
    }

    /// Appends are accepted from now on.
    void open(wal_format::segment_header const& segment, position next)
    {
        std::lock_guard lock(mutex_);
        segment_ = segment;
        refusal_ = {};
        group_.begin(segment, next);
        group_.reserve(reserved());
    }

    // -- adding

    /// Takes records as one indivisible append, or puts the completion into `at_once`.
    duty append(record_list records, log_waiter&& waiter, completion_batch& at_once)
    {
        std::size_t size = 0;
        bool too_large = false;
        for (auto const r : records) {
            size += wal_format::frame_bytes + wal_format::padded(r.size());
            too_large = too_large || r.size() > record_max_;
        }
        // The checksum of the common case is made before the lock is taken.
        auto const checksum = wal_format::payload_checksum(checksum_, records.front());
        too_large = too_large || (records.size() > 1 && size > std::max(waiting_max_, record_max_));

        std::lock_guard lock(mutex_);
        if (refusal_ || too_large) {
            at_once.add(std::move(waiter),
                        refusal_ ? refusal_ : make_error_code(errc::record_too_large), 0);
            return duty::none;
        }
        bool const by_thread = waiter.thread && waiter.how != durability::memory;
        if (!blocked_.empty() || !fits(size)) {
            bool const thread_waits = waiter.thread;
            blocked_.push_back(blocked_record(records, size, std::move(waiter), pauses_));
            return next_duty(thread_waits && !paused());
        }
        group_.add_record(records.front(), checksum);
        for (auto const r : records.subspan(1))
            group_.add_record(r);
        if (waiter.thread && waiter.how == durability::memory) {
            in_memory_ = group_.last();
            at_once.add(std::move(waiter), {}, group_.last());
        } else {
            enter(std::move(waiter));
        }
        return next_duty(by_thread);
    }

    /// Waits for a position that has been given out.
    duty wait(log_waiter&& waiter)
    {
        std::lock_guard lock(mutex_);
        sync_ = true;
        bool const by_thread = waiter.thread;
        note_thread(waiter);
        waiters_.push_back(std::move(waiter));
        return next_duty(by_thread);
    }

    /// Asks for a seal, synced, even if there is no record.
    duty want_seal()
    {
        std::lock_guard lock(mutex_);
        sync_ = true;
        return next_duty(false);
    }

    // -- the baton

    /// The pump runs. Whether it has got the baton.
    bool begin_pump()
    {
        std::lock_guard lock(mutex_);
        posted_ = false;
        return !std::exchange(held_, true);
    }

    /// Gives the baton back.
    next_holder release(bool wake_anyway)
    {
        std::lock_guard lock(mutex_);
        thread_waiter* next = std::exchange(first_thread_, nullptr);
        if (!next && may_enter())
            next = blocked_.front().waiter.thread;
        if (next) {
            next->lead(); // Under the lock: close() may complete it next.
            return {next, duty::none};
        }
        held_ = false;
        if (!wake_anyway && group_.empty() && !sync_)
            return {};
        return {nullptr, post_pump()};
    }

    /// Whether as many wait as there were threads in the last group.
    bool others_are_in() const
    {
        std::lock_guard lock(mutex_);
        return waiters_.size() >= last_threads_;
    }

    /** Gives the holder of the baton what was collected, and puts what need not wait for the disk
     *  into `at_once`. False if there is nothing to do.
     */
    bool take(group_builder& out, bool& sync, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        if (group_.empty())
            admit_some();
        if (group_.empty() && !sync_)
            return false;
        std::swap(out, group_);
        flying_ = std::exchange(waiters_, {});
        first_thread_ = nullptr;
        sync = last_sync_ = std::exchange(sync_, false);
        group_.begin(segment_, out.last() + 1);
        group_.reserve(reserved());
        last_threads_ = std::exchange(threads_, 0);
        if (std::exchange(memory_only_, false))
            flying_.for_each([&](log_waiter& w) {
                if (w.how == durability::memory && w.waits()) {
                    in_memory_ = std::max(in_memory_, w.at);
                    at_once.add(std::move(w), {}, w.at);
                }
            });
        return true;
    }

    /** Lets appends in that wait for room, some at a time, so that nobody holds the lock for long.
     *  Returns whether there are more. Called by the holder of the baton, who comes back to write them,
     *  or as long as there are more.
     */
    bool admit()
    {
        std::lock_guard lock(mutex_);
        return admit_some();
    }

    /// Appends from now on wait until it was resumed as often, and get their positions then.
    void pause()
    {
        std::lock_guard lock(mutex_);
        ++pauses_;
    }
    /// Precondition: take() has given everything away. The next record gets `next`, in `segment`; who
    /// waited for that is let in by take().
    void resume(wal_format::segment_header const& segment, position next)
    {
        std::lock_guard lock(mutex_);
        segment_ = segment;
        group_.begin(segment, next);
        ++resumes_;
    }

    /// Who waits for the group that was taken.
    waiter_list land()
    {
        std::lock_guard lock(mutex_);
        return std::exchange(flying_, {});
    }

    /// A new segment is in use. What was collected for the one before is moved when it is sealed.
    void enter(wal_format::segment_header const& segment)
    {
        std::lock_guard lock(mutex_);
        segment_ = segment;
        if (group_.empty())
            group_.begin(segment, group_.first());
    }

    // -- failing, closing, cancelling

    /** Forgets what was collected behind a group that could not be written for lack of space, and
     *  that group itself: the next record gets `next` again. False if a caller was told already
     *  that the log has one of these records.
     */
    bool roll_back(position next, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        if (in_memory_ >= next)
            return false;
        flying_.for_each([&](log_waiter& w) { // Also those who wait for what was written before.
            at_once.add(std::move(w), errc::no_space, w.at < next ? w.at : 0);
        });
        flying_.clear();
        drop_collected(errc::no_space, at_once);
        group_.begin(segment_, next);
        return true;
    }

    /// Takes no more, and tells everybody who waits why. None of their records was written.
    void refuse(error_code const& why, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        refusal_ = why;
        drop_collected(why, at_once);
        group_.begin(segment_, group_.first());
        sync_ = false;
    }

    /// Takes no more, but what was taken is still written.
    void close(error_code const& why, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        refusal_ = why;
        for (auto& b : blocked_)
            at_once.add(std::move(b.waiter), why, 0);
        blocked_.clear();
    }

    /// Ends one wait. What was collected is written all the same.
    void cancel(std::uint64_t id, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        for (auto b = blocked_.begin(); b != blocked_.end(); ++b)
            if (b->waiter.id == id) {
                at_once.add(std::move(b->waiter), asio::error::operation_aborted, 0);
                blocked_.erase(b);
                return;
            }
        for (auto* list : {&waiters_, &flying_})
            list->for_each([&](log_waiter& w) {
                if (w.id == id && w.handler)
                    at_once.add(std::move(w), asio::error::operation_aborted, w.at);
            });
    }

    /// Ends the waits for the group that is being written; it may be written.
    void cancel_flying(completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        at_once.add(std::move(flying_), asio::error::operation_aborted);
    }

    /// Lets go of all handlers; they are destroyed by the caller.
    auto abandon()
    {
        std::lock_guard lock(mutex_);
        refusal_ = asio::error::operation_aborted;
        first_thread_ = nullptr;
        return std::tuple(std::exchange(waiters_, {}), std::exchange(flying_, {}),
                          std::exchange(blocked_, {}));
    }

    // -- queries

    /// The position that the next record will get.
    position next() const
    {
        std::lock_guard lock(mutex_);
        return group_.last() + 1;
    }

    std::uint64_t new_id() noexcept { return ++last_id_; }

private:
    // An append that waits for room, with a copy of its records.
    struct blocked_record {
        blocked_record(record_list records, std::size_t framed, log_waiter&& w,
                       std::uint64_t pauses)
            : size(framed), behind(pauses), waiter(std::move(w))
        {
            for (auto const r : records) {
                bytes.insert(bytes.end(), r.begin(), r.end());
                if (records.size() > 1)
                    sizes.push_back(r.size());
            }
        }
        template <class F>
        void for_each(F f) const
        {
            if (sizes.empty())
                return f(std::span(bytes));
            std::size_t at = 0;
            for (auto const n : sizes)
                f(std::span(bytes).subspan(std::exchange(at, at + n), n));
        }

        std::vector<std::byte> bytes;
        std::vector<std::size_t> sizes; // Empty if there is one.
        std::size_t size;               // In the group.
        std::uint64_t behind;           // How many pauses.
        log_waiter waiter;
    };

    // The memory of what may wait, taken at once and used as needed: a buffer that grows is copied,
    // and that takes milliseconds.
    std::size_t reserved() const noexcept
    {
        return std::min<std::size_t>(waiting_max_, 16u << 20) + 8192;
    }

    static constexpr std::size_t admit_bytes = 32 * 1024;

    // A group takes what may wait, but one append always.
    bool fits(std::size_t size) const noexcept { return !paused() && has_room(size); }
    bool has_room(std::size_t size) const noexcept
    {
        return group_.empty() || group_.size() + size <= waiting_max_;
    }
    bool paused() const noexcept { return pauses_ != resumes_; }
    // Whether the first that waits needs nothing but room.
    bool may_enter() const noexcept
    {
        return !blocked_.empty() && blocked_.front().behind <= resumes_;
    }

    void enter(log_waiter&& waiter)
    {
        waiter.at = group_.last();
        sync_ = sync_ || waiter.how == durability::disk;
        memory_only_ = memory_only_ || waiter.how == durability::memory;
        note_thread(waiter);
        waiters_.push_back(std::move(waiter));
    }

    void note_thread(log_waiter const& waiter)
    {
        if (!waiter.thread)
            return;
        ++threads_;
        if (!first_thread_)
            first_thread_ = waiter.thread;
    }

    bool admit_some()
    {
        for (std::size_t bytes = 0; may_enter() && has_room(blocked_.front().size);) {
            if (bytes >= admit_bytes)
                return true;
            blocked_record& b = blocked_.front();
            bytes += b.size;
            b.for_each([&](std::span<std::byte const> r) { group_.add_record(r); });
            enter(std::move(b.waiter));
            blocked_.pop_front();
        }
        return false;
    }

    duty next_duty(bool by_thread)
    {
        if (held_)
            return duty::none;
        if (by_thread) {
            held_ = true;
            first_thread_ = nullptr;
            return duty::lead;
        }
        return post_pump();
    }

    // A sync is dear, so whoever is resumed by the last one should share the next. A write is not, and
    // goes on beside the completions.
    duty post_pump()
    {
        if (std::exchange(posted_, true))
            return duty::none;
        return sync_ || last_sync_ ? duty::wake_behind : duty::wake;
    }

    void drop_collected(error_code const& why, completion_batch& at_once)
    {
        first_thread_ = nullptr;
        threads_ = 0;
        waiters_.for_each([&](log_waiter& w) { // Also those who wait for what was written before.
            at_once.add(std::move(w), why, w.at < group_.first() ? w.at : 0);
        });
        for (auto& b : blocked_)
            at_once.add(std::move(b.waiter), why, 0);
        waiters_.clear();
        blocked_.clear();
    }

    std::size_t waiting_max_;
    std::size_t record_max_;
    wal_format::checksum_kind checksum_;

    mutable std::mutex mutex_;
    wal_format::segment_header segment_;
    error_code refusal_ = errc::closed;
    group_builder group_;
    waiter_list waiters_; // Of what is collected.
    waiter_list flying_;  // Of what was taken.
    std::deque<blocked_record> blocked_;
    thread_waiter* first_thread_ = nullptr; // In waiters_; the next leader.
    std::size_t threads_ = 0;               // In waiters_.
    std::size_t last_threads_ = 0;          // In the group that was taken last.
    position in_memory_ = 0; // The last position that a caller was promised only in memory.
    std::atomic<std::uint64_t> last_id_{0};
    bool memory_only_ = false; // Somebody in waiters_ does not wait for a write.
    bool sync_ = false;
    bool last_sync_ = false; // Of the group that was taken last.
    std::uint64_t pauses_ = 0;
    std::uint64_t resumes_ = 0;
    bool held_ = false;   // Somebody has the baton.
    bool posted_ = false; // The pump was posted, and has not run yet.
};

} // namespace perdure::detail

#endif
