// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_FAULTY_CALLS_HPP
#define PERDURE_WORLD_FAULTY_CALLS_HPP

#include <perdure/world/intercepted_calls.hpp>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace perdure {

/** Which system calls fail, transfer less, or stall. For tests of what uses a World's files.
 *
 *  Calls are counted from 1, from the moment at which the fault is planned.
 *
 *  @par Thread safety  Safe: tests plan on one thread and calls happen on another.
 */
class call_faults {
public:
    /// A count that never runs out.
    static constexpr std::uint64_t for_ever = std::numeric_limits<std::uint64_t>::max();

    /// The nth call of this kind from now fails with `error_number`, as do the `times` - 1 behind it.
    void fail(system_call c, int error_number, std::uint64_t nth = 1, std::uint64_t times = 1)
    {
        std::lock_guard lock(mutex_);
        plan_.push_back({c, nth, times, -error_number, 0});
    }

    /// The nth call of any kind from now fails with `error_number`.
    void fail_any(int error_number, std::uint64_t nth)
    {
        std::lock_guard lock(mutex_);
        plan_.push_back({std::nullopt, nth, 1, -error_number, 0});
    }

    /// The nth read or write from now, and the `times` - 1 behind it, transfer at most `bytes`.
    void shorten(system_call c, std::uint64_t bytes, std::uint64_t nth = 1, std::uint64_t times = 1)
    {
        std::lock_guard lock(mutex_);
        plan_.push_back({c, nth, times, 0, bytes});
    }

    /// Forgets the faults that are planned; held calls stay held.
    void clear()
    {
        std::lock_guard lock(mutex_);
        plan_.clear();
    }

    /// Calls of this kind block until release().
    void hold(system_call c)
    {
        std::lock_guard lock(mutex_);
        held_[static_cast<std::size_t>(c)] = true;
    }

    /// Lets all blocked calls go on, and holds no more.
    void release()
    {
        std::lock_guard lock(mutex_);
        held_ = {};
        changed_.notify_all();
    }

    /// Blocks the caller until a call is blocked.
    void wait_until_held()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return blocked_ > 0; });
    }

    /// How many calls were made, of one kind or of all.
    std::uint64_t calls(system_call c) const
    {
        std::lock_guard lock(mutex_);
        return made_[static_cast<std::size_t>(c)];
    }
    std::uint64_t calls() const
    {
        std::lock_guard lock(mutex_);
        std::uint64_t sum = 0;
        for (auto n : made_)
            sum += n;
        return sum;
    }

    /// Whether every planned fault has happened in full (those for ever: at least once).
    bool all_happened() const
    {
        std::lock_guard lock(mutex_);
        for (auto const& f : plan_)
            if (f.nth > 0 || (f.times > 0 && f.times < for_ever / 2))
                return false;
        return true;
    }

    /// Called by faulty_calls.
    int before(system_call c, std::uint64_t& bytes)
    {
        std::unique_lock lock(mutex_);
        ++made_[static_cast<std::size_t>(c)];
        int failure = 0;
        for (fault& f : plan_) {
            if (f.call && *f.call != c)
                continue;
            if (f.nth > 1) {
                --f.nth;
                continue;
            }
            if (f.times == 0)
                continue;
            f.nth = 0;
            --f.times;
            if (f.failure)
                failure = f.failure;
            else if (f.bytes < bytes)
                bytes = f.bytes;
        }
        bool& held = held_[static_cast<std::size_t>(c)];
        if (held) {
            ++blocked_;
            changed_.notify_all();
            changed_.wait(lock, [&] { return !held; });
            --blocked_;
        }
        return failure;
    }

private:
    struct fault {
        std::optional<system_call> call;
        std::uint64_t nth;
        std::uint64_t times;
        int failure;
        std::uint64_t bytes;
    };

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<fault> plan_;
    std::array<std::uint64_t, system_call_count> made_{};
    std::array<bool, system_call_count> held_{};
    int blocked_ = 0;
};

namespace detail {

struct fault_hooks {
    std::shared_ptr<call_faults> faults;

    int before(system_call c, std::uint64_t& bytes) const
    {
        return faults ? faults->before(c, bytes) : 0;
    }
    void after(system_call, std::int64_t) const noexcept {}
};

} // namespace detail

/** System calls that fail as planned:
 *
 *      auto faults = std::make_shared<call_faults>();
 *      basic_system_world<faulty_calls> world(io, faulty_calls({faults}));
 *      faults->fail(system_call::fdatasync, EIO, 3);
 */
using faulty_calls = intercepted_calls<detail::fault_hooks>;

} // namespace perdure

#endif
