// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_ARCHIVE_COMMAND_CODEC_HPP
#define PERDURE_DURABLE_ARCHIVE_COMMAND_CODEC_HPP

#include <perdure/fwd.hpp>
#include <perdure/durable/versions.hpp>
#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <vector>

namespace perdure {

/** The default command codec: the portable archive, for whatever Boost.Serialization can serialize.
 *
 *  Encoding throws what the command's `serialize` throws; then nothing is logged, and the command completes with
 *  errc::cannot_encode, or the code of a boost::system::system_error.
 */
template <class Command>
struct archive_command_codec {
    /// The bytes of a command's record. Throws what its `serialize` throws.
    static std::vector<std::byte> encode(Command const& command)
    {
        memory_sink sink;
        portable_codec{}.encode(command, sink);
        return sink.release();
    }

    /// What encode writes; see has_previous_version.
    static constexpr std::uint16_t version() noexcept { return version_of<Command>(); }

    /// Reads the bytes of this or an older version and takes them up to Command.
    static std::optional<Command> decode(std::span<std::byte const> bytes,
                                         std::uint16_t written = version())
    {
        try {
            auto read = [bytes](auto& value) {
                memory_source source(bytes);
                portable_codec{}.decode(source, value);
            };
            return detail::read_version<Command>(written, read);
        } catch (std::exception const&) {
            return std::nullopt;
        }
    }
};

} // namespace perdure

#endif
