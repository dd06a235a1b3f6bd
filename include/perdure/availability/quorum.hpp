// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_QUORUM_HPP
#define PERDURE_AVAILABILITY_QUORUM_HPP

#include <perdure/availability/composition.hpp>
#include <perdure/availability/two_state.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

// Can the replicas still decide? Availability of quorums for reads and writes.
namespace perdure::availability {

/** The unavailability of something redundant, without correlation and with it.
 *
 *  Independence is the assumption that fails first: racks, releases and operators take replicas
 *  down together. With the beta factor model a share beta of each unit's unavailability is a
 *  common cause that takes all of them. At 1 % of common causes the third replica of a 99 % node
 *  buys little more than the second; that is why every answer here shows it.
 */
struct redundant {
    unavailability independent; ///< if units fail independently of each other
    /// If 1 % of each unit's unavailability is a common cause of all.
    unavailability beta_1_percent;
    unavailability beta_10_percent; ///< if 10 % of it is
};

namespace detail {

/// `system` gives U from a function that scales the unavailability of each unit.
template <class System>
constexpr redundant with_common_cause(double common, System system)
{
    auto const at = [&](double beta) {
        // Either the common cause strikes, or the rest of each unit's own causes does.
        double const rest = system(1 - beta).value();
        double const all = beta * common;
        return unavailability(all + rest * (1 - all));
    };
    return {system(1.0), at(0.01), at(0.1)};
}

inline std::vector<unavailability> scaled(std::span<unavailability const> units, double factor)
{
    std::vector<unavailability> result;
    result.reserve(units.size());
    for (auto u : units) {
        result.emplace_back(u.value() * factor);
    }
    return result;
}

/// The common cause is a share of the least of the units' unavailabilities: more of it a good unit
/// could not have.
inline double common_of(std::span<unavailability const> units)
{
    double least = 1;
    for (auto u : units) {
        least = std::min(least, u.value());
    }
    return units.empty() ? 0 : least;
}

} // namespace detail

/// The number of nodes in a majority: 2 of 3, 3 of 4, 3 of 5.
constexpr std::size_t majority(std::size_t n)
{
    return n / 2 + 1;
}

/// `k` of `n` equal units.
constexpr redundant redundant_k_of_n(std::size_t k, std::size_t n, unavailability unit)
{
    return detail::with_common_cause(
        unit.value(), [&](double own) { return k_of_n(k, n, unavailability(unit.value() * own)); });
}
/// `k` of different units.
inline redundant redundant_k_of_n(std::size_t k, std::span<unavailability const> units)
{
    return detail::with_common_cause(detail::common_of(units), [&](double own) {
        return k_of_n(k, detail::scaled(units, own));
    });
}
/// A majority of `n` equal units. An even number buys nothing: 4 nodes are less available than 3.
constexpr redundant majority_of(std::size_t n, unavailability unit)
{
    return redundant_k_of_n(majority(n), n, unit);
}

/// Unavailability of reads and of writes.
struct quorum_access {
    redundant read;  ///< of a quorum to read from
    redundant write; ///< of a quorum to write to
};

/** Reads need `r` of `n` replicas, writes `w`: r + w > n, so that a read meets the latest write,
 *  and 2 w > n, so that two writes meet. [Gifford, SOSP 1979; with phases of their own: Howard,
 *  Malkhi, Spiegelman, "Flexible Paxos", 2016.]
 *
 *  @throws std::invalid_argument if quorums would not intersect
 */
inline quorum_access flexible_quorums(std::size_t n, std::size_t r, std::size_t w,
                                      unavailability unit)
{
    detail::require(r + w > n && r <= n, "r", static_cast<double>(r),
                    "r + w must exceed n, or a read may miss the latest write");
    detail::require(2 * w > n && w <= n, "w", static_cast<double>(w),
                    "2 w must exceed n, or two writes may miss each other");
    return {redundant_k_of_n(r, n, unit), redundant_k_of_n(w, n, unit)};
}

/** Nodes in a grid: a read takes one node of every column, a write besides a whole column.
 *
 *  @par Formula    with c columns of r nodes, a column is not dead with a = 1 - u^r and mixed
 *                  with b = 1 - u^r - (1-u)^r: read down 1 - a^c; write down (1 - a^c) + b^c.
 *                  Both are sums of small positive terms.
 *  @par Source     Cheung, Ammar, Ahamad, "The grid protocol", IEEE TKDE 4(6), 1992.
 */
inline quorum_access grid_quorums(std::size_t rows, std::size_t columns, unavailability unit)
{
    detail::require(rows >= 1 && columns >= 1, "rows and columns",
                    static_cast<double>(std::min(rows, columns)), "both must be at least 1");
    auto const r = static_cast<double>(rows);
    auto const c = static_cast<double>(columns);
    auto const dead = [&](double u) { // some column has no node up
        double const column = std::pow(u, r);
        return column == 1 ? 1. : -std::expm1(c * std::log1p(-column));
    };
    auto const mixed =
        [&](double u) { // P(a column has nodes up and nodes down), summed from j = 1 down
            double sum = 0;
            double term = std::pow(1 - u, r);
            for (std::size_t j = 1; j < rows && u < 1; ++j) {
                term *= static_cast<double>(rows - j + 1) / static_cast<double>(j) * u / (1 - u);
                sum += term;
            }
            return sum;
        };
    auto const answer = [&](bool write) {
        return detail::with_common_cause(unit.value(), [&](double own) {
            double const u = unit.value() * own;
            double const down = dead(u) + (write ? std::pow(mixed(u), c) : 0);
            return unavailability(std::min(down, 1.));
        });
    };
    return {answer(false), answer(true)};
}

/** Down when the votes of the units that are up sum to less than `needed`.
 *
 *  @par Complexity O(units needed-to-fail votes): a sum over the votes that are down, positive
 *                  terms only.
 *  @throws std::invalid_argument if there are fewer votes in all than needed, more than 10^6, or
 *      as many votes as units are not given
 */
inline unavailability weighted_votes(std::span<unavailability const> units,
                                     std::span<unsigned const> votes, std::uint64_t needed)
{
    if (units.size() != votes.size()) {
        throw std::invalid_argument("votes has " + std::to_string(votes.size()) +
                                    " entries; it must have one for each of the " +
                                    std::to_string(units.size()) + " units");
    }
    std::uint64_t all = 0;
    for (auto v : votes) {
        all += v;
    }
    detail::require(needed <= all, "needed", static_cast<double>(needed),
                    "it must not exceed the votes in all");
    detail::require(all <= 1000000, "votes", static_cast<double>(all), "at most 10^6 in all");
    if (needed == 0) {
        return unavailability(0);
    }
    // Down from `fatal` votes lost; the last element collects that many and more.
    auto const fatal = static_cast<std::size_t>(all - needed + 1);
    std::vector<double> lost(fatal + 1, 0.);
    lost[0] = 1;
    for (std::size_t i = 0; i < units.size(); ++i) {
        double const u = units[i].value();
        auto const v = static_cast<std::size_t>(votes[i]);
        if (v == 0) {
            continue;
        }
        for (std::size_t j = fatal; j-- > 0;) {
            lost[std::min(j + v, fatal)] += lost[j] * u;
            lost[j] *= 1 - u;
        }
    }
    return unavailability(std::min(lost[fatal], 1.));
}

/** Votes of equal worth from data replicas and from witnesses, which vote and keep no data: up
 *  with a majority of all that includes a replica. [Paris, "Voting with witnesses", ICDCS 1986;
 *  static form: every replica that is up is current.]
 */
inline unavailability with_witnesses(std::span<unavailability const> replicas,
                                     std::span<unavailability const> witnesses)
{
    detail::require(!replicas.empty(), "replicas", 0, "at least one is needed");
    std::vector<unavailability> all(replicas.begin(), replicas.end());
    all.insert(all.end(), witnesses.begin(), witnesses.end());
    auto const need = majority(all.size());
    double const no_majority = k_of_n(need, all).value();
    // A majority of witnesses alone decides nothing.
    double const only_witnesses =
        need <= witnesses.size()
            ? parallel(replicas).value() * (1 - k_of_n(need, witnesses).value())
            : 0;
    return unavailability(std::min(no_majority + only_witnesses, 1.));
}

/** A replicated service with a leader: down without a majority, and while a new leader is found
 *  and elected.
 *
 *  @par Formula    U = M + (1 - M) l E / (1 + l E): M of the majority, l the leader's failure
 *                  rate, E the time from its failure until its successor serves. With fast repair
 *                  of nodes the elections are nearly all of it.
 */
inline redundant leader_based(std::size_t n, two_state node, duration election)
{
    detail::require(election.count() >= 0 && election.count() < detail::infinity, "election",
                    election.count(), "seconds must be finite and at least 0");
    double const lost = node.failures().in(election);
    unavailability const electing(lost / (1 + lost));
    auto const quorum = majority_of(n, node.steady_state());
    return {series({quorum.independent, electing}), series({quorum.beta_1_percent, electing}),
            series({quorum.beta_10_percent, electing})};
}

} // namespace perdure::availability

#endif
