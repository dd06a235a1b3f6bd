// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_PLACEMENT_CODEC_HPP
#define PERDURE_PLACEMENT_PLACEMENT_CODEC_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/crc32c.hpp>
#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/placement_map.hpp>
#include <perdure/placement/placement_spec.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// docs/formats/placement.md states these bytes as a format.

namespace perdure {

/// Why bytes are no placement.
enum class placement_fault : std::uint8_t {
    none,
    truncated,           ///< they end too early
    bad_magic,           ///< they are something else
    unsupported_version, ///< another major version, or a section that must be understood
    checksum_mismatch,   ///< they were damaged
    malformed,           ///< a field has a value that the format forbids
    too_large            ///< more than the reader's bounds
};

/// What a reader accepts: bytes from outside must cost no more than this, also when a map is made of
/// what they say.
struct placement_bounds {
    std::size_t bytes = std::size_t{1} << 26; ///< the longest input that is read at all
    /// slots * nodes: making a map takes some 2 ns for each. With a scatter width it is also the
    /// bound of sets * (slots + nodes + 1024), where nodes * width / 2 sets are the most there can be.
    std::uint64_t slots_times_nodes = std::uint64_t{1} << 31;
};

/// A placement, or what is wrong with the bytes, and where.
struct decoded_placement {
    std::optional<placement_spec> spec; ///< what was read; empty if something is wrong
    placement_fault fault = placement_fault::none; ///< `none` if nothing is wrong
    std::size_t offset = 0; ///< of the first byte of the field at fault
    std::string message;    ///< "placement at byte 52: copies is 99; it must be from 1 to 16"

    explicit operator bool() const noexcept { return spec.has_value(); }
};

namespace detail::placement_format {

inline constexpr std::string_view magic = "\x89PDPM\r\n\x1a";
inline constexpr std::size_t header_size = 32;

constexpr std::uint32_t tag(char const (&name)[5]) noexcept
{
    std::uint32_t t = 0;
    for (int i = 0; i != 4; ++i)
        t |= static_cast<std::uint32_t>(static_cast<unsigned char>(name[i])) << (8 * i);
    return t;
}

struct section {
    std::uint32_t tag;
    std::size_t offset; // of the payload
    std::span<std::byte const> payload;
};

/// The first thing wrong; thrown and caught inside decode_placement only.
struct finding {
    placement_fault fault;
    std::size_t offset;
    std::string what;
};

class decoder {
public:
    decoder(std::span<std::byte const> bytes, placement_bounds const& bounds)
        : bytes_(bytes), bounds_(bounds)
    {
    }

    placement_spec decode()
    {
        placement_spec spec;
        auto const sections = read_header(spec);
        std::size_t next = header_size;
        int stage = 0; // how many of rules and nodes have come
        for (std::uint32_t i = 0; i != sections; ++i) {
            auto const s = read_section(next);
            if (s.tag == tag("RULE") && stage == 0) {
                read_rules(s, spec);
                stage = 1;
            } else if (s.tag == tag("NODE") && stage == 1) {
                read_nodes(s, spec);
                stage = 2;
            } else if (s.tag == tag("PINS") && stage == 2 && spec.pins.empty() &&
                       !spec.fingerprint) {
                read_pins(s, spec);
            } else if (s.tag == tag("CHEK") && stage == 2 && !spec.fingerprint) {
                byte_reader r(s.payload);
                spec.fingerprint = r.u64();
                if (!end(r))
                    malformed(s.offset, "the section CHEK is not 8 bytes long");
            } else if (s.tag == tag("RULE") || s.tag == tag("NODE") || s.tag == tag("PINS") ||
                       s.tag == tag("CHEK")) {
                malformed(s.offset - 8, "the section " + name(s.tag) + " is not in its place");
            } else if ((s.tag & 0x20) == 0) {
                throw finding{placement_fault::unsupported_version, s.offset - 8,
                              "the section " + name(s.tag) + " is unknown, and must be understood"};
            }
        }
        if (next != bytes_.size())
            malformed(next, "bytes follow the last section");
        if (stage != 2)
            malformed(next, "the section RULE or NODE is missing");
        return spec;
    }

private:
    [[noreturn]] static void malformed(std::size_t offset, std::string what)
    {
        throw finding{placement_fault::malformed, offset, std::move(what)};
    }
    static std::string name(std::uint32_t tag)
    {
        std::string n;
        for (int i = 0; i != 4; ++i) {
            auto const c = static_cast<char>(tag >> (8 * i) & 0xff);
            n += c >= ' ' && c <= '~' ? c : '?';
        }
        return n;
    }
    /// All of a section's fields are read; a newer minor version may have appended some.
    bool end(byte_reader const& r) const noexcept { return minor_ == 0 ? r.finished() : r.ok(); }

    std::uint32_t read_header(placement_spec& spec)
    {
        if (bytes_.size() > bounds_.bytes)
            throw finding{placement_fault::too_large, 0,
                          std::to_string(bytes_.size()) + " bytes are more than the bound of " +
                              std::to_string(bounds_.bytes)};
        auto const n = std::min(bytes_.size(), magic.size());
        if (as_text(bytes_.first(n)) != magic.substr(0, n))
            throw finding{placement_fault::bad_magic, 0, "the bytes do not begin with \\x89PDPM"};
        if (bytes_.size() < header_size)
            throw finding{placement_fault::truncated, bytes_.size(),
                          "the header of 32 bytes is cut off"};
        byte_reader r(bytes_.first(header_size));
        r.skip(magic.size());
        auto const major = r.u16();
        minor_ = r.u16();
        auto const sections = r.u32();
        spec.epoch = r.u64();
        auto const total = r.u32();
        if (r.u32() != crc32c(bytes_.first(header_size - 4)))
            throw finding{placement_fault::checksum_mismatch, header_size - 4,
                          "the header's checksum differs"};
        if (major != 1)
            throw finding{placement_fault::unsupported_version, 8,
                          "the major version is " + std::to_string(major) + "; 1 is known"};
        if (bytes_.size() < total)
            throw finding{placement_fault::truncated, bytes_.size(),
                          "there are " + std::to_string(bytes_.size()) + " bytes of " +
                              std::to_string(total)};
        if (bytes_.size() > total)
            malformed(24, "the length is " + std::to_string(total) + "; there are " +
                              std::to_string(bytes_.size()) + " bytes");
        return sections;
    }

    section read_section(std::size_t& next)
    {
        byte_reader r(bytes_.subspan(next));
        auto const tag = r.u32();
        auto const size = r.u32();
        auto const payload = r.bytes(size);
        auto const crc = r.u32();
        if (!r.ok())
            malformed(next, "a section does not fit into the bytes");
        if (crc != crc32c(bytes_.subspan(next, 8 + payload.size())))
            throw finding{placement_fault::checksum_mismatch, next + 8 + payload.size(),
                          "the checksum of the section " + name(tag) + " differs"};
        section const s{tag, next + 8, payload};
        next += 12 + payload.size();
        return s;
    }

    void read_rules(section const& s, placement_spec& spec) const
    {
        byte_reader r(s.payload);
        auto& rules = spec.rules;
        rules.copies = r.u32();
        rules.at_most_per_zone = r.u32();
        rules.at_most_per_rack = r.u32();
        rules.at_most_per_host = r.u32();
        rules.slots = r.u32();
        rules.scatter_width = r.u32();
        rules.seed = r.u64();
        rules.shortage = static_cast<when_short>(r.u8());
        if (!end(r))
            malformed(s.offset, "the section RULE is not 33 bytes long");
        try {
            check(rules);
        } catch (std::invalid_argument const& e) {
            malformed(s.offset, e.what());
        }
    }

    void read_nodes(section const& s, placement_spec& spec) const
    {
        byte_reader r(s.payload);
        auto const here = [&] { return s.offset + (s.payload.size() - r.remaining()); };
        auto const count = r.u32();
        if (count > placement_map::nodes_max)
            malformed(s.offset, "the number of nodes is " + std::to_string(count) +
                                    "; it must be at most 65535");
        if (std::uint64_t{count} * spec.rules.slots > bounds_.slots_times_nodes)
            throw finding{placement_fault::too_large, s.offset,
                          std::to_string(count) + " nodes times " +
                              std::to_string(spec.rules.slots) + " slots are beyond the bound"};
        auto const sets = (std::uint64_t{count} * spec.rules.scatter_width + 1) / 2; // below 2^31
        if (sets * (std::uint64_t{spec.rules.slots} + count + 1024) > bounds_.slots_times_nodes)
            throw finding{placement_fault::too_large, s.offset,
                          std::to_string(count) + " nodes with a scatter width of " +
                              std::to_string(spec.rules.scatter_width) +
                              " may have more copysets than the bound allows"};
        for (std::uint32_t i = 0; i != count; ++i) {
            auto const at = here();
            byte_reader record(r.bytes(r.u16()));
            auto const text = [&] { return std::string(as_text(record.bytes(record.u8()))); };
            cluster_node n;
            n.weight = record.f64();
            auto const state = record.u8();
            n.name = text();
            n.zone = text();
            n.rack = text();
            n.host = text();
            if (!end(record))
                malformed(at, "a node's record has another length than its fields");
            if (n.name.empty())
                malformed(at, "a node has no name");
            if (!spec.nodes.empty() && n.name <= spec.nodes.back().name)
                malformed(at, "the nodes are not in the order of their names, each once");
            if (!(n.weight >= 1e-9 && n.weight <= 1e18))
                malformed(at, "weight is " + std::to_string(n.weight) +
                                  "; it must be from 1e-9 to 1e18");
            if (state > 3)
                malformed(at, "state is " + std::to_string(state) + "; it must be from 0 to 3");
            n.state = static_cast<node_state>(state);
            spec.nodes.push_back(std::move(n));
        }
        if (!end(r))
            malformed(here(), "the section NODE has another length than its nodes");
    }

    void read_pins(section const& s, placement_spec& spec) const
    {
        byte_reader r(s.payload);
        auto const here = [&] { return s.offset + (s.payload.size() - r.remaining()); };
        auto const count = r.u32();
        if (count == 0 || count > spec.rules.slots)
            malformed(s.offset, "the number of pinned slots is " + std::to_string(count) +
                                    "; it must be from 1 to the number of slots");
        for (std::uint32_t i = 0; i != count; ++i) {
            auto const at = here();
            pinned_slot p;
            p.slot = r.u32();
            auto const owners = r.u8();
            if (!r.ok() || owners < 1 || owners > spec.rules.copies)
                malformed(at, "a pinned slot is cut off, or has no owners, or more than copies");
            if (p.slot >= spec.rules.slots ||
                (!spec.pins.empty() && p.slot <= spec.pins.back().slot))
                malformed(at,
                          "slot is " + std::to_string(p.slot) +
                              "; pinned slots come in order, each once, below the number of slots");
            std::vector<std::uint16_t> seen;
            for (std::uint8_t k = 0; k != owners; ++k) {
                auto const o = r.u16();
                if (!r.ok() || o >= spec.nodes.size() ||
                    std::find(seen.begin(), seen.end(), o) != seen.end())
                    malformed(at, "an owner is " + std::to_string(o) +
                                      "; it must be the position of a node, each once");
                seen.push_back(o);
                p.owners.push_back(spec.nodes[o].name);
            }
            spec.pins.push_back(std::move(p));
        }
        if (!end(r))
            malformed(here(), "the section PINS has another length than its slots");
    }

    std::span<std::byte const> bytes_;
    placement_bounds bounds_;
    std::uint16_t minor_ = 0;
};

} // namespace detail::placement_format

/** The bytes of a placement. Equal specs give equal bytes.
 *
 *  Throws std::invalid_argument if the nodes are not in the order of their names, each once, or a
 *  pinned slot's owner is none of them: placement_map::spec() gives neither. O(bytes).
 */
inline std::vector<std::byte> encode_placement(placement_spec const& spec)
{
    namespace format = detail::placement_format;
    std::vector<std::byte> out(format::header_size);
    std::uint32_t sections = 0;
    auto const section = [&](std::uint32_t tag, auto write) {
        std::vector<std::byte> payload;
        byte_writer fields(payload);
        write(fields);
        auto const begin = out.size();
        byte_writer w(out);
        w.u32(tag);
        w.sized_bytes(payload);
        w.u32(crc32c(std::span<std::byte const>(out).subspan(begin)));
        ++sections;
    };
    section(format::tag("RULE"), [&](byte_writer& w) {
        w.u32(spec.rules.copies);
        w.u32(spec.rules.at_most_per_zone);
        w.u32(spec.rules.at_most_per_rack);
        w.u32(spec.rules.at_most_per_host);
        w.u32(spec.rules.slots);
        w.u32(spec.rules.scatter_width);
        w.u64(spec.rules.seed);
        w.u8(static_cast<std::uint8_t>(spec.rules.shortage));
    });
    section(format::tag("NODE"), [&](byte_writer& w) {
        w.u32(static_cast<std::uint32_t>(spec.nodes.size()));
        for (std::size_t i = 0; i != spec.nodes.size(); ++i) {
            auto const& n = spec.nodes[i];
            if (i != 0 && n.name <= spec.nodes[i - 1].name)
                detail::throw_bad_value("encode_placement", "node", "'" + n.name + "'",
                                        "nodes must be in the order of their names, each once");
            for (auto const* text : {&n.name, &n.zone, &n.rack, &n.host})
                if (text->size() > 255)
                    detail::throw_bad_value("encode_placement", "a name or place",
                                            "'" + text->substr(0, 40) + "...'",
                                            "it must not be longer than 255 bytes");
            w.u16(static_cast<std::uint16_t>(13 + n.name.size() + n.zone.size() + n.rack.size() +
                                             n.host.size()));
            w.f64(n.weight);
            w.u8(static_cast<std::uint8_t>(n.state));
            for (auto const* text : {&n.name, &n.zone, &n.rack, &n.host}) {
                w.u8(static_cast<std::uint8_t>(text->size()));
                w.bytes(as_bytes(*text));
            }
        }
    });
    if (!spec.pins.empty())
        section(format::tag("PINS"), [&](byte_writer& w) {
            w.u32(static_cast<std::uint32_t>(spec.pins.size()));
            for (auto const& p : spec.pins) {
                w.u32(p.slot);
                w.u8(static_cast<std::uint8_t>(p.owners.size()));
                for (auto const& o : p.owners) {
                    auto const i =
                        std::lower_bound(spec.nodes.begin(), spec.nodes.end(), o,
                                         [](cluster_node const& n, std::string const& name) {
                                             return n.name < name;
                                         });
                    if (i == spec.nodes.end() || i->name != o)
                        detail::throw_bad_value("encode_placement", "owner", "'" + o + "'",
                                                "there is no such node");
                    w.u16(static_cast<std::uint16_t>(i - spec.nodes.begin()));
                }
            }
        });
    if (spec.fingerprint)
        section(format::tag("CHEK"), [&](byte_writer& w) { w.u64(*spec.fingerprint); });

    std::vector<std::byte> header;
    byte_writer w(header);
    w.bytes(as_bytes(format::magic));
    w.u16(1);
    w.u16(0);
    w.u32(sections);
    w.u64(spec.epoch);
    w.u32(static_cast<std::uint32_t>(out.size()));
    w.u32(crc32c(header));
    std::copy(header.begin(), header.end(), out.begin());
    return out;
}

/** What encode_placement made; or what is wrong with the bytes.
 *
 *  A placement_map can be made of the result without an exception but for a fingerprint that
 *  differs. O(bytes); allocates for what the bytes hold, never for what they claim.
 */
inline decoded_placement decode_placement(std::span<std::byte const> bytes,
                                          placement_bounds const& bounds = {})
{
    decoded_placement result;
    try {
        result.spec = detail::placement_format::decoder(bytes, bounds).decode();
    } catch (detail::placement_format::finding const& f) {
        result.fault = f.fault;
        result.offset = f.offset;
        result.message = "placement at byte " + std::to_string(f.offset) + ": " + f.what;
    }
    return result;
}

} // namespace perdure

#endif
