// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_COMMON_CAUSE_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_COMMON_CAUSE_HPP

#include <perdure/availability/structure/fault_tree.hpp>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Failures that hit several components at once. Every model here says how probable it is that one cause takes exactly a given
// set of k out of n equal components: Q_k, the same for every such set. They differ in the parameters they are given in.
// Source of all: Mosleh et al., "Guidelines on modeling common-cause failures", NUREG/CR-5485, 1998, chapter 5 and appendix A.
namespace perdure::availability {

/// Q_1, ..., Q_n: the probability of the cause that takes exactly a given set of 1, ..., n components.
using cause_probabilities = std::vector<double>;

namespace detail {

inline double binomial(std::size_t n, std::size_t k)
{
    double result = 1;
    for (std::size_t i = 1; i <= k; ++i) {
        result = result * static_cast<double>(n - k + i) / static_cast<double>(i);
    }
    return result;
}

inline void check_probability(char const* what, double p)
{
    if (!(p >= 0 && p <= 1)) {
        throw std::invalid_argument(std::string(what) + " is " + std::to_string(p) +
                                    "; it must lie in [0, 1]");
    }
}

inline void check_group(std::size_t n, double q)
{
    if (n < 2) {
        throw std::invalid_argument("a common cause group has " + std::to_string(n) +
                                    " members; it needs at least 2");
    }
    check_probability("the probability of a member of a common cause group", q);
}

} // namespace detail

/// A share `beta` of all failures takes all `n` components: Q_1 = (1 - beta) q, Q_n = beta q.
inline cause_probabilities beta_factor(std::size_t n, double q, double beta)
{
    detail::check_group(n, q);
    detail::check_probability("the beta factor", beta);
    cause_probabilities result(n);
    result.front() = (1 - beta) * q;
    result.back() = beta * q;
    return result;
}

/** Multiple Greek letters beta, gamma, delta, ...: of the failures that take k or more components this share takes still more.
 *  Q_k = (beta gamma ... up to the k-th letter) (1 - next letter) q / C(n - 1, k - 1).
 *  @param letters  n - 1 of them
 */
inline cause_probabilities multiple_greek_letter(std::size_t n, double q,
                                                 std::span<double const> letters)
{
    detail::check_group(n, q);
    if (letters.size() != n - 1) {
        throw std::invalid_argument("multiple Greek letter: " + std::to_string(letters.size()) +
                                    " letters for " + std::to_string(n) +
                                    " members; it takes one less than members");
    }
    cause_probabilities result(n);
    double so_far = 1;
    for (std::size_t k = 1; k <= n; ++k) {
        double const next = k < n ? letters[k - 1] : 0;
        detail::check_probability("a multiple Greek letter", next);
        result[k - 1] = so_far * (1 - next) * q / detail::binomial(n - 1, k - 1);
        so_far *= next;
    }
    return result;
}

/// How the components were tested when the alpha factors were estimated.
enum class testing {
    staggered,     ///< one after another, at different times
    non_staggered, ///< all at the same time
};

/** Alpha factors: the share of all failure *events* that took exactly k components.
 *  Staggered:      Q_k = alpha_k q / (C(n - 1, k - 1) sum alpha).
 *  Non-staggered:  Q_k = k alpha_k q / (C(n - 1, k - 1) sum i alpha_i).
 *  The same factors give answers that differ twofold between the schemes, hence no default.
 *  @param alphas   n of them; scaled to add up to 1
 */
inline cause_probabilities alpha_factor(std::size_t n, double q, std::span<double const> alphas,
                                        testing scheme)
{
    detail::check_group(n, q);
    if (alphas.size() != n) {
        throw std::invalid_argument("alpha factors: " + std::to_string(alphas.size()) + " for " +
                                    std::to_string(n) + " members; it takes one for each");
    }
    double total = 0;
    for (std::size_t k = 1; k <= n; ++k) {
        detail::check_probability("an alpha factor", alphas[k - 1]);
        total += alphas[k - 1] * (scheme == testing::staggered ? 1 : static_cast<double>(k));
    }
    if (total <= 0) {
        throw std::invalid_argument("the alpha factors are all 0; one at least must be more");
    }
    cause_probabilities result(n);
    for (std::size_t k = 1; k <= n; ++k) {
        double const weight = scheme == testing::staggered ? 1 : static_cast<double>(k);
        result[k - 1] = weight * alphas[k - 1] * q / (total * detail::binomial(n - 1, k - 1));
    }
    return result;
}

/// Phi factors: Q_k = phi_k q, as they are. @param phis  n of them, adding up to 1
inline cause_probabilities phi_factor(std::size_t n, double q, std::span<double const> phis)
{
    detail::check_group(n, q);
    if (phis.size() != n) {
        throw std::invalid_argument("phi factors: " + std::to_string(phis.size()) + " for " +
                                    std::to_string(n) + " members; it takes one for each");
    }
    double sum = 0;
    cause_probabilities result;
    for (double phi : phis) {
        detail::check_probability("a phi factor", phi);
        sum += phi;
        result.push_back(phi * q);
    }
    if (!(sum > 1 - 1e-9 && sum < 1 + 1e-9)) {
        throw std::invalid_argument("the phi factors add up to " + std::to_string(sum) +
                                    "; they must add up to 1");
    }
    return result;
}

/// Equal components that share causes of failure.
struct common_cause_group {
    std::vector<std::string> members; ///< names of events
    cause_probabilities causes;       ///< one for each size of set
};

/** The tree with every member of a group replaced by "any cause of a set that it belongs to".
 *
 *  The new events are named after their set: "a", "a + b", "a + b + c". The members' own probabilities are no longer used.
 *  Sizes whose probability is 0 make no events.
 *
 *  @par Complexity     2^members events a group where all sizes occur; at most 16 members then.
 *  @throws std::invalid_argument naming a member that is no event of the tree or is in two groups, or a group that is too large
 */
inline fault_tree with_common_causes(fault_tree const& tree,
                                     std::span<common_cause_group const> groups)
{
    fault_tree result;
    // For each event of the tree, the node that takes its place.
    std::vector<fault_tree::node> replaced(tree.events().size());
    std::vector<bool> is_member(tree.events().size());
    for (auto const& group : groups) {
        auto const n = group.members.size();
        if (n != group.causes.size()) {
            throw std::invalid_argument("a common cause group of " + std::to_string(n) +
                                        " members has " + std::to_string(group.causes.size()) +
                                        " probabilities; it takes one for each size");
        }
        std::vector<std::uint32_t> members;
        for (auto const& name : group.members) {
            members.push_back(tree.event(name));
            if (is_member[members.back()]) {
                throw std::invalid_argument("event '" + name +
                                            "' is in two common cause groups; it can be in one");
            }
            is_member[members.back()] = true;
        }
        bool all_sizes = false;
        for (std::size_t k = 1; k + 1 < n; ++k) {
            all_sizes = all_sizes || group.causes[k] > 0;
        }
        if (n > 16 && all_sizes) {
            throw std::invalid_argument("the common cause group of '" + group.members.front() +
                                        "' has " + std::to_string(n) +
                                        " members; 16 are possible with causes of every size");
        }
        std::vector<std::vector<fault_tree::node>> causes(n);
        auto const add = [&](std::vector<std::size_t> const& set) {
            double const q = group.causes[set.size() - 1];
            if (q == 0) {
                return;
            }
            std::string name;
            for (auto const i : set) {
                name += (name.empty() ? "" : " + ") + group.members[i];
            }
            auto const node = result.add_event(std::move(name), q);
            for (auto const i : set) {
                causes[i].push_back(node);
            }
        };
        if (all_sizes) {
            for (std::uint32_t mask = 1; mask < std::uint32_t{1} << n; ++mask) {
                std::vector<std::size_t> set;
                for (std::size_t i = 0; i < n; ++i) {
                    if ((mask >> i & 1) != 0) {
                        set.push_back(i);
                    }
                }
                add(set);
            }
        } else {
            std::vector<std::size_t> all(n);
            std::iota(all.begin(), all.end(), std::size_t{0});
            for (std::size_t i = 0; i < n; ++i) {
                add({i});
            }
            add(all);
        }
        for (std::size_t i = 0; i < n; ++i) {
            replaced[members[i]] =
                causes[i].empty() ? result.add_constant(false)
                                  : result.any_of(causes[i], group.members[i] + " (any cause)");
        }
    }
    result.append(tree, [&](std::uint32_t event) {
        return is_member[event] ? replaced[event] : result.add_event(tree.events()[event]);
    });
    return result;
}

} // namespace perdure::availability

#endif
