// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_STORE_STATE_HPP
#define FAILOVER_STORE_STATE_HPP

#include "messages.hpp"

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <map>
#include <string>
#include <variant>

namespace failover {

/// What a storage process logs: a put, or a newer map.
using store_command = std::variant<put_request, adopt_request>;

/** What a storage process keeps: a deterministic function of its log.
 *
 *  A put is judged when it is applied, not when it arrives: what stands in the log before a newer
 *  epoch of its slot is kept, what stands behind it is refused. So once an index shows the new epoch,
 *  no older write can appear under it.
 */
struct store_state {
    std::map<std::string, versioned> values;
    shard_map map;

    reply_status apply(store_command const& command)
    {
        return std::visit([this](auto const& c) { return apply(c); }, command);
    }

    reply_status apply(put_request const& put)
    {
        if (put.slot_epoch < map.of(put.key).epoch)
            return reply_status::stale_epoch;
        versioned& value = values[put.key];
        if (put.version > value.version)
            value = {put.version, put.content};
        return reply_status::ok;
    }

    reply_status apply(adopt_request const& adopt)
    {
        map.merge(adopt.map);
        return reply_status::ok;
    }

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/)
    {
        archive& values& map;
    }
};

template <class Archive>
void serialize(Archive& archive, versioned& v, unsigned)
{
    archive& v.version& v.content;
}

template <class Archive>
void serialize(Archive& archive, slot& s, unsigned)
{
    archive& s.epoch& s.owners& s.incoming;
}

template <class Archive>
void serialize(Archive& archive, shard_map& m, unsigned)
{
    archive& m.epoch& m.slots;
}

/// Commands are logged as the messages that they came in.
struct store_command_codec {
    static bytes encode(store_command const& command)
    {
        return std::visit([](auto const& c) { return failover::encode(request(c)); }, command);
    }

    static std::optional<store_command> decode(std::span<std::byte const> from)
    {
        auto decoded = decode_request(from);
        if (!decoded)
            return std::nullopt;
        if (auto* put = std::get_if<put_request>(&*decoded))
            return store_command(std::move(*put));
        if (auto* adopt = std::get_if<adopt_request>(&*decoded))
            return store_command(std::move(*adopt));
        return std::nullopt;
    }
};

} // namespace failover

#endif
