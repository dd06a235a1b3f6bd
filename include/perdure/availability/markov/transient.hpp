// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_TRANSIENT_HPP
#define PERDURE_AVAILABILITY_MARKOV_TRANSIENT_HPP

#include <perdure/availability/markov/chain.hpp>
#include <perdure/availability/markov/detail/certify.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace perdure::availability {

/// The distribution that is all in one state.
inline std::vector<double> started_in(markov_chain const& chain, chain_state s)
{
    if (s >= chain.size()) {
        throw std::invalid_argument("there is no state " + std::to_string(s) + "; the chain has " +
                                    std::to_string(chain.size()));
    }
    std::vector<double> result(chain.size(), 0.);
    result[s] = 1;
    return result;
}

namespace detail {

/// The Poisson probabilities around their mode that are worth counting.
struct poisson_window {
    std::uint64_t first = 0;
    std::vector<double> weights; ///< of first, first + 1, ...; they sum to 1

    /** Fox and Glynn (1988): from the mode outwards, down to 1e-30 of it, then normalised: means of
     *  a million neither underflow nor lose the small weights that rare events live on. The mode's
     *  own value does not matter.
     */
    explicit poisson_window(double mean)
    {
        auto const mode = static_cast<std::uint64_t>(mean);
        std::vector<double> below;
        double weight = 1;
        for (auto k = mode; k > 0; --k) {
            weight *= static_cast<double>(k) / mean;
            if (weight < 1e-30) {
                break;
            }
            below.push_back(weight);
        }
        first = mode - below.size();
        weights.assign(below.rbegin(), below.rend());
        weights.push_back(1);
        weight = 1;
        for (auto k = mode + 1; weight > 1e-30; ++k) {
            weight *= mean / static_cast<double>(k);
            weights.push_back(weight);
        }
        double sum = 0; // the small ones first, from either side
        std::size_t low = 0;
        std::size_t high = weights.size();
        while (low < high) {
            sum += weights[low] < weights[high - 1] ? weights[low++] : weights[--high];
        }
        for (double& w : weights) {
            w /= sum;
        }
    }
};

} // namespace detail

/// When the solver gives up.
struct transient_options {
    /// More multiplications than this are refused: (fastest rate * time) * transitions.
    double operations_max = 1e12;
};

/** Where a chain is after a while, and what it has collected until then.
 *
 *  @par Method         uniformisation: jumps at the fastest rate q, a Poisson number of them, weights
 *                      by Fox and Glynn. There is no test for a steady state, which slow modes would
 *                      deceive.
 *  @par Accuracy       1e-12 relative on every probability, however small, up to q t = 10^6 (tested).
 *                      Weights below 1e-30 of the largest are left out.
 *  @par Complexity     (q t + 12 sqrt(q t)) * transitions
 *  @par Source         Jensen 1953; Fox and Glynn, CACM 31(4), 1988.
 *  The chain must outlive it.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class transient {
public:
    explicit transient(markov_chain const& chain, transient_options options = {})
        : transient(chain, std::vector<unsigned char>(chain.size(), 0), options)
    {
    }
    /// A chain that stays where absorbing[state] is not 0.
    transient(markov_chain const& chain, std::vector<unsigned char> const& absorbing,
              transient_options options = {})
        : chain_(&chain), options_(options), leaves_(chain.size()), stays_(chain.size()),
          first_(chain.size() + 1)
    {
        auto const n = chain.size();
        if (absorbing.size() != n) {
            throw std::invalid_argument("absorbing has " + std::to_string(absorbing.size()) +
                                        " values for " + std::to_string(n) + " states");
        }
        for (std::size_t s = 0; s < n; ++s) {
            auto const state = static_cast<chain_state>(s);
            if (absorbing[s] == 0) {
                q_ = std::max(q_, chain.out_per_second(state));
                for (auto t : chain.from(state).to) {
                    ++first_[t + 1];
                }
            }
        }
        for (std::size_t s = 0; s < n; ++s) {
            first_[s + 1] += first_[s];
        }
        from_.resize(first_[n]);
        steps_.resize(first_[n]);
        auto next = first_;
        for (std::size_t s = 0; s < n; ++s) {
            auto const state = static_cast<chain_state>(s);
            stays_[s] = 1;
            if (absorbing[s] != 0 || q_ == 0) {
                continue;
            }
            leaves_[s] = chain.out_per_second(state) / q_;
            stays_[s] = (q_ - chain.out_per_second(state)) / q_;
            auto const r = chain.from(state);
            for (std::size_t i = 0; i < r.to.size(); ++i) {
                auto const place = next[r.to[i]]++;
                from_[place] = state;
                steps_[place] = r.per_second[i] / q_;
            }
        }
    }

    /// The probability of each state at the time t.
    [[nodiscard]] std::vector<double> at(std::span<double const> initial, duration t) const
    {
        std::vector<double> result;
        run(initial, t, &result, nullptr);
        return result;
    }
    /// The expected time spent in each state until t, in seconds.
    [[nodiscard]] std::vector<double> time_spent(std::span<double const> initial, duration t) const
    {
        std::vector<double> result;
        run(initial, t, nullptr, &result);
        return result;
    }
    /// The expected measure at the time t.
    [[nodiscard]] double at(std::span<double const> initial, std::span<double const> measure,
                            duration t) const
    {
        return weigh(at(initial, t), measure);
    }
    /// The expected measure collected until t: its integral, the measure being per second.
    [[nodiscard]] double collected(std::span<double const> initial,
                                   std::span<double const> measure, duration t) const
    {
        return weigh(time_spent(initial, t), measure);
    }

private:
    [[nodiscard]] double weigh(std::vector<double> const& weights,
                               std::span<double const> measure) const
    {
        detail::check_measure(*chain_, measure, "measure");
        detail::careful_sum sum;
        for (std::size_t s = 0; s < weights.size(); ++s) {
            sum.add(weights[s] * measure[s]);
        }
        return sum.value();
    }
    void run(std::span<double const> initial, duration t, std::vector<double>* now,
             std::vector<double>* spent) const
    {
        auto const n = stays_.size();
        detail::check_measure(*chain_, initial, "initial distribution");
        detail::require(t.count() >= 0 && t.count() < detail::infinity, "t", t.count(),
                        "seconds must be finite and at least 0");
        std::vector<double> x(initial.begin(), initial.end());
        double const jumps = q_ * t.count();
        if (jumps == 0) {
            if (now != nullptr) {
                *now = x;
            }
            if (spent != nullptr) {
                *spent = x;
                for (double& s : *spent) {
                    s *= t.count();
                }
            }
            return;
        }
        double const work =
            (jumps + 12 * std::sqrt(jumps) + 40) * static_cast<double>(from_.size() + n);
        if (work > options_.operations_max) {
            throw std::length_error(
                "the chain jumps " + detail::shortest(jumps) + " times within " +
                detail::shortest(t.count()) + " s, which takes " + detail::shortest(work) +
                " operations; allowed are " + detail::shortest(options_.operations_max) +
                ". Allow more, ask for a shorter time, or for the long run");
        }
        detail::poisson_window const window(jumps);
        auto const last = window.first + window.weights.size() - 1;
        // P(more than k jumps), from the small end.
        std::vector<double> beyond(window.weights.size(), 0.);
        for (std::size_t i = beyond.size() - 1; i > 0; --i) {
            beyond[i - 1] = beyond[i] + window.weights[i];
        }
        if (now != nullptr) {
            now->assign(n, 0.);
        }
        if (spent != nullptr) {
            spent->assign(n, 0.);
        }
        std::vector<double> y(n);
        for (std::uint64_t k = 0;; ++k) {
            bool const counts = k >= window.first;
            auto const i = static_cast<std::size_t>(counts ? k - window.first : 0);
            if (now != nullptr && counts) {
                for (std::size_t s = 0; s < n; ++s) {
                    (*now)[s] += window.weights[i] * x[s];
                }
            }
            if (spent != nullptr) {
                double const weight = (counts ? beyond[i] : 1) / q_;
                for (std::size_t s = 0; s < n; ++s) {
                    (*spent)[s] += weight * x[s];
                }
            }
            if (k == last) {
                return;
            }
            for (std::size_t s = 0; s < n; ++s) {
                double comes = 0;
                for (auto e = first_[s]; e < first_[s + 1]; ++e) {
                    comes += x[from_[e]] * steps_[e];
                }
                // Of a state that is seldom left, what comes and goes is added up, so that the
                // rounding of stays_ does not repeat itself a million times.
                y[s] = leaves_[s] > 0.5 ? x[s] * stays_[s] + comes
                                        : x[s] + (comes - x[s] * leaves_[s]);
            }
            x.swap(y);
        }
    }

    markov_chain const* chain_;
    transient_options options_;
    double q_ = 0;
    std::vector<double> leaves_; ///< P(a jump leads elsewhere)
    std::vector<double> stays_;  ///< 1 - leaves_
    std::vector<std::size_t> first_;
    std::vector<chain_state> from_;
    std::vector<double> steps_;
};

} // namespace perdure::availability

#endif
