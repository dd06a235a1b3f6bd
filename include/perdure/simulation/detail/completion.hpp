// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_COMPLETION_HPP
#define PERDURE_SIMULATION_DETAIL_COMPLETION_HPP

#include <perdure/simulation/detail/incarnation.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>

#include <concepts>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace perdure::simulation::detail {

/* A pending operation that ends in a completion handler. When it ends, `finish(error_code)` is
 * called in an event of the process and returns the handler's arguments as a tuple; the memory is
 * given back, and the handler runs on its associated executor: in the same event if that is the
 * process's own.
 */
template <class Handler, class Finish>
class handler_operation final : public operation {
public:
    template <class H>
    static operation_ptr make(H&& handler, asio::any_io_executor const& own, Finish finish)
    {
        allocator a(asio::get_associated_allocator(handler));
        auto* const memory = std::allocator_traits<allocator>::allocate(a, 1);
        try {
            return operation_ptr(new (static_cast<void*>(memory)) handler_operation(
                std::forward<H>(handler), own, std::move(finish)));
        } catch (...) {
            std::allocator_traits<allocator>::deallocate(a, memory, 1);
            throw;
        }
    }

private:
    using allocator = typename std::allocator_traits<
        asio::associated_allocator_t<Handler>>::template rebind_alloc<handler_operation>;
    using executor_type = asio::associated_executor_t<Handler, asio::any_io_executor>;

    template <class H>
    handler_operation(H&& handler, asio::any_io_executor const& own, Finish finish)
        : handler_(std::forward<H>(handler)),
          own_(own),
          executor_(asio::get_associated_executor(handler_, own)),
          finish_(std::move(finish))
    {
    }

    void complete(error_code ec) override
    {
        auto arguments = finish_(ec);
        auto const own = std::move(own_);
        auto const executor = executor_;
        Handler handler = release();
        std::apply(
            [&](auto&... a) {
                if constexpr (std::same_as<executor_type, asio::any_io_executor>) {
                    if (executor == own) {
                        std::move(handler)(std::move(a)...);
                        return;
                    }
                }
                asio::dispatch(executor, asio::append(std::move(handler), std::move(a)...));
            },
            arguments);
    }
    void destroy() noexcept override { static_cast<void>(release()); }

    // The memory is given back before the handler runs, so that the next operation can use it.
    Handler release()
    {
        Handler handler = std::move(handler_);
        allocator a(asio::get_associated_allocator(handler));
        this->~handler_operation();
        std::allocator_traits<allocator>::deallocate(a, this, 1);
        return handler;
    }

    Handler handler_;
    asio::any_io_executor own_;
    executor_type executor_;
    Finish finish_;
};

template <class Handler, class Finish>
operation_ptr make_handler_operation(Handler&& handler, asio::any_io_executor const& own,
                                     Finish finish)
{
    return handler_operation<std::decay_t<Handler>, Finish>::make(std::forward<Handler>(handler),
                                                                  own, std::move(finish));
}

/// Lets the handler's cancellation slot call `cancel()`, which must hold what it needs.
template <class Slot, class Cancel>
void connect_cancellation(Slot slot, Cancel cancel)
{
    if (slot.is_connected())
        slot.assign([cancel = std::move(cancel)](asio::cancellation_type type) {
            if (type != asio::cancellation_type::none)
                cancel();
        });
}

/// Cancels a pending operation of an incarnation if both are still there.
struct cancel_pending {
    incarnation_ptr process;
    lane::ticket ticket;
    void operator()() const
    {
        if (process->is_alive())
            process->lane().cancel(ticket);
    }
};

} // namespace perdure::simulation::detail

#endif
