// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_METERED_ALLOCATOR_HPP
#define PERDURE_TESTS_SUPPORT_METERED_ALLOCATOR_HPP

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>

/// What went through the metered_allocators that point to it.
struct memory_meter {
    std::atomic<std::size_t> allocations{0};
    std::atomic<std::ptrdiff_t> live{0}; // Blocks that were allocated and not given back.
    std::atomic<bool> left_thread{
        false}; // Used on another thread than the one that made the meter.

    void touch() noexcept
    {
        if (std::this_thread::get_id() != thread_)
            left_thread = true;
    }

private:
    std::thread::id const thread_ = std::this_thread::get_id();
};

template <class T>
class metered_allocator {
public:
    using value_type = T;

    explicit metered_allocator(memory_meter& meter) noexcept : meter_(&meter) {}
    template <class U>
    metered_allocator(metered_allocator<U> const& other) noexcept : meter_(&other.meter())
    {
    }

    T* allocate(std::size_t n)
    {
        meter_->touch();
        ++meter_->allocations;
        ++meter_->live;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept
    {
        meter_->touch();
        --meter_->live;
        std::allocator<T>().deallocate(p, n);
    }

    memory_meter& meter() const noexcept { return *meter_; }
    template <class U>
    friend bool operator==(metered_allocator const& a, metered_allocator<U> const& b) noexcept
    {
        return &a.meter() == &b.meter();
    }

private:
    memory_meter* meter_;
};

#endif
