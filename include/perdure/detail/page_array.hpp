// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETAIL_PAGE_ARRAY_HPP
#define PERDURE_DETAIL_PAGE_ARRAY_HPP

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace perdure::detail {

/** An uninitialised array of trivial elements, on huge pages where it is large enough to need them.
 *
 *  A lookup in a table of 100 MB misses the processor's page cache as well as its data cache; with
 *  pages of 2 MiB it misses only the latter. Memory that is filled once costs a fault a page, and there
 *  are 512 times fewer. Where the system has no huge pages to give, nothing is lost.
 */
template <class T>
class page_array {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    page_array() = default;
    explicit page_array(std::size_t size)
        : data_(static_cast<T*>(::operator new(size * sizeof(T), alignment(size)))), size_(size)
    {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (large(size))
            ::madvise(data_, size * sizeof(T) / huge * huge, MADV_HUGEPAGE);
#endif
    }
    page_array(page_array&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0))
    {
    }
    page_array& operator=(page_array other) noexcept
    {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~page_array()
    {
        if (data_)
            ::operator delete(data_, alignment(size_));
    }

    std::size_t size() const noexcept { return size_; }
    T* data() noexcept { return data_; }
    T const* data() const noexcept { return data_; }
    T& operator[](std::size_t i) noexcept { return data_[i]; }
    T const& operator[](std::size_t i) const noexcept { return data_[i]; }

private:
    static constexpr std::size_t huge = std::size_t{1} << 21;
    static bool large(std::size_t size) noexcept { return size * sizeof(T) >= 2 * huge; }
    static std::align_val_t alignment(std::size_t size) noexcept
    {
        return std::align_val_t(large(size) ? huge : 64);
    }

    T* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace perdure::detail

#endif
