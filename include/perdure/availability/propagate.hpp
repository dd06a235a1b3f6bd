// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_PROPAGATE_HPP
#define PERDURE_AVAILABILITY_PROPAGATE_HPP

#include <perdure/availability/estimate.hpp>
#include <perdure/availability/uncertain.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// From the uncertainty of a model's inputs to that of its answer: "4.1 nines, between 3.6 and 4.4
// with 90 %".
namespace perdure::availability {

/// How many samples propagate() draws, and from which seed.
struct propagation_options {
    std::size_t samples = 2000; ///< evaluations of the model; at least 1
    std::uint64_t seed = 1;     ///< the same seed gives the same answer, on every system
};

/// The distribution of an answer, as equally likely values in ascending order.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
template <class Quantity>
class spread {
public:
    /// @throws std::invalid_argument if there is no value
    explicit spread(std::vector<Quantity> values) : values_(std::move(values))
    {
        detail::require(!values_.empty(), "values", 0, "at least one is needed");
        std::sort(values_.begin(), values_.end());
    }

    /// All of them, ascending.
    [[nodiscard]] std::vector<Quantity> const& values() const { return values_; }
    /// The value below which a share p of them lies; p in [0, 1].
    [[nodiscard]] Quantity quantile(double p) const
    {
        auto const n = static_cast<double>(values_.size());
        double const rank = std::clamp(std::ceil(p * n) - 1, 0., n - 1);
        return values_[static_cast<std::size_t>(rank)];
    }
    /// quantile(0.5).
    [[nodiscard]] Quantity median() const { return quantile(0.5); }
    /// The median with an interval. A side that is not asked for holds the extreme value seen.
    [[nodiscard]] estimate<Quantity> interval(confidence sure) const
    {
        return {median(), quantile(sure.below()), quantile(1 - sure.above()), sure};
    }

private:
    std::vector<Quantity> values_;
};

namespace detail {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
class split_mix {
public:
    explicit split_mix(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next()
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    /// Uniform in (0, 1), both excluded.
    double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }

private:
    std::uint64_t state_;
};

/// `n` values of an input, one out of every n-th of its distribution, shuffled; the middle of each
/// if it is the `only` input.
template <uncertain Input>
auto sample_evenly(Input const& input, std::size_t n, bool only, split_mix& random)
{
    std::vector<decltype(input.quantile(0.5))> column;
    column.reserve(n);
    for (std::size_t s = 0; s < n; ++s) {
        double const within = only ? 0.5 : random.uniform();
        column.push_back(
            input.quantile((static_cast<double>(s) + within) / static_cast<double>(n)));
    }
    for (std::size_t s = n; s > 1; --s) {
        std::swap(column[s - 1], column[static_cast<std::size_t>(random.next() % s)]);
    }
    return column;
}

inline std::size_t checked_samples(propagation_options const& options)
{
    require(options.samples >= 1, "samples", static_cast<double>(options.samples),
            "it must be at least 1");
    return options.samples;
}

} // namespace detail

/** The distribution of `model(inputs)` when each input has a distribution of its own, independent
 *  of the others.
 *
 *  @param model    called with a std::span of the inputs' values, returns the answer (any ordered
 *                  type); must not depend on earlier calls
 *  @param inputs   things with quantile(p), such as unavailability_posterior
 *
 *  @par Method     Latin hypercube: each input takes one value in every n-th of its distribution,
 *                  in an order shuffled with the seed; a single input takes the middle of each,
 *                  which is quadrature. [McKay, Beckman, Conover, Technometrics 21, 1979.]
 *  @par Accuracy   2000 samples give the 5 % and 95 % quantiles of the answer to about 2 % of its
 *                  width; with a single input to its 1 / 2000 part.
 *  @par Complexity samples evaluations of the model and of each quantile
 *  @throws std::invalid_argument for 0 samples; what the model throws
 */
template <class Model, class Input>
auto propagate(Model&& model, std::span<Input const> inputs, propagation_options options = {})
{
    using value = decltype(inputs.front().quantile(0.5));
    using answer = std::remove_cvref_t<decltype(model(std::span<value const>()))>;
    auto const n = detail::checked_samples(options);
    detail::split_mix random(options.seed);
    std::vector<value> table; // input i of sample s at i n + s
    table.reserve(n * inputs.size());
    for (auto const& input : inputs) {
        auto const column = detail::sample_evenly(input, n, inputs.size() == 1, random);
        table.insert(table.end(), column.begin(), column.end());
    }
    std::vector<answer> answers;
    answers.reserve(n);
    std::vector<value> row;
    for (std::size_t s = 0; s < n; ++s) {
        row.clear();
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            row.push_back(table[i * n + s]);
        }
        answers.push_back(model(std::span<value const>(row)));
    }
    return spread<answer>(std::move(answers));
}

/** The same for a model of a few inputs of different kinds, each an argument of its own.
 *
 *  Every model of this part takes its inputs as arguments, so that its answer carries their
 *  intervals by a lambda around it; docs/availability/uncertainty.md has one for each.
 *
 *  @code
 *      // Two nodes and one crew; 8 failures in 8000 h, and a repair that takes "3 to 30 h".
 *      auto const answer = propagate(
 *          [](rate failures, mttr repair) {
 *              redundant_system const s({{"node", 2, 1, {failures, rate_of(repair)}}}, {1});
 *              return long_run(s.chain(), s.down()).down();
 *          },
 *          rate_posterior(8, 8000h),
 *          interval_input<mttr>({mttr(10h), mttr(3h), mttr(30h), confidence::two_sided(0.9)}));
 *      auto const u = answer.interval(confidence::two_sided(0.9));
 *  @endcode
 *  @param model    called with one value of every input, in their order
 */
template <class Model, uncertain... Inputs>
    requires(sizeof...(Inputs) > 0)
auto propagate(Model&& model, propagation_options options, Inputs const&... inputs)
{
    using answer = std::remove_cvref_t<decltype(model(inputs.quantile(0.5)...))>;
    static_assert(std::totally_ordered<answer>,
                  "the model's answer must be one ordered quantity; take a member of a struct");
    auto const n = detail::checked_samples(options);
    detail::split_mix random(options.seed);
    // Braces: the inputs are sampled in their order.
    auto const columns = std::tuple{
        detail::sample_evenly(inputs, n, sizeof...(Inputs) == 1, random)...};
    std::vector<answer> answers;
    answers.reserve(n);
    for (std::size_t s = 0; s < n; ++s) {
        answers.push_back(
            std::apply([&](auto const&... column) { return model(column[s]...); }, columns));
    }
    return spread<answer>(std::move(answers));
}
/// With the default options.
template <class Model, uncertain... Inputs>
    requires(sizeof...(Inputs) > 0)
auto propagate(Model&& model, Inputs const&... inputs)
{
    return propagate(std::forward<Model>(model), propagation_options{}, inputs...);
}

} // namespace perdure::availability

#endif
