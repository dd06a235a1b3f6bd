// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_PASSAGE_HPP
#define PERDURE_AVAILABILITY_MARKOV_PASSAGE_HPP

#include <perdure/availability/markov/detail/elimination.hpp>
#include <perdure/availability/markov/steady.hpp>
#include <perdure/availability/markov/transient.hpp>
#include <perdure/availability/unavailability.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace perdure::availability {

/** When a chain enters a set of states for the first time: the time to failure, with or without
 *  repair on the way.
 *
 *  @par Accuracy   mean times and probabilities of ever by elimination, about 1e-14 relative;
 *                  probabilities by a time as transient.
 *  The chain must outlive it.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class first_passage {
public:
    /// @param target  by state, not 0 for the states to be reached; see indicator()
    /// @throws std::invalid_argument if it does not fit the chain or no state is a target
    first_passage(markov_chain const& chain, std::span<double const> target)
        : chain_(&chain), target_(chain.size())
    {
        detail::check_measure(chain, target, "target");
        for (std::size_t s = 0; s < target.size(); ++s) {
            target_[s] = target[s] != 0 ? 1 : 0;
        }
        if (std::find(target_.begin(), target_.end(), 1) == target_.end()) {
            throw std::invalid_argument("no state is a target");
        }
        detail::incoming const in(chain);
        // Which states can reach the target at all?
        reaches_ = target_;
        std::vector<chain_state> queue;
        for (std::size_t s = 0; s < target_.size(); ++s) {
            if (target_[s] != 0) {
                queue.push_back(static_cast<chain_state>(s));
            }
        }
        while (!queue.empty()) {
            auto const t = queue.back();
            queue.pop_back();
            for (auto s : in.sources(t)) {
                if (reaches_[s] == 0) {
                    reaches_[s] = 1;
                    queue.push_back(s);
                }
            }
        }
    }

    /// The mean time until the target; infinite if it may never be reached.
    [[nodiscard]] mtbf mean(std::span<double const> initial) const
    {
        return mtbf(duration(collected(initial, std::vector<double>(chain_->size(), 1.))));
    }
    /** The mean measure collected on the way. Infinite if the target may never be reached.
     *  @throws std::length_error if the chain is too large to be eliminated
     */
    [[nodiscard]] double collected(std::span<double const> initial,
                                   std::span<double const> measure) const
    {
        detail::check_measure(*chain_, measure, "measure");
        auto const seen = reachable(initial);
        for (std::size_t s = 0; s < seen.size(); ++s) {
            if (seen[s] != 0 && reaches_[s] == 0) {
                return detail::infinity;
            }
        }
        return weigh(initial, solve(seen).collected(measure));
    }
    /// The probability that the target is ever reached.
    [[nodiscard]] probability ever(std::span<double const> initial) const
    {
        auto const seen = reachable(initial);
        std::vector<double> enters(seen.size(), 0.);
        double already = 0;
        for (std::size_t s = 0; s < seen.size(); ++s) {
            already += target_[s] != 0 ? initial[s] : 0;
            if (seen[s] == 0 || target_[s] != 0) {
                continue;
            }
            auto const r = chain_->from(static_cast<chain_state>(s));
            for (std::size_t i = 0; i < r.to.size(); ++i) {
                enters[s] += target_[r.to[i]] != 0 ? r.per_second[i] : 0;
            }
        }
        return probability(std::min(already + weigh(initial, solve(seen).collected(enters)), 1.));
    }
    /// The probability that it is reached by the time t.
    [[nodiscard]] probability within(std::span<double const> initial, duration t,
                                     transient_options options = {}) const
    {
        auto const x = transient(*chain_, target_, options).at(initial, t);
        detail::careful_sum sum;
        for (std::size_t s = 0; s < x.size(); ++s) {
            sum.add(target_[s] != 0 ? x[s] : 0);
        }
        return probability(std::min(sum.value(), 1.));
    }

private:
    [[nodiscard]] std::vector<unsigned char> reachable(std::span<double const> initial) const
    {
        detail::check_measure(*chain_, initial, "initial distribution");
        std::vector<unsigned char> seen(initial.size(), 0);
        std::vector<chain_state> queue;
        for (std::size_t s = 0; s < initial.size(); ++s) {
            if (initial[s] > 0) {
                seen[s] = 1;
                queue.push_back(static_cast<chain_state>(s));
            }
        }
        while (!queue.empty()) {
            auto const s = queue.back();
            queue.pop_back();
            if (target_[s] != 0) {
                continue;
            }
            for (auto t : chain_->from(s).to) {
                if (seen[t] == 0) {
                    seen[t] = 1;
                    queue.push_back(t);
                }
            }
        }
        return seen;
    }
    /// Grounded: the target, what is not seen, and what cannot reach the target.
    [[nodiscard]] detail::elimination solve(std::vector<unsigned char> const& seen) const
    {
        std::vector<unsigned char> grounded(seen.size());
        for (std::size_t s = 0; s < seen.size(); ++s) {
            grounded[s] = target_[s] != 0 || seen[s] == 0 || reaches_[s] == 0 ? 1 : 0;
        }
        detail::elimination solved(*chain_, grounded);
        if (!solved.done()) {
            throw std::length_error("a chain of " + std::to_string(chain_->size()) +
                                    " states fills up too much to be eliminated");
        }
        return solved;
    }
    [[nodiscard]] static double weigh(std::span<double const> initial,
                                      std::vector<double> const& by_state)
    {
        detail::careful_sum sum;
        for (std::size_t s = 0; s < by_state.size(); ++s) {
            sum.add(initial[s] == 0 ? 0 : initial[s] * by_state[s]);
        }
        return sum.value();
    }

    markov_chain const* chain_;
    std::vector<unsigned char> target_;
    std::vector<unsigned char> reaches_;
};

} // namespace perdure::availability

#endif
