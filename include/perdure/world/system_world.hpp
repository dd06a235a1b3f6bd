// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_SYSTEM_WORLD_HPP
#define PERDURE_WORLD_SYSTEM_WORLD_HPP

#include <perdure/fwd.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/detail/file_job.hpp>
#include <perdure/world/detail/flusher.hpp>
#include <perdure/world/detail/simulated_context.hpp>
#include <perdure/world/posix_calls.hpp>
#include <perdure/world/posix_files.hpp>
#include <perdure/world/system_sockets.hpp>
#include <perdure/world/system_timer.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/execution_context.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/random.h>
#include <system_error>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <utility>

namespace perdure {

/** The real world: the system's clocks, sockets and files. Models `complete_world`.
 *
 *  Time, timers and sockets are Asio's, on the given executor. File jobs run on one thread per
 *  execution context (the flusher), which the first job starts and the shutdown of the context
 * ends; or on an executor for blocking work, such as a thread_pool's, where jobs of this World and
 * of its copies still run one at a time, in order.
 *
 *  `Calls` are the system calls under the files (see system_calls); tests put failures there.
 *
 *  @par Thread safety  As Asio's I/O objects: distinct objects are safe. Use time, timers and
 *       sockets from the World's executor; on a loop with several threads give a strand. File jobs
 *       may be initiated from any thread.
 */
template <class Calls>
class basic_system_world {
public:
    using executor_type = asio::any_io_executor;
    using files = posix_files<Calls>; ///< See has_files.
    using timer = system_timer; ///< See has_time.
    using datagram_socket = system_datagram_socket; ///< See has_datagrams.
    using stream = system_stream; ///< See has_streams.
    using acceptor = system_acceptor; ///< See has_streams.
    static constexpr bool blocks_threads = true; ///< See the concept.
    /// Lets other threads run.
    static void yield_thread() noexcept { std::this_thread::yield(); }
    /// For people: "process 1234 on host".
    static std::string process_name()
    {
        char host[65] = {};
        if (::gethostname(host, sizeof host - 1) != 0)
            host[0] = '?';
        return "process " + std::to_string(::getpid()) + " on " + host;
    }

    /// @throws std::invalid_argument if the executor belongs to a simulated process.
    explicit basic_system_world(executor_type executor, Calls calls = Calls())
        : executor_(std::move(executor)), files_(std::move(calls)), lane_(service().own_lane())
    {
    }

    /** File jobs run on `blocking`, one at a time.
     *
     *  If `blocking` drops its work, jobs that have not started complete with operation_aborted.
     */
    basic_system_world(executor_type executor, executor_type blocking, Calls calls = Calls())
        : executor_(std::move(executor)),
          files_(std::move(calls)),
          lane_(service().make_lane(std::move(blocking)))
    {
    }

    template <class Context>
        requires std::convertible_to<Context&, asio::execution_context&>
    explicit basic_system_world(Context& context, Calls calls = Calls())
        : basic_system_world(executor_type(context.get_executor()), std::move(calls))
    {
    }

    template <class Context>
        requires std::convertible_to<Context&, asio::execution_context&>
    basic_system_world(Context& context, executor_type blocking, Calls calls = Calls())
        : basic_system_world(executor_type(context.get_executor()), std::move(blocking),
                             std::move(calls))
    {
    }

    executor_type get_executor() const noexcept { return executor_; }

    /// The steady clock: monotonic, stands still while the machine sleeps.
    time_point now() const noexcept { return std::chrono::steady_clock::now(); }

    /// Comparable with itself only: its zero is another one than now()'s.
    time_point now_with_suspend() const noexcept
    {
        timespec t;
        ::clock_gettime(CLOCK_BOOTTIME, &t);
        return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
    }

    /// @throws std::system_error if the system has no source of randomness.
    std::uint64_t entropy() const
    {
        std::uint64_t bits;
        if (::getrandom(&bits, sizeof bits, 0) != sizeof bits)
            throw std::system_error(errno, std::system_category(), "getrandom");
        return bits;
    }

    /// The file operations, on the calling thread.
    files blocking_files() const { return files_; }

    /** Runs `job(files&, error_code&)` off the loop.
     *
     *  The handler may own anything: it stays on the loop's side. The job and its result are moved
     * to the blocking side and back, and the job is destroyed before the handler runs.
     *
     *  @par Completion signature        void(error_code), or void(error_code, R) if the job returns
     * R
     *  @par Errors                      what the job reports; asio::error::operation_aborted if it
     *                                   was cancelled before it started, and then it did nothing.
     *  @par Per-operation cancellation  terminal, partial, total: has an effect until the job
     * starts.
     *  @par Executor                    the handler's associated executor, else get_executor();
     * never inline. Its work is tracked, so that run() does not return while a job is outstanding.
     *  @par Object lifetimes            needs nothing of *this after the call.
     */
    template <
        detail::file_job_for<files> Job,
        asio::completion_token_for<detail::file_job_signature<files, Job>> Token = asio::deferred_t>
    [[nodiscard]] auto async_file_job(Job&& job, Token&& token = {}) const
    {
        return asio::async_initiate<Token, detail::file_job_signature<files, Job>>(
            detail::file_job_initiation<files>{lane_, files_, executor_}, token,
            std::forward<Job>(job));
    }

private:
    detail::flusher& service() const
    {
        if (!executor_)
            throw std::invalid_argument(
                "system_world: the executor is empty; give the executor of an"
                " io_context, of a thread_pool or of a strand");
        asio::execution_context& context = asio::query(executor_, asio::execution::context);
        if (asio::has_service<detail::simulated_context>(context))
            throw std::invalid_argument("system_world: the executor belongs to a simulated "
                                        "process, where real time, sockets"
                                        " and files must not slip in; make the component a "
                                        "template on World and give it the"
                                        " simulation::world of that process");
        return asio::use_service<detail::flusher>(context);
    }

    executor_type executor_;
    files files_;
    std::shared_ptr<detail::lane> lane_;
};

} // namespace perdure

#endif
