// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_TIMELINE_HPP
#define PERDURE_SIMULATION_DETAIL_TIMELINE_HPP

#include <perdure/error.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace perdure::simulation::detail {

/// Something that waits to be told how it ended. It ends by one of the two functions, once.
class operation {
public:
    /// Frees *this, then runs what was waiting.
    virtual void complete(error_code ec) = 0;
    /// Frees *this and what was waiting; nobody is told.
    virtual void destroy() noexcept = 0;

    /// Set if it waits for a time of its machine's clock.
    std::optional<std::chrono::steady_clock::time_point> expiry;

protected:
    ~operation() = default;
};

struct operation_deleter {
    void operator()(operation* op) const noexcept { op->destroy(); }
};
using operation_ptr = std::unique_ptr<operation, operation_deleter>;

template <class F>
class function_operation final : public operation {
public:
    explicit function_operation(F f) : f_(std::move(f)) {}

private:
    void complete(error_code) override
    {
        F f = std::move(f_);
        delete this;
        std::move(f)();
    }
    void destroy() noexcept override { delete this; }

    F f_;
};

/// An operation that calls `f()`, however it ended.
template <class F>
operation_ptr make_operation(F f)
{
    return operation_ptr(new function_operation<F>(std::move(f)));
}

class lane;

/** Virtual time, and what is due in the order (time, order of scheduling).
 *
 *  Every process has a lane of its own and so has the network. A lane can be paused (its process is
 *  frozen) and closed (its process has crashed) without a look at the others.
 */
class timeline {
public:
    using time = std::chrono::nanoseconds;
    static constexpr time never = time::max();

    struct step {
        lane* where;
        operation_ptr what;
        error_code result;
    };

    time now() const noexcept { return now_; }

    /// Takes out what is due next if it is due by `end`, and moves the time there.
    std::optional<step> next(time end);
    /// Precondition: nothing is due before `t`, and t >= now().
    void advance_to(time t) noexcept
    {
        assert(t >= now_);
        now_ = t;
    }

private:
    friend lane;
    struct due {
        timeline::time time;
        std::uint64_t order;
        lane* where;
        std::uint64_t ticket;
        friend bool operator<(due const& a, due const& b) noexcept
        {
            return std::tie(a.time, a.order) < std::tie(b.time, b.order);
        }
    };

    time now_{};
    std::uint64_t order_ = 0;
    std::set<due> due_;
};

/// The pending operations of one process, or of the network. They are destroyed with it.
class lane {
public:
    using time = timeline::time;
    /// Names a pending operation; never re-used, so that a late cancel() finds nothing.
    using ticket = std::uint64_t;
    static constexpr ticket none = 0;

    /// `process` is the number of the process whose operations these are; 0 is the network.
    explicit lane(timeline& all, std::uint32_t process = 0) noexcept : all_(&all), process_(process)
    {
    }
    lane(lane const&) = delete;
    lane& operator=(lane const&) = delete;
    ~lane() { close(); }

    /// Keeps `op` until complete() or cancel(). A closed lane destroys it.
    ticket park(operation_ptr op) { return add(std::move(op), timeline::never, {}); }
    /// Completes `op` with `result` at time `at`, or now if that has passed.
    ticket schedule(operation_ptr op, time at, error_code result = {})
    {
        return add(std::move(op), at, result);
    }
    ticket post(operation_ptr op) { return add(std::move(op), time{}, {}); }

    template <class F>
    void post_after(time d, F f)
    {
        schedule(make_operation(std::move(f)), all_->now() + d);
    }

    std::uint32_t process() const noexcept { return process_; }
    bool is_pending(ticket t) const { return pending_.contains(t); }

    /// Makes a pending operation due now with `result`. One that is unknown or already due stays as
    /// it is.
    bool complete(ticket t, error_code result)
    {
        auto const i = pending_.find(t);
        if (i == pending_.end() || i->second.committed || i->second.due.time <= all_->now())
            return false;
        i->second.result = result;
        move(i->second, all_->now());
        return true;
    }
    /// A pending operation will complete successfully at `at`, and cannot be cancelled any more.
    void commit(ticket t, time at)
    {
        if (auto const i = pending_.find(t); i != pending_.end()) {
            i->second.committed = true;
            move(i->second, at);
        }
    }
    bool cancel(ticket t) { return complete(t, asio::error::operation_aborted); }

    /// Calls `new_time(operation const&)` for each pending operation, which returns when it is due
    /// or nothing to leave it.
    template <class F>
    void reschedule(F new_time)
    {
        for (auto& [ticket, entry] : pending_)
            if (std::optional<time> const t = new_time(*entry.op))
                move(entry, *t);
    }

    /// While paused nothing of it is due; resume() makes due what has passed, in its old order.
    void pause()
    {
        if (std::exchange(paused_, true))
            return;
        for (auto& [ticket, entry] : pending_)
            all_->due_.erase(entry.due);
    }
    void resume()
    {
        if (!std::exchange(paused_, false))
            return;
        for (auto& [ticket, entry] : pending_)
            enlist(entry);
    }
    bool is_paused() const noexcept { return paused_; }

    /// Destroys what is pending and all that is added later.
    void close()
    {
        closed_ = true;
        for (auto& [ticket, entry] : pending_)
            all_->due_.erase(entry.due);
        // In the order of their tickets, one by one: destroying one may reach for another.
        while (!pending_.empty())
            auto const last = pending_.extract(pending_.begin());
    }
    bool is_closed() const noexcept { return closed_; }

private:
    friend timeline;
    struct entry {
        operation_ptr op;
        timeline::due due;
        error_code result;
        bool committed = false;
    };

    ticket add(operation_ptr op, time at, error_code result)
    {
        if (closed_)
            return none;
        auto const id = ++tickets_;
        timeline::due const due{std::max(at, all_->now()), ++all_->order_, this, id};
        enlist(
            pending_.emplace_hint(pending_.end(), id, entry{std::move(op), due, result})->second);
        return id;
    }
    void move(entry& e, time at)
    {
        all_->due_.erase(e.due);
        e.due.time = std::max(at, all_->now());
        e.due.order = ++all_->order_;
        enlist(e);
    }
    void enlist(entry const& e)
    {
        if (!paused_ && e.due.time != timeline::never)
            all_->due_.insert(e.due);
    }

    timeline* all_;
    std::uint32_t process_;
    ticket tickets_ = none;
    bool paused_ = false;
    bool closed_ = false;
    std::map<ticket, entry> pending_;
};

inline std::optional<timeline::step> timeline::next(time end)
{
    if (due_.empty() || due_.begin()->time > end)
        return std::nullopt;
    auto const first = *due_.begin();
    due_.erase(due_.begin());
    auto node = first.where->pending_.extract(first.ticket);
    now_ = std::max(now_, first.time);
    return step{first.where, std::move(node.mapped().op), node.mapped().result};
}

} // namespace perdure::simulation::detail

#endif
