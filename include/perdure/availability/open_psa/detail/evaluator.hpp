// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_OPEN_PSA_DETAIL_EVALUATOR_HPP
#define PERDURE_AVAILABILITY_OPEN_PSA_DETAIL_EVALUATOR_HPP

#include <perdure/availability/open_psa/detail/document.hpp>
#include <perdure/availability/open_psa/detail/periodic_test.hpp>
#include <perdure/availability/structure/fault_tree.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace perdure::availability::detail {

/** Values of the expressions of an Open-PSA model. Of a random deviate: its mean.
 *
 *  Depth is bounded: formulas and parameters within each other more than depth_max times are
 *  refused, and so is a parameter that depends on itself.
 */
class open_psa_evaluator {
public:
    static constexpr std::size_t depth_max = 200;

    open_psa_evaluator(open_psa_document const& document, double mission_time)
        : document_(document), mission_time_(mission_time)
    {
    }

    /// The first element in `parent` that is neither a label nor attributes; null if there is none.
    static pugi::xml_node content(pugi::xml_node parent)
    {
        for (auto const child : parent.children()) {
            std::string_view const tag = child.name();
            if (child.type() == pugi::node_element && tag != "label" && tag != "attributes") {
                return child;
            }
        }
        return {};
    }

    /// The number of events a unit of time and repairs, where the expression tells them.
    struct rates {
        double failures = unknown_rate;
        double repairs = unknown_rate;
    };
    rates rates_of(pugi::xml_node e, open_psa_definition const& from)
    {
        std::string_view const tag = e.name();
        auto const a = arguments(e);
        if (tag == "exponential" && a.size() == 2) {
            return {value(a[0], from), 0};
        }
        if (tag == "GLM" && a.size() == 4) {
            return {value(a[1], from), value(a[2], from)};
        }
        return {};
    }

    double value(pugi::xml_node e, open_psa_definition const& from)
    {
        if (++depth_ > depth_max) {
            document_.refuse(e, "expressions and parameters are nested more than " +
                                    std::to_string(depth_max) + " deep");
        }
        double const result = unchecked(e, from);
        --depth_;
        if (!std::isfinite(result)) {
            document_.refuse(e, "its value is not a finite number");
        }
        return result;
    }

private:
    static std::vector<pugi::xml_node> arguments(pugi::xml_node e)
    {
        std::vector<pugi::xml_node> result;
        for (auto const child : e.children()) {
            if (child.type() == pugi::node_element) {
                result.push_back(child);
            }
        }
        return result;
    }

    double unchecked(pugi::xml_node e, open_psa_definition const& from)
    {
        std::string_view const tag = e.name();
        if (tag == "float" || tag == "int") {
            return number(e);
        }
        if (tag == "bool") {
            auto const text = document_.required(e, "value");
            if (text != "true" && text != "false") {
                document_.refuse(e, "its value is neither true nor false");
            }
            return text == "true" ? 1 : 0;
        }
        if (tag == "parameter") {
            return parameter(document_.resolve(open_psa_kind::parameter, from, e), e);
        }
        if (tag == "system-mission-time") {
            return mission_time_;
        }
        if (tag == "pi") {
            return std::numbers::pi;
        }
        if (tag == "histogram") {
            return histogram(e, from);
        }
        std::vector<double> a;
        for (auto const child : arguments(e)) {
            a.push_back(value(child, from));
        }
        if (auto const x = built_in(e, tag, a)) {
            return *x;
        }
        if (auto const x = arithmetic(e, tag, a)) {
            return *x;
        }
        document_.refuse(e, "expressions of this kind are not supported");
    }

    [[nodiscard]] double number(pugi::xml_node e) const
    {
        auto text = document_.required(e, "value");
        if (text.front() == '+') {
            text.remove_prefix(1);
        }
        double x = 0;
        auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
        if (error != std::errc{} || end != text.data() + text.size()) {
            document_.refuse(e,
                             "its value '" + std::string(text.substr(0, 40)) + "' is not a number");
        }
        return x;
    }

    double parameter(open_psa_definition const& definition, pugi::xml_node reference)
    {
        auto const [place, added] = parameters_.try_emplace(&definition);
        if (!added) {
            if (!place->second) {
                document_.refuse(reference, "the parameter depends on itself");
            }
            return *place->second;
        }
        auto const e = content(definition.element);
        if (!e) {
            document_.refuse(definition.element, "it has no expression");
        }
        double const x = value(e, definition);
        parameters_[&definition] = x;
        return x;
    }

    /// The mean of a distribution in steps.
    double histogram(pugi::xml_node e, open_psa_definition const& from)
    {
        auto const a = arguments(e);
        if (a.size() < 2) {
            document_.refuse(e, "it needs a lower bound and at least one <bin>");
        }
        double lower = value(a.front(), from);
        double mass = 0;
        double moment = 0;
        for (std::size_t i = 1; i < a.size(); ++i) {
            auto const parts = arguments(a[i]);
            if (std::string_view(a[i].name()) != "bin" || parts.size() != 2) {
                document_.refuse(a[i], "a <bin> of an upper bound and a weight is expected");
            }
            double const upper = value(parts[0], from);
            double const weight = value(parts[1], from);
            check(a[i], upper > lower && weight >= 0,
                  "bounds must grow and weights must be at least 0");
            mass += weight * (upper - lower);
            moment += weight * (upper - lower) * (upper + lower) / 2;
            lower = upper;
        }
        check(e, mass > 0, "its weights must not all be 0");
        return moment / mass;
    }

    void count(pugi::xml_node e, std::vector<double> const& a, std::size_t n) const
    {
        if (a.size() != n) {
            document_.refuse(e, "it has " + std::to_string(a.size()) + " arguments; it takes " +
                                    std::to_string(n));
        }
    }
    void check(pugi::xml_node e, bool good, char const* rule) const
    {
        if (!good) {
            document_.refuse(e, rule);
        }
    }

    std::optional<double> built_in(pugi::xml_node e, std::string_view tag,
                                   std::vector<double> const& a) const
    {
        if (tag == "exponential") {
            count(e, a, 2);
            check(e, a[0] >= 0 && a[1] >= 0, "the rate and the time must be at least 0");
            return -std::expm1(-a[0] * a[1]);
        }
        if (tag == "GLM") {
            count(e, a, 4);
            check(e, a[0] >= 0 && a[0] <= 1 && a[1] >= 0 && a[2] >= 0 && a[3] >= 0,
                  "the probability must lie in [0, 1], the rates and the time be at least 0");
            double const sum = a[1] + a[2];
            // (l - (l - g s) e^{-s t}) / s without the difference of like numbers.
            return sum == 0 ? a[0]
                            : a[1] / sum * -std::expm1(-sum * a[3]) + a[0] * std::exp(-sum * a[3]);
        }
        if (tag == "Weibull") {
            count(e, a, 4);
            check(e, a[0] > 0 && a[1] > 0 && a[2] >= 0 && a[3] >= 0,
                  "scale and shape must be more than 0, both times at least 0");
            return a[3] <= a[2] ? 0 : -std::expm1(-std::pow((a[3] - a[2]) / a[0], a[1]));
        }
        if (tag == "periodic-test") {
            check(e, a.size() == 4 || a.size() == 5,
                  "periodic tests with 4 or 5 arguments are supported");
            auto const k = a.size() - 3; // place of the period
            check(e, a[0] > 0 && a[k] > 0 && a[k + 1] >= 0 && a[k + 2] >= 0 && a[1] >= 0,
                  "the rate and the period must be more than 0, all else at least 0");
            return k == 1 ? periodic_test(a[0], a[1], a[2], a[3])
                          : periodic_test(a[0], a[1], a[2], a[3], a[4]);
        }
        return deviate(e, tag, a);
    }

    std::optional<double> deviate(pugi::xml_node e, std::string_view tag,
                                  std::vector<double> const& a) const
    {
        if (tag == "uniform-deviate") {
            count(e, a, 2);
            return (a[0] + a[1]) / 2;
        }
        if (tag == "normal-deviate") {
            count(e, a, 2);
            return a[0];
        }
        if (tag == "lognormal-deviate") {
            check(e, a.size() == 2 || a.size() == 3,
                  "it takes mu and sigma, or mean, error factor and level");
            return a.size() == 3 ? a[0] : std::exp(a[0] + a[1] * a[1] / 2);
        }
        if (tag == "gamma-deviate") {
            count(e, a, 2);
            return a[0] * a[1];
        }
        if (tag == "beta-deviate") {
            count(e, a, 2);
            check(e, a[0] > 0 && a[1] > 0, "both shapes must be more than 0");
            return a[0] / (a[0] + a[1]);
        }
        return {};
    }

    std::optional<double> arithmetic(pugi::xml_node e, std::string_view tag,
                                     std::vector<double> const& a) const
    {
        struct unary {
            char const* name;
            double (*f)(double);
        };
        static constexpr unary functions[] = {
            {"neg", [](double x) { return -x; }},
            {"not", [](double x) { return x == 0 ? 1.0 : 0.0; }},
            {"abs", [](double x) { return std::abs(x); }},
            {"exp", [](double x) { return std::exp(x); }},
            {"log", [](double x) { return std::log(x); }},
            {"log10", [](double x) { return std::log10(x); }},
            {"sqrt", [](double x) { return std::sqrt(x); }},
            {"sin", [](double x) { return std::sin(x); }},
            {"cos", [](double x) { return std::cos(x); }},
            {"tan", [](double x) { return std::tan(x); }},
            {"ceil", [](double x) { return std::ceil(x); }},
            {"floor", [](double x) { return std::floor(x); }},
        };
        for (auto const& f : functions) {
            if (tag == f.name) {
                count(e, a, 1);
                return f.f(a[0]);
            }
        }
        struct binary {
            char const* name;
            double (*f)(double, double);
        };
        static constexpr binary relations[] = {
            {"pow", [](double x, double y) { return std::pow(x, y); }},
            {"mod", [](double x, double y) { return std::fmod(x, y); }},
            {"eq", [](double x, double y) { return x == y ? 1.0 : 0.0; }},
            {"df", [](double x, double y) { return x != y ? 1.0 : 0.0; }},
            {"lt", [](double x, double y) { return x < y ? 1.0 : 0.0; }},
            {"gt", [](double x, double y) { return x > y ? 1.0 : 0.0; }},
            {"leq", [](double x, double y) { return x <= y ? 1.0 : 0.0; }},
            {"geq", [](double x, double y) { return x >= y ? 1.0 : 0.0; }},
        };
        for (auto const& f : relations) {
            if (tag == f.name) {
                count(e, a, 2);
                return f.f(a[0], a[1]);
            }
        }
        if (tag == "ite") {
            count(e, a, 3);
            return a[0] != 0 ? a[1] : a[2];
        }
        static constexpr binary folds[] = {
            {"add", [](double x, double y) { return x + y; }},
            {"sub", [](double x, double y) { return x - y; }},
            {"mul", [](double x, double y) { return x * y; }},
            {"div", [](double x, double y) { return x / y; }},
            {"min", [](double x, double y) { return std::min(x, y); }},
            {"max", [](double x, double y) { return std::max(x, y); }},
            {"and", [](double x, double y) { return x != 0 && y != 0 ? 1.0 : 0.0; }},
            {"or", [](double x, double y) { return x != 0 || y != 0 ? 1.0 : 0.0; }},
            {"mean", [](double x, double y) { return x + y; }},
        };
        for (auto const& f : folds) {
            if (tag == f.name) {
                check(e, !a.empty(), "it has no arguments");
                double x = a.front();
                for (std::size_t i = 1; i < a.size(); ++i) {
                    x = f.f(x, a[i]);
                }
                return tag == "mean" ? x / static_cast<double>(a.size()) : x;
            }
        }
        return {};
    }

    open_psa_document const& document_;
    double mission_time_;
    std::size_t depth_ = 0;
    std::map<open_psa_definition const*, std::optional<double>> parameters_;
};

} // namespace perdure::availability::detail

#endif
