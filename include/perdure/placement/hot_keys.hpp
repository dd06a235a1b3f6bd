// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_HOT_KEYS_HPP
#define PERDURE_PLACEMENT_HOT_KEYS_HPP

#include <perdure/placement/detail/bad_value.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/** The keys that are asked for most, from a stream of requests, in bounded memory.
 *
 *  Keeps `capacity` keys with counts. A key that is not kept takes the place of the one with the
 *  smallest count, and inherits it as its possible error; so with n requests a key's true count lies
 *  in [count - error, count], and every key with more than n / capacity requests is kept.
 *
 *  @par Algorithm   Space-Saving (A. Metwally, D. Agrawal, A. El Abbadi, ICDT 2005).
 *  @par Complexity  add: O(log capacity) comparisons of keys.
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 */
template <std::totally_ordered Key = std::string>
class hot_keys {
public:
    /// A key and how often it came, as far as is known.
    struct entry {
        Key key{}; ///< the key
        std::uint64_t count = 0; ///< at least as many as there were
        std::uint64_t error = 0; ///< by how much it may be too many
        friend bool operator==(entry const&, entry const&) = default;
    };

    /// Throws std::invalid_argument unless capacity is from 1 to 2^24.
    explicit hot_keys(std::size_t capacity)
    {
        if (capacity < 1 || capacity > std::size_t{1} << 24)
            detail::throw_bad_value("hot_keys", "capacity", std::to_string(capacity),
                                    "it must be from 1 to 16777216");
        capacity_ = capacity;
        heap_.reserve(capacity);
    }

    /// A key was asked for `times` times.
    template <class K = Key>
    void add(K const& key, std::uint64_t times = 1)
    {
        total_ += times;
        auto const found = at_.find(key);
        if (found != at_.end()) {
            heap_[found->second].count += times;
            sink(found->second);
            return;
        }
        if (heap_.size() < capacity_) {
            auto const at = at_.emplace(Key(key), heap_.size()).first;
            heap_.push_back({at, times, 0});
            rise(heap_.size() - 1);
            return;
        }
        auto node = at_.extract(heap_[0].at);
        node.key() = Key(key);
        node.mapped() = 0;
        auto const smallest = heap_[0].count;
        heap_[0] = {at_.insert(std::move(node)).position, smallest + times, smallest};
        sink(0);
    }

    /// Requests so far.
    std::uint64_t total() const noexcept { return total_; }
    std::size_t size() const noexcept { return heap_.size(); }

    /// The `n` keys with the largest counts, the largest first, then in the order of the keys.
    std::vector<entry> top(std::size_t n) const
    {
        std::vector<entry> all;
        for (auto const& h : heap_)
            all.push_back({h.at->first, h.count, h.error});
        std::sort(all.begin(), all.end(), [](entry const& a, entry const& b) {
            return a.count != b.count ? a.count > b.count : a.key < b.key;
        });
        all.resize(std::min(n, all.size()));
        return all;
    }

private:
    using index = std::map<Key, std::size_t, std::less<>>;
    struct counted {
        typename index::iterator at;
        std::uint64_t count;
        std::uint64_t error;
    };

    void put(std::size_t i, counted c)
    {
        heap_[i] = c;
        c.at->second = i;
    }
    void sink(std::size_t i)
    {
        auto const moving = heap_[i];
        for (std::size_t child; (child = 2 * i + 1) < heap_.size(); i = child) {
            if (child + 1 < heap_.size() && heap_[child + 1].count < heap_[child].count)
                ++child;
            if (heap_[child].count >= moving.count)
                break;
            put(i, heap_[child]);
        }
        put(i, moving);
    }
    void rise(std::size_t i)
    {
        auto const moving = heap_[i];
        for (; i != 0 && heap_[(i - 1) / 2].count > moving.count; i = (i - 1) / 2)
            put(i, heap_[(i - 1) / 2]);
        put(i, moving);
    }

    std::size_t capacity_;
    std::uint64_t total_ = 0;
    index at_;
    std::vector<counted> heap_; // the smallest count on top
};

} // namespace perdure

#endif
