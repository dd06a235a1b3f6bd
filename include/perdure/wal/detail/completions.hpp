// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_COMPLETIONS_HPP
#define PERDURE_WAL_DETAIL_COMPLETIONS_HPP

#include <perdure/wal/detail/waiters.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace perdure::detail {

/// Neighbours in a piece whose handlers have the same executor.
class completion_run {
public:
    completion_run(std::shared_ptr<waiter_list::piece> waiters, std::size_t first, std::size_t last,
                   error_code const& ec)
        : waiters_(std::move(waiters)), next_(first), last_(last), ec_(ec)
    {
    }

    bool is_done() const noexcept { return next_ == last_; }
    /// Of the handlers; empty if it is the log's.
    asio::any_io_executor const& executor() const noexcept { return (*waiters_)[next_].executor; }

    /// Calls the handlers. If one throws, the others can still be called.
    void operator()()
    {
        while (next_ != last_) {
            auto& w = (*waiters_)[next_++];
            if (w.handler) // Else it was completed before, or was a thread's.
                w.handler(ec_, w.at);
        }
        merge_freed();
    }

private:
    // glibc collects small blocks that are freed, and merges them all when a large one is asked for:
    // behind 30 000 handlers that is half a millisecond in whoever asks. So each run asks for its own.
    static void merge_freed()
    {
        void* volatile const large = ::operator new(2048);
        ::operator delete(large);
    }

    std::shared_ptr<waiter_list::piece> waiters_;
    std::size_t next_;
    std::size_t last_;
    error_code ec_;
};

/** What is to be called on the log's executor, in order: one run a turn of the loop. Many that were
 *  posted at once would all come before the loop looks at its timers and sockets again.
 *
 *  @par Thread safety  any thread.
 */
class completion_queue : public std::enable_shared_from_this<completion_queue> {
public:
    explicit completion_queue(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    void push(completion_run run) { push(item{std::move(run), {}}); }
    /// Calls `f` behind what was pushed before.
    void push(std::function<void()> f) { push(item{{{}, 0, 0, {}}, std::move(f)}); }

    /// The execution context shuts down: the handlers are given away, to be destroyed, and those that
    /// come later are destroyed at once.
    auto abandon()
    {
        std::lock_guard lock(mutex_);
        abandoned_ = true;
        return std::exchange(items_, {});
    }

private:
    struct item {
        completion_run run;
        std::function<void()> function; ///< In place of a run.
    };
    struct turn {
        std::shared_ptr<completion_queue> queue;
        void operator()() const { queue->take_turn(); }
    };

    void push(item i)
    {
        {
            std::lock_guard lock(mutex_);
            if (abandoned_)
                return; // Destroys it, without the lock.
            items_.push_back(std::move(i));
            if (std::exchange(posted_, true))
                return;
        }
        asio::post(executor_, turn{this->shared_from_this()});
    }

    void take_turn()
    {
        std::unique_lock lock(mutex_);
        if (items_.empty())
            return;
        // If a handler throws, the others are called in the next turn.
        struct going_on {
            completion_queue& queue;
            item now;
            ~going_on() { queue.end_turn(std::move(now)); }
        } self{*this, std::move(items_.front())};
        items_.pop_front();
        lock.unlock();
        if (auto const f = std::exchange(self.now.function, {}))
            f();
        else
            self.now.run();
    }

    void end_turn(item now)
    {
        {
            std::lock_guard lock(mutex_);
            if (!now.run.is_done() && !abandoned_)
                items_.push_front(std::move(now));
            posted_ = !items_.empty();
            if (!posted_)
                return;
        }
        asio::post(executor_, turn{this->shared_from_this()});
    }

    asio::any_io_executor executor_;
    std::mutex mutex_;
    std::deque<item> items_;
    bool posted_ = false; // A turn is posted or under way.
    bool abandoned_ = false;
};

/// Completions on their way, in order.
class completion_batch {
public:
    explicit completion_batch(completion_queue& home) : home_(home) {}

    void add(log_waiter&& w, error_code const& ec, position at)
    {
        if (w.thread) {
            std::exchange(w.thread, nullptr)->complete(ec, at);
            return;
        }
        if (!w.handler)
            return;
        if (parts_.empty() || parts_.back().ec != ec ||
            parts_.back().waiters->size() >= waiter_list::piece_size)
            parts_.push_back({std::make_shared<waiter_list::piece>(), ec, true});
        parts_.back().waiters->push_back(std::move(w));
        parts_.back().waiters->back().at = at;
    }
    /// All of them, each with its own position.
    void add(waiter_list&& all, error_code const& ec)
    {
        // A list may be long, so it is looked through only if there is something to be found.
        if (all.has_threads())
            all.for_each([&](log_waiter& w) {
                if (w.thread)
                    std::exchange(w.thread, nullptr)->complete(ec, w.at);
            });
        for (auto& p : all.pieces())
            parts_.push_back({std::move(p), ec, all.has_executors()});
        all.clear();
    }

    /// Posts everything to where it belongs.
    void post()
    {
        for (auto const& [waiters, ec, mixed] : std::exchange(parts_, {})) {
            auto const& all = *waiters;
            for (std::size_t first = 0; first != all.size();) {
                std::size_t last = mixed ? first + 1 : all.size();
                while (last != all.size() && all[last].executor == all[first].executor)
                    ++last;
                post(completion_run(waiters, first, last, ec));
                first = last;
            }
        }
    }

private:
    struct part {
        std::shared_ptr<waiter_list::piece> waiters;
        error_code ec;
        bool mixed; ///< There may be several executors.
    };

    void post(completion_run run)
    {
        if (asio::any_io_executor const to = run.executor())
            asio::post(to, elsewhere{std::move(run)});
        else
            home_.push(std::move(run));
    }

    // On an executor that is not the log's.
    struct elsewhere {
        completion_run run;

        void operator()()
        {
            // If a handler throws, the others must still be called: post them anew on the way out.
            struct rest {
                completion_run& run;
                ~rest()
                {
                    if (run.is_done())
                        return;
                    asio::any_io_executor const to = run.executor();
                    asio::post(to, elsewhere{std::move(run)});
                }
            } guard{run};
            run();
        }
    };

    completion_queue& home_;
    std::vector<part> parts_;
};

} // namespace perdure::detail

#endif
