// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_SYSTEM_TIMER_HPP
#define PERDURE_WORLD_SYSTEM_TIMER_HPP

#include <perdure/error.hpp>
#include <perdure/fwd.hpp>
#include <perdure/world/detail/attached.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>

namespace perdure {

/** An asio::steady_timer that may be destroyed before or after its execution context.
 *
 *  Once the context has shut down, every function does nothing.
 *  See has_time for the expressions.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class system_timer {
public:
    using executor_type = asio::any_io_executor;

    template <class Calls>
    /// A timer that has not been set.
    explicit system_timer(basic_system_world<Calls> const& w) : system_timer(w.get_executor())
    {
    }

    executor_type get_executor() const noexcept { return executor_; }

    std::chrono::steady_clock::time_point expiry() const
    {
        auto const* t = timer();
        return t ? t->expiry() : std::chrono::steady_clock::time_point{};
    }
    void expires_at(std::chrono::steady_clock::time_point at)
    {
        if (auto* t = timer())
            t->expires_at(at);
    }
    void expires_after(std::chrono::nanoseconds d)
    {
        if (auto* t = timer())
            t->expires_after(d);
    }
    void cancel()
    {
        if (auto* t = timer())
            t->cancel();
    }

    /** Waits until it expires.
     *
     *  @par Completion signature        void(error_code)
     *  @par Errors                      asio::error::operation_aborted if cancelled or set anew.
     *  @par Per-operation cancellation  terminal, partial, total: the timer keeps its time.
     */
    template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
    [[nodiscard]] auto async_wait(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code)>(
            detail::attached_initiation{timer_.get(), executor_,
                                        [](auto& t, auto&& handler) {
                                            t.async_wait(std::forward<decltype(handler)>(handler));
                                        }},
            token);
    }

private:
    explicit system_timer(executor_type executor)
        : timer_(std::make_unique<detail::attached<asio::steady_timer>>(executor, executor)),
          executor_(std::move(executor))
    {
    }

    asio::steady_timer* timer() const noexcept { return timer_ ? timer_->get() : nullptr; }

    std::unique_ptr<detail::attached<asio::steady_timer>> timer_;
    executor_type executor_;
};

} // namespace perdure

#endif
