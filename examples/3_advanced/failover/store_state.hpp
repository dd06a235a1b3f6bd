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

/// What a storage process logs: a put, a newer map, or what replaces lost records.
using store_command = std::variant<put_request, adopt_request, restore_request>;

/// What a command came to. A write that is given again gets the answer of the first time.
struct store_result {
    reply_status status = reply_status::failed;
    std::uint64_t revision = 0; ///< The number of the effect, for a put that had one.

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/)
    {
        archive& status& revision;
    }
};

/** What a storage process keeps: a deterministic function of its log.
 *
 *  A put is judged when it is applied, not when it arrives: what stands in the log before a newer
 *  epoch of its slot is kept, what stands behind it is refused. So once an index shows the new epoch,
 *  no older write can appear under it.
 */
struct store_state {
    static constexpr bool exactly_once = true; ///< By the writers' numbers, kept in log and snapshots.

    std::map<std::string, versioned> values;
    shard_map map;
    std::uint64_t revision = 0; ///< Puts that took effect: each counts once, however often it came.

    store_result apply(store_command const& command)
    {
        return std::visit([this](auto const& c) { return apply(c); }, command);
    }

    store_result apply(put_request const& put)
    {
        if (put.slot_epoch < map.of(put.key).epoch)
            return {reply_status::stale_epoch};
        keep(put);
        return {reply_status::ok, ++revision};
    }

    store_result apply(adopt_request const& adopt)
    {
        map.merge(adopt.map);
        return {reply_status::ok};
    }

    store_result apply(restore_request const& restore)
    {
        map.merge(restore.map);
        for (auto const& value : restore.values)
            keep(value);
        return {reply_status::ok};
    }

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/)
    {
        archive& values& map& revision;
    }

private:
    void keep(put_request const& put)
    {
        versioned& value = values[put.key];
        if (put.version > value.version)
            value = {put.version, put.content};
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
        if (auto* restore = std::get_if<restore_request>(&*decoded))
            return store_command(std::move(*restore));
        return std::nullopt;
    }
};

} // namespace failover

#endif
