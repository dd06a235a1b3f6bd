// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_CHAIN_HPP
#define PERDURE_AVAILABILITY_MARKOV_CHAIN_HPP

#include <perdure/availability/units.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace perdure::availability {

/// A state of a Markov chain, counted from 0.
using chain_state = std::uint32_t;

/** A Markov chain in continuous time: from each state it moves to others at constant rates.
 *
 *  What repair crews, spares and priorities do is a chain and not a formula over independent
 *  parts. Made by chain_builder from named states, by explore() from a function that says what can
 *  happen next, or by redundant_system from counts of components and crews.
 *
 *  @par Memory         12 bytes a transition and 16 a state.
 *  @par Thread safety  const members may be called at once.
 */
class markov_chain {
public:
    /// What leaves a state: `to[i]` at `per_second[i]`, ascending by state, each state once.
    struct row {
        std::span<chain_state const> to;    ///< states that can be next, ascending
        std::span<double const> per_second; ///< the rate to each of them, more than 0
    };

    [[nodiscard]] std::size_t size() const { return out_.size(); }
    /// Number of transitions with a rate above 0.
    [[nodiscard]] std::size_t transitions() const { return to_.size(); }
    /// What leaves state `s`; valid as long as the chain. O(1).
    [[nodiscard]] row from(chain_state s) const
    {
        auto const begin = first_[s];
        auto const count = first_[s + 1] - begin;
        return {std::span(to_).subspan(begin, count), std::span(rates_).subspan(begin, count)};
    }
    /// The sum of the rates that leave the state.
    [[nodiscard]] double out_per_second(chain_state s) const { return out_[s]; }
    /// The largest of these sums.
    [[nodiscard]] double fastest_per_second() const
    {
        double most = 0;
        for (double out : out_) {
            most = out > most ? out : most;
        }
        return most;
    }
    /// 0 if there is no such transition.
    [[nodiscard]] double per_second(chain_state from_state, chain_state to_state) const
    {
        auto const r = from(from_state);
        for (std::size_t i = 0; i < r.to.size(); ++i) {
            if (r.to[i] == to_state) {
                return r.per_second[i];
            }
        }
        return 0;
    }
    /// For messages and tables.
    [[nodiscard]] std::string name(chain_state s) const
    {
        return name_ ? name_(s) : "state " + std::to_string(s);
    }

    /// For the builders: transitions in any order, parallel ones are added up.
    class assembler;

private:
    markov_chain() = default;

    std::vector<std::size_t> first_;
    std::vector<chain_state> to_;
    std::vector<double> rates_;
    std::vector<double> out_;
    std::function<std::string(chain_state)> name_;
};

/// Collects the transitions of a chain whose states come in ascending order.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class markov_chain::assembler {
public:
    /// Makes room for so many states and transitions in all.
    void reserve(std::size_t states, std::size_t transitions)
    {
        chain_.first_.reserve(states + 1);
        chain_.out_.reserve(states);
        chain_.to_.reserve(transitions);
        chain_.rates_.reserve(transitions);
    }
    /// The transitions of the next state.
    void add_row(std::vector<std::pair<chain_state, double>>& row)
    {
        // Insertion sort: rows are short.
        for (std::size_t i = 1; i < row.size(); ++i) {
            auto const moving = row[i];
            auto j = i;
            for (; j > 0 && row[j - 1].first > moving.first; --j) {
                row[j] = row[j - 1];
            }
            row[j] = moving;
        }
        chain_.first_.push_back(chain_.to_.size());
        double out = 0;
        auto const self = static_cast<chain_state>(chain_.out_.size());
        auto const begin = chain_.to_.size();
        for (auto const& [to, rate] : row) {
            if (to == self || rate == 0) {
                continue; // moving to where one is changes nothing
            }
            out += rate;
            if (chain_.to_.size() > begin && chain_.to_.back() == to) {
                chain_.rates_.back() += rate;
            } else {
                chain_.to_.push_back(to);
                chain_.rates_.push_back(rate);
            }
        }
        chain_.out_.push_back(out);
    }
    /// The chain of all rows added; the assembler is empty afterwards. @param name gives a state's
    /// name, and may be empty
    [[nodiscard]] markov_chain finish(std::function<std::string(chain_state)> name)
    {
        chain_.first_.push_back(chain_.to_.size());
        chain_.name_ = std::move(name);
        return std::move(chain_);
    }

private:
    markov_chain chain_;
};

namespace detail {

inline void check_chain_rate(double per_second, std::string const& from, std::string const& to)
{
    if (!(per_second >= 0 && per_second < infinity)) {
        throw std::invalid_argument("the rate from '" + from + "' to '" + to + "' is " +
                                    shortest(per_second) + "; it must be finite and at least 0");
    }
}

} // namespace detail

/** A chain written down state by state.
 *
 *  @code
 *      chain_builder b;
 *      auto const both = b.state("both up"), one = b.state("one up"), none = b.state("none up");
 *      b.transition(both, one, rate::per(720h, 2)).transition(one, both, rate::per(1h));
 *      b.transition("one up", "none up", rate::per(720h)).transition(none, one, rate::per(1h));
 *      markov_chain const chain = b.build();
 *  @endcode
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class chain_builder {
public:
    /// @throws std::invalid_argument if the name is empty or already given.
    chain_state state(std::string name)
    {
        if (name.empty()) {
            throw std::invalid_argument("a state's name is empty");
        }
        auto const index = static_cast<chain_state>(rows_.size());
        if (!index_.emplace(name, index).second) {
            throw std::invalid_argument("the state '" + name + "' is declared twice");
        }
        names_.push_back(std::move(name));
        rows_.emplace_back();
        return index;
    }
    /// Parallel transitions add up. A transition from a state to itself changes nothing.
    chain_builder& transition(chain_state from, chain_state to, rate r)
    {
        check(from);
        check(to);
        rows_[from].emplace_back(to, r.per_second());
        return *this;
    }
    /// @throws std::invalid_argument naming a state that was not declared
    chain_builder& transition(std::string_view from, std::string_view to, rate r)
    {
        return transition(find(from), find(to), r);
    }
    /// @throws std::invalid_argument naming it, if there is no such state
    [[nodiscard]] chain_state find(std::string_view name) const
    {
        auto const found = index_.find(std::string(name));
        if (found == index_.end()) {
            throw std::invalid_argument("there is no state '" + std::string(name) + "'");
        }
        return found->second;
    }
    [[nodiscard]] std::size_t size() const { return rows_.size(); }

    /// @throws std::invalid_argument without states
    [[nodiscard]] markov_chain build() const
    {
        if (rows_.empty()) {
            throw std::invalid_argument("a chain without states");
        }
        markov_chain::assembler assembler;
        for (auto row : rows_) {
            assembler.add_row(row);
        }
        return assembler.finish([names = names_](chain_state s) { return names[s]; });
    }

private:
    void check(chain_state s) const
    {
        if (s >= rows_.size()) {
            throw std::invalid_argument("there is no state " + std::to_string(s) + "; there are " +
                                        std::to_string(rows_.size()));
        }
    }

    std::vector<std::string> names_;
    std::unordered_map<std::string, chain_state> index_;
    std::vector<std::vector<std::pair<chain_state, double>>> rows_;
};

/// The numbers by state that make `is_so(state)` a measure: 1 where it holds, else 0.
template <class Predicate>
std::vector<double> indicator(std::size_t states, Predicate&& is_so)
{
    std::vector<double> result(states);
    for (std::size_t s = 0; s < states; ++s) {
        result[s] = is_so(static_cast<chain_state>(s)) ? 1 : 0;
    }
    return result;
}

namespace detail {

inline void check_measure(markov_chain const& chain, std::span<double const> values,
                          char const* what)
{
    if (values.size() != chain.size()) {
        throw std::invalid_argument(std::string(what) + " has " + std::to_string(values.size()) +
                                    " values for " + std::to_string(chain.size()) + " states");
    }
    for (std::size_t s = 0; s < values.size(); ++s) {
        if (!(values[s] >= 0 && values[s] < infinity)) {
            throw std::invalid_argument(std::string(what) + " of '" +
                                        chain.name(static_cast<chain_state>(s)) + "' is " +
                                        shortest(values[s]) +
                                        "; it must be finite and at least 0");
        }
    }
}

} // namespace detail

} // namespace perdure::availability

#endif
