// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BYTES_CRC32C_HPP
#define PERDURE_BYTES_CRC32C_HPP

#include <perdure/bytes/codec.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define PERDURE_CRC32C_X86
#include <nmmintrin.h> // SSE4.2
#include <wmmintrin.h> // carry-less multiplication; <immintrin.h> is 35 000 lines more
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__) && defined(__linux__)
#define PERDURE_CRC32C_ARM
#include <sys/auxv.h>
#endif

namespace perdure {

// CRC-32C (Castagnoli), reflected, initial value and final xor of all ones: RFC 3720, section 12.1
// and appendix B.4. It detects every burst of up to 32 bits.
//
// With an instruction for it, one step handles eight bytes but its result takes three cycles. So
// long buffers are cut into three lanes that run interleaved, and the lanes are joined by shifting
// a checksum over the zeros that follow it, which is a multiplication modulo the polynomial.
// Without the instruction, eight tables handle eight bytes a step (slicing-by-8: Kounavis and
// Berry, "A systematic approach to building high performance software-based CRC generators", 2005).
// Which of the two is used is decided when the program runs.

namespace detail::crc {

inline constexpr std::uint32_t polynomial = 0x82f63b78; // reflected, without x^32

// a * b modulo the polynomial. Reflected: the highest bit is x^0.
constexpr std::uint32_t multiply(std::uint32_t a, std::uint32_t b) noexcept
{
    std::uint32_t product = 0;
    for (std::uint32_t bit = 0x80000000u; bit != 0; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = (b >> 1) ^ ((b & 1) ? polynomial : 0);
    }
    return product;
}

// x^n modulo the polynomial.
constexpr std::uint32_t x_to(std::uint64_t n) noexcept
{
    std::uint32_t result = 0x80000000u;
    std::uint32_t square = 0x40000000u;
    for (; n != 0; n >>= 1) {
        if (n & 1)
            result = multiply(result, square);
        square = multiply(square, square);
    }
    return result;
}

using tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr tables make_tables() noexcept
{
    tables t{};
    for (std::uint32_t i = 0; i != 256; ++i) {
        std::uint32_t c = i;
        for (int bit = 0; bit != 8; ++bit)
            c = (c >> 1) ^ ((c & 1) ? polynomial : 0);
        t[0][i] = c;
    }
    for (std::size_t i = 0; i != 256; ++i)
        for (std::size_t k = 1; k != 8; ++k)
            t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
    return t;
}

inline constexpr tables slices = make_tables();

// The functions below work on the raw register: neither initial value nor final xor.

inline std::uint32_t software(std::uint32_t c, std::byte const* p, std::size_t n) noexcept
{
    for (; n >= 8; n -= 8, p += 8) {
        std::uint64_t const v = load_little<std::uint64_t>(p) ^ c;
        c = slices[7][v & 0xff] ^ slices[6][(v >> 8) & 0xff] ^ slices[5][(v >> 16) & 0xff] ^
            slices[4][(v >> 24) & 0xff] ^ slices[3][(v >> 32) & 0xff] ^
            slices[2][(v >> 40) & 0xff] ^ slices[1][(v >> 48) & 0xff] ^ slices[0][v >> 56];
    }
    for (; n != 0; --n, ++p)
        c = (c >> 8) ^ slices[0][(c ^ static_cast<std::uint32_t>(*p)) & 0xff];
    return c;
}

#ifdef PERDURE_CRC32C_X86

// The register after `Bytes` zero bytes. The product of two reflected 32-bit polynomials stands one
// bit too low in 64, and the crc instruction multiplies by x^32: hence x^(8 Bytes - 33).
template <std::size_t Bytes>
__attribute__((target("sse4.2,pclmul"))) inline std::uint32_t shift(std::uint32_t c) noexcept
{
    constexpr std::uint32_t factor = x_to(8 * Bytes - 33);
    auto const product = _mm_clmulepi64_si128(_mm_cvtsi32_si128(static_cast<int>(c)),
                                              _mm_cvtsi32_si128(static_cast<int>(factor)), 0);
    return static_cast<std::uint32_t>(
        _mm_crc32_u64(0, static_cast<std::uint64_t>(_mm_cvtsi128_si64(product))));
}

// Three lanes of `Lane` bytes at a time, as long as they fit.
template <std::size_t Lane>
__attribute__((target("sse4.2,pclmul"))) inline std::uint64_t
three_lanes(std::uint64_t a, std::byte const*& p, std::size_t& n) noexcept
{
    for (; n >= 3 * Lane; n -= 3 * Lane, p += 3 * Lane) {
        std::uint64_t b = 0;
        std::uint64_t c = 0;
        for (std::size_t i = 0; i != Lane; i += 8) {
            a = _mm_crc32_u64(a, load_little<std::uint64_t>(p + i));
            b = _mm_crc32_u64(b, load_little<std::uint64_t>(p + Lane + i));
            c = _mm_crc32_u64(c, load_little<std::uint64_t>(p + 2 * Lane + i));
        }
        a = shift<2 * Lane>(static_cast<std::uint32_t>(a)) ^
            shift<Lane>(static_cast<std::uint32_t>(b)) ^ c;
    }
    return a;
}

__attribute__((target("sse4.2,pclmul"))) inline std::uint32_t
hardware(std::uint32_t c, std::byte const* p, std::size_t n) noexcept
{
    std::uint64_t state = c;
    state = three_lanes<1024>(state, p, n);
    state = three_lanes<128>(state, p, n);
    state = three_lanes<64>(state, p, n);
    for (; n >= 8; n -= 8, p += 8)
        state = _mm_crc32_u64(state, load_little<std::uint64_t>(p));
    auto low = static_cast<std::uint32_t>(state);
    if (n >= 4) { // Headers end so.
        low = _mm_crc32_u32(low, load_little<std::uint32_t>(p));
        n -= 4;
        p += 4;
    }
    for (; n != 0; --n, ++p)
        low = _mm_crc32_u8(low, static_cast<unsigned char>(*p));
    return low;
}

inline bool has_hardware() noexcept
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

#elif defined(PERDURE_CRC32C_ARM)

// By assembler, because the intrinsics exist only where the whole unit is compiled for them.
inline std::uint32_t step(std::uint32_t c, std::uint64_t v) noexcept
{
    asm(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(c) : "r"(v));
    return c;
}

inline std::uint32_t hardware(std::uint32_t c, std::byte const* p, std::size_t n) noexcept
{
    constexpr std::size_t lane = 1024;
    constexpr std::uint32_t over_one = x_to(8 * lane);
    constexpr std::uint32_t over_two = x_to(16 * lane);
    for (; n >= 3 * lane; n -= 3 * lane, p += 3 * lane) {
        std::uint32_t second = 0;
        std::uint32_t third = 0;
        for (std::size_t i = 0; i != lane; i += 8) {
            c = step(c, load_little<std::uint64_t>(p + i));
            second = step(second, load_little<std::uint64_t>(p + lane + i));
            third = step(third, load_little<std::uint64_t>(p + 2 * lane + i));
        }
        c = multiply(over_two, c) ^ multiply(over_one, second) ^ third;
    }
    for (; n >= 8; n -= 8, p += 8)
        c = step(c, load_little<std::uint64_t>(p));
    return software(c, p, n);
}

inline bool has_hardware() noexcept
{
    return (getauxval(AT_HWCAP) & (1ul << 7)) != 0; // HWCAP_CRC32
}

#else

inline std::uint32_t hardware(std::uint32_t c, std::byte const* p, std::size_t n) noexcept
{
    return software(c, p, n);
}

inline bool has_hardware() noexcept
{
    return false;
}

#endif

// Not a function-local static: that would cost a guard at every call. A call during the
// initialisation of static objects may come before it is set, and then runs in software.
inline bool const use_hardware = has_hardware();

} // namespace detail::crc

/** The CRC-32C of what `crc` covers followed by `bytes`; `crc` is 0 for nothing.
 *
 *  So `crc32c(b, crc32c(a))` is the checksum of a followed by b. Any number of bytes, any
 * alignment. Complexity: O(size), 8 bytes a step. Thread safety: pure.
 */
inline std::uint32_t crc32c(std::span<std::byte const> bytes, std::uint32_t crc = 0) noexcept
{
    return ~(detail::crc::use_hardware ? detail::crc::hardware(~crc, bytes.data(), bytes.size())
                                       : detail::crc::software(~crc, bytes.data(), bytes.size()));
}

/// The same by tables: what crc32c does on a processor that has no instruction for it.
inline std::uint32_t crc32c_software(std::span<std::byte const> bytes,
                                     std::uint32_t crc = 0) noexcept
{
    return ~detail::crc::software(~crc, bytes.data(), bytes.size());
}

/** The CRC-32C of a followed by b, from the checksum of each and the number of bytes of b.
 *
 *  Complexity: O(log size), about a microsecond.
 */
constexpr std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b,
                                       std::uint64_t size_b) noexcept
{
    // x has the order 2^31 - 1 modulo the polynomial, so the exponent may be reduced by it.
    constexpr std::uint64_t order = 0x7fffffff;
    return detail::crc::multiply(detail::crc::x_to(8 * (size_b % order) % order), crc_a) ^ crc_b;
}

} // namespace perdure

#undef PERDURE_CRC32C_X86
#undef PERDURE_CRC32C_ARM

#endif
