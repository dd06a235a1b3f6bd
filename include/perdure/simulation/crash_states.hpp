// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_CRASH_STATES_HPP
#define PERDURE_SIMULATION_CRASH_STATES_HPP

#include <perdure/simulation/disk.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace perdure::simulation {

namespace detail {

// Answers questions by counting through all sequences of answers.
class every_crash {
public:
    std::size_t operator()(crash_question, std::size_t answers)
    {
        if (place_ == digits_.size())
            digits_.push_back({0, answers});
        return digits_[place_++].value;
    }
    // The next sequence; false after the last.
    bool advance()
    {
        place_ = 0;
        while (!digits_.empty() && digits_.back().value + 1 == digits_.back().count)
            digits_.pop_back();
        if (digits_.empty())
            return false;
        ++digits_.back().value;
        return true;
    }

private:
    struct digit {
        std::size_t value, count;
    };
    std::vector<digit> digits_;
    std::size_t place_ = 0;
};

} // namespace detail

/** Calls `visit(disk const&)` once for each different state that a power cut at `t` can leave.
 *
 *  Exponential in what is not synced (two to the number of sectors of each torn page): for short
 *  programs.
 *
 *  @return the number of states.
 *  @throws std::length_error if more than `tries` ways of crashing have to be tried.
 */
template <std::invocable<disk const&> Visit>
std::size_t for_each_crash_state(disk const& before, duration t, Visit visit,
                                 std::size_t tries = 1'000'000)
{
    detail::every_crash choices;
    std::set<std::uint64_t> seen;
    do {
        if (tries-- == 0)
            throw std::length_error(
                "simulation::for_each_crash_state: there are too many ways to crash; sync more "
                "often, or crash at fewer times, or raise the limit");
        disk after = before;
        after.watch(nullptr);
        after.crash(t, choices);
        if (seen.insert(after.digest()).second)
            visit(static_cast<disk const&>(after));
    } while (choices.advance());
    return seen.size();
}

} // namespace perdure::simulation

#endif
