// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_REPLICA_RING_HPP
#define PERDURE_PLACEMENT_REPLICA_RING_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/placement/cluster_node.hpp>
#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/detail/draw.hpp>
#include <perdure/placement/detail/place_tree.hpp>
#include <perdure/placement/placement_map.hpp>
#include <perdure/placement/placement_rules.hpp>
#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/node_index.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace perdure {

/// How many replicas, and how they are spread.
struct replica_ring_options {
    /// As for hash_ring.
    std::uint32_t points_per_weight = 100;
    /// Keep the owners beside every point, so that a lookup takes the same time whatever the limits:
    /// with up to three copies 21 bytes a point and one cache line to read, with more 2 bytes a copy
    /// and point. Without, a lookup finds the point, reads three owners where it says they are if
    /// they only must be distinct or one a zone, and else walks until enough fit.
    bool links = true;
};

/** A hash ring whose keys have `copies` owners within limits of zones, racks and hosts: Dynamo's and
 *  Cassandra's preference lists.
 *
 *  A key's owners are the first nodes, clockwise from its hash on the circle of a hash_ring with the
 *  same nodes, weights and seed, that fit the limits; so the primary is that hash_ring's owner. Where
 *  the limits give way (see placement_rules), those that fit the wanted ones come before. For keys
 *  that do not fall into slots; a placement_map balances better, is looked up faster, and has an
 *  epoch.
 *
 *  Immutable: make another one for other nodes, and publish it (ring/published.hpp). `rules.slots`
 *  and `rules.scatter_width` do not matter. Nodes that drain or are down have no points.
 *
 *  @par Promises    As for placement_map: a node that joins takes one copy of some keys, a node that
 *                   leaves gives its own, and nothing else moves while the kept limits stay.
 *  @par Complexity  owners_for: O(1) with links, else O(points walked); making: O(points * points
 *                   walked). Memory: 20 bytes a point, and with links what replica_ring_options says.
 *  @par Thread safety  Const members are safe together.
 */
class replica_ring {
public:
    /// Throws std::invalid_argument as placement_map and hash_ring do, and if the weights give more
    /// than 2^30 points.
    explicit replica_ring(std::span<cluster_node const> nodes, placement_rules const& rules = {},
                          replica_ring_options options = {})
        : rules_(rules), hasher_{rules.seed}
    {
        check(rules);
        // Names, weights and places are checked by a map of the smallest size.
        auto smallest = rules;
        smallest.slots = 2;
        smallest.scatter_width = 0;
        placement_map const map(smallest, nodes);
        limits_ = map.limits();
        std::vector<weighted_node<std::string>> owners;
        std::vector<owner_index> position; // of the ring's nodes
        std::vector<detail::place> places;
        for (auto i : map.indexes()) {
            if (may_own(map.node(i).state)) {
                owners.push_back({map.node(i).name, map.node(i).weight});
                position.push_back(static_cast<owner_index>(nodes_.size()));
                places.push_back({map.zone_of(i), map.rack_of(i), map.host_of(i)});
            }
            nodes_.push_back(map.node(i));
            places_.push_back({map.zone_of(i), map.rack_of(i), map.host_of(i)});
        }
        plan_stages(places);
        basic_hash_ring<std::string> ring({options.points_per_weight}, hasher_);
        ring.add_all(owners);
        build(ring.points(), position);
        if (options.links)
            link();
    }

    /// The owners of a key, the primary first, written to `out`, which should have room for
    /// rules().copies; as many as fit if it has less. Returns the part that is filled.
    template <class Key>
    std::span<owner_index> owners_for(Key const& key, std::span<owner_index> out) const noexcept
    {
        std::uint64_t hash;
        if constexpr (std::same_as<Key, key_hash>)
            hash = key.value;
        else
            hash = hasher_(key);
        if (points_.empty()) [[unlikely]]
            return out.first(0);
        if (!lines_.empty() && out.size() >= 3) {
            auto const product = detail::high_product(hash, lines_.size());
            auto const& line = lines_[static_cast<std::size_t>(product)];
            auto const key = line_of_links::key_of(hash * lines_.size());
            auto const at = line.below(key);
            // More points than fit, or the stored bits of one cannot tell.
            if (at > line_of_links::points_max || line.keys[at] == key) [[unlikely]]
                return owners_at(find(hash), out);
            out[0] = line.owners[at][0];
            out[1] = line.owners[at][1];
            out[2] = line.owners[at][2];
            return out.first(limits_.copies);
        }
        return owners_at(find(hash), out);
    }

    std::size_t size() const noexcept { return nodes_.size(); }
    /// Nodes are numbered in the order of their names.
    cluster_node const& node(node_index i) const noexcept { return nodes_[i]; }
    /// The index of a node, or no_node. O(log size()).
    node_index index_of(std::string_view name) const noexcept
    {
        auto const i = std::lower_bound(
            nodes_.begin(), nodes_.end(), name,
            [](cluster_node const& n, std::string_view wanted) { return n.name < wanted; });
        return i != nodes_.end() && i->name == name ? static_cast<node_index>(i - nodes_.begin())
                                                    : no_node;
    }
    /// A node's zone as a number: equal ones are one zone.
    std::uint32_t zone_of(node_index i) const noexcept { return places_[i].zone; }
    /// A node's rack as a number: equal ones are one rack.
    std::uint32_t rack_of(node_index i) const noexcept { return places_[i].rack; }
    /// A node's host as a number: equal ones are one host.
    std::uint32_t host_of(node_index i) const noexcept { return places_[i].host; }
    /// As they were given.
    placement_rules const& rules() const noexcept { return rules_; }
    /// What of the rules is kept with the nodes that may own.
    placement_limits const& limits() const noexcept { return limits_; }
    /// Whether owners stand beside the points: replica_ring_options::links.
    bool linked() const noexcept { return !links_.empty() || !lines_.empty(); }

    /// How many points the circle has.
    std::size_t points_count() const noexcept { return points_.size(); }
    /// The p-th point of the circle, and the owners of the keys that reach it first.
    std::uint64_t point(std::size_t p) const noexcept { return points_[p]; }
    /// The owners at the p-th point, written to `out` as owners_for does. Precondition: p <
    /// points_count().
    std::span<owner_index> owners_at(std::size_t p, std::span<owner_index> out) const noexcept
    {
        auto const wanted = std::min<std::size_t>(out.size(), limits_.copies);
        if (!links_.empty()) {
            auto const* const row = links_.data() + p * limits_.copies;
            std::copy(row, row + wanted, out.data());
            return out.first(wanted);
        }
        return out.first(walk(p, wanted, out.data()));
    }

    /// Bytes held, nodes left out.
    std::size_t memory() const noexcept
    {
        return points_.size() * 8 + entries_.size() * sizeof(entry) + starts_.size() * 4 +
               links_.size() * 2 + lines_.size() * sizeof(line_of_links);
    }

private:
    /// Up to seven points, three on average, with the owners of the keys that reach them first, and
    /// behind those the owners of the point that follows in another line.
    struct alignas(64) line_of_links {
        static constexpr std::size_t points_max = 7;
        /// SSE2 compares signed numbers only, so keys have their top bit flipped.
        static constexpr std::uint16_t flip = 0x8000, none = 0xffff ^ flip;
        static std::uint16_t key_of(std::uint64_t low_product) noexcept
        {
            return static_cast<std::uint16_t>(low_product >> 48 ^ flip);
        }

        /// In order, then `none`; if there are more points than fit, all are the smallest.
        std::uint16_t keys[points_max + 1];
        owner_index owners[points_max + 1][3];

        /// How many keys are below a key: 8 where there are too many. Without a branch, since it
        /// cannot be predicted.
        std::size_t below(std::uint16_t key) const noexcept
        {
#if defined(__SSE2__)
            auto const less =
                _mm_cmplt_epi16(_mm_load_si128(reinterpret_cast<__m128i const*>(keys)),
                                _mm_set1_epi16(static_cast<short>(key)));
            auto const mask = static_cast<unsigned>(_mm_movemask_epi8(less));
            return static_cast<std::size_t>(std::countr_one(mask)) / 2;
#else
            std::size_t count = 0;
            for (auto k : keys)
                count += (k ^ flip) < (key ^ flip);
            return count;
#endif
        }
    };
    static_assert(sizeof(line_of_links) == 64);

    /// What a walk reads of a point. Six bits of zone are for walks with one owner a zone.
    struct entry {
        std::uint32_t key; // the 32 bits behind those that make the bucket
        owner_index owner;
        std::uint16_t zone : 6;
        /// How many points further the second and the third owner are, so that they are read and
        /// not searched: where a search ends cannot be predicted. `far` where it is too far to say.
        std::uint16_t second : 5, third : 5;
        static constexpr std::size_t far = 31;
    };
    static_assert(sizeof(entry) == 8);

    struct stage {
        placement_limits limits;
        std::size_t copies; // how many there are when the stage is through
    };

    /// The limits to try one after the other, and how many copies fit in each.
    void plan_stages(std::vector<detail::place> const& places)
    {
        auto limits = detail::wanted_limits(rules_);
        limits.copies = limits_.copies;
        do
            stages_.push_back({limits, detail::room(places, limits)});
        while (detail::widen(limits, limits_));
        // Nodes of one zone exclude each other, and that is all there is to it.
        auto const& l = stages_.front().limits;
        std::uint32_t zones = 0;
        for (auto const& p : places_)
            zones = std::max(zones, p.zone + 1);
        one_a_zone_ = stages_.size() == 1 && l.per_zone == 1 && zones <= 64;
        std::vector<std::uint32_t> hosts;
        for (auto const& p : places)
            hosts.push_back(p.host);
        std::sort(hosts.begin(), hosts.end());
        bool const own_hosts = std::adjacent_find(hosts.begin(), hosts.end()) == hosts.end();
        distinct_ = stages_.size() == 1 && l.per_zone >= limits_.copies &&
                    l.per_rack >= limits_.copies && (own_hosts || l.per_host >= limits_.copies);
    }

    void build(std::vector<ring_point> const& circle, std::vector<owner_index> const& position)
    {
        buckets_ = std::max<std::size_t>(circle.size(), 1);
        starts_.assign(buckets_ + 1, 0);
        points_.reserve(circle.size());
        for (auto const& p : circle) {
            points_.push_back(p.hash);
            auto const o = position[p.node];
            entries_.push_back({key_of(p.hash), o, static_cast<std::uint16_t>(places_[o].zone & 63),
                                entry::far, entry::far});
            ++starts_[bucket_of(p.hash) + 1];
        }
        for (std::size_t b = 0; b != buckets_; ++b)
            starts_[b + 1] += starts_[b];
        if (one_a_zone_ || distinct_)
            for (std::size_t p = 0; p != points_.size(); ++p)
                see_ahead(p);
        // find looks at four, and who reads ahead does not go around the end.
        for (std::size_t i = 0; i != entry::far; ++i)
            entries_.push_back(points_.empty() ? entry{} : entries_[i]);
    }

    /// Notes where the second and the third owner of the keys that reach a point first are.
    void see_ahead(std::size_t p) noexcept
    {
        auto& from = entries_[p];
        std::size_t second = 0, distance = 0;
        for (auto at = p; ++distance != entry::far;) {
            at = next(at);
            auto const& e = entries_[at];
            auto const excludes = [&](entry const& other) {
                return one_a_zone_ ? e.zone == other.zone : e.owner == other.owner;
            };
            if (excludes(from))
                continue;
            if (second == 0) {
                second = distance;
                from.second = second & entry::far;
            } else if (!excludes(entries_[(p + second) % points_.size()])) {
                from.third = distance & entry::far;
                return;
            }
        }
    }

    void link()
    {
        std::vector<owner_index> links(points_.size() * limits_.copies);
        for (std::size_t p = 0; p != points_.size(); ++p)
            walk(p, limits_.copies, links.data() + p * limits_.copies);
        if (limits_.copies > 3 || points_.empty()) {
            links_ = std::move(links);
            return;
        }
        lines_.resize((points_.size() + 2) / 3);
        std::size_t p = 0;
        for (std::size_t l = 0; l != lines_.size(); ++l) {
            auto& line = lines_[l];
            std::fill(std::begin(line.keys), std::end(line.keys), line_of_links::none);
            std::size_t i = 0;
            for (;; ++p, ++i) {
                // The owners of the line's points, and behind them of the first that follows.
                if (i <= line_of_links::points_max)
                    std::copy_n(links.data() + (p == points_.size() ? 0 : p) * limits_.copies,
                                limits_.copies, line.owners[i]);
                if (p == points_.size() || detail::high_product(points_[p], lines_.size()) != l)
                    break;
                if (i < line_of_links::points_max)
                    line.keys[i] = line_of_links::key_of(points_[p] * lines_.size());
            }
            if (i > line_of_links::points_max)
                std::fill(std::begin(line.keys), std::end(line.keys), line_of_links::flip);
        }
    }

    std::size_t bucket_of(std::uint64_t hash) const noexcept
    {
        return static_cast<std::size_t>(detail::high_product(hash, buckets_));
    }
    std::uint32_t key_of(std::uint64_t hash) const noexcept
    {
        return static_cast<std::uint32_t>(hash * buckets_ >> 32);
    }

    /// The first point at or after a hash, as its position on the circle. One point a bucket on
    /// average, so four comparisons without a branch nearly always do.
    std::size_t find(std::uint64_t hash) const noexcept
    {
        auto const bucket = bucket_of(hash);
        auto const key = key_of(hash);
        std::size_t const begin = starts_[bucket], end = starts_[bucket + 1];
        auto const* const e = entries_.data() + begin;
        std::size_t const size = end - begin;
        std::size_t at = begin + (static_cast<std::size_t>(size > 0) & (e[0].key < key)) +
                         (static_cast<std::size_t>(size > 1) & (e[1].key < key)) +
                         (static_cast<std::size_t>(size > 2) & (e[2].key < key)) +
                         (static_cast<std::size_t>(size > 3) & (e[3].key < key));
        if (size > 4) [[unlikely]]
            while (at != end && entries_[at].key < key)
                ++at;
        // Where 32 bits cannot tell, all 64 do.
        if (at != end && entries_[at].key == key) [[unlikely]]
            while (at != end && points_[at] < hash)
                ++at;
        return at == points_.size() ? 0 : at;
    }

    std::size_t next(std::size_t p) const noexcept { return p + 1 == points_.size() ? 0 : p + 1; }

    std::size_t walk(std::size_t p, std::size_t wanted, owner_index* out) const noexcept
    {
        if (one_a_zone_ || distinct_) {
            auto const& first = entries_[p];
            if (wanted == 3 && first.third != entry::far) [[likely]] {
                out[0] = first.owner;
                out[1] = entries_[p + first.second].owner;
                out[2] = entries_[p + first.third].owner;
                return 3;
            }
            std::size_t count = 0;
            if (one_a_zone_) {
                std::uint64_t seen = 0;
                for (; count != wanted; p = next(p)) {
                    auto const& e = entries_[p];
                    auto const bit = std::uint64_t{1} << (e.zone & 63);
                    out[count] = e.owner;
                    count += (seen & bit) == 0;
                    seen |= bit;
                }
                return count;
            }
            for (; count != wanted; p = next(p)) {
                auto const o = entries_[p].owner;
                bool fresh = true;
                for (std::size_t i = 0; i != count; ++i)
                    fresh &= out[i] != o;
                out[count] = o;
                count += fresh;
            }
            return count;
        }
        return walk_in_stages(p, wanted, out);
    }

    std::size_t walk_in_stages(std::size_t start, std::size_t wanted,
                               owner_index* out) const noexcept
    {
        struct choice {
            std::size_t distance;
            owner_index owner;
        };
        choice chosen[placement_rules::copies_max];
        std::size_t count = 0;
        for (auto const& s : stages_) {
            std::size_t distance = 0;
            for (auto p = start; count < s.copies; p = next(p), ++distance) {
                auto const o = entries_[p].owner;
                auto const& where = places_[o];
                std::uint32_t zone = 0, rack = 0, host = 0;
                bool here = false;
                for (std::size_t i = 0; i != count; ++i) {
                    auto const& other = places_[chosen[i].owner];
                    here |= chosen[i].owner == o;
                    zone += other.zone == where.zone;
                    rack += other.rack == where.rack;
                    host += other.host == where.host;
                }
                if (!here && zone < s.limits.per_zone && rack < s.limits.per_rack &&
                    host < s.limits.per_host)
                    chosen[count++] = {distance, o};
            }
        }
        std::sort(chosen, chosen + count,
                  [](choice const& a, choice const& b) { return a.distance < b.distance; });
        count = std::min(count, wanted);
        for (std::size_t i = 0; i != count; ++i)
            out[i] = chosen[i].owner;
        return count;
    }

    placement_rules rules_;
    key_hasher hasher_;
    placement_limits limits_;
    std::vector<stage> stages_;
    bool one_a_zone_ = false, distinct_ = false;
    std::vector<cluster_node> nodes_;
    std::vector<detail::place> places_;
    std::uint64_t buckets_ = 1;
    std::vector<std::uint32_t> starts_; // of each bucket, and the end of the last
    std::vector<entry> entries_;
    std::vector<std::uint64_t> points_;
    std::vector<owner_index> links_;   // of each point; or
    std::vector<line_of_links> lines_; // the same, ready for lookups
};

} // namespace perdure

#endif
