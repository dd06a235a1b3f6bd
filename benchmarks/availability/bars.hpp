// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_AVAILABILITY_BARS_HPP
#define PERDURE_BENCHMARKS_AVAILABILITY_BARS_HPP

#include <cstdio>
#include <string>
#include <vector>

/// What was asked for and what was measured in this run, printed as one table at the end.
class bars {
public:
    void at_most(std::string what, double measured, double limit, char const* unit)
    {
        rows_.push_back({std::move(what), measured, limit, unit, true});
    }
    void not_run(std::string what, char const* why)
    {
        rows_.push_back({std::move(what), 0, 0, why, false});
    }
    void print() const
    {
        std::printf("\n| bar | at most | measured | |\n|---|---|---|---|\n");
        for (auto const& r : rows_) {
            if (r.ran) {
                std::printf("| %s | %.4g %s | %.3g %s | %s |\n", r.what.c_str(), r.limit, r.unit,
                            r.measured, r.unit, r.measured <= r.limit ? "met" : "NOT MET");
            } else {
                std::printf("| %s | - | - | not run: %s |\n", r.what.c_str(), r.unit);
            }
        }
    }

private:
    struct row {
        std::string what;
        double measured;
        double limit;
        char const* unit;
        bool ran;
    };
    std::vector<row> rows_;
};

#endif
