// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/bytes/crc32c.hpp>

#include <algorithm>
#include <random>
#include <vector>

namespace {

using bytes = std::vector<std::byte>;

bytes counting(int first, int step)
{
    bytes out(32);
    for (std::size_t i = 0; i != out.size(); ++i)
        out[i] = static_cast<std::byte>(first + step * static_cast<int>(i));
    return out;
}

bytes random_bytes(std::size_t size, std::mt19937_64& random)
{
    bytes out(size);
    std::generate(out.begin(), out.end(), [&] { return static_cast<std::byte>(random()); });
    return out;
}

// One bit at a time, straight from the definition.
std::uint32_t by_definition(std::span<std::byte const> data)
{
    std::uint32_t c = ~0u;
    for (auto b : data) {
        c ^= static_cast<std::uint32_t>(b);
        for (int bit = 0; bit != 8; ++bit)
            c = (c >> 1) ^ ((c & 1) ? 0x82f63b78u : 0u);
    }
    return ~c;
}

void check_known(bytes const& data, std::uint32_t expected)
{
    CHECK(perdure::crc32c(data) == expected);
    CHECK(perdure::crc32c_software(data) == expected);
}

} // namespace

TEST_CASE("crc32c: the examples of RFC 3720, B.4", "[bytes][core]")
{
    check_known(bytes(32), 0x8a9136aa);
    check_known(bytes(32, std::byte{0xff}), 0x62a8ab43);
    check_known(counting(0, 1), 0x46dd794e);
    check_known(counting(31, -1), 0x113fdb5c);
    // "An iSCSI - SCSI Read (10) Command PDU".
    bytes pdu(48);
    pdu[0] = std::byte{0x01}, pdu[1] = std::byte{0xc0};
    pdu[16] = std::byte{0x14}, pdu[22] = std::byte{0x04}, pdu[27] = std::byte{0x14};
    pdu[31] = std::byte{0x18}, pdu[32] = std::byte{0x28}, pdu[40] = std::byte{0x02};
    check_known(pdu, 0xd9963a56);
}

TEST_CASE("crc32c: nothing, and the check value of the catalogues", "[bytes][core]")
{
    check_known({}, 0);
    auto const digits = perdure::as_bytes("123456789");
    check_known(bytes(digits.begin(), digits.end()), 0xe3069283);
}

TEST_CASE("crc32c: every length up to 1000 and around the lane sizes agrees with the definition",
          "[bytes][core]")
{
    std::mt19937_64 random(1);
    auto const data = random_bytes(10'000, random);
    std::vector<std::size_t> sizes{3071, 3072, 3073, 3072 + 383, 3072 + 384, 6143, 6144, 9999};
    for (std::size_t n = 0; n <= 1000; ++n)
        sizes.push_back(n);
    for (auto n : sizes) {
        auto const some = std::span(data).subspan(n % 8 == 3 ? 1 : 0, n);
        auto const expected = by_definition(some);
        if (perdure::crc32c(some) != expected || perdure::crc32c_software(some) != expected)
            FAIL_CHECK("wrong for " << n << " bytes");
    }
}

TEST_CASE("crc32c: extending and combining give the checksum of the whole", "[bytes][core]")
{
    std::mt19937_64 random(2);
    for (int round = 0; round != 300; ++round) {
        auto const data = random_bytes(random() % 20'000, random);
        auto const cut = data.empty() ? 0 : random() % data.size();
        auto const a = std::span(data).first(cut);
        auto const b = std::span(data).subspan(cut);
        auto const whole = perdure::crc32c(data);
        CHECK(perdure::crc32c(b, perdure::crc32c(a)) == whole);
        CHECK(perdure::crc32c_software(b, perdure::crc32c(a)) == whole);
        CHECK(perdure::crc32c_combine(perdure::crc32c(a), perdure::crc32c(b), b.size()) == whole);
    }
}

TEST_CASE("crc32c_combine: lengths beyond memory compose", "[bytes][core]")
{
    // Appending m and then n bytes is appending m + n bytes; c is the checksum of n zeros by
    // powers.
    auto zeros = [](std::uint64_t n) {
        std::uint32_t of_power = perdure::crc32c(bytes(1));
        std::uint32_t sum = 0;
        for (std::uint64_t power = 1; n != 0; n >>= 1, power *= 2) {
            if (n & 1)
                sum = perdure::crc32c_combine(sum, of_power, power);
            of_power = perdure::crc32c_combine(of_power, of_power, power);
        }
        return sum;
    };
    CHECK(zeros(5000) == perdure::crc32c(bytes(5000)));
    for (std::uint64_t m : {0x7ffffffeull, 0x7fffffffull, 0x80000000ull, 0x123456789abcdefull})
        for (std::uint64_t n : {1ull, 0x7fffffffull, 0x40000000000000ull})
            CHECK(perdure::crc32c_combine(zeros(m), zeros(n), n) == zeros(m + n));
}

TEST_CASE("crc32c: every flip of one bit, and every burst of up to 32 bits, is seen",
          "[bytes][core]")
{
    std::mt19937_64 random(3);
    auto data = random_bytes(256, random);
    auto const before = perdure::crc32c(data);
    for (std::size_t bit = 0; bit != 8 * data.size(); ++bit) {
        data[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        CHECK(perdure::crc32c(data) != before);
        data[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    }
    for (std::size_t at = 0; at + 4 <= data.size(); ++at) {
        auto const old = perdure::load_little<std::uint32_t>(data.data() + at);
        auto const burst = static_cast<std::uint32_t>(random()) | 1u;
        perdure::store_little(data.data() + at, old ^ burst);
        CHECK(perdure::crc32c(data) != before);
        perdure::store_little(data.data() + at, old);
    }
}
