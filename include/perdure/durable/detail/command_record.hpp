// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_DETAIL_COMMAND_RECORD_HPP
#define PERDURE_DURABLE_DETAIL_COMMAND_RECORD_HPP

#include <perdure/durable/record.hpp>
#include <perdure/error.hpp>
#include <perdure/snapshot/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// A command as a record of the log, by a command codec.

namespace perdure::detail {

/// The version of commands that a codec writes.
template <class Codec>
constexpr std::uint16_t codec_version()
{
    if constexpr (requires { Codec::version(); })
        return Codec::version();
    else
        return 1;
}

/// The record of a command; `ec` is what its type threw. `clients` are remembered, if one gave it.
template <class Codec, class Command>
std::vector<std::byte> encode_command(Command const& command,
                                      std::optional<client_command> const& from,
                                      std::uint32_t clients, error_code& ec)
{
    std::vector<std::byte> record;
    translate_encode(
        [&] {
            std::vector<std::byte> const bytes = Codec::encode(command);
            record =
                encode_durable_record({codec_version<Codec>(), from, from ? clients : 0, bytes});
        },
        ec);
    return record;
}

/** The command of a record, and what stands before it; nothing, and why, if the bytes are none for this program.
 *
 *  `reason` says it for people, to be put behind "record 17 of the log". `exactly_once`: clients' commands are known.
 */
template <class Codec, class Command>
std::optional<Command> decode_command(std::span<std::byte const> bytes, bool exactly_once,
                                      durable_record& record, char const*& reason, error_code& ec)
{
    auto const refuse = [&](errc why, char const* text) {
        ec = why;
        reason = text;
        return std::optional<Command>();
    };
    auto const found = decode_durable_record(bytes);
    if (!found)
        return refuse(errc::cannot_decode, "was not written by a durable state");
    record = *found;
    if (record.version > codec_version<Codec>())
        return refuse(errc::unsupported_version, "is a command of a newer program");
    if (record.from && !exactly_once)
        return refuse(errc::cannot_decode,
                      "came by async_execute_once, for which State::exactly_once has to be true");
    std::optional<Command> command;
    if constexpr (requires { Codec::decode(bytes, std::uint16_t{1}); })
        command = Codec::decode(record.command, record.version);
    else if (record.version == 1)
        command = Codec::decode(record.command);
    if (!command)
        return refuse(errc::cannot_decode, "cannot be read as a command: has its type changed?");
    return command;
}

} // namespace perdure::detail

#endif
