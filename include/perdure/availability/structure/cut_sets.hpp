// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_CUT_SETS_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_CUT_SETS_HPP

#include <perdure/availability/structure/detail/extract_sets.hpp>
#include <perdure/availability/structure/detail/set_sums.hpp>
#include <perdure/availability/structure/diagram.hpp>

#include <boost/multiprecision/cpp_int.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure::availability {

/// An exact number of sets, however large. Prints and compares like an integer.
using set_count = boost::multiprecision::cpp_int;

/// No limit.
inline constexpr std::uint32_t any_order = detail::any_order;

/// Which minimal cut sets are wanted, and how many are too many.
struct cut_set_options {
    /// Sets of more events than this are not built. Trees whose full family does not fit into memory often have a small one
    /// of the first few orders.
    std::uint32_t order_max = any_order;
    /// More nodes than this for one module are refused with std::length_error.
    std::size_t nodes_max = 20'000'000;
};

/// What a walk over the sets leaves out.
struct cut_set_limits {
    std::uint32_t order_max = any_order; ///< sets of more events than this are left out
    double probability_min = 0;          ///< sets less probable than this are left out
};

/// An event of a set; in a prime implicant it may be one that must not happen.
struct cut_set_member {
    std::uint32_t event = 0; ///< its place in events()
    bool negated = false;    ///< the event must not happen
    friend auto operator<=>(cut_set_member const&, cut_set_member const&) = default;
};

/// A smallest set of events that together bring the top of the tree about.
struct cut_set {
    std::vector<cut_set_member> members; ///< what has to be so, ascending by event
    double probability = 0;              ///< that all members are as the set says
};

/** The minimal cut sets of a fault tree, or its prime implicants, without listing them.
 *
 *  A minimal cut set is a set of events that makes the top happen and of which none can be left out. For trees with negation
 *  it is a minimal set of events with which the top *can* happen when no others do; then the exact statement is made by the
 *  prime implicants, whose members may be negated.
 *
 *  The family is a zero-suppressed decision diagram per module; counting and summing cost its size, not the number of sets
 *  (which passes 10^10 for published trees). Never compute a probability by summing sets: diagram::evaluate() is exact and
 *  faster. The sum (rare-event approximation) is an upper bound for trees without negation, and may exceed 1.
 *
 *  @par Sources        see detail/extract_sets.hpp.
 *  @par Thread safety  Distinct objects: safe. Shared objects: const members are safe.
 */
class cut_sets {
public:
    /// @throws std::length_error if nodes_max does not suffice.
    static cut_sets minimal(diagram const& d, cut_set_options options = {})
    {
        return cut_sets(d, false, options);
    }
    /// Limits of the order are applied after building.
    static cut_sets prime_implicants(diagram const& d, cut_set_options options = {})
    {
        return cut_sets(d, true, options);
    }

    /// The events that members refer to, as in the diagram.
    [[nodiscard]] std::span<basic_event const> events() const { return events_; }
    /// Nodes of all families together.
    [[nodiscard]] std::size_t nodes() const { return sets_.nodes.size() - 2; }

    /// How many sets there are (of at most order_max events, if that was given).
    [[nodiscard]] set_count count() const
    {
        if (order_max_ != any_order) {
            set_count sum = 0;
            for (auto const& n : count_by_order()) {
                sum += n;
            }
            return sum;
        }
        auto const ones = [](std::uint32_t) { return 1; };
        // Doubles count exactly up to 2^53, and every partial count is at most the whole.
        double const rough = detail::sum_over_sets<double>(sets_, ones)[sets_.top];
        if (rough < 9e15) {
            return static_cast<std::uint64_t>(rough);
        }
        return detail::sum_over_sets<set_count>(sets_, ones)[sets_.top];
    }
    /// How many sets have 0, 1, 2, ... events.
    [[nodiscard]] std::vector<set_count> count_by_order() const
    {
        return detail::count_by_order<set_count>(sets_, order_max_);
    }
    /// The sum of the probabilities of all sets: the rare-event approximation of the top.
    [[nodiscard]] double sum(std::span<chance const> chances) const
    {
        return detail::sum_over_sets<double>(sets_,
                                             detail::literal_probability{chances})[sets_.top];
    }
    [[nodiscard]] double sum() const { return sum(chances()); }

    /** For each event the sum of the probabilities of the sets that it is in (negated or not), in two passes.
     *  Divided by sum() it is the rare-event form of the Fussell-Vesely importance.
     */
    [[nodiscard]] std::vector<double> sums_by_event(std::span<chance const> chances) const
    {
        return detail::sums_by_event(sets_, detail::literal_probability{chances});
    }

    /** Calls `visit(std::span<cut_set_member const> members, double probability)` for each set within the limits.
     *  @par Complexity     in proportion to the sets visited and their order, not to those left out.
     */
    template <class Visit>
    void for_each(std::span<chance const> chances, cut_set_limits limits, Visit&& visit) const
    {
        limits.order_max = std::min(limits.order_max, order_max_);
        detail::set_walk walk(sets_, detail::literal_probability{chances}, limits.order_max,
                              limits.probability_min);
        std::vector<cut_set_member> members;
        walk.run([&](std::span<detail::literal const> literals, double probability) {
            members.clear();
            for (auto const x : literals) {
                members.push_back({detail::item_of(x), (x & 1) != 0});
            }
            visit(std::span<cut_set_member const>(members), probability);
            return limits.probability_min;
        });
    }

    /// The sets within the limits: fewer events first, then more probable ones.
    [[nodiscard]] std::vector<cut_set> list(cut_set_limits limits = {}) const
    {
        std::vector<cut_set> result;
        auto const p = chances();
        for_each(p, limits, [&](std::span<cut_set_member const> members, double probability) {
            result.push_back({{members.begin(), members.end()}, probability});
            std::ranges::sort(result.back().members);
        });
        std::ranges::sort(result, [](cut_set const& a, cut_set const& b) {
            return a.members.size() != b.members.size() ? a.members.size() < b.members.size()
                   : a.probability != b.probability     ? a.probability > b.probability
                                                        : a.members < b.members;
        });
        return result;
    }

    /// The `n` most probable sets, most probable first, by branch and bound. Which of several sets whose probabilities
    /// agree to 1e-11 is taken is not said, but the same each time.
    [[nodiscard]] std::vector<cut_set> most_probable(std::size_t n) const
    {
        std::vector<cut_set> best; // a heap with the least probable in front
        auto const more_probable = [](cut_set const& a, cut_set const& b) {
            return a.probability != b.probability ? a.probability > b.probability
                                                  : a.members < b.members;
        };
        if (n == 0) {
            return best;
        }
        auto const p = chances();
        detail::set_walk walk(sets_, detail::literal_probability{p}, order_max_, 0);
        walk.run([&](std::span<detail::literal const> literals, double probability) {
            cut_set found{{}, probability};
            for (auto const x : literals) {
                found.members.push_back({detail::item_of(x), (x & 1) != 0});
            }
            std::ranges::sort(found.members);
            if (best.size() < n || more_probable(found, best.front())) {
                if (best.size() == n) {
                    std::ranges::pop_heap(best, more_probable);
                    best.pop_back();
                }
                best.push_back(std::move(found));
                std::ranges::push_heap(best, more_probable);
            }
            // Only what is really more probable is of interest: equal sets may be astronomically many.
            return best.size() < n ? 0 : best.front().probability * (1 + 1e-11);
        });
        std::ranges::sort_heap(best, more_probable);
        return best;
    }

    /// "a b" or "a not-b": the names of a set's events.
    [[nodiscard]] std::string names(cut_set const& set) const
    {
        std::string text;
        for (auto const& m : set.members) {
            text += (text.empty() ? "" : " ") + std::string(m.negated ? "not-" : "") +
                    events_[m.event].name;
        }
        return text;
    }

private:
    cut_sets(diagram const& d, bool implicants, cut_set_options options)
        : events_(d.events().begin(), d.events().end()),
          order_max_(options.order_max),
          sets_(
              detail::set_extractor(d.compiled(), implicants, options.order_max, options.nodes_max)
                  .run())
    {
    }

    [[nodiscard]] std::vector<chance> chances() const
    {
        std::vector<chance> result(events_.size());
        std::ranges::transform(events_, result.begin(), &basic_event::happens);
        return result;
    }
    std::vector<basic_event> events_;
    std::uint32_t order_max_;
    detail::set_collection sets_;
};

} // namespace perdure::availability

#endif
