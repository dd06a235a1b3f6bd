// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_WAL_SCENARIO_HPP
#define PERDURE_TESTS_WAL_SCENARIO_HPP

#include "wal/scripted_log.hpp"

#include <algorithm>
#include <string>
#include <vector>

// What the scenarios of other logs share. tests/wal/coverage.py says where each of them is.
namespace scenario {

using script = scripted_log<>;
using records = script::records;

inline std::string const first = script::segment(1);

inline records numbered(std::vector<std::string> const& texts)
{
    records r;
    for (auto const& t : texts)
        r[r.size() + 1] = t;
    return r;
}

/// A log with these records, one a group, that was killed; `sealed`: after an idle moment.
template <class Files>
void fill(scripted_log<Files>& s, std::vector<std::string> const& texts, bool sealed)
{
    s.open();
    for (auto const& t : texts)
        s.append(t);
    if (sealed)
        s.idle();
    s.end();
}

inline void zero(script::bytes& b, std::size_t from, std::size_t n)
{
    std::fill_n(b.begin() + static_cast<std::ptrdiff_t>(from), std::min(n, b.size() - from),
                std::byte{});
}

inline std::vector<std::string> some(int n, std::size_t size)
{
    std::vector<std::string> all;
    for (int i = 0; i != n; ++i)
        all.push_back(std::to_string(i) + std::string(size, static_cast<char>('a' + i % 26)));
    return all;
}

} // namespace scenario

#endif
