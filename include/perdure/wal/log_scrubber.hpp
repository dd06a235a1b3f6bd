// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_LOG_SCRUBBER_HPP
#define PERDURE_WAL_LOG_SCRUBBER_HPP

#include <perdure/fwd.hpp>
#include <perdure/wal/basic_wal.hpp>
#include <perdure/wal/detail/log_operation.hpp>
#include <perdure/wal/scrub.hpp>

#include <boost/asio/post.hpp>

#include <cassert>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

namespace perdure {

/// How fast a scrubber reads.
struct scrub_options {
    /// How fast it reads. At least 1 KiB a second.
    std::uint64_t bytes_per_second = 4u * 1024 * 1024;
};

/** Reads what a log wrote long ago and verifies it, slowly, so that bits that rotted are found while
 *  other copies of them exist, and not when they are needed.
 *
 *      basic_log_scrubber scrubber(log, {.bytes_per_second = 1 << 20});
 *      auto report = co_await scrubber.async_pass();
 *      if (!report.damages.empty()) ...   // fetch report.suspect() from another copy
 *
 *  A pass looks at every segment but the one in use. It repairs nothing: the log goes on, and a replay
 *  of the damaged records will say acknowledged_data_lost. Reads go through the system's cache: what is
 *  cached there is verified in the cache, not on the disk, so let a pass take longer than pages stay.
 *
 *  @par Destroying     ends a pass under way with operation_aborted. Scrubber, log and loop may go in
 *                      any order.
 *  @par Thread safety  from the log's executor.
 */
template <class World>
class basic_log_scrubber {
    using state = detail::log_state<World>;

public:
    using executor_type = typename World::executor_type;

    /// @throws std::invalid_argument for a rate below 1 KiB a second.
    explicit basic_log_scrubber(basic_wal<World>& log, scrub_options options = {})
        : me_(std::make_shared<core>(log.state_, options))
    {
        if (options.bytes_per_second < 1024)
            throw std::invalid_argument(
                "scrub_options::bytes_per_second is " + std::to_string(options.bytes_per_second) +
                "; at least 1024");
    }
    basic_log_scrubber(basic_log_scrubber&&) noexcept = default;
    basic_log_scrubber& operator=(basic_log_scrubber&& other) noexcept
    {
        if (this != &other) {
            stop();
            me_ = std::move(other.me_);
        }
        return *this;
    }
    ~basic_log_scrubber() { stop(); }

    executor_type get_executor() const { return me_->log->world().get_executor(); }

    /** One pass.
     *
     *  @par Completion signature        void(error_code, scrub_report): what was found, also with an
     *                                   error, up to there.
     *  @par Errors                      closed; or the system's. Damage is not one: it is reported.
     *  @par Per-operation cancellation  terminal, partial, total: the pass ends.
     *  @par Executor                    the handler's associated executor, else get_executor().
     *  Precondition: no other pass is under way.
     */
    template <asio::completion_token_for<void(error_code, scrub_report)> Token = asio::deferred_t>
    [[nodiscard]] auto async_pass(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, scrub_report)>(
            [](auto handler, std::shared_ptr<core> me) {
                assert(!me->busy && "one pass at a time");
                me->busy = true;
                me->pass = scrub_pass();
                auto ex = basic_wal<World>::executor_of(handler, *me->log);
                auto const pump = me->log->executor();
                asio::post(pump,
                           step<decltype(handler)>{{me, std::move(handler), std::move(ex)}});
            },
            token, me_);
    }

private:
    static constexpr std::size_t chunk = 256 * 1024;

    struct core {
        std::shared_ptr<state> log;
        scrub_options options;
        typename World::timer timer;
        scrub_pass pass;
        bool busy = false;
        bool stopped = false;

        core(std::shared_ptr<state> of, scrub_options o)
            : log(std::move(of)), options(o), timer(log->world())
        {
        }
    };

    // Reads a piece, waits as long as it may take, and begins anew.
    template <class Handler>
    struct step : detail::log_operation<core, Handler> {
        using detail::log_operation<core, Handler>::me;

        void operator()(error_code ec = {})
        {
            ec = this->unless_stopped(ec);
            if (!ec && !me->log->is_open())
                ec = errc::closed;
            if (ec || !me->pass.begin(me->log->chain()))
                return finish(ec);
            auto& world = me->log->world();
            // This step owns the pass, and outlives the job.
            auto job = [pass = &me->pass, directory = me->log->directories()](
                           typename World::files& files, error_code& read_ec) {
                detail::directory_source source(files, directory);
                return pass->read(source, chunk, read_ec);
            };
            auto const pump = me->log->executor();
            world.async_file_job(std::move(job), asio::bind_executor(pump, std::move(*this)));
        }
        // So many bytes were read.
        void operator()(error_code ec, std::size_t n)
        {
            ec = this->unless_stopped(ec);
            // A segment that was trimmed meanwhile is not missed.
            if (ec && ec != asio::error::operation_aborted && me->log->is_open() &&
                me->pass.give_up(me->log->chain()))
                ec = {};
            if (ec)
                return finish(ec);
            auto& timer = me->timer;
            timer.expires_after(std::chrono::nanoseconds(static_cast<std::int64_t>(
                1e9 * static_cast<double>(n) /
                static_cast<double>(me->options.bytes_per_second))));
            auto const pump = me->log->executor();
            timer.async_wait(asio::bind_executor(pump, std::move(*this)));
        }

        void finish(error_code ec)
        {
            auto report = me->pass.report();
            detail::log_operation<core, Handler>::finish(ec, std::move(report));
        }
    };

    void stop()
    {
        if (!me_)
            return;
        me_->stopped = true;
        me_->timer.cancel();
    }

    std::shared_ptr<core> me_;
};

} // namespace perdure

#endif
