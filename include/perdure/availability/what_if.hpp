// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_WHAT_IF_HPP
#define PERDURE_AVAILABILITY_WHAT_IF_HPP

#include <perdure/availability/two_state.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

// What would help most? And what breaks everything?
namespace perdure::availability {

/** A system as a function of its parts: model(span of unavailabilities) is the unavailability of
 *  the whole, for independent parts.
 *
 *  A lambda over series(), parallel() and k_of_n() will do, or one that evaluates a diagram.
 */
template <class Model>
concept system_model = requires(Model const& model, std::span<unavailability const> parts) {
    {
        model(parts)
    } -> std::convertible_to<unavailability>;
};

/// A unit under its name.
struct named_unit {
    std::string name;
    two_state unit; ///< its rates
};

/// How the whole reacts to one part.
struct sensitivity {
    std::string name;
    double to_unavailability; ///< dU / du: P(the whole depends on this part), Birnbaum's importance
    duration to_failure_rate; ///< dU / dl: U more per failure a second more
    duration to_repair_rate;  ///< dU / dm: negative
    /// The share of U that goes if this part never fails: u dU/du / U.
    double share;
};

/** The derivatives of the whole by each part's rates, the most important part first.
 *
 *  @par Formula    U is linear in each u alone, so dU/du = U(u = 1) - U(u = 0) exactly, without a
 *                  step width; du/dl = m / (l + m)^2, du/dm = -l / (l + m)^2.
 *  @par Complexity two evaluations of the model a part
 */
template <system_model Model>
std::vector<sensitivity> sensitivities(Model const& model, std::span<named_unit const> units)
{
    std::vector<unavailability> parts;
    for (auto const& u : units) {
        parts.push_back(u.unit.steady_state());
    }
    double const whole = unavailability(model(parts)).value();
    std::vector<sensitivity> result;
    for (std::size_t i = 0; i < units.size(); ++i) {
        auto const own = parts[i];
        auto const with = [&](double u) {
            parts[i] = unavailability(u);
            return unavailability(model(parts)).value();
        };
        double const without = with(0);
        double const slope = with(1) - without;
        parts[i] = own;
        double const l = units[i].unit.failures().per_second();
        double const m = units[i].unit.repairs().per_second();
        double const sum = l + m;
        bool const moves = sum > 0;
        result.push_back({units[i].name, slope, duration(moves ? slope * (m / sum) / sum : 0),
                          duration(moves ? -slope * (l / sum) / sum : 0),
                          whole > 0 ? slope * own.value() / whole : 0});
    }
    std::stable_sort(result.begin(), result.end(),
                     [](auto const& a, auto const& b) { return a.share > b.share; });
    return result;
}

/// One change and what it would do.
struct what_if_answer {
    std::string change;   ///< what is changed, in words
    unavailability whole; ///< unavailability of the whole with that change
    double nines_gained;  ///< over the system as it is; negative if it gets worse
};

/** Tries changes on a system and ranks them by the nines that they would buy.
 *
 *  Changes of rates are made on the units, changes of structure (another replica, a switch less)
 *  as another model of the same units, with the same order of parts and perhaps more of them.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <system_model Model>
class what_if {
public:
    /// The system as it is: the model, and the units in its order of parts.
    what_if(Model model, std::vector<named_unit> units)
        : model_(std::move(model)), units_(std::move(units)), before_(evaluate(model_, units_))
    {
    }

    /// Unavailability of the whole as it is.
    [[nodiscard]] unavailability before() const { return before_; }

    /// Any change of one unit. `i` counts from 0 in the order of the units.
    what_if& change(std::string what, std::size_t i, two_state unit)
    {
        auto units = units_;
        units.at(i).unit = unit;
        return add(std::move(what), evaluate(model_, units));
    }
    /// Repairs of unit `i` take a `factor`-th of the time. @throws std::invalid_argument unless it
    /// is finite and more than 0
    what_if& divide_repair_time(std::size_t i, double factor)
    {
        auto const& u = units_.at(i);
        return change("repair " + u.name + " " + times(factor) + " faster", i,
                      two_state(u.unit.failures(), factor * u.unit.repairs()));
    }
    /// Unit `i` fails `factor` times more rarely. @throws std::invalid_argument unless it is finite
    /// and more than 0
    what_if& divide_failure_rate(std::size_t i, double factor)
    {
        auto const& u = units_.at(i);
        return change("make " + u.name + " fail " + times(factor) + " more rarely", i,
                      two_state(1 / factor * u.unit.failures(), u.unit.repairs()));
    }
    /// A unit that never fails, or is not needed any more.
    what_if& remove(std::size_t i)
    {
        auto const& u = units_.at(i);
        return change("do without " + u.name, i, two_state(rate{}, u.unit.repairs()));
    }
    /// Two units side by side where there is one now, either of which suffices.
    what_if& duplicate(std::size_t i)
    {
        std::vector<unavailability> parts = unavailabilities(units_);
        auto& u = parts.at(i);
        u = unavailability(u.value() * u.value());
        return add("duplicate " + units_[i].name, unavailability(model_(parts)));
    }
    /// Another structure.
    template <system_model Other>
    what_if& replace(std::string what, Other const& model)
    {
        return add(std::move(what), evaluate(model, units_));
    }
    /// Another structure with other units.
    template <system_model Other>
    what_if& replace(std::string what, Other const& model, std::vector<named_unit> const& units)
    {
        return add(std::move(what), evaluate(model, units));
    }

    /// The best first.
    [[nodiscard]] std::vector<what_if_answer> ranked() const
    {
        auto result = answers_;
        std::stable_sort(result.begin(), result.end(),
                         [](auto const& a, auto const& b) { return a.whole < b.whole; });
        return result;
    }

private:
    static std::string times(double factor)
    {
        detail::require(factor > 0 && factor < detail::infinity, "factor", factor,
                        "it must be finite and more than 0");
        return factor == 2 ? "twice" : detail::shortest(factor) + " times";
    }
    static std::vector<unavailability> unavailabilities(std::vector<named_unit> const& units)
    {
        std::vector<unavailability> parts;
        for (auto const& u : units) {
            parts.push_back(u.unit.steady_state());
        }
        return parts;
    }
    template <class Other>
    static unavailability evaluate(Other const& model, std::vector<named_unit> const& units)
    {
        auto const parts = unavailabilities(units);
        return unavailability(model(std::span<unavailability const>(parts)));
    }
    what_if& add(std::string what, unavailability whole)
    {
        double const gained = whole == before_ ? 0 : whole.nines() - before_.nines();
        answers_.push_back({std::move(what), whole, gained});
        return *this;
    }

    Model model_;
    std::vector<named_unit> units_;
    unavailability before_;
    std::vector<what_if_answer> answers_;
};

/// Parts that bring down the whole when they are down together, and none of them alone or in a
/// smaller group does.
struct breaking_set {
    std::vector<std::size_t> parts; ///< their places in the order of the parts, ascending
    double share;                   ///< P(all of them are down) / U of the whole
};

/** The smallest groups of parts that break the whole, most likely first: groups of one are single
 *  points of failure.
 *
 *  Asks the model with every part either up or down; for large systems and complete lists there is
 *  the structure part with its cut sets.
 *
 *  @param size_max     1 to 3
 *  @par Complexity     O(parts^size_max) evaluations
 */
template <system_model Model>
std::vector<breaking_set> breaking_sets(Model const& model, std::span<unavailability const> units,
                                        std::size_t size_max = 2)
{
    detail::require(size_max >= 1 && size_max <= 3, "size_max", static_cast<double>(size_max),
                    "it must lie between 1 and 3");
    auto const n = units.size();
    double const whole = unavailability(model(units)).value();
    std::vector<unavailability> parts(n, unavailability(0));
    std::vector<breaking_set> found;
    if (unavailability(model(std::span<unavailability const>(parts))) > 0.5) {
        return {{{}, whole > 0 ? 1 / whole : 0}}; // down with everything up
    }
    std::vector<std::size_t> chosen;
    auto const known = [&] { // a smaller set within the chosen one breaks it already
        return std::any_of(found.begin(), found.end(), [&](breaking_set const& s) {
            return std::includes(chosen.begin(), chosen.end(), s.parts.begin(), s.parts.end());
        });
    };
    auto const visit = [&](auto const& self, std::size_t first, std::size_t left) -> void {
        if (left == 0) {
            if (!known() && unavailability(model(std::span<unavailability const>(parts))) > 0.5) {
                double p = 1;
                for (auto i : chosen) {
                    p *= units[i].value();
                }
                found.push_back({chosen, whole > 0 ? p / whole : 0});
            }
            return;
        }
        for (auto i = first; i + left <= n; ++i) {
            chosen.push_back(i);
            parts[i] = unavailability(1);
            self(self, i + 1, left - 1);
            parts[i] = unavailability(0);
            chosen.pop_back();
        }
    };
    for (std::size_t size = 1; size <= size_max; ++size) {
        visit(visit, 0, size);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](auto const& a, auto const& b) { return a.share > b.share; });
    return found;
}

} // namespace perdure::availability

#endif
