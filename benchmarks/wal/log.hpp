// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_WAL_LOG_HPP
#define PERDURE_BENCHMARKS_WAL_LOG_HPP

#include "setup.hpp"
#include <perdure/wal/basic_wal.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace benchmark {

namespace asio = boost::asio;

inline constexpr std::size_t record_size = 100;

inline std::array<std::byte, record_size> make_record()
{
    std::array<std::byte, record_size> r;
    r.fill(std::byte{'x'});
    return r;
}

inline perdure::wal_options options_in(std::string const& directory)
{
    perdure::wal_options o;
    o.directory = directory;
    return o;
}

/// Clients on one loop, each of which appends again when its append is complete.
template <class Log>
class clients {
public:
    clients(asio::io_context& io, Log& log) : io_(io), log_(log) {}

    /// Appends a second with `n` clients that are callbacks.
    double by_callback(int n, perdure::durability how, double seconds)
    {
        how_ = how;
        return run(seconds, [&] {
            for (int i = 0; i != n; ++i)
                log_.async_append(record_, how_, again{this});
        });
    }

    /// Appends a second with `n` clients that are coroutines.
    double by_coroutine(int n, perdure::durability how, double seconds)
    {
        how_ = how;
        return run(seconds, [&] {
            for (int i = 0; i != n; ++i)
                asio::co_spawn(io_, client(), asio::detached);
        });
    }

private:
    struct again {
        clients* all;
        void operator()(perdure::error_code ec, perdure::position) const
        {
            all->count(ec);
            if (!all->stop_)
                all->log_.async_append(all->record_, all->how_, *this);
        }
    };

    asio::awaitable<void> client()
    {
        while (!stop_) {
            co_await log_.async_append(record_, how_, asio::use_awaitable);
            ++done_;
        }
    }

    void count(perdure::error_code const& ec)
    {
        if (ec) {
            std::fprintf(stderr, "an append failed: %s\n", ec.message().c_str());
            std::exit(1);
        }
        ++done_;
    }

    template <class Start>
    double run(double seconds, Start start)
    {
        stop_ = false;
        done_ = 0;
        start();
        io_.restart();
        auto const begin = steady::now();
        io_.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(
            std::chrono::duration<double>(seconds)));
        double const rate = static_cast<double>(done_) / seconds_since(begin);
        stop_ = true;
        io_.restart();
        io_.run_for(std::chrono::seconds(5));
        return rate;
    }

    asio::io_context& io_;
    Log& log_;
    std::array<std::byte, record_size> record_ = make_record();
    perdure::durability how_ = perdure::durability::disk;
    bool stop_ = false;
    long done_ = 0;
};

/** N coroutines on one loop that wait for one write and sync on another thread, again and again: what
 *  coroutines cost that share syncs, without a log.
 */
class bare_coroutines {
public:
    bare_coroutines(asio::io_context& io, raw_file& raw) : io_(io), raw_(raw) {}

    /// Resumptions a second.
    double run(int n, double seconds)
    {
        n_ = static_cast<std::size_t>(n);
        bytes_.assign(record_size * n_, std::byte{'x'});
        stop_ = false;
        done_ = 0;
        for (int i = 0; i != n; ++i)
            asio::co_spawn(io_, client(), asio::detached);
        io_.restart();
        auto const begin = steady::now();
        io_.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(
            std::chrono::duration<double>(seconds)));
        double const rate = static_cast<double>(done_) / seconds_since(begin);
        stop_ = true;
        if (!waiting_.empty())
            flush();
        io_.restart();
        io_.run_for(std::chrono::seconds(5));
        return rate;
    }

private:
    using handler = asio::any_completion_handler<void()>;

    asio::awaitable<void> client()
    {
        while (!stop_) {
            co_await asio::async_initiate<asio::use_awaitable_t<> const, void()>(
                [this](auto h) {
                    waiting_.push_back(handler(std::move(h)));
                    if (waiting_.size() == n_)
                        flush();
                },
                asio::use_awaitable);
            ++done_;
        }
    }

    void flush()
    {
        auto all = std::make_shared<std::vector<handler>>(std::exchange(waiting_, {}));
        asio::post(thread_, [this, all, work = asio::make_work_guard(io_)]() mutable {
            raw_.append(bytes_.data(), bytes_.size(), true);
            asio::post(io_, [all = std::move(all)] {
                for (auto& h : *all)
                    std::move(h)();
            });
        });
    }

    asio::io_context& io_;
    raw_file& raw_;
    asio::thread_pool thread_{1};
    std::vector<std::byte> bytes_;
    std::vector<handler> waiting_;
    std::size_t n_ = 1;
    bool stop_ = false;
    long done_ = 0;
};

} // namespace benchmark

#endif
