// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// 3 copies against 4 + 2 fragments: which keeps data longer, and at what price? Prints the nines
// of a year for one object and for a store of a million groups, how they fall with the time to
// rebuild, what unreadable sectors and independence assumed too freely do to them, and how the
// copysets of a placement decide what a power cut takes.

#include <perdure/availability/copysets.hpp>
#include <perdure/availability/durability.hpp>
#include <perdure/availability/exponential.hpp>
#include <perdure/availability/text.hpp>

#include <array>
#include <cstdio>

using namespace std::chrono_literals;
using namespace perdure::availability;

int main()
{
    auto const disk = rate_of(afr(0.015)); // assumed: 1.5 % of the drives fail in a year
    duration const year = sre_calendar.year;
    auto const group = [&](unsigned pieces, unsigned needed, duration rebuild) {
        return data_group{pieces, needed, disk, rate::per(rebuild)};
    };
    std::puts("Nines of a year, one object (space in times its size)");
    std::printf("%-12s %-17s %-17s %-25s %s\n", "rebuild", "2 copies (2.0)", "3 copies (3.0)",
                "4 + 2 fragments (1.5)", "8 + 3 fragments (1.4)");
    for (duration rebuild : {duration(1h), duration(12h), duration(days(3)), duration(days(14))}) {
        std::printf("%-12s", to_text(rebuild).c_str());
        auto const of = [&](unsigned pieces, unsigned needed) {
            return nines(loss_within(group(pieces, needed, rebuild), year));
        };
        std::printf(" %-17.1f %-17.1f %-25.1f %.1f\n", of(2, 1), of(3, 1), of(6, 4), of(11, 8));
    }

    auto const copies = group(3, 1, 12h);
    auto const coded = group(6, 4, 12h);
    std::printf("\nA million groups, 12 h to rebuild: 3 copies lose one within a year with "
                "probability %.1e, "
                "4 + 2 fragments with %.1e\n",
                any_of(loss_within(copies, year), 1000000).value(),
                any_of(loss_within(coded, year), 1000000).value());
    std::printf("Mean time to loss of one group: 3 copies %s (the usual approximation: %s)\n",
                to_text(mean_time_to_loss(copies)).c_str(),
                to_text(approximate_mean_time_to_loss(copies)).c_str());

    auto sectors = coded;
    sectors.unreadable = unreadable_in(4 * 16e12, 1e-15); // a rebuild reads four drives of 16 TB
    std::printf(
        "With one unreadable bit in 1e15, 4 + 2 fragments keep %.1f nines instead of %.1f\n",
        nines(loss_within(sectors, year)), nines(loss_within(coded, year)));
    // A fire, an operator, a bug: something that takes all pieces, once in ten thousand years.
    auto const disaster = probability_within(rate::per(10000 * year), year);
    std::printf(
        "With one disaster in 10,000 years everything keeps %.1f nines, whatever the code\n\n",
        nines(disaster));

    // A power cut after which 1 % of 500 nodes do not come back. Each node's data on its two
    // successors, or spread at random.
    copysets<int> neighbours, scattered;
    std::uint64_t random = 1;
    for (int node = 0; node < 500; ++node) {
        for (int shard = 0; shard < 20; ++shard) {
            neighbours.add(std::array{node, (node + 1) % 500, (node + 2) % 500});
            auto const any = [&] {
                random = random * 6364136223846793005U + 1442695040888963407U;
                return static_cast<int>((random >> 33) % 500);
            };
            scattered.add(std::array{node, any(), any()});
        }
    }
    std::puts("A power cut takes 5 of 500 nodes for good (3 copies, 10,000 shards)");
    for (auto const& [name, placement] :
         {std::pair{"on neighbours", &neighbours}, {"scattered", &scattered}}) {
        std::printf("  %-14s %6zu copysets, helpers in a rebuild %5.1f: some data lost with "
                    "probability %.5f\n",
                    name, placement->count(), placement->mean_scatter_width(),
                    placement->loss(500, 5).value());
    }
}
