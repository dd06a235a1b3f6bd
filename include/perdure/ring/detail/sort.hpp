// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_SORT_HPP
#define PERDURE_RING_DETAIL_SORT_HPP

#include <cstddef>
#include <utility>
#include <vector>

namespace perdure::detail {

/** Sorts in place, not stable: Shell's sort, with gaps by M. Ciura (FCT 2001), extended by 9/4.
 *
 *  Most runs here have two or three elements, where this is an insertion sort. std::sort does no
 *  better on them, and its five instantiations were half of what the ring costs to compile.
 */
template <class T, class Less>
void sort(T* first, std::size_t size, Less less)
{
    static constexpr std::size_t small_gaps[] = {301, 132, 57, 23, 10, 4, 1};
    auto const pass = [&](std::size_t gap) {
        for (std::size_t i = gap; i < size; ++i) {
            if (!less(first[i], first[i - gap]))
                continue;
            T moving = std::move(first[i]);
            std::size_t j = i;
            do {
                first[j] = std::move(first[j - gap]);
                j -= gap;
            } while (j >= gap && less(moving, first[j - gap]));
            first[j] = std::move(moving);
        }
    };
    if (size > 4) {
        std::size_t gap = 301;
        while (gap < size / 4)
            gap = gap / 4 * 9 + 1;
        for (; gap > 301; gap = gap / 9 * 4 + 1)
            pass(gap);
        for (auto g : small_gaps)
            if (g < size && g != 1)
                pass(g);
    }
    pass(1);
}

template <class T, class Less>
void sort(std::vector<T>& all, Less less)
{
    sort(all.data(), all.size(), less);
}

} // namespace perdure::detail

#endif
