// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_WAL_SETUP_HPP
#define PERDURE_BENCHMARKS_WAL_SETUP_HPP

// What the measures of the log share: samples, the table, the raw floor, clients.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace benchmark {

using steady = std::chrono::steady_clock;

inline double seconds_since(steady::time_point begin)
{
    return std::chrono::duration<double>(steady::now() - begin).count();
}

[[noreturn]] inline void fail(char const* what)
{
    std::perror(what);
    std::exit(1);
}

/// Samples of one measure.
class samples {
public:
    void add(double v) { values_.push_back(v); }
    bool empty() const { return values_.empty(); }
    double quantile(double q) const
    {
        auto sorted = values_;
        std::sort(sorted.begin(), sorted.end());
        return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
    }
    double median() const { return quantile(0.5); }

private:
    std::vector<double> values_;
};

/// What all measures are told.
struct plan {
    bool smoke = false;
    std::string directory; ///< An empty one, on the file system that is measured.
    double log_gigabytes = 10;

    int turns(int full) const { return smoke ? 1 : full; }
    double seconds(double full) const { return smoke ? 0.01 : full; }
    std::string make(char const* name) const
    {
        static int count = 0;
        auto path = directory + '/' + name + std::to_string(++count);
        std::filesystem::create_directories(path);
        return path;
    }
};

// -- the table

inline void print_title(char const* title)
{
    std::printf("\n%s\n\n| measure | perdure | compared with | bar | |\n|---|---|---|---|---|\n", title);
}

inline void print_line(std::string const& measure, std::string const& ours,
                       std::string const& compared, std::string const& bar, char const* verdict)
{
    std::printf("| %s | %s | %s | %s | %s |\n", measure.c_str(), ours.c_str(), compared.c_str(),
                bar.c_str(), verdict);
    std::fflush(stdout);
}

inline char const* verdict(bool met) { return met ? "met" : "NOT MET"; }

inline std::string text(char const* format, double a, double b = 0, double c = 0)
{
    char buffer[160];
    std::snprintf(buffer, sizeof buffer, format, a, b, c);
    return buffer;
}

// -- the raw floor

/** A file that is written at its end and synced, with nothing around it: laid out as a log's segment,
 *  preallocated, and replaced by a fresh one when it is full.
 */
class raw_file {
public:
    explicit raw_file(std::string directory) : path_(std::move(directory) + "/raw") { renew(); }
    ~raw_file()
    {
        ::close(fd_);
        ::unlink(path_.c_str());
    }
    raw_file(raw_file const&) = delete;
    raw_file& operator=(raw_file const&) = delete;

    void append(std::byte const* bytes, std::size_t n, bool sync)
    {
        if (at_ + n > size)
            renew();
        if (::pwrite(fd_, bytes, n, static_cast<off_t>(at_)) != static_cast<ssize_t>(n))
            fail("pwrite");
        at_ += n;
        if (sync && ::fdatasync(fd_) != 0)
            fail("fdatasync");
    }

    /// Seconds of one append and sync of `n` bytes: the median of `count`.
    double cycle(std::size_t n, int count, double sync_at_least = 0)
    {
        std::vector<std::byte> const bytes(n, std::byte{'x'});
        samples s;
        for (int i = 0; i != count; ++i) {
            if (at_ + n > size)
                renew();
            auto const begin = steady::now();
            append(bytes.data(), n, true);
            auto const left = sync_at_least - seconds_since(begin);
            if (left > 0)
                std::this_thread::sleep_for(std::chrono::duration<double>(left));
            s.add(seconds_since(begin));
        }
        return s.median();
    }

private:
    static constexpr std::size_t size = 64u << 20;

    void renew()
    {
        if (fd_ >= 0)
            ::close(fd_);
        fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0666);
        if (fd_ < 0 || ::posix_fallocate(fd_, 0, size) != 0 || ::fsync(fd_) != 0)
            fail(path_.c_str());
        at_ = 0;
    }

    std::string path_;
    int fd_ = -1;
    std::size_t at_ = 0;
};

// -- clients that block

/// Operations a second of `threads` threads that call `once()` again and again.
template <class Once>
double rate_of_threads(int threads, double seconds, Once once)
{
    std::atomic<bool> stop{false};
    std::atomic<long> total{0};
    std::vector<std::thread> all;
    auto const begin = steady::now();
    for (int t = 0; t != threads; ++t)
        all.emplace_back([&] {
            long n = 0;
            for (; !stop.load(std::memory_order_relaxed); ++n)
                once();
            total += n;
        });
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
    for (auto& t : all)
        t.join();
    return static_cast<double>(total) / seconds_since(begin);
}

/// The measures, each with the rows of the table that belong together.
void measure_group_commit(plan const&);
void measure_threads(plan const&);
void measure_unsynced(plan const&);
void measure_one_at_a_time(plan const&);
void measure_stall(plan const&);
void measure_replay(plan const&);
void measure_reopen(plan const&);

} // namespace benchmark

#endif
