// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_WAITER_HPP
#define PERDURE_WORLD_DETAIL_WAITER_HPP

#include <perdure/error.hpp>
#include <perdure/world/detail/completion_route.hpp>
#include <perdure/world/detail/intrusive_list.hpp>
#include <perdure/world/detail/operation_memory.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace perdure::detail {

/* An operation that waits: its handler, erased, and its result once that is known. Its executor
 * was taken from the handler before the erasure.
 */
template <class Data, class... Results>
class waiter : public list_hook<waiter<Data, Results...>> {
public:
    using list = intrusive_list<waiter>;

    explicit waiter(Data d) : data(std::move(d)) {}
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;

    virtual void post(list) = 0; // posts waiters that share this one's way, see completion_route
    virtual bool shares_entry_with(waiter const& other) const noexcept = 0;
    virtual void const* entry(void const* type) const noexcept = 0;
    virtual void invoke() = 0; // called by what was posted: frees *this, then calls the handler
    virtual void destroy() noexcept = 0; // frees *this without calling the handler

    Data data;
    std::tuple<error_code, Results...> result{};

protected:
    ~waiter() = default;
};

template <class Waiter>
void destroy_waiters(intrusive_list<Waiter> waiters) noexcept
{
    while (Waiter* w = waiters.pop_front())
        w->destroy();
}

// What is posted: calls the handlers of its waiters, one behind the other.
template <class Waiter>
class waiter_batch {
public:
    explicit waiter_batch(intrusive_list<Waiter> waiters) : waiters_(std::move(waiters)) {}
    waiter_batch(waiter_batch&&) = default;
    // Dropped by an executor that is shutting down.
    ~waiter_batch() { destroy_waiters(std::move(waiters_)); }

    void operator()()
    {
        while (Waiter* w = waiters_.pop_front()) {
            // If this handler throws, the others are called all the same.
            struct rest {
                waiter_batch& batch;
                bool called = false;
                ~rest()
                {
                    if (called || batch.waiters_.empty())
                        return;
                    Waiter& next = *batch.waiters_.front();
                    next.post(std::move(batch.waiters_));
                }
            } guard{*this};
            w->invoke();
            guard.called = true;
        }
    }

private:
    intrusive_list<Waiter> waiters_;
};

template <class Waiter, class Handler, class Executor>
class handler_waiter final : public Waiter {
public:
    template <class H, class Data>
    handler_waiter(H&& handler, completion_route<Executor> route, Data&& data)
        : Waiter(std::forward<Data>(data)),
          route_(std::move(route)),
          handler_(std::forward<H>(handler))
    {
    }

private:
    void post(typename Waiter::list waiters) override
    {
        route_.post(waiter_batch<Waiter>(std::move(waiters)));
    }

    bool shares_entry_with(Waiter const& other) const noexcept override
    {
        return route_.shares_entry([&](void const* type) { return other.entry(type); });
    }

    void const* entry(void const* type) const noexcept override { return route_.entry(type); }

    void invoke() override
    {
        auto const route = std::move(route_);
        auto result = std::move(this->result);
        Handler handler = release_operation(*this, handler_);
        std::apply([&](auto... results) { route.call(std::move(handler), std::move(results)...); },
                   std::move(result));
    }

    void destroy() noexcept override
    {
        auto const route = std::move(route_);
        static_cast<void>(release_operation(*this, handler_));
    }

    completion_route<Executor> route_;
    Handler handler_;
};

template <class Waiter, class Handler, class Data>
Waiter& make_waiter(Handler&& handler, asio::any_io_executor const& executor, Data data)
{
    auto const target = asio::get_associated_executor(handler, executor);
    using made = handler_waiter<Waiter, std::decay_t<Handler>, std::decay_t<decltype(target)>>;
    completion_route route(target, executor);
    return make_operation<made>(std::forward<Handler>(handler), std::move(route), std::move(data));
}

template <class Waiter>
void post_waiter(Waiter& w)
{
    intrusive_list<Waiter> one;
    one.push_back(w);
    w.post(std::move(one));
}

// Neighbours with the same executor share a post. It is bounded, so that a loop gets to its other work.
template <class Waiter>
void post_waiters(intrusive_list<Waiter> waiters)
{
    static constexpr std::size_t batch_max = 64;
    while (Waiter* const first = waiters.pop_front()) {
        intrusive_list<Waiter> batch;
        batch.push_back(*first);
        while (!waiters.empty() && batch.size() < batch_max &&
               first->shares_entry_with(*waiters.front()))
            batch.push_back(*waiters.pop_front());
        first->post(std::move(batch));
    }
}

} // namespace perdure::detail

#endif
