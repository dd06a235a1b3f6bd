// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DIAGRAM_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DIAGRAM_HPP

#include <perdure/availability/structure/chance.hpp>
#include <perdure/availability/structure/detail/compiled_tree.hpp>
#include <perdure/availability/structure/fault_tree.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace perdure::availability {

/// How large a decision diagram may grow.
struct diagram_options {
    /// More nodes than this in one decision diagram are refused with std::length_error. Each takes about 40 bytes while the
    /// diagram is built and 12 afterwards.
    std::size_t nodes_max = 10'000'000;
};

/** A fault tree prepared for exact calculation, with shared events counted once.
 *
 *  Building simplifies the tree, finds its modules (gates that share no event with the rest), and turns each that is not a
 *  plain gate over independent inputs into a binary decision diagram under the best of five variable orders. Afterwards one
 *  evaluation costs a few nanoseconds a node, whatever the number of cut sets.
 *
 *  @par Accuracy       chance::yes and chance::no are sums and products of numbers that are not negative; the relative error
 *                      of each is about one unit in the last place per variable on a path, also for results of 1e-30.
 *  @par Sources        Bryant 1986 (diagrams), Dutuit and Rauzy 1996 (modules), Minato et al. 1990 (one of the orders).
 *                      Departures: orders race under a growing limit of nodes; there is no dynamic reordering.
 *  @par Determinism    equal trees give equal diagrams.
 *  @par Thread safety  Distinct objects: safe. Shared objects: const members are safe.
 */
class diagram {
public:
    /** @throws std::invalid_argument if the tree is empty.
     *  @throws std::length_error if nodes_max does not suffice, or a module has more than 20 000 shared events; the message
     *          names the gate.
     */
    explicit diagram(fault_tree const& tree, diagram_options options = {})
        : events_(tree.events().begin(), tree.events().end())
    {
        if (tree.size() == 0) {
            throw std::invalid_argument("a fault tree without nodes has no top");
        }
        compiled_ = detail::compiler(tree, options.nodes_max).run();
    }

    /// The basic events, in the order in which chances are given.
    [[nodiscard]] std::span<basic_event const> events() const { return events_; }
    /// Modules that were found, the top among them; 0 if the top is constant or an event.
    [[nodiscard]] std::size_t modules() const { return compiled_.units.size(); }
    /// Nodes of all decision diagrams together; 0 for a tree in which nothing is shared.
    [[nodiscard]] std::size_t nodes() const { return compiled_.steps.size() - 1; }
    /// False if not or odd remain, so that a further failure may mend the top.
    [[nodiscard]] bool monotone() const { return compiled_.constant || compiled_.monotone; }

    /// The chance that the top happens, with the events' own chances.
    [[nodiscard]] chance evaluate() const
    {
        std::vector<chance> chances(events_.size()), scratch;
        for (std::size_t i = 0; i < events_.size(); ++i) {
            chances[i] = events_[i].happens;
        }
        return evaluate(chances, scratch);
    }
    /** The same with other chances, one for each of events().
     *  @param scratch  memory to work in; grows in the first call and is not allocated again.
     *  @pre chances.size() == events().size()
     */
    chance evaluate(std::span<chance const> chances, std::vector<chance>& scratch) const
    {
        assert(chances.size() == events_.size());
        if (compiled_.constant) {
            return *compiled_.constant ? chance(1, 0) : chance(0, 1);
        }
        evaluate_slots(chances, scratch);
        auto const top = scratch[compiled_.top >> 1];
        return (compiled_.top & 1) != 0 ? !top : top;
    }
    [[nodiscard]] chance evaluate(std::span<chance const> chances) const
    {
        std::vector<chance> scratch;
        return evaluate(chances, scratch);
    }

    // For the other calculations of this part.
    /// What the calculations of this directory work on; no promise is made about its form.
    [[nodiscard]] detail::compiled_tree const& compiled() const { return compiled_; }
    /// Fills `values` with the chances of all slots and then of all steps. @pre not constant
    void evaluate_slots(std::span<chance const> chances, std::vector<chance>& values) const
    {
        auto const slots = compiled_.slots();
        values.resize(slots + compiled_.steps.size());
        std::copy(chances.begin(), chances.end(), values.begin());
        auto const steps = std::span(values).subspan(slots);
        steps[0] = chance(1, 0);
        for (std::size_t i = 0; i < compiled_.units.size(); ++i) {
            values[compiled_.events + i] = evaluate_unit(compiled_.units[i], values, steps);
        }
    }

private:
    using unit_kind = detail::compiled_tree::unit_kind;

    [[nodiscard]] chance evaluate_unit(detail::compiled_tree::unit const& u,
                                       std::span<chance const> values,
                                       std::span<chance> steps) const
    {
        auto const inputs = compiled_.inputs_of(u);
        if (u.kind == unit_kind::all_of) {
            chance result(1, 0);
            for (auto const slot : inputs) {
                result = both(result, values[slot]);
            }
            return result;
        }
        if (u.kind == unit_kind::any_of) {
            chance result(0, 1);
            for (auto const slot : inputs) {
                result = either(result, values[slot]);
            }
            return result;
        }
        if (u.kind == unit_kind::at_least) {
            return evaluate_threshold(u.threshold, inputs, values);
        }
        for (auto i = u.first_step; i < u.last_step; ++i) {
            auto const& s = compiled_.steps[i];
            steps[i] = choose(values[s.slot], along(s.high, steps), along(s.low, steps));
        }
        return along(u.threshold, steps);
    }

    static chance along(std::uint32_t edge, std::span<chance const> steps)
    {
        auto const c = steps[edge >> 1];
        return (edge & 1) != 0 ? !c : c;
    }

    static chance evaluate_threshold(std::size_t threshold, std::span<std::uint32_t const> inputs,
                                     std::span<chance const> values)
    {
        // Small gates, which are nearly all, without an allocation.
        constexpr std::size_t small = 32;
        chance few[small];
        double ways[small];
        if (inputs.size() < small) {
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                few[i] = values[inputs[i]];
            }
            return detail::at_least(threshold, std::span(few).first(inputs.size()), ways);
        }
        std::vector<chance> many;
        for (auto const slot : inputs) {
            many.push_back(values[slot]);
        }
        return at_least(threshold, many);
    }

    std::vector<basic_event> events_;
    detail::compiled_tree compiled_;
};

} // namespace perdure::availability

#endif
