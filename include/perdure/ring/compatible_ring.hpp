// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_COMPATIBLE_RING_HPP
#define PERDURE_RING_COMPATIBLE_RING_HPP

#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/point_table.hpp>
#include <perdure/ring/detail/walk_cursor.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure {

/// A host as another implementation's configuration names it; weights are whole numbers there.
struct compatible_host {
    std::string name;
    /// Its share is about in proportion; what is allowed depends on the implementation.
    std::uint64_t weight = 1;
    friend bool operator==(compatible_host const&, compatible_host const&) = default;
};

namespace detail {

/// Refuses weights that the other implementation cannot hold, and hosts that are there twice.
inline void check_hosts(char const* type, std::span<compatible_host const> hosts,
                        std::uint64_t weight_max, std::uint64_t total_max)
{
    std::uint64_t total = 0;
    for (auto const& h : hosts) {
        if (h.weight < 1 || h.weight > weight_max)
            throw_bad_option(type, "weight", std::to_string(h.weight),
                             "it must be from 1 to " + std::to_string(weight_max));
        if (h.weight > total_max - total)
            throw_bad_option(type, "the sum of all weights", "larger",
                             "it must be at most " + std::to_string(total_max));
        total += h.weight;
    }
    std::vector<std::string_view> names;
    for (auto const& h : hosts)
        names.push_back(h.name);
    sort(names, [](auto x, auto y) { return x < y; });
    for (std::size_t i = 1; i < names.size(); ++i)
        if (names[i] == names[i - 1])
            throw_bad_option(type, "host", printable(names[i]), "it is there twice");
}

/// A list of hosts that a derived class turns into a table as a whole: it has
/// `void assign(std::vector<compatible_host>)` with the strong exception guarantee.
template <class Derived>
class host_list {
public:
    using node_type = std::string;

    /// Adds a host behind the others and builds everything again. Throws as the constructor does.
    node_index add(std::string name, std::uint64_t weight = 1)
    {
        auto hosts = hosts_;
        hosts.push_back({std::move(name), weight});
        static_cast<Derived&>(*this).assign(std::move(hosts));
        return static_cast<node_index>(hosts_.size() - 1);
    }
    /// Takes a host out and builds everything again. False if it was not here.
    bool remove(std::string_view name)
    {
        auto const n = index_of(name);
        if (n == no_node)
            return false;
        auto hosts = hosts_;
        hosts.erase(hosts.begin() + n);
        static_cast<Derived&>(*this).assign(std::move(hosts));
        return true;
    }
    /// False if it is not here. Throws as the constructor does.
    bool set_weight(std::string_view name, std::uint64_t weight)
    {
        auto const n = index_of(name);
        if (n == no_node)
            return false;
        auto hosts = hosts_;
        hosts[n].weight = weight;
        static_cast<Derived&>(*this).assign(std::move(hosts));
        return true;
    }

    std::size_t size() const noexcept { return hosts_.size(); }
    std::size_t bound() const noexcept { return hosts_.size(); }
    bool present(node_index n) const noexcept { return n < hosts_.size(); }
    std::vector<compatible_host> const& hosts() const noexcept { return hosts_; }
    std::string const& node(node_index n) const noexcept { return hosts_[n].name; }
    std::uint64_t weight(node_index n) const noexcept { return hosts_[n].weight; }
    /// The index of a host, or no_node. O(size()).
    node_index index_of(std::string_view name) const noexcept
    {
        for (std::size_t n = 0; n != hosts_.size(); ++n)
            if (hosts_[n].name == name)
                return static_cast<node_index>(n);
        return no_node;
    }

protected:
    std::vector<compatible_host> hosts_;
};

} // namespace detail

/** A hash ring as another implementation builds it, bit for bit, looked up in perdure's way.
 *
 *  Rules says how the other one does it: the points of a list of hosts, the hash of a key, which of
 *  two coinciding points owns. See ketama.hpp and envoy.hpp. The lookups are those of
 *  consistent_hash, at the speed of hash_ring.
 *
 *  @par Order     A host's node_index is its place in the list. The list's order is part of the
 *                 mapping where the original lets it be: where points coincide, and in Envoy.
 *  @par Promises  None but those of the original. Where it derives points from the total weight
 *                 (all of these), a host that joins, leaves or changes its weight moves keys
 *                 between the others too: of libketama's own eight servers the smallest, with 2.3 %
 *                 of the keys, takes 11.4 % of them along when it leaves.
 *  @par No points A host whose share is too small gets no points, as in the original. It is never a
 *                 key's first node, and comes last in every order of preference.
 *  @par Complexity  Lookup O(1) and no allocation; every change builds the ring again.
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 */
template <class Rules>
class basic_compatible_ring : public detail::lookup<basic_compatible_ring<Rules>>,
                              public detail::host_list<basic_compatible_ring<Rules>> {
    using list = detail::host_list<basic_compatible_ring<Rules>>;

public:
    /// What hashes keys there.
    using hasher_type = typename Rules::hasher_type;
    using options_type = typename Rules::options_type;

    /// Throws std::invalid_argument if an option, a weight or a name is none that the original
    /// takes, or if a host is there twice.
    explicit basic_compatible_ring(std::vector<compatible_host> hosts, options_type options = {})
        : options_(options)
    {
        assign(std::move(hosts));
    }
    basic_compatible_ring(std::initializer_list<compatible_host> hosts, options_type options = {})
        : basic_compatible_ring(std::vector<compatible_host>(hosts), options)
    {
    }
    explicit basic_compatible_ring(options_type options = {})
        : basic_compatible_ring(std::vector<compatible_host>(), options)
    {
    }

    /// Replaces all hosts. Leaves everything as it was if it throws; throws as the constructor does.
    void assign(std::vector<compatible_host> hosts)
    {
        detail::check_hosts(Rules::name, hosts, Rules::weight_max, Rules::total_max);
        point_list points;
        points.begins.push_back(0);
        Rules::append_points(hosts, options_, [&](std::uint64_t hash) { points.all.push_back(hash); },
                             [&] { points.begins.push_back(points.all.size()); });
        if (points.all.size() > detail::point_table::points_max)
            detail::throw_bad_option(Rules::name, "the number of points",
                                     std::to_string(points.all.size()), "it must be at most 2^30");
        detail::point_table table;
        table.build(hosts.size(), points);
        std::size_t with_points = 0;
        for (std::size_t n = 0; n != hosts.size(); ++n)
            with_points += points.begins[n] != points.begins[n + 1];
        table_ = std::move(table);
        points_ = std::move(points);
        with_points_ = with_points;
        this->hosts_ = std::move(hosts);
    }

    /// What hashes the keys.
    hasher_type hasher() const noexcept { return {}; }
    /// As given to the constructor.
    options_type const& options() const noexcept { return options_; }
    /// How many points the circle has.
    std::uint64_t points_count() const noexcept { return points_.all.size(); }
    /// How many of them a host has; 0 where its weight is too small for one.
    std::uint32_t points_of(node_index n) const noexcept { return points_.points_of(n); }
    /// All points in the order of the circle. 32-bit points stand in the upper half. O(points).
    std::vector<ring_point> points() const
    {
        return table_.sorted(this->hosts_.size(), points_).points;
    }
    /// The points of one host, in the order in which the original makes them.
    std::span<std::uint64_t const> points(node_index n) const noexcept
    {
        return std::span(points_.all).subspan(points_.begins[n], points_of(n));
    }

    /// The node of the `attempt`-th point after the key's own, around the end: the same node may
    /// come again. It is what Envoy does when a request is tried again. O(attempt).
    template <class Key>
    node_index index_for_attempt(Key const& key, std::uint64_t attempt) const noexcept
    {
        if (this->empty())
            return no_node;
        detail::point_walk walk(table_, points_, this->hash_of(key));
        for (attempt %= points_.all.size(); attempt != 0; --attempt)
            ++walk;
        return *walk;
    }

    /// Bytes held, the names' own heap memory left out.
    std::size_t memory() const noexcept
    {
        return sizeof(*this) + table_.memory() + points_.all.capacity() * sizeof(points_.all[0]) +
               points_.begins.capacity() * sizeof(points_.begins[0]) +
               this->hosts_.capacity() * sizeof(this->hosts_[0]);
    }

    // What the lookups are made of.

    /// The index of the node of a hash. Precondition: there are nodes.
    node_index locate(std::uint64_t hash) const noexcept { return table_.locate(hash, points_); }
    /// locate of many hashes. Precondition: out.size() >= in.size().
    void locate_batch(std::span<key_hash const> in, std::span<node_index> out) const noexcept
    {
        table_.locate_batch(in, out, points_);
    }

    /// Walks the hosts in the order of a hash: clockwise, then those without points.
    class cursor_type {
    public:
        /// At the beginning of the order of a hash.
        cursor_type(basic_compatible_ring const& ring, std::uint64_t hash) noexcept
            : ring_(&ring), walk_(ring.table_, ring.points_, ring.with_points_, hash)
        {
        }
        /// The next host, or no_node after the last.
        node_index next() noexcept
        {
            if (auto const n = walk_.next(); n != no_node)
                return n;
            while (rest_ != ring_->size() && ring_->points_of(rest_) != 0)
                ++rest_;
            return rest_ == ring_->size() ? no_node : rest_++;
        }

    private:
        basic_compatible_ring const* ring_;
        detail::walk_cursor walk_;
        node_index rest_ = 0;
    };
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept { return {*this, hash}; }

private:
    // The source of the table: every host's points in a row.
    struct point_list {
        std::vector<std::uint64_t> all;
        std::vector<std::size_t> begins;
        std::uint32_t points_of(node_index n) const noexcept
        {
            return static_cast<std::uint32_t>(begins[n + 1] - begins[n]);
        }
        std::uint64_t point(node_index n, std::uint32_t r) const noexcept
        {
            return all[begins[n] + r];
        }
        static bool identity_less(node_index a, node_index b) noexcept
        {
            return Rules::later_owns ? b < a : a < b;
        }
    };

    options_type options_;
    point_list points_;
    detail::point_table table_;
    std::size_t with_points_ = 0;
};

} // namespace perdure

#endif
