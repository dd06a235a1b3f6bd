// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_POINT_TABLE_HPP
#define PERDURE_RING_DETAIL_POINT_TABLE_HPP

// The sorted circle of points behind hash_ring, laid out so that a lookup reads one cache line.
//
// The circle is cut into equal buckets of a few points: bucket = high half of hash * buckets.
// A bucket's points lie in one line (point_line.hpp), with the next 32 bits of the product as keys:
// the product is monotone, so keys are in the order of the hashes. Behind the points, sentinels name
// the owner of what follows, so that a lookup ends in the line where it began.
//
//   groups of four buckets   starts[g] --> | line b | line b+1 | line b+2 | line b+3 | overflow ... |
//
// Bits below the key are not stored. Where they would decide (a hash that agrees with a point in all
// 32: once in some hundred million lookups) the points are computed again from their source and
// compared in full. So the mapping is exactly that of the sorted circle of 64-bit points.
//
// Groups lie in an append-only arena that copies of the table share: a change writes new groups
// behind the old ones and alters only `starts`. A copy costs one memcpy of `starts`, which is a
// quarter of a byte a point, stays valid for as long as it lives, and may be read by any thread
// while the original goes on changing.
//
// Invariants: 1. the points of a bucket are sorted by (point, identity of the node). 2. a group once
// written is never written again. 3. the nodes of a bucket's first three sentinels are those of
// the three points that follow, so that one line tells the first three owners too.

#include <perdure/detail/page_array.hpp>
#include <perdure/ring/detail/line_arena.hpp>
#include <perdure/ring/detail/multiply.hpp>
#include <perdure/ring/detail/point_line.hpp>
#include <perdure/ring/detail/sort.hpp>
#include <perdure/ring/detail/sorted_points.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace perdure::detail {

/** Where the points come from is asked of a Source `s`, given as an argument:
 *
 *  | expression            | meaning                                                         |
 *  |-----------------------|-----------------------------------------------------------------|
 *  | `s.points_of(n)`      | how many points node n has now                                  |
 *  | `s.point(n, r)`       | its r-th point                                                  |
 *  | `s.identity_less(a,b)`| a strict total order of nodes that does not depend on history   |
 */
class point_table {
public:
    static constexpr std::size_t nodes_max = std::size_t{1} << 30;
    static constexpr std::uint64_t points_max = std::uint64_t{1} << 30;

    /// A compact table has a third fewer bytes a point, and a few lookups in a hundred read two lines.
    explicit point_table(bool compact = false) : compact_(compact) {}
    point_table(point_table const& other)
        : compact_(other.compact_),
          buckets_(other.buckets_),
          points_count_(other.points_count_),
          starts_(other.starts_.size()),
          lines_(other.lines_)
    {
        if (starts_.size() != 0)
            std::memcpy(starts_.data(), other.starts_.data(), starts_.size() * sizeof(starts_[0]));
    }
    point_table(point_table&&) noexcept = default;
    point_table& operator=(point_table other) noexcept
    {
        compact_ = other.compact_;
        buckets_ = other.buckets_;
        points_count_ = other.points_count_;
        starts_ = std::move(other.starts_);
        lines_ = std::move(other.lines_);
        return *this;
    }
    ~point_table() = default;

    std::uint64_t points_count() const noexcept { return points_count_; }

    /// Bytes that this table holds, shared arena included.
    std::size_t memory() const noexcept
    {
        return starts_.size() * sizeof(starts_[0]) + lines_.memory();
    }

    /// The owner of a hash: the first point at or after it. Precondition: there are points.
    template <class Source>
    node_index locate(std::uint64_t hash, Source const& source) const noexcept
    {
        auto const product = multiply(hash, buckets_);
        return locate_in(*line_of(product.high), key_of(product), hash, source);
    }

    /// The owners of the first three points at or after a hash, if they are three nodes and one line
    /// tells them; false else, and `out` is as it was.
    bool locate_three(std::uint64_t hash, node_index* out) const noexcept
    {
        auto const product = multiply(hash, buckets_);
        auto const key = key_of(product);
        auto const& line = *line_of(product.high);
        auto const i = line.below(key);
        auto const a = line.nodes[i];
        // Slots 6 and 7 have no two behind them: read others, and do not use them.
        auto const j = i > 5 ? 5 : i;
        auto const b = line.nodes[j + 1], c = line.nodes[j + 2];
        if (line.keys[i] == key || (i > 5) || (a | b | c) >= point_line::link || a == b || a == c ||
            b == c) [[unlikely]]
            return false;
        out[0] = a;
        out[1] = b;
        out[2] = c;
        return true;
    }

    /// Where a walk stands: on a point, never on a sentinel.
    struct position {
        point_line const* line;
        std::size_t slot;
        std::uint64_t bucket;
        node_index node() const noexcept { return line->nodes[slot]; }
        std::uint32_t key() const noexcept { return line->keys[slot]; }
        friend bool operator==(position const&, position const&) = default;
    };

    /// The first point at or after a hash. Precondition: there are points.
    template <class Source>
    position find(std::uint64_t hash, Source const& source) const noexcept
    {
        auto const product = multiply(hash, buckets_);
        auto const key = key_of(product);
        position p{line_of(product.high), 0, product.high};
        p.slot = p.line->below(key);
        if (p.key() == key || p.node() >= point_line::link) [[unlikely]]
            return find_slowly(hash, source);
        return skip_sentinels(p);
    }

    /// The next point clockwise, around the end if need be.
    position next(position p) const noexcept
    {
        ++p.slot;
        return skip_sentinels(p);
    }

    /// locate, for many hashes at once.
    template <class Source>
    void locate_batch(std::span<key_hash const> in, std::span<node_index> out,
                      Source const& source) const noexcept
    {
        std::size_t i = 0;
        if (memory() > far) {
            // Ask for all starts, then for all lines, then look: the misses overlap.
            constexpr std::size_t group = 64;
            for (; i + group <= in.size(); i += group) {
                point_line const* lines[group];
                for (std::size_t j = 0; j != group; ++j)
                    prefetch(starts_.data() +
                             (multiply(in[i + j].value, buckets_).high >> group_bits));
                for (std::size_t j = 0; j != group; ++j) {
                    lines[j] = line_of(multiply(in[i + j].value, buckets_).high);
                    prefetch(lines[j]);
                }
                for (std::size_t j = 0; j != group; ++j)
                    out[i + j] = locate_in(*lines[j], key_of(multiply(in[i + j].value, buckets_)),
                                           in[i + j].value, source);
            }
        }
        for (; i != in.size(); ++i)
            out[i] = locate(in[i].value, source);
    }

    /// All points of the circle in order. O(points).
    template <class Source>
    sorted_points sorted(std::size_t nodes_count, Source const& source) const
    {
        return points_count_ == 0 ? sorted_points()
                                  : sort_points(nodes_count, points_count_, buckets_, source);
    }

    /// Builds the table for nodes 0 .. nodes_count - 1 from nothing. O(points).
    template <class Source>
    void build(std::size_t nodes_count, Source const& source)
    {
        std::uint64_t total = 0;
        for (std::size_t n = 0; n != nodes_count; ++n)
            total += source.points_of(static_cast<node_index>(n));
        if (total == 0) {
            *this = point_table(compact_);
            return;
        }
        point_table t(compact_);
        t.buckets_ = t.buckets_for(total);
        t.points_count_ = total;
        auto const [points, ends] = sort_points(nodes_count, total, t.buckets_, source);
        std::size_t lines = 0;
        for (std::size_t b = 0; b != t.buckets_; ++b)
            lines += lines_for(ends[b + 1] - ends[b]);
        t.starts_ = page_array<std::uint32_t>(t.buckets_ >> group_bits);
        t.lines_ = line_arena(lines + t.slack(lines));
        // Backwards, so that what follows a group is known; what follows the last is the first.
        successors following;
        for (std::size_t i = 0; i != following.size(); ++i)
            following[i] = points[i % points.size()].node;
        for (std::size_t g = t.starts_.size(); g-- != 0;) {
            auto const bucket = g << group_bits;
            std::vector<entry>& group = t.scratch(ends[bucket + group_size] - ends[bucket]);
            for (std::size_t i = ends[bucket]; i != ends[bucket + group_size]; ++i)
                group.push_back(t.entry_of(points[i]));
            t.put_group(g, group, following);
            following = t.first_of(g);
        }
        t.scratch_ = {};
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
        if (points_count_ == 0 || total == 0 || buckets_wrong(total) || count > total / 4)
            return build(nodes_count, source);
        std::vector<std::uint64_t> hashes(count);
        for (std::uint32_t r = first; r != last; ++r)
            hashes[r - first] = source.point(node, r);
        // From the last group to the first, so that what follows a group is final already.
        sort(hashes, [](std::uint64_t x, std::uint64_t y) { return x > y; });
        for (std::size_t room = count * group_size * 2 + 64;
             !try_change(adds, node, hashes, source); room *= 2)
            compact(room);
        points_count_ = total;
    }

private:
    static constexpr int group_bits = 2;
    static constexpr std::size_t group_size = std::size_t{1} << group_bits;

    // A point within its group, in the order of the circle.
    struct entry {
        std::uint64_t at; // bucket within the group, then the key, not flipped
        node_index node;
        friend bool operator==(entry const&, entry const&) = default;
    };

    // The nodes of three points in a row.
    using successors = std::array<node_index, 3>;

    // Puts the starts back unless it was cleared.
    struct rollback {
        page_array<std::uint32_t>& starts;
        std::vector<std::pair<std::size_t, std::uint32_t>> old;
        ~rollback()
        {
            for (; !old.empty(); old.pop_back())
                starts[old.back().first] = old.back().second;
        }
    };

    // Tables above this size do not fit the nearer caches: asking ahead pays.
    static constexpr std::size_t far = std::size_t{1} << 22;
    template <class Source>
    node_index locate_in(point_line const& line, std::uint32_t key, std::uint64_t hash,
                         Source const& source) const noexcept
    {
        auto const i = line.below(key);
        auto const node = line.nodes[i];
        if (line.keys[i] == key || node >= point_line::link) [[unlikely]]
            return locate_slowly(hash, source);
        return node;
    }

    /// Pure, so that a loop of lookups keeps what it has loaded in registers.
    template <class Source>
    [[gnu::pure, gnu::noinline, gnu::cold]] node_index
    locate_slowly(std::uint64_t hash, Source const& source) const noexcept
    {
        // Most that come here only follow a link; the rest is for the few that the keys cannot tell.
        auto const product = multiply(hash, buckets_);
        auto const key = key_of(product);
        for (auto const* line = line_of(product.high);;) {
            auto const i = line->below(key);
            if (line->keys[i] == key) [[unlikely]]
                return find_slowly(hash, source).node();
            auto const node = line->nodes[i];
            if (node < point_line::link)
                return node;
            line = linked(product.high, node);
        }
    }

    static void prefetch([[maybe_unused]] void const* address) noexcept
    {
#if defined(__GNUC__)
        __builtin_prefetch(address);
#endif
    }

    // Three and a half points a bucket when it is built, from two to five as nodes come and go; five
    // and a half, from four to eight, in a compact table.
    std::uint64_t buckets_for(std::uint64_t points) const noexcept
    {
        auto const buckets = points * 2 / (compact_ ? 11 : 7);
        return (buckets + group_size) / group_size * group_size;
    }
    bool buckets_wrong(std::uint64_t points) const noexcept
    {
        return points > buckets_ * (compact_ ? 8 : 5) ||
               (points < buckets_ * (compact_ ? 4 : 2) && buckets_ > group_size);
    }
    // Room for changes, beyond the lines there are.
    std::size_t slack(std::size_t lines) const noexcept
    {
        return compact_ ? lines / 24 : lines / 6 + 64;
    }
    static std::size_t lines_for(std::size_t points) noexcept
    {
        return points == 0 ? 1 : (points + point_line::points_max - 1) / point_line::points_max;
    }

    static std::uint32_t key_of(wide_product const& p) noexcept
    {
        return static_cast<std::uint32_t>(p.low >> 32) ^ point_line::flip;
    }
    /// All ones are the sentinel's; a point there is stored one lower, and compared exactly.
    static std::uint32_t stored_key(wide_product const& p) noexcept
    {
        return std::min<std::uint32_t>(static_cast<std::uint32_t>(p.low >> 32), 0xfffffffe);
    }
    entry entry_of(ring_point const& p) const noexcept
    {
        auto const product = multiply(p.hash, buckets_);
        return {(product.high & (group_size - 1)) << 32 | stored_key(product), p.node};
    }
    std::size_t group_of(std::uint64_t hash) const noexcept
    {
        return static_cast<std::size_t>(multiply(hash, buckets_).high >> group_bits);
    }
    /// Whether a hash has the same bucket and key as the point at p.
    bool same_place(std::uint64_t hash, position const& p) const noexcept
    {
        auto const product = multiply(hash, buckets_);
        return product.high == p.bucket && (stored_key(product) ^ point_line::flip) == p.key();
    }

    point_line const* line_of(std::uint64_t bucket) const noexcept
    {
        return lines_.base() + starts_[bucket >> group_bits] + (bucket & (group_size - 1));
    }

    /// The line of a bucket that a link names.
    point_line const* linked(std::uint64_t bucket, node_index link) const noexcept
    {
        return lines_.base() + starts_[bucket >> group_bits] + (link - point_line::link);
    }

    /// Steps through links, and if `leaves` also into the following buckets, to a point.
    position skip_sentinels(position p, bool leaves = true) const noexcept
    {
        while (p.key() == point_line::sentinel) {
            if (p.node() >= point_line::link) {
                p.line = linked(p.bucket, p.node());
            } else {
                if (!leaves)
                    return p;
                p.bucket = p.bucket + 1 == buckets_ ? 0 : p.bucket + 1;
                p.line = line_of(p.bucket);
            }
            p.slot = 0;
        }
        return p;
    }
    /// The first place of a bucket: a point, or a sentinel if it has none.
    position begin_of(std::uint64_t bucket) const noexcept
    {
        return skip_sentinels({line_of(bucket), 0, bucket}, false);
    }
    position next_in_bucket(position p) const noexcept
    {
        ++p.slot;
        return skip_sentinels(p, false);
    }

    /// find, where a line links to another one or the stored keys cannot tell.
    template <class Source>
    position find_slowly(std::uint64_t hash, Source const& source) const noexcept
    {
        auto const product = multiply(hash, buckets_);
        auto const key = stored_key(product);
        auto p = begin_of(product.high);
        while (p.key() != point_line::sentinel && (p.key() ^ point_line::flip) < key)
            p = next_in_bucket(p);
        // Points with this key are in the order of their full hashes. Those of one node are alike
        // here, so its k-th one in the row is the k-th smallest of its hashes with this key.
        for (auto const tied = p; same_place(hash, p); p = next_in_bucket(p)) {
            std::uint64_t earlier = 0, below = 0;
            for (auto e = tied; e != p; e = next_in_bucket(e))
                earlier += e.node() == p.node();
            for (std::uint32_t r = 0, v = source.points_of(p.node()); r != v; ++r) {
                auto const other = source.point(p.node(), r);
                below += other < hash && same_place(other, p);
            }
            if (earlier >= below)
                break; // this point is not below the hash
        }
        return skip_sentinels(p);
    }

    /// Puts points that agree in all that is stored into the order of their full hashes.
    template <class Source>
    void order_ties(std::size_t g, std::vector<entry>& group, Source const& source) const
    {
        for (std::size_t i = 0, j; i != group.size(); i = j) {
            for (j = i + 1; j != group.size() && group[j].at == group[i].at; ++j) {
            }
            if (group[i].node == group[j - 1].node)
                continue; // alone, or all of one node: sorted by node, the ends tell
            std::vector<ring_point> points;
            for (std::size_t k = i; k != j; ++k) {
                if (k != i && group[k].node == group[k - 1].node)
                    continue;
                for (std::uint32_t r = 0, v = source.points_of(group[k].node); r != v; ++r) {
                    ring_point const p{source.point(group[k].node, r), group[k].node};
                    if (group_of(p.hash) == g && entry_of(p) == group[k])
                        points.push_back(p);
                }
            }
            assert(points.size() == j - i);
            sort(points, circle_order<Source>{source});
            for (std::size_t k = i; k != j; ++k)
                group[k].node = points[k - i].node;
        }
    }

    /// False if the arena has no room; the mapping is as before then, and after an exception.
    template <class Source>
    bool try_change(bool adds, node_index node, std::vector<std::uint64_t> const& hashes,
                    Source const& source)
    {
        rollback undo{starts_, {}};
        undo.old.reserve(hashes.size() * 2);
        for (std::size_t i = 0; i != hashes.size();) {
            auto const g = group_of(hashes[i]);
            auto& group = read_group(g);
            for (; i != hashes.size() && group_of(hashes[i]) == g; ++i) {
                auto const e = entry_of({hashes[i], node});
                if (adds) {
                    group.insert(std::find_if(group.begin(), group.end(),
                                              [&](entry const& x) { return x.at > e.at; }),
                                 e);
                } else {
                    auto const found = std::find(group.begin(), group.end(), e);
                    assert(found != group.end());
                    group.erase(found);
                }
            }
            if (std::adjacent_find(group.begin(), group.end(), [](auto const& x, auto const& y) {
                    return x.at == y.at;
                }) != group.end()) [[unlikely]] {
                sort(group, [](entry const& x, entry const& y) {
                    return x.at != y.at ? x.at < y.at : x.node < y.node;
                });
                order_ties(g, group, source);
            }
            if (!replace_group(g, group, undo))
                return false;
        }
        undo.old.clear();
        return true;
    }

    /// Writes a group, and those before it whose sentinels it changes.
    bool replace_group(std::size_t g, std::vector<entry> const& group, rollback& undo)
    {
        auto const* members = &group;
        for (;;) {
            auto const before = first_of(g);
            undo.old.push_back({g, starts_[g]});
            if (!put_group(g, *members, first_of(g + 1 == starts_.size() ? 0 : g + 1)))
                return false;
            if (first_of(g) == before)
                return true;
            g = g == 0 ? starts_.size() - 1 : g - 1;
            members = &read_group(g);
        }
    }

    std::vector<entry>& scratch(std::size_t size)
    {
        scratch_.clear();
        scratch_.reserve(size);
        return scratch_;
    }

    std::vector<entry>& read_group(std::size_t g)
    {
        auto& group = scratch(group_size * point_line::slots);
        for (std::uint64_t b = g << group_bits; b != (g + 1) << group_bits; ++b)
            for (auto p = begin_of(b); p.key() != point_line::sentinel; p = next_in_bucket(p))
                group.push_back(
                    {(b & (group_size - 1)) << 32 | (p.key() ^ point_line::flip), p.node()});
        return group;
    }

    /// Appends the lines of a group and lets its start point to them. False if there is no room.
    bool put_group(std::size_t g, std::vector<entry> const& group, successors following)
    {
        std::size_t ends[group_size + 1] = {};
        for (auto const& e : group)
            ++ends[(e.at >> 32) + 1];
        std::size_t size = 0;
        for (std::size_t b = 0; b != group_size; ++b) {
            size += lines_for(ends[b + 1]);
            ends[b + 1] += ends[b];
        }
        point_line* const out = lines_.claim(size);
        if (!out)
            return false;
        std::size_t overflow = size;
        for (std::size_t b = group_size; b-- != 0;) {
            // A bucket's further lines, the last first, then its own.
            auto const count = ends[b + 1] - ends[b];
            auto const* const points = group.data() + ends[b];
            auto behind = following;
            for (auto l = lines_for(count); l-- != 0;) {
                auto const at = l == 0 ? b : --overflow;
                auto const* const first = points + l * point_line::points_max;
                auto const n = std::min(count - l * point_line::points_max, point_line::points_max);
                for (std::size_t i = 0; i != n; ++i) {
                    out[at].keys[i] = static_cast<std::uint32_t>(first[i].at) ^ point_line::flip;
                    out[at].nodes[i] = first[i].node;
                }
                for (std::size_t i = n; i != point_line::slots; ++i) {
                    out[at].keys[i] = point_line::sentinel;
                    out[at].nodes[i] = behind[std::min(i - n, behind.size() - 1)];
                }
                behind[0] = point_line::link | static_cast<node_index>(at);
            }
            if (count != 0) {
                successors before = following;
                for (std::size_t i = 0; i != before.size(); ++i)
                    before[i] = i < count ? points[i].node : following[i - count];
                following = before;
            }
        }
        starts_[g] = static_cast<std::uint32_t>(out - lines_.base());
        return true;
    }

    /// The nodes of the first points at or after the start of a group.
    successors first_of(std::size_t g) const noexcept
    {
        auto const& nodes = lines_.base()[starts_[g]].nodes;
        return {nodes[0], nodes[1], nodes[2]};
    }

    std::size_t lines_of(std::size_t g) const noexcept
    {
        std::size_t lines = group_size;
        for (std::size_t i = 0; i != lines; ++i)
            if (lines_.base()[starts_[g] + i].nodes[point_line::points_max] >= point_line::link)
                ++lines;
        return lines;
    }

    /// Copies the live groups into a new arena with room for n more lines.
    void compact(std::size_t n)
    {
        std::size_t lines = n;
        for (std::size_t g = 0; g != starts_.size(); ++g)
            lines += lines_of(g);
        line_arena fresh(lines + slack(lines));
        for (std::size_t g = 0; g != starts_.size(); ++g) {
            auto const size = lines_of(g);
            auto* const out = fresh.claim(size);
            std::memcpy(static_cast<void*>(out), lines_.base() + starts_[g],
                        size * sizeof(point_line));
            starts_[g] = static_cast<std::uint32_t>(out - fresh.base()); // not asked for again
        }
        lines_ = std::move(fresh);
    }

    bool compact_ = false;
    std::uint64_t buckets_ = 0;
    std::uint64_t points_count_ = 0;
    page_array<std::uint32_t> starts_;
    line_arena lines_;
    std::vector<entry> scratch_;
};

} // namespace perdure::detail

#endif
