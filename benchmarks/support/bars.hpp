// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_SUPPORT_BARS_HPP
#define PERDURE_BENCHMARKS_SUPPORT_BARS_HPP

#include <cstdio>
#include <string>
#include <vector>

namespace benchmark {

/// What the project asks for and what this run measured, printed as a table of their own at the end.
class bars {
public:
    void at_most(std::string const& what, double measured, double bar, char const* unit)
    {
        add(what, measured, "<=", bar, unit, measured <= bar);
    }
    void at_least(std::string const& what, double measured, double bar, char const* unit)
    {
        add(what, measured, ">=", bar, unit, measured >= bar);
    }
    void not_run(std::string const& what, char const* why)
    {
        rows_.push_back("| " + what + " | - | - | not run: " + why + " |\n");
    }
    void print() const
    {
        std::printf("\n| bar | asked | measured | |\n|---|---|---|---|\n");
        for (auto const& row : rows_)
            std::printf("%s", row.c_str());
        std::printf("\n%d of %d met.\n", met_, static_cast<int>(rows_.size()));
    }

private:
    void add(std::string const& what, double measured, char const* sign, double bar, char const* unit,
             bool met)
    {
        char text[256];
        std::snprintf(text, sizeof text, "| %s | %s %.4g %s | %.3g %s | %s |\n", what.c_str(), sign,
                      bar, unit, measured, unit, met ? "met" : "NOT MET");
        rows_.push_back(text);
        met_ += met;
    }

    std::vector<std::string> rows_;
    int met_ = 0;
};

} // namespace benchmark

#endif
