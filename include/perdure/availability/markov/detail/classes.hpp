// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_DETAIL_CLASSES_HPP
#define PERDURE_AVAILABILITY_MARKOV_DETAIL_CLASSES_HPP

#include <perdure/availability/markov/chain.hpp>

#include <cstddef>
#include <vector>

namespace perdure::availability::detail {

/// Which states can reach each other, and which of these classes nothing leaves.
struct state_classes {
    std::vector<chain_state> of;     ///< the class of each state
    std::vector<unsigned char> open; ///< by class: 1 if something leads out of it
    std::vector<chain_state> member; ///< by class: one of its states
    std::vector<chain_state> size;   ///< by class
};

/// Tarjan's algorithm (1972) without recursion: O(states + transitions).
inline state_classes classes_of(markov_chain const& chain)
{
    auto const n = chain.size();
    constexpr auto none = static_cast<chain_state>(-1);
    state_classes result;
    result.of.assign(n, none);
    std::vector<chain_state> number(n, none), low(n), stack, path;
    std::vector<std::size_t> at;
    chain_state next = 0;
    for (std::size_t root = 0; root < n; ++root) {
        if (number[root] != none) {
            continue;
        }
        path.push_back(static_cast<chain_state>(root));
        at.push_back(0);
        while (!path.empty()) {
            auto const s = path.back();
            if (at.back() == 0) {
                number[s] = low[s] = next++;
                stack.push_back(s);
            }
            auto const to = chain.from(s).to;
            bool descended = false;
            while (at.back() < to.size()) {
                auto const t = to[at.back()++];
                if (number[t] == none) {
                    path.push_back(t);
                    at.push_back(0);
                    descended = true;
                    break;
                }
                if (result.of[t] == none && number[t] < low[s]) {
                    low[s] = number[t];
                }
            }
            if (descended) {
                continue;
            }
            if (at.back() == 0) {
                at.back() = 1; // a state without transitions: seen
            }
            if (low[s] == number[s]) {
                auto const c = static_cast<chain_state>(result.member.size());
                result.member.push_back(s);
                result.size.push_back(0);
                result.open.push_back(0);
                for (;;) {
                    auto const t = stack.back();
                    stack.pop_back();
                    result.of[t] = c;
                    ++result.size[c];
                    if (t == s) {
                        break;
                    }
                }
            }
            path.pop_back();
            at.pop_back();
            if (!path.empty() && low[s] < low[path.back()]) {
                low[path.back()] = low[s];
            }
        }
    }
    for (std::size_t s = 0; s < n; ++s) {
        for (auto t : chain.from(static_cast<chain_state>(s)).to) {
            if (result.of[t] != result.of[s]) {
                result.open[result.of[s]] = 1;
            }
        }
    }
    return result;
}

} // namespace perdure::availability::detail

#endif
