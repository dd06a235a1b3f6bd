// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_DETAIL_INTERVAL_WINDOW_HPP
#define PERDURE_DETECTOR_DETAIL_INTERVAL_WINDOW_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace perdure::detail {

/* The newest intervals with their exact mean and variance.
 *
 * Sums of doubles drift as samples come and go, and E[x^2] - E[x]^2 of doubles can be negative,
 * whose root is NaN. Whole microseconds in 32 bits and sums in 128 bits are exact for ever, and
 * 1000 samples take 4 kB a peer. Intervals above 71 minutes count as 71 minutes.
 */
class interval_window {
public:
    explicit interval_window(std::size_t capacity) : capacity_(capacity) {}

    void push(std::chrono::nanoseconds interval)
    {
        auto const count = interval.count() < 0 ? 0 : (interval.count() + 500) / 1000;
        auto const us = static_cast<std::uint32_t>(
            std::min<std::int64_t>(count, std::numeric_limits<std::uint32_t>::max()));
        if (samples_.size() < capacity_) {
            samples_.push_back(us);
        } else {
            take_out(samples_[oldest_]);
            samples_[oldest_] = us;
            oldest_ = oldest_ + 1 == capacity_ ? 0 : oldest_ + 1;
        }
        sum_ += us;
        squares_ += static_cast<wide>(us) * us;
    }

    void clear()
    {
        samples_.clear();
        oldest_ = 0;
        sum_ = 0;
        squares_ = 0;
    }

    // Keeps the newest samples.
    void set_capacity(std::size_t capacity)
    {
        if (capacity == capacity_)
            return;
        std::rotate(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(oldest_),
                    samples_.end());
        oldest_ = 0;
        if (samples_.size() > capacity) {
            auto const end = samples_.end() - static_cast<std::ptrdiff_t>(capacity);
            for (auto i = samples_.begin(); i != end; ++i)
                take_out(*i);
            samples_.erase(samples_.begin(), end);
        }
        capacity_ = capacity;
    }

    std::size_t size() const { return samples_.size(); }
    /// In microseconds; 0 without samples.
    double mean() const
    {
        return samples_.empty() ? 0
                                : static_cast<double>(sum_) / static_cast<double>(samples_.size());
    }
    /// Of the population, in square microseconds; 0 without samples.
    double variance() const
    {
        if (samples_.empty())
            return 0;
        auto const n = static_cast<wide>(samples_.size());
        // Cauchy-Schwarz: never negative. 2^16 samples of 2^32 squared, times 2^16, stay below
        // 2^128.
        wide const numerator = n * squares_ - static_cast<wide>(sum_) * sum_;
        return static_cast<double>(numerator) / (static_cast<double>(n) * static_cast<double>(n));
    }

    static constexpr std::size_t capacity_max = 65536;

private:
    __extension__ using wide = unsigned __int128;

    void take_out(std::uint32_t us)
    {
        sum_ -= us;
        squares_ -= static_cast<wide>(us) * us;
    }

    std::vector<std::uint32_t> samples_;
    std::size_t capacity_;
    std::size_t oldest_ = 0;
    std::uint64_t sum_ = 0;
    wide squares_ = 0;
};

} // namespace perdure::detail

#endif
