// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_KETAMA_HPP
#define PERDURE_RING_KETAMA_HPP

// The rings that clients of memcached share: libketama, libmemcached, spymemcached, bit for bit.
//
// They hash by MD5, which OpenSSL computes: link perdure::ring_ketama. Everything else in
// perdure/ring needs no library.
//
// All take the same four 32-bit points from one MD5, the key's hash from the first of them, and the
// first point at or after it; they differ in what they hash for a host, in how they round weights,
// and in what happens where points coincide. Sources: RJ/ketama, libketama/ketama.c;
// awesomized/libmemcached, hosts.cc and hash.cc; couchbase/spymemcached, KetamaNodeLocator.java,
// KetamaNodeKeyFormatter.java and KetamaIterator.java.

#include <perdure/bytes/hash.hpp>
#include <perdure/ring/compatible_ring.hpp>

#include <openssl/md5.h>

#include <array>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

static_assert(FLT_EVAL_METHOD == 0,
              "ketama's weights need floats without excess precision: use -msse2 -mfpmath=sse");

namespace perdure {

namespace detail {

/// The four 32-bit numbers of an MD5, little-endian on every machine.
inline std::array<std::uint32_t, 4> ketama_quads(std::string_view text) noexcept
{
    unsigned char digest[16];
    // Not through EVP, which allocates for every digest.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif
    ::MD5(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest);
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
    std::array<std::uint32_t, 4> quads;
    for (std::size_t q = 0; q != 4; ++q)
        quads[q] = std::uint32_t{digest[4 * q + 3]} << 24 | std::uint32_t{digest[4 * q + 2]} << 16 |
                   std::uint32_t{digest[4 * q + 1]} << 8 | digest[4 * q];
    return quads;
}

/// Rounded to float after the product, as a float product is, and safe from contraction.
inline float float_product(float a, float b) noexcept
{
    return static_cast<float>(static_cast<double>(a) * static_cast<double>(b));
}

inline std::uint64_t total_weight(std::span<compatible_host const> hosts) noexcept
{
    std::uint64_t total = 0;
    for (auto const& h : hosts)
        total += h.weight;
    return total;
}

struct host_and_port {
    std::string_view host, port;
};
inline host_and_port split_port(char const* type, std::string_view name)
{
    auto const colon = name.rfind(':');
    bool good = colon != name.npos && colon != 0 && colon + 1 != name.size();
    for (auto i = colon + 1; good && i != name.size(); ++i)
        good = name[i] >= '0' && name[i] <= '9';
    if (!good)
        throw_bad_option(type, "host", printable(name), "it must be host:port");
    return {name.substr(0, colon), name.substr(colon + 1)};
}

/// Appends the points of "<key>-0" to "<key>-<digests - 1>".
template <class Append>
void append_quads(std::string const& key, std::uint32_t digests, Append append)
{
    for (std::uint32_t i = 0; i != digests; ++i)
        for (auto const quad : ketama_quads(key + "-" + std::to_string(i)))
            append(std::uint64_t{quad} << 32);
}

} // namespace detail

/// The hash of a key in all of these rings: the first 32 bits of its MD5, as the upper half of ours.
struct ketama_hasher {
    /// Any kind of text will do, without making a std::string of it.
    using is_transparent = void;
    template <detail::text_like Text>
    std::uint64_t operator()(Text const& key) const noexcept
    {
        return std::uint64_t{detail::ketama_quads(key)[0]} << 32;
    }
};

/// libketama has no settings.
struct libketama_options {};

/// libmemcached's settings that change its ring.
struct libmemcached_options {
    /// MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY: a host is hashed as "/host:port-i", the port
    /// always written. Else as "host-i", or "host:port-i" if the port is not 11211.
    bool spy = false;
    /// MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED: 160 points a host on average, four from each MD5. Else
    /// 100, one from each; the key's hash is MD5 then too, where libmemcached's default is not.
    bool weighted = true;
};

/// spymemcached's settings that change its ring.
struct spymemcached_options {
    /// KetamaNodeKeyFormatter.Format.LIBMEMCACHED: a host is hashed as "host-i", or "host:port-i" if
    /// the port is not 11211. Else (SPYMEMCACHED, the default) as InetSocketAddress prints it,
    /// without the leading slash: "10.0.1.1:11211-i", "localhost/127.0.0.1:11211-i".
    bool libmemcached_format = false;
    /// Whether weights were given to it. Without them every host has 160 points.
    bool weighted = false;
    /// Points of a host on average, a multiple of four (KetamaNodeLocatorConfiguration).
    std::uint32_t repetitions = 160;
};

namespace detail {

struct ketama_rules {
    using hasher_type = ketama_hasher;
    static constexpr std::uint64_t total_max = 0x7fffffffffffffff;
};

struct libketama_rules : ketama_rules {
    static constexpr char const* name = "libketama_ring";
    static constexpr std::uint64_t weight_max = total_max;
    // It sorts by qsort; glibc's kept the order of equal points until 2.36.
    static constexpr bool later_owns = false;
    using options_type = libketama_options;

    template <class Append, class EndHost>
    static void append_points(std::span<compatible_host const> hosts, options_type const&,
                              Append append, EndHost end_host)
    {
        auto const total = static_cast<float>(total_weight(hosts));
        for (auto const& h : hosts) {
            float const share = static_cast<float>(h.weight) / total;
            // In doubles, then rounded to float by floorf's parameter. The cast floors, here and below.
            double const exact = static_cast<double>(share) * 40.0 *
                                 static_cast<double>(static_cast<float>(hosts.size()));
            append_quads(h.name, static_cast<std::uint32_t>(static_cast<float>(exact)),
                         append);
            end_host();
        }
    }
};

struct libmemcached_rules : ketama_rules {
    static constexpr char const* name = "libmemcached_ring";
    static constexpr std::uint64_t weight_max = 0xffffffff;
    static constexpr bool later_owns = false;
    using options_type = libmemcached_options;

    template <class Append, class EndHost>
    static void append_points(std::span<compatible_host const> hosts, options_type const& options,
                              Append append, EndHost end_host)
    {
        auto const total = static_cast<float>(total_weight(hosts));
        for (auto const& h : hosts) {
            auto const [host, port] = split_port(name, h.name);
            auto const key = options.spy        ? "/" + h.name
                             : port == "11211" ? std::string(host)
                                               : h.name;
            if (options.weighted) {
                float const share = static_cast<float>(h.weight) / total;
                float const digests = float_product(float_product(share, 160.0F) / 4.0F,
                                                    static_cast<float>(hosts.size()));
                append_quads(key, static_cast<std::uint32_t>(digests + 0.0000000001F),
                             append);
            } else {
                for (int i = 0; i != 100; ++i)
                    append(std::uint64_t{ketama_quads(key + "-" + std::to_string(i))[0]} << 32);
            }
            end_host();
        }
    }
};

struct spymemcached_rules : ketama_rules {
    static constexpr char const* name = "spymemcached_ring";
    static constexpr std::uint64_t weight_max = 0x7fffffff;
    static constexpr std::uint64_t total_max = 0x7fffffff;
    // Its TreeMap keeps what was put last.
    static constexpr bool later_owns = true;
    using options_type = spymemcached_options;

    template <class Append, class EndHost>
    static void append_points(std::span<compatible_host const> hosts, options_type const& options,
                              Append append, EndHost end_host)
    {
        if (options.repetitions < 4 || options.repetitions > 65536 || options.repetitions % 4 != 0)
            throw_bad_option(name, "repetitions", std::to_string(options.repetitions),
                             "it must be a multiple of 4 from 4 to 65536");
        auto const total = static_cast<float>(total_weight(hosts));
        for (auto const& h : hosts) {
            auto digests = options.repetitions / 4;
            if (options.weighted) {
                float const share = static_cast<float>(h.weight) / total;
                float const exact =
                    float_product(float_product(share, static_cast<float>(options.repetitions)) /
                                      4.0F,
                                  static_cast<float>(hosts.size()));
                // Java adds a double here, and rounds the sum to float.
                auto const sum = static_cast<float>(static_cast<double>(exact) + 0.0000000001);
                digests = static_cast<std::uint32_t>(sum);
            }
            append_quads(key_of(h.name, options), digests, append);
            end_host();
        }
    }

private:
    static std::string key_of(std::string_view address, options_type const& options)
    {
        if (address.starts_with('/'))
            address.remove_prefix(1);
        if (!options.libmemcached_format)
            return std::string(address);
        auto const [host, port] = split_port(name, address);
        auto const named = host.substr(0, host.find('/'));
        return port == "11211" ? std::string(named)
                               : std::string(named) + ":" + std::string(port);
    }
};

} // namespace detail

/// libketama's continuum. Hosts are named as in its file of servers; weights are its "memory".
using libketama_ring = basic_compatible_ring<detail::libketama_rules>;

/// libmemcached's ketama distribution, with all hosts alive. Hosts are named "host:port".
using libmemcached_ring = basic_compatible_ring<detail::libmemcached_rules>;

/// spymemcached's KetamaNodeLocator with KETAMA_HASH. Hosts are named as InetSocketAddress prints.
using spymemcached_ring = basic_compatible_ring<detail::spymemcached_rules>;

/** Where spymemcached goes with a key, attempt by attempt (its getSequence); nodes may come again.
 *
 *  Attempt 0 is the key's own node, the others those of hashes changed by MD5 of "<i><key>".
 *  No allocation for keys of up to 250 bytes, memcached's limit; longer ones are hashed in part.
 */
inline std::array<node_index, 7> spymemcached_sequence(spymemcached_ring const& ring,
                                                       std::string_view key) noexcept
{
    std::array<node_index, 7> nodes;
    auto hash = detail::ketama_quads(key)[0];
    char text[1 + 250];
    auto const size = key.copy(text + 1, 250);
    for (std::size_t i = 0; i != nodes.size(); ++i) {
        nodes[i] = ring.index_for(key_hash{std::uint64_t{hash} << 32});
        text[0] = static_cast<char>('0' + i);
        hash += detail::ketama_quads({text, size + 1})[0];
    }
    return nodes;
}

} // namespace perdure

#endif
