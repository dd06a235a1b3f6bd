// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_SHARED_HPP
#define PERDURE_RING_DETAIL_SHARED_HPP

#include <atomic>
#include <cstddef>
#include <utility>

namespace perdure::detail {

/** An object with several owners, counted: std::shared_ptr without weak pointers and deleters.
 *
 *  Including <memory> for it was a fifth of what the ring costs to compile. Distinct owners of one
 *  object may be copied and destroyed by distinct threads.
 */
template <class T>
class shared {
public:
    shared() noexcept = default;
    /// An object made from the arguments, with one owner.
    template <class... Arguments>
    static shared make(Arguments&&... arguments)
    {
        shared s;
        s.counted_ = new counted(std::forward<Arguments>(arguments)...);
        return s;
    }
    shared(shared const& other) noexcept : counted_(other.counted_)
    {
        if (counted_)
            counted_->owners.fetch_add(1, std::memory_order_relaxed);
    }
    shared(shared&& other) noexcept : counted_(std::exchange(other.counted_, nullptr)) {}
    shared& operator=(shared other) noexcept
    {
        std::swap(counted_, other.counted_);
        return *this;
    }
    ~shared()
    {
        // What every owner did to the object comes before its destruction.
        if (counted_ && counted_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1)
            delete counted_;
    }

    T& operator*() const noexcept { return counted_->object; }
    T* operator->() const noexcept { return &counted_->object; }
    explicit operator bool() const noexcept { return counted_ != nullptr; }

private:
    struct counted {
        template <class... Arguments>
        explicit counted(Arguments&&... arguments) : object(std::forward<Arguments>(arguments)...)
        {
        }
        std::atomic<std::size_t> owners{1};
        T object;
    };
    counted* counted_ = nullptr;
};

} // namespace perdure::detail

#endif
