// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_REPORT_HPP
#define FAILOVER_REPORT_HPP

#include "workload.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

namespace failover {

/// How writing went in one phase of the run.
struct phase_figures {
    std::string name;
    double seconds = 0;
    std::uint64_t writes = 0;
    double per_second = 0;
    std::chrono::nanoseconds p50{}, p99{}, longest{};
    std::chrono::nanoseconds longest_gap{}; ///< Between two acknowledged writes of any writer.
};

inline phase_figures summarise(std::string name, std::span<write_sample const> all,
                               perdure::time_point from, perdure::time_point to)
{
    phase_figures f;
    f.name = std::move(name);
    f.seconds = std::chrono::duration<double>(to - from).count();
    std::vector<std::chrono::nanoseconds> took;
    auto last = from;
    for (write_sample const& s : all) { // In the order in which they were acknowledged.
        if (s.at < from || s.at >= to)
            continue;
        took.push_back(s.took);
        f.longest_gap = std::max<std::chrono::nanoseconds>(f.longest_gap, s.at - last);
        last = s.at;
    }
    f.writes = took.size();
    if (took.empty() || f.seconds <= 0)
        return f;
    std::sort(took.begin(), took.end());
    f.per_second = static_cast<double>(took.size()) / f.seconds;
    f.p50 = took[took.size() / 2];
    f.p99 = took[(took.size() * 99) / 100];
    f.longest = took.back();
    return f;
}

inline double milliseconds(std::chrono::nanoseconds d)
{
    return std::chrono::duration<double, std::milli>(d).count();
}

inline void print(phase_figures const& f)
{
    std::printf(
        "  %-8s %7.1f s %8llu writes %8.0f/s   p50 %7.1f ms   p99 %7.1f ms   longest %7.0f ms   "
        "longest time without any %5.0f ms\n",
        f.name.c_str(), f.seconds, static_cast<unsigned long long>(f.writes), f.per_second,
        milliseconds(f.p50), milliseconds(f.p99), milliseconds(f.longest),
        milliseconds(f.longest_gap));
}

} // namespace failover

#endif
