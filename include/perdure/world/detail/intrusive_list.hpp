// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_INTRUSIVE_LIST_HPP
#define PERDURE_WORLD_DETAIL_INTRUSIVE_LIST_HPP

#include <cstddef>
#include <cstdint>
#include <utility>

namespace perdure::detail {

template <class T>
class intrusive_list;

/// What an element of an intrusive list derives from. Its number finds it again.
template <class T>
class list_hook {
public:
    std::uint64_t number = 0;

private:
    friend class intrusive_list<T>;
    T* previous_ = nullptr;
    T* next_ = nullptr;
};

/// A list of elements that it does not own. Needs no allocation and thus never fails.
template <class T>
class intrusive_list {
public:
    intrusive_list() = default;
    intrusive_list(intrusive_list&& other) noexcept
        : first_(std::exchange(other.first_, nullptr)),
          last_(std::exchange(other.last_, nullptr)),
          size_(std::exchange(other.size_, 0))
    {
    }
    intrusive_list& operator=(intrusive_list&&) = delete;

    bool empty() const noexcept { return !first_; }
    std::size_t size() const noexcept { return size_; }
    T* front() const noexcept { return first_; }
    T* next(T const& t) const noexcept { return hook(t).next_; }

    void push_back(T& t) noexcept
    {
        hook(t).previous_ = last_;
        hook(t).next_ = nullptr;
        (last_ ? hook(*last_).next_ : first_) = &t;
        last_ = &t;
        ++size_;
    }

    void remove(T& t) noexcept
    {
        list_hook<T>& h = hook(t);
        (h.previous_ ? hook(*h.previous_).next_ : first_) = h.next_;
        (h.next_ ? hook(*h.next_).previous_ : last_) = h.previous_;
        --size_;
    }

    T* pop_front() noexcept
    {
        T* const t = first_;
        if (t)
            remove(*t);
        return t;
    }

    /// Linear in the size.
    T* find(std::uint64_t number) const noexcept
    {
        T* t = first_;
        while (t && t->number != number)
            t = hook(*t).next_;
        return t;
    }

    void append(intrusive_list&& other) noexcept
    {
        if (other.empty())
            return;
        hook(*other.first_).previous_ = last_;
        (last_ ? hook(*last_).next_ : first_) = other.first_;
        last_ = other.last_;
        size_ += other.size_;
        other.first_ = other.last_ = nullptr;
        other.size_ = 0;
    }

private:
    static list_hook<T>& hook(T& t) noexcept { return t; }
    static list_hook<T> const& hook(T const& t) noexcept { return t; }

    T* first_ = nullptr;
    T* last_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace perdure::detail

#endif
