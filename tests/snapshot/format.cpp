// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/snapshot/reader.hpp>
#include <perdure/snapshot/writer.hpp>

#include <random>
#include <string>

using perdure::condition;
using perdure::errc;
using perdure::error_code;

namespace {

using bytes = std::vector<std::byte>;

// An upload into memory.
struct memory_upload {
    bytes* to;
    void append(std::span<std::span<std::byte const> const> parts, error_code& ec)
    {
        ec = {};
        for (auto const& p : parts)
            to->insert(to->end(), p.begin(), p.end());
    }
    void commit(error_code& ec) { ec = {}; }
};

perdure::snapshot_header sample_header()
{
    perdure::snapshot_header h;
    h.id = 7;
    h.position = 42;
    h.type = "accounts";
    h.schema_version = 3;
    h.codec = 1;
    h.codec_version = 1;
    h.log_id = {1, 2};
    h.creator = "test";
    return h;
}

bytes make(std::vector<bytes> const& chunks, perdure::snapshot_info* info = nullptr)
{
    bytes file;
    perdure::snapshot_writer<memory_upload> writer(memory_upload{&file}, sample_header());
    error_code ec;
    for (auto const& c : chunks)
        writer.append(c, ec);
    auto const made = writer.commit(ec);
    REQUIRE(!ec);
    if (info != nullptr)
        *info = made;
    return file;
}

bytes text(std::string const& s)
{
    auto const b = perdure::as_bytes(s);
    return {b.begin(), b.end()};
}

std::vector<bytes> read(bytes const& file, error_code& ec,
                        perdure::snapshot_content* content = nullptr)
{
    perdure::memory_object object(file);
    auto c = perdure::read_snapshot(object, {}, ec);
    std::vector<bytes> chunks;
    for (auto const& b : c.bytes())
        chunks.emplace_back(b.begin(), b.end());
    if (content != nullptr)
        *content = std::move(c);
    return chunks;
}

} // namespace

TEST_CASE("snapshot format: what was written is read", "[snapshot][core][format]")
{
    std::vector<bytes> const chunks{
        text("first"), bytes(perdure::snapshot_format::chunk_size, std::byte{7}), text("x")};
    perdure::snapshot_info info;
    auto const file = make(chunks, &info);
    error_code ec;
    perdure::snapshot_content content;
    CHECK(read(file, ec, &content) == chunks);
    CHECK(!ec);
    CHECK(content.header() == sample_header());
    CHECK(content.info() == info);
    CHECK(info.size == file.size());
    CHECK(info.raw_size == 6 + perdure::snapshot_format::chunk_size);
    CHECK(info.chunks == 3);
}

TEST_CASE("snapshot format: a snapshot without chunks is one", "[snapshot][core][format]")
{
    auto const file = make({});
    CHECK(file.size() ==
          perdure::snapshot_format::header_size + perdure::snapshot_format::footer_size);
    error_code ec;
    CHECK(read(file, ec).empty());
    CHECK(!ec);
}

TEST_CASE("snapshot format: the fields lie where the document says", "[snapshot][core][format]")
{
    auto const file = make({text("abc")});
    auto const u32 = [&](std::size_t at) {
        return perdure::load_little<std::uint32_t>(file.data() + at);
    };
    auto const u64 = [&](std::size_t at) {
        return perdure::load_little<std::uint64_t>(file.data() + at);
    };
    CHECK(u64(0) == 0x1a0a0d4e53445089);
    CHECK(u32(8) == 1); // version 1.0
    CHECK(u32(12) == 256);
    CHECK(u64(16) == 7);
    CHECK(u64(24) == 42);
    CHECK(u32(32) == 3);
    CHECK(u32(36) == 1);
    CHECK(u32(40) == 1);
    CHECK(u32(44) == 0);
    CHECK(u32(48) == 1u << 20);
    CHECK(u64(56) == 2);
    CHECK(u64(64) == 1);
    CHECK(static_cast<int>(file[72]) == 8);
    CHECK(perdure::as_text(std::span(file).subspan(73, 8)) == "accounts");
    CHECK(u32(252) == perdure::crc32c(std::span(file).first(252)));
    // The frame of chunk 0.
    CHECK(perdure::as_text(std::span(file).subspan(256, 4)) == "PCHK");
    CHECK(u32(260) == 0);
    CHECK(u32(264) == 3);
    CHECK(u32(268) == 3);
    CHECK(u32(272) == 0);
    CHECK(u32(276) == perdure::crc32c(std::span(file).subspan(304, 3)));
    CHECK(u64(280) == perdure::xxh3_128("abc", 3).low);
    CHECK(u64(288) == perdure::xxh3_128("abc", 3).high);
    CHECK(u32(296) == 7);
    CHECK(u32(300) == perdure::crc32c(std::span(file).subspan(256, 44)));
    CHECK(perdure::as_text(std::span(file).subspan(304, 3)) == "abc");
    // The index, and the footer at the end.
    CHECK(u64(307) == 256);
    REQUIRE(file.size() == 307 + 40 + 64);
    CHECK(perdure::as_text(std::span(file).subspan(347, 7)) == "PDSNEND");
    CHECK(u64(347 + 8) == 7);
    CHECK(u64(347 + 16) == 307);
    CHECK(u32(347 + 24) == 1);
    CHECK(u64(347 + 32) == 3);
    CHECK(u32(407) == perdure::crc32c(std::span(file).subspan(347, 60)));
}

TEST_CASE("snapshot format: every truncation is an error of condition corruption",
          "[snapshot][core][format]")
{
    auto const file = make({text("some state"), text("and more of it")});
    for (std::size_t n = 0; n < file.size(); ++n) {
        CAPTURE(n);
        error_code ec;
        read({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)}, ec);
        CHECK(ec == condition::corruption);
    }
}

TEST_CASE("snapshot format: every extension is an error of condition corruption",
          "[snapshot][core][format]")
{
    auto file = make({text("some state")});
    for (std::size_t n = 1; n < 100; ++n) {
        file.push_back(std::byte{0});
        error_code ec;
        read(file, ec);
        CHECK(ec == condition::corruption);
    }
}

TEST_CASE("snapshot format: every changed byte is an error", "[snapshot][core][format]")
{
    auto const file = make({text("some state"), text("and more of it")});
    for (std::size_t at = 0; at < file.size(); ++at)
        for (int mask : {0x01, 0x80, 0xff, 0x10}) {
            CAPTURE(at, mask);
            bytes changed = file;
            changed[at] ^= static_cast<std::byte>(mask);
            error_code ec;
            read(changed, ec);
            // A changed version number may look like a newer library's.
            CHECK((ec == condition::corruption ||
                   (ec == errc::unsupported_version && at >= 8 && at < 16)));
        }
}

TEST_CASE("snapshot format: chunks of another place or another snapshot are refused",
          "[snapshot][core][format]")
{
    namespace format = perdure::snapshot_format;
    auto const file = make({text("aaaa"), text("bbbb")});
    error_code ec;
    {
        bytes swapped = file;
        std::swap_ranges(swapped.begin() + 256, swapped.begin() + 256 + 52,
                         swapped.begin() + 256 + 52);
        read(swapped, ec);
        CHECK(ec == condition::corruption);
    }
    {
        // The footer and index of a snapshot with another id.
        auto h = sample_header();
        h.id = 8;
        bytes other;
        perdure::snapshot_writer<memory_upload> writer(memory_upload{&other}, h);
        writer.append(text("aaaa"), ec);
        writer.append(text("bbbb"), ec);
        writer.commit(ec);
        bytes mixed = file;
        std::copy(other.end() - 64, other.end(), mixed.end() - 64);
        read(mixed, ec);
        CHECK(ec == condition::corruption);
    }
}

TEST_CASE("snapshot format: a newer minor version with a longer header is read",
          "[snapshot][core][format]")
{
    namespace format = perdure::snapshot_format;
    auto const plain = format::encode_header(sample_header());
    bytes longer(plain.begin(), plain.end());
    longer.resize(300);
    perdure::store_little<std::uint16_t>(longer.data() + 10, 1);
    perdure::store_little<std::uint32_t>(longer.data() + 12, 300);
    std::fill(longer.begin() + 252, longer.end(), std::byte{0x55});
    perdure::store_little(longer.data() + 296, perdure::crc32c(std::span(longer).first(296)));
    std::size_t size = 0;
    error_code ec;
    CHECK(format::decode_header(longer, size, ec) == sample_header());
    CHECK(!ec);
    CHECK(size == 300);
}

TEST_CASE("snapshot format: a newer major version and unknown required flags are refused as such",
          "[snapshot][core][format]")
{
    namespace format = perdure::snapshot_format;
    for (std::size_t const at : {std::size_t{8}, std::size_t{44}}) {
        auto header = format::encode_header(sample_header());
        perdure::store_little<std::uint16_t>(header.data() + at, 2);
        perdure::store_little(header.data() + 252, perdure::crc32c(std::span(header).first(252)));
        std::size_t size = 0;
        error_code ec;
        format::decode_header(header, size, ec);
        CHECK(ec == errc::unsupported_version);
    }
}

TEST_CASE("snapshot format: lengths that lie are refused before memory is reserved",
          "[snapshot][core][format]")
{
    // A footer with a right checksum and a huge count of chunks.
    auto file = make({text("abc")});
    std::byte* const footer = file.data() + file.size() - 64;
    perdure::store_little<std::uint32_t>(footer + 24, 0xffffffff);
    perdure::store_little(footer + 60, perdure::crc32c(std::span(file).last(64).first(60)));
    error_code ec;
    read(file, ec);
    CHECK(ec == errc::malformed);
}
