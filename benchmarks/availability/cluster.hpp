// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_AVAILABILITY_CLUSTER_HPP
#define PERDURE_BENCHMARKS_AVAILABILITY_CLUSTER_HPP

#include <perdure/availability/markov/explore.hpp>

#include <cstdint>

/** Two clusters of n workstations, each behind a switch, joined by a backbone, with one repair unit
 *  for all.
 *
 *  Haverkort, Hermanns, Katoen, "On the use of model checking techniques for dependability
 *  evaluation", SRDS 2000. Rates per hour there; here one of our seconds stands for an hour.
 */
namespace cluster {

/// What the repair unit works at.
enum class repairing : std::uint8_t { nothing, left, right, left_switch, right_switch, line };

struct state {
    std::uint16_t left;
    std::uint16_t right;
    std::uint8_t left_switch; // 1: up
    std::uint8_t right_switch;
    std::uint8_t line;
    repairing at;

    friend bool operator==(state const&, state const&) = default;
};

inline auto next(std::uint16_t n)
{
    return [n](state const& s, auto&& emit) {
        auto const with = [&](auto change) {
            state to = s;
            change(to);
            return to;
        };
        if (s.left > 0) {
            emit(with([](state& t) { --t.left; }), s.left / 500.);
        }
        if (s.right > 0) {
            emit(with([](state& t) { --t.right; }), s.right / 500.);
        }
        if (s.left_switch != 0) {
            emit(with([](state& t) { t.left_switch = 0; }), 1 / 4000.);
        }
        if (s.right_switch != 0) {
            emit(with([](state& t) { t.right_switch = 0; }), 1 / 4000.);
        }
        if (s.line != 0) {
            emit(with([](state& t) { t.line = 0; }), 1 / 5000.);
        }
        auto const inspect = [&](bool broken, repairing what) {
            if (broken) {
                emit(with([&](state& t) { t.at = what; }), 10.);
            }
        };
        switch (s.at) {
        case repairing::nothing:
            inspect(s.left < n, repairing::left);
            inspect(s.right < n, repairing::right);
            inspect(s.left_switch == 0, repairing::left_switch);
            inspect(s.right_switch == 0, repairing::right_switch);
            inspect(s.line == 0, repairing::line);
            break;
        case repairing::left:
            emit(with([](state& t) { t.at = {}, ++t.left; }), 2.);
            break;
        case repairing::right:
            emit(with([](state& t) { t.at = {}, ++t.right; }), 2.);
            break;
        case repairing::left_switch:
            emit(with([](state& t) { t.at = {}, t.left_switch = 1; }), .25);
            break;
        case repairing::right_switch:
            emit(with([](state& t) { t.at = {}, t.right_switch = 1; }), .25);
            break;
        case repairing::line:
            emit(with([](state& t) { t.at = {}, t.line = 1; }), .125);
            break;
        }
    };
}

/// At least `wanted` workstations up that can talk to each other.
inline bool connected(state const& s, int wanted)
{
    return (s.left >= wanted && s.left_switch != 0) || (s.right >= wanted && s.right_switch != 0) ||
           (s.left + s.right >= wanted && s.left_switch != 0 && s.line != 0 && s.right_switch != 0);
}
/// Three quarters of one cluster's workstations.
inline bool minimum(state const& s, int n)
{
    return connected(s, 3 * n / 4);
}
inline bool premium(state const& s, int n)
{
    return connected(s, n);
}

inline perdure::availability::explored<state> explore(int n)
{
    auto const all = static_cast<std::uint16_t>(n);
    return perdure::availability::explore(state{all, all, 1, 1, 1, {}}, next(all));
}

} // namespace cluster

#endif
