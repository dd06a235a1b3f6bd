// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_SET_SUMS_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_SET_SUMS_HPP

#include <perdure/availability/structure/detail/extract_sets.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

/// For every node the sum over its sets of the product of `weight(event literal)`. Units weigh what their own sets sum to.
template <class Number, class Weight>
std::vector<Number> sum_over_sets(set_collection const& sets, Weight&& weight)
{
    std::vector<Number> sums(sets.nodes.size());
    sums[1] = 1;
    for (std::size_t i = 2; i < sets.nodes.size(); ++i) {
        auto const& n = sets.nodes[i];
        if (sets.is_event(n.member)) {
            sums[i] = weight(n.member) * sums[n.high] + sums[n.low];
        } else {
            sums[i] = sums[sets.root(n.member)] * sums[n.high] + sums[n.low];
        }
    }
    return sums;
}

/// The numbers of sets of 0, 1, ... events, up to order_max.
template <class Number>
std::vector<Number> count_by_order(set_collection const& sets, std::uint32_t order_max)
{
    using polynomial = std::vector<Number>;
    auto const limit = static_cast<std::size_t>(order_max) + 1;
    std::vector<polynomial> counts(sets.nodes.size());
    counts[1] = {1};
    for (std::size_t i = 2; i < sets.nodes.size(); ++i) {
        auto const& n = sets.nodes[i];
        polynomial const& high = counts[n.high];
        polynomial result = counts[n.low];
        auto const add = [&](std::size_t order, Number const& number) {
            if (order < limit) {
                result.resize(std::max(result.size(), order + 1));
                result[order] += number;
            }
        };
        if (sets.is_event(n.member)) {
            for (std::size_t k = 0; k < high.size(); ++k) {
                add(k + 1, high[k]);
            }
        } else {
            polynomial const& inner = counts[sets.root(n.member)];
            for (std::size_t j = 0; j < inner.size(); ++j) {
                for (std::size_t k = 0; inner[j] != 0 && k < high.size(); ++k) {
                    add(j + k, inner[j] * high[k]);
                }
            }
        }
        counts[i] = std::move(result);
    }
    return counts[sets.top];
}

/// For every event the sum over the sets it is a member of.
template <class Weight>
std::vector<double> sums_by_event(set_collection const& sets, Weight&& weight)
{
    auto const sums = sum_over_sets<double>(sets, weight);
    // What the members above a node multiply to, summed over all ways to the node.
    std::vector<double> above(sets.nodes.size());
    std::vector<double> result(sets.events);
    above[sets.top] = 1;
    for (std::size_t i = sets.nodes.size(); i-- > 2;) {
        auto const& n = sets.nodes[i];
        if (above[i] == 0) {
            continue;
        }
        above[n.low] += above[i];
        if (sets.is_event(n.member)) {
            double const p = weight(n.member);
            above[n.high] += above[i] * p;
            result[item_of(n.member)] += above[i] * p * sums[n.high];
        } else {
            auto const root = sets.root(n.member);
            above[n.high] += above[i] * sums[root];
            above[root] += above[i] * sums[n.high];
        }
    }
    return result;
}

/// The probability that an event is, or is not, so.
struct literal_probability {
    std::span<chance const> chances;
    double operator()(literal x) const
    {
        auto const& c = chances[item_of(x)];
        return (x & 1) != 0 ? c.no : c.yes;
    }
};

/// Visits sets, leaving out branches that cannot hold one within the limits.
class set_walk {
public:
    template <class Weight>
    set_walk(set_collection const& sets, Weight const& weight, std::uint32_t order_max,
             double probability_min)
        : sets_(sets),
          order_max_(order_max),
          probability_min_(probability_min),
          best_(sets.nodes.size()),
          least_(sets.nodes.size(), any_order),
          weight_(2 * std::size_t{sets.events})
    {
        for (literal x = 0; x < weight_.size(); ++x) {
            weight_[x] = weight(x);
        }
        best_[1] = 1;
        least_[1] = 0;
        for (std::size_t i = 2; i < sets.nodes.size(); ++i) {
            auto const& n = sets.nodes[i];
            bool const event = sets.is_event(n.member);
            double const p = event ? weight_[n.member] : best_[sets.root(n.member)];
            auto const order = event ? 1 : least_[sets.root(n.member)];
            best_[i] = std::max(p * best_[n.high], best_[n.low]);
            least_[i] = std::min(least_[n.high] == any_order ? any_order : order + least_[n.high],
                                 least_[n.low]);
        }
    }

    /// `visit(literals, probability)` returns the least probability that is of interest from then on.
    template <class Visit>
    void run(Visit&& visit)
    {
        expand(sets_.top, nullptr, 1, 1, 0, visit);
    }

private:
    /// Families that must still be chosen from.
    struct pending {
        std::uint32_t family;
        pending const* next;
        double p_rest; ///< of `next` and what follows it
        std::uint32_t o_rest;
    };

    /// @param p        probability of the members chosen so far
    /// @param p_rest   the most that the pending families can contribute
    /// @param o_rest   the least that they can add to the order
    template <class Visit>
    void expand(std::uint32_t family, pending const* rest, double p, double p_rest,
                std::uint32_t o_rest, Visit& visit)
    {
        while (family == 1 && rest != nullptr) {
            family = rest->family;
            p_rest = rest->p_rest;
            o_rest = rest->o_rest;
            rest = rest->next;
        }
        if (family == 1) {
            probability_min_ = visit(std::span<literal const>(chosen_), p);
            return;
        }
        for (auto i = family; i > 1; i = sets_.nodes[i].low) {
            auto const& n = sets_.nodes[i];
            if (!possible(p * best_[i] * p_rest, least_[i], o_rest)) {
                return;
            }
            if (sets_.is_event(n.member)) {
                double const q = p * weight_[n.member];
                if (possible(q * best_[n.high] * p_rest, least_[n.high], o_rest + 1)) {
                    chosen_.push_back(n.member);
                    expand(n.high, rest, q, p_rest, o_rest, visit);
                    chosen_.pop_back();
                }
            } else {
                auto const root = sets_.root(n.member);
                pending const after{n.high, rest, p_rest, o_rest};
                double const then = p_rest * best_[n.high];
                if (least_[n.high] != any_order &&
                    possible(p * best_[root] * then, least_[root], o_rest + least_[n.high])) {
                    expand(root, &after, p, then, o_rest + least_[n.high], visit);
                }
            }
        }
    }

    [[nodiscard]] bool possible(double p, std::uint32_t least, std::uint32_t o_rest) const
    {
        // The bound is a product in another order than the set's own probability: give it room for rounding.
        return p * (1 + 1e-12) >= probability_min_ && least != any_order &&
               std::uint64_t{least} + o_rest + chosen_.size() <= order_max_;
    }

    set_collection const& sets_;
    std::uint32_t order_max_;
    double probability_min_;
    std::vector<double> best_;
    std::vector<std::uint32_t> least_;
    std::vector<double> weight_;
    std::vector<literal> chosen_;
};

} // namespace perdure::availability::detail

#endif
