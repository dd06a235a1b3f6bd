// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Failure rates of a fleet of drives, from a public table. Prints, for each model, the annual rate
// with its 95 % interval, which the table leaves out, and which models differ from the rest by
// more than chance; then how sure "no failure" is.
//
// Figures: Backblaze Drive Stats for the third quarter of 2020 (the first eleven models, drive days
// and failures from 1 July to 30 September 2020), as reprinted by MyBroadband, "The most reliable
// hard drives in the world", 2020. Backblaze's "annualized failure rate" is failures per drive
// year, a rate: with few drive days its upper bound may pass 100 %.

#include <perdure/availability/comparison.hpp>
#include <perdure/availability/observed.hpp>

#include <cstdio>

using namespace perdure::availability;

namespace {

struct drive_model {
    char const* name;
    double drive_days;
    std::uint64_t failures;
    double printed; ///< the table's own rate, percent of a year
};
constexpr drive_model table[] = {
    {"Toshiba MD04ABA400V", 9108, 0, 0.00},     {"HGST HMS5C4040ALE640", 274923, 0, 0.00},
    {"HGST HMS5C4040BLE640", 1171895, 7, 0.22}, {"Seagate ST4000DM000", 1753271, 69, 1.44},
    {"Seagate ST6000DX000", 81512, 1, 0.45},    {"HGST HUH728080ALE600", 92702, 2, 0.79},
    {"Seagate ST8000DM002", 901933, 28, 1.13},  {"Seagate ST8000NM0055", 1328845, 51, 1.40},
    {"Seagate ST10000NM0086", 110396, 3, 0.99}, {"HGST HUH721212ALE600", 238966, 2, 0.31},
    {"HGST HUH721212ALN604", 997546, 10, 0.37}};

} // namespace

int main()
{
    auto const sure = confidence::two_sided(0.95);
    duration const year = sre_calendar.year;
    history all;
    for (auto const& m : table) {
        all += {m.failures, 0, days(m.drive_days), {}};
    }
    std::puts("model                   failures  a year   95 % interval        against the others");
    for (auto const& m : table) {
        history const seen{m.failures, 0, days(m.drive_days), {}};
        auto const e = estimate_mtbf(seen, ended::at_time, sure);
        auto const percent = [&](mtbf t) { return 100 * rate_of(t).in(year); };
        // Rates turn around: the longest MTBF is the lowest rate.
        double const value = percent(e.value);
        if (std::abs(value - m.printed) > 0.011) {
            std::printf("%s: the table's %.2f %% is not %.2f %%\n", m.name, m.printed, value);
            return 1;
        }
        auto const c = compare_rates({m.failures, seen.up},
                                     {all.failures - m.failures, all.up - seen.up}, 0.95);
        std::printf("%-23s %5d    %5.2f %%  %5.2f %% to %6.2f %%  %s\n", m.name,
                    static_cast<int>(m.failures), value, percent(e.upper), percent(e.lower),
                    !c.differs()         ? "no difference beyond chance"
                    : c.effect.value < 1 ? "better"
                                         : "worse");
    }
    auto const fleet = estimate_mtbf(all, ended::at_time, sure);
    auto const r = rate_of(fleet.value);
    std::printf("all together %15.2f %%, an MTBF of %.0f hours, %.0f FIT\n", 100 * r.in(year),
                fleet.value.in(hours(1)), fit_of(r).value());
    std::printf("A single drive fails within a year with probability %.4f.\n", afr_of(r).value());
    std::puts("Two models had no failure. Only drive days tell how much that says:");
    for (auto const& m : table) {
        if (m.failures == 0) {
            history const seen{0, 0, days(m.drive_days), {}};
            auto const longest = estimate_mtbf(seen, ended::at_time, confidence::lower(0.95));
            std::printf("  %s may still lose up to %.2f %% a year\n", m.name,
                        100 * rate_of(longest.lower).in(year));
        }
    }
}
