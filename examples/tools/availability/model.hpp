// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_AVAILABILITY_MODEL_HPP
#define PERDURE_EXAMPLES_TOOLS_AVAILABILITY_MODEL_HPP

#include <perdure/availability/posterior.hpp>
#include <perdure/availability/structure/fault_tree.hpp>
#include <perdure/availability/two_state.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What a text model says, and the fault tree that it stands for.
namespace tool {

namespace availability = perdure::availability;

/// A formula over components and named formulas.
struct formula {
    enum class kind { name, all_of, any_of, at_least, negation };
    kind is = kind::name;
    std::string name; ///< of a component or formula; else what a picture calls it
    std::uint32_t threshold = 0;
    std::vector<formula> parts;
};

struct component {
    std::string name;
    availability::chance down; ///< in the long run
    std::optional<availability::two_state> unit;
    std::optional<availability::unavailability_posterior> learnt; ///< where data were given
};

struct model {
    std::vector<component> components;
    std::map<std::string, formula> formulas;
    formula top;
    bool works = true; ///< `system = ...` says what must work, `top = ...` what must happen
    availability::duration mission = availability::days(30);

    /// What has to happen that the system is down.
    [[nodiscard]] availability::fault_tree tree() const;
};

namespace detail {

/// Turns formulas into nodes: those of a block diagram into what makes them fail.
class tree_builder {
public:
    explicit tree_builder(model const& m) : model_(m)
    {
        for (auto const& c : m.components) {
            components_.emplace(c.name, &c);
        }
    }
    availability::fault_tree build()
    {
        // Formulas before those that use them; the order needs no recursion.
        std::vector<std::string> waiting;
        for (auto const& [name, f] : model_.formulas) {
            waiting.push_back(name);
            while (!waiting.empty()) {
                auto const current = waiting.back();
                if (nodes_.contains(current)) {
                    waiting.pop_back();
                    continue;
                }
                auto const before = waiting.size();
                missing(model_.formulas.at(current), waiting);
                if (waiting.size() == before) {
                    nodes_.emplace(current, node_of(model_.formulas.at(current), current));
                    waiting.pop_back();
                }
            }
        }
        tree_.set_top(node_of(model_.top, model_.top.is == formula::kind::name
                                              ? std::string()
                                              : (model_.works ? "system" : "top")));
        return std::move(tree_);
    }

private:
    using node = availability::fault_tree::node;

    void missing(formula const& f, std::vector<std::string>& names) const
    {
        if (f.is == formula::kind::name && model_.formulas.contains(f.name) &&
            !nodes_.contains(f.name)) {
            names.push_back(f.name);
        }
        for (auto const& part : f.parts) {
            missing(part, names);
        }
    }
    node node_of(formula const& f, std::string const& name)
    {
        if (f.is == formula::kind::name) {
            if (auto const known = nodes_.find(f.name); known != nodes_.end()) {
                return known->second;
            }
            auto const& c = *components_.at(f.name);
            availability::basic_event event{c.name, c.down};
            if (c.unit) {
                event.failures = c.unit->failures().per_hour();
                event.repairs = c.unit->repairs().per_hour();
            }
            return tree_.add_event(std::move(event));
        }
        std::vector<node> parts;
        for (auto const& part : f.parts) {
            parts.push_back(node_of(part, {}));
        }
        auto const n = static_cast<std::uint32_t>(parts.size());
        switch (f.is) {
        case formula::kind::all_of:
            return model_.works ? tree_.any_of(parts, name) : tree_.all_of(parts, name);
        case formula::kind::any_of:
            return model_.works ? tree_.all_of(parts, name) : tree_.any_of(parts, name);
        case formula::kind::at_least:
            return tree_.at_least(model_.works ? n - f.threshold + 1 : f.threshold, parts, name);
        case formula::kind::negation:
        case formula::kind::name:
            break;
        }
        return tree_.negation(parts.front(), name);
    }

    model const& model_;
    std::map<std::string, component const*> components_;
    std::map<std::string, node> nodes_;
    availability::fault_tree tree_;
};

} // namespace detail

inline availability::fault_tree model::tree() const
{
    return detail::tree_builder(*this).build();
}

} // namespace tool

#endif
