// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_RECOVERY_TIME_HPP
#define PERDURE_AVAILABILITY_RECOVERY_TIME_HPP

#include <perdure/availability/phase_type.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// How long until the service is back? The sum of phases, each with its own distribution.
namespace perdure::availability {

/** One phase of a recovery: detecting, deciding, loading, replaying, catching up.
 *
 *  Phases are independent of each other.
 */
struct recovery_phase {
    std::string name;
    duration fixed{};                   ///< always at least this
    duration spread{};                  ///< and from nothing to this more, evenly
    std::optional<phase_type> random{}; ///< and this
    std::vector<duration> measured{};   ///< and one of these, each as likely

    /// Mean time of the phase, the sum of its parts.
    [[nodiscard]] duration mean() const
    {
        duration sum = fixed + spread / 2;
        if (random) {
            sum += random->mean();
        }
        duration all{};
        for (auto m : measured) {
            all += m;
        }
        return measured.empty() ? sum : sum + all / static_cast<double>(measured.size());
    }
};

/// A phase of recovery that always takes this long.
inline recovery_phase fixed_phase(std::string name, duration takes)
{
    return {std::move(name), takes, {}, {}, {}};
}
/// A phase that takes any time between two bounds, each as likely.
inline recovery_phase uniform_phase(std::string name, duration at_least, duration at_most)
{
    return {std::move(name), at_least, at_most - at_least, {}, {}};
}
/// A phase whose time has this distribution: exponential, Erlang, or any other phase type.
inline recovery_phase random_phase(std::string name, phase_type takes)
{
    return {std::move(name), {}, {}, std::move(takes), {}};
}
/// A phase that takes as long as it was measured to take, each measurement as likely.
inline recovery_phase measured_phase(std::string name, std::vector<duration> took)
{
    return {std::move(name), {}, {}, {}, std::move(took)};
}

/** Detection by heartbeats: sent every `interval`, given up `timeout` after the last one arrived.
 *
 *  The fault falls anywhere between two heartbeats, so that detection takes from timeout -
 *  interval to timeout.
 *  @throws std::invalid_argument unless 0 < interval <= timeout
 */
inline recovery_phase detection_phase(duration interval, duration timeout)
{
    detail::require(interval.count() > 0 && interval <= timeout, "interval", interval.count(),
                    "seconds must be more than 0 and at most the timeout");
    return uniform_phase("detection", timeout - interval, timeout);
}
/// Reading `bytes` at a measured rate.
inline recovery_phase loading_phase(double bytes, double bytes_per_second)
{
    detail::require(bytes >= 0, "bytes", bytes, "it must be at least 0");
    detail::require(bytes_per_second > 0, "bytes_per_second", bytes_per_second,
                    "it must be more than 0");
    return fixed_phase("loading the snapshot", duration(bytes / bytes_per_second));
}
/// Replaying a log that grows to `bytes_max` until a snapshot trims it; the crash falls anywhere
/// in between.
inline recovery_phase replaying_phase(double bytes_max, double bytes_per_second)
{
    detail::require(bytes_max >= 0, "bytes_max", bytes_max, "it must be at least 0");
    detail::require(bytes_per_second > 0, "bytes_per_second", bytes_per_second,
                    "it must be more than 0");
    return uniform_phase("replaying the log", duration(0), duration(bytes_max / bytes_per_second));
}

/** The time a recovery takes, as the sum of its phases.
 *
 *  @par Accuracy   within() to 1e-10 absolute with one spread; every further one is replaced by
 *                  64 equally likely values, which costs at most 1 / 128 of its width in time.
 *                  Measured values are taken as they are.
 *  @par Complexity an evaluation: product of the numbers of measured values (and 64 for every
 *                  further spread), at most 10^6.
 *  @throws std::invalid_argument naming the phase; std::length_error if there are too many
 *      combinations
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class recovery_time {
public:
    /// The sum of these phases; none at all takes no time.
    explicit recovery_time(std::vector<recovery_phase> phases) : phases_(std::move(phases))
    {
        std::vector<duration> spreads;
        offsets_ = {0};
        for (auto const& p : phases_) {
            if (!(p.fixed.count() >= 0 && p.fixed.count() < detail::infinity &&
                  p.spread.count() >= 0 && p.spread.count() < detail::infinity)) {
                throw std::invalid_argument("the phase '" + p.name +
                                            "' has a time that is negative or not finite");
            }
            shift_ += p.fixed.count();
            if (p.spread.count() > 0) {
                spreads.push_back(p.spread);
            }
            if (p.random) {
                random_ = random_ ? *random_ + *p.random : *p.random;
            }
            if (!p.measured.empty()) {
                combine(p.measured, p.name);
            }
        }
        // The widest spread is integrated exactly.
        std::sort(spreads.begin(), spreads.end());
        if (!spreads.empty()) {
            spread_ = spreads.back().count();
            spreads.pop_back();
        }
        for (auto width : spreads) {
            std::vector<duration> points;
            for (int i = 0; i < 64; ++i) {
                points.push_back(width * ((i + 0.5) / 64));
            }
            combine(points, "spreads");
        }
        std::sort(offsets_.begin(), offsets_.end());
        if (random_) {
            time_in_phases_ = random_->time_in_phases();
        }
    }

    /// The phases as they were given.
    [[nodiscard]] std::vector<recovery_phase> const& phases() const { return phases_; }
    /// Mean time of a recovery, exactly the sum over the phases.
    [[nodiscard]] duration mean() const
    {
        duration sum{};
        for (auto const& p : phases_) {
            sum += p.mean();
        }
        return sum;
    }
    /// P(recovered by t).
    [[nodiscard]] probability within(duration t) const
    {
        double sum = 0;
        for (double offset : offsets_) {
            double const left = t.count() - shift_ - offset;
            if (left < 0) {
                break;
            }
            sum += recovered(left);
        }
        return probability(std::clamp(sum / static_cast<double>(offsets_.size()), 0., 1.));
    }
    /// The time by which a recovery is done with probability `sure`. 1e-9 relative.
    [[nodiscard]] duration quantile(double sure) const
    {
        detail::require(sure > 0 && sure < 1, "confidence", sure, "it must lie between 0 and 1");
        double low = shift_ + offsets_.front();
        if (within(duration(low)) >= sure) {
            return duration(low);
        }
        double high = std::max(mean().count(), low);
        while (!(within(duration(high)) >= sure)) {
            low = high;
            high = high * 2 + 1e-12;
        }
        while (high - low > 1e-9 * high) {
            double const middle = low + (high - low) / 2;
            (within(duration(middle)) >= sure ? high : low) = middle;
        }
        return duration(high);
    }

private:
    void combine(std::vector<duration> const& values, std::string const& name)
    {
        if (offsets_.size() * values.size() > 1000000) {
            throw std::length_error("the phase '" + name +
                                    "' makes more than 10^6 combinations of measured values");
        }
        std::vector<double> result;
        for (double offset : offsets_) {
            for (auto v : values) {
                if (!(v.count() >= 0 && v.count() < detail::infinity)) {
                    throw std::invalid_argument("the phase '" + name +
                                                "' has a time that is negative or not finite");
                }
                result.push_back(offset + v.count());
            }
        }
        offsets_ = std::move(result);
    }
    /// P(random phases and the spread are over within `t`), t >= 0.
    [[nodiscard]] double recovered(double t) const
    {
        if (spread_ == 0) {
            return random_ ? random_->within(duration(t)).value() : 1;
        }
        return (area(t) - area(t - spread_)) / spread_;
    }
    /// The integral of the random phases' distribution from 0 to t: t - sum of (mean time in
    /// phase) P(absorbed from it).
    [[nodiscard]] double area(double t) const
    {
        if (t <= 0) {
            return 0;
        }
        if (!random_) {
            return t;
        }
        auto const a = detail::absorb(random_->rates(), random_->exits(), t);
        double spent = 0;
        for (std::size_t i = 0; i < time_in_phases_.size(); ++i) {
            spent += time_in_phases_[i] * a.gone[i];
        }
        return std::max(0., t - spent);
    }

    std::vector<recovery_phase> phases_;
    double shift_ = 0;
    double spread_ = 0;
    std::optional<phase_type> random_;
    std::vector<double> time_in_phases_;
    std::vector<double> offsets_; ///< sums of measured values, each as likely
};

/** How far measured times are from a predicted distribution: the largest gap between the two, and
 *  how likely one as large is if the prediction is right (Kolmogorov's asymptotic law with
 *  Stephens' correction, good from 10 values).
 */
struct prediction_check {
    double distance; ///< largest gap between the two distributions, in [0, 1]
    double p_value;  ///< P(a gap as large by chance alone); small: the prediction is refuted
};
/// Compares predicted with measured recovery times.
inline prediction_check check_prediction(recovery_time const& predicted,
                                         std::span<duration const> measured)
{
    detail::require(!measured.empty(), "measured", 0, "at least one time is needed");
    std::vector<duration> sorted(measured.begin(), measured.end());
    std::sort(sorted.begin(), sorted.end());
    auto const n = static_cast<double>(sorted.size());
    double distance = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        double const p = predicted.within(sorted[i]).value();
        auto const rank = static_cast<double>(i);
        distance = std::max({distance, p - rank / n, (rank + 1) / n - p});
    }
    double const root = std::sqrt(n);
    double const x = (root + 0.12 + 0.11 / root) * distance;
    double p_value = 0;
    for (int k = 1; k < 200; ++k) {
        double const term = std::exp(-2 * k * k * x * x);
        p_value += (k % 2 == 1 ? 2 : -2) * term;
        if (term < 1e-17) {
            break;
        }
    }
    return {distance, x < 0.2 ? 1 : std::clamp(p_value, 0., 1.)};
}

} // namespace perdure::availability

#endif
