// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Cost of the availability calculations, one header of benchmarks/availability/ a section:
//
//   numbers     closed forms, the live update of ten components, intervals, SLO windows, durability
//   trees       block diagrams; the Aralia fault trees, if PERDURE_ARALIA says where they are
//   chains      Markov chains of 820 to 2.4 million states
//
// Goals: what runs on every event costs microseconds, what a dashboard asks milliseconds. Peers are
// Boost.Math's distributions and the textbook's elimination where they answer the same question. No
// tool for fault trees can be installed from Debian; their published times are on other machines.
// Names of sections as arguments run only these.

#include "availability/chains.hpp"
#include "availability/numbers.hpp"
#include "availability/trees.hpp"
#include "support/measure.hpp"

#include <string_view>

int main(int argc, char** argv)
{
    auto const settings = benchmark::settings::from(argc, argv);
    auto const chosen = [&](std::string_view section) {
        bool any = false;
        for (int i = 1; i < argc; ++i) {
            any = any || argv[i][0] != '-';
            if (argv[i] == section) {
                return true;
            }
        }
        return !any;
    };
    benchmark::bars wanted;
    benchmark::print_header();
    if (chosen("numbers")) {
        availability_numbers(settings, wanted);
    }
    if (chosen("trees")) {
        availability_trees(settings, wanted);
    }
    if (chosen("chains")) {
        availability_chains(settings, wanted);
    }
    wanted.print();
}
