// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_WAL_SLOW_CALLS_HPP
#define PERDURE_BENCHMARKS_WAL_SLOW_CALLS_HPP

#include "setup.hpp"
#include <perdure/world/posix_calls.hpp>

namespace benchmark {

/// System calls whose sync takes at least so long, as on a disk that is slower than this one.
class slow_calls : public perdure::posix_calls {
public:
    explicit slow_calls(double seconds = 0) : seconds_(seconds) {}

    int fdatasync(int fd) const
    {
        auto const begin = steady::now();
        int const result = posix_calls::fdatasync(fd);
        auto const left = seconds_ - seconds_since(begin);
        if (left > 0)
            std::this_thread::sleep_for(std::chrono::duration<double>(left));
        return result;
    }

private:
    double seconds_;
};

} // namespace benchmark

#endif
