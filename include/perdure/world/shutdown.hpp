// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_SHUTDOWN_HPP
#define PERDURE_WORLD_SHUTDOWN_HPP

#include <perdure/error.hpp>
#include <perdure/time.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/detail/shutdown_step.hpp>
#include <perdure/world/system_world.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace perdure {

/// What became of a step of a shutdown.
enum class shutdown_outcome : std::uint8_t {
    done,      ///< It completed without an error.
    failed,    ///< It completed with an error or threw; the next step was begun all the same.
    given_up,  ///< Its time was over first. It was cancelled, and may be going on where it cannot be.
    not_begun, ///< The time of the whole was over before its turn.
};

/// How a shutdown went: an outcome and no error, since the service stops in any case.
struct shutdown_report {
    /// How one step went.
    struct step {
        std::string name; ///< As it was given to then().
        shutdown_outcome outcome = shutdown_outcome::not_begun; ///< What became of it.
        std::chrono::nanoseconds took{0}; ///< From its beginning to its end.
        std::string why{};                ///< Of a step that failed, for people.
        friend bool operator==(step const&, step const&) = default;
    };
    std::vector<step> steps{};        ///< All of them, in their order.
    std::chrono::nanoseconds took{0}; ///< From the call of async_shutdown() on.

    /// Every step is done. O(steps).
    [[nodiscard]] bool in_good_order() const
    {
        return std::ranges::all_of(steps, [](step const& s) { return s.outcome == shutdown_outcome::done; });
    }
    friend bool operator==(shutdown_report const&, shutdown_report const&) = default;
};

/// On one line, for people: the whole time, and each step that is not done.
inline std::ostream& operator<<(std::ostream& out, shutdown_report const& r)
{
    auto const ms = [](std::chrono::nanoseconds t) {
        return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(t).count()) + " ms";
    };
    out << "stopped in " << ms(r.took) << (r.in_good_order() ? ", in good order" : "");
    for (auto const& s : r.steps) {
        if (s.outcome == shutdown_outcome::failed)
            out << "; " << s.name << ": failed after " << ms(s.took) << ", " << s.why;
        else if (s.outcome == shutdown_outcome::given_up)
            out << "; " << s.name << ": given up after " << ms(s.took);
        else if (s.outcome == shutdown_outcome::not_begun)
            out << "; " << s.name << ": not begun";
    }
    return out;
}

/** What a service does when it is told to stop, one step after another; async_shutdown() does it.
 *
 *      perdure::shutdown_steps steps;
 *      steps.then("taking leave of the peers", [&] { sender.leave(); detector.close(); })
 *          .then("finishing the requests under way", asio::co_spawn(io, drain(), asio::deferred), 10s)
 *          .then("taking the last snapshot", total.async_snapshot())
 *          .then("closing the log", total.async_close());
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class shutdown_steps {
public:
    /** Adds the last step.
     *
     *  @param name     for the report and the log
     *  @param step     a function object that is called without arguments, or an asynchronous operation: anything that is
     *                  called with a completion token, such as what an operation returns for asio::deferred. What the
     *                  step uses must live until the shutdown has completed; a step that was given up also after that,
     *                  until its operation has ended.
     *  @param at_most  then it is given up and the next one is begun: a client that never ends its request must not cost
     *                  the last snapshot. Without it only the time of the whole bounds the step.
     */
    template <detail::shutdown_step Step>
    shutdown_steps& then(std::string name, Step step,
                         std::chrono::nanoseconds at_most = std::chrono::nanoseconds::max())
    {
        steps_.push_back({std::move(name), at_most,
                          std::make_unique<detail::shutdown_action_of<Step>>(std::move(step))});
        return *this;
    }

    /// Is called with a step's name before it is begun, to tell a supervisor or a log. It must not throw.
    shutdown_steps& on_begin(std::function<void(std::string_view)> f)
    {
        on_begin_ = std::move(f);
        return *this;
    }

private:
    template <class World>
    friend class detail::shutdown_run;

    struct step {
        std::string name;
        std::chrono::nanoseconds at_most;
        std::unique_ptr<detail::shutdown_action> action;
    };
    std::vector<step> steps_;
    std::function<void(std::string_view)> on_begin_;
};

namespace detail {

// One shutdown under way. Its timer keeps it; the steps know it weakly, since one that was given up may never end.
template <class World>
class shutdown_run final : public shutdown_listener,
                           public std::enable_shared_from_this<shutdown_run<World>> {
public:
    shutdown_run(World world, shutdown_steps steps, std::chrono::nanoseconds within)
        : world_(std::move(world)), steps_(std::move(steps)), timer_(world_), waiting_(world_.get_executor()),
          begin_(world_.now()), deadline_(later(begin_, within))
    {
        for (auto const& s : steps_.steps_)
            report_.steps.push_back({s.name});
    }

    template <class Handler>
    void start(Handler&& handler)
    {
        waiting_.push(std::forward<Handler>(handler));
        asio::post(world_.get_executor(), [self = this->shared_from_this()] { self->next(); });
    }

    void ended(std::size_t number, std::optional<std::string> failure) override
    {
        if (number != current_ || !under_way_)
            return; // It was given up.
        settle(failure ? shutdown_outcome::failed : shutdown_outcome::done, failure.value_or(""));
        next();
    }

private:
    static time_point later(time_point from, std::chrono::nanoseconds by)
    {
        return by > time_point::max() - from ? time_point::max() : from + by;
    }

    void next()
    {
        // Nobody waits any more if the operation was cancelled.
        if (current_ == steps_.steps_.size() || world_.now() >= deadline_ || waiting_.empty())
            return finish();
        auto& step = steps_.steps_[current_];
        if (steps_.on_begin_)
            steps_.on_begin_(step.name);
        step_begin_ = world_.now();
        under_way_ = true;
        auto signal = std::make_shared<asio::cancellation_signal>();
        timer_.expires_at(std::min(deadline_, later(step_begin_, step.at_most)));
        timer_.async_wait([self = this->shared_from_this(), number = current_, signal](error_code ec) {
            if (ec || number != self->current_ || !self->under_way_)
                return;
            self->settle(shutdown_outcome::given_up, {});
            signal->emit(asio::cancellation_type::terminal);
            self->next();
        });
        shutdown_ended done(world_.get_executor(), signal, this->weak_from_this(), current_);
        try {
            step.action->begin(done);
        } catch (...) {
            asio::post(world_.get_executor(),
                       [done, e = std::current_exception()]() mutable { done(e); });
        }
    }

    void settle(shutdown_outcome outcome, std::string why)
    {
        under_way_ = false;
        auto& seen = report_.steps[current_++];
        seen.outcome = outcome;
        seen.took = world_.now() - step_begin_;
        seen.why = std::move(why);
    }

    void finish()
    {
        timer_.cancel();
        report_.took = world_.now() - begin_;
        if (!waiting_.empty())
            waiting_.complete_front({}, std::move(report_));
    }

    World world_;
    shutdown_steps steps_;
    typename World::timer timer_;
    waiter_queue<void(error_code, shutdown_report)> waiting_;
    time_point begin_, deadline_, step_begin_{};
    std::size_t current_ = 0;
    bool under_way_ = false;
    shutdown_report report_{};
};

// The World that a source is, or the system's.
template <class Source>
using world_of =
    std::conditional_t<has_time<std::remove_cvref_t<Source>>, std::remove_cvref_t<Source>, system_world>;

} // namespace detail

/** Stops a service in bounded time: leave, drain, take a last snapshot, close, or whatever its steps are.
 *
 *  Each step is begun when the one before it has completed, failed, or was given up. When `within` has passed, the step
 *  under way is given up and no other is begun. So it is over after `within` as long as the loop turns: a step that
 *  blocks the loop is not interrupted, and what bounds it is the supervisor that kills. Nothing that was acknowledged
 *  hangs on a good end, since perdure's parts acknowledge what is on disk.
 *
 *  A step that is given up is sent a terminal cancellation and not awaited.
 *
 *  @param source  an execution context, an executor, or a World.
 *  @param steps   what is done
 *  @param within  of all steps together, from this call on; shorter than what the supervisor waits before it kills
 *                 (Kubernetes 30 s, systemd 90 s unless told otherwise).
 *  @param token   a completion token
 *  @par Completion signature        void(error_code, shutdown_report)
 *  @par Errors                      asio::error::operation_aborted if cancelled, and only then: a step that fails or is
 *                                   given up is in the report.
 *  @par Per-operation cancellation  terminal, partial, total: no further step is begun, the one under way goes on.
 *  @par Executor                    the handler's associated executor, else the source's; never inline. Steps are begun
 *                                   on the source's, which is a strand if several threads run the loop.
 *  @par Object lifetimes            it may be under way when its loop is destroyed, and ends there without a word.
 *  @par Thread safety               Call it from the source's executor.
 */
template <class Source,
          asio::completion_token_for<void(error_code, shutdown_report)> Token = asio::deferred_t>
    requires world_source<Source, detail::world_of<Source>>
[[nodiscard]] auto async_shutdown(Source&& source, shutdown_steps steps, std::chrono::nanoseconds within,
                                  Token&& token = {})
{
    using world = detail::world_of<Source>;
    return asio::async_initiate<Token, void(error_code, shutdown_report)>(
        [](auto handler, world w, shutdown_steps s, std::chrono::nanoseconds limit) {
            std::make_shared<detail::shutdown_run<world>>(std::move(w), std::move(s), limit)
                ->start(std::move(handler));
        },
        token, world(std::forward<Source>(source)), std::move(steps), within);
}

} // namespace perdure

#endif
