// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_MESSAGES_HPP
#define FAILOVER_MESSAGES_HPP

#include "shard_map.hpp"
#include <perdure/bytes/codec.hpp>
#include <perdure/durable/record.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// What the processes say to one another: one byte of type, then the fields, little-endian; text and
// lists carry their length, which is checked against the bytes that remain.

namespace failover {

using bytes = std::vector<std::byte>;
using address_book = std::map<node_id, boost::asio::ip::tcp::endpoint>;

/// A value and its version. Version 0: there is none.
struct versioned {
    std::uint64_t version = 0;
    std::string content;

    friend bool operator==(versioned const&, versioned const&) = default;
};

/// The number of a write at one process; sequence 0: it has none.
using perdure::client_command;

/// Store this version at this owner, unless it has a newer one.
struct put_request {
    std::string key;
    std::uint64_t version = 0;
    std::string content;
    epoch_number slot_epoch = 0;
    client_command from{}; ///< Sent again under the same number it has no second effect.
};

struct get_request {
    std::string key;
    epoch_number slot_epoch = 0;
};

/// Take over what this map knows more recently, and refuse older epochs from now on.
struct adopt_request {
    shard_map map;
};

/// The keys and versions of some slots, as of an epoch that the answering node must have reached.
struct index_request {
    std::vector<std::pair<std::uint32_t, epoch_number>> slots;
};

/// Bring these slots up to date from these nodes; fails unless `needed` of them gave their whole index.
struct pull_request {
    std::vector<std::pair<std::uint32_t, epoch_number>> slots;
    std::vector<node_id> sources;
    std::uint32_t needed = quorum;
};

/// Write this key at the owners of `at`, as a client of its own: what the asker believed, however old.
struct forward_request {
    std::string key;
    std::uint64_t version = 0;
    std::string content;
    slot at;
    /// The asker's numbers for this write: it has one effect, whether it comes from here, from there or both.
    std::map<node_id, client_command> numbers{};
};

struct stats_request {};

/// Asks the coordinator for the map that it publishes, a storage process for the one that it knows.
struct map_request {};

/// What stands in a log in place of records that it lost: what the other owners have. Never sent.
struct restore_request {
    shard_map map;
    std::vector<put_request> values;
};

using request = std::variant<put_request, get_request, adopt_request, index_request, pull_request,
                             forward_request, stats_request, map_request, restore_request>;

enum class reply_status : std::uint8_t {
    ok,
    stale_epoch, ///< The request's epoch is older than the node's; it had no effect.
    behind,      ///< The node does not know the request's epoch yet.
    new_client,  ///< The node does not know who numbers his writes so; it had no effect.
    failed,      ///< The node could not do it; nothing is promised.
};

struct node_stats {
    std::uint64_t keys = 0, syncs = 0, puts = 0, refused = 0, pulled = 0;
    std::uint64_t recovered_from_snapshot = 0, recovered_from_log = 0, recovery_microseconds = 0;
    std::uint64_t forwards_refused = 0; ///< Of its own writes, by owners that knew a newer epoch.
    std::uint64_t repeated = 0; ///< Puts that came again and had taken effect already.
    std::uint64_t records_lost = 0, values_restored = 0; ///< In its log, and by the other owners.

    /// Every field, for codecs.
    static auto fields(auto& s)
    {
        return std::array{&s.keys,
                          &s.syncs,
                          &s.puts,
                          &s.refused,
                          &s.pulled,
                          &s.recovered_from_snapshot,
                          &s.recovered_from_log,
                          &s.recovery_microseconds,
                          &s.forwards_refused,
                          &s.repeated,
                          &s.records_lost,
                          &s.values_restored};
    }
};

struct reply {
    reply_status status = reply_status::failed;
    versioned value;                                          ///< get
    std::vector<std::pair<std::string, std::uint64_t>> index; ///< index
    std::uint64_t count = 0;                                  ///< pull: keys that were taken over
    std::uint64_t bytes = 0;                                  ///< pull: of their contents
    node_stats stats;                                         ///< stats
    std::optional<shard_map> map;                             ///< map
};

namespace detail {

inline std::string read_text(perdure::byte_reader& in)
{
    return std::string(in.sized_text(in.remaining()));
}

// A list of elements that take at least `element_bytes` each: a hostile length allocates nothing.
template <class T>
std::vector<T> read_list(perdure::byte_reader& in, std::size_t element_bytes, auto read_element)
{
    std::uint32_t const count = in.u32();
    std::vector<T> result;
    if (count > in.remaining() / element_bytes) {
        in.fail();
        return result;
    }
    result.reserve(count);
    for (std::uint32_t i = 0; i != count && in.ok(); ++i)
        result.push_back(read_element(in));
    return result;
}

inline void write(perdure::byte_writer& out, std::vector<node_id> const& nodes)
{
    out.u32(static_cast<std::uint32_t>(nodes.size()));
    for (node_id n : nodes)
        out.u32(n);
}

inline std::vector<node_id> read_nodes(perdure::byte_reader& in)
{
    return read_list<node_id>(in, 4, [](auto& r) { return r.u32(); });
}

inline void write(perdure::byte_writer& out, slot const& s)
{
    out.u64(s.epoch);
    write(out, s.owners);
    write(out, s.incoming);
}

inline slot read_slot(perdure::byte_reader& in)
{
    slot s;
    s.epoch = in.u64();
    s.owners = read_nodes(in);
    s.incoming = read_nodes(in);
    return s;
}

inline void write(perdure::byte_writer& out, shard_map const& map)
{
    out.u64(map.epoch);
    for (slot const& s : map.slots)
        write(out, s);
}

inline shard_map read_map(perdure::byte_reader& in)
{
    shard_map map;
    map.epoch = in.u64();
    for (slot& s : map.slots)
        s = read_slot(in);
    return map;
}

using slot_list = std::vector<std::pair<std::uint32_t, epoch_number>>;

inline void write(perdure::byte_writer& out, slot_list const& slots)
{
    out.u32(static_cast<std::uint32_t>(slots.size()));
    for (auto const& [number, epoch] : slots) {
        out.u32(number);
        out.u64(epoch);
    }
}

inline slot_list read_slots(perdure::byte_reader& in)
{
    auto slots = read_list<slot_list::value_type>(in, 12, [](auto& r) {
        auto const number = r.u32();
        return slot_list::value_type(number, r.u64());
    });
    for (auto const& [number, epoch] : slots)
        if (number >= slot_count)
            in.fail();
    return slots;
}

inline void write(perdure::byte_writer& out, client_command const& c)
{
    out.u64(c.client);
    out.u64(c.sequence);
}

inline client_command read_number(perdure::byte_reader& in)
{
    auto const client = in.u64();
    return {client, in.u64()};
}

inline void write(perdure::byte_writer& out, put_request const& m)
{
    out.sized_text(m.key);
    out.u64(m.version);
    out.sized_text(m.content);
    out.u64(m.slot_epoch);
    write(out, m.from);
}

inline put_request read_put(perdure::byte_reader& in)
{
    put_request m;
    m.key = read_text(in);
    m.version = in.u64();
    m.content = read_text(in);
    m.slot_epoch = in.u64();
    m.from = read_number(in);
    return m;
}

} // namespace detail

inline bytes encode(request const& message)
{
    bytes result;
    perdure::byte_writer out(result);
    out.u8(static_cast<std::uint8_t>(message.index()));
    struct {
        perdure::byte_writer& out;
        void operator()(put_request const& m) { detail::write(out, m); }
        void operator()(get_request const& m)
        {
            out.sized_text(m.key);
            out.u64(m.slot_epoch);
        }
        void operator()(adopt_request const& m) { detail::write(out, m.map); }
        void operator()(index_request const& m) { detail::write(out, m.slots); }
        void operator()(pull_request const& m)
        {
            detail::write(out, m.slots);
            detail::write(out, m.sources);
            out.u32(m.needed);
        }
        void operator()(forward_request const& m)
        {
            out.sized_text(m.key);
            out.u64(m.version);
            out.sized_text(m.content);
            detail::write(out, m.at);
            out.u32(static_cast<std::uint32_t>(m.numbers.size()));
            for (auto const& [node, number] : m.numbers) {
                out.u32(node);
                detail::write(out, number);
            }
        }
        void operator()(stats_request const&) {}
        void operator()(map_request const&) {}
        void operator()(restore_request const& m)
        {
            detail::write(out, m.map);
            out.u32(static_cast<std::uint32_t>(m.values.size()));
            for (auto const& value : m.values)
                detail::write(out, value);
        }
    } visitor{out};
    std::visit(visitor, message);
    return result;
}

inline std::optional<request> decode_request(std::span<std::byte const> from)
{
    perdure::byte_reader in(from);
    std::optional<request> result;
    switch (in.u8()) {
    case 0:
        result = detail::read_put(in);
        break;
    case 1: {
        get_request m;
        m.key = detail::read_text(in);
        m.slot_epoch = in.u64();
        result = std::move(m);
        break;
    }
    case 2:
        result = adopt_request{detail::read_map(in)};
        break;
    case 3:
        result = index_request{detail::read_slots(in)};
        break;
    case 4: {
        pull_request m;
        m.slots = detail::read_slots(in);
        m.sources = detail::read_nodes(in);
        m.needed = in.u32();
        result = std::move(m);
        break;
    }
    case 5: {
        forward_request m;
        m.key = detail::read_text(in);
        m.version = in.u64();
        m.content = detail::read_text(in);
        m.at = detail::read_slot(in);
        using numbered = std::pair<node_id, client_command>;
        for (auto const& number : detail::read_list<numbered>(in, 20, [](auto& r) {
                 auto const node = r.u32();
                 return numbered(node, detail::read_number(r));
             }))
            m.numbers.insert(number);
        result = std::move(m);
        break;
    }
    case 6:
        result = stats_request{};
        break;
    case 7:
        result = map_request{};
        break;
    case 8: {
        restore_request m;
        m.map = detail::read_map(in);
        m.values = detail::read_list<put_request>(
            in, 40, [](auto& r) { return detail::read_put(r); });
        result = std::move(m);
        break;
    }
    default:
        return std::nullopt;
    }
    if (!in.finished())
        return std::nullopt;
    return result;
}

inline bytes encode(reply const& r)
{
    bytes result;
    perdure::byte_writer out(result);
    out.u8(static_cast<std::uint8_t>(r.status));
    out.u64(r.value.version);
    out.sized_text(r.value.content);
    out.u32(static_cast<std::uint32_t>(r.index.size()));
    for (auto const& [key, version] : r.index) {
        out.sized_text(key);
        out.u64(version);
    }
    out.u64(r.count);
    out.u64(r.bytes);
    for (auto const* n : node_stats::fields(r.stats))
        out.u64(*n);
    out.boolean(r.map.has_value());
    if (r.map)
        detail::write(out, *r.map);
    return result;
}

inline std::optional<reply> decode_reply(std::span<std::byte const> from)
{
    perdure::byte_reader in(from);
    reply r;
    auto const status = in.u8();
    if (status > static_cast<std::uint8_t>(reply_status::failed))
        return std::nullopt;
    r.status = static_cast<reply_status>(status);
    r.value.version = in.u64();
    r.value.content = detail::read_text(in);
    r.index = detail::read_list<std::pair<std::string, std::uint64_t>>(in, 12, [](auto& i) {
        auto key = detail::read_text(i);
        return std::pair(std::move(key), i.u64());
    });
    r.count = in.u64();
    r.bytes = in.u64();
    for (auto* n : node_stats::fields(r.stats))
        *n = in.u64();
    if (in.boolean())
        r.map = detail::read_map(in);
    if (!in.finished())
        return std::nullopt;
    return r;
}

} // namespace failover

#endif
