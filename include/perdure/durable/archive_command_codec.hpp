// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_ARCHIVE_COMMAND_CODEC_HPP
#define PERDURE_DURABLE_ARCHIVE_COMMAND_CODEC_HPP

#include <perdure/fwd.hpp>
#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/codec.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <vector>

namespace perdure {

/** The default command codec: the portable archive, for whatever Boost.Serialization can serialize.
 *
 *  Encoding throws what the command's `serialize` throws; nothing was logged then.
 */
template <class Command>
struct archive_command_codec {
    static std::vector<std::byte> encode(Command const& command)
    {
        memory_sink sink;
        portable_codec{}.encode(command, sink);
        return sink.release();
    }

    static std::optional<Command> decode(std::span<std::byte const> bytes)
    {
        try {
            memory_source source(bytes);
            Command command{};
            portable_codec{}.decode(source, command);
            return command;
        } catch (std::exception const&) {
            return std::nullopt;
        }
    }
};

} // namespace perdure

#endif
