// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_SLO_HPP
#define PERDURE_AVAILABILITY_SLO_HPP

#include <perdure/availability/unavailability.hpp>

#include <array>
#include <cstddef>

namespace perdure::availability {

/** A service level objective: at most `target` unavailable (or of the requests failed) in every
 *  `period`.
 *
 *  What is not spent at the end of a period is lost; what is overspent is not carried over.
 */
struct objective {
    unavailability target; ///< share of time, or of requests, that may fail
    duration period;       ///< length of the period over which that is judged

    /// The time that may be spent down in a period.
    [[nodiscard]] constexpr duration budget() const { return target.downtime(period); }
};

/** How many times faster than allowed the budget is spent: bad share / target.
 *
 *  1 spends exactly the budget in a period, 14.4 spends 2 % of a 30-day budget in an hour.
 *  @throws std::invalid_argument for a target of 0: there is no budget to burn.
 */
constexpr double burn_rate(probability bad_share, unavailability target)
{
    detail::require(target > 0, "target", target.value(), "it must be more than 0");
    return bad_share.value() / target.value();
}

/// The share of a period's budget that is spent by burning at `burn` for `window`: burn window /
/// period.
constexpr double budget_spent(double burn, duration window, duration period)
{
    return burn * (window / period);
}
/// The burn rate that spends `share` of a period's budget within `window`: share period / window.
constexpr double burn_spending(double share, duration window, duration period)
{
    detail::require(window.count() > 0, "window", window.count(), "seconds must be more than 0");
    return share * (period / window);
}
/// How long the rest of a budget (1: all of it) lasts at `burn`; infinite at 0.
constexpr duration time_to_exhaustion(double share_left, double burn, duration period)
{
    detail::require(share_left >= 0, "share_left", share_left, "it must be at least 0");
    return burn > 0 ? share_left / burn * period : duration(detail::infinity);
}

/** An alert on the burn rate over two windows: it fires while both are at `burn` or above.
 *
 *  The long window says that a real part of the budget is gone, the short one that it is still
 *  going, so that the alert ends soon after the fault.
 */
struct burn_alert {
    duration long_window;  ///< the window that shows that a real part of the budget is gone
    duration short_window; ///< the window that shows that it is still going; at most the long one
    double burn;           ///< burn rate from which it fires; more than 0
    bool page;             ///< wake somebody; otherwise a ticket will do

    friend constexpr bool operator==(burn_alert const&, burn_alert const&) = default;
};

/// An alert that fires when `share` of the period's budget is spent within `window`; its short
/// window is a twelfth.
constexpr burn_alert alert_on(double share, duration window, duration period, bool page)
{
    return {window, window / 12, burn_spending(share, window, period), page};
}

/** The Site Reliability Workbook's recommendation (Google, 2018, chapter 5, table 5-8) for any
 *  period: 2 % of the budget in 1 h and 5 % in 6 h page, 10 % in 3 d make a ticket. For 30 days
 *  these are the burn rates 14.4, 6 and 1.
 */
constexpr std::array<burn_alert, 3> recommended_alerts(duration period)
{
    return {alert_on(0.02, hours(1), period, true), alert_on(0.05, hours(6), period, true),
            alert_on(0.10, days(3), period, false)};
}

/** The unavailability each of `parts` equal critical parts in series may have so that the whole
 *  meets `target`: 1 - (1 - target)^(1 / parts), by expm1 and log1p.
 *
 *  With ten dependencies it is about a tenth: the "rule of the extra nine" (Treynor, Dahlin, Rau,
 *  Beyer, "The Calculus of Service Availability", ACM Queue 15(2), 2017).
 */
constexpr unavailability target_for_each(unavailability target, std::size_t parts)
{
    detail::require(parts > 0, "parts", 0, "at least one is needed");
    return unavailability(
        target == 1 ? 1
                    : -detail::expm1(detail::log1p(-target.value()) / static_cast<double>(parts)));
}

} // namespace perdure::availability

#endif
