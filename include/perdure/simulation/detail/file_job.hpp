// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_FILE_JOB_HPP
#define PERDURE_SIMULATION_DETAIL_FILE_JOB_HPP

#include <perdure/simulation/detail/completion.hpp>
#include <perdure/simulation/files.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <concepts>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace perdure::simulation::detail {

template <class Job>
concept simulated_file_job = std::move_constructible<std::decay_t<Job>> &&
                             std::invocable<std::decay_t<Job>&, files&, error_code&>;

template <class Result>
struct file_job_result {
    using signature = void(error_code, Result);
    using stored = Result;
};
template <>
struct file_job_result<void> {
    using signature = void(error_code);
    struct stored {};
};
template <class Job>
using file_job_result_of =
    file_job_result<std::invoke_result_t<std::decay_t<Job>&, files&, error_code&>>;

// A file job with its result.
template <class Job>
class file_job final : public file_jobs::job {
public:
    file_job(Job job, files fs) : job_(std::move(job)), files_(std::move(fs)) {}

    void run() override
    {
        if constexpr (returns_nothing)
            job_(files_, ec_);
        else
            result_ = job_(files_, ec_);
    }

    // The arguments of the handler; `aborted` is set if the job never ran.
    auto take(error_code aborted)
    {
        auto const ec = aborted ? aborted : ec_;
        if constexpr (returns_nothing)
            return std::tuple(ec);
        else
            return std::tuple(ec, std::move(result_));
    }

private:
    static constexpr bool returns_nothing =
        std::is_void_v<std::invoke_result_t<Job&, files&, error_code&>>;

    Job job_;
    files files_;
    error_code ec_;
    [[no_unique_address]] typename file_job_result_of<Job>::stored result_{};
};

struct file_job_initiation {
    using executor_type = asio::any_io_executor;

    incarnation_ptr process;
    executor_type executor;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler, class Job>
    void operator()(Handler&& handler, Job&& job) const
    {
        if (!process->is_alive())
            return;
        auto const slot = asio::get_associated_cancellation_slot(handler);
        auto state =
            std::make_shared<file_job<std::decay_t<Job>>>(std::forward<Job>(job), files(process));
        auto const ticket = process->file_jobs().submit(
            state, make_handler_operation(std::forward<Handler>(handler), executor,
                                          [state](error_code ec) { return state->take(ec); }));
        connect_cancellation(slot, [p = process, ticket] {
            if (p->is_alive())
                p->file_jobs().cancel(ticket);
        });
    }
};

} // namespace perdure::simulation::detail

#endif
