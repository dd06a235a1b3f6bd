// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/bytes/codec.hpp>

#include <array>
#include <string>

namespace {

std::string hex(std::span<std::byte const> bytes)
{
    std::string out;
    for (auto b : bytes) {
        out += "0123456789abcdef"[static_cast<unsigned>(b) >> 4];
        out += "0123456789abcdef"[static_cast<unsigned>(b) & 15];
    }
    return out;
}

std::vector<std::byte> one_of_each()
{
    std::vector<std::byte> out;
    perdure::byte_writer w(out);
    w.u8(0x01);
    w.u16(0x0203);
    w.u32(0x04050607);
    w.u64(0x08090a0b0c0d0e0f);
    w.i64(-2);
    w.f64(-0.5);
    w.boolean(true);
    w.sized_text("abc");
    w.zeros(11);
    return out;
}

} // namespace

TEST_CASE("byte_writer: integers stand little-endian and unpadded", "[bytes][core]")
{
    CHECK(hex(one_of_each()) == "01"
                                "0302"
                                "07060504"
                                "0f0e0d0c0b0a0908"
                                "feffffffffffffff"
                                "000000000000e0bf"
                                "01"
                                "03000000616263"
                                "0000000000000000000000");
}

TEST_CASE("byte_reader: reads back what was written", "[bytes][core]")
{
    auto const bytes = one_of_each();
    perdure::byte_reader r(bytes);
    CHECK(r.u8() == 0x01);
    CHECK(r.u16() == 0x0203);
    CHECK(r.u32() == 0x04050607);
    CHECK(r.u64() == 0x08090a0b0c0d0e0f);
    CHECK(r.i64() == -2);
    CHECK(r.f64() == -0.5);
    CHECK(r.boolean());
    CHECK(r.sized_text(3) == "abc");
    CHECK(r.remaining() == 11);
    CHECK(r.ok());
    CHECK_FALSE(r.finished());
    r.skip(11);
    CHECK(r.finished());
}

TEST_CASE("byte_reader: every truncation fails, and stays failed", "[bytes][core]")
{
    auto const bytes = one_of_each();
    for (std::size_t n = 0; n != bytes.size(); ++n) {
        INFO("first " << n << " bytes");
        perdure::byte_reader r(std::span<std::byte const>(bytes).first(n));
        r.u8(), r.u16(), r.u32(), r.u64(), r.i64(), r.f64(), r.boolean();
        r.sized_text(3);
        r.skip(11);
        CHECK_FALSE(r.ok());
        CHECK_FALSE(r.finished());
        CHECK(r.remaining() == 0);
        CHECK(r.u8() == 0);
        CHECK(r.bytes(0).empty());
        CHECK_FALSE(r.ok());
    }
}

TEST_CASE("byte_reader: a length above its bound or beyond the buffer yields nothing",
          "[bytes][core]")
{
    std::array<std::byte, 8> const bytes{std::byte{4}, {}, {}, {}, std::byte{'w'}};
    CHECK(perdure::byte_reader(bytes).sized_bytes(4).size() == 4);
    perdure::byte_reader bounded(bytes);
    CHECK(bounded.sized_bytes(3).empty());
    CHECK_FALSE(bounded.ok());

    std::array<std::byte, 8> const huge{std::byte{255}, std::byte{255}, std::byte{255},
                                        std::byte{255}};
    perdure::byte_reader beyond(huge);
    CHECK(beyond.sized_bytes(SIZE_MAX).empty());
    CHECK_FALSE(beyond.ok());
}

TEST_CASE("byte_reader: a boolean is 0 or 1", "[bytes][core]")
{
    std::array<std::byte, 1> const two{std::byte{2}};
    perdure::byte_reader r(two);
    r.boolean();
    CHECK_FALSE(r.ok());
}

TEST_CASE("span_writer: writes what fits and says when something did not", "[bytes][core]")
{
    std::array<std::byte, 6> room{};
    perdure::span_writer w(room);
    w.u32(0x01020304);
    CHECK(w.ok());
    w.u32(5);
    CHECK_FALSE(w.ok());
    w.u8(6);
    CHECK_FALSE(w.ok());
    CHECK(hex(w.written()) == "04030201");
    CHECK(hex(room) == "040302010000");
}

TEST_CASE("load_little, store_little: any alignment", "[bytes][core]")
{
    std::array<std::byte, 16> room{};
    for (std::size_t at = 0; at <= 8; ++at) {
        perdure::store_little(room.data() + at, std::uint64_t{0x1122334455667788});
        CHECK(perdure::load_little<std::uint64_t>(room.data() + at) == 0x1122334455667788);
        CHECK(perdure::load_little<std::uint16_t>(room.data() + at) == 0x7788);
        CHECK(perdure::load_little<std::int8_t>(room.data() + at + 7) == 0x11);
    }
}
