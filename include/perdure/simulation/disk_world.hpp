// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DISK_WORLD_HPP
#define PERDURE_SIMULATION_DISK_WORLD_HPP

#include <perdure/fwd.hpp>
#include <perdure/simulation/disk_files.hpp>
#include <perdure/simulation/random.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace perdure::simulation {

/** A World that is one disk and a loop: what a storage driver needs to be put through a
 *  crash_search.
 *
 *  The loop is an ordinary io_context of the test. File jobs run on it, one behind the other, and
 *  take no time. Time stands still until advance(). For processes, networks and delays there is
 *  simulation::cluster.
 *
 *      asio::io_context io;
 *      simulation::disk_world world(io, simulation::disk_files(disk));
 *      basic_wal<simulation::disk_world> log(world, {.directory = "log"});
 *
 *  `Files` models world_file_operations: disk_files, or yours around it that make mistakes.
 *
 *  @par Thread safety  It belongs to one thread.
 */
template <class Files>
class basic_disk_world {
    struct shared;
    struct timer_state;

public:
    using executor_type = asio::io_context::executor_type;
    using files = Files; ///< See has_files.

    /// `seed` decides what entropy() returns.
    basic_disk_world(asio::io_context& io, Files files, std::uint64_t seed = 1)
        : shared_(std::make_shared<shared>(io.get_executor(), std::move(files), seed))
    {
    }

    executor_type get_executor() const noexcept { return shared_->executor; }
    /// Virtual time; advance() alone moves it.
    time_point now() const noexcept { return shared_->now; }
    /// From the seed.
    std::uint64_t entropy() const noexcept { return shared_->random(); }

    /// Timers that are due by then expire.
    void advance(std::chrono::nanoseconds d) const
    {
        shared_->now += d;
        auto const timers = shared_->timers; // A copy: completing may add and remove.
        for (auto const& weak : timers)
            if (auto const t = weak.lock(); t && t->expiry <= shared_->now)
                t->waits.complete_all(error_code());
        std::erase_if(shared_->timers, [](auto const& weak) { return weak.expired(); });
    }

    /// A timer in virtual time. See has_time for the expressions.
    class timer {
    public:
        explicit timer(basic_disk_world const& w)
            : shared_(w.shared_), state_(std::make_shared<timer_state>(w.get_executor()))
        {
            shared_->timers.push_back(state_);
        }
        ~timer() { state_->waits.cancel_all(); }
        timer(timer const&) = delete;
        timer& operator=(timer const&) = delete;

        void expires_at(time_point at)
        {
            cancel();
            state_->expiry = at;
        }
        void expires_after(std::chrono::nanoseconds d) { expires_at(shared_->now + d); }
        time_point expiry() const noexcept { return state_->expiry; }
        void cancel() { state_->waits.cancel_all(); }

        template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
        [[nodiscard]] auto async_wait(Token&& token = {})
        {
            return asio::async_initiate<Token, void(error_code)>(
                [s = state_, clock = shared_](auto handler) {
                    s->waits.push(std::move(handler));
                    if (s->expiry <= clock->now)
                        s->waits.complete_all(error_code());
                },
                token);
        }

    private:
        std::shared_ptr<shared> shared_;
        std::shared_ptr<timer_state> state_;
    };

    files blocking_files() const { return shared_->files; }

    template <class Job>
    using job_result = std::invoke_result_t<std::decay_t<Job>&, Files&, error_code&>; ///< What a job returns.

    /** Runs `job(files&, error_code&)` from the loop, behind the jobs before it.
     *
     *  @par Completion signature        void(error_code), or void(error_code, R) if the job returns R
     *  @par Per-operation cancellation  none: a job that was initiated runs.
     *  @par Executor                    the handler's associated executor, else get_executor(); never
     *                                   inline.
     */
    template <class Job, class Token = asio::deferred_t>
    [[nodiscard]] auto async_file_job(Job&& job, Token&& token = {}) const
    {
        using result = job_result<Job>;
        using signature = typename signature_of<result>::type;
        return asio::async_initiate<Token, signature>(
            [s = shared_](auto handler, std::decay_t<Job> work) {
                auto const target = asio::get_associated_executor(handler, s->executor);
                asio::post(s->executor, [s, target, handler = std::move(handler),
                                         work = std::move(work)]() mutable {
                    error_code ec;
                    if constexpr (std::is_void_v<result>) {
                        work(s->files, ec);
                        asio::post(target, asio::append(std::move(handler), ec));
                    } else {
                        auto r = work(s->files, ec);
                        asio::post(target, asio::append(std::move(handler), ec, std::move(r)));
                    }
                });
            },
            token, std::forward<Job>(job));
    }

private:
    template <class R>
    struct signature_of {
        using type = void(error_code, R);
    };
    template <class R>
        requires std::is_void_v<R>
    struct signature_of<R> {
        using type = void(error_code);
    };

    struct timer_state {
        explicit timer_state(executor_type ex) : waits(ex) {}
        time_point expiry{};
        waiter_queue<void(error_code)> waits;
    };

    struct shared {
        shared(executor_type ex, Files f, std::uint64_t seed)
            : executor(ex), files(std::move(f)), random(seed, "disk_world")
        {
        }
        executor_type executor;
        Files files;
        random_stream random;
        time_point now{};
        std::vector<std::weak_ptr<timer_state>> timers;
    };

    std::shared_ptr<shared> shared_;
};

/// On a disk as it is.
using disk_world = basic_disk_world<>;

static_assert(has_time<disk_world> && has_files<disk_world> && has_entropy<disk_world>);

} // namespace perdure::simulation

#endif
