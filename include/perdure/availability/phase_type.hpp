// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_PHASE_TYPE_HPP
#define PERDURE_AVAILABILITY_PHASE_TYPE_HPP

#include <perdure/availability/detail/absorption.hpp>
#include <perdure/availability/unavailability.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace perdure::availability {

/** A random time made of exponential phases, one after another or one of several: repairs are
 *  seldom memoryless.
 *
 *  Phases lead forwards only. Sums (a then b) and mixtures (sometimes a, sometimes b) of such
 *  times are such times, and any time can be approached by them; with_moments() takes a measured
 *  mean and variance.
 *
 *  @par Accuracy       within() and longer_than() 1e-12 relative while they are below 0.5, else
 *                      absolute.
 *  @par Complexity     O(phases^3 log(t / shortest phase)) an evaluation; at most 256 phases.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class phase_type {
public:
    /// Most phases of one time, sums and mixtures included.
    static constexpr std::size_t phases_max = 256;

    /// A memoryless time. @throws std::invalid_argument unless the mean is finite and more than 0
    static phase_type exponential(duration mean) { return erlang(1, mean); }
    /// `stages` equal exponential phases in a row: the more, the more regular.
    static phase_type erlang(unsigned stages, duration mean)
    {
        detail::require(stages >= 1 && stages <= phases_max, "stages", stages,
                        "it must lie between 1 and 256");
        check_mean(mean);
        phase_type p(stages);
        double const r = stages / mean.count();
        p.start_[0] = 1;
        for (std::size_t i = 0; i < stages; ++i) {
            (i + 1 < stages ? p.rates_[i * stages + i + 1] : p.exits_[i]) = r;
        }
        return p;
    }
    /// Exponential phases with these means in a row (hypo-exponential).
    static phase_type sequence(std::span<duration const> means)
    {
        detail::require(!means.empty(), "means", 0, "at least one phase is needed");
        auto p = exponential(means[0]);
        for (auto mean : means.subspan(1)) {
            p = p + exponential(mean);
        }
        return p;
    }
    /// With probability `weight` the time `a`, else `b`: "most restarts take seconds, some need a
    /// person".
    static phase_type mixture(probability weight, phase_type const& a, phase_type const& b)
    {
        phase_type p = side_by_side(a, b);
        for (std::size_t i = 0; i < a.size(); ++i) {
            p.start_[i] = weight.value() * a.start_[i];
        }
        for (std::size_t i = 0; i < b.size(); ++i) {
            p.start_[a.size() + i] = weight.complement().value() * b.start_[i];
        }
        return p;
    }
    /** The simplest time with this mean and this squared coefficient of variation (variance /
     *  mean^2).
     *
     *  1: exponential. Above: two exponentials with balanced means. Below: Erlang of k - 1 or k
     *  stages of one rate, as in Tijms, Stochastic Models, 1994, section 4.4. At least 1 / 256.
     */
    static phase_type with_moments(duration mean, double variation_squared)
    {
        double const c = variation_squared;
        check_mean(mean);
        detail::require(detail::within(c, 1. / phases_max, 1e12), "variation_squared", c,
                        "it must lie between 1/256 and 1e12");
        if (c > 1) {
            double const p = (1 + std::sqrt((c - 1) / (c + 1))) / 2;
            // The rarer branch's weight 1 - p, with its own digits.
            double const q = 1 / ((c + 1) * 2 * p);
            return mixture(probability(q), exponential(mean / (2 * q)),
                           exponential(mean / (2 * p)));
        }
        auto const k = static_cast<unsigned>(std::ceil(1 / c - 1e-9));
        if (k == 1) {
            return exponential(mean);
        }
        double const p =
            std::max(0., (k * c - std::sqrt(std::max(0., k * (1 + c) - k * k * c))) / (1 + c));
        // k stages of the rate (k - p) / mean, the first of which is left out with probability p.
        auto result = erlang(k, mean * (k / (k - p)));
        result.start_[0] = 1 - p;
        result.start_[1] = p;
        return result;
    }
    /// One time and then the other.
    friend phase_type operator+(phase_type const& a, phase_type const& b)
    {
        phase_type p = side_by_side(a, b);
        auto const n = p.size();
        for (std::size_t i = 0; i < a.size(); ++i) {
            p.start_[i] = a.start_[i];
            for (std::size_t j = 0; j < b.size(); ++j) {
                p.rates_[i * n + a.size() + j] = a.exits_[i] * b.start_[j];
            }
            p.exits_[i] = 0;
        }
        return p;
    }

    /// Number of phases.
    [[nodiscard]] std::size_t size() const { return exits_.size(); }
    /// Its mean, the sum of time_in_phases().
    [[nodiscard]] duration mean() const
    {
        double sum = 0;
        for (double t : time_in_phases()) {
            sum += t;
        }
        return duration(sum);
    }
    /// Variance / mean^2.
    [[nodiscard]] double variation_squared() const
    {
        // E[T^2] = 2 sum of (time in phase i) (mean time left from phase i).
        auto const left = mean_left();
        auto const in = time_in_phases();
        double square = 0;
        double m = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            square += 2 * in[i] * left[i];
            m += in[i];
        }
        return square / (m * m) - 1;
    }
    /// P(T <= t).
    [[nodiscard]] probability within(duration t) const
    {
        if (!(t.count() > 0)) {
            return probability(0);
        }
        auto const a = after(t);
        double sum = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            sum += start_[i] * a.gone[i];
        }
        return probability(sum < 1 ? sum : 1);
    }
    /// P(T > t).
    [[nodiscard]] probability longer_than(duration t) const
    {
        if (!(t.count() > 0)) {
            return probability(1);
        }
        auto const a = after(t);
        double sum = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            for (std::size_t j = 0; j < size(); ++j) {
                sum += start_[i] * a.stay[i * size() + j];
            }
        }
        return probability(sum < 1 ? sum : 1);
    }
    /// The smallest t with P(T <= t) >= `sure`, by bisection to 12 digits.
    [[nodiscard]] duration quantile(double sure) const
    {
        detail::require(sure > 0 && sure < 1, "confidence", sure, "it must lie between 0 and 1");
        auto const reached = [&](double t) {
            return sure < 0.5 ? within(duration(t)) >= sure : longer_than(duration(t)) <= 1 - sure;
        };
        double high = mean().count();
        while (!reached(high)) {
            high *= 2;
        }
        double low = high / 2;
        while (low > 0 && reached(low)) {
            high = low;
            low /= 2;
        }
        while (high - low > 1e-12 * high) {
            double const middle = low + (high - low) / 2;
            (reached(middle) ? high : low) = middle;
        }
        return duration(high);
    }

    // For calculations with the phases themselves. Phase i begins with probability start()[i];
    // rates()[i size() + j] lead from i to a later j, exits()[i] to the end. Per second.
    /// Probability of beginning in each phase; they sum to 1.
    [[nodiscard]] std::vector<double> const& start() const { return start_; }
    /// Rates between phases, by row, per second.
    [[nodiscard]] std::vector<double> const& rates() const { return rates_; }
    /// Rate from each phase to the end, per second.
    [[nodiscard]] std::vector<double> const& exits() const { return exits_; }
    /// Mean time spent in each phase, in seconds; they sum to the mean.
    [[nodiscard]] std::vector<double> time_in_phases() const
    {
        auto const n = size();
        std::vector<double> entries = start_;
        std::vector<double> time(n);
        for (std::size_t i = 0; i < n; ++i) {
            time[i] = entries[i] / out(i);
            for (std::size_t j = i + 1; j < n; ++j) {
                entries[j] += time[i] * rates_[i * n + j];
            }
        }
        return time;
    }

private:
    explicit phase_type(std::size_t n) : start_(n, 0.), rates_(n * n, 0.), exits_(n, 0.) {}

    static void check_mean(duration mean)
    {
        detail::require(mean.count() > 0 && mean.count() < detail::infinity, "mean", mean.count(),
                        "seconds must be more than 0 and finite");
    }
    static phase_type side_by_side(phase_type const& a, phase_type const& b)
    {
        auto const n = a.size() + b.size();
        detail::require(n <= phases_max, "phases", static_cast<double>(n),
                        "at most 256 are possible");
        phase_type p(n);
        for (std::size_t i = 0; i < a.size(); ++i) {
            p.exits_[i] = a.exits_[i];
            for (std::size_t j = 0; j < a.size(); ++j) {
                p.rates_[i * n + j] = a.rates_[i * a.size() + j];
            }
        }
        for (std::size_t i = 0; i < b.size(); ++i) {
            auto const k = a.size() + i;
            p.exits_[k] = b.exits_[i];
            for (std::size_t j = 0; j < b.size(); ++j) {
                p.rates_[k * n + a.size() + j] = b.rates_[i * b.size() + j];
            }
        }
        return p;
    }
    [[nodiscard]] double out(std::size_t i) const
    {
        double sum = exits_[i];
        for (std::size_t j = i + 1; j < size(); ++j) {
            sum += rates_[i * size() + j];
        }
        return sum;
    }
    [[nodiscard]] std::vector<double> mean_left() const
    {
        auto const n = size();
        std::vector<double> left(n);
        for (std::size_t i = n; i-- > 0;) {
            double sum = 1;
            for (std::size_t j = i + 1; j < n; ++j) {
                sum += rates_[i * n + j] * left[j];
            }
            left[i] = sum / out(i);
        }
        return left;
    }
    [[nodiscard]] detail::absorption after(duration t) const
    {
        return detail::absorb(rates_, exits_, t.count());
    }

    std::vector<double> start_;
    std::vector<double> rates_;
    std::vector<double> exits_;
};

} // namespace perdure::availability

#endif
