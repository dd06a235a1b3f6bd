// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_STATE_HPP
#define PERDURE_WAL_DETAIL_LOG_STATE_HPP

#include <perdure/wal/detail/log_pump.hpp>
#include <perdure/wal/log_reader.hpp>
#include <perdure/world/attachment.hpp>

#include <algorithm>
#include <cassert>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace perdure::detail {

/// The state of a log, and what callers ask of it. How it is written: see log_pump.
template <class World>
class log_state : public context_attachment, public log_pump<World> {
    using pump = log_pump<World>;
    using typename pump::status;

public:
    using typename pump::files;
    using typename pump::plain_handler;

    log_state(World world, wal_options options)
        : context_attachment(
              asio::query(asio::any_io_executor(world.get_executor()), asio::execution::context)),
          pump(std::move(world), std::move(options))
    {
        if constexpr (requires { World::process_name(); })
            if (options_.owner.empty())
                options_.owner = World::process_name();
    }

    std::string const& directory() const noexcept { return options_.directory; }
    log_packing const& packing() const noexcept { return options_.packing; }
    using pump::directories;
    log_collector& collector() noexcept { return collector_; }
    position front() const
    {
        std::lock_guard lock(mutex_);
        return keeping_.front();
    }
    /// A copy.
    log_keeping keeping() const { return locked(keeping_); }
    position durable() const
    {
        std::lock_guard lock(mutex_);
        return writing_.durable();
    }
    position next() const { return collector_.next(); }
    wal_counters counters() const { return locked(writing_.counters()); }
    std::vector<chain_segment> chain() const { return locked(writing_.chain()); }
    error_code failure() const { return locked(cause_); }
    bool is_open() const { return locked(status_) == status::open; }
    /// Whether the driver was destroyed.
    bool is_stopped() const { return locked(stopped_); }
    wal_format::log_id id() const
    {
        std::lock_guard lock(mutex_);
        return writing_.id();
    }

    // -- opening and closing

    /// What opens the log: to run as a file job, or on the calling thread.
    auto opening_job()
    {
        std::lock_guard lock(mutex_);
        assert(status_ == status::unopened && "a log is opened once at a time");
        status_ = status::opening;
        opening_entropy const entropy{{world_.entropy(), world_.entropy()}, world_.entropy()};
        return [disk = disk_, options = options_, entropy, now = now_ms()](
                   files& fs, error_code& ec) mutable {
            return std::exchange(disk, {})->open(fs, options, entropy, now, ec);
        };
    }

    recovery_report opened(error_code& ec, opened_log&& log)
    {
        completion_batch at_once(*completions_);
        std::unique_lock lock(mutex_);
        if (status_ == status::opening)
            status_ = ec ? status::unopened : status::open;
        else
            ec = asio::error::operation_aborted; // Destroyed meanwhile.
        if (ec)
            finish(closers_, errc::closed);
        if (status_ != status::open)
            return std::move(log.report);
        writing_.open(log);
        tell_readers();
        keeping_.open(log.front);
        collector_.open(writing_.active().header, writing_.written() + 1);
        prepare_next();
        retain();
        if (!closers_.empty())
            begin_closing(at_once);
        lock.unlock();
        at_once.post();
        watch_idle();
        return std::move(log.report);
    }

    void close(plain_handler handler, asio::any_io_executor ex)
    {
        completion_batch at_once(*completions_);
        std::unique_lock lock(mutex_);
        plain_waiter w{std::move(handler), std::move(ex)};
        if (status_ == status::unopened || status_ == status::closed)
            return finish(w, errc::closed);
        closers_.push_back(std::move(w));
        if (status_ != status::opening) // Else it begins when it is open.
            begin_closing(at_once);
        lock.unlock();
        at_once.post();
    }

    /// The driver is destroyed: everybody who waits is told so.
    void stop()
    {
        completion_batch at_once(*completions_);
        {
            std::lock_guard lock(mutex_);
            stopped_ = true;
            status_ = status::closed;
            collector_.refuse(asio::error::operation_aborted, at_once);
            collector_.cancel_flying(at_once);
            finish(closers_, asio::error::operation_aborted);
            finish(trims_, asio::error::operation_aborted);
            finish(truncations_, asio::error::operation_aborted);
            disk_.reset();
        }
        at_once.post();
        readers_.cancel_all();
        idle_timer_.cancel();
        stall_timer_.cancel();
    }

    // -- appending and waiting

    void append(record_list records, log_waiter&& waiter)
    {
        completion_batch at_once(*completions_);
        act(collector_.append(records, std::move(waiter), at_once));
        at_once.post();
    }

    void wait_durable(log_waiter&& waiter)
    {
        completion_batch at_once(*completions_);
        act(start_waiting(std::move(waiter), at_once));
        at_once.post();
    }

    /// The same for a thread that blocks.
    position append_blocking(record_list records, durability how, error_code& ec)
    {
        return block(
            [&](log_waiter&& w, completion_batch& at_once) {
                return collector_.append(records, std::move(w), at_once);
            },
            how, 0, ec);
    }

    void wait_durable_blocking(position at, error_code& ec)
    {
        block([&](log_waiter&& w,
                  completion_batch& at_once) { return start_waiting(std::move(w), at_once); },
              durability::disk, at, ec);
    }

    void cancel(std::uint64_t id)
    {
        completion_batch at_once(*completions_);
        collector_.cancel(id, at_once);
        at_once.post();
    }

    // -- trimming

    void trim(position up_to, plain_handler handler, asio::any_io_executor ex)
    {
        std::lock_guard lock(mutex_);
        plain_waiter w{std::move(handler), std::move(ex)};
        if (status_ != status::open || failed_)
            return finish(w, failed_ ? failed_ : make_error_code(errc::closed));
        if (up_to > writing_.durable())
            return finish(w, errc::position_out_of_range);
        keeping_.trim(up_to + 1);
        if (!keeping_.has_trimmed(writing_.chain()))
            return finish(w, {});
        // Only when a durable seal says that these positions are not wanted may their files go.
        trims_.push_back(std::move(w));
        give_up_trimmed();
    }

    log_holds::id hold(position from, std::string who, error_code& ec)
    {
        std::lock_guard lock(mutex_); // Retention may move the front on another thread.
        ec = {};
        if (from >= keeping_.front())
            return keeping_.hold(from, std::move(who));
        ec = errc::position_out_of_range;
        return 0;
    }
    void move_hold(log_holds::id n, position from)
    {
        std::lock_guard lock(mutex_);
        keeping_.move_hold(n, from);
        give_up_trimmed();
    }
    void release(log_holds::id n)
    {
        std::lock_guard lock(mutex_);
        keeping_.release(n);
        give_up_trimmed();
    }

    // -- truncating

    void truncate(position last, plain_handler handler, asio::any_io_executor ex)
    {
        std::lock_guard lock(mutex_);
        plain_waiter w{std::move(handler), std::move(ex)};
        if (status_ != status::open || failed_)
            return finish(w, failed_ ? failed_ : make_error_code(errc::closed));
        if (last < keeping_.front() - 1)
            return finish(w, errc::position_out_of_range);
        truncations_.push_back({last, std::move(w)});
        // What was appended before is written before; what is appended from now on comes behind.
        collector_.pause();
        act(collector_.want_seal());
    }

    // -- following

    /// What is on disk of the log, from the segment with `from` on.
    std::vector<chain_segment> durable_chain(position from) const
    {
        std::lock_guard lock(mutex_);
        return writing_.durable_chain(from);
    }

    /// Completes when more is on disk than `known`, or the log was cut more than `cuts` times.
    template <class Handler>
    void wait_readable(position known, std::size_t cuts, Handler&& handler)
    {
        readers_.push(std::forward<Handler>(handler));
        std::lock_guard lock(mutex_);
        read_ = false;
        // What is durable is read before they are told that there will be no more.
        if (writing_.durable() > known || keeping_.cuts() != cuts)
            readers_.complete_all(error_code());
        else if (failed_ || (status_ != status::open && status_ != status::closing))
            readers_.complete_all(failed_ ? failed_ : make_error_code(errc::closed));
    }

private:
    void begin_closing(completion_batch& at_once)
    {
        status_ = status::closing;
        collector_.close(errc::closed, at_once);
        if (failed_)
            finish_closing(failed_);
        else
            act(collector_.want_seal());
    }

    log_collector::duty start_waiting(log_waiter&& waiter, completion_batch& at_once)
    {
        std::lock_guard lock(mutex_);
        position const at = waiter.at;
        if (at != 0 && at <= writing_.durable())
            at_once.add(std::move(waiter), {}, at); // Also of a log that has failed since.
        else if (failed_ || status_ != status::open)
            at_once.add(std::move(waiter), failed_ ? failed_ : make_error_code(errc::closed), at);
        else if (at >= collector_.next())
            at_once.add(std::move(waiter), errc::position_out_of_range, at);
        else if (at <= writing_.durable())
            at_once.add(std::move(waiter), {}, at);
        else
            return collector_.wait(std::move(waiter));
        return log_collector::duty::none;
    }

    template <class Start>
    position block(Start start, durability how, position at, error_code& ec)
    {
        thread_waiter self;
        completion_batch at_once(*completions_);
        auto const d = start(log_waiter{at, how, 0, {}, {}, &self}, at_once);
        at_once.post();
        act(d);
        if (d == log_collector::duty::lead)
            lead();
        while (self.wait() == thread_waiter::word::lead)
            lead();
        ec = self.ec();
        return self.at();
    }

    void detach() noexcept override
    {
        auto const keep = this->weak_from_this().lock();
        std::vector<plain_waiter> closers;
        std::vector<plain_waiter> trims;
        std::deque<truncation> truncations;
        {
            std::lock_guard lock(mutex_);
            status_ = status::closed;
            truncations = std::move(truncations_);
            closers = std::move(closers_);
            trims = std::move(trims_);
        }
        auto waiters = collector_.abandon();
        auto completions = completions_->abandon();
    }

    using pump::act;
    using pump::cause_;
    using pump::closers_;
    using pump::collector_;
    using pump::completions_;
    using pump::disk_;
    using pump::executor_;
    using pump::failed_;
    using pump::finish_closing;
    using pump::give_up_trimmed;
    using pump::idle_timer_;
    using pump::keeping_;
    using pump::lead;
    using pump::locked;
    using pump::mutex_;
    using pump::now_ms;
    using pump::options_;
    using pump::prepare_next;
    using pump::read_;
    using pump::readers_;
    using pump::retain;
    using pump::stall_timer_;
    using pump::status_;
    using pump::stopped_;
    using pump::tell_readers;
    using pump::trims_;
    using pump::truncations_;
    using pump::watch_idle;
    using pump::world_;
    using pump::writing_;
};

} // namespace perdure::detail

#endif
