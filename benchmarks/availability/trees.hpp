// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_AVAILABILITY_TREES_HPP
#define PERDURE_BENCHMARKS_AVAILABILITY_TREES_HPP

#include "support/bars.hpp"
#include "support/measure.hpp"
#include <perdure/availability/open_psa.hpp>
#include <perdure/availability/structure/cut_sets.hpp>
#include <perdure/availability/structure/diagram.hpp>
#include <perdure/availability/structure/expression.hpp>
#include <perdure/availability/structure/importance.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

/// The Aralia trees, from where PERDURE_ARALIA says (see tests/availability/structure_aralia.cpp).
inline void availability_trees(benchmark::settings const& s, benchmark::bars& wanted)
{
    using namespace perdure::availability;
    using benchmark::keep;

    // Series-parallel, evaluated directly: a node is an operator or a component.
    two_state const unit(mtbf(hours(1e4)), mttr(hours(1)));
    component const a("a", unit), b("b", unit), c("c", unit), d("d", unit), e("e", unit),
        f("f", unit), g("g", unit), h("h", unit);
    auto const service = (a | b) & (c | d) & k_of_n(2, e, f, g) & h;
    double volatile u = 1e-4;
    std::size_t const many = s.smoke ? 10 : 20000;
    double const node = benchmark::time_each(s, many, [&](std::size_t n) {
                            for (std::size_t i = 0; i < n; ++i) {
                                double const now = u;
                                keep(service
                                         .evaluate_with([now](auto const&) {
                                             return chance::complement_of(now);
                                         })
                                         .no);
                            }
                        }) /
                        static_cast<double>(service.steps().size());
    double const floor = benchmark::time_each(s, many, [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            double const now = u;
            keep(now + (1 - now) * now); // one gate's arithmetic
        }
    });
    benchmark::print_row("block diagram, one node of " + std::to_string(service.steps().size()),
                         node, "ns", 0, "", floor);
    wanted.at_most("series-parallel node", node, 10, "ns");

    char const* const named = std::getenv("PERDURE_ARALIA");
    std::string const directory = named != nullptr ? named : "";
    std::vector<std::string> const names{"baobab1",  "baobab2",  "chinese",  "das9201",
                                         "das9204",  "das9206",  "das9601",  "edf9201",
                                         "edf9203",  "edfpa14p", "edfpa15b", "elf9601",
                                         "ftr10",    "isp9601",  "isp9605",  "jbd9601"};
    if (!std::ifstream(directory + "/baobab1.xml")) {
        std::printf("PERDURE_ARALIA names no directory with the Aralia trees: they are left out.\n");
        for (char const* row : {"sixteen Aralia trees, probability and cut sets",
                                "Baobab1, probability and cut sets", "all importances"}) {
            wanted.not_run(row, "set PERDURE_ARALIA");
        }
        return;
    }
    std::vector<fault_tree> trees;
    for (auto const& name : names) {
        std::ifstream file(directory + "/" + name + ".xml", std::ios::binary);
        std::string const text{std::istreambuf_iterator<char>(file), {}};
        trees.push_back(read_open_psa(text).tree);
        if (s.smoke && trees.size() == 3) {
            break;
        }
    }
    auto few = s;
    few.repetitions = s.smoke ? 1 : 5;
    double total = 0;
    double baobab1 = 0;
    double evaluation = 0;
    double importance = 0;
    double worst_ratio = 0;
    std::string worst;
    for (std::size_t i = 0; i < trees.size(); ++i) {
        auto const once = benchmark::time_each(few, 1, [&](std::size_t) {
            diagram const built(trees[i]);
            keep(built.evaluate().yes);
            keep(cut_sets::minimal(built).count() == 0);
        });
        total += once;
        baobab1 = i == 0 ? once : baobab1;
        diagram const built(trees[i]);
        auto const chances = trees[i].chances();
        std::vector<chance> scratch;
        double const p = benchmark::time_each(few, 3, [&](std::size_t n) {
            for (std::size_t k = 0; k < n; ++k) {
                keep(built.evaluate(chances, scratch).yes);
            }
        });
        double const all = benchmark::time_each(few, 3, [&](std::size_t n) {
            for (std::size_t k = 0; k < n; ++k) {
                keep(importances(built, chances, scratch).back().birnbaum);
            }
        });
        evaluation += p;
        importance += all;
        if (all / p > worst_ratio) {
            worst_ratio = all / p;
            worst = names[i];
        }
        benchmark::print_row(names[i] + ": build, probability, number of cut sets", once / 1e6,
                             "ms");
    }
    benchmark::print_row("all of them", total / 1e6, "ms");
    benchmark::print_row("their probabilities, once built", evaluation / 1e6, "ms");
    benchmark::print_row("all importances of all events", importance / 1e6, "ms");
    std::printf("The largest ratio of importances to probability is %.2f (%s).\n", worst_ratio,
                worst.c_str());
    if (!s.smoke) {
        wanted.at_most("sixteen Aralia trees, probability and cut sets", total / 1e9, 1, "s");
        wanted.at_most("Baobab1, probability and cut sets", baobab1 / 1e6, 5, "ms");
        wanted.at_most("all importances, by the cost of the probabilities", importance / evaluation,
                       3, "x");
    }
}

#endif
