// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_WORLD_HPP
#define PERDURE_SIMULATION_WORLD_HPP

#include <perdure/simulation/acceptor.hpp>
#include <perdure/simulation/datagram_socket.hpp>
#include <perdure/simulation/detail/file_job.hpp>
#include <perdure/simulation/executor.hpp>
#include <perdure/simulation/files.hpp>
#include <perdure/simulation/stream.hpp>
#include <perdure/simulation/timer.hpp>
#include <perdure/world/concepts.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <cstdint>
#include <utility>

namespace perdure::simulation {

/** What one incarnation of a simulated process sees. Models `complete_world`.
 *
 *  The cluster hands it to the process's main function. It and everything made from it may be kept
 *  beyond the crash and even beyond the cluster; they are then dead: the clock stands still,
 *  operations fail with operation_aborted, and nothing that is posted ever runs.
 *
 *  @par Thread safety  A cluster and all its worlds belong to one thread.
 */
class world {
public:
    using executor_type = asio::any_io_executor;
    using timer = simulation::timer; ///< See has_time.
    using files = simulation::files; ///< See has_files.
    using datagram_socket = simulation::datagram_socket; ///< See has_datagrams.
    using stream = simulation::stream; ///< See has_streams.
    using acceptor = simulation::acceptor; ///< See has_streams.

    /// Where the process's handlers run; see simulation::executor.
    executor_type get_executor() const noexcept { return executor_; }

    /// The machine's steady clock, with its drift. Its zero is drawn: values of two machines cannot
    /// be compared.
    time_point now() const noexcept { return incarnation_->now(); }
    /// The same, but goes on while the machine is suspended.
    time_point now_with_suspend() const noexcept { return incarnation_->now_with_suspend(); }
    /// 64 bits drawn from the cluster's seed.
    std::uint64_t entropy() const noexcept { return incarnation_->entropy(); }

    /// The same files on the calling thread; they take no virtual time.
    files blocking_files() const { return files(incarnation_); }

    /** Runs `job(files&, error_code&)` when the jobs before it have ended.
     *
     *  The job runs at the virtual time at which it starts; its handler runs when the drawn times
     *  of its operations have passed.
     *
     *  @par Completion signature        void(error_code), or void(error_code, R) if the job returns
     *        R
     *  @par Errors                      what the job reports; asio::error::operation_aborted if it
     *                                   was cancelled before it started, and then it did nothing.
     *  @par Per-operation cancellation  terminal, partial, total: has an effect until the job
     *  starts.
     *  @par Executor                    the handler's associated executor, else get_executor();
     *        never inline.
     *  @par Object lifetimes            needs nothing of *this after the call.
     */
    template <detail::simulated_file_job Job,
              asio::completion_token_for<typename detail::file_job_result_of<Job>::signature>
                  Token = asio::deferred_t>
    [[nodiscard]] auto async_file_job(Job&& job, Token&& token = {}) const
    {
        return asio::async_initiate<Token, typename detail::file_job_result_of<Job>::signature>(
            detail::file_job_initiation{incarnation_, executor_}, token, std::forward<Job>(job));
    }

private:
    friend class cluster;
    friend class simulation::timer;
    friend class simulation::datagram_socket;
    friend class simulation::stream;
    friend class simulation::acceptor;

    explicit world(detail::incarnation_ptr p)
        : incarnation_(std::move(p)), executor_(simulation::executor(incarnation_))
    {
    }

    detail::incarnation_ptr incarnation_;
    executor_type executor_;
};

inline timer::timer(world const& w) : incarnation_(w.incarnation_), executor_(w.executor_) {}

inline datagram_socket::datagram_socket(world const& w)
    : incarnation_(w.incarnation_), executor_(w.executor_)
{
}

inline stream::stream(world const& w) : stream(w.incarnation_, w.executor_) {}

inline acceptor::acceptor(world const& w) : incarnation_(w.incarnation_), executor_(w.executor_) {}

static_assert(complete_world<world>);

} // namespace perdure::simulation

#endif
