// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_RING_SUPPORT_HPP
#define PERDURE_TESTS_RING_SUPPORT_HPP

#include "support/catch.hpp"
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <vector>

namespace ring_test {

/// A small generator whose numbers are the same everywhere (splitmix64, public domain by S. Vigna).
class generator {
public:
    explicit generator(std::uint64_t seed) : state_(seed) {}
    std::uint64_t operator()()
    {
        auto z = state_ += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
    /// From 0 to bound - 1; the bias does not matter here.
    std::uint64_t below(std::uint64_t bound) { return (*this)() % bound; }

private:
    std::uint64_t state_;
};

inline std::string text(std::string s)
{
    return s;
}
inline std::string text(std::uint64_t n)
{
    return std::to_string(n);
}

/** Compares an assignment of the keys "key-0" .. "key-9999" with the golden file `name`.
 *
 *  The files may never change: where a key lies is a promise to every process that holds data. A
 *  missing file is written if PERDURE_WRITE_GOLDEN is set; an existing one never is.
 */
template <class OwnerOf>
void check_golden(std::string const& name, OwnerOf owner_of)
{
    constexpr int keys = 10000, per_line = 50;
    auto const path = std::string(PERDURE_TEST_DATA) + "/ring/" + name + ".txt";
    std::string actual;
    for (int k = 0; k != keys; ++k)
        actual +=
            text(owner_of("key-" + std::to_string(k))) + ((k + 1) % per_line == 0 ? "\n" : " ");
    std::ifstream file(path);
    if (!file && std::getenv("PERDURE_WRITE_GOLDEN")) {
        std::ofstream(path) << actual;
        return;
    }
    INFO("golden file " << path);
    REQUIRE(file);
    std::string line, expected;
    while (std::getline(file, line))
        if (!line.starts_with('#'))
            expected += line + "\n";
    CHECK((expected == actual)); // not expanded: the text is long
}

/// What a lookup must satisfy whatever the hash: ranked is a permutation of the nodes, its head is
/// index_for, and indexes_for is its prefix.
template <class H, class Key>
void check_lookups(H const& h, Key const& key)
{
    std::vector<perdure::node_index> ranked;
    auto const range = h.ranked(key);
    for (auto i = range.begin(); i != range.end(); ++i)
        ranked.push_back(i.index());
    REQUIRE(ranked.size() == h.size());
    auto distinct = ranked;
    std::sort(distinct.begin(), distinct.end());
    REQUIRE(std::adjacent_find(distinct.begin(), distinct.end()) == distinct.end());
    if (ranked.empty()) {
        REQUIRE(h.index_for(key) == perdure::no_node);
        return;
    }
    REQUIRE(ranked.front() == h.index_for(key));
    for (std::size_t k : {std::size_t{1}, std::size_t{3}, h.size(), h.size() + 2}) {
        std::vector<perdure::node_index> out(k, perdure::no_node);
        auto const found = h.indexes_for(key, std::span<perdure::node_index>(out));
        REQUIRE(found.size() == std::min(k, h.size()));
        REQUIRE(std::equal(found.begin(), found.end(), ranked.begin()));
    }
}

} // namespace ring_test

#endif
