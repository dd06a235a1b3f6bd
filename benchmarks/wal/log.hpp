// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_WAL_LOG_HPP
#define PERDURE_BENCHMARKS_WAL_LOG_HPP

#include "setup.hpp"
#include <perdure/bytes/crc32c.hpp>
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

#include <algorithm>
#include <array>
#include <cstdint>
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

/// Operations a second, as `done` counts them while the loop runs; `stop()` then lets them end.
template <class Stop>
double rate_on_loop(asio::io_context& io, double seconds, long const& done, Stop stop)
{
    io.restart();
    auto const begin = steady::now();
    io.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(seconds)));
    double const rate = static_cast<double>(done) / seconds_since(begin);
    stop();
    io.restart();
    io.run_for(std::chrono::seconds(5));
    return rate;
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
        return rate_on_loop(io_, seconds, done_, [this] { stop_ = true; });
    }

    asio::io_context& io_;
    Log& log_;
    std::array<std::byte, record_size> record_ = make_record();
    perdure::durability how_ = perdure::durability::disk;
    bool stop_ = false;
    long done_ = 0;
};

/** N clients on one loop that wait for one write on another thread, again and again: what clients cost
 *  that share writes, without a log. A record is copied and checksummed; nothing frames, chains or seals it.
 */
class bare_clients {
public:
    bare_clients(asio::io_context& io, raw_file& raw, bool sync) : io_(io), raw_(raw), sync_(sync) {}

    /// Resumptions a second of `n` clients that are callbacks.
    double by_callback(int n, double seconds)
    {
        return run(n, seconds, [this] { again(); });
    }

    /// Resumptions a second of `n` clients that are coroutines.
    double by_coroutine(int n, double seconds)
    {
        return run(n, seconds, [this] { asio::co_spawn(io_, client(), asio::detached); });
    }

private:
    using handler = asio::any_completion_handler<void()>;

    template <class Start>
    double run(int n, double seconds, Start start)
    {
        n_ = static_cast<std::size_t>(n);
        bytes_.resize(record_size * n_);
        stop_ = false;
        done_ = 0;
        for (int i = 0; i != n; ++i)
            start();
        return rate_on_loop(io_, seconds, done_, [this] {
            stop_ = true;
            if (!waiting_.empty())
                flush();
        });
    }

    void again()
    {
        append([this] {
            ++done_;
            if (!stop_)
                again();
        });
    }

    asio::awaitable<void> client()
    {
        while (!stop_) {
            co_await asio::async_initiate<asio::use_awaitable_t<> const, void()>(
                [this](auto h) { append(std::move(h)); }, asio::use_awaitable);
            ++done_;
        }
    }

    void append(handler h)
    {
        std::copy(record_.begin(), record_.end(),
                  bytes_.begin() + static_cast<std::ptrdiff_t>(record_size * waiting_.size()));
        checksums_ ^= perdure::crc32c(record_);
        waiting_.push_back(std::move(h));
        if (waiting_.size() == n_)
            flush();
    }

    void flush()
    {
        auto all = std::make_shared<std::vector<handler>>(std::exchange(waiting_, {}));
        asio::post(thread_, [this, all, work = asio::make_work_guard(io_)]() mutable {
            raw_.append(bytes_.data(), bytes_.size(), sync_);
            asio::post(io_, [all = std::move(all)] {
                for (auto& h : *all)
                    std::move(h)();
            });
        });
    }

    asio::io_context& io_;
    raw_file& raw_;
    bool sync_;
    asio::thread_pool thread_{1};
    std::array<std::byte, record_size> record_ = make_record();
    std::vector<std::byte> bytes_;
    std::uint32_t checksums_ = 0;
    std::vector<handler> waiting_;
    std::size_t n_ = 1;
    bool stop_ = false;
    long done_ = 0;
};

} // namespace benchmark

#endif
