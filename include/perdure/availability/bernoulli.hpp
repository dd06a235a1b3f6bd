// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_BERNOULLI_HPP
#define PERDURE_AVAILABILITY_BERNOULLI_HPP

#include <perdure/availability/exponential.hpp>

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

// The fault rate as a coin: every trial (a request, a heartbeat, a write) has a fault with the same
// probability, independently of the others; or faults come at a constant rate in time. Both are
// memoryless.
namespace perdure::availability {

/** The number of faults in `n` trials.
 *
 *  @par Formulas   none (1 - p)^n and its complement by expm1 and log1p; tails by the regularised
 *                  incomplete beta function, either one directly: O(1) for any n, no binomial
 *                  coefficient.
 *  @par Accuracy   none, at_least_one: 1e-15 relative; the others 1e-12.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class faults_in_trials {
public:
    /// `n` independent trials, each with a fault with probability `p`.
    constexpr faults_in_trials(std::uint64_t n, probability p) : n_(n), p_(p.value()) {}

    /// Expected number of faults, n p.
    [[nodiscard]] constexpr double mean() const { return static_cast<double>(n_) * p_; }
    /// P(no fault at all).
    [[nodiscard]] constexpr probability none() const
    {
        return probability(n_ == 0 ? 1 : detail::exp(log_none()));
    }
    /// P(one fault or more), with its own digits.
    [[nodiscard]] constexpr probability at_least_one() const
    {
        return probability(n_ == 0 ? 0 : -detail::expm1(log_none()));
    }
    /// P(k faults); 0 for k above n.
    [[nodiscard]] probability exactly(std::uint64_t k) const
    {
        if (k > n_) {
            return probability(0);
        }
        if (p_ == 0 || p_ == 1) {
            return probability((p_ == 0 ? k == 0 : k == n_) ? 1 : 0);
        }
        auto const faults = static_cast<double>(k);
        auto const n = static_cast<double>(n_);
        if (k == 0) {
            return none();
        }
        if (k == n_) {
            return probability(std::pow(p_, n));
        }
        return probability(boost::math::ibeta_derivative(faults + 1, n - faults + 1, p_) / (n + 1));
    }
    /// P(k faults or more); 0 for k above n.
    [[nodiscard]] probability at_least(std::uint64_t k) const
    {
        if (k == 0) {
            return probability(1);
        }
        if (k > n_) {
            return probability(0);
        }
        auto const faults = static_cast<double>(k);
        return probability(boost::math::ibeta(faults, static_cast<double>(n_) - faults + 1, p_));
    }
    /// P(k faults or fewer).
    [[nodiscard]] probability at_most(std::uint64_t k) const
    {
        if (k >= n_) {
            return probability(1);
        }
        auto const faults = static_cast<double>(k);
        return probability(boost::math::ibetac(faults + 1, static_cast<double>(n_) - faults, p_));
    }
    /** P(somewhere in the n trials stand at least `length` faults in a row).
     *
     *  What a heartbeat detector that gives up after `length` lost messages does wrongly in n of
     *  them.
     *  @par Formula    g(i) = g(i - 1) + (1 - g(i - length - 1)) (1 - p) p^length: only sums of
     *                  positive terms.
     *  @par Complexity O(n) time, O(length) memory.
     */
    [[nodiscard]] probability run_of(std::uint64_t length) const
    {
        detail::require(length >= 1, "length of a run", static_cast<double>(length),
                        "it must be at least 1");
        if (length > n_) {
            return probability(0);
        }
        double const all = std::pow(p_, static_cast<double>(length));
        // last[i % (length + 1)] is g(i); a run can't have ended before `length` trials.
        std::vector<double> last(static_cast<std::size_t>(length) + 1, 0.);
        double g = all;
        last[static_cast<std::size_t>(length)] = g;
        for (std::uint64_t i = length + 1; i <= n_; ++i) {
            auto& oldest = last[static_cast<std::size_t>(i % (length + 1))];
            g += (1 - oldest) * (1 - p_) * all;
            oldest = g;
        }
        return probability(g < 1 ? g : 1);
    }

private:
    [[nodiscard]] constexpr double log_none() const
    {
        return static_cast<double>(n_) * detail::log1p(-p_);
    }

    std::uint64_t n_;
    double p_;
};

/// Mean number of trials until `length` faults in a row have come: (p^-length - 1) / (1 - p).
inline double mean_trials_to_run(std::uint64_t length, probability p)
{
    double const q = 1 - p.value();
    auto const r = static_cast<double>(length);
    if (p == 0) {
        return length == 0 ? 0 : detail::infinity;
    }
    return q == 0 ? r : std::expm1(-r * std::log(p.value())) / q;
}

/** The number of faults in time `t` at a constant rate: Poisson.
 *
 *  @par Accuracy   none, at_least_one: 1e-15 relative; the others 1e-12.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class faults_in_time {
public:
    /// @throws std::invalid_argument if the expected number, rate times t, is negative or not
    /// finite
    constexpr faults_in_time(rate faults, duration t) : mean_(faults.in(t))
    {
        detail::require(detail::within(mean_, 0, std::numeric_limits<double>::max()),
                        "expected number of faults", mean_, "it must be finite and at least 0");
    }

    /// Expected number of faults, rate times t.
    [[nodiscard]] constexpr double mean() const { return mean_; }
    /// P(no fault at all).
    [[nodiscard]] constexpr probability none() const { return probability(detail::exp(-mean_)); }
    /// P(one fault or more), with its own digits.
    [[nodiscard]] constexpr probability at_least_one() const
    {
        return probability(-detail::expm1(-mean_));
    }
    /// P(k faults).
    [[nodiscard]] probability exactly(std::uint64_t k) const
    {
        if (k == 0) {
            return none();
        }
        return probability(
            mean_ == 0 ? 0 : boost::math::gamma_p_derivative(static_cast<double>(k) + 1, mean_));
    }
    /// P(k faults or more).
    [[nodiscard]] probability at_least(std::uint64_t k) const
    {
        return probability(k == 0 ? 1 : boost::math::gamma_p(static_cast<double>(k), mean_));
    }
    /// P(k faults or fewer).
    [[nodiscard]] probability at_most(std::uint64_t k) const
    {
        return probability(boost::math::gamma_q(static_cast<double>(k) + 1, mean_));
    }

private:
    double mean_;
};

/** The number of trials up to and including the one with the `k`-th fault. k >= 1, p > 0.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class trials_to_fault {
public:
    /// @throws std::invalid_argument unless k >= 1 and p > 0
    trials_to_fault(std::uint64_t k, probability p) : k_(k), p_(p)
    {
        detail::require(k >= 1, "k", static_cast<double>(k), "it must be at least 1");
        detail::require(p > 0, "probability of a fault in a trial", p.value(),
                        "it must be more than 0, or no fault ever comes");
    }

    /// Mean number of trials, k / p.
    [[nodiscard]] double mean() const { return static_cast<double>(k_) / p_.value(); }
    /// P(the k-th fault comes within n trials).
    [[nodiscard]] probability within(std::uint64_t n) const
    {
        return faults_in_trials(n, p_).at_least(k_);
    }
    /// The smallest n with within(n) >= sure. O(log n) evaluations.
    [[nodiscard]] std::uint64_t quantile(double sure) const
    {
        detail::require(sure > 0 && sure < 1, "confidence", sure, "it must lie between 0 and 1");
        double const risk = 1 - sure;
        auto const reached = [&](std::uint64_t n) {
            // The smaller side decides, since only it has digits left near 0 and 1.
            return sure < 0.5 ? within(n) >= sure : faults_in_trials(n, p_).at_most(k_ - 1) <= risk;
        };
        std::uint64_t low = k_ - 1; // not reached
        std::uint64_t high = k_;
        while (!reached(high)) {
            low = high;
            detail::require(high < (std::uint64_t{1} << 62), "probability of a fault in a trial",
                            p_.value(), "more than 2^62 trials would be needed");
            high *= 2;
        }
        while (high - low > 1) {
            auto const middle = low + (high - low) / 2;
            (reached(middle) ? high : low) = middle;
        }
        return high;
    }

private:
    std::uint64_t k_;
    probability p_;
};

/// The largest number of trials that pass without any fault with probability `sure` at least.
inline std::uint64_t trials_without_fault(probability p, double sure)
{
    detail::require(sure > 0 && sure < 1, "confidence", sure, "it must lie between 0 and 1");
    detail::require(p > 0, "probability of a fault in a trial", p.value(),
                    "it must be more than 0, or no fault ever comes");
    double const n = std::log(sure) / std::log1p(-p.value());
    detail::require(n < 0x1p62, "probability of a fault in a trial", p.value(),
                    "more than 2^62 trials would be needed");
    return static_cast<std::uint64_t>(n);
}

/// The time until the `k`-th fault at a constant rate: Erlang. k >= 1, rate > 0.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class time_to_fault {
public:
    /// @throws std::invalid_argument unless k >= 1 and the rate is more than 0
    time_to_fault(std::uint64_t k, rate faults) : k_(static_cast<double>(k)), faults_(faults)
    {
        detail::require(k >= 1, "k", k_, "it must be at least 1");
        detail::require(faults > rate{}, "rate", 0,
                        "it must be more than 0, or no fault ever comes");
    }

    /// Mean time, k / rate.
    [[nodiscard]] duration mean() const { return k_ * faults_.mean(); }
    /// P(the k-th fault comes within t). @throws std::invalid_argument for a negative t
    [[nodiscard]] probability within(duration t) const
    {
        detail::require(t.count() >= 0, "t", t.count(), "seconds must be at least 0");
        double const x = faults_.in(t);
        return probability(x < detail::infinity ? boost::math::gamma_p(k_, x) : 1);
    }
    /// The time within which the k-th fault has come with probability `sure`.
    [[nodiscard]] duration quantile(double sure) const
    {
        detail::require(sure > 0 && sure < 1, "confidence", sure, "it must lie between 0 and 1");
        return boost::math::gamma_p_inv(k_, sure) * faults_.mean();
    }

private:
    double k_;
    rate faults_;
};

} // namespace perdure::availability

#endif
