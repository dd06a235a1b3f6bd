// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_CRASH_SEARCH_HPP
#define PERDURE_SIMULATION_CRASH_SEARCH_HPP

#include <perdure/simulation/crash_states.hpp>
#include <perdure/simulation/disk_files.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace perdure::simulation {

/// How far a search for states after a crash goes.
struct crash_search_options {
    /// Ways of crashing that are tried at each cut before the rest is chosen (for_some_crash_states).
    std::size_t tries_per_cut = 1000;
    /// States with every answer drawn, where not all can be tried.
    std::size_t drawn_per_cut = 50;
    std::uint64_t seed = 1; ///< Of the states that are drawn where all are too many.
};

/// What a crash_search found: the first state in which the check failed, if any.
struct crash_search_report {
    std::size_t cuts = 0;        ///< Places at which the power was cut.
    std::size_t cuts_in_part = 0; ///< Of those, the ones with too many states to try all.
    std::size_t states = 0;      ///< Different states that were checked, summed over the cuts.

    std::string failure;      ///< What the check said; empty if it never failed.
    std::size_t cut = 0;      ///< At which cut it failed, from 1.
    std::string operation;    ///< What the program was about to do then.
    crash_report power_cut{}; ///< What the power cut took.

    /// Whether every state passed.
    bool ok() const noexcept { return failure.empty(); }

    friend std::ostream& operator<<(std::ostream& out, crash_search_report const& r)
    {
        if (r.ok())
            return out << "nothing found in " << r.states << " states at " << r.cuts << " cuts"
                       << (r.cuts_in_part ? ", some of them in part" : "");
        out << r.failure << "; the power was cut at cut " << r.cut << ", before the "
            << r.operation << ", which left";
        auto list = [&out, first = true](std::uint64_t lost, std::uint64_t kept,
                                            char const* what) mutable {
            if (lost + kept == 0)
                return;
            out << (first ? " " : ", ") << kept << " of " << lost + kept << " " << what;
            first = false;
        };
        auto const& p = r.power_cut;
        list(p.names_lost, p.names_kept, "unsynced names");
        list(p.sizes_lost, p.sizes_kept, "unsynced sizes");
        list(p.pages_lost + p.pages_torn, p.pages_kept, "unsynced pages");
        if (p.pages_torn)
            out << " (" << p.pages_torn << " torn)";
        return out;
    }
};

/// In a few words, for people.
inline std::string to_string(crash_search_report const& r)
{
    std::ostringstream out;
    out << r;
    return std::move(out).str();
}

/** Runs a program on a simulated disk, cuts the power before each of its disk operations, and checks
 *  every state that is left, or a choice of them.
 *
 *      simulation::disk disk;
 *      simulation::crash_search search(disk, [&](simulation::disk& left) -> std::string {
 *          my_store store{simulation::disk_files(left)};        // starts as after a crash
 *          return store.has(acknowledged) ? "" : "an acknowledged record is gone";
 *      });
 *      my_store store{search.files()};
 *      store.put("a");
 *      acknowledged = "a";
 *      search.cut();                                            // also after the last operation
 *      std::cout << search.report();
 *
 *  The check gets a disk of its own, which it may change: it opens the store there, compares what it
 *  finds with what the program has promised so far, goes on using the store, and returns what is
 *  wrong, or nothing. It may search that in turn, to crash while recovering from a crash.
 *
 *  @par Which cuts  What was not synced may be there in part (see disk), so the states before an
 *       operation include those inside the one before it: a cut before each operation, and one at
 *       the end, are all cuts. Promises made in between are seen by the next cut.
 *  @par After a failure  nothing more is checked; the program runs on.
 *  @par Complexity  one disk copy and one check a state; see crash_search_options.
 *  @par Thread safety  It and its disk belong to one thread.
 */
class crash_search {
public:
    /// Reopens the store on the disk after a crash; an empty text, or what is wrong.
    using check = std::function<std::string(disk&)>;

    /// The disk outlives the search.
    crash_search(disk& d, check f, crash_search_options o = {})
        : disk_(&d), check_(std::move(f)), options_(o)
    {
    }
    crash_search(crash_search const&) = delete;
    crash_search& operator=(crash_search const&) = delete;

    /// What the program works on. This object outlives it.
    disk_files files()
    {
        return disk_files(*disk_, [this](std::string_view what) { cut(what); });
    }

    /// Cuts here; `before` is what the program is about to do, in words.
    void cut(std::string_view before = "end of the program")
    {
        if (!report_.ok() || inside_)
            return;
        inside_ = true;
        ++report_.cuts;
        auto const visited = for_some_crash_states(
            *disk_, {},
            [&](disk const& left, crash_report const& power_cut) {
                if (!report_.ok())
                    return;
                disk own = left;
                report_.failure = check_(own);
                if (!report_.ok()) {
                    report_.cut = report_.cuts;
                    report_.operation = before;
                    report_.power_cut = power_cut;
                }
            },
            options_.tries_per_cut, options_.drawn_per_cut, options_.seed + report_.cuts);
        report_.states += visited.states;
        report_.cuts_in_part += !visited.all;
        inside_ = false;
    }

    /// What was searched so far.
    crash_search_report const& report() const noexcept { return report_; }

private:
    disk* disk_;
    check check_;
    crash_search_options options_;
    crash_search_report report_;
    bool inside_ = false; // A check may use the program's own objects by mistake; it does not search.
};

} // namespace perdure::simulation

#endif
