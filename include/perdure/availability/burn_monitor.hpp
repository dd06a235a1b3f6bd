// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_BURN_MONITOR_HPP
#define PERDURE_AVAILABILITY_BURN_MONITOR_HPP

#include <perdure/availability/slo.hpp>

#include <boost/math/special_functions/beta.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace perdure::availability {

/// What a burn_monitor watches, and when it alerts.
struct burn_monitor_options {
    /// The objective whose budget is watched; its target lies between 0 and 1, both excluded.
    objective goal;
    /// What to alert on, at least one; recommended_alerts() gives three.
    std::vector<burn_alert> alerts;
    /** How likely a service that just meets its target may raise an alert at a given moment, per
     *  alert.
     *
     *  With few requests a single failed one is a large share: of 10 requests it is 10 %, a burn
     *  rate of 100 for a target of 0.1 %. An alert fires only if so many failures would come by
     *  chance with at most this probability (exact binomial test against the target). 1 switches
     *  the test off.
     */
    double false_alarms = 1e-3;
    /// Length of one counting step; windows are rounded up to it. 0: a fifth of the shortest
    /// window.
    duration step{};
};

/// What one alert sees.
struct burn_state {
    burn_alert alert;           ///< the alert that this is the state of
    std::uint64_t requests = 0; ///< in the long window
    std::uint64_t failed = 0;
    /// Burn rate over the long window: 1 spends exactly the budget in a period.
    double long_burn = 0;
    double short_burn = 0; ///< burn rate over the short window
    double chance = 1;     ///< P(so many failures or more, if the service just met its target)
    /// Both windows burn fast enough, and chance is not enough to explain it.
    bool firing = false;
};

/** Watches the error budget in process: counts requests and evaluates burn-rate alerts over
 *  several windows at once.
 *
 *  Sans-I/O: time is an argument. Handling requests is O(1) and allocates nothing; asking is
 *  O(long window / step).
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 *  @par Accuracy       a window begins somewhere in its first step, so it holds up to one step
 *                      more than its length.
 */
template <class TimePoint = std::chrono::steady_clock::time_point>
class burn_monitor {
public:
    using time_point = TimePoint; ///< when requests were counted; any std::chrono time_point

    /// @throws std::invalid_argument naming the option
    burn_monitor(burn_monitor_options options, time_point begin)
        : options_(std::move(options)), begin_(begin)
    {
        detail::require(options_.goal.target > 0 && options_.goal.target < 1, "goal.target",
                        options_.goal.target.value(), "it must lie between 0 and 1, both excluded");
        detail::require(options_.false_alarms > 0 && options_.false_alarms <= 1, "false_alarms",
                        options_.false_alarms, "it must be more than 0 and at most 1");
        double longest = 0;
        double shortest = detail::infinity;
        for (auto const& alert : options_.alerts) {
            detail::require(alert.short_window.count() > 0 &&
                                alert.short_window <= alert.long_window,
                            "short_window", alert.short_window.count(),
                            "seconds must be more than 0 and at most the long window");
            detail::require(alert.burn > 0, "burn", alert.burn, "it must be more than 0");
            longest = std::max(longest, alert.long_window.count());
            shortest = std::min(shortest, alert.short_window.count());
        }
        if (options_.alerts.empty()) {
            throw std::invalid_argument("alerts is empty; at least one is needed");
        }
        if (options_.step.count() == 0) {
            options_.step = duration(shortest / 5);
        }
        detail::require(options_.step.count() > 0 && options_.step.count() <= shortest, "step",
                        options_.step.count(),
                        "seconds must be more than 0 and at most the shortest window");
        double const steps = std::ceil(longest / options_.step.count()) + 1;
        detail::require(steps <= 10000000, "step", options_.step.count(),
                        "seconds are too few for the longest window: more than 10^7 counters");
        ring_.resize(static_cast<std::size_t>(steps));
    }

    /// Counts requests that ended at `now`. Times never decrease; a late one counts as the latest.
    void handle_requests(time_point now, std::uint64_t good, std::uint64_t bad)
    {
        advance(now);
        auto& current = ring_[static_cast<std::size_t>(latest_ % ring_.size())];
        current.good += good;
        current.bad += bad;
    }

    /// The state of every alert, in the order of the options.
    [[nodiscard]] std::vector<burn_state> states(time_point now)
    {
        advance(now);
        std::vector<burn_state> result;
        for (auto const& alert : options_.alerts) {
            auto const over = count(alert.long_window);
            auto const recent = count(alert.short_window);
            burn_state s{alert, over.good + over.bad, over.bad, burn(over), burn(recent), 1, false};
            if (s.failed > 0) {
                s.chance = boost::math::ibeta(static_cast<double>(s.failed),
                                              static_cast<double>(s.requests - s.failed) + 1,
                                              options_.goal.target.value());
            }
            s.firing = s.long_burn >= alert.burn && s.short_burn >= alert.burn &&
                       s.chance <= options_.false_alarms;
            result.push_back(s);
        }
        return result;
    }

private:
    struct counts {
        std::uint64_t good = 0;
        std::uint64_t bad = 0;
    };

    void advance(time_point now)
    {
        double const steps = std::floor(duration(now - begin_) / options_.step);
        if (!(steps > static_cast<double>(latest_))) {
            return; // a late event counts in the current step
        }
        auto const target = static_cast<std::uint64_t>(steps);
        auto const clear = std::min<std::uint64_t>(target - latest_, ring_.size());
        for (std::uint64_t i = 0; i < clear; ++i) {
            ring_[static_cast<std::size_t>((target - i) % ring_.size())] = {};
        }
        latest_ = target;
    }
    [[nodiscard]] counts count(duration window) const
    {
        auto const steps =
            static_cast<std::uint64_t>(std::ceil(window / options_.step * (1 - 1e-12))) + 1;
        counts sum;
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(steps, latest_ + 1); ++i) {
            auto const& c = ring_[static_cast<std::size_t>((latest_ - i) % ring_.size())];
            sum.good += c.good;
            sum.bad += c.bad;
        }
        return sum;
    }
    [[nodiscard]] double burn(counts const& c) const
    {
        auto const all = c.good + c.bad;
        return all == 0
                   ? 0
                   : burn_rate(probability(static_cast<double>(c.bad) / static_cast<double>(all)),
                               options_.goal.target);
    }

    burn_monitor_options options_;
    time_point begin_;
    std::uint64_t latest_ = 0;
    std::vector<counts> ring_;
};

} // namespace perdure::availability

#endif
