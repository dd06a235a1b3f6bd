// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_COPYSETS_HPP
#define PERDURE_AVAILABILITY_COPYSETS_HPP

#include <perdure/availability/detail/math.hpp>
#include <perdure/availability/unavailability.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <ranges>
#include <set>
#include <stdexcept>
#include <vector>

// A copyset is a set of nodes that together hold all replicas of some data: if just these fail,
// data are lost. The fewer different copysets a placement has, the rarer a loss is when many nodes
// fail at once (a power cut), and the more is lost then. [Cidon, Rumble, Stutsman, Katti,
// Ousterhout, Rosenblum, "Copysets", USENIX ATC 2013.]
namespace perdure::availability {

/// P(the `failed` nodes, any of `nodes` with equal chances, contain one given set of `replicas`).
inline probability copyset_hit(std::uint64_t nodes, std::uint64_t failed, std::uint64_t replicas)
{
    detail::require(failed <= nodes, "failed", static_cast<double>(failed),
                    "it must not exceed the nodes");
    detail::require(replicas >= 1 && replicas <= nodes, "replicas", static_cast<double>(replicas),
                    "it must lie between 1 and the nodes");
    double p = 1;
    for (std::uint64_t i = 0; i < replicas; ++i) {
        p *= i < failed ? static_cast<double>(failed - i) / static_cast<double>(nodes - i) : 0;
    }
    return probability(p);
}

/** P(some copyset is lost) when `failed` nodes fail at once: 1 - (1 - hit)^copysets.
 *
 *  Takes the copysets as independent; they share nodes, so the truth lies below by a little while
 *  losses are rare.
 */
inline probability copyset_loss(std::uint64_t nodes, std::uint64_t failed, std::uint64_t replicas,
                                double copysets)
{
    detail::require(copysets >= 0, "copysets", copysets, "it must be at least 0");
    double const hit = copyset_hit(nodes, failed, replicas).value();
    return probability(hit == 1 ? (copysets > 0 ? 1 : 0)
                                : -std::expm1(copysets * std::log1p(-hit)));
}

/** The fewest copysets with which every node shares data with `scatter_width` others: scatter /
 *  (replicas - 1) * nodes / replicas, as copyset replication arranges them.
 */
inline double fewest_copysets(std::uint64_t nodes, std::uint64_t replicas,
                              std::uint64_t scatter_width)
{
    detail::require(replicas >= 2, "replicas", static_cast<double>(replicas),
                    "it must be at least 2");
    return static_cast<double>(scatter_width) / static_cast<double>(replicas - 1) *
           static_cast<double>(nodes) / static_cast<double>(replicas);
}

/** The copysets of an actual placement: give it every replica list of a ring or of a table of
 *  shards.
 *
 *  @tparam Node    anything ordered
 *  @par Complexity add: O(replicas log copysets)
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Node>
class copysets {
public:
    /// The nodes that hold one piece of data; order and repetition do not matter.
    template <std::ranges::input_range Owners>
    void add(Owners const& owners)
    {
        std::vector<Node> set(std::ranges::begin(owners), std::ranges::end(owners));
        std::sort(set.begin(), set.end());
        set.erase(std::unique(set.begin(), set.end()), set.end());
        if (set.empty()) {
            throw std::invalid_argument("owners is empty; a copyset has at least one node");
        }
        if (sets_.insert(set).second) {
            for (auto const& a : set) {
                auto& others = neighbours_[a];
                for (auto const& b : set) {
                    if (a < b || b < a) {
                        others.insert(b);
                    }
                }
            }
        }
    }

    /// Different copysets.
    [[nodiscard]] std::size_t count() const { return sets_.size(); }
    /// All of them, each with its nodes in ascending order.
    [[nodiscard]] std::set<std::vector<Node>> const& sets() const { return sets_; }
    /// Nodes that share data with `node`: all of them help when it must be rebuilt.
    [[nodiscard]] std::size_t scatter_width(Node const& node) const
    {
        auto const found = neighbours_.find(node);
        return found == neighbours_.end() ? 0 : found->second.size();
    }
    /// Mean over the nodes that hold data.
    [[nodiscard]] double mean_scatter_width() const
    {
        double sum = 0;
        for (auto const& [node, others] : neighbours_) {
            sum += static_cast<double>(others.size());
        }
        return neighbours_.empty() ? 0 : sum / static_cast<double>(neighbours_.size());
    }
    /// Copysets of which every node is in `failed` (any range of nodes): what a given loss of
    /// nodes takes along.
    template <std::ranges::input_range Failed>
    [[nodiscard]] std::size_t lost_with(Failed const& failed) const
    {
        std::set<Node> const gone(std::ranges::begin(failed), std::ranges::end(failed));
        return static_cast<std::size_t>(
            std::count_if(sets_.begin(), sets_.end(), [&](auto const& set) {
                return std::all_of(set.begin(), set.end(),
                                   [&](Node const& node) { return gone.contains(node); });
            }));
    }
    /// Copysets expected to be lost when `failed` of `nodes` fail at once. Exact, whatever they
    /// share.
    [[nodiscard]] double expected_losses(std::uint64_t nodes, std::uint64_t failed) const
    {
        double sum = 0;
        for (auto const& set : sets_) {
            sum += copyset_hit(nodes, failed, set.size()).value();
        }
        return sum;
    }
    /// P(some copyset is lost) when `failed` of `nodes` fail at once, taking the copysets as
    /// independent.
    [[nodiscard]] probability loss(std::uint64_t nodes, std::uint64_t failed) const
    {
        double none = 0; // logarithm of P(no loss)
        for (auto const& set : sets_) {
            double const hit = copyset_hit(nodes, failed, set.size()).value();
            if (hit == 1) {
                return probability(1);
            }
            none += std::log1p(-hit);
        }
        return probability(-std::expm1(none));
    }

private:
    std::set<std::vector<Node>> sets_;
    std::map<Node, std::set<Node>> neighbours_;
};

} // namespace perdure::availability

#endif
