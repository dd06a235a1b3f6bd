// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_SUPPORT_MEASURE_HPP
#define PERDURE_BENCHMARKS_SUPPORT_MEASURE_HPP

// Times short code, and prints one table: measure | perdure | peer | floor | ratio.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace benchmark {

/// Nanoseconds of processor time of this thread: what other load on the machine disturbs least.
inline double thread_ns()
{
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec);
}

template <class T>
inline void keep(T const& value)
{
    asm volatile("" : : "g"(value) : "memory");
}

struct settings {
    bool smoke = false;
    int repetitions = 21;

    static settings from(int argc, char** argv)
    {
        settings s;
        for (int i = 1; i < argc; ++i)
            if (std::strcmp(argv[i], "--smoke") == 0) {
                s.smoke = true;
                s.repetitions = 1;
            }
        return s;
    }
};

/// The median over the repetitions of what `once` returns.
template <class Once>
double median_of(settings const& s, Once once)
{
    std::vector<double> results;
    for (int i = 0; i != s.repetitions; ++i)
        results.push_back(once());
    std::sort(results.begin(), results.end());
    return results[results.size() / 2];
}

/// Nanoseconds for one of `count` steps of `work(count)`, median over the repetitions.
template <class Work>
double time_each(settings const& s, std::size_t count, Work work)
{
    return median_of(s, [&] {
        auto const begin = thread_ns();
        work(count);
        return (thread_ns() - begin) / static_cast<double>(count);
    });
}

inline void print_header()
{
    std::printf("| measure | perdure | peer | floor | peer / perdure |\n|---|---|---|---|---|\n");
}

/// `peer` and `floor` may be left out by 0; the peer's name goes with its figure.
inline void print_row(std::string const& measure, double perdure, char const* unit, double peer = 0,
                      char const* peer_name = "", double floor = 0)
{
    std::printf("| %s | %.3g %s | ", measure.c_str(), perdure, unit);
    if (peer != 0)
        std::printf("%s: %.3g %s | ", peer_name, peer, unit);
    else
        std::printf("- | ");
    if (floor != 0)
        std::printf("%.3g %s | ", floor, unit);
    else
        std::printf("- | ");
    if (peer != 0)
        std::printf("%.2f |\n", peer / perdure);
    else
        std::printf("- |\n");
    std::fflush(stdout);
}

} // namespace benchmark

#endif
