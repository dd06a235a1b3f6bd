// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_STEADY_HPP
#define PERDURE_AVAILABILITY_MARKOV_STEADY_HPP

#include <perdure/availability/markov/chain.hpp>
#include <perdure/availability/markov/detail/certify.hpp>
#include <perdure/availability/markov/detail/classes.hpp>
#include <perdure/availability/markov/detail/elimination.hpp>
#include <perdure/availability/markov/detail/sweeps.hpp>
#include <perdure/availability/unavailability.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace perdure::availability {

/// A number and a bound on its distance from the exact answer of the model, which holds whatever
/// the arithmetic did.
struct certified {
    double value = 0;       ///< the number, as near as it was calculated
    double error = 0;       ///< |value - exact| <= error
    std::size_t sweeps = 0; ///< of the iteration; 0 if it was solved directly

    /// error / value; 0 for a value of 0.
    [[nodiscard]] double relative_error() const { return value == 0 ? 0 : error / value; }
    /// For the measure of being down. @throws std::invalid_argument if the value passes 1
    [[nodiscard]] unavailability down() const { return unavailability(std::min(value, 1.)); }
};

/// An iteration that would have had to answer with a larger error than was asked for.
class not_converged : public std::runtime_error {
public:
    /// @param reached the best answer there was when it gave up
    not_converged(std::string const& what, certified reached)
        : std::runtime_error(what), reached_(reached)
    {
    }
    /// The best value so far, with its bound (infinite if there is none).
    [[nodiscard]] certified const& reached() const { return reached_; }

private:
    certified reached_;
};

/// How the long run is solved, and when the solver gives up.
struct steady_options {
    /// Answers with a larger bound, relative to the value, are refused.
    double relative_error = 1e-9;
    /// Chains of more states are solved by iteration.
    std::size_t direct_states_max = 3'000;
    /// The iteration gives up after so many passes over the chain.
    std::size_t sweeps_max = 20'000;
    /// Whether states that the chain leaves for ever are allowed; they count with probability 0.
    bool transient_states = false;
};

namespace detail {

/// A state that the chain returns to, or an error that says which states are in the way.
inline chain_state recurrent_state(markov_chain const& chain, bool transient_states)
{
    auto const classes = classes_of(chain);
    std::optional<chain_state> closed;
    for (std::size_t c = 0; c < classes.member.size(); ++c) {
        if (classes.open[c] != 0) {
            continue;
        }
        auto const s = classes.member[c];
        if (closed) {
            throw std::invalid_argument(
                "the chain has two parts that it never leaves, one around '" +
                chain.name(*closed) + "' and one around '" + chain.name(s) +
                "'; its long run depends on where it starts");
        }
        closed = s;
    }
    if (classes.member.size() > 1 && !transient_states) {
        if (classes.size[classes.of[*closed]] == 1) {
            throw std::invalid_argument("the state '" + chain.name(*closed) +
                                        "' is absorbing: nothing leads out of it, so the chain "
                                        "ends there; give it a way back, or ask first_passage "
                                        "for the time until it");
        }
        for (std::size_t s = 0; s < chain.size(); ++s) {
            if (classes.of[s] != classes.of[*closed]) {
                throw std::invalid_argument(
                    "the chain is reducible: nothing leads back from '" + chain.name(*closed) +
                    "' to '" + chain.name(static_cast<chain_state>(s)) +
                    "'; allow transient_states if that is meant");
            }
        }
    }
    // The state that is left least easily in a closed class is not known; its first will do.
    for (std::size_t s = 0; s < chain.size(); ++s) {
        if (classes.of[s] == classes.of[*closed]) {
            return static_cast<chain_state>(s);
        }
    }
    return *closed;
}

inline std::vector<unsigned char> only(std::size_t n, chain_state s)
{
    std::vector<unsigned char> result(n, 0);
    result[s] = 1;
    return result;
}

/// Time in each state for one unit of time in `home`.
inline std::vector<double> weights_from(markov_chain const& chain, elimination const& solved,
                                        chain_state home)
{
    std::vector<double> started(chain.size(), 0.);
    auto const r = chain.from(home);
    for (std::size_t i = 0; i < r.to.size(); ++i) {
        started[r.to[i]] = r.per_second[i];
    }
    auto x = solved.time_spent(started);
    x[home] = 1;
    return x;
}

/// Chains up to this size fall back on elimination where sweeps do not converge.
inline constexpr std::size_t direct_states_limit = 20'000;

struct solved_chain {
    chain_state home;
    elimination factors;
    std::vector<double> weights; ///< the long-run probabilities but for their sum
};

/// Eliminated with a home where the chain often is: from a rare one, what is collected on the way
/// back to it would be large and lose digits. Nothing if the chain fills up too much.
inline std::optional<solved_chain> solve_from_best_home(markov_chain const& chain, chain_state home)
{
    for (bool again = false;; again = true) {
        elimination factors(chain, only(chain.size(), home));
        if (!factors.done()) {
            return {};
        }
        auto x = weights_from(chain, factors, home);
        auto const most = std::max_element(x.begin(), x.end());
        if (again || *most <= 10 * x[home]) {
            return solved_chain{home, std::move(factors), std::move(x)};
        }
        home = static_cast<chain_state>(most - x.begin());
    }
}

/// By elimination, with its bound; nothing if the chain fills up too much.
inline std::optional<certified> long_run_directly(markov_chain const& chain,
                                                  std::span<double const> measure, chain_state home)
{
    auto const solved = solve_from_best_home(chain, home);
    if (!solved) {
        return {};
    }
    auto const& x = solved->weights;
    home = solved->home;
    careful_sum total, sum;
    for (std::size_t s = 0; s < x.size(); ++s) {
        total.add(x[s]);
        sum.add(x[s] * measure[s]);
    }
    double const value = sum.value() / total.value();
    std::vector<double> wanted(measure.begin(), measure.end());
    for (double& w : wanted) {
        w += 2 * value;
    }
    auto const h = solved->factors.collected(wanted);
    // Each step of the elimination is exact for rates that are off by n + 4 roundings, and n - k
    // states answer to a relative change of their rates by twice n - k times as much at most
    // (O'Cinneide 1993): about n^3 roundings together, however stiff the chain is.
    auto const n = static_cast<double>(chain.size());
    double error = n * n * (n + 8) * rounding_unit * value;
    double const quality = bounding_quality(chain, h, measure, 2 * value, home);
    if (quality > 0) {
        incoming const in(chain);
        auto const b = bound_by_residual(chain, in, x, h, quality, measure);
        if (b.error <= 0.1 * b.value) { // what the proof asks for
            error = std::min(error, b.error);
        }
    }
    return certified{value, error, 0};
}

} // namespace detail

/** The probability of each state in the long run.
 *
 *  @par Method     elimination without subtractions (Grassmann, Taksar, Heyman 1985), sparse, in the
 *                  order of least fill.
 *  @par Accuracy   each probability to about 1e-14 relative, however small it is and however stiff
 *                  the rates.
 *  @par Complexity for chains of components and crews about states^1.5 to states^2 operations; full
 *                  chains states^3 / 3.
 *  @throws std::invalid_argument naming the states, if the chain has an absorbing state or parts
 *          that cannot reach each other; std::length_error beyond 20 000 states or what
 *          elimination can hold: ask long_run() for one measure instead
 */
inline std::vector<double> stationary(markov_chain const& chain, steady_options const& options = {})
{
    auto const home = detail::recurrent_state(chain, options.transient_states);
    auto const refuse = [&] {
        throw std::length_error("a chain of " + std::to_string(chain.size()) +
                                " states is too large for all of its probabilities at once; ask "
                                "long_run() for a measure");
    };
    if (chain.size() > detail::direct_states_limit) {
        refuse();
    }
    detail::elimination const solved(chain, detail::only(chain.size(), home));
    if (!solved.done()) {
        refuse();
    }
    auto x = detail::weights_from(chain, solved, home);
    detail::careful_sum total;
    for (double w : x) {
        total.add(w);
    }
    for (double& w : x) {
        w /= total.value();
    }
    return x;
}

/** The long-run average of a measure: with an indicator() of the states that are down, the
 *  unavailability; with a cost by state, the mean cost.
 *
 *  @param measure      a number by state, at least 0
 *
 *  @par Method         elimination up to direct_states_max, else Gauss-Seidel sweeps in the order of
 *                      the states (explore()'s order suits) over the states that matter, and
 *                      elimination after all where these do not converge (up to 20 000 states).
 *  @par Accuracy       the answer carries a bound: that of elimination (states^3 roundings), or one
 *                      computed from the residual (detail/certify.hpp has the proof); about 1e-14
 *                      relative when solved directly. A bound above options.relative_error is refused.
 *  @throws not_converged with the bound that was reached; std::invalid_argument as stationary()
 */
inline certified long_run(markov_chain const& chain, std::span<double const> measure,
                          steady_options const& options = {})
{
    detail::check_measure(chain, measure, "measure");
    auto home = detail::recurrent_state(chain, options.transient_states);
    if (std::all_of(measure.begin(), measure.end(), [](double m) { return m == 0; })) {
        return {};
    }
    if (chain.size() == 1) {
        return {measure[0], 0, 0};
    }
    if (chain.size() <= options.direct_states_max) {
        if (auto const direct = detail::long_run_directly(chain, measure, home);
            direct && direct->relative_error() <= options.relative_error) {
            return *direct;
        }
    }
    detail::sweeps iteration(chain, measure, home, options.relative_error, options.sweeps_max);
    auto const b = iteration.run();
    certified const reached{b.value, b.error, iteration.count()};
    if (b.error <= options.relative_error * b.value) {
        return reached;
    }
    if (chain.size() > options.direct_states_max && chain.size() <= detail::direct_states_limit) {
        if (auto const direct = detail::long_run_directly(chain, measure, home);
            direct && direct->relative_error() <= options.relative_error) {
            return *direct;
        }
    }
    throw not_converged(
        "the long run of a chain of " + std::to_string(chain.size()) + " states reached " +
            detail::shortest(b.value) + " with an error of at most " + detail::shortest(b.error) +
            " after " + std::to_string(iteration.count()) +
            " sweeps; asked was a relative error of " + detail::shortest(options.relative_error) +
            ". Allow more sweeps or a larger error, or merge states",
        reached);
}

/// One transition's weight in a measure.
struct rate_sensitivity {
    chain_state from;  ///< the state that the transition leaves
    chain_state to;    ///< the state that it leads to
    double derivative; ///< d measure / d rate, in seconds
};

/** How a long-run measure answers to every rate.
 *
 *  @par Formula    d eta / d q(i, j) = pi(i) (G(j) - G(i)), where G(s) = what the measure collects
 *                  beyond its average until home is reached; from the factors that stationary() makes.
 *  @par Accuracy   the difference of two collected amounts: 1e-10 of the largest derivative where
 *                  rates span six decades or less, fewer digits beyond.
 *  @par Source     Schweitzer, "Perturbation theory and finite Markov chains", 1968.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class long_run_sensitivity {
public:
    /// @throws as stationary()
    long_run_sensitivity(markov_chain const& chain, std::span<double const> measure,
                         steady_options const& options = {})
        : chain_(&chain)
    {
        detail::check_measure(chain, measure, "measure");
        auto const home = detail::recurrent_state(chain, options.transient_states);
        if (chain.size() > detail::direct_states_limit) {
            throw std::length_error("sensitivities need a chain of at most " +
                                    std::to_string(detail::direct_states_limit) +
                                    " states; it has " + std::to_string(chain.size()));
        }
        auto const solved = detail::solve_from_best_home(chain, home);
        if (!solved) {
            throw std::length_error("the chain fills up too much to be eliminated");
        }
        pi_ = solved->weights;
        double const total = std::accumulate(pi_.begin(), pi_.end(), 0.);
        for (std::size_t s = 0; s < pi_.size(); ++s) {
            pi_[s] /= total;
            value_ += pi_[s] * measure[s];
        }
        excess_ = solved->factors.collected(measure);
        auto const time = solved->factors.collected(std::vector<double>(chain.size(), 1.));
        for (std::size_t s = 0; s < pi_.size(); ++s) {
            excess_[s] -= value_ * time[s];
        }
    }

    /// The measure's long-run mean itself.
    [[nodiscard]] double value() const { return value_; }
    /// d measure / d rate(from -> to), also where there is no such transition yet.
    [[nodiscard]] double to_rate(chain_state from, chain_state to) const
    {
        return pi_[from] * (excess_[to] - excess_[from]);
    }
    /** d measure / d parameter, if each rate(i -> j) changes by change(i, j) per unit of it.
     *  O(transitions).
     */
    template <class Change>
    [[nodiscard]] double along(Change&& change) const
    {
        double sum = 0;
        for (std::size_t s = 0; s < chain_->size(); ++s) {
            auto const from = static_cast<chain_state>(s);
            for (auto to : chain_->from(from).to) {
                sum += change(from, to) * to_rate(from, to);
            }
        }
        return sum;
    }
    /// The transitions whose rates matter most in proportion: |rate * derivative| descending.
    [[nodiscard]] std::vector<rate_sensitivity> ranked() const
    {
        std::vector<rate_sensitivity> result;
        for (std::size_t s = 0; s < chain_->size(); ++s) {
            auto const from = static_cast<chain_state>(s);
            for (auto to : chain_->from(from).to) {
                result.push_back({from, to, to_rate(from, to)});
            }
        }
        std::stable_sort(result.begin(), result.end(), [this](auto const& a, auto const& b) {
            return std::abs(chain_->per_second(a.from, a.to) * a.derivative) >
                   std::abs(chain_->per_second(b.from, b.to) * b.derivative);
        });
        return result;
    }

private:
    markov_chain const* chain_;
    std::vector<double> pi_;
    std::vector<double> excess_;
    double value_ = 0;
};

} // namespace perdure::availability

#endif
