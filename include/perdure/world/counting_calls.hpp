// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_COUNTING_CALLS_HPP
#define PERDURE_WORLD_COUNTING_CALLS_HPP

#include <perdure/world/intercepted_calls.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace perdure {

/** What went through a World's file seam. Read from any thread, at any time. */
class call_counts {
public:
    /// How often the call was made, whether it succeeded or not.
    std::uint64_t of(system_call c) const noexcept
    {
        return calls_[static_cast<std::size_t>(c)].load(std::memory_order_relaxed);
    }
    /// Successful calls of fsync and fdatasync.
    std::uint64_t syncs() const noexcept
    {
        return of(system_call::fdatasync) + of(system_call::fsync);
    }
    /// Calls of pwritev.
    std::uint64_t writes() const noexcept { return of(system_call::pwritev); }
    /// Bytes that the writes took.
    std::uint64_t bytes_written() const noexcept
    {
        return written_.load(std::memory_order_relaxed);
    }
    /// Bytes that the reads gave.
    std::uint64_t bytes_read() const noexcept { return read_.load(std::memory_order_relaxed); }

    /// Takes the result of one call; for the hooks.
    void count(system_call c, std::int64_t result) noexcept
    {
        calls_[static_cast<std::size_t>(c)].fetch_add(1, std::memory_order_relaxed);
        if (result > 0 && c == system_call::pwritev)
            written_.fetch_add(static_cast<std::uint64_t>(result), std::memory_order_relaxed);
        if (result > 0 && c == system_call::preadv)
            read_.fetch_add(static_cast<std::uint64_t>(result), std::memory_order_relaxed);
    }

private:
    std::array<std::atomic<std::uint64_t>, system_call_count> calls_{};
    std::atomic<std::uint64_t> written_{0};
    std::atomic<std::uint64_t> read_{0};
};

namespace detail {

struct count_hooks {
    std::shared_ptr<call_counts> counts;

    int before(system_call, std::uint64_t&) const noexcept { return 0; }
    void after(system_call c, std::int64_t result) const noexcept
    {
        if (counts)
            counts->count(c, result);
    }
};

} // namespace detail

/** System calls that are counted:
 *
 *      auto counts = std::make_shared<call_counts>();
 *      basic_system_world<counting_calls> world(io, counting_calls({counts}));
 */
using counting_calls = intercepted_calls<detail::count_hooks>;

} // namespace perdure

#endif
