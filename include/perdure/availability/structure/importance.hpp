// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_IMPORTANCE_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_IMPORTANCE_HPP

#include <perdure/availability/structure/detail/derivatives.hpp>
#include <perdure/availability/structure/diagram.hpp>

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace perdure::availability {

/** How much one event e matters to the top S. Names differ between authors and tools, formulas do not.
 *
 *  | member              | formula                        | elsewhere                                                   |
 *  |---------------------|--------------------------------|-------------------------------------------------------------|
 *  | birnbaum            | P(S \| e) - P(S \| not e)      | marginal importance, MIF; dP(S)/dP(e)                       |
 *  | criticality         | birnbaum P(e) / P(S)           | CIF; the share of P(S) that goes if e never happens         |
 *  | diagnostic          | P(e \| S) = P(e) P(S \| e) / P(S) | DIF; called Fussell-Vesely by SCRAM and Storm            |
 *  | achievement_worth   | P(S \| e) / P(S)               | RAW; how much worse with e certain                          |
 *  | reduction_worth     | P(S) / P(S \| not e)           | RRW; how much better without e, infinite if S needs e       |
 *  | improvement         | P(S) - P(S \| not e)           | improvement potential; birnbaum P(e)                        |
 *
 *  The classic Fussell-Vesely importance, the share of cut sets that contain e, is cut_sets::sums_by_event().
 */
struct importance {
    double birnbaum = 0;          ///< P(S | e) - P(S | not e); negative where e helps
    double criticality = 0;       ///< birnbaum P(e) / P(S)
    double diagnostic = 0;        ///< P(e | S)
    double achievement_worth = 0; ///< P(S | e) / P(S)
    double reduction_worth = 0;   ///< P(S) / P(S | not e); infinite if S needs e
    double improvement = 0;       ///< P(S) - P(S | not e)
    double given = 0;             ///< P(S | e)
    double given_not = 0;         ///< P(S | not e)
};

/** The importances of all events, in two passes over the diagram.
 *
 *  @param chances      one for each of d.events()
 *  @param scratch      memory to work in, as in diagram::evaluate()
 *  @par Accuracy       birnbaum is a sum of differences P(S | e, rest) - P(S | not e, rest), each rounded at 1e-16 of the
 *                      larger of them. Where P(S | e) or P(S | not e) is less than a thousandth of P(S) it is evaluated anew,
 *                      so that both are as accurate as P(S) itself.
 *  @par Complexity     that of two to three evaluations, and one more for each event without (or with) which the top hardly
 *                      ever happens.
 *  @pre chances.size() == d.events().size()
 */
inline std::vector<importance> importances(diagram const& d, std::span<chance const> chances,
                                           std::vector<chance>& scratch)
{
    std::vector<importance> result(d.events().size());
    auto const& tree = d.compiled();
    if (tree.constant) {
        double const p = *tree.constant ? 1 : 0;
        for (std::size_t i = 0; i < result.size(); ++i) {
            result[i] = {0, 0, chances[i].yes, 1, 1, 0, p, p};
        }
        return result;
    }
    auto& values = scratch;
    d.evaluate_slots(chances, values);
    auto const derivatives = detail::derivative_pass(tree, values).run();
    auto const top_value = values[tree.top >> 1];
    double const p = ((tree.top & 1) != 0 ? !top_value : top_value).yes;

    std::vector<chance> changed(chances.begin(), chances.end());
    auto const with = [&](std::size_t event, chance c) {
        auto const before = changed[event];
        changed[event] = c;
        double const result_with = d.evaluate(changed, values).yes;
        changed[event] = before;
        return result_with;
    };
    for (std::size_t i = 0; i < result.size(); ++i) {
        auto& x = result[i];
        x.birnbaum = derivatives[i];
        x.given = p + chances[i].no * x.birnbaum;
        x.given_not = p - chances[i].yes * x.birnbaum;
        if (x.given < 1e-3 * p) {
            x.given = with(i, chance(1, 0));
        }
        if (x.given_not < 1e-3 * p) {
            x.given_not = with(i, chance(0, 1));
        }
        x.improvement = x.birnbaum * chances[i].yes;
        x.criticality = p == 0 ? 0 : x.improvement / p;
        x.diagnostic = p == 0 ? 0 : chances[i].yes * x.given / p;
        x.achievement_worth =
            p == 0 ? (x.given == 0 ? 1 : std::numeric_limits<double>::infinity()) : x.given / p;
        x.reduction_worth = x.given_not == 0
                                ? (p == 0 ? 1 : std::numeric_limits<double>::infinity())
                                : p / x.given_not;
    }
    return result;
}
/// Without memory of the caller's.
inline std::vector<importance> importances(diagram const& d, std::span<chance const> chances)
{
    std::vector<chance> scratch;
    return importances(d, chances, scratch);
}
/// With the events' own chances.
inline std::vector<importance> importances(diagram const& d)
{
    std::vector<chance> chances;
    for (auto const& event : d.events()) {
        chances.push_back(event.happens);
    }
    return importances(d, chances);
}

/// Birnbaum's structural importance: in which share of the states of all other events the top depends on the event, for trees
/// without negation. It asks for no probabilities.
inline std::vector<double> structural_importances(diagram const& d)
{
    std::vector<double> result;
    for (auto const& x : importances(d, std::vector<chance>(d.events().size(), chance(0.5)))) {
        result.push_back(x.birnbaum);
    }
    return result;
}

} // namespace perdure::availability

#endif
