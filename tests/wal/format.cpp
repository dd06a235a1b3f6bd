// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/wal/format.hpp>
#include <perdure/wal/group_builder.hpp>
#include <perdure/wal/segment_scanner.hpp>

#include <array>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

using namespace perdure;

namespace {

std::string dump(std::span<std::byte const> bytes, std::size_t offset)
{
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 16) {
        for (int shift = 12; shift >= 0; shift -= 4)
            out += digits[((offset + i) >> shift) & 15];
        out += ' ';
        for (std::size_t k = i; k < std::min(i + 16, bytes.size()); ++k) {
            out += k % 8 == 0 ? "  " : " ";
            out += digits[static_cast<unsigned>(bytes[k]) >> 4];
            out += digits[static_cast<unsigned>(bytes[k]) & 15];
        }
        out += '\n';
    }
    return out;
}

// The log of the worked example: created, "hello" and "log" appended as one group.
struct worked_example {
    wal_format::segment_header header;
    std::array<std::byte, wal_format::page_bytes> page;
    group_builder link;
    group_builder group;

    worked_example()
    {
        header.log = {0x0123456789abcdef, 0xfedcba9876543210};
        header.sequence = 1;
        header.salt = 0x1122334455667788;
        header.allocated_bytes = 67108864;
        header.optional_flags = wal_format::born_linked;
        header.record_bytes_max = 16777216;
        header.group_bytes_max = 16781312;
        encode(header, page);
        link.begin(header, 1);
        link.add_link({});
        auto const digest = link.finish(0, 0, 1, 0);
        group.begin(header, 1);
        group.add_record(as_bytes("hello"));
        group.add_record(as_bytes("log"));
        group.finish(digest, 0, 1, 0);
    }
};

} // namespace

TEST_CASE("wal format: the worked example of the document is what is written", "[wal][core]")
{
    std::ifstream in(PERDURE_TEST_DATA "/../../docs/formats/wal.md");
    std::string const document((std::istreambuf_iterator<char>(in)), {});
    REQUIRE(!document.empty());
    worked_example const e;
    for (auto const& part :
         {dump(std::span(e.page).first(128), 0), dump(std::span(e.page).subspan(240, 16), 240),
          dump(e.link.bytes(), 4096), dump(e.group.bytes(), 4096 + e.link.size())}) {
        INFO(part);
        CHECK(document.find(part) != std::string::npos);
    }
}

TEST_CASE("wal format: the digest of a log depends on every record", "[wal][core]")
{
    worked_example const e;
    std::set<std::uint64_t> digests;
    for (std::string const text : {"hello", "jello", "hellp", "", "a record of another size"}) {
        group_builder group;
        group.begin(e.header, 1);
        group.add_record(as_bytes(text));
        group.add_record(as_bytes("log"));
        digests.insert(group.finish(0, 0, 1, 0));
    }
    CHECK(digests.size() == 5);
}

TEST_CASE("wal format: a header survives the loss of either copy", "[wal][core]")
{
    worked_example e;
    for (std::size_t i = 0; i != wal_format::header_bytes; ++i)
        for (std::size_t copy : {std::size_t{0}, wal_format::header_copy}) {
            auto page = e.page;
            page[copy + i] ^= std::byte{0x40};
            bool damaged = false;
            error_code ec;
            CHECK(wal_format::decode_header(page, damaged, ec) == e.header);
            CHECK(!ec);
            CHECK(damaged);
        }
    auto page = e.page;
    page[3] ^= std::byte{1};
    page[wal_format::header_copy + 40] ^= std::byte{1};
    bool damaged = false;
    error_code ec;
    wal_format::decode_header(page, damaged, ec);
    CHECK(ec == errc::bad_magic);
}

TEST_CASE("wal format: a header names what the records are; without a name it is as programs wrote it that knew of none",
          "[wal][core]")
{
    worked_example e;
    auto const text = [](std::span<std::byte const> bytes) {
        return dump(bytes.subspan(112, 80), 112);
    };
    CHECK(text(e.page) == "0070   00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n"
                          "0080   00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n"
                          "0090   00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n"
                          "00a0   00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n"
                          "00b0   00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n");
    e.header.type("orders/2");
    encode(e.header, e.page);
    CHECK(text(e.page) == "0070   00 00 00 00 00 00 00 00  6f 72 64 65 72 73 2f 32\n"
                          "0080   00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n"
                          "0090   00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n"
                          "00a0   00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n"
                          "00b0   00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n");
    bool damaged = false;
    error_code ec;
    auto const read = wal_format::decode_header(e.page, damaged, ec);
    CHECK(!ec);
    CHECK(read == e.header);
    CHECK(read.type() == "orders/2");
    e.header.type(std::string(70, 't'));
    CHECK(e.header.type() == std::string(wal_format::type_bytes_max, 't'));
    e.header.type(std::string_view("a\0b", 3));
    CHECK(e.header.type() == "a");
}

TEST_CASE("wal format: a newer major version is refused, a newer minor one is read", "[wal][core]")
{
    worked_example e;
    auto rewrite = [&](std::size_t at, std::byte value) {
        auto page = e.page;
        for (std::size_t copy : {std::size_t{0}, wal_format::header_copy}) {
            page[copy + at] = value;
            store_little(&page[copy + 252], crc32c(std::span(page).subspan(copy, 252)));
        }
        bool damaged = false;
        error_code ec;
        wal_format::decode_header(page, damaged, ec);
        return ec;
    };
    CHECK(rewrite(8, std::byte{2}) == errc::unsupported_version);
    CHECK(!rewrite(10, std::byte{7}));
    CHECK(rewrite(64, std::byte{1}) == errc::unsupported_version); // A required flag.
    CHECK(rewrite(72, std::byte{9}) == errc::unsupported_version); // A checksum kind.
}

TEST_CASE("wal format: a group is seen whole or not at all, at every cut", "[wal][core]")
{
    worked_example e;
    std::vector<std::byte> bytes(e.link.bytes().begin(), e.link.bytes().end());
    bytes.insert(bytes.end(), e.group.bytes().begin(), e.group.bytes().end());
    for (std::size_t n = 0; n <= bytes.size(); ++n) {
        segment_scanner scanner(e.header);
        std::span<std::byte const> const window = std::span(bytes).first(n);
        std::size_t groups = 0;
        std::size_t used = 0;
        while (scanner.next(window.subspan(used), true) == segment_scanner::status::group) {
            ++groups;
            used = static_cast<std::size_t>(scanner.offset() - wal_format::page_bytes);
        }
        CHECK(groups == (n < e.link.size() ? 0u : n < bytes.size() ? 1u : 2u));
    }
}

TEST_CASE("wal format: frame types that may be skipped are skipped, others stop the reader",
          "[wal][core]")
{
    // A group with one frame of the given type before its seal.
    auto status_with = [](std::uint8_t type) {
        worked_example e;
        std::vector<std::byte> frame(wal_format::frame_bytes);
        encode(wal_format::frame_header{0, static_cast<wal_format::frame_type>(type), 0,
                                        e.header.epoch(), crc32c({}), 0},
               frame.data());
        segment_scanner scanner(e.header, 8192, 0, 0);
        wal_format::seal s;
        s.first = 1;
        s.group_bytes = wal_format::frame_bytes;
        s.front = 1;
        s.headers_crc = wal_format::chain_header(0, frame.data());
        s.digest = wal_format::chain_digest(0, s.headers_crc, 0);
        std::array<std::byte, wal_format::seal_bytes> payload;
        encode(s, payload);
        frame.resize(2 * wal_format::frame_bytes);
        encode(wal_format::frame_header{wal_format::seal_bytes, wal_format::frame_type::seal, 0,
                                        e.header.epoch(), crc32c(payload), 1},
               frame.data() + wal_format::frame_bytes);
        frame.insert(frame.end(), payload.begin(), payload.end());
        return scanner.next(frame, true);
    };
    CHECK(status_with(0x80 + 100) == segment_scanner::status::group);
    CHECK(status_with(100) == segment_scanner::status::unknown);
}

TEST_CASE("wal format: the seal of a newer minor version may be longer", "[wal][core]")
{
    worked_example e;
    wal_format::seal s;
    s.first = 1;
    s.front = 1;
    s.digest = wal_format::chain_digest(0, 0, 0);
    std::array<std::byte, wal_format::seal_bytes + 16> payload{};
    encode(s, std::span(payload).first<wal_format::seal_bytes>());
    std::vector<std::byte> frame(wal_format::frame_bytes);
    encode(wal_format::frame_header{payload.size(), wal_format::frame_type::seal, 0,
                                    e.header.epoch(), crc32c(payload), 0},
           frame.data());
    frame.insert(frame.end(), payload.begin(), payload.end());
    segment_scanner scanner(e.header, 8192, 0, 0);
    REQUIRE(scanner.next(frame, true) == segment_scanner::status::group);
    CHECK(scanner.group().end() == scanner.offset());
    CHECK(scanner.offset() == 8192 + frame.size());
}
