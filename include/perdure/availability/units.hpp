// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_UNITS_HPP
#define PERDURE_AVAILABILITY_UNITS_HPP

#include <perdure/availability/detail/math.hpp>
#include <perdure/availability/detail/require.hpp>
#include <perdure/config.hpp>

#include <chrono>
#include <compare>
#include <ratio>

namespace perdure::availability {

/// Lengths of time. Any std::chrono duration and literal (720h, 0.72h, 250ms) converts to it by
/// itself.
using duration = std::chrono::duration<double>;
/// Minutes with a fraction, in double precision.
using minutes = std::chrono::duration<double, std::ratio<60>>;
/// Hours with a fraction, in double precision.
using hours = std::chrono::duration<double, std::ratio<3600>>;
/// Days of 24 hours with a fraction, in double precision.
using days = std::chrono::duration<double, std::ratio<86400>>;

/** How long the periods are that people quote budgets and yearly rates for.
 *
 *  There is no agreement: Google's SRE book counts 365 and 30 days, Wikipedia's tables 365.25
 *  days and a twelfth of that. Every function that needs a period takes it as a duration; these
 *  are values to pass.
 */
struct calendar {
    duration year;    ///< of objectives and yearly rates
    duration quarter; ///< a quarter of a year, as budgets are quoted
    duration month;   ///< a month, as budgets are quoted
    /// Seven days.
    duration week = days(7);
    /// 24 hours.
    duration day = days(1);
};
/// Site Reliability Engineering (Google, 2016), Appendix A.
inline constexpr calendar sre_calendar{days(365), days(90), days(30)};
/// A year of 365.25 days (8766 h) in twelve equal months.
inline constexpr calendar julian_calendar{days(365.25), days(365.25 / 4), days(365.25 / 12)};
/// A year of 365.2425 days in twelve equal months.
inline constexpr calendar gregorian_calendar{days(365.2425), days(365.2425 / 4),
                                             days(365.2425 / 12)};

/** A mean time: never negative, never NaN; infinity is a legal answer ("never, as far as the data
 *  say").
 *
 *  @tparam Kind    keeps a time between failures and a time to repair apart.
 *  @throws std::invalid_argument from the constructor.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Kind>
class mean_time {
public:
    /// From any std::chrono duration; at least 0, infinite allowed.
    constexpr explicit mean_time(duration value) : value_(value)
    {
        detail::require(value.count() >= 0, Kind::name, value.count(),
                        "seconds must be at least 0 (infinity is allowed)");
    }
    /// Never, as far as anybody knows.
    static constexpr mean_time infinite() { return mean_time(duration(detail::infinity)); }

    /// As a time; infinite for never.
    [[nodiscard]] constexpr duration value() const { return value_; }
    /// Whether it is never.
    [[nodiscard]] constexpr bool is_infinite() const { return value_.count() == detail::infinity; }
    /// As a number of `unit`s, such as in(1h).
    [[nodiscard]] constexpr double in(duration unit) const { return value_ / unit; }

    friend constexpr auto operator<=>(mean_time const&, mean_time const&) = default;

private:
    duration value_;
};

/// Tells a mean time between failures from a mean time to repair: they cannot be mixed up.
struct mtbf_kind {
    static constexpr char const* name = "mtbf";
};
/// Tells a mean time to repair from a mean time between failures.
struct mttr_kind {
    static constexpr char const* name = "mttr";
};
/// Mean operating time between failures: down time is not in it (one cycle lasts mtbf + mttr).
using mtbf = mean_time<mtbf_kind>;
/// Mean time from a failure until the unit is up again: detection, decision and repair.
using mttr = mean_time<mttr_kind>;

/** How often something happens: events in a unit of time. Finite, never negative.
 *
 *  @throws std::invalid_argument from the named constructors.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class rate {
public:
    constexpr rate() = default; ///< never
    /// `count` events in every `period`.
    static constexpr rate per(duration period, double count = 1)
    {
        detail::require(period.count() > 0, "period of a rate", period.count(),
                        "seconds must be more than 0");
        return rate(count / period.count());
    }
    static constexpr rate per_hour(double count) { return rate(count / 3600); }
    static constexpr rate per_second(double count) { return rate(count); }

    /// Expected number of events in `period`.
    [[nodiscard]] constexpr double in(duration period) const
    {
        return per_second_ == 0 ? 0 : per_second_ * period.count();
    }
    /// Mean time between events; infinite for a rate of 0.
    [[nodiscard]] constexpr duration mean() const
    {
        return duration(per_second_ == 0 ? detail::infinity : 1 / per_second_);
    }
    /// Events in an hour.
    [[nodiscard]] constexpr double per_hour() const { return per_second_ * 3600; }
    /// Events in a second.
    [[nodiscard]] constexpr double per_second() const { return per_second_; }

    friend constexpr rate operator+(rate a, rate b) { return rate(a.per_second_ + b.per_second_); }
    friend constexpr rate operator*(double factor, rate a) { return rate(factor * a.per_second_); }
    friend constexpr double operator*(rate a, duration period) { return a.in(period); }
    friend constexpr double operator/(rate a, rate b) { return a.per_second_ / b.per_second_; }
    friend constexpr auto operator<=>(rate const&, rate const&) = default;

private:
    constexpr explicit rate(double per_second) : per_second_(per_second)
    {
        detail::require(per_second >= 0 && per_second < detail::infinity, "rate", per_second,
                        "events per second must be finite and at least 0");
    }

    double per_second_ = 0;
};

/// The rate whose mean time is `t`; an infinite mean time gives rate 0.
template <class Kind>
constexpr rate rate_of(mean_time<Kind> t)
{
    return t.is_infinite() ? rate{} : rate::per(t.value());
}
/// The mean time between failures of a failure rate, its reciprocal.
constexpr mtbf mtbf_of(rate failures)
{
    return mtbf(failures.mean());
}
/// The mean time to repair of a repair rate, its reciprocal.
constexpr mttr mttr_of(rate repairs)
{
    return mttr(repairs.mean());
}

/// Failures in time: failures in 1e9 device hours.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class fit {
public:
    /// Finite, at least 0.
    constexpr explicit fit(double failures_per_1e9_hours) : value_(failures_per_1e9_hours)
    {
        detail::require(detail::within(value_, 0, std::numeric_limits<double>::max()), "fit",
                        value_, "failures in 1e9 hours must be finite and at least 0");
    }
    /// Failures in 1e9 hours.
    [[nodiscard]] constexpr double value() const { return value_; }
    friend constexpr auto operator<=>(fit const&, fit const&) = default;

private:
    double value_;
};
constexpr rate rate_of(fit f)
{
    return rate::per(hours(1e9), f.value());
}
/// A rate in FIT: failures in 10^9 hours.
constexpr fit fit_of(rate failures)
{
    return fit(failures.in(hours(1e9)));
}

/** Annualised failure rate: the probability that a unit that runs all year fails within it, 1 -
 *  exp(-rate * year).
 *
 *  Makers of drives print this one. The *expected number* of failures in a year, rate * year, is
 *  rate::in(year); at 5 % the two differ by 2.5 %, and the expected number may pass 1.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class afr {
public:
    /// In [0, 1): 1 would be a rate without bound.
    constexpr explicit afr(double probability_of_failing_within_a_year)
        : value_(probability_of_failing_within_a_year)
    {
        detail::require(value_ >= 0 && value_ < 1, "afr", value_,
                        "it is a probability: at least 0, less than 1");
    }
    /// The probability, in [0, 1).
    [[nodiscard]] constexpr double value() const { return value_; }
    friend constexpr auto operator<=>(afr const&, afr const&) = default;

private:
    double value_;
};
/// -ln(1 - afr) / year, by log1p.
constexpr rate rate_of(afr a, duration year = sre_calendar.year)
{
    return rate::per(year, -detail::log1p(-a.value()));
}
/// 1 - exp(-rate year), by expm1; a rate so high that this rounds to 1 is refused.
constexpr afr afr_of(rate failures, duration year = sre_calendar.year)
{
    return afr(-detail::expm1(-failures.in(year)));
}

} // namespace perdure::availability

#endif
