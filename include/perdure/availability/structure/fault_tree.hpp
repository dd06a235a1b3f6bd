// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_FAULT_TREE_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_FAULT_TREE_HPP

#include <perdure/availability/structure/chance.hpp>
#include <perdure/availability/structure/node_kind.hpp>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::availability {

/// A rate that nobody told us.
inline constexpr double unknown_rate = std::numeric_limits<double>::quiet_NaN();

/** Something that happens or does not, independently of every other basic event.
 *
 *  For a component that fails and is repaired: `happens` is its unavailability, `failures` the rate at which it fails while
 *  up, `repairs` the rate at which it is repaired while down. Any unit of time will do, the same for all events.
 */
struct basic_event {
    std::string name;
    chance happens;                 ///< the probability that it has happened
    double failures = unknown_rate; ///< rate of failures while up; unknown_rate unless it was told
    double repairs = unknown_rate;  ///< rate of repairs while down; unknown_rate unless it was told
};

/** What makes a system fail: a graph of gates over basic events, with one top.
 *
 *  The form in which models are held at run time. Expressions (expression.hpp) and files (open_psa.hpp) become one, and
 *  a diagram (diagram.hpp) calculates with it. Gates may share inputs and events. A node can only refer to nodes that exist,
 *  so there are no cycles.
 *
 *  @par Complexity     adding is O(inputs), O(log events) for an event. Memory is linear in nodes and their inputs.
 *  @par Thread safety  Distinct objects: safe. Shared objects: const members are safe.
 *  @throws std::invalid_argument from the adding members, naming the event or gate.
 */
class fault_tree {
public:
    /// A node of this tree.
    struct node {
        std::uint32_t index = 0; ///< its number in the order of adding
        friend constexpr auto operator<=>(node, node) = default;
    };

    /** Adds the event, or finds it: a name stands for one event however often it is used.
     *  @throws std::invalid_argument if the name is empty, a probability is outside [0, 1], a rate negative or infinite, or
     *          the name is known with other numbers.
     */
    node add_event(basic_event event)
    {
        check(event);
        auto const [place, added] =
            event_nodes_.try_emplace(event.name, node{static_cast<std::uint32_t>(nodes_.size())});
        if (!added) {
            auto const& known = events_[nodes_[place->second.index].threshold];
            if (known.happens != event.happens || !same(known.failures, event.failures) ||
                !same(known.repairs, event.repairs)) {
                throw std::invalid_argument(
                    "event '" + event.name +
                    "' is used twice with different numbers; one name is one event");
            }
            return place->second;
        }
        // An event's threshold is its place in events(), and its name is there.
        nodes_.push_back({node_kind::event,
                          static_cast<std::uint32_t>(events_.size()),
                          static_cast<std::uint32_t>(inputs_.size()),
                          0,
                          {}});
        events_.push_back(std::move(event));
        return place->second;
    }
    node add_event(std::string name, chance happens)
    {
        return add_event(basic_event{std::move(name), happens});
    }

    /// Adds something that always or never happens.
    node add_constant(bool value)
    {
        nodes_.push_back({node_kind::constant,
                          value ? 1U : 0U,
                          static_cast<std::uint32_t>(inputs_.size()),
                          0,
                          {}});
        return last();
    }

    /// Adds an AND gate: all inputs happen. At least one input.
    node all_of(std::span<node const> inputs, std::string name = {})
    {
        return add_gate(node_kind::all_of, inputs, 0, std::move(name));
    }
    /// Adds an OR gate: some input happens. At least one input.
    node any_of(std::span<node const> inputs, std::string name = {})
    {
        return add_gate(node_kind::any_of, inputs, 0, std::move(name));
    }
    /// `threshold` or more of the inputs, an input named twice counting twice.
    node at_least(std::uint32_t threshold, std::span<node const> inputs, std::string name = {})
    {
        return add_gate(node_kind::at_least, inputs, threshold, std::move(name));
    }
    /// Adds an XOR gate: an odd number of the inputs happens. At least one input.
    node odd(std::span<node const> inputs, std::string name = {})
    {
        return add_gate(node_kind::odd, inputs, 0, std::move(name));
    }
    /// Adds a NOT gate: the input does not happen.
    node negation(node input, std::string name = {})
    {
        return add_gate(node_kind::negation, std::span(&input, 1), 0, std::move(name));
    }

    /// Names a gate.
    void set_name(node gate, std::string name)
    {
        check(gate, "set_name()");
        assert(kind(gate) != node_kind::event);
        nodes_[gate.index].name = std::move(name);
    }
    /** Adds a copy of what is below the top of another tree, and makes its top this one's.
     *  @param event    gives the node of this tree that stands for an event of the other (by its place in other.events())
     */
    template <class Event>
    void append(fault_tree const& other, Event&& event)
    {
        std::vector<node> copies(other.size());
        std::vector<node> inputs;
        for (std::uint32_t i = 0; i <= other.top().index; ++i) {
            node const n{i};
            if (other.kind(n) == node_kind::event) {
                copies[i] = event(other.event(n));
            } else if (other.kind(n) == node_kind::constant) {
                copies[i] = add_constant(other.threshold(n) != 0);
            } else {
                inputs.clear();
                for (node const input : other.inputs(n)) {
                    inputs.push_back(copies[input.index]);
                }
                copies[i] = add_gate(other.kind(n), inputs, other.threshold(n), other.name(n));
            }
        }
        top_ = copies[other.top().index];
    }
    /// Makes a node of this tree the top.
    void set_top(node top)
    {
        check(top, "the top");
        top_ = top;
    }
    /// The top; until set_top() was called, the node that was added last. @pre the tree has a node.
    [[nodiscard]] node top() const { return top_.index == none ? last() : top_; }

    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    /// The basic events in the order of adding.
    [[nodiscard]] std::span<basic_event const> events() const { return events_; }
    /// Whether the node is an event, a constant or which gate. @pre n is a node of this tree
    [[nodiscard]] node_kind kind(node n) const { return nodes_[n.index].kind; }
    /// What a gate is over; empty for events and constants. Valid until a node is added.
    [[nodiscard]] std::span<node const> inputs(node n) const
    {
        return std::span(inputs_).subspan(nodes_[n.index].begin, nodes_[n.index].count);
    }
    /// Of at_least: how many; of a constant: its value.
    [[nodiscard]] std::uint32_t threshold(node n) const { return nodes_[n.index].threshold; }
    /// The place in events() of an event's node.
    [[nodiscard]] std::uint32_t event(node n) const { return nodes_[n.index].threshold; }
    /// The node's name; empty for a gate without one.
    [[nodiscard]] std::string const& name(node n) const
    {
        return kind(n) == node_kind::event ? events_[event(n)].name : nodes_[n.index].name;
    }
    /// The place in events() of the event with this name. @throws std::invalid_argument if there is none.
    [[nodiscard]] std::uint32_t event(std::string_view name) const
    {
        auto const place = event_nodes_.find(name);
        if (place == event_nodes_.end()) {
            throw std::invalid_argument("there is no event '" + std::string(name) + "'");
        }
        return event(place->second);
    }
    /// Whether there is an event of this name. O(log events).
    [[nodiscard]] bool has_event(std::string_view name) const
    {
        return event_nodes_.contains(name);
    }
    /// The chances of all events, in the order of events().
    [[nodiscard]] std::vector<chance> chances() const
    {
        std::vector<chance> result(events_.size());
        std::ranges::transform(events_, result.begin(), &basic_event::happens);
        return result;
    }
    /// Changes the numbers of one event; the graph stays.
    void set_chance(std::uint32_t event, chance happens)
    {
        basic_event changed = events_.at(event);
        changed.happens = happens;
        check(changed);
        events_[event].happens = happens;
    }

private:
    static constexpr std::uint32_t none = 0xffffffff;

    struct record {
        node_kind kind;
        std::uint32_t threshold;
        std::uint32_t begin; ///< of its inputs in inputs_
        std::uint32_t count;
        std::string name;
    };

    [[nodiscard]] node last() const { return {static_cast<std::uint32_t>(nodes_.size() - 1)}; }

    static bool same(double a, double b) { return a == b || (a != a && b != b); }

    static void check(basic_event const& event)
    {
        if (event.name.empty()) {
            throw std::invalid_argument(
                "an event has no name; the name is what tells events apart");
        }
        auto const in_range = [](double p) { return p >= 0 && p <= 1; };
        if (!in_range(event.happens.yes) || !in_range(event.happens.no) ||
            std::abs(event.happens.yes + event.happens.no - 1) > 1e-12) {
            throw std::invalid_argument("event '" + event.name + "' has the probability " +
                                        std::to_string(event.happens.yes) +
                                        " (of the opposite: " + std::to_string(event.happens.no) +
                                        "); both must lie in [0, 1] and add up to 1");
        }
        for (double rate : {event.failures, event.repairs}) {
            if (rate < 0 || rate > std::numeric_limits<double>::max()) {
                throw std::invalid_argument("event '" + event.name + "' has the rate " +
                                            std::to_string(rate) +
                                            "; rates are finite and at least 0");
            }
        }
    }
    void check(node n, char const* who) const
    {
        if (n.index >= nodes_.size()) {
            throw std::invalid_argument(std::string(who) + " refers to node " +
                                        std::to_string(n.index) + " of a tree that has " +
                                        std::to_string(nodes_.size()));
        }
    }

    node add_gate(node_kind kind, std::span<node const> inputs, std::uint32_t threshold,
                  std::string name)
    {
        std::string const who = name.empty() ? "a gate" : "gate '" + name + "'";
        if (inputs.empty()) {
            throw std::invalid_argument(who + " has no inputs; it needs at least one");
        }
        if (kind == node_kind::at_least && threshold > inputs.size()) {
            throw std::invalid_argument(who + " asks for " + std::to_string(threshold) + " of " +
                                        std::to_string(inputs.size()) +
                                        " inputs; it can ask for as many as it has");
        }
        for (node input : inputs) {
            check(input, who.c_str());
        }
        std::vector<node> const copy(inputs.begin(), inputs.end()); // `inputs` may lie in inputs_
        nodes_.push_back({kind, threshold, static_cast<std::uint32_t>(inputs_.size()),
                          static_cast<std::uint32_t>(copy.size()), std::move(name)});
        inputs_.insert(inputs_.end(), copy.begin(), copy.end());
        return last();
    }

    std::vector<record> nodes_;
    std::vector<node> inputs_;
    std::vector<basic_event> events_;
    std::map<std::string, node, std::less<>> event_nodes_;
    node top_{none};
};

} // namespace perdure::availability

#endif
