// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_FILE_JOB_HPP
#define PERDURE_WORLD_DETAIL_FILE_JOB_HPP

#include <perdure/world/concepts.hpp>
#include <perdure/world/detail/completion_route.hpp>
#include <perdure/world/detail/flusher.hpp>
#include <perdure/world/detail/operation_memory.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/error.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace perdure::detail {

/* A file job with its handler. The blocking side touches files_, job_, ec_ and result_ while it
 * runs, and copies the executors; everything else belongs to the loop's side.
 */
template <class Files, class Job, class Handler, class Executor>
class file_job final : public blocking_job {
public:
    using result = std::invoke_result_t<Job&, Files&, error_code&>;

    template <class H, class J>
    file_job(H&& handler, completion_route<Executor> route, Files files, J&& job)
        : files_(std::move(files)),
          job_(std::forward<J>(job)),
          route_(std::move(route)),
          handler_(std::forward<H>(handler))
    {
    }

private:
    struct nothing {};
    using slot = std::conditional_t<std::is_void_v<result>, nothing, result>;

    void run() noexcept override
    {
        if constexpr (std::is_void_v<result>)
            job_(files_, ec_);
        else
            result_ = job_(files_, ec_);
    }

    void abort() noexcept override { ec_ = asio::error::operation_aborted; }

    void announce(std::shared_ptr<lane> owner) override
    {
        route_.post(job_completion(std::move(owner), *this));
    }

    void complete() override
    {
        auto const route = std::move(route_);
        error_code const ec = ec_;
        slot result = std::move(result_);
        Handler handler = release_operation(*this, handler_);
        if constexpr (std::is_void_v<file_job::result>)
            route.call(std::move(handler), ec);
        else
            route.call(std::move(handler), ec, std::move(result));
    }

    void destroy() noexcept override
    {
        auto const route = std::move(route_);
        static_cast<void>(release_operation(*this, handler_));
    }

    Files files_;
    Job job_;
    error_code ec_;
    [[no_unique_address]] slot result_{};
    completion_route<Executor> route_;
    Handler handler_;
};

template <class Job, class Files>
concept file_job_for = std::move_constructible<std::decay_t<Job>> &&
                       std::invocable<std::decay_t<Job>&, Files&, error_code&>;

template <class Result>
struct file_job_signature_of {
    using type = void(error_code, Result);
};
template <>
struct file_job_signature_of<void> {
    using type = void(error_code);
};
template <class Files, class Job>
using file_job_signature = typename file_job_signature_of<
    std::invoke_result_t<std::decay_t<Job>&, Files&, error_code&>>::type;

template <class Files>
struct file_job_initiation {
    using executor_type = asio::any_io_executor;

    std::shared_ptr<lane> owner;
    Files files;
    executor_type executor;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler, class Job>
    void operator()(Handler&& handler, Job&& job) const
    {
        auto const target = asio::get_associated_executor(handler, executor);
        std::uint64_t const number = owner->next_number();
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected())
            slot.assign([owner = owner, number](asio::cancellation_type type) {
                if (type != asio::cancellation_type::none)
                    owner->cancel(number);
            });
        using made = file_job<Files, std::decay_t<Job>, std::decay_t<Handler>,
                              std::decay_t<decltype(target)>>;
        blocking_job& job_of_it =
            make_operation<made>(std::forward<Handler>(handler), completion_route(target, executor),
                                 files, std::forward<Job>(job));
        owner->submit(job_of_it, number);
    }
};

} // namespace perdure::detail

#endif
