// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/detector/heartbeat_codec.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace perdure;

namespace {

using bytes = std::vector<std::byte>;

// Not a real code: enough to tell keys and messages apart.
struct toy_key {
    static constexpr std::size_t tag_size = 8;
    std::uint64_t key;
    void sign(std::span<std::byte const> message, std::span<std::byte> tag) const
    {
        std::uint64_t h = key;
        for (auto const b : message)
            h = (h ^ static_cast<std::uint64_t>(b)) * 0x100000001b3ULL;
        store_little(tag.data(), h);
    }
};
struct toy_key_long : toy_key {
    static constexpr std::size_t tag_size = 16;
    void sign(std::span<std::byte const> message, std::span<std::byte> tag) const
    {
        toy_key::sign(message, tag.first(8));
        toy_key::sign(message, tag.last(8));
    }
};
struct no_key {};
static_assert(message_authenticator<toy_key> && message_authenticator<toy_key_long>);
static_assert(!message_authenticator<no_key>);

heartbeat const plain{0x0102030405060708,
                      0x1112131415161718,
                      0x2122232425262728,
                      0x3132333435363738,
                      std::chrono::microseconds(250000),
                      false,
                      {}};
heartbeat const full{
    1, 2, 3, 4, std::chrono::microseconds(0xffffffff), true, work_progress{0x4142434445464748, 9}};

bytes encode(heartbeat const& h, authentication const& keys = {})
{
    std::array<std::byte, heartbeat_size_written_max> room;
    auto const written = encode_heartbeat(h, keys, room);
    return {written.begin(), written.end()};
}

struct decoded {
    error_code ec;
    heartbeat h;
};

decoded decode(bytes const& from, authentication const& keys = {})
{
    // A copy of exactly this size, so that a sanitizer sees a read beyond it.
    auto const copy = std::make_unique<std::byte[]>(from.size());
    std::copy(from.begin(), from.end(), copy.get());
    decoded d;
    d.ec = errc::malformed;
    d.h = decode_heartbeat({copy.get(), from.size()}, keys, d.ec);
    return d;
}

// Puts the right checksum behind a message that was changed.
bytes sealed(bytes b)
{
    auto const end = b.size() - 4;
    store_little(b.data() + end, crc32c(std::span(b).first(end)));
    return b;
}

std::string hex(bytes const& b)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (auto const x : b) {
        text += digits[static_cast<unsigned>(x) >> 4];
        text += digits[static_cast<unsigned>(x) & 15];
    }
    return text;
}

} // namespace

TEST_CASE("heartbeat_codec: version 1.0 has these bytes", "[detector][core][format]")
{
    // The checksums were computed bit by bit in another language.
    CHECK(hex(encode(plain)) == "70646862"
                                "01"
                                "00"
                                "00"
                                "00"
                                "0807060504030201"
                                "1817161514131211"
                                "2827262524232221"
                                "3837363534333231"
                                "90d00300"
                                "0000"
                                "0000"
                                "558e53bd");
    CHECK(hex(encode(full)) == "70646862"
                               "01"
                               "00"
                               "01"
                               "00"
                               "0100000000000000"
                               "0200000000000000"
                               "0300000000000000"
                               "0400000000000000"
                               "ffffffff"
                               "1400"
                               "0000"
                               "0100"
                               "1000"
                               "4847464544434241"
                               "0900000000000000"
                               "1a1e09a1");
}

TEST_CASE("heartbeat_codec: what was written is read", "[detector][core][format]")
{
    authentication const keys(toy_key{7});
    for (auto const& h : {plain, full}) {
        for (auto const& k : {authentication(), keys}) {
            auto const d = decode(encode(h, k), k);
            CHECK(!d.ec);
            CHECK(d.h == h);
        }
    }
    heartbeat slow = plain;
    slow.interval = std::chrono::hours(2);
    CHECK(decode(encode(slow)).h.interval == std::chrono::microseconds(0xffffffff));
}

TEST_CASE("heartbeat_codec: no proper prefix and no extension is believed",
          "[detector][core][format]")
{
    for (auto const& whole : {encode(plain), encode(full)}) {
        for (std::size_t n = 0; n != whole.size(); ++n) {
            CAPTURE(n);
            CHECK(decode({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)}).ec);
        }
        auto longer = whole;
        longer.push_back(std::byte{0});
        CHECK(decode(longer).ec == errc::checksum_mismatch);
        CHECK(decode(sealed(longer)).ec == errc::malformed);
    }
    CHECK(decode({}).ec == errc::truncated);
    CHECK(decode(bytes(51)).ec == errc::truncated);
    CHECK(decode(bytes(52)).ec == errc::bad_magic);
    CHECK(decode(bytes(heartbeat_size_max)).ec == errc::bad_magic);
    CHECK(decode(bytes(heartbeat_size_max + 1)).ec == errc::too_large);
}

TEST_CASE("heartbeat_codec: no message with a flipped bit or a changed byte is believed",
          "[detector][core][format]")
{
    authentication const keys(toy_key{7});
    auto const whole = encode(full, keys);
    for (std::size_t i = 0; i != whole.size(); ++i) {
        for (int change = 1; change != 256; ++change) {
            auto b = whole;
            b[i] ^= static_cast<std::byte>(change);
            auto const d = decode(b, keys);
            if (!d.ec || d.h != heartbeat{}) {
                CAPTURE(i, change);
                FAIL("believed");
            }
        }
    }
}

TEST_CASE("heartbeat_codec: behind a right checksum, forged content needs the key",
          "[detector][core][format]")
{
    authentication const keys(toy_key{7});
    auto const whole = encode(full, keys);
    for (std::size_t i = 0; i != whole.size() - 4; ++i) {
        auto b = whole;
        b[i] ^= std::byte{0x40};
        CAPTURE(i);
        CHECK(decode(sealed(b), keys).ec);
    }
    CHECK(decode(encode(full), keys).ec == errc::not_authentic);
    CHECK(decode(encode(full, authentication(toy_key{8})), keys).ec == errc::not_authentic);
    CHECK(decode(encode(full, authentication(toy_key_long{{7}})), keys).ec == errc::not_authentic);
    CHECK(decode(encode(full, keys)).ec == errc::not_authentic);
    CHECK(error_code(errc::not_authentic) == condition::protocol);
}

TEST_CASE("heartbeat_codec: a key is replaced without a pause", "[detector][core]")
{
    toy_key const old_key{1};
    toy_key_long const new_key{{2}};
    authentication const before(old_key);
    auto const first = authentication(old_key).accept(new_key);
    auto const second = authentication(new_key).accept(old_key);
    authentication const after(new_key);
    // Neighbouring steps of the change understand one another.
    std::array const steps{&before, &first, &second, &after};
    for (std::size_t i = 0; i + 1 != steps.size(); ++i) {
        CAPTURE(i);
        CHECK(!decode(encode(plain, *steps[i]), *steps[i + 1]).ec);
        CHECK(!decode(encode(plain, *steps[i + 1]), *steps[i]).ec);
    }
    CHECK(decode(encode(plain, before), after).ec == errc::not_authentic);
}

TEST_CASE("heartbeat_codec: version 1.0 forbids what it doesn't define", "[detector][core][format]")
{
    auto const changed = [](bytes b, std::size_t at, int value) {
        b[at] = static_cast<std::byte>(value);
        return sealed(b);
    };
    auto const p = encode(plain);
    auto const f = encode(full);
    CHECK(decode(changed(p, 4, 2)).ec == errc::unsupported_version);
    CHECK(decode(changed(p, 4, 0)).ec == errc::unsupported_version);
    CHECK(decode(changed(p, 6, 2)).ec == errc::malformed);
    CHECK(decode(changed(p, 7, 1)).ec == errc::malformed); // a tag that is not there
    CHECK(decode(changed(p, 46, 1)).ec == errc::malformed);
    CHECK(decode(changed(p, 44, 1)).ec == errc::malformed);
    CHECK(decode(changed(f, 44, 19)).ec == errc::malformed);
    CHECK(decode(changed(f, 48, 2)).ec == errc::malformed);  // unknown field
    CHECK(decode(changed(f, 50, 15)).ec == errc::malformed); // field too short
    CHECK(decode(changed(f, 50, 17)).ec == errc::malformed); // field longer than the fields
    auto twice = f;
    twice.insert(twice.begin() + 48, f.begin() + 48, f.begin() + 68);
    twice[44] = std::byte{40};
    CHECK(decode(sealed(twice)).ec == errc::malformed);
}

TEST_CASE("heartbeat_codec: what a newer minor version adds is skipped", "[detector][core][format]")
{
    auto b = encode(full);
    b[5] = std::byte{1};
    b[6] |= std::byte{0x80};
    b[46] = std::byte{5};
    bytes const unknown{std::byte{9}, std::byte{0}, std::byte{3}, std::byte{0},
                        std::byte{1}, std::byte{2}, std::byte{3}};
    b.insert(b.begin() + 48, unknown.begin(), unknown.end());
    b[44] = std::byte{27};
    auto const d = decode(sealed(b));
    CHECK(!d.ec);
    CHECK(d.h == full);
    // Also a field that has grown, but not one that has shrunk.
    auto grown = encode(full);
    grown[5] = std::byte{1};
    grown.insert(grown.begin() + 68, std::byte{1});
    grown[44] = std::byte{21};
    grown[50] = std::byte{17};
    CHECK(decode(sealed(grown)).h == full);
    grown[5] = std::byte{0};
    CHECK(decode(sealed(grown)).ec == errc::malformed);
    auto shrunk = encode(full);
    shrunk[5] = std::byte{1};
    shrunk.erase(shrunk.begin() + 67);
    shrunk[44] = std::byte{19};
    shrunk[50] = std::byte{15};
    CHECK(decode(sealed(shrunk)).ec == errc::malformed);
}
