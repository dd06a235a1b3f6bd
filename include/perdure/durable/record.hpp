// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_RECORD_HPP
#define PERDURE_DURABLE_RECORD_HPP

#include <perdure/bytes/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// A command in the log, as docs/formats/durable.md defines it.

namespace perdure {

/// Who gave a command, so that giving it again has no second effect.
struct client_command {
    /// Chosen by the client, never used by another one.
    std::uint64_t client = 0;
    std::uint64_t sequence = 0; ///< 1 for the client's first command, then one more each.
    friend bool operator==(client_command const&, client_command const&) = default;
};

/// A command's record, without its own bytes' meaning.
struct durable_record {
    std::uint16_t version = 1; ///< Of the command's type.
    /// Set if the client may give the command again.
    std::optional<client_command> from{};
    /// Only with `from`: how many clients are remembered once it was applied (session_options::clients); 0: not said, so
    /// as many as the program says that reads it.
    std::uint32_t clients = 0;
    /// Its bytes, as the codec made them; a view.
    std::span<std::byte const> command{};
};

/// The most bytes of a record before its command.
inline constexpr std::size_t durable_record_header_max = 24;

/// The record's bytes.
inline std::vector<std::byte> encode_durable_record(durable_record const& r)
{
    std::vector<std::byte> bytes;
    bytes.reserve(durable_record_header_max + r.command.size());
    byte_writer w(bytes);
    w.u8(!r.from ? 1 : r.clients == 0 ? 2 : 3);
    w.u8(0);
    w.u16(r.version);
    if (r.from) {
        w.u64(r.from->client);
        w.u64(r.from->sequence);
        if (r.clients != 0)
            w.u32(r.clients);
    }
    w.bytes(r.command);
    return bytes;
}

/// Nothing if the bytes are none.
inline std::optional<durable_record> decode_durable_record(std::span<std::byte const> bytes)
{
    if (bytes.size() < 4)
        return std::nullopt;
    byte_reader r(bytes);
    auto const kind = r.u8();
    auto const reserved = r.u8();
    durable_record result;
    result.version = r.u16();
    if (reserved != 0 || result.version == 0)
        return std::nullopt;
    if (kind == 1) {
        result.command = bytes.subspan(4);
        return result;
    }
    if (kind != 2 && kind != 3)
        return std::nullopt;
    auto const client = r.u64();
    result.from = client_command{client, r.u64()};
    if (kind == 3)
        result.clients = r.u32();
    if (!r.ok() || result.from->sequence == 0 || (kind == 3 && result.clients == 0))
        return std::nullopt;
    result.command = bytes.subspan(kind == 3 ? durable_record_header_max : 20);
    return result;
}

} // namespace perdure

#endif
