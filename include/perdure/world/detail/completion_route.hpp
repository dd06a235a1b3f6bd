// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_COMPLETION_ROUTE_HPP
#define PERDURE_WORLD_DETAIL_COMPLETION_ROUTE_HPP

#include <perdure/config.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <tuple>
#include <utility>

namespace perdure::detail {

// Its address stands for the type.
template <class T>
inline constexpr char type_mark = 0;

// A handler and what to call it with. Has the handler's allocator and no executor.
template <class Handler, class... Args>
class bound_completion {
public:
    using allocator_type = asio::associated_allocator_t<Handler>;

    explicit bound_completion(Handler handler, Args... args)
        : handler_(std::move(handler)), args_(std::move(args)...)
    {
    }
    allocator_type get_allocator() const noexcept
    {
        return asio::get_associated_allocator(handler_);
    }
    void operator()() { std::apply(std::move(handler_), std::move(args_)); }

private:
    Handler handler_;
    std::tuple<Args...> args_;
};

/* The way of a completion to its handler, whose executor it keeps at work until then.
 *
 * A handler whose executor belongs to the driver's context is posted straight to it. Any other is
 * dispatched from the driver's executor, as Asio's own operations do: use_future then completes on
 * the loop, where a post would take a thread of the system's pool.
 */
template <class Executor>
class completion_route {
public:
    completion_route(Executor const& target, asio::any_io_executor const& home)
        : home_(home),
          target_(target),
          direct_(shares_context(target, home)),
          work_(target),
          home_work_(home)
    {
    }
    completion_route(completion_route&&) = default;

    /// The executor to which post() posts, if it has the type that is asked for, else null.
    void const* entry(void const* type) const noexcept
    {
        if (direct_)
            return type == &type_mark<Executor> ? &target_ : nullptr;
        return type == &type_mark<asio::any_io_executor> ? &home_ : nullptr;
    }
    /// Whether post() of both goes to the same executor. `other_entry` is the other's entry().
    template <class EntryOf>
    bool shares_entry(EntryOf other_entry) const noexcept
    {
        if (direct_) {
            auto const* other = static_cast<Executor const*>(other_entry(&type_mark<Executor>));
            return other && *other == target_;
        }
        auto const* other = static_cast<asio::any_io_executor const*>(
            other_entry(&type_mark<asio::any_io_executor>));
        return other && *other == home_;
    }

    template <class F>
    void post(F f) const
    {
        // A copy: *this may be gone before post returns.
        if (direct_) {
            Executor const executor = target_;
            asio::post(executor, std::move(f));
        } else {
            asio::any_io_executor const executor = home_;
            asio::post(executor, std::move(f));
        }
    }

    /// Called by what was posted.
    template <class Handler, class... Args>
    void call(Handler handler, Args... args) const
    {
        if (direct_)
            std::move(handler)(std::move(args)...);
        else
            asio::dispatch(target_, bound_completion<Handler, Args...>(std::move(handler),
                                                                       std::move(args)...));
    }

private:
    static bool shares_context(Executor const& target, asio::any_io_executor const& home)
    {
        if constexpr (asio::can_query_v<Executor, asio::execution::context_t>)
            return &static_cast<asio::execution_context&>(
                       asio::query(target, asio::execution::context)) ==
                   &static_cast<asio::execution_context&>(
                       asio::query(home, asio::execution::context));
        else
            return false;
    }

    asio::any_io_executor home_;
    Executor target_;
    bool direct_;
    asio::executor_work_guard<Executor> work_;
    asio::executor_work_guard<asio::any_io_executor> home_work_;
};

} // namespace perdure::detail

#endif
