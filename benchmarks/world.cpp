// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* What it costs to do blocking work off the loop.
 *
 *   hop:     a file job that does nothing, one at a time, from initiation to completion; as callback
 *            and as coroutine. Floor: the same between two bare threads with a mutex and two
 *            condition variables.
 *   write:   100 bytes written and synced at the end of a file, one at a time. Floors: the two
 *            system calls on the calling thread, and on another one across a bare thread hop.
 *   busy:    jobs that do nothing, 64 in flight: then nobody sleeps and a job costs no wake-up.
 *
 * The measures of a group take turns every few milliseconds, because the machine's other load
 * changes from second to second; the medians of all turns are printed. Wall-clock time.
 *
 *     benchmark_world [--smoke] [--directory DIR]
 */

#include "support/measure.hpp"

#include <perdure/world/system_world.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace perdure;

namespace {

using steady = std::chrono::steady_clock;

/// Wall-clock samples of one measure, in microseconds.
class samples {
public:
    template <class Work>
    void time(Work work)
    {
        auto const begin = steady::now();
        work();
        add(steady::now() - begin);
    }
    void add(steady::duration d)
    {
        values_.push_back(std::chrono::duration<double, std::micro>(d).count());
    }
    double quantile(double q)
    {
        std::sort(values_.begin(), values_.end());
        return values_[static_cast<std::size_t>(q * static_cast<double>(values_.size() - 1))];
    }

private:
    std::vector<double> values_;
};

/// A thread that does one piece of work at a time for another one: the least that any hop costs.
class bare_thread {
public:
    ~bare_thread()
    {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }
    void run(std::function<void()> const& work)
    {
        std::unique_lock lock(mutex_);
        work_ = &work;
        wake_.notify_one();
        done_.wait(lock, [this] { return !work_; });
    }

private:
    void loop()
    {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return stop_ || work_; });
            if (stop_)
                return;
            auto const& work = *work_;
            lock.unlock();
            work();
            lock.lock();
            work_ = nullptr;
            done_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    std::function<void()> const* work_ = nullptr;
    bool stop_ = false;
    std::thread thread_{[this] { loop(); }};
};

/// Runs `job` `count` times on the World, one at a time.
template <class Job>
void by_callback(asio::io_context& io, system_world const& world, std::size_t count, Job job,
                 samples& out)
{
    struct chain {
        system_world const& world;
        Job& job;
        samples& out;
        std::size_t left;
        steady::time_point begin;

        void next()
        {
            if (left-- == 0)
                return;
            begin = steady::now();
            world.async_file_job(job, [this](error_code) {
                out.add(steady::now() - begin);
                next();
            });
        }
    } c{world, job, out, count, {}};
    c.next();
    io.restart();
    io.run();
}

template <class Job>
asio::awaitable<void> await_jobs(system_world const& world, std::size_t count, Job job, samples& out)
{
    for (std::size_t i = 0; i < count; ++i) {
        auto const begin = steady::now();
        co_await world.async_file_job(job, asio::use_awaitable);
        out.add(steady::now() - begin);
    }
}

template <class Job>
void by_coroutine(asio::io_context& io, system_world const& world, std::size_t count, Job job,
                  samples& out)
{
    asio::co_spawn(io, await_jobs(world, count, job, out), asio::detached);
    io.restart();
    io.run();
}

void measure_hops(asio::io_context& io, system_world const& world, int turns, std::size_t count)
{
    bare_thread other;
    std::function<void()> const nothing = [] {};
    auto const job = [](system_world::files&, error_code&) {};
    samples bare;
    samples callback;
    samples coroutine;
    for (int t = 0; t < turns; ++t) {
        for (std::size_t i = 0; i < count; ++i)
            bare.time([&] { other.run(nothing); });
        by_callback(io, world, count, job, callback);
        by_coroutine(io, world, count, job, coroutine);
    }
    for (double q : {0.5, 0.9, 0.99}) {
        std::string const p = ", p" + std::to_string(static_cast<int>(q * 100));
        benchmark::print_row("hop, callback" + p, callback.quantile(q), "us", 0, "", bare.quantile(q));
        benchmark::print_row("hop, coroutine" + p, coroutine.quantile(q), "us", 0, "",
                             bare.quantile(q));
    }
}

void measure_writes(asio::io_context& io, system_world const& world, std::string const& path,
                    int turns, std::size_t count)
{
    struct end_of_file {
        posix_file<> f;
        std::uint64_t at = 0;
        std::byte record[100] = {};

        void append()
        {
            error_code ec;
            f.write_at(at, record, ec);
            at += sizeof record;
            if (!ec)
                f.sync(sync_mode::data, ec);
            if (ec) {
                std::fprintf(stderr, "cannot write: %s\n", ec.message().c_str());
                std::exit(1);
            }
        }
    } end;
    error_code ec;
    end.f = posix_files<>().open(path, open_mode::create, ec);
    if (ec) {
        std::fprintf(stderr, "cannot open %s: %s\n", path.c_str(), ec.message().c_str());
        std::exit(1);
    }
    bare_thread other;
    std::function<void()> const append = [&] { end.append(); };
    // Jobs run one at a time here, and nothing else uses the file meanwhile.
    auto const job = [&](system_world::files&, error_code&) { end.append(); };
    samples raw;
    samples hopped;
    samples callback;
    samples coroutine;
    for (int t = 0; t < turns; ++t) {
        for (std::size_t i = 0; i < count; ++i)
            raw.time([&] { end.append(); });
        for (std::size_t i = 0; i < count; ++i)
            hopped.time([&] { other.run(append); });
        by_callback(io, world, count, job, callback);
        by_coroutine(io, world, count, job, coroutine);
    }
    for (double q : {0.5, 0.9}) {
        std::string const p = ", p" + std::to_string(static_cast<int>(q * 100));
        benchmark::print_row("write+sync, bare thread hop" + p, hopped.quantile(q), "us", 0, "",
                             raw.quantile(q));
        benchmark::print_row("write+sync, job by callback" + p, callback.quantile(q), "us", 0, "",
                             raw.quantile(q));
        benchmark::print_row("write+sync, job by coroutine" + p, coroutine.quantile(q), "us", 0, "",
                             raw.quantile(q));
    }
    std::remove(path.c_str());
}

void measure_busy(asio::io_context& io, system_world const& world, benchmark::settings const& s,
                  std::size_t count)
{
    auto const job = [](system_world::files&, error_code&) {};
    double const each = benchmark::median_of(s, [&] {
        samples ignored;
        auto const begin = steady::now();
        for (int i = 0; i < 64; ++i)
            asio::co_spawn(io, await_jobs(world, count / 64, job, ignored), asio::detached);
        io.restart();
        io.run();
        return std::chrono::duration<double, std::micro>(steady::now() - begin).count()
            / static_cast<double>(count);
    });
    benchmark::print_row("a job, 64 in flight", each, "us");
}

} // namespace

int main(int argc, char** argv)
{
    auto const settings = benchmark::settings::from(argc, argv);
    std::string directory = ".";
    for (int i = 1; i + 1 < argc; ++i)
        if (std::strcmp(argv[i], "--directory") == 0)
            directory = argv[i + 1];

    asio::io_context io(1);
    system_world const world(io);
    benchmark::print_header();
    measure_hops(io, world, settings.smoke ? 1 : 100, settings.smoke ? 10 : 100);
    measure_writes(io, world, directory + "/benchmark-world.tmp", settings.smoke ? 1 : 50,
                   settings.smoke ? 5 : 20);
    measure_busy(io, world, settings, settings.smoke ? 640 : 64'000);
}
