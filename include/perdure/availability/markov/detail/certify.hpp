// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_DETAIL_CERTIFY_HPP
#define PERDURE_AVAILABILITY_MARKOV_DETAIL_CERTIFY_HPP

#include <perdure/availability/markov/chain.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

// A bound on the error of a long-run measure, from vectors of which nothing need be known.
//
// Let f be the measure, eta = pi f its true value, x >= 0 any approximation of pi, r = x Q its
// residual, and g the solution of Q g = f - eta with g = 0 at a state "home". Then
//
//     x f - eta sum(x) = x Q g = r g        and       |g(s)| <= E_s[ integral of |f - eta| until
//                                                              home is reached ].
//
// The right-hand side is at most h(s) for every h >= 0 with (-Q h)(s) >= f(s) + eta away from home
// (Dynkin's formula), so
//
//     |x f / sum(x) - eta| <= sum |r(s)| h(s) / sum(x).
//
// That h satisfies the inequality is checked state by state, with room for rounding; how x and h
// were found does not matter. f + eta is replaced by f + 2 (x f): where the resulting bound is below
// a tenth of x f this is enough, since for eta > 2 x f the bound scaled by eta / (2 x f) would
// contradict it.
namespace perdure::availability::detail {

/// The transitions by their target.
class incoming {
public:
    explicit incoming(markov_chain const& chain) : first_(chain.size() + 1)
    {
        auto const n = chain.size();
        for (std::size_t s = 0; s < n; ++s) {
            for (auto t : chain.from(static_cast<chain_state>(s)).to) {
                ++first_[t + 1];
            }
        }
        for (std::size_t s = 0; s < n; ++s) {
            first_[s + 1] += first_[s];
        }
        from_.resize(chain.transitions());
        rates_.resize(chain.transitions());
        auto next = first_;
        for (std::size_t s = 0; s < n; ++s) {
            auto const r = chain.from(static_cast<chain_state>(s));
            for (std::size_t i = 0; i < r.to.size(); ++i) {
                auto const place = next[r.to[i]]++;
                from_[place] = static_cast<chain_state>(s);
                rates_[place] = r.per_second[i];
            }
        }
    }
    /// The probability that flows into `s` in a second.
    [[nodiscard]] double flow(std::vector<double> const& x, std::size_t s) const
    {
        double sum = 0;
        for (auto i = first_[s]; i < first_[s + 1]; ++i) {
            sum += x[from_[i]] * rates_[i];
        }
        return sum;
    }
    [[nodiscard]] std::span<chain_state const> sources(std::size_t s) const
    {
        return std::span(from_).subspan(first_[s], first_[s + 1] - first_[s]);
    }

private:
    std::vector<std::size_t> first_;
    std::vector<chain_state> from_;
    std::vector<double> rates_;
};

/// A sum whose rounding error does not grow with the number of terms (Neumaier 1974).
class careful_sum {
public:
    void add(double x)
    {
        double const t = sum_ + x;
        rest_ += std::abs(sum_) >= std::abs(x) ? (sum_ - t) + x : (x - t) + sum_;
        sum_ = t;
    }
    [[nodiscard]] double value() const { return sum_ + rest_; }

private:
    double sum_ = 0;
    double rest_ = 0;
};

inline constexpr double rounding_unit = std::numeric_limits<double>::epsilon();

/// The smallest (-Q h)(s) / (f(s) + more) over all states but `home`: h divided by it will do as a
/// bounding function. Not above 0: it will not.
inline double bounding_quality(markov_chain const& chain, std::vector<double> const& h,
                               std::span<double const> f, double more, chain_state home)
{
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t s = 0; s < chain.size(); ++s) {
        if (s == home) {
            continue;
        }
        auto const r = chain.from(static_cast<chain_state>(s));
        double falls = 0;
        double size = 0;
        for (std::size_t i = 0; i < r.to.size(); ++i) {
            falls += r.per_second[i] * (h[s] - h[r.to[i]]);
            size += r.per_second[i] * (h[s] + h[r.to[i]]);
        }
        double const slack = static_cast<double>(r.to.size() + 2) * rounding_unit * size;
        least = std::min(least, (falls - slack) / (f[s] + more));
    }
    return least;
}

struct residual_bound {
    double value = 0; ///< x f / sum(x)
    double error = 0;
};

inline residual_bound bound_by_residual(markov_chain const& chain, incoming const& in,
                                        std::vector<double> const& x, std::vector<double> const& h,
                                        double quality, std::span<double const> f)
{
    careful_sum total, measured, error;
    for (std::size_t s = 0; s < chain.size(); ++s) {
        double const flows_in = in.flow(x, s);
        double const flows_out = x[s] * chain.out_per_second(static_cast<chain_state>(s));
        auto const terms = static_cast<double>(in.sources(s).size() +
                                               chain.from(static_cast<chain_state>(s)).to.size());
        double const slack = (terms + 4) * rounding_unit * (flows_in + flows_out);
        total.add(x[s]);
        measured.add(x[s] * f[s]);
        error.add((std::abs(flows_in - flows_out) + slack) * h[s]);
    }
    double const value = measured.value() / total.value();
    return {value, error.value() / (quality * total.value()) + 8 * rounding_unit * value};
}

/// How many steps it takes from each state to `home` at least.
inline std::vector<double> steps_home(incoming const& in, std::size_t states, chain_state home)
{
    std::vector<double> steps(states, -1.);
    std::vector<chain_state> queue{home};
    queue.reserve(states);
    steps[home] = 0;
    for (std::size_t i = 0; i < queue.size(); ++i) {
        for (auto s : in.sources(queue[i])) {
            if (steps[s] < 0) {
                steps[s] = steps[queue[i]] + 1;
                queue.push_back(s);
            }
        }
    }
    return steps;
}

} // namespace perdure::availability::detail

#endif
