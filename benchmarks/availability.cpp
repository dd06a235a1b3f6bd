// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Cost of the availability calculations, one header of benchmarks/availability/ a section:
//
//   numbers     closed forms, the live update of ten components, intervals, SLO windows, durability
//
// Goals: what runs on every event costs microseconds, what a dashboard asks milliseconds. Peers are
// Boost.Math's distributions where one call of them answers the same question.

#include "availability/numbers.hpp"
#include "support/measure.hpp"

int main(int argc, char** argv)
{
    auto const settings = benchmark::settings::from(argc, argv);
    benchmark::print_header();
    availability_numbers(settings);
}
