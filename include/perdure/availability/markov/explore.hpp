// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_EXPLORE_HPP
#define PERDURE_AVAILABILITY_MARKOV_EXPLORE_HPP

#include <perdure/availability/markov/chain.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace perdure::availability {

/// What explore() can tell apart by its bytes.
template <class T>
concept chain_state_value =
    std::equality_comparable<T> && std::is_trivially_copyable_v<T> &&
    std::has_unique_object_representations_v<T>;

/// What explore() found: the chain, and what each of its states stands for.
template <class State>
struct explored {
    /// All reachable states and their transitions; the state that exploring began in is 0.
    markov_chain chain;
    /// What each state of the chain stands for, by its number.
    std::shared_ptr<std::vector<State> const> states;

    /// What state `s` of the chain stands for.
    [[nodiscard]] State const& state(chain_state s) const { return (*states)[s]; }
    /// 1 for the states for which `is_so` holds, else 0: the measure of being in one of them.
    template <std::predicate<State const&> Predicate>
    [[nodiscard]] std::vector<double> where(Predicate&& is_so) const
    {
        return indicator(states->size(), [&](chain_state s) { return is_so((*states)[s]); });
    }
    /// Any number by state, for example a rate of cost.
    template <class Function>
    [[nodiscard]] std::vector<double> measure(Function&& value_of) const
    {
        std::vector<double> result;
        result.reserve(states->size());
        for (auto const& s : *states) {
            result.push_back(value_of(s));
        }
        return result;
    }
};

/// How far explore() goes before it gives up.
struct explore_options {
    /// More states than this are refused.
    std::size_t states_max = 20'000'000;
};

namespace detail {

/// A set of states that numbers them in the order of their arrival. Open addressing over the
/// states' own array: 4 bytes a place, no node.
template <class State>
class state_index {
public:
    explicit state_index(std::vector<State>& states) : states_(states), places_(64, none) {}

    /// The number of `s`, a new one if it is new.
    chain_state number(State const& s)
    {
        auto const mask = places_.size() - 1;
        for (auto place = hash(s) & mask;; place = (place + 1) & mask) {
            auto const found = places_[place];
            if (found == none) {
                auto const fresh = static_cast<chain_state>(states_.size());
                states_.push_back(s);
                places_[place] = fresh;
                if (states_.size() * 8 > places_.size() * 5) {
                    grow();
                }
                return fresh;
            }
            if (states_[found] == s) {
                return found;
            }
        }
    }

private:
    static constexpr chain_state none = static_cast<chain_state>(-1);

    static std::size_t hash(State const& s)
    {
        if constexpr (std::is_integral_v<State>) {
            return mix(static_cast<std::uint64_t>(s));
        } else {
            auto const bytes = std::bit_cast<std::array<unsigned char, sizeof(State)>>(s);
            std::uint64_t h = 0;
            for (std::size_t i = 0; i < bytes.size(); i += 8) {
                std::uint64_t word = 0;
                for (std::size_t j = i; j < bytes.size() && j < i + 8; ++j) {
                    word |= static_cast<std::uint64_t>(bytes[j]) << (8 * (j - i));
                }
                h = mix(h ^ word);
            }
            return h;
        }
    }
    static std::size_t mix(std::uint64_t z)
    {
        z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93;
        z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93;
        return static_cast<std::size_t>(z ^ (z >> 32));
    }
    void grow()
    {
        std::vector<chain_state> larger(places_.size() * 2, none);
        auto const mask = larger.size() - 1;
        for (std::size_t i = 0; i < states_.size(); ++i) {
            auto place = hash(states_[i]) & mask;
            while (larger[place] != none) {
                place = (place + 1) & mask;
            }
            larger[place] = static_cast<chain_state>(i);
        }
        places_ = std::move(larger);
    }

    std::vector<State>& states_;
    std::vector<chain_state> places_;
};

} // namespace detail

/** All states that can be reached from `initial`, and the chain over them; `initial` is state 0.
 *
 *  @param next     next(state, emit) calls emit(other state, rate) for everything that can happen
 *                  in a state; the rate may be a `rate` or a double, per second
 *  @param name     optionally name(state) for messages
 *
 *  State is an integer, or a struct of integers with == and without padding. States are numbered in
 *  the order in which a breadth-first search meets them.
 *
 *  @par Complexity O(transitions); 2.4 million states and 11 million transitions take a second or
 *                  two.
 *  @throws std::length_error beyond states_max; std::invalid_argument naming the two states of a
 *          rate that is negative or not finite
 */
template <chain_state_value State, class Next, class Name = std::nullptr_t>
explored<State> explore(State const& initial, Next&& next, Name name = nullptr,
                        explore_options options = {})
{
    auto states = std::make_shared<std::vector<State>>();
    detail::state_index<State> index(*states);
    index.number(initial);
    auto const describe = [&name](std::vector<State> const& all, std::size_t s) {
        if constexpr (std::is_same_v<Name, std::nullptr_t>) {
            (void)name;
            (void)all;
            return "state " + std::to_string(s);
        } else {
            return std::string(name(all[s]));
        }
    };
    markov_chain::assembler assembler;
    std::vector<std::pair<chain_state, double>> row;
    for (std::size_t s = 0; s < states->size(); ++s) {
        row.clear();
        State const here = (*states)[s]; // a copy: the array moves when it grows
        next(here, [&](State const& to, auto r) {
            double per_second = 0;
            if constexpr (std::is_same_v<decltype(r), rate>) {
                per_second = r.per_second();
            } else {
                per_second = static_cast<double>(r);
            }
            if (per_second == 0) {
                return;
            }
            auto const number = index.number(to);
            detail::check_chain_rate(per_second, describe(*states, s), describe(*states, number));
            row.emplace_back(number, per_second);
        });
        if (states->size() > options.states_max) {
            throw std::length_error("the model has more than " +
                                    std::to_string(options.states_max) +
                                    " states; the first is " + describe(*states, 0));
        }
        assembler.add_row(row);
    }
    std::function<std::string(chain_state)> names;
    if constexpr (!std::is_same_v<Name, std::nullptr_t>) {
        names = [states, name](chain_state s) { return std::string(name((*states)[s])); };
    }
    return {assembler.finish(std::move(names)), states};
}

} // namespace perdure::availability

#endif
