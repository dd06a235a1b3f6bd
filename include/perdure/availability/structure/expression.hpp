// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_EXPRESSION_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_EXPRESSION_HPP

#include <perdure/availability/structure/chance.hpp>
#include <perdure/availability/structure/detail/expression_steps.hpp>
#include <perdure/availability/structure/node_kind.hpp>
#include <perdure/availability/two_state.hpp>
#include <perdure/availability/unavailability.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

/** The language in which systems are written down.
 *
 *  @code
 *      component a("a", two_state(mtbf(720h), mttr(1h))), b("b", unavailability(1e-3)), ...
 *      auto service = (a & b) | k_of_n(2, c, d, e);      // a block diagram: what must work
 *      event pump("pump", probability(0.01)), ...
 *      auto top = (pump & valve) | at_least(2, x, y, z); // a fault tree: what must happen
 *  @endcode
 *
 *  `&` and, `|` or, `^` exclusive or, `!` not, k_of_n() and at_least(), named() for a part that a picture should name. Write
 *  `(!a) | b` where a negation comes first: GCC warns about `!a | b`. In a block diagram a name says "it works", in a fault
 *  tree "it happened"; failed() turns the first into the second. The two do not mix, so that a component cannot be taken for
 *  its failure.
 *
 *  **A name is one thing.** Wherever the same name occurs, it is the same component, and is counted once: (a & b) | (a & c)
 *  is a & (b | c).
 */
namespace perdure::availability {

/// What a true part of an expression means.
enum class sense : std::uint8_t {
    works,   ///< block diagrams
    happens, ///< fault trees
};

/// The number of steps of an expression that is only known at run time.
inline constexpr std::size_t any_size = static_cast<std::size_t>(-1);

/** A block diagram or a fault tree as a value, in postfix order.
 *
 *  Operators on components and events make them; name the type `auto`. Fixed sizes live without an allocation and in constant
 *  expressions, so that `static_assert(unavailability(service) <= 1e-4)` holds a deployment to its promise. Expressions over
 *  ranges, of a size known at run time, have the size any_size.
 *
 *  Names are not copied: they must outlive the expression, as literals do.
 *
 *  @par Evaluation     one step after another if no name occurs twice: a few nanoseconds each. Shared names are conditioned on
 *                      one after another, which is exact and costs 2^(shared names) evaluations; more than 16 are refused with
 *                      std::length_error. diagram (diagram.hpp) has no such limit.
 *  @par Accuracy       see chance: a few units in the last place per step, on U and on 1 - U.
 *  @throws std::invalid_argument from operators and constructors, naming the component or event; in a constant expression it
 *          does not compile.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <sense Sense, std::size_t Steps>
class expression {
public:
    /// Its number of steps is known to the compiler.
    static constexpr bool is_fixed = Steps != any_size;
    /// One step of its evaluation, a component, event or gate in postfix order.
    using step = detail::expression_step;
    /// Where the steps are kept: an array, or a vector if their number is not known to the
    /// compiler.
    using storage =
        std::conditional_t<is_fixed, std::array<step, is_fixed ? Steps : 1>, std::vector<step>>;

    /// From steps in postfix order; the operators make them.
    constexpr explicit expression(storage steps)
        : steps_(std::move(steps)), shares_(detail::shares_names(steps_))
    {
    }

    /// Its steps in postfix order.
    [[nodiscard]] constexpr std::span<step const> steps() const { return steps_; }
    /// Whether a name occurs twice.
    [[nodiscard]] constexpr bool shares() const { return shares_; }

    /// The chance that the whole is true: of a block diagram that it works, of a fault tree that it happens.
    [[nodiscard]] constexpr chance evaluate() const
    {
        return evaluate_with([](step const& leaf) { return leaf.value; });
    }
    /// The long-run unavailability; of a fault tree the probability of its top. unavailability(expression) calls it.
    [[nodiscard]] constexpr unavailability steady_state() const { return down(evaluate()); }
    /** The same at the time `t` after a start with everything up.
     *  @throws std::invalid_argument if a component or event has no rates.
     */
    [[nodiscard]] constexpr unavailability at(duration t) const
    {
        return down(evaluate_with([t](step const& leaf) {
            double const u = detail::model_of(leaf).at(t).value();
            return Sense == sense::works ? chance::complement_of(u) : chance(u);
        }));
    }
    /// With chances of the caller's: `leaf_chance(step)` for each component or event.
    template <class LeafChance>
    [[nodiscard]] constexpr chance evaluate_with(LeafChance&& leaf_chance) const
    {
        if constexpr (is_fixed) {
            std::array<chance, Steps> stack{};
            std::array<double, Steps + 2> ways{};
            return detail::evaluate_steps(steps_, shares_, leaf_chance, stack, ways);
        } else {
            std::vector<chance> stack(steps_.size());
            std::vector<double> ways(steps_.size() + 2);
            return detail::evaluate_steps(steps_, shares_, leaf_chance, stack, ways);
        }
    }

private:
    static constexpr unavailability down(chance c)
    {
        double const u = Sense == sense::works ? c.no : c.yes;
        return unavailability(u < 1 ? u : 1); // rounding may pass 1
    }

    storage steps_;
    bool shares_;
};

/// A part of a block diagram that works or does not.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class component : public expression<sense::works, 1> {
public:
    constexpr component(std::string_view name, unavailability u)
        : expression({detail::leaf(name, chance::complement_of(u.value()))})
    {
    }
    /// Fails and is repaired at known rates.
    constexpr component(std::string_view name, two_state const& model)
        : expression({detail::leaf(name, chance::complement_of(model.steady_state().value()),
                                   model.failures(), model.repairs())})
    {
    }
    /// Fails and is never repaired; ask for its state at() a time.
    constexpr component(std::string_view name, rate failures)
        : component(name, two_state(failures, rate()))
    {
    }
};

/// Something in a fault tree that happens or does not.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class event : public expression<sense::happens, 1> {
public:
    /// Happens with probability `p`, whenever it is asked.
    constexpr event(std::string_view name, probability p)
        : expression({detail::leaf(name, chance(p.value()))})
    {
    }
    constexpr event(std::string_view name, unavailability u)
        : expression({detail::leaf(name, chance(u.value()))})
    {
    }
    constexpr event(std::string_view name, two_state const& model)
        : expression({detail::leaf(name, chance(model.steady_state().value()), model.failures(),
                                   model.repairs())})
    {
    }
    constexpr event(std::string_view name, rate failures) : event(name, two_state(failures, rate()))
    {
    }
};

namespace detail {

template <sense S, std::size_t N>
constexpr expression<S, N> const& as_expression(expression<S, N> const& e)
{
    return e;
}
template <class T>
using expression_of = std::remove_cvref_t<decltype(as_expression(std::declval<T const&>()))>;

template <class T>
inline constexpr auto sense_of = sense::works;
template <sense S, std::size_t N>
inline constexpr auto sense_of<expression<S, N>> = S;
template <class T>
inline constexpr std::size_t size_of = 0;
template <sense S, std::size_t N>
inline constexpr std::size_t size_of<expression<S, N>> = N;

} // namespace detail

/// A component, an event, or what operators made of them.
template <class T>
concept structure_expression = requires(T const& t) { detail::as_expression(t); };

namespace detail {

template <structure_expression... Parts>
inline constexpr std::size_t joined_size = ((size_of<expression_of<Parts>> == any_size) || ...)
                                               ? any_size
                                               : (size_of<expression_of<Parts>> + ... + 1);

/// The steps of all parts and then one gate over them.
template <structure_expression First, structure_expression... Rest>
constexpr auto join(expression_step gate, First const& first, Rest const&... rest)
{
    constexpr auto s = sense_of<expression_of<First>>;
    static_assert(
        ((s == sense_of<expression_of<Rest>>)&&...),
        "a component says 'works' and an event says 'happens'; use failed(diagram) to put "
        "a block diagram into a fault tree");
    using result = expression<s, joined_size<First, Rest...>>;
    typename result::storage steps{};
    if constexpr (!result::is_fixed) {
        steps.resize(
            (as_expression(first).steps().size() + ... + as_expression(rest).steps().size()) + 1);
    }
    auto out = steps.begin();
    auto const append = [&](auto const& part) {
        for (auto const& step : as_expression(part).steps()) {
            *out++ = step;
        }
    };
    append(first);
    (append(rest), ...);
    gate.inputs = static_cast<std::uint32_t>(1 + sizeof...(Rest));
    *out = gate;
    return result(std::move(steps));
}

/// The same over a range.
template <std::ranges::input_range Range>
    requires structure_expression<std::ranges::range_value_t<Range>>
auto join_range(expression_step gate, Range const& parts)
{
    using part = expression_of<std::ranges::range_value_t<Range>>;
    std::vector<expression_step> steps;
    for (auto const& p : parts) {
        auto const more = as_expression(p).steps();
        steps.insert(steps.end(), more.begin(), more.end());
        ++gate.inputs;
    }
    check_threshold(gate);
    steps.push_back(gate);
    return expression<sense_of<part>, any_size>(std::move(steps));
}

} // namespace detail

/// Both: in series in a block diagram.
template <structure_expression A, structure_expression B>
constexpr auto operator&(A const& a, B const& b)
{
    return detail::join(detail::gate(node_kind::all_of), a, b);
}
/// At least one: in parallel in a block diagram.
template <structure_expression A, structure_expression B>
constexpr auto operator|(A const& a, B const& b)
{
    return detail::join(detail::gate(node_kind::any_of), a, b);
}
/// Exactly one.
template <structure_expression A, structure_expression B>
constexpr auto operator^(A const& a, B const& b)
{
    return detail::join(detail::gate(node_kind::odd), a, b);
}
/// Not this one. Write `(!a) | b` where it is the first operand: GCC takes `!a | b` for a slip (-Wparentheses).
template <structure_expression A>
constexpr auto operator!(A const& a)
{
    return detail::join(detail::gate(node_kind::negation), a);
}
/// At least `k` of the parts: that many work, or happen. @throws std::invalid_argument if k exceeds their number.
template <structure_expression... Parts>
    requires(sizeof...(Parts) > 0)
constexpr auto k_of_n(std::size_t k, Parts const&... parts)
{
    auto const gate = detail::gate(node_kind::at_least, k, sizeof...(Parts));
    return detail::join(gate, parts...);
}
/// At least `k` of the given parts; the same as k_of_n().
template <structure_expression... Parts>
    requires(sizeof...(Parts) > 0)
constexpr auto at_least(std::size_t k, Parts const&... parts)
{
    return k_of_n(k, parts...);
}

/// The same over ranges of components, events or expressions of one type. @throws std::invalid_argument if empty.
template <std::ranges::input_range Range>
    requires structure_expression<std::ranges::range_value_t<Range>>
auto k_of_n(std::size_t k, Range const& parts)
{
    auto gate = detail::gate(node_kind::at_least);
    gate.threshold = static_cast<std::uint32_t>(k);
    return detail::join_range(gate, parts);
}
/// All parts of a range. @throws std::invalid_argument if it is empty.
template <std::ranges::input_range Range>
    requires structure_expression<std::ranges::range_value_t<Range>>
auto all_of(Range const& parts)
{
    return detail::join_range(detail::gate(node_kind::all_of), parts);
}
/// Any part of a range. @throws std::invalid_argument if it is empty.
template <std::ranges::input_range Range>
    requires structure_expression<std::ranges::range_value_t<Range>>
auto any_of(Range const& parts)
{
    return detail::join_range(detail::gate(node_kind::any_of), parts);
}

/// The same expression whose last gate has a name, for pictures and messages.
template <structure_expression E>
constexpr auto named(std::string_view name, E const& e)
{
    auto gate = detail::gate(node_kind::all_of);
    gate.name = name;
    return detail::join(gate, e);
}

/// The fault tree of a block diagram: what it takes that it does not work. Every component becomes the event of its failure.
template <std::size_t N>
constexpr auto failed(expression<sense::works, N> const& diagram)
{
    using result = expression<sense::happens, N>;
    typename result::storage steps{};
    if constexpr (!result::is_fixed) {
        steps.resize(diagram.steps().size());
    }
    auto out = steps.begin();
    for (auto const& step : diagram.steps()) {
        *out++ = detail::dual(step);
    }
    return result(std::move(steps));
}

} // namespace perdure::availability

#endif
