// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_WAITER_QUEUE_HPP
#define PERDURE_WORLD_WAITER_QUEUE_HPP

#include <perdure/error.hpp>
#include <perdure/world/attachment.hpp>
#include <perdure/world/detail/waiter.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/query.hpp>

#include <cassert>
#include <concepts>
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>
#include <variant>

namespace perdure {

/** The operations that wait for something in a driver, in order: the part of a driver that touches
 *  its users' handlers.
 *
 *  A waiter completes by a post to its handler's associated executor (else the driver's), never
 *  inside the call that completes it. Its work is tracked there. Memory comes from the handler's
 *  associated allocator. The associated cancellation slot removes a waiter that is still in this
 *  queue, which completes with operation_aborted, whatever the type of the cancellation; waiters
 *  that a driver can no longer call back it moves into a second queue with take_all().
 *
 *  The queue may be destroyed before its execution context, and then its waiters complete with
 *  operation_aborted, or after it: when the context shuts down, they are destroyed.
 *
 *  Each waiter carries a `Data` of the driver's, for example the position it waits for.
 *
 *  @par Complexity     constant per waiter; a cancellation is linear in the queue's size.
 *  @par Thread safety  Used from the driver's executor. A cancellation signal may be emitted from
 *                      the handler's executor: it is passed on to the driver's.
 */
template <class Signature, class Data = std::monostate>
class waiter_queue;

template <class... Results, class Data>
class waiter_queue<void(error_code, Results...), Data> {
public:
    /// @param executor the driver's executor.
    explicit waiter_queue(asio::any_io_executor executor)
        : state_(std::make_shared<state>(std::move(executor)))
    {
    }
    waiter_queue(waiter_queue const&) = delete;
    waiter_queue& operator=(waiter_queue const&) = delete;
    ~waiter_queue() { cancel_all(); }

    bool empty() const noexcept { return state_->waiters.empty(); }
    std::size_t size() const noexcept { return state_->waiters.size(); }

    /// Called in the initiating function.
    template <class Handler>
    void push(Handler&& handler, Data data = {})
    {
        if (!state_->attached())
            return; // Nothing can complete any more: the handler is destroyed.
        auto slot = asio::get_associated_cancellation_slot(handler);
        waiter& w = detail::make_waiter<waiter>(std::forward<Handler>(handler), state_->executor,
                                                std::move(data));
        w.number = ++state_->last_number;
        state_->waiters.push_back(w);
        if (slot.is_connected())
            slot.assign([weak = std::weak_ptr<state>(state_),
                         number = w.number](asio::cancellation_type type) {
                if (type != asio::cancellation_type::none)
                    cancel(weak, number);
            });
    }

    /// The data of the first. Precondition: not empty.
    Data& front() noexcept
    {
        assert(!empty());
        return state_->waiters.front()->data;
    }

    /// Calls f(data) for each, in order.
    template <class F>
    void for_each(F f)
    {
        for (waiter* w = state_->waiters.front(); w; w = state_->waiters.next(*w))
            f(w->data);
    }

    /// Precondition: not empty.
    void complete_front(error_code ec, Results... results)
    {
        assert(!empty());
        waiter& w = *state_->waiters.pop_front();
        w.result = {ec, std::move(results)...};
        detail::post_waiter(w);
    }

    /// Completes all with the same result.
    void complete_all(error_code ec, Results const&... results)
    {
        complete_all([&](Data&) { return std::tuple<error_code, Results...>(ec, results...); });
    }

    /// Completes each with result_of(data): a tuple of the error code and the results.
    template <class ResultOf>
        requires std::invocable<ResultOf&, Data&>
    void complete_all(ResultOf result_of)
    {
        auto waiters = std::move(state_->waiters);
        for (waiter* w = waiters.front(); w; w = waiters.next(*w))
            w->result = result_of(w->data);
        detail::post_waiters(std::move(waiters));
    }

    /// All complete with operation_aborted.
    void cancel_all()
    {
        complete_all([](Data&) { return aborted(); });
    }

    /// Moves all waiters of `other` behind those of this queue. There, a cancellation has no effect.
    void take_all(waiter_queue& other) noexcept
    {
        auto taken = std::move(other.state_->waiters);
        // While the context shuts down, one queue may be detached before the other.
        if (state_->attached())
            state_->waiters.append(std::move(taken));
        else
            detail::destroy_waiters(std::move(taken));
    }

private:
    using waiter = detail::waiter<Data, Results...>;

    static std::tuple<error_code, Results...> aborted()
    {
        return {asio::error::operation_aborted, Results{}...};
    }

    struct state final : context_attachment {
        explicit state(asio::any_io_executor e)
            : context_attachment(asio::query(e, asio::execution::context)), executor(std::move(e))
        {
        }
        void detach() noexcept override
        {
            // A handler may own the driver and with it this state.
            auto abandoned = std::move(waiters);
            detail::destroy_waiters(std::move(abandoned));
        }

        asio::any_io_executor executor;
        detail::intrusive_list<waiter> waiters;
        std::uint64_t last_number = 0;
    };

    static void cancel(std::weak_ptr<state> const& weak, std::uint64_t number)
    {
        auto const found = weak.lock();
        if (!found || !found->attached())
            return;
        asio::dispatch(found->executor, [weak, number] {
            auto const s = weak.lock();
            waiter* const w = s ? s->waiters.find(number) : nullptr;
            if (!w)
                return;
            s->waiters.remove(*w);
            w->result = aborted();
            detail::post_waiter(*w);
        });
    }

    std::shared_ptr<state> state_;
};

} // namespace perdure

#endif
