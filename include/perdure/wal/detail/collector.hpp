// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_COLLECTOR_HPP
#define PERDURE_WAL_DETAIL_COLLECTOR_HPP

#include <perdure/wal/detail/waiters.hpp>
#include <perdure/wal/group_builder.hpp>

#include <boost/asio/error.hpp>

#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace perdure::detail {

using record_list = std::span<std::span<std::byte const> const>;

/* Where appends on any thread meet: they copy their records into one group, and the pump takes it.
 * The lock is held for the copy, never for input or output.
 */
class log_collector {
public:
    struct batch {
        group_builder group;
        std::vector<log_waiter> waiters;
        bool sync = false;
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
    }

    /** Takes records as one indivisible append, or puts the completion into `at_once`.
     *
     *  Returns whether the pump must be woken.
     */
    bool append(record_list records, log_waiter&& waiter, completion_batch& at_once)
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
            return false;
        }
        if (!blocked_.empty() || !fits(size)) {
            blocked_record b{{}, size, std::move(waiter)};
            for (auto const r : records)
                b.records.emplace_back(r.begin(), r.end());
            blocked_.push_back(std::move(b));
        } else {
            group_.add_record(records.front(), checksum);
            for (auto const r : records.subspan(1))
                group_.add_record(r);
            enter(std::move(waiter));
        }
        return !std::exchange(awake_, true);
    }

    /// Waits for a position that has been given out. Returns whether the pump must be woken.
    bool wait(log_waiter&& waiter)
    {
        std::lock_guard lock(mutex_);
        sync_ = true;
        waiters_.push_back(std::move(waiter));
        return !std::exchange(awake_, true);
    }

    /// Asks for a seal, synced, even if there is no record. Returns whether the pump must be woken.
    bool want_seal()
    {
        std::lock_guard lock(mutex_);
        sync_ = true;
        return !std::exchange(awake_, true);
    }

    /** Gives the pump what was collected, and puts what need not wait for the disk into `at_once`.
     *
     *  False if there is nothing to do; then the pump sleeps.
     */
    bool take(batch& out, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        if (group_.empty() && !sync_) {
            awake_ = false;
            return false;
        }
        std::swap(out.group, group_);
        out.waiters.clear();
        std::swap(out.waiters, waiters_);
        out.sync = std::exchange(sync_, false);
        group_.begin(segment_, out.group.last() + 1);
        for (auto& w : out.waiters)
            if (w.how == durability::memory && w.handler) {
                in_memory_ = std::max(in_memory_, w.at);
                at_once.add(std::move(w), {}, w.at);
            }
        admit();
        return true;
    }

    /// Takes no record into a group until resume(): appends wait, and get their positions then.
    void pause()
    {
        std::lock_guard lock(mutex_);
        paused_ = true;
    }
    /// Precondition: take() has given everything away. The next record gets `next`.
    void resume(wal_format::segment_header const& segment, position next)
    {
        std::lock_guard lock(mutex_);
        segment_ = segment;
        group_.begin(segment, next);
        paused_ = false;
        admit();
    }

    /// A new segment is in use.
    void rebind(wal_format::segment_header const& segment)
    {
        std::lock_guard lock(mutex_);
        segment_ = segment;
        group_.rebind(segment);
    }

    /** Forgets what was collected behind a group that could not be written for lack of space, and
     *  that group itself: the next record gets `next` again. False if a caller was told already
     *  that the log has one of these records.
     */
    bool roll_back(position next, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        if (in_memory_ >= next)
            return false;
        for (auto& w : waiters_)
            complete(std::move(w), errc::no_space, 0, at_once);
        for (auto& b : blocked_)
            complete(std::move(b.waiter), errc::no_space, 0, at_once);
        waiters_.clear();
        blocked_.clear();
        group_.begin(segment_, next);
        return true;
    }

    /// Takes no more, and tells everybody who waits why. None of their records was written.
    void refuse(error_code const& why, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        refusal_ = why;
        for (auto& w : waiters_)
            complete(std::move(w), why, 0, at_once);
        for (auto& b : blocked_)
            complete(std::move(b.waiter), why, 0, at_once);
        waiters_.clear();
        blocked_.clear();
        group_.begin(segment_, group_.first());
        sync_ = false;
    }

    /// Takes no more, but what was taken is still written.
    void close(error_code const& why, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        refusal_ = why;
        for (auto& b : blocked_)
            complete(std::move(b.waiter), why, 0, at_once);
        blocked_.clear();
    }

    /// Ends one wait. What was collected is written all the same. False if it is not here.
    bool cancel(std::uint64_t id, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        for (auto b = blocked_.begin(); b != blocked_.end(); ++b)
            if (b->waiter.id == id) {
                complete(std::move(b->waiter), asio::error::operation_aborted, 0, at_once);
                blocked_.erase(b);
                return true;
            }
        for (auto& w : waiters_)
            if (w.id == id && w.handler) {
                position const at = w.at;
                complete(std::move(w), asio::error::operation_aborted, at, at_once);
                return true;
            }
        return false;
    }

    /// Lets go of all handlers; they are destroyed by the caller.
    std::vector<log_waiter> abandon()
    {
        std::lock_guard lock(mutex_);
        refusal_ = asio::error::operation_aborted;
        std::vector<log_waiter> all = std::move(waiters_);
        waiters_.clear();
        for (auto& b : blocked_)
            all.push_back(std::move(b.waiter));
        blocked_.clear();
        return all;
    }

    /// The position that the next record will get.
    position next() const
    {
        std::lock_guard lock(mutex_);
        return group_.last() + 1;
    }

    std::uint64_t new_id()
    {
        std::lock_guard lock(mutex_);
        return ++last_id_;
    }

    static void complete(log_waiter&& w, error_code const& ec, position at, completion_batch& batch)
    {
        if (w.handler)
            batch.add(std::move(w), ec, at);
    }

private:
    struct blocked_record {
        std::vector<std::vector<std::byte>> records;
        std::size_t size;
        log_waiter waiter;
    };

    // A group takes what may wait, but one append always.
    bool fits(std::size_t size) const noexcept
    {
        return !paused_ && (group_.empty() || group_.size() + size <= waiting_max_);
    }

    void enter(log_waiter&& waiter)
    {
        waiter.at = group_.last();
        sync_ = sync_ || waiter.how == durability::disk;
        waiters_.push_back(std::move(waiter));
    }

    void admit()
    {
        while (!blocked_.empty() && fits(blocked_.front().size)) {
            for (auto const& r : blocked_.front().records)
                group_.add_record(r);
            enter(std::move(blocked_.front().waiter));
            blocked_.pop_front();
        }
    }

    std::size_t waiting_max_;
    std::size_t record_max_;
    wal_format::checksum_kind checksum_;

    mutable std::mutex mutex_;
    wal_format::segment_header segment_;
    error_code refusal_ = errc::closed;
    group_builder group_;
    std::vector<log_waiter> waiters_;
    std::deque<blocked_record> blocked_;
    position in_memory_ = 0; // The last position that a caller was promised only in memory.
    std::uint64_t last_id_ = 0;
    bool sync_ = false;
    bool paused_ = false;
    bool awake_ = false; // The pump was posted or is at work, and will come back.
};

} // namespace perdure::detail

#endif
