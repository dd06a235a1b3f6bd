// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_SHUTDOWN_STEP_HPP
#define PERDURE_WORLD_DETAIL_SHUTDOWN_STEP_HPP

#include <perdure/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace perdure::detail {

template <class World>
class shutdown_run;

// Who is told that a step has ended.
class shutdown_listener {
public:
    virtual void ended(std::size_t number, std::optional<std::string> failure) = 0;

protected:
    ~shutdown_listener() = default;
};

inline std::optional<std::string> failure_of(error_code const& ec)
{
    return ec ? std::optional(ec.message()) : std::nullopt;
}
inline std::optional<std::string> failure_of(std::exception_ptr const& e)
{
    if (!e)
        return {};
    try {
        std::rethrow_exception(e);
    } catch (std::exception const& x) {
        return x.what();
    } catch (...) {
        return "an exception of an unknown type";
    }
}
std::optional<std::string> failure_of(auto const& /* a result */)
{
    return {};
}

// The completion handler of every step, whatever it completes with: an error first, if it may fail.
class shutdown_ended {
public:
    using executor_type = asio::any_io_executor;
    using cancellation_slot_type = asio::cancellation_slot;

    shutdown_ended(executor_type executor, std::shared_ptr<asio::cancellation_signal> signal,
                   std::weak_ptr<shutdown_listener> listener, std::size_t number)
        : executor_(std::move(executor)), signal_(std::move(signal)), listener_(std::move(listener)),
          number_(number)
    {
    }

    executor_type get_executor() const noexcept { return executor_; }
    // The signal lives as long as the operation, which may outlive the shutdown.
    cancellation_slot_type get_cancellation_slot() const noexcept { return signal_->slot(); }

    void operator()() { tell({}); }
    template <class First, class... Results>
    void operator()(First const& first, Results const&...)
    {
        tell(failure_of(first));
    }

private:
    void tell(std::optional<std::string> failure)
    {
        if (auto const listener = listener_.lock())
            listener->ended(number_, std::move(failure));
    }

    executor_type executor_;
    std::shared_ptr<asio::cancellation_signal> signal_;
    std::weak_ptr<shutdown_listener> listener_;
    std::size_t number_;
};

// A plain function, or an operation that is called with a completion token.
template <class Step>
concept shutdown_step = std::move_constructible<Step> &&
                        (std::invocable<Step&> || std::invocable<Step, shutdown_ended>);

class shutdown_action {
public:
    virtual ~shutdown_action() = default;
    // Once. What it throws is the step's failure.
    virtual void begin(shutdown_ended) = 0;
};

template <class Step>
class shutdown_action_of final : public shutdown_action {
public:
    explicit shutdown_action_of(Step step) : step_(std::move(step)) {}

    void begin(shutdown_ended ended) override
    {
        if constexpr (std::invocable<Step&>) {
            static_assert(std::is_void_v<std::invoke_result_t<Step&>>,
                          "a step that is a function returns nothing; give an operation as what it returns for "
                          "asio::deferred, a coroutine as asio::co_spawn(io, coroutine(), asio::deferred)");
            step_();
            asio::post(std::move(ended));
        } else {
            std::move(step_)(std::move(ended));
        }
    }

private:
    Step step_;
};

} // namespace perdure::detail

#endif
