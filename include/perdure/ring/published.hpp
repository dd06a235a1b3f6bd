// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_PUBLISHED_HPP
#define PERDURE_RING_PUBLISHED_HPP

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

namespace perdure {

/** A value that many threads read without locks while one replaces it by newer versions.
 *
 *  The writer publishes whole values, cheap where copies share (hash_ring); a reader holds the
 *  version that it looked at last, immutable, until it looks again. Neither ever waits for the
 *  other.
 *
 *  @par Algorithm   Hazard pointers (M. Michael, IEEE TPDS 15(6), 2004), one a reader: a version
 *                   is freed by the first publish after the last reader has left it.
 *  @par Complexity  reader::get: one load and one comparison if nothing new was published. publish:
 *                   O(readers + versions still read).
 *  @par Memory      The newest version, and at most one older version a reader.
 *  @par Thread safety  One thread publishes (or several under a lock of yours); every reader object
 *                   belongs to one thread at a time, and may be made and destroyed from any. The
 *                   published object outlives its readers.
 */
template <class T>
class published {
    struct slot {
        std::atomic<T const*> held{nullptr};
        slot* next = nullptr;
        std::atomic<bool> taken{true};
    };

public:
    /// The first version.
    explicit published(T value) : current_(new T(std::move(value))) {}
    published(published const&) = delete;
    published& operator=(published const&) = delete;
    ~published()
    {
        delete current_.load();
        for (auto const* old : retired_)
            delete old;
        for (auto* s = slots_.load(); s;)
            delete std::exchange(s, s->next);
    }

    /// Readers that look from now on see this value. If it throws, they go on seeing the last one.
    void publish(T value)
    {
        retired_.reserve(retired_.size() + 1);
        retired_.push_back(current_.exchange(new T(std::move(value))));
        free_unread();
    }

    /// The newest value, for the publishing thread.
    T const& latest() const noexcept { return *current_.load(std::memory_order_relaxed); }

    /// How many replaced versions are still in memory because a reader looked at them last.
    std::size_t retired_count() const noexcept { return retired_.size(); }

    /// One thread's look at the newest version.
    class reader {
    public:
        /// Looks at nothing yet. May throw std::bad_alloc.
        explicit reader(published& source) : source_(&source), slot_(source.take_slot()) {}
        reader(reader&& other) noexcept
            : source_(std::exchange(other.source_, nullptr)), slot_(other.slot_)
        {
        }
        reader& operator=(reader other) noexcept
        {
            std::swap(source_, other.source_);
            std::swap(slot_, other.slot_);
            return *this;
        }
        ~reader()
        {
            if (source_)
                give_back(slot_);
        }

        /// The newest value. It stays valid and unchanged until the next get() of this reader.
        T const& get() noexcept
        {
            auto const* held = slot_->held.load(std::memory_order_relaxed);
            auto const* now = source_->current_.load(std::memory_order_acquire);
            if (held == now) [[likely]]
                return *held; // still protected, so its address cannot have been used again
            do {
                held = now;
                // Protect, then look again: if it is still current, publish sees the protection.
                slot_->held.store(held, std::memory_order_seq_cst);
                now = source_->current_.load(std::memory_order_seq_cst);
            } while (held != now);
            return *held;
        }

        /// Lets go of the version, so that it can be freed while this reader is idle.
        void release() noexcept { slot_->held.store(nullptr, std::memory_order_release); }

    private:
        published* source_;
        slot* slot_;
    };

private:
    void free_unread()
    {
        std::size_t kept = 0;
        for (auto const* old : retired_) {
            bool read = false;
            for (auto* s = slots_.load(); s && !read; s = s->next)
                read = s->held.load(std::memory_order_seq_cst) == old;
            if (read)
                retired_[kept++] = old;
            else
                delete old;
        }
        retired_.resize(kept);
    }

    slot* take_slot()
    {
        for (auto* s = slots_.load(); s; s = s->next)
            if (!s->taken.exchange(true))
                return s;
        // Slots are only added and never unlinked, so that the publisher may walk them at any time.
        auto* const fresh = new slot;
        fresh->next = slots_.load();
        while (!slots_.compare_exchange_weak(fresh->next, fresh)) {
        }
        return fresh;
    }
    static void give_back(slot* s) noexcept
    {
        s->held.store(nullptr, std::memory_order_release);
        s->taken.store(false);
    }

    std::atomic<T const*> current_;
    std::atomic<slot*> slots_{nullptr};
    std::vector<T const*> retired_; // of the publishing thread
};

} // namespace perdure

#endif
