// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_RING_HASHES_HPP
#define PERDURE_TESTS_RING_HASHES_HPP

// Every consistent hash, made and changed in one way, for tests of what they have in common.

#include <perdure/ring/choose_k.hpp>
#include <perdure/ring/dx_hash.hpp>
#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/jump_hash.hpp>
#include <perdure/ring/maglev.hpp>
#include <perdure/ring/multi_probe_hash.hpp>
#include <perdure/ring/rendezvous_hash.hpp>
#include <perdure/ring/slot_table.hpp>

#include <concepts>
#include <string>

namespace ring_test {

inline std::string node_name(int i)
{
    return "node-" + std::to_string(i);
}

template <class H>
inline constexpr bool numbered =
    std::same_as<H, perdure::jump_hash> || std::same_as<H, perdure::choose_k>;

template <class H>
void join(H& h, int i)
{
    if constexpr (numbered<H>)
        h.resize(h.size() + 1);
    else
        h.add(node_name(i));
}

template <class H>
H make(int nodes)
{
    H h;
    if constexpr (requires { h.add_all({}); }) {
        std::vector<perdure::weighted_node<std::string>> all;
        for (int i = 0; i != nodes; ++i)
            all.push_back({node_name(i), 1});
        h.add_all(all);
    } else {
        for (int i = 0; i != nodes; ++i)
            join(h, i);
    }
    return h;
}

/// The number in a node's name.
template <class H>
int number(H const& h, perdure::node_index n)
{
    if constexpr (numbered<H>)
        return static_cast<int>(n);
    else
        return std::stoi(h.node(n).substr(5));
}

} // namespace ring_test

#endif
