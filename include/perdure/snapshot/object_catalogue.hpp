// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_OBJECT_CATALOGUE_HPP
#define PERDURE_SNAPSHOT_OBJECT_CATALOGUE_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/crc32c.hpp>
#include <perdure/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The one mutable object of a store of objects, as docs/formats/object_store.md defines it.

namespace perdure {

/// What is published, what is under way, and who may change it.
struct object_catalogue {
    /// One object, as its parts.
    struct entry {
        std::string name;
        std::uint64_t id = 0; ///< Of its parts.
        std::uint64_t size = 0;
        /// Size of every part but the last.
        std::uint64_t part_bytes = 1;
        /// Hidden from find.
        bool put_aside = false;

        /// How many parts there are.
        std::uint64_t parts() const noexcept { return (size + part_bytes - 1) / part_bytes; }
        friend bool operator==(entry const&, entry const&) = default;
    };
    /// One that has not been committed.
    struct upload {
        /// Its number.
        std::uint64_t id = 0;
        std::uint64_t parts = 0; ///< 0: unknown.
        friend bool operator==(upload const&, upload const&) = default;
    };

    std::uint64_t revision = 0; ///< One more with every change.
    std::uint64_t owner = 0;    ///< Who has it open; 0: nobody.
    /// The number of the next upload.
    std::uint64_t next_id = 1;
    std::vector<entry> entries{};  ///< Sorted by name.
    std::vector<upload> pending{}; ///< Whose parts may be there and are not published.

    /// The entry of a name; null if there is none.
    entry* find(std::string_view name) noexcept
    {
        auto const at = std::lower_bound(entries.begin(), entries.end(), name,
                                         [](entry const& e, std::string_view n) { return e.name < n; });
        return at != entries.end() && at->name == name ? &*at : nullptr;
    }
    /// Precondition: the name is not there.
    void add(entry e)
    {
        auto const at = std::lower_bound(
            entries.begin(), entries.end(), e.name,
            [](entry const& x, std::string_view n) { return x.name < n; });
        entries.insert(at, std::move(e));
    }

    friend bool operator==(object_catalogue const&, object_catalogue const&) = default;
};

/// The first bytes of a catalogue.
inline constexpr std::array<std::uint8_t, 8> object_catalogue_magic{0x89, 'P',  'D',  'O',
                                                                    'C',  0x0d, 0x0a, 0x1a};

/// The catalogue's bytes: docs/formats/object_store.md.
inline std::vector<std::byte> encode_object_catalogue(object_catalogue const& c)
{
    std::vector<std::byte> bytes;
    byte_writer w(bytes);
    w.bytes(std::as_bytes(std::span(object_catalogue_magic)));
    w.u16(1);
    w.u16(0);
    w.u32(0);
    w.u64(c.revision);
    w.u64(c.owner);
    w.u64(c.next_id);
    w.u32(static_cast<std::uint32_t>(c.entries.size()));
    w.u32(static_cast<std::uint32_t>(c.pending.size()));
    for (auto const& e : c.entries) {
        w.u8(static_cast<std::uint8_t>(e.name.size()));
        w.bytes(as_bytes(e.name));
        w.u8(e.put_aside ? 1 : 0);
        w.u64(e.id);
        w.u64(e.size);
        w.u64(e.part_bytes);
    }
    for (auto const& p : c.pending) {
        w.u64(p.id);
        w.u64(p.parts);
    }
    w.u32(crc32c(std::span(bytes)));
    return bytes;
}

/// @par Errors  errc::bad_magic, truncated, checksum_mismatch, unsupported_version, malformed.
inline object_catalogue decode_object_catalogue(std::span<std::byte const> bytes, error_code& ec)
{
    object_catalogue c;
    auto const fail = [&](errc e) {
        ec = e;
        return object_catalogue{};
    };
    if (bytes.size() < 52)
        return fail(errc::truncated);
    if (!std::equal(object_catalogue_magic.begin(), object_catalogue_magic.end(),
                    reinterpret_cast<std::uint8_t const*>(bytes.data())))
        return fail(errc::bad_magic);
    auto const body = bytes.first(bytes.size() - 4);
    if (crc32c(body) != load_little<std::uint32_t>(bytes.data() + body.size()))
        return fail(errc::checksum_mismatch);
    byte_reader r(body.subspan(8));
    if (r.u16() != 1)
        return fail(errc::unsupported_version);
    r.u16();
    r.u32();
    c.revision = r.u64();
    c.owner = r.u64();
    c.next_id = r.u64();
    std::uint64_t const entries = r.u32();
    std::uint64_t const pending = r.u32();
    // Each takes this at least, so a count above is a lie.
    if (entries * 26 + pending * 16 > body.size())
        return fail(errc::malformed);
    for (std::uint64_t i = 0; i != entries && r.ok(); ++i) {
        object_catalogue::entry e;
        std::size_t const n = r.u8();
        e.name = std::string(as_text(r.bytes(n)));
        auto const aside = r.u8();
        e.put_aside = aside == 1;
        e.id = r.u64();
        e.size = r.u64();
        e.part_bytes = r.u64();
        if (!r.ok() || aside > 1 || e.part_bytes == 0 || e.name.empty() ||
            (!c.entries.empty() && c.entries.back().name >= e.name))
            return fail(errc::malformed);
        c.entries.push_back(std::move(e));
    }
    for (std::uint64_t i = 0; i != pending && r.ok(); ++i) {
        object_catalogue::upload u;
        u.id = r.u64();
        u.parts = r.u64();
        c.pending.push_back(u);
    }
    if (!r.finished())
        return fail(errc::malformed);
    ec = {};
    return c;
}

} // namespace perdure

#endif
