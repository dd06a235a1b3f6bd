// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_DETAIL_SNAPSHOT_SCHEDULE_HPP
#define PERDURE_DURABLE_DETAIL_SNAPSHOT_SCHEDULE_HPP

#include <perdure/availability/checkpoint_interval.hpp>
#include <perdure/durable/detail/durable_image.hpp>
#include <perdure/durable/options.hpp>
#include <perdure/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace perdure::detail {

/* When the next snapshot is due: by bytes, or by the optimum of Young for a state that is also
 * logged, from what was measured: how long a snapshot takes, how often the process fails, and how fast
 * the log is written and replayed.
 */
class snapshot_schedule {
public:
    using seconds = std::chrono::duration<double>;

    explicit snapshot_schedule(durable_options const& options)
        : every_bytes_(options.snapshot_every_bytes), guess_(options.mean_time_between_failures),
          log_bytes_max_(2 * std::min(every_bytes_, std::uint64_t{1} << 62) + 4 * options.log.segment_bytes)
    {
    }

    /// `log_bytes` is what the log takes on the disk.
    void opened(time_point now, failure_history history, bool after_failure, std::uint64_t log_bytes)
    {
        log_is_long_ = every_bytes_ != 0 && log_bytes > log_bytes_max_;
        history_ = history;
        history_.failures += after_failure ? 1 : 0;
        opened_ = begun_ = now;
    }

    /// How fast the log was replayed.
    void replayed(std::uint64_t bytes, std::chrono::nanoseconds took)
    {
        if (bytes >= 65536 && took.count() > 0)
            replay_rate_ = static_cast<double>(bytes) / seconds(took).count();
        logged_ = bytes;
    }

    void logged(std::uint64_t bytes) noexcept { logged_ += bytes; }

    /// Whether the log takes more than its commands explain: every life begins a segment of its own, so many short
    /// lives make a long log of few commands.
    bool log_is_long() const noexcept { return log_is_long_; }

    void begun(time_point now)
    {
        auto const since = seconds(now - begun_).count();
        if (since > 0)
            log_rate_ = static_cast<double>(logged_) / since;
        begun_ = now;
        logged_ = 0;
        log_is_long_ = false;
    }

    void ended(time_point now, bool saved)
    {
        if (saved)
            cost_ = std::max(seconds(now - begun_), seconds(1e-6));
    }

    failure_history history(time_point now) const
    {
        auto h = history_;
        h.up_ns += static_cast<std::uint64_t>(std::max<std::int64_t>(
            0, std::chrono::duration_cast<std::chrono::nanoseconds>(now - opened_).count()));
        return h;
    }

    /// Nothing where bytes decide, or no snapshot was measured yet.
    std::optional<seconds> interval(time_point now) const
    {
        if (guess_.count() <= 0 || !cost_)
            return std::nullopt;
        // The guess counts as one life that ended in a failure.
        auto const h = history(now);
        seconds const between =
            (seconds(1e-9) * static_cast<double>(h.up_ns) + guess_) / (1.0 + double(h.failures));
        // Replaying one second of logged work; as long as it took, where that was not measured.
        double const replay =
            replay_rate_ > 0 && log_rate_ > 0 ? std::clamp(log_rate_ / replay_rate_, 1e-4, 10.0) : 1;
        return seconds(availability::snapshot_interval(availability::duration(cost_->count()),
                                                       availability::mtbf(availability::duration(
                                                           between.count())),
                                                       replay)
                           .count());
    }

    bool due(time_point now) const
    {
        if (logged_ == 0)
            return false;
        if (guess_.count() > 0) {
            if (!cost_)
                return logged_ >= std::uint64_t{1} << 16; // Measures the first one early.
            if (auto const every = interval(now); every && now - begun_ >= *every)
                return true;
        }
        return every_bytes_ != 0 && logged_ >= every_bytes_;
    }

private:
    std::uint64_t every_bytes_;
    seconds guess_;
    std::uint64_t log_bytes_max_;
    bool log_is_long_ = false;
    failure_history history_;
    time_point opened_{}, begun_{};
    std::uint64_t logged_ = 0; // since the last snapshot began
    double log_rate_ = 0, replay_rate_ = 0; // bytes a second
    std::optional<seconds> cost_;
};

} // namespace perdure::detail

#endif
