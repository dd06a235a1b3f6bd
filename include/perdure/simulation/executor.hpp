// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_EXECUTOR_HPP
#define PERDURE_SIMULATION_EXECUTOR_HPP

#include <perdure/simulation/detail/incarnation.hpp>

#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>

#include <utility>

namespace perdure::simulation {

/** Runs functions in one incarnation of a simulated process, each in an event of its own, in order.
 *
 *  An ordinary Asio executor: coroutines, strands, channels and cancellation run on it unchanged.
 *  What is handed to it after the process has crashed is destroyed and does not run.
 *
 *  @par Thread safety  All objects of one cluster belong to one thread.
 */
class executor {
public:
    /// Runs handlers as long as that incarnation of the process lives.
    explicit executor(detail::incarnation_ptr p) noexcept : incarnation_(std::move(p)) {}

    // Asio asks for copies that cannot throw; those of boost::intrusive_ptr are not declared so.
    executor(executor const& other) noexcept : incarnation_(other.incarnation_) {}
    executor(executor&&) noexcept = default;
    executor& operator=(executor const&) = default;
    executor& operator=(executor&&) noexcept = default;

    /// The cluster's execution context.
    asio::execution_context& query(asio::execution::context_t) const noexcept
    {
        return *incarnation_;
    }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept
    {
        return asio::execution::blocking.never;
    }
    /// Itself: it never blocks.
    executor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }

    template <class F>
    /// Runs `f` in a later turn of the process, or never if the process crashes before.
    void execute(F f) const
    {
        incarnation_->post(detail::make_operation(std::move(f)));
    }

    friend bool operator==(executor const& a, executor const& b) noexcept
    {
        return a.incarnation_.get() == b.incarnation_.get();
    }
    friend bool operator!=(executor const& a, executor const& b) noexcept { return !(a == b); }

private:
    detail::incarnation_ptr incarnation_;
};

} // namespace perdure::simulation

#endif
