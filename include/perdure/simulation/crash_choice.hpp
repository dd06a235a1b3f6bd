// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_CRASH_CHOICE_HPP
#define PERDURE_SIMULATION_CRASH_CHOICE_HPP

#include <perdure/simulation/options.hpp>
#include <perdure/simulation/random.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace perdure::simulation {

/// What has to be decided about something that was not synced when a power cut came.
enum class crash_question : std::uint8_t {
    name,   ///< A creation, rename or removal: 0 lost, 1 kept.
    size,   ///< A file's size: 0 the synced one, then each later one in order.
    page,   ///< A page: 0 the synced one, then each later one in order; the last answer is "torn".
    sector, ///< A sector of a torn page: its different contents in order.
    drop,   ///< A dirty page when a sync fails: 0 it will never be written, 1 it stays dirty.
};

/** Decides what a power cut leaves of a disk: `choose(question, answers)` returns a number in [0,
 *  answers).
 *
 *  Drawing the answers (drawn_crash) and trying all of them (for_each_crash_state) go through the
 *  same questions, so that every drawn state is one of the enumerated ones.
 */
template <class C>
concept crash_chooser = requires(C& choose, crash_question q, std::size_t answers) {
    {
        choose(q, answers)
    } -> std::same_as<std::size_t>;
};

/// Draws the answers with the probabilities of disk_options.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class drawn_crash {
public:
    /// Draws from `random` by the probabilities of `o`; both must outlive it.
    drawn_crash(random_stream& random, disk_options const& o) noexcept
        : random_(random), options_(o)
    {
    }

    std::size_t operator()(crash_question q, std::size_t answers)
    {
        auto const newest = answers - 1;
        switch (q) {
        case crash_question::name:
            return random_.chance(options_.name_lost) ? 0 : 1;
        case crash_question::size:
            return random_.chance(options_.size_lost) ? random_.below(newest) : newest;
        case crash_question::page: {
            auto const x = random_.below(1'000'000);
            auto const lost = static_cast<std::uint64_t>(options_.page_lost * 1e6);
            auto const torn = static_cast<std::uint64_t>(options_.page_torn * 1e6);
            if (x < lost)
                return 0;
            if (x < lost + torn)
                return answers - 1;
            // Kept: mostly as written last, sometimes as it was when the system wrote it back
            // earlier.
            return random_.below(2) == 0 ? answers - 2 : 1 + random_.below(answers - 2);
        }
        case crash_question::sector:
        case crash_question::drop:
            return random_.below(answers);
        }
        return 0;
    }

private:
    random_stream& random_;
    disk_options const& options_;
};

} // namespace perdure::simulation

#endif
