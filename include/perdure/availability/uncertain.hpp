// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_UNCERTAIN_HPP
#define PERDURE_AVAILABILITY_UNCERTAIN_HPP

#include <perdure/availability/estimate.hpp>
#include <perdure/availability/unavailability.hpp>

#include <boost/math/special_functions/erf.hpp>

#include <cmath>

// What a model can take whose inputs are not known exactly.
namespace perdure::availability {

/// Something with a distribution: `x.quantile(p)` is the value below which it lies with probability
/// p.
template <class T>
concept uncertain = requires(T const& x, double p) { x.quantile(p); };

namespace detail {

/// Where a quantity lies on the whole line: its logarithm; of a probability the log odds.
inline double to_line(double x)
{
    return std::log(x);
}
inline double to_line(duration t)
{
    return std::log(t.count());
}
template <class Kind>
double to_line(mean_time<Kind> t)
{
    return std::log(t.value().count());
}
inline double to_line(rate r)
{
    return std::log(r.per_second());
}
inline double to_line(probability p)
{
    return std::log(p.value()) - std::log1p(-p.value());
}
inline double to_line(unavailability u)
{
    return to_line(probability(u));
}

inline void from_line(double x, double& to)
{
    to = std::exp(x);
}
inline void from_line(double x, duration& to)
{
    to = duration(std::exp(x));
}
template <class Kind>
void from_line(double x, mean_time<Kind>& to)
{
    to = mean_time<Kind>(duration(std::exp(x)));
}
inline void from_line(double x, rate& to)
{
    to = rate::per_second(std::exp(x));
}
inline double of_log_odds(double x)
{
    return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
inline void from_line(double x, probability& to)
{
    to = probability(of_log_odds(x));
}
inline void from_line(double x, unavailability& to)
{
    to = unavailability(of_log_odds(x));
}

} // namespace detail

/** The distribution behind a two-sided interval: "an MTBF of 700 h, with 90 % between 400 and
 *  1500".
 *
 *  For figures that come as intervals, from a data sheet, a colleague or an estimate_...(); where
 *  the data themselves are at hand, their posterior says more (posterior.hpp).
 *
 *  @tparam Quantity    duration, mtbf, mttr, rate, probability, unavailability, or a double that is
 *                      more than 0
 *  @par Method     Two half normal distributions that meet in the middle, of the logarithm (of
 *                  probabilities: of the log odds), each as wide as its side of the interval.
 *  @par Accuracy   quantile() gives back the value for 1/2, and the ends for what the confidence
 *                  leaves outside, to 1e-12 relative; between and beyond them it is an assumption.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Quantity>
class interval_input {
public:
    /// @throws std::invalid_argument unless the interval is bounded on both sides by figures that
    ///         are more than 0, finite (probabilities: less than 1), and in their order
    explicit interval_input(estimate<Quantity> const& e) : value_(e.value)
    {
        double const below = e.sure.below();
        double const above = e.sure.above();
        detail::require(below > 0 && above > 0 && below < 0.5 && above < 0.5, "confidence",
                        e.sure.level(), "the interval must be two-sided");
        double const lower = detail::to_line(e.lower);
        double const upper = detail::to_line(e.upper);
        middle_ = detail::to_line(e.value);
        auto const finite = [](double x) { return detail::within(x, -1e308, 1e308); };
        detail::require(finite(lower) && lower <= middle_, "lower", lower,
                        "its logarithm must be finite and at most the value's");
        detail::require(finite(upper) && middle_ <= upper, "upper", upper,
                        "its logarithm must be finite and at least the value's");
        down_ = (middle_ - lower) / above_normal(below);
        up_ = (upper - middle_) / above_normal(above);
    }

    /// The value below which it lies with probability p. @throws std::invalid_argument unless
    /// 0 < p < 1
    [[nodiscard]] Quantity quantile(double p) const
    {
        detail::require(p > 0 && p < 1, "p", p, "it must lie between 0 and 1");
        Quantity result = value_;
        if (p != 0.5) {
            detail::from_line(p < 0.5 ? middle_ - down_ * above_normal(p)
                                      : middle_ + up_ * above_normal(1 - p),
                              result);
        }
        return result;
    }

private:
    /// The z that a standard normal variable passes with probability `risk`.
    static double above_normal(double risk)
    {
        return 1.41421356237309504880 * boost::math::erfc_inv(2 * risk);
    }

    Quantity value_;
    double middle_ = 0;
    double down_ = 0;
    double up_ = 0;
};

} // namespace perdure::availability

#endif
