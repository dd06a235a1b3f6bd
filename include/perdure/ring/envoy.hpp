// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_ENVOY_HPP
#define PERDURE_RING_ENVOY_HPP

// Where Envoy sends a request: its ring_hash and Maglev balancers, bit for bit.
//
// Source: envoyproxy/envoy, ring_hash_lb.cc, maglev_lb.cc and thread_aware_lb_impl.cc. What is
// covered: one set of healthy hosts with weights, XXH64 (the default), hosts named by address
// ("127.0.0.1:90") or by hostname or hash_key metadata. Not covered: MURMUR_HASH_2, weights of
// localities, several hash policies combined for one request.

#include <perdure/bytes/hash.hpp>
#include <perdure/ring/compatible_ring.hpp>
#include <perdure/ring/detail/maglev_fill.hpp>
#include <perdure/ring/detail/rehash_cursor.hpp>
#include <perdure/ring/detail/rounded_up.hpp>
#include <perdure/ring/lookup.hpp>

#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1,
              "Envoy's weights need doubles without excess precision: use -msse2 -mfpmath=sse");

namespace perdure {

/// The hash of a request's key: XXH64, seed 0, of the header's value or whatever it is.
struct envoy_hasher {
    /// Any kind of text will do, without making a std::string of it.
    using is_transparent = void;
    template <detail::text_like Text>
    std::uint64_t operator()(Text const& key) const noexcept
    {
        std::string_view const text = key;
        return xxh64(text.data(), text.size());
    }
};

/// Envoy's settings of its ring hash load balancer.
struct envoy_ring_options {
    /// How many points there are at least; up to maximum_ring_size.
    std::uint64_t minimum_ring_size = 1024;
    std::uint64_t maximum_ring_size = 8 * 1024 * 1024; ///< how many there are at most; up to 8 Mi
};

namespace detail {

/// Each host's weight divided by the sum of all.
inline std::vector<double> envoy_weights(std::span<compatible_host const> hosts)
{
    std::uint64_t sum = 0;
    for (auto const& h : hosts)
        sum += h.weight;
    std::vector<double> weights;
    for (auto const& h : hosts)
        weights.push_back(static_cast<double>(h.weight) / static_cast<double>(sum));
    return weights;
}

struct envoy_ring_rules {
    static constexpr char const* name = "envoy_ring";
    static constexpr std::uint64_t weight_max = 0xffffffff, total_max = 0xffffffff;
    // Envoy sorts by hash alone, so its order of coinciding points is not defined. Ours is.
    static constexpr bool later_owns = false;
    using hasher_type = envoy_hasher;
    using options_type = envoy_ring_options;

    /// Point i of a host is XXH64("<host>_<i>"). How many it gets follows from sums that run over
    /// the list, so that hosts of equal weight may differ by one, and the order counts.
    template <class Append, class EndHost>
    static void append_points(std::span<compatible_host const> hosts, options_type const& options,
                              Append append, EndHost end_host)
    {
        if (options.minimum_ring_size < 1 || options.minimum_ring_size > options.maximum_ring_size)
            throw_bad_option(name, "minimum_ring_size", std::to_string(options.minimum_ring_size),
                             "it must be from 1 to maximum_ring_size, which is " +
                                 std::to_string(options.maximum_ring_size));
        if (options.maximum_ring_size > 8 * 1024 * 1024)
            throw_bad_option(name, "maximum_ring_size", std::to_string(options.maximum_ring_size),
                             "it must be at most 8388608");
        auto const weights = envoy_weights(hosts);
        double least = 1;
        for (auto const w : weights)
            least = std::min(least, w);
        double const product = least * static_cast<double>(options.minimum_ring_size);
        double const scale = std::min(detail::rounded_up(product) / least,
                                      static_cast<double>(options.maximum_ring_size));
        double made = 0, wanted = 0;
        std::string key;
        for (std::size_t n = 0; n != hosts.size(); ++n) {
            double const share = scale * weights[n];
            wanted = added(wanted, share);
            for (std::uint64_t i = 0; made < wanted; ++i, ++made) {
                key = hosts[n].name;
                key += '_';
                key += std::to_string(i);
                append(xxh64(key.data(), key.size()));
            }
            end_host();
        }
    }

private:
    // A sum that no compiler may contract with the product in it; Envoy's builds do not either.
    static double added(double a, double volatile const& b) noexcept { return a + b; }
};

} // namespace detail

/// Envoy's ring_hash. Hosts in the order of Envoy's configuration, named as it hashes them.
using envoy_ring = basic_compatible_ring<detail::envoy_ring_rules>;

/// Envoy's settings of its Maglev load balancer.
struct envoy_maglev_options {
    /// Entries of the table: a prime, up to 5000011 as in Envoy.
    std::uint32_t table_size = 65537;
};

/** Envoy's Maglev. Lookups are those of consistent_hash; see maglev.hpp for the idea.
 *
 *  Departures from maglev: offset and skip of a host are XXH64 of its name with the seeds 0 and 1,
 *  and a hash is mapped to an entry by a division, which costs a few nanoseconds. A key's further
 *  nodes are those of Envoy's further attempts.
 *
 *  @par Thread safety  Distinct objects: safe. One object: const members are safe together.
 */
class envoy_maglev : public detail::lookup<envoy_maglev>, public detail::host_list<envoy_maglev> {
public:
    /// What hashes keys, and nodes where they have names.
    using hasher_type = envoy_hasher;
    using options_type = envoy_maglev_options;
    /// Gives a key's nodes one by one in its order of preference; cursor() makes it.
    using cursor_type = detail::rehash_cursor<envoy_maglev>;

    /// Throws std::invalid_argument if table_size is no prime up to 5000011, if a weight is not from
    /// 1 to 2^32 - 1, if their sum is above that, if there are more than min(table_size, 65535)
    /// hosts, or if a host is there twice.
    explicit envoy_maglev(std::vector<compatible_host> hosts, options_type options = {})
        : options_(options)
    {
        if (options.table_size > 5000011 || !detail::is_prime(options.table_size))
            detail::throw_bad_option("envoy_maglev", "table_size",
                                     std::to_string(options.table_size),
                                     "it must be a prime of at most 5000011");
        assign(std::move(hosts));
    }
    envoy_maglev(std::initializer_list<compatible_host> hosts, options_type options = {})
        : envoy_maglev(std::vector<compatible_host>(hosts), options)
    {
    }
    explicit envoy_maglev(options_type options = {})
        : envoy_maglev(std::vector<compatible_host>(), options)
    {
    }

    /// Replaces all hosts. Leaves everything as it was if it throws; throws as the constructor does.
    void assign(std::vector<compatible_host> hosts)
    {
        detail::check_hosts("envoy_maglev", hosts, 0xffffffff, 0xffffffff);
        std::size_t const hosts_max = std::min<std::size_t>(options_.table_size, 65535);
        if (hosts.size() > hosts_max)
            detail::throw_bad_option("envoy_maglev", "the number of hosts",
                                     std::to_string(hosts.size()),
                                     "it must be at most " + std::to_string(hosts_max));
        auto const weights = detail::envoy_weights(hosts);
        std::vector<detail::maglev_turn> turns;
        double heaviest = 0;
        std::uint64_t const size = options_.table_size;
        for (std::size_t n = 0; n != hosts.size(); ++n) {
            auto const& name = hosts[n].name;
            turns.push_back({static_cast<std::uint16_t>(n),
                             xxh64(name.data(), name.size()) % size,
                             size == 2 ? 1 : xxh64(name.data(), name.size(), 1) % (size - 1) + 1,
                             weights[n]});
            heaviest = std::max(heaviest, weights[n]);
        }
        // Turns are taken in the order of the names.
        detail::sort(turns, [&](auto const& x, auto const& y) {
            return hosts[x.node].name < hosts[y.node].name;
        });
        table_ = detail::maglev_take_turns(std::move(turns), size, heaviest);
        hosts_ = std::move(hosts);
    }

    /// What hashes the keys.
    hasher_type hasher() const noexcept { return {}; }
    /// As given to the constructor.
    options_type const& options() const noexcept { return options_; }
    /// The table: the index of the node of each entry.
    std::span<std::uint16_t const> entries() const noexcept { return table_; }
    /// Bytes that a lookup reads.
    std::size_t memory() const noexcept { return table_.capacity() * sizeof(table_[0]); }

    /// The index of the node of a hash. Precondition: there are nodes.
    node_index locate(std::uint64_t hash) const noexcept { return table_[hash % table_.size()]; }
    /// The node that Envoy chooses in its attempt number `attempt`, 0 the first; it may come again.
    template <class Key>
    node_index index_for_attempt(Key const& key, std::uint64_t attempt) const noexcept
    {
        return empty() ? no_node : locate_attempt(hash_of(key), attempt);
    }
    /// index_for_attempt of a hash. Precondition: there are hosts.
    node_index locate_attempt(std::uint64_t hash, std::uint64_t attempt) const noexcept
    {
        return locate(attempt == 0 ? hash : hash ^ (0 - attempt));
    }
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept { return {*this, hash}; }

private:
    options_type options_;
    std::vector<std::uint16_t> table_;
};

} // namespace perdure

#endif
