// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_FORECAST_HPP
#define FAILOVER_FORECAST_HPP

#include "report.hpp"
#include "shard_map.hpp"
#include <perdure/availability/composition.hpp>
#include <perdure/availability/observed.hpp>
#include <perdure/availability/two_state.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace failover {

using namespace std::chrono_literals;

/** The schedule of faults, and what availability it lets expect: computed before anything runs.
 *
 *  A process is down from the fault until it is heard again; that is the planned outage and the time
 *  to start and recover. A write needs two of a key's three owners.
 */
struct forecast {
    // The detector.
    static constexpr auto heartbeat_interval = 100ms;
    static constexpr auto down_after = 500ms;

    // How long a writer tries before a write counts as failed.
    static constexpr std::chrono::seconds patience = 10s;

    // The fixed schedule, counted from the beginning of the load.
    static constexpr auto kill_at = 4s, restart_at = 9s;
    static constexpr auto freeze_at = 13s, thaw_at = 18s;
    static constexpr auto join_at = 21s;
    static constexpr auto rolling_at = 25s;
    static constexpr auto after = 3s;
    static constexpr std::chrono::microseconds load_time = 20s;

    // What the forecast assumes of things that are not scheduled.
    static constexpr std::chrono::duration<double> start_and_recover = 500ms;
    static constexpr std::chrono::duration<double> rolling_step = 1500ms;

    // The random schedule.
    static constexpr std::chrono::duration<double> random_mtbf = 30s, random_mttr = 5s;

    explicit forecast(std::uint64_t minutes) : random(minutes != 0) {}

    perdure::availability::unavailability process() const
    {
        if (random)
            return perdure::availability::unavailability(
                (random_mttr + start_and_recover / 2) /
                (random_mtbf + random_mttr + start_and_recover / 2));
        std::chrono::duration<double> const run = rolling_at + 6 * rolling_step + after;
        auto const observed = 5 * run + (run - join_at);
        auto const down = (restart_at - kill_at) + (thaw_at - freeze_at) + 7 * start_and_recover;
        return perdure::availability::unavailability(down / observed);
    }

    /// If processes failed independently of one another; the fixed schedule takes care that no two are down at once.
    perdure::availability::unavailability write() const
    {
        return random ? perdure::availability::k_of_n(quorum, copies, process())
                      : perdure::availability::unavailability(0);
    }

    bool random;
};

inline void print_forecast(forecast const& f)
{
    std::printf("           Forecast from configuration and fault schedule: a process is up %.2f "
                "%% of the time; "
                "a write finds two of three owners %.3f %% of the time.\n",
                100 * (1 - f.process().value()), 100 * (1 - f.write().value()));
}

/// One line while it runs: so far, how sure, and what the model says.
inline std::string live_availability(forecast const& f,
                                     perdure::availability::history const& observed)
{
    namespace availability = perdure::availability;
    auto const u = availability::estimate_unavailability(observed, availability::ended::at_time,
                                                         availability::confidence::two_sided(0.9));
    char line[160];
    std::snprintf(line, sizeof line,
                  "live: a process is up %.2f %% of the time so far (90 %% sure: %.2f to %.2f %%); the "
                  "model says %.2f %%",
                  100 * (1 - u.value.value()), 100 * (1 - u.upper.value()),
                  100 * (1 - u.lower.value()), 100 * (1 - f.process().value()));
    return line;
}

inline void print_comparison(forecast const& f, perdure::availability::history const& observed,
                             std::vector<write_sample> const& samples)
{
    namespace availability = perdure::availability;
    auto const u = availability::estimate_unavailability(observed, availability::ended::at_time,
                                                         availability::confidence::two_sided(0.95));
    std::printf("  a process             forecast %6.2f %%   measured %6.2f %%   95 %% interval "
                "%.2f .. %.2f %%   "
                "(%llu outages, %.1f s down of %.0f s)\n",
                100 * (1 - f.process().value()), 100 * (1 - u.value.value()),
                100 * (1 - u.upper.value()), 100 * (1 - u.lower.value()),
                static_cast<unsigned long long>(observed.failures), observed.down.count(),
                observed.total().count());
    std::size_t late = 0;
    for (auto const& s : samples)
        late += s.took > 1s;
    std::printf("  a write within 1 s    forecast %6.3f %%   measured %6.3f %%   (%zu of %zu took "
                "longer)\n",
                100 * (1 - f.write().value()),
                samples.empty()
                    ? 0.0
                    : 100 * (1 - static_cast<double>(late) / static_cast<double>(samples.size())),
                late, samples.size());
}

} // namespace failover

#endif
