// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_WAITERS_HPP
#define PERDURE_WAL_DETAIL_WAITERS_HPP

#include <perdure/error.hpp>
#include <perdure/wal/options.hpp>
#include <perdure/wal/position.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace perdure::detail {

/** asio::any_completion_handler that can be assigned.
 *
 *  Boost 1.81's own move assignment calls itself for ever.
 */
template <class Signature>
class erased_handler {
public:
    using handler_type = asio::any_completion_handler<Signature>;

    erased_handler() = default;
    template <class Handler>
        requires(!std::same_as<std::remove_cvref_t<Handler>, erased_handler>)
    erased_handler(Handler&& handler) : handler_(std::forward<Handler>(handler))
    {
    }
    erased_handler(erased_handler&&) noexcept = default;
    erased_handler& operator=(erased_handler&& other) noexcept
    {
        if (this != &other) {
            std::destroy_at(&handler_);
            std::construct_at(&handler_, std::move(other.handler_));
        }
        return *this;
    }
    ~erased_handler() = default;

    explicit operator bool() const noexcept { return static_cast<bool>(handler_); }
    auto cancellation_slot() const noexcept
    {
        return asio::get_associated_cancellation_slot(handler_);
    }
    template <class... Args>
    void operator()(Args&&... args)
    {
        // From a local, because the call may destroy *this.
        handler_type handler(std::move(handler_));
        std::move(handler)(std::forward<Args>(args)...);
    }

private:
    handler_type handler_;
};

/// A thread that waits inside a blocking call. It sleeps on its own word, so that waking it wakes no other.
class thread_waiter {
public:
    enum class word {
        lead, ///< The thread is to write the next group, for all.
        done,
    };

    /// Sleeps until told something: `lead` once each time, then `done` for good.
    word wait() noexcept
    {
        state_.wait(0, std::memory_order_acquire);
        return state_.fetch_and(~leads, std::memory_order_acquire) & leads ? word::lead : word::done;
    }
    /// It will lead, also if it is completed meanwhile. Call wake() next.
    void lead() noexcept { state_.fetch_or(leads, std::memory_order_release); }
    void wake() noexcept { state_.notify_one(); } // Uses the address only.
    /// The thread may return, and *this be gone, at any time from here on.
    void complete(error_code const& ec, position at) noexcept
    {
        ec_ = ec;
        at_ = at;
        state_.fetch_or(is_done, std::memory_order_release);
        wake();
    }

    error_code const& ec() const noexcept { return ec_; }
    position at() const noexcept { return at_; }

private:
    static constexpr int leads = 1;
    static constexpr int is_done = 2;

    std::atomic<int> state_{0};
    error_code ec_;
    position at_ = 0;
};

/// Who waits for a position to be as durable as wanted: a handler or a thread.
struct log_waiter {
    using handler_type = erased_handler<void(error_code, position)>;

    position at = 0; ///< 0 while the record has no place in the log yet.
    durability how = durability::disk;
    std::uint64_t id = 0; ///< For its cancellation; 0 if it cannot be cancelled.
    handler_type handler;
    asio::any_io_executor executor; ///< The handler's; empty if it is the log's.
    thread_waiter* thread = nullptr;

    /// False if it was completed already.
    bool waits() const noexcept { return thread || handler; }
};

/** Waiters in order, in pieces that are never moved again: a list of many grows without a pause, and
 *  each piece is completed in one turn of the loop.
 */
class waiter_list {
public:
    /// With handlers of a few hundred nanoseconds, a piece takes some tens of microseconds.
    static constexpr std::size_t piece_size = 128;
    using piece = std::vector<log_waiter>;

    log_waiter& push_back(log_waiter&& w)
    {
        if (pieces_.empty() || pieces_.back()->size() == piece_size) {
            pieces_.push_back(std::make_shared<piece>());
            pieces_.back()->reserve(piece_size);
        }
        threads_ = threads_ || w.thread;
        executors_ = executors_ || w.executor;
        return pieces_.back()->emplace_back(std::move(w));
    }
    bool has_threads() const noexcept { return threads_; }
    /// Whether a handler has an executor other than the log's.
    bool has_executors() const noexcept { return executors_; }
    bool empty() const noexcept { return pieces_.empty(); }
    std::size_t size() const noexcept
    {
        return empty() ? 0 : (pieces_.size() - 1) * piece_size + pieces_.back()->size();
    }
    void clear() noexcept { *this = {}; }

    template <class F>
    void for_each(F f)
    {
        for (auto const& p : pieces_)
            for (auto& w : *p)
                f(w);
    }
    std::vector<std::shared_ptr<piece>>& pieces() noexcept { return pieces_; }

private:
    std::vector<std::shared_ptr<piece>> pieces_;
    bool threads_ = false;
    bool executors_ = false;
};

} // namespace perdure::detail

#endif
