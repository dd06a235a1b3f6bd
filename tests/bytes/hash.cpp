// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/bytes/hash.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace {

// xxHash's own known answers (cli/xsum_sanity_check.c) are over this generated buffer.
constexpr std::uint64_t prime32 = 2654435761u;
constexpr std::uint64_t prime64 = 11400714785074694797u;

std::vector<unsigned char> sanity_buffer()
{
    std::vector<unsigned char> buffer(2368);
    std::uint64_t generator = prime32;
    for (auto& byte : buffer) {
        byte = static_cast<unsigned char>(generator >> 56);
        generator *= prime64;
    }
    return buffer;
}

struct known64 {
    std::size_t size;
    std::uint64_t seed, expected;
};
struct known128 {
    std::size_t size;
    std::uint64_t seed, low, high;
};

} // namespace

// A user's types.
namespace shop {
struct order_key {
    std::string customer;
    std::uint32_t number;
    friend std::uint64_t hash_key(order_key const& k, std::uint64_t seed)
    {
        return perdure::hash_fields(seed, k.customer, k.number);
    }
};
enum class region : std::uint8_t { north = 1, south = 2 };
struct opaque {};
} // namespace shop

TEST_CASE("xxh3_64 gives xxHash's published answers for every size class", "[bytes][hash]")
{
    auto const buffer = sanity_buffer();
    auto const row = GENERATE(values<known64>({
        {0, 0, 0x2D06800538D394C2},    {0, prime64, 0xA8A6B918B2F0364A},
        {1, 0, 0xC44BDFF4074EECDB},    {1, prime64, 0x032BE332DD766EF8},
        {6, 0, 0x27B56A84CD2D7325},    {6, prime64, 0x84589C116AB59AB9},
        {12, 0, 0xA713DAF0DFBB77E7},   {12, prime64, 0xE7303E1B2336DE0E},
        {24, 0, 0xA3FE70BF9D3510EB},   {24, prime64, 0x850E80FC35BDD690},
        {48, 0, 0x397DA259ECBA1F11},   {48, prime64, 0xADC2CBAA44ACC616},
        {80, 0, 0xBCDEFBBB2C47C90A},   {80, prime64, 0xC6DD0CB699532E73},
        {195, 0, 0xCD94217EE362EC3A},  {195, prime64, 0xBA68003D370CB3D9},
        {403, 0, 0xCDEB804D65C6DEA4},  {403, prime64, 0x6259F6ECFD6443FD},
        {2367, 0, 0xCB37AEB9E5D361ED}, {2367, prime64, 0xD2DB3415B942B42A},
    }));
    CHECK(perdure::xxh3_64(buffer.data(), row.size, row.seed) == row.expected);
    perdure::xxh3_stream stream(row.seed);
    for (std::size_t i = 0; i < row.size; i += 7)
        stream.update(buffer.data() + i, std::min<std::size_t>(7, row.size - i));
    CHECK(stream.digest_64() == row.expected);
}

TEST_CASE("xxh3_64 is xxHash's for every short size, seed and alignment", "[bytes][hash]")
{
    auto const buffer = sanity_buffer();
    for (std::uint64_t const seed : {std::uint64_t{0}, std::uint64_t{1}, prime64, ~prime64,
                                     std::uint64_t{0x8000000000000000}, ~std::uint64_t{0}})
        for (std::size_t size = 0; size != 40; ++size)
            for (std::size_t from = 0; from != 300; ++from) {
                INFO("seed " << seed << ", size " << size << ", from " << from);
                REQUIRE(perdure::xxh3_64(buffer.data() + from, size, seed) ==
                        XXH3_64bits_withSeed(buffer.data() + from, size, seed));
            }
}

TEST_CASE("xxh3_128 gives xxHash's published answers", "[bytes][hash]")
{
    auto const buffer = sanity_buffer();
    auto const row = GENERATE(values<known128>({
        {0, 0, 0x6001C324468D497F, 0x99AA06D3014798D8},
        {1, prime32, 0xB53D5557E7F76F8D, 0x89B99554BA22467C},
        {12, 0, 0x061A192713F69AD9, 0x6E3EFD8FC7802B18},
        {81, prime32, 0x703FBB3D7A5F755C, 0x2724EC7ADC750FB6},
        {222, 0, 0xF1AEBD597CEC6B3A, 0x337E09641B948717},
        {403, prime64, 0x6259F6ECFD6443FD, 0xBED311971E0BE8F2},
        {2367, prime32, 0x6F5360AE69C2F406, 0xD23AAE4B76C31ECB},
    }));
    auto const expected = perdure::hash128{row.high, row.low};
    CHECK((perdure::xxh3_128(buffer.data(), row.size, row.seed) == expected));
    perdure::xxh3_stream stream(row.seed);
    stream.update(buffer.data(), row.size / 2);
    auto const half = stream;
    stream.update(buffer.data() + row.size / 2, row.size - row.size / 2);
    CHECK((stream.digest_128() == expected));
    // A copied stream goes on by itself.
    auto other = half;
    auto const& itself = other;
    other = itself;
    other.update(buffer.data() + row.size / 2, row.size - row.size / 2);
    CHECK((other.digest_128() == expected));
}

TEST_CASE("xxh64 gives xxHash's published answers", "[bytes][hash]")
{
    auto const buffer = sanity_buffer();
    auto const row = GENERATE(values<known64>({
        {0, 0, 0xEF46DB3751D8E999},
        {0, prime32, 0xAC75FDA2929B17EF},
        {1, prime32, 0x5014607643A9B4C3},
        {4, 0, 0x9136A0DCA57457EE},
        {14, prime32, 0xC3BD6BF63DEB6DF0},
        {222, 0, 0xB641AE8CB691C174},
        {222, prime32, 0x20CB8AB7AE10C14A},
    }));
    CHECK(perdure::xxh64(buffer.data(), row.size, row.seed) == row.expected);
}

TEST_CASE("hash_key: the way a text is held does not matter", "[bytes][hash]")
{
    auto const expected = perdure::hash_key(std::string_view("user:17"));
    CHECK(perdure::hash_key("user:17") == expected);
    CHECK(perdure::hash_key(std::string("user:17")) == expected);
    char const* pointer = "user:17";
    CHECK(perdure::hash_key(pointer) == expected);
    CHECK(perdure::hash_key(std::u8string_view(u8"user:17")) == expected);
    CHECK(perdure::hash_key(std::vector<unsigned char>{'u', 's', 'e', 'r', ':', '1', '7'}) ==
          expected);
    CHECK(perdure::hash_key(std::string_view()) == perdure::hash_key(""));
}

TEST_CASE("hash_key: the width of an integer does not matter, its sign does", "[bytes][hash]")
{
    auto const expected = perdure::hash_key(std::uint64_t{42});
    CHECK(perdure::hash_key(42) == expected);
    CHECK(perdure::hash_key(std::int8_t{42}) == expected);
    CHECK(perdure::hash_key(42ULL) == expected);
    CHECK(perdure::hash_key('*') == expected);
    CHECK(perdure::hash_key(-1) == perdure::hash_key(~std::uint64_t{0}));
    CHECK(perdure::hash_key(-1) != perdure::hash_key(std::uint32_t(-1)));
    CHECK(perdure::hash_key(static_cast<char>(0xe9)) == perdure::hash_key(0xe9));
    // Little-endian on every machine.
    std::array<unsigned char, 8> const bytes{8, 7, 6, 5, 4, 3, 2, 1};
    CHECK(perdure::hash_key(0x0102030405060708) == perdure::hash_key(bytes));
}

TEST_CASE("hash_key: values that may never change", "[bytes][hash]")
{
    CHECK(perdure::hash_key("") == 0x2D06800538D394C2);
    // The first two are also what xxHash's own command prints: printf perdure | xxhsum -H3
    CHECK(perdure::hash_key("perdure") == 0xA5A535DCC752E0A6);
    CHECK(perdure::hash_key("perdure", 1) == 0x67E310E59C616A67);
    CHECK(perdure::hash_key(0) == 0xC77B3ABB6F87ACD9);
    CHECK(perdure::hash_key(-5, 7) == 0x57DBB9477FBCE738);
    CHECK(perdure::hash_fields(0, "node1", 12) == 0xA9D20F9DFFCCB7F3);
    // Bytes above 127, where the signedness of char has broken other ports.
    std::string all;
    for (int i = 0; i != 256; ++i)
        all.push_back(static_cast<char>(i));
    CHECK(perdure::hash_key(all) == 0x9408A4433B952D71);
}

TEST_CASE("hash_key: a user's type brings its own, composed of fields", "[bytes][hash]")
{
    perdure::key_hasher const hasher{99};
    CHECK(hasher(shop::order_key{"ann", 7}) == perdure::hash_fields(99, "ann", 7));
    CHECK(hasher(shop::region::south) == perdure::hash_key(2, 99));
    CHECK(hasher(shop::region::south) != perdure::key_hasher{98}(shop::region::south));
}

TEST_CASE("hash_fields: field boundaries and order count", "[bytes][hash]")
{
    CHECK(perdure::hash_fields(0, "node1", "12") != perdure::hash_fields(0, "node11", "2"));
    CHECK(perdure::hash_fields(0, "", "a") != perdure::hash_fields(0, "a", ""));
    CHECK(perdure::hash_fields(0, 1, 2) != perdure::hash_fields(0, 2, 1));
    CHECK(perdure::hash_fields(5) == 5);
}

static_assert(perdure::hashable_key<std::string>);
static_assert(perdure::hashable_key<char[4]>);
static_assert(perdure::hashable_key<bool>);
static_assert(perdure::hashable_key<shop::order_key>);
static_assert(perdure::hashable_key<shop::region>);
static_assert(perdure::hashable_key<std::array<std::byte, 16>>);
static_assert(!perdure::hashable_key<double>);
static_assert(!perdure::hashable_key<int*>);
static_assert(!perdure::hashable_key<wchar_t>);
static_assert(!perdure::hashable_key<std::wstring>);
static_assert(!perdure::hashable_key<std::vector<int>>);
static_assert(!perdure::hashable_key<shop::opaque>);
