// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_TRACKING_EXECUTOR_HPP
#define PERDURE_TESTS_SUPPORT_TRACKING_EXECUTOR_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>

/// An executor that forwards to another one and knows what runs on it.
class tracking_executor {
public:
    // A template, so that copying one does not ask whether any_io_executor can be made of it: to Clang
    // it is not complete then.
    template <class Inner>
        requires(!std::same_as<Inner, tracking_executor>)
    explicit tracking_executor(Inner const& inner)
        : inner_(inner), state_(std::make_shared<state>())
    {
    }

    /// Whether the caller was called through this executor.
    bool running_here() const noexcept { return current() == state_.get(); }
    /// How many functions were given to it.
    std::size_t executed() const noexcept { return state_->executed; }

    template <class F>
    void execute(F f) const
    {
        ++state_->executed;
        inner_.execute([s = state_, f = std::move(f)]() mutable {
            struct mark {
                state const* before;
                ~mark() { current() = before; }
            } const m{std::exchange(current(), s.get())};
            std::move(f)();
        });
    }

    boost::asio::execution_context& query(boost::asio::execution::context_t) const
    {
        return boost::asio::query(inner_, boost::asio::execution::context);
    }
    static constexpr boost::asio::execution::blocking_t
    query(boost::asio::execution::blocking_t) noexcept
    {
        return boost::asio::execution::blocking.never;
    }
    tracking_executor require(boost::asio::execution::blocking_t::never_t) const { return *this; }
    tracking_executor require(boost::asio::execution::outstanding_work_t::tracked_t t) const
    {
        return {boost::asio::prefer(inner_, t), state_};
    }
    tracking_executor require(boost::asio::execution::outstanding_work_t::untracked_t t) const
    {
        return {boost::asio::prefer(inner_, t), state_};
    }

    friend bool operator==(tracking_executor const& a, tracking_executor const& b) noexcept
    {
        return a.state_ == b.state_;
    }

private:
    struct state {
        std::atomic<std::size_t> executed{0};
    };

    tracking_executor(boost::asio::any_io_executor inner, std::shared_ptr<state> s)
        : inner_(std::move(inner)), state_(std::move(s))
    {
    }

    static state const*& current() noexcept
    {
        static thread_local state const* c = nullptr;
        return c;
    }

    boost::asio::any_io_executor inner_;
    std::shared_ptr<state> state_;
};

#endif
