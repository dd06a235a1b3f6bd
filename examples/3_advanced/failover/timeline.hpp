// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_TIMELINE_HPP
#define FAILOVER_TIMELINE_HPP

#include <chrono>
#include <cstdio>
#include <string>

namespace failover {

/// Says in plain words what happens while it happens.
class timeline {
public:
    using clock = std::chrono::steady_clock;

    double seconds() const { return std::chrono::duration<double>(clock::now() - begin_).count(); }

    void say(std::string const& what) const { line(' ', what); }
    /// Something was done to the processes on purpose.
    void fault(std::string const& what) const { line('!', what); }

private:
    void line(char mark, std::string const& what) const
    {
        std::printf("%8.3f s %c %s\n", seconds(), mark, what.c_str());
        std::fflush(stdout);
    }

    clock::time_point begin_ = clock::now();
};

} // namespace failover

#endif
