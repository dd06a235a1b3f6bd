// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_POINT_TABLE_HPP
#define PERDURE_RING_DETAIL_POINT_TABLE_HPP

// The sorted circle of points behind hash_ring, laid out for one short scan instead of a search.
//
// The top `bits` bits of a hash choose a bucket; starts[bucket] is where that bucket's run begins.
// A run holds the bucket's points in order, then one sentinel that names the owner of what lies
// behind them: the first node of the next bucket that has one. So a lookup touches one start and
// one run, and needs no length.
//
//   entry      63 .................. 24  23 ........ 0
//              next 40 bits of the point  node index
//   sentinel   all ones                   node index
//
// The bucket gives the bits above. Bits below the 64 - bits - 24 are not stored; where they would
// decide (a hash that agrees with a point in all stored bits: once in 2^40 comparisons) the points
// are computed again from their source and compared in full. So the mapping is exactly that of the
// sorted circle of 64-bit points.
//
// Runs lie in an append-only arena that copies of the table share: a change writes new runs behind
// the old ones and alters only `starts`. A copy costs one memcpy of `starts`, stays valid for as
// long as it lives, and may be read by any thread while the original goes on changing.
//
// Invariants: 1. runs are sorted by (point, identity of the node). 2. a run once written is never
// written again. 3. behind every run that a copy can see lie at least `overread` written entries.

#include <perdure/ring/detail/sort.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace perdure::detail {

/** What the table asks of the owner of the points.
 *
 *  | expression            | meaning                                                        |
 *  |-----------------------|----------------------------------------------------------------|
 *  | `s.points_of(n)`      | how many points node n has now                                  |
 *  | `s.point(n, r)`       | its r-th point                                                  |
 *  | `s.identity_less(a,b)`| a strict total order of nodes that does not depend on history   |
 */
class point_table {
public:
    using entry = std::uint64_t;
    static constexpr int node_bits = 24;
    static constexpr entry node_mask = (entry{1} << node_bits) - 1;
    static constexpr entry sentinel_bits = ~node_mask;
    static constexpr std::size_t nodes_max = node_mask;
    static constexpr std::uint64_t points_max = std::uint64_t{1} << 30;
    static constexpr std::size_t overread = 4;

    using point = ring_point;

    std::uint64_t points_count() const noexcept { return points_count_; }
    bool empty() const noexcept { return points_count_ == 0; }

    /// Bytes that this table holds, shared arena included.
    std::size_t memory() const noexcept
    {
        return starts_.capacity() * sizeof(starts_[0]) +
               (arena_ ? sizeof(arena) + arena_->capacity * sizeof(entry) : 0);
    }

    /// The owner of a hash: the first point at or after it. Precondition: !empty().
    template <class Source>
    node_index locate(std::uint64_t hash, Source const& source) const noexcept
    {
        entry const* const at = scan(hash);
        if (same_stored_bits(*at, stored_bits(hash))) [[unlikely]]
            return exact(hash, source).node();
        return static_cast<node_index>(*at & node_mask);
    }

    /// Where a walk stands: on a point's entry, never on a sentinel.
    struct position {
        entry const* at;
        std::uint64_t bucket;
        node_index node() const noexcept { return static_cast<node_index>(*at & node_mask); }
        friend bool operator==(position const&, position const&) = default;
    };

    /// The entry of the first point at or after a hash. Precondition: !empty().
    template <class Source>
    position find(std::uint64_t hash, Source const& source) const noexcept
    {
        entry const* const at = scan(hash);
        if (same_stored_bits(*at, stored_bits(hash))) [[unlikely]]
            return exact(hash, source);
        return skip_sentinels({at, hash >> shift_});
    }

    /// The next point clockwise, around the end if need be.
    position next(position p) const noexcept { return skip_sentinels({p.at + 1, p.bucket}); }

    /// Asks the processor for what locate will read first, then second.
    void prefetch_start(std::uint64_t hash) const noexcept
    {
        prefetch(starts_.data() + (hash >> shift_));
    }
    void prefetch_run(std::uint64_t hash) const noexcept
    {
        prefetch(base_ + starts_[hash >> shift_]);
    }

    struct sorted_points {
        std::vector<point> points;
        std::vector<std::uint32_t> ends; // where each bucket begins, and the end of the last
    };

    /// All points of the circle in order. O(points).
    template <class Source>
    sorted_points sorted(std::size_t nodes_count, Source const& source) const
    {
        return points_count_ == 0 ? sorted_points()
                                  : sorted(nodes_count, points_count_, bits_, source);
    }

    /// Builds the table for nodes 0 .. nodes_count - 1 from nothing. O(points).
    template <class Source>
    void build(std::size_t nodes_count, Source const& source)
    {
        std::uint64_t total = 0;
        for (std::size_t n = 0; n != nodes_count; ++n)
            total += source.points_of(static_cast<node_index>(n));
        if (total == 0) {
            *this = point_table();
            return;
        }
        int const bits = bits_for(total);
        std::size_t const buckets = std::size_t{1} << bits;
        auto const [points, ends] = sorted(nodes_count, total, bits, source);
        std::size_t const live = total + buckets;
        point_table t;
        t.bits_ = bits;
        t.shift_ = 64 - bits;
        t.points_count_ = total;
        t.starts_.resize(buckets);
        t.renew_arena(live);
        entry* const out = t.claim(live + overread);
        std::size_t end = live;
        auto following = points.front().node; // corrected below: the circle closes here
        for (std::size_t b = buckets; b-- != 0;) {
            auto const first = points.begin() + ends[b];
            auto const last = points.begin() + ends[b + 1];
            std::size_t const begin = end - static_cast<std::size_t>(last - first) - 1;
            t.starts_[b] = static_cast<std::uint32_t>(begin);
            std::size_t i = begin;
            for (auto p = first; p != last; ++p)
                out[i++] = t.entry_of(*p);
            out[i] = sentinel_bits | following;
            following = static_cast<node_index>(out[begin] & node_mask);
            end = begin;
        }
        std::fill_n(out + live, overread, entry{0});
        // Sentinels after the last point belong to the first one, which is known only now.
        for (std::size_t b = buckets; b-- != 0;) {
            std::size_t i = t.starts_[b];
            bool const has_points = out[i] < sentinel_bits;
            while (out[i] < sentinel_bits)
                ++i;
            out[i] = sentinel_bits | following;
            if (has_points)
                break;
        }
        *this = std::move(t);
    }

    /** Puts the points numbered [first, last) of a node in (`adds`) or takes them out.
     *
     *  The source already counts them in or out. Strong exception guarantee. Complexity: O(points
     *  changed), amortised; now and then the arena is compacted, O(points).
     */
    template <class Source>
    void change(bool adds, node_index node, std::uint32_t first, std::uint32_t last,
                std::size_t nodes_count, Source const& source)
    {
        if (first == last)
            return;
        std::uint64_t const count = last - first;
        std::uint64_t const total = adds ? points_count_ + count : points_count_ - count;
        if (points_count_ == 0 || total == 0 || bits_wrong(total) || count > total / 4)
            return build(nodes_count, source);
        std::vector<std::uint64_t> hashes(count);
        for (std::uint32_t r = first; r != last; ++r)
            hashes[r - first] = source.point(node, r);
        // From the last bucket to the first, so that what follows a bucket is final already.
        sort(hashes, [](std::uint64_t x, std::uint64_t y) { return x > y; });
        for (std::size_t room = count * 16 + 64; !try_change(adds, node, hashes, source); room *= 2)
            compact(room);
        points_count_ = total;
    }

private:
    struct arena {
        explicit arena(std::size_t n) : capacity(n), entries(new entry[n]) {}
        // How much is taken. A table may append only if it saw all that was taken before; else
        // another copy has appended first, and this one moves to an arena of its own.
        std::atomic<std::size_t> used{0};
        std::size_t capacity;
        std::unique_ptr<entry[]> entries;
    };

    // Puts the starts back unless it was cleared.
    struct rollback {
        std::vector<std::uint32_t>& starts;
        std::vector<std::pair<std::size_t, std::uint32_t>> old;
        ~rollback()
        {
            for (; !old.empty(); old.pop_back())
                starts[old.back().first] = old.back().second;
        }
    };

    static void prefetch([[maybe_unused]] void const* address) noexcept
    {
#if defined(__GNUC__)
        __builtin_prefetch(address);
#endif
    }

    template <class Source>
    struct in_order {
        Source const& source;
        bool operator()(point const& x, point const& y) const noexcept
        {
            return x.hash != y.hash ? x.hash < y.hash
                                    : x.node != y.node && source.identity_less(x.node, y.node);
        }
    };

    /// A counting sort by bucket, then a small sort in each.
    template <class Source>
    static sorted_points sorted(std::size_t nodes_count, std::uint64_t total, int bits,
                                Source const& source)
    {
        int const shift = 64 - bits;
        sorted_points s;
        s.ends.resize((std::size_t{1} << bits) + 1);
        for (std::size_t n = 0; n != nodes_count; ++n) {
            auto const node = static_cast<node_index>(n);
            for (std::uint32_t r = 0, v = source.points_of(node); r != v; ++r)
                ++s.ends[(source.point(node, r) >> shift) + 1];
        }
        for (std::size_t b = 1; b != s.ends.size(); ++b)
            s.ends[b] += s.ends[b - 1];
        s.points.resize(total);
        auto next = s.ends;
        for (std::size_t n = 0; n != nodes_count; ++n) {
            auto const node = static_cast<node_index>(n);
            for (std::uint32_t r = 0, v = source.points_of(node); r != v; ++r) {
                auto const hash = source.point(node, r);
                s.points[next[hash >> shift]++] = {hash, node};
            }
        }
        in_order<Source> const less{source};
        for (std::size_t b = 1; b != s.ends.size(); ++b)
            sort(s.points.data() + s.ends[b - 1], s.ends[b] - s.ends[b - 1], less);
        return s;
    }

    // One and a third to two and two thirds points a bucket.
    static int bits_for(std::uint64_t points) noexcept
    {
        return std::max(1, static_cast<int>(std::bit_width(points * 3 / 4)) - 1);
    }
    bool bits_wrong(std::uint64_t points) const noexcept
    {
        // Wider than what bits_for aims at, so that a table on the edge is not rebuilt each time.
        auto const buckets = std::uint64_t{1} << bits_;
        return points > buckets * 3 || (bits_ > 1 && points < buckets * 9 / 10);
    }

    entry stored_bits(std::uint64_t hash) const noexcept { return (hash << bits_) & ~node_mask; }
    entry entry_of(point const& p) const noexcept
    {
        // All ones are the sentinel's; a point there is stored one lower, and compared exactly.
        return std::min(stored_bits(p.hash), sentinel_bits - (entry{1} << node_bits)) | p.node;
    }

    static bool same_stored_bits(entry x, entry y) noexcept { return (x ^ y) <= node_mask; }

    /// The first entry of the hash's bucket that is not below the hash in the stored bits.
    entry const* scan(std::uint64_t hash) const noexcept
    {
        entry const* const run = base_ + starts_[hash >> shift_];
        entry const wanted = stored_bits(hash);
        // Four comparisons without a branch between them, since their outcome cannot be predicted;
        // what lies behind the sentinel may be compared too, but cannot count.
        unsigned const below = unsigned(run[0] < wanted) | unsigned(run[1] < wanted) << 1 |
                               unsigned(run[2] < wanted) << 2 | unsigned(run[3] < wanted) << 3;
        entry const* at = run + std::countr_one(below);
        if (below == 15) [[unlikely]]
            while (*at < wanted)
                ++at;
        return at;
    }

    position skip_sentinels(position p) const noexcept
    {
        while (*p.at >= sentinel_bits) {
            p.bucket = (p.bucket + 1) & (starts_.size() - 1);
            p.at = base_ + starts_[p.bucket];
        }
        return p;
    }

    /// The same answer from full points, where the stored bits cannot tell.
    template <class Source>
    position exact(std::uint64_t hash, Source const& source) const noexcept
    {
        auto const bucket = hash >> shift_;
        auto const tied = entry_of({hash, 0});
        entry const* at = base_ + starts_[bucket];
        while (*at < tied)
            ++at;
        // Entries of the tie are in the order of their full points. One node's points among them
        // are alike, so the k-th entry of a node is the k-th smallest of its tied points.
        for (; same_stored_bits(*at, tied); ++at) {
            auto const node = static_cast<node_index>(*at & node_mask);
            std::uint64_t earlier = 0;
            for (entry const* e = base_ + starts_[bucket]; e != at; ++e)
                earlier += *e == *at;
            std::uint64_t below = 0;
            for (std::uint32_t r = 0, v = source.points_of(node); r != v; ++r) {
                auto const p = source.point(node, r);
                below += p >> shift_ == bucket && entry_of({p, node}) == *at && p < hash;
            }
            if (earlier >= below)
                break; // this point is not below the hash
        }
        return skip_sentinels({at, bucket});
    }

    /// Puts entries that agree in all stored bits into the order of their full points.
    template <class Source>
    void order_ties(std::uint64_t bucket, std::vector<entry>& run, Source const& source) const
    {
        for (std::size_t i = 0; i != run.size();) {
            std::size_t j = i + 1;
            while (j != run.size() && same_stored_bits(run[i], run[j]))
                ++j;
            if ((run[i] & node_mask) != (run[j - 1] & node_mask)) {
                std::vector<point> points;
                for (std::size_t k = i; k != j; ++k) {
                    if (k != i && run[k] == run[k - 1])
                        continue;
                    auto const node = static_cast<node_index>(run[k] & node_mask);
                    for (std::uint32_t r = 0, v = source.points_of(node); r != v; ++r) {
                        auto const p = source.point(node, r);
                        if (p >> shift_ == bucket && entry_of({p, node}) == run[k])
                            points.push_back({p, node});
                    }
                }
                assert(points.size() == j - i);
                sort(points, in_order<Source>{source});
                for (std::size_t k = i; k != j; ++k)
                    run[k] = entry_of(points[k - i]);
            }
            i = j;
        }
    }

    /// False if the arena has no room; the mapping is as before then, and after an exception.
    template <class Source>
    bool try_change(bool adds, node_index node, std::vector<std::uint64_t> const& hashes,
                    Source const& source)
    {
        rollback undo{starts_, {}};
        undo.old.reserve(hashes.size() * 2);
        std::vector<entry> run;
        for (std::size_t i = 0; i != hashes.size();) {
            auto const bucket = hashes[i] >> shift_;
            run.clear();
            for (entry const* at = base_ + starts_[bucket]; *at < sentinel_bits; ++at)
                run.push_back(*at);
            for (; i != hashes.size() && hashes[i] >> shift_ == bucket; ++i) {
                auto const e = entry_of({hashes[i], node});
                if (adds) {
                    run.push_back(e);
                } else {
                    auto const found = std::find(run.begin(), run.end(), e);
                    assert(found != run.end());
                    run.erase(found);
                }
            }
            sort(run, [](entry x, entry y) { return x < y; });
            order_ties(bucket, run, source);
            if (!replace_run(bucket, run, undo))
                return false;
        }
        entry* const padding = claim(overread);
        if (!padding)
            return false;
        std::fill_n(padding, overread, entry{0});
        undo.old.clear();
        return true;
    }

    /// Gives a bucket its new run, and the buckets before it the sentinels that follow from it.
    bool replace_run(std::uint64_t bucket, std::vector<entry> const& run, rollback& undo)
    {
        auto const mask = starts_.size() - 1;
        auto const before = first_of(bucket);
        if (!put_run(bucket, run.data(), run.size(), first_of((bucket + 1) & mask), undo))
            return false;
        auto const after = first_of(bucket);
        for (auto b = (bucket - 1) & mask; before != after && b != bucket; b = (b - 1) & mask) {
            entry const* const old = base_ + starts_[b];
            std::size_t size = 0;
            while (old[size] < sentinel_bits)
                ++size;
            if (!put_run(b, old, size, after, undo))
                return false;
            if (size != 0)
                break;
        }
        return true;
    }

    node_index first_of(std::uint64_t bucket) const noexcept
    {
        return static_cast<node_index>(base_[starts_[bucket]] & node_mask);
    }

    bool put_run(std::uint64_t bucket, entry const* run, std::size_t size, node_index following,
                 rollback& undo)
    {
        entry* const out = claim(size + 1);
        if (!out)
            return false;
        std::copy_n(run, size, out);
        out[size] = sentinel_bits | following;
        undo.old.push_back({static_cast<std::size_t>(bucket), starts_[bucket]});
        starts_[bucket] = static_cast<std::uint32_t>(out - base_);
        return true;
    }

    void renew_arena(std::size_t live)
    {
        arena_ = std::make_shared<arena>(live + live / 4 + 64);
        base_ = arena_->entries.get();
        used_ = 0;
    }

    /// Room for n more entries at the end of the arena, or null.
    entry* claim(std::size_t n) noexcept
    {
        auto expected = used_;
        if (used_ + n > arena_->capacity ||
            !arena_->used.compare_exchange_strong(expected, used_ + n))
            return nullptr;
        used_ += n;
        return base_ + used_ - n;
    }

    /// Copies the live runs into a new arena with room for n more entries.
    void compact(std::size_t n)
    {
        auto const old = arena_;
        entry const* const from = base_;
        renew_arena(points_count_ + starts_.size() + n);
        entry* out = base_;
        for (auto& start : starts_) {
            entry const* at = from + start;
            start = static_cast<std::uint32_t>(out - base_);
            do
                *out++ = *at;
            while (*at++ < sentinel_bits);
        }
        used_ = static_cast<std::size_t>(out - base_);
        arena_->used = used_;
    }

    entry* base_ = nullptr;
    std::vector<std::uint32_t> starts_;
    int bits_ = 0;
    int shift_ = 0;
    std::uint64_t points_count_ = 0;
    std::size_t used_ = 0;
    std::shared_ptr<arena> arena_;
};

} // namespace perdure::detail

#endif
