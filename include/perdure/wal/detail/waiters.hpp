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
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
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
    enum class word : int {
        wait,
        lead, ///< The thread is to write the next group, for all.
        done,
    };

    /// Sleeps until told something: `lead` once each time, `done` for good.
    word wait() noexcept
    {
        state_.wait(word::wait, std::memory_order_acquire);
        auto const told = state_.load(std::memory_order_acquire);
        if (told == word::lead) // Nobody tells anything to the one that leads but itself.
            state_.store(word::wait, std::memory_order_relaxed);
        return told;
    }
    void lead() noexcept { tell(word::lead); }
    /// The thread may return, and *this be gone, at any time from here on.
    void complete(error_code const& ec, position at) noexcept
    {
        ec_ = ec;
        at_ = at;
        tell(word::done);
    }

    error_code const& ec() const noexcept { return ec_; }
    position at() const noexcept { return at_; }

private:
    void tell(word w) noexcept
    {
        state_.store(w, std::memory_order_release);
        state_.notify_one(); // Uses the address only.
    }

    std::atomic<word> state_{word::wait};
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

/** Completions on their way. Handlers with the same executor share a post, in order; a post is
 *  bounded, so that the loop gets to its other work.
 */
class completion_batch {
public:
    /// @param home  the log's executor
    explicit completion_batch(asio::any_io_executor const& home) : home_(home) {}

    void add(log_waiter&& w, error_code const& ec, position at)
    {
        if (w.thread) {
            std::exchange(w.thread, nullptr)->complete(ec, at);
            return;
        }
        if (w.handler)
            entries_.push_back({std::move(w.handler), std::move(w.executor), ec, at});
    }
    /// All of them, each with its own position.
    void add(std::vector<log_waiter>& all, error_code const& ec)
    {
        entries_.reserve(entries_.size() + all.size());
        for (auto& w : all)
            add(std::move(w), ec, w.at);
        all.clear();
    }
    bool empty() const noexcept { return entries_.empty(); }

    /// Posts everything to where it belongs.
    void post()
    {
        if (entries_.empty())
            return;
        auto const shared = std::make_shared<entry_list>(std::move(entries_));
        entries_.clear();
        auto const& all = *shared;
        for (std::size_t first = 0; first != all.size();) {
            std::size_t last = first + 1;
            while (last != all.size() && last - first != handlers_a_post &&
                   all[last].executor == all[first].executor)
                ++last;
            post_range(home_, {shared, first, last});
            first = last;
        }
    }

private:
    struct entry {
        log_waiter::handler_type handler;
        asio::any_io_executor executor; // Empty: home.
        error_code ec;
        position at;
    };
    using entry_list = std::vector<entry>;

    // With handlers of a few hundred nanoseconds, some tens of microseconds.
    static constexpr std::size_t handlers_a_post = 128;

    struct range {
        std::shared_ptr<entry_list> entries;
        std::size_t first;
        std::size_t last;
    };

    static void post_range(asio::any_io_executor const& home, range r)
    {
        auto const& own = (*r.entries)[r.first].executor;
        asio::any_io_executor const to = own ? own : home;
        asio::post(to, run(home, std::move(r)));
    }

    class run {
    public:
        run(asio::any_io_executor const& home, range r) : home_(home), todo_(std::move(r)) {}
        void operator()()
        {
            // If a handler throws, the others must still be called: post them anew on the way out.
            struct rest {
                run& self;
                ~rest()
                {
                    if (self.todo_.first != self.todo_.last)
                        post_range(self.home_, std::move(self.todo_));
                }
            } guard{*this};
            while (todo_.first != todo_.last) {
                auto& e = (*todo_.entries)[todo_.first++];
                e.handler(e.ec, e.at);
            }
        }

    private:
        asio::any_io_executor home_;
        range todo_;
    };

    asio::any_io_executor const& home_;
    entry_list entries_;
};

} // namespace perdure::detail

#endif
