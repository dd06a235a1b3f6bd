// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_LINE_ARENA_HPP
#define PERDURE_RING_DETAIL_LINE_ARENA_HPP

#include <perdure/detail/page_array.hpp>
#include <perdure/ring/detail/point_line.hpp>
#include <perdure/ring/detail/shared.hpp>

#include <atomic>
#include <cstddef>

namespace perdure::detail {

/** Lines that are appended and never written again, shared by all copies of this object.
 *
 *  Each copy knows how many lines there were when it was made, so only one of them can go on: who
 *  claims first. The others are refused, and begin an arena of their own. Distinct copies may be used by
 *  distinct threads.
 */
class line_arena {
public:
    line_arena() = default;
    /// An empty one with room for n lines.
    explicit line_arena(std::size_t n) : lines_(shared<room>::make(n)), base_(lines_->all.data()) {}

    /// The lines; null if there is no room at all.
    point_line const* base() const noexcept { return base_; }

    /// Room for n more lines at the end, or null.
    point_line* claim(std::size_t n) noexcept
    {
        auto expected = used_;
        if (used_ + n > lines_->all.size() ||
            !lines_->used.compare_exchange_strong(expected, used_ + n))
            return nullptr;
        used_ += n;
        return lines_->all.data() + used_ - n;
    }

    std::size_t memory() const noexcept
    {
        return lines_ ? sizeof(room) + lines_->all.size() * sizeof(point_line) : 0;
    }

private:
    struct room {
        explicit room(std::size_t n) : all(n) {}
        // How much is taken. A copy may append only if it saw all that was taken before.
        std::atomic<std::size_t> used{0};
        page_array<point_line> all;
    };

    shared<room> lines_;
    point_line const* base_ = nullptr;
    std::size_t used_ = 0;
};

} // namespace perdure::detail

#endif
