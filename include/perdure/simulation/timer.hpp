// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_TIMER_HPP
#define PERDURE_SIMULATION_TIMER_HPP

#include <perdure/simulation/detail/completion.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

namespace perdure::simulation {

class world;

/** A timer on a simulated machine's clock: when that runs fast, it fires early. See has_time.
 *
 *  Once the process has crashed, every function does nothing.
 *
 *  @par Thread safety  All objects of one cluster belong to one thread.
 */
class timer {
public:
    using executor_type = asio::any_io_executor;
    using time_point = std::chrono::steady_clock::time_point; ///< Virtual time, of the steady clock's type.

    explicit timer(world const& w);
    timer(timer&&) noexcept = default;
    timer& operator=(timer&& other) noexcept
    {
        if (this != &other) {
            cancel();
            incarnation_ = std::move(other.incarnation_);
            executor_ = std::move(other.executor_);
            expiry_ = other.expiry_;
            waits_ = std::exchange(other.waits_, {});
        }
        return *this;
    }
    ~timer() { cancel(); }

    executor_type get_executor() const noexcept { return executor_; }
    time_point expiry() const noexcept { return expiry_; }

    /// Sets it and cancels its waits; returns how many. A wait whose time has come is not cancelled
    /// any more.
    std::size_t expires_at(time_point at)
    {
        auto const cancelled = cancel();
        expiry_ = at;
        return cancelled;
    }
    std::size_t expires_after(std::chrono::nanoseconds d)
    {
        auto const now = incarnation_->now();
        return expires_at(d > time_point::max() - now ? time_point::max() : now + d);
    }
    std::size_t cancel()
    {
        std::size_t cancelled = 0;
        for (auto const t : std::exchange(waits_, {}))
            if (incarnation_->is_alive() && incarnation_->lane().cancel(t))
                ++cancelled;
        return cancelled;
    }

    /** Waits until it expires.
     *
     *  @par Completion signature        void(error_code)
     *  @par Errors                      asio::error::operation_aborted if cancelled or set anew.
     *  @par Per-operation cancellation  terminal, partial, total: the timer keeps its time.
     *  @par Executor                    the handler's associated executor, else get_executor();
     *   never inline.
     */
    template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
    [[nodiscard]] auto async_wait(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code)>(initiation{this}, token);
    }

private:
    struct initiation {
        using executor_type = timer::executor_type;
        timer* self;

        executor_type get_executor() const noexcept { return self->executor_; }

        template <class Handler>
        void operator()(Handler&& handler) const
        {
            auto const slot = asio::get_associated_cancellation_slot(handler);
            auto const ticket = self->wait(
                detail::make_handler_operation(std::forward<Handler>(handler), self->executor_,
                                               [](error_code ec) { return std::tuple(ec); }));
            detail::connect_cancellation(slot, detail::cancel_pending{self->incarnation_, ticket});
        }
    };

    detail::lane::ticket wait(detail::operation_ptr op)
    {
        if (!incarnation_->is_alive())
            return detail::lane::none;
        auto& lane = incarnation_->lane();
        auto& machine = incarnation_->machine();
        std::erase_if(waits_, [&](auto t) { return !lane.is_pending(t); });
        op->expiry = expiry_;
        waits_.push_back(lane.schedule(std::move(op), machine.clock.when(expiry_, machine.now())));
        return waits_.back();
    }

    detail::incarnation_ptr incarnation_;
    executor_type executor_;
    time_point expiry_{};
    std::vector<detail::lane::ticket> waits_;
};

} // namespace perdure::simulation

#endif
