// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_WAITER_HPP
#define PERDURE_WORLD_DETAIL_WAITER_HPP

#include <perdure/error.hpp>
#include <perdure/world/detail/intrusive_list.hpp>
#include <perdure/world/detail/operation_memory.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

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

    // Posts `list`, whose waiters share this one's executor, to that executor.
    virtual void post(list) = 0;
    virtual bool shares_executor_with(waiter const& other) const noexcept = 0;
    // The address of its executor if that has the type that is asked for, else null.
    virtual void const* executor_of_type(void const* type) const noexcept = 0;
    virtual void invoke() = 0;           // on its executor: frees *this, then calls the handler
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

// Its address stands for the type.
template <class T>
inline constexpr char type_mark = 0;

template <class Waiter, class Handler, class Executor>
class handler_waiter final : public Waiter {
public:
    template <class H, class Data>
    handler_waiter(H&& handler, Executor const& executor, Data&& data)
        : Waiter(std::forward<Data>(data)),
          executor_(executor),
          work_(executor),
          handler_(std::forward<H>(handler))
    {
    }

private:
    using list = typename Waiter::list;

    void post(list waiters) override
    {
        Executor const target = executor_; // *this may be gone before post returns.
        asio::post(target, waiter_batch<Waiter>(std::move(waiters)));
    }

    bool shares_executor_with(Waiter const& other) const noexcept override
    {
        void const* const theirs = other.executor_of_type(&type_mark<Executor>);
        return theirs && *static_cast<Executor const*>(theirs) == executor_;
    }

    void const* executor_of_type(void const* type) const noexcept override
    {
        return type == &type_mark<Executor> ? &executor_ : nullptr;
    }

    void invoke() override
    {
        auto const work = std::move(work_);
        auto result = std::move(this->result);
        Handler handler = release_operation(*this, handler_);
        std::apply(std::move(handler), std::move(result));
    }

    void destroy() noexcept override
    {
        auto const work = std::move(work_);
        static_cast<void>(release_operation(*this, handler_));
    }

    Executor executor_;
    asio::executor_work_guard<Executor> work_;
    Handler handler_;
};

template <class Waiter, class Handler, class DriverExecutor, class Data>
Waiter& make_waiter(Handler&& handler, DriverExecutor const& executor, Data data)
{
    auto const target = asio::get_associated_executor(handler, executor);
    using made = handler_waiter<Waiter, std::decay_t<Handler>, std::decay_t<decltype(target)>>;
    return make_operation<made>(std::forward<Handler>(handler), target, std::move(data));
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
               first->shares_executor_with(*waiters.front()))
            batch.push_back(*waiters.pop_front());
        first->post(std::move(batch));
    }
}

} // namespace perdure::detail

#endif
