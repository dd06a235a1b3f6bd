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

// Answers like a plain power cut would: everything lost, or everything kept. One question is
// answered differently, and a page torn there has its first `split` sectors new, or its last.
class deviating_crash {
public:
    bool newest = false;
    std::size_t at = static_cast<std::size_t>(-1);
    std::size_t answer = 0;
    std::size_t split = 0;
    bool new_first = false;

    struct asked {
        crash_question question;
        std::size_t answers;
        std::size_t usual;
    };
    std::vector<asked> questions; ///< Without sectors.

    std::size_t operator()(crash_question q, std::size_t answers)
    {
        if (q == crash_question::sector)
            return (sector_++ < split) == new_first ? answers - 1 : 0;
        sector_ = 0;
        // The last answer about a page is "torn".
        auto const last = q == crash_question::page ? answers - 2 : answers - 1;
        questions.push_back({q, answers, newest ? last : 0});
        return questions.size() - 1 == at ? answer : questions.back().usual;
    }

private:
    std::size_t sector_ = 0;
};

class any_crash {
public:
    explicit any_crash(random_stream& random) : random_(&random) {}
    std::size_t operator()(crash_question, std::size_t answers) { return random_->below(answers); }

private:
    random_stream* random_;
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

/// How many states for_some_crash_states() visited, and whether those are all.
struct crash_states_visited {
    std::size_t states = 0; ///< States that were tried.
    bool all = false; ///< Whether these were all that there are.
};

/** Calls `visit(disk const&, crash_report const&)` for different states that a power cut at `t` can
 *  leave: for all of them if up to `tries` ways of crashing lead to them, else for the first of them
 *  and for these, which find most mistakes:
 *
 *  - everything lost, everything kept;
 *  - each single name, size or page otherwise than all the rest, in each way it can be;
 *  - each page torn behind each of its sectors, its front new or its back;
 *  - `drawn` states with every answer drawn, from `seed`.
 *
 *  It never throws but what `visit` throws.
 */
template <std::invocable<disk const&, crash_report const&> Visit>
crash_states_visited for_some_crash_states(disk const& before, duration t, Visit visit,
                                           std::size_t tries = 1000, std::size_t drawn = 50,
                                           std::uint64_t seed = 1)
{
    std::set<std::uint64_t> seen;
    auto const crash_with = [&](auto&& choices) {
        disk after = before;
        after.watch(nullptr);
        auto const report = after.crash(t, choices);
        if (seen.insert(after.digest()).second)
            visit(static_cast<disk const&>(after), report);
    };
    detail::every_crash all;
    for (;;) {
        if (tries-- == 0)
            break;
        crash_with(all);
        if (!all.advance())
            return {seen.size(), true};
    }
    for (bool const newest : {false, true}) {
        detail::deviating_crash plain;
        plain.newest = newest;
        crash_with(plain);
        for (std::size_t i = 0; i != plain.questions.size(); ++i) {
            auto const& q = plain.questions[i];
            for (std::size_t answer = 0; answer != q.answers; ++answer) {
                bool const torn = q.question == crash_question::page && answer + 1 == q.answers;
                constexpr std::size_t sectors = page_size / sector_size;
                for (std::size_t split = 1; split != (torn ? sectors : 2); ++split)
                    for (bool const new_first : {true, false}) {
                        if (answer == q.usual || (!torn && !new_first))
                            continue;
                        detail::deviating_crash one;
                        one.newest = newest;
                        one.at = i;
                        one.answer = answer;
                        one.split = split;
                        one.new_first = new_first;
                        crash_with(one);
                    }
            }
        }
    }
    random_stream random(seed, "crash states");
    while (drawn-- != 0)
        crash_with(detail::any_crash(random));
    return {seen.size(), false};
}

} // namespace perdure::simulation

#endif
