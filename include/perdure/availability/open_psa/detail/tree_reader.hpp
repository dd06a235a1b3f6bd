// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_OPEN_PSA_DETAIL_TREE_READER_HPP
#define PERDURE_AVAILABILITY_OPEN_PSA_DETAIL_TREE_READER_HPP

#include <perdure/availability/open_psa/detail/document.hpp>
#include <perdure/availability/open_psa/detail/evaluator.hpp>
#include <perdure/availability/structure/common_cause.hpp>
#include <perdure/availability/structure/fault_tree.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::availability::detail {

/// Makes the fault tree below one gate of a document.
class open_psa_tree_reader {
public:
    static constexpr std::size_t formula_depth_max = 200;

    open_psa_tree_reader(open_psa_document const& document, double mission_time,
                         std::optional<double> missing)
        : document_(document), evaluator_(document, mission_time), missing_(missing)
    {
        for (auto const& group : document.common_cause_groups()) {
            for (auto const m : group.element.child("members").children("basic-event")) {
                grouped_.insert(m.attribute("name").value());
            }
        }
    }

    /// Gates that no other gate refers to, in the order of the file.
    [[nodiscard]] std::vector<open_psa_definition const*> tops() const
    {
        std::map<open_psa_definition const*, bool> referred;
        for (auto const& d : document_.definitions()) {
            if (d.kind == open_psa_kind::gate) {
                for_references(d.element, [&](pugi::xml_node reference) {
                    if (auto const* other = gate_of(d, reference)) {
                        referred[other] = true;
                    }
                });
            }
        }
        std::vector<open_psa_definition const*> result;
        for (auto const& d : document_.definitions()) {
            if (d.kind == open_psa_kind::gate && !referred[&d]) {
                result.push_back(&d);
            }
        }
        return result;
    }

    fault_tree read(open_psa_definition const& top)
    {
        // Gates below first, on a stack of our own: a model may be as deep as it is long.
        struct visit {
            open_psa_definition const* gate;
            std::vector<open_psa_definition const*> below;
            std::size_t next = 0;
        };
        enum class mark : std::uint8_t { entered, done };
        std::map<open_psa_definition const*, mark> marks;
        std::vector<visit> path;
        auto const enter = [&](open_psa_definition const& gate) {
            marks[&gate] = mark::entered;
            path.push_back({&gate, {}});
            for_references(gate.element, [&](pugi::xml_node reference) {
                if (auto const* other = gate_of(gate, reference)) {
                    path.back().below.push_back(other);
                }
            });
        };
        enter(top);
        while (!path.empty()) {
            auto& v = path.back();
            if (v.next < v.below.size()) {
                auto const* other = v.below[v.next++];
                auto const place = marks.find(other);
                if (place == marks.end()) {
                    enter(*other);
                } else if (place->second == mark::entered) {
                    document_.refuse(v.gate->element,
                                     "the gate is its own input, by way of '" + other->path + "'");
                }
                continue;
            }
            auto const formula = open_psa_evaluator::content(v.gate->element);
            if (!formula) {
                document_.refuse(v.gate->element, "it has no formula");
            }
            gates_[v.gate] = read_formula(formula, *v.gate, display_name(*v.gate), 0);
            marks[v.gate] = mark::done;
            path.pop_back();
        }
        tree_.set_top(gates_.at(&top));
        return with_groups();
    }

private:
    using node = fault_tree::node;

    /// Calls `found` for every reference below, of whatever kind, without recursion.
    template <class Found>
    static void for_references(pugi::xml_node root, Found&& found)
    {
        auto n = root.first_child();
        while (n) {
            std::string_view const tag = n.name();
            if (tag == "gate" || tag == "event") {
                found(n);
            }
            if (n.first_child()) {
                n = n.first_child();
                continue;
            }
            while (n != root && !n.next_sibling()) {
                n = n.parent();
            }
            if (n == root) {
                return;
            }
            n = n.next_sibling();
        }
    }

    [[nodiscard]] open_psa_definition const* gate_of(open_psa_definition const& from,
                                                     pugi::xml_node reference) const
    {
        std::string_view const type = reference.attribute("type").value();
        if (std::string_view(reference.name()) == "gate" || type == "gate") {
            return &document_.resolve(open_psa_kind::gate, from, reference);
        }
        if (!type.empty()) {
            return nullptr;
        }
        return document_.find(open_psa_kind::gate, from, document_.required(reference, "name"));
    }

    node read_formula(pugi::xml_node f, open_psa_definition const& from, std::string name,
                      std::size_t depth)
    {
        if (depth > formula_depth_max) {
            document_.refuse(f, "formulas are nested more than " +
                                    std::to_string(formula_depth_max) + " deep");
        }
        std::string_view const tag = f.name();
        if (tag == "gate" || tag == "event" || tag == "basic-event" || tag == "house-event") {
            return reference(f, from);
        }
        if (tag == "constant") {
            return tree_.add_constant(truth(f));
        }
        std::vector<node> inputs;
        for (auto const child : f.children()) {
            if (child.type() == pugi::node_element) {
                inputs.push_back(read_formula(child, from, {}, depth + 1));
            }
        }
        if (inputs.empty()) {
            document_.refuse(f, "it has no inputs, or is no formula");
        }
        return gate(f, tag, inputs, std::move(name));
    }

    node gate(pugi::xml_node f, std::string_view tag, std::vector<node> const& inputs,
              std::string name)
    {
        auto const n = inputs.size();
        auto const take = [&](std::size_t count) {
            if (n != count) {
                document_.refuse(f, "it has " + std::to_string(n) + " inputs; it takes " +
                                        std::to_string(count));
            }
        };
        auto const bound = [&](char const* attribute) {
            auto const text = document_.required(f, attribute);
            std::uint32_t x = 0;
            auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
            if (error != std::errc{} || end != text.data() + text.size() || x > n) {
                document_.refuse(f, std::string("its '") + attribute + "' is '" +
                                        std::string(text.substr(0, 40)) + "'; a number from 0 to " +
                                        std::to_string(n) + ", as it has inputs, is expected");
            }
            return x;
        };
        if (tag == "and") {
            return tree_.all_of(inputs, std::move(name));
        }
        if (tag == "or") {
            return tree_.any_of(inputs, std::move(name));
        }
        if (tag == "not") {
            take(1);
            return tree_.negation(inputs[0], std::move(name));
        }
        if (tag == "nand") {
            return tree_.negation(tree_.all_of(inputs), std::move(name));
        }
        if (tag == "nor") {
            return tree_.negation(tree_.any_of(inputs), std::move(name));
        }
        if (tag == "xor") {
            return tree_.odd(inputs, std::move(name));
        }
        if (tag == "iff") {
            take(2);
            return tree_.negation(tree_.odd(inputs), std::move(name));
        }
        if (tag == "imply") {
            take(2);
            return tree_.any_of(std::vector{tree_.negation(inputs[0]), inputs[1]}, std::move(name));
        }
        if (tag == "atleast") {
            return tree_.at_least(bound("min"), inputs, std::move(name));
        }
        if (tag == "cardinality") {
            auto const least = bound("min");
            auto const most = bound("max");
            if (least > most) {
                document_.refuse(f, "its 'min' is more than its 'max'");
            }
            auto const enough = tree_.at_least(least, inputs);
            if (most == n) {
                return enough;
            }
            return tree_.all_of(
                std::vector{enough, tree_.negation(tree_.at_least(most + 1, inputs))},
                std::move(name));
        }
        document_.refuse(f, "formulas of this kind are not supported");
    }

    [[nodiscard]] bool truth(pugi::xml_node constant) const
    {
        auto const text = document_.required(constant, "value");
        if (text != "true" && text != "false") {
            document_.refuse(constant, "its value is neither true nor false");
        }
        return text == "true";
    }

    node reference(pugi::xml_node f, open_psa_definition const& from)
    {
        std::string_view const tag = f.name();
        std::string_view type = f.attribute("type").value();
        if (tag != "event") {
            type = tag;
        }
        auto const name = document_.required(f, "name");
        auto const wanted = [&](char const* kind) { return type.empty() || type == kind; };
        if (wanted("gate")) {
            if (auto const* d = document_.find(open_psa_kind::gate, from, name)) {
                return gates_.at(d);
            }
        }
        if (wanted("basic-event")) {
            if (auto const* d = document_.find(open_psa_kind::basic_event, from, name)) {
                return basic_event_node(*d);
            }
        }
        if (wanted("house-event")) {
            if (auto const* d = document_.find(open_psa_kind::house_event, from, name)) {
                auto const value = open_psa_evaluator::content(d->element);
                if (!value || std::string_view(value.name()) != "constant") {
                    document_.refuse(d->element, "it has no <constant>");
                }
                return tree_.add_constant(truth(value));
            }
        }
        if (missing_ && (tag == "basic-event" || type == "basic-event")) {
            return tree_.add_event(std::string(name), *missing_);
        }
        document_.refuse(f, "nothing of this name and kind is defined");
    }

    node basic_event_node(open_psa_definition const& d)
    {
        auto const [place, added] = events_.try_emplace(&d);
        if (!added) {
            return place->second;
        }
        basic_event event{display_name(d), 0.0};
        if (auto const e = open_psa_evaluator::content(d.element)) {
            double const p = evaluator_.value(e, d);
            if (!(p >= 0 && p <= 1)) {
                document_.refuse(d.element, "its probability is " + std::to_string(p) +
                                                "; it must lie in [0, 1]");
            }
            event.happens = p;
            auto const rates = evaluator_.rates_of(e, d);
            event.failures = rates.failures;
            event.repairs = rates.repairs;
        } else if (is_grouped(d)) {
            event.happens = 0.0; // its common cause group knows
        } else if (missing_) {
            event.happens = *missing_;
        } else {
            document_.refuse(d.element, "it has no probability");
        }
        return place->second = tree_.add_event(std::move(event));
    }

    /// The plain name where it is unambiguous, else the path.
    [[nodiscard]] std::string display_name(open_psa_definition const& d) const
    {
        std::string const name = d.element.attribute("name").value();
        open_psa_definition const global{};
        return document_.find(d.kind, global, name) == &d ? name : d.path;
    }

    [[nodiscard]] bool is_grouped(open_psa_definition const& d) const
    {
        return grouped_.contains(d.element.attribute("name").value());
    }

    fault_tree with_groups()
    {
        std::vector<common_cause_group> groups;
        for (auto const& d : document_.common_cause_groups()) {
            common_cause_group group;
            bool used = false;
            for (auto const m : d.element.child("members").children("basic-event")) {
                auto const name = document_.required(m, "name");
                auto const* event = document_.find(open_psa_kind::basic_event, d, name);
                group.members.push_back(event != nullptr ? display_name(*event)
                                                         : std::string(name));
                // Members that the tree does not mention still share causes with those it does.
                if (tree_.has_event(group.members.back())) {
                    used = true;
                } else {
                    tree_.add_event(group.members.back(), 0.0);
                }
            }
            if (group.members.size() < 2) {
                document_.refuse(d.element, "a group needs at least two <members>");
            }
            if (used) {
                group.causes = causes_of(d, group.members.size());
                groups.push_back(std::move(group));
            }
        }
        return groups.empty() ? std::move(tree_) : with_common_causes(tree_, groups);
    }

    cause_probabilities causes_of(open_psa_definition const& d, std::size_t n)
    {
        auto const e = open_psa_evaluator::content(d.element.child("distribution"));
        if (!e) {
            document_.refuse(d.element, "it has no <distribution>");
        }
        double const q = evaluator_.value(e, d);
        std::string_view const model = document_.required(d.element, "model");
        bool const letters = model == "MGL" || model == "beta-factor";
        // Levels count from 1, those of letters from 2; a missing one is the next.
        std::vector<double> factors(n);
        std::size_t level = letters ? 1 : 0;
        auto const read = [&](pugi::xml_node factor) {
            ++level;
            if (auto const given = factor.attribute("level")) {
                level = given.as_uint();
            } else if (model == "beta-factor") {
                level = n;
            }
            auto const content = open_psa_evaluator::content(factor);
            if (level < (letters ? 2 : 1) || level > n || !content) {
                document_.refuse(factor, "a factor of a level from " +
                                             std::string(letters ? "2" : "1") + " to " +
                                             std::to_string(n) + " is expected");
            }
            factors[level - 1] = evaluator_.value(content, d);
        };
        for (auto const factor : d.element.children("factor")) {
            read(factor);
        }
        for (auto const factor : d.element.child("factors").children("factor")) {
            read(factor);
        }
        try {
            if (model == "beta-factor") {
                return beta_factor(n, q, factors.back());
            }
            if (model == "MGL") {
                return multiple_greek_letter(n, q, std::span(factors).subspan(1));
            }
            if (model == "alpha-factor") {
                return alpha_factor(n, q, factors, testing::non_staggered);
            }
            if (model == "phi-factor") {
                return phi_factor(n, q, factors);
            }
        } catch (std::invalid_argument const& error) {
            document_.refuse(d.element, error.what());
        }
        document_.refuse(d.element,
                         "its model is '" + std::string(model.substr(0, 40)) +
                             "'; allowed are beta-factor, MGL, alpha-factor and phi-factor");
    }

    open_psa_document const& document_;
    open_psa_evaluator evaluator_;
    std::optional<double> missing_;
    std::set<std::string, std::less<>> grouped_;
    fault_tree tree_;
    std::map<open_psa_definition const*, node> gates_;
    std::map<open_psa_definition const*, node> events_;
};

} // namespace perdure::availability::detail

#endif
