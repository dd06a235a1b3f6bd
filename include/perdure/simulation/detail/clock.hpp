// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_CLOCK_HPP
#define PERDURE_SIMULATION_DETAIL_CLOCK_HPP

#include <chrono>
#include <cstdint>

namespace perdure::simulation::detail {

/** A machine's steady clock as a function of the cluster's time: it may run fast, slow or not at
 *  all, and jump forward, but never goes back.
 */
class machine_clock {
public:
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr std::int64_t million = 1'000'000;

    explicit machine_clock(duration origin = {}) noexcept : local_(origin) {}

    time_point at(duration t) const noexcept { return time_point(local(t)); }
    /// The same, and goes on while the machine is suspended.
    time_point at_with_suspend(duration t) const noexcept
    {
        return time_point(local(t) + slept_ + (suspended_ ? t - since_ : duration()));
    }

    /// When this clock will show `p`, rounded up; duration::max() if it never will. Precondition: t
    /// is now.
    duration when(time_point p, duration t) const noexcept
    {
        auto const missing = (p.time_since_epoch() - local(t)).count();
        if (missing <= 0)
            return t;
        if (suspended_ || missing > duration::max().count() / 4)
            return duration::max();
        auto const rate = million + drift_ppm_;
        // Measured from the last change, so that every caller rounds alike.
        auto const local_elapsed = (p.time_since_epoch() - local_).count();
        return since_ + duration(local_elapsed / rate * million +
                                 (local_elapsed % rate * million + rate - 1) / rate);
    }

    void set_drift(std::int64_t ppm, duration t) noexcept
    {
        change(t);
        drift_ppm_ = ppm;
    }
    void step(duration forward, duration t) noexcept
    {
        change(t);
        local_ += forward;
    }
    void suspend(duration t) noexcept
    {
        change(t);
        suspended_ = true;
    }
    void resume(duration t) noexcept
    {
        change(t);
        suspended_ = false;
    }
    /// The machine boots: it counts from `origin`, at the same rate as before.
    void boot(duration origin, duration t) noexcept
    {
        local_ = origin;
        since_ = t;
        slept_ = {};
        suspended_ = false;
    }
    bool is_suspended() const noexcept { return suspended_; }

private:
    duration local(duration t) const noexcept
    {
        if (suspended_)
            return local_;
        auto const elapsed = (t - since_).count();
        auto const rate = million + drift_ppm_;
        return local_ + duration(elapsed / million * rate + elapsed % million * rate / million);
    }
    void change(duration t) noexcept
    {
        if (suspended_)
            slept_ += t - since_;
        local_ = local(t);
        since_ = t;
    }

    duration local_;   // what it showed
    duration since_{}; // at this time, the last change
    duration slept_{};
    std::int64_t drift_ppm_ = 0;
    bool suspended_ = false;
};

} // namespace perdure::simulation::detail

#endif
