// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_RANDOM_HPP
#define PERDURE_SIMULATION_RANDOM_HPP

#include <perdure/bytes/hash.hpp>

#include <array>
#include <bit>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace perdure::simulation {

/** A stream of random numbers that is the same on every machine.
 *
 *  Every part of a simulation draws from a stream of its own, named by a label, so that one draw
 *  more in one part leaves all the others as they were. Decisions use integer arithmetic only (and
 *  one exact scaling of a probability), because the library's logarithm may differ between two
 *  machines.
 *
 *  Models std::uniform_random_bit_generator; do not hand it to std:: distributions, whose results
 *  differ between standard libraries.
 *
 *  @par Algorithm      xoshiro256** seeded by splitmix64 [Blackman and Vigna, Scrambled Linear
 *                      Pseudorandom Number Generators, ACM TOMS 47, 2021].
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class random_stream {
public:
    using result_type = std::uint64_t;

    /// Streams of one seed and different labels are independent of one another.
    explicit random_stream(std::uint64_t seed, std::string_view label = {}) noexcept
    {
        auto x = xxh3_64(label.data(), label.size(), seed);
        for (auto& word : state_)
            word = splitmix(x);
    }

    /// 64 random bits.
    std::uint64_t operator()() noexcept
    {
        auto const result = std::rotl(state_[1] * 5, 7) * 9;
        auto const t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }
    /// For the standard's distributions.
    static constexpr std::uint64_t min() noexcept { return 0; }
    /// For the standard's distributions.
    static constexpr std::uint64_t max() noexcept { return ~std::uint64_t(0); }

    /// A number in [0, n), each equally likely. Precondition: n > 0.
    std::uint64_t below(std::uint64_t n) noexcept
    {
        assert(n > 0);
        auto const mask = ~std::uint64_t(0) >> std::countl_zero((n - 1) | 1);
        for (;;)
            if (auto const x = (*this)() & mask; x < n)
                return x;
    }

    /// A number in [first, last], each equally likely. Precondition: first <= last.
    std::int64_t between(std::int64_t first, std::int64_t last) noexcept
    {
        assert(first <= last);
        auto const width = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
        auto const offset = width == max() ? (*this)() : below(width + 1);
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(first) + offset);
    }
    std::chrono::nanoseconds between(std::chrono::nanoseconds first,
                                     std::chrono::nanoseconds last) noexcept
    {
        return std::chrono::nanoseconds(between(first.count(), last.count()));
    }

    /// True with the given probability. Always costs one draw, so that what follows does not depend
    /// on it.
    bool chance(double probability) noexcept
    {
        assert(probability >= 0 && probability <= 1);
        return ((*this)() >> 11) < static_cast<std::uint64_t>(probability * 0x1p53);
    }

    /** An exponentially distributed time with this mean, by inversion: -ln(u) * mean.
     *
     *  The logarithm is computed by repeated squaring of a 32-bit fraction: relative error below
     *  2^-20. Precondition: 0 <= mean <= 8 years.
     */
    std::chrono::nanoseconds exponential(std::chrono::nanoseconds mean) noexcept
    {
        assert(mean.count() >= 0 && mean.count() < std::int64_t(1) << 58);
        auto const u = (*this)() | 1;
        auto const zeros = std::countl_zero(u);
        auto y = (u << zeros) >> 32; // in [1, 2) with 31 fractional bits
        std::uint64_t log2_y = 0;    // 24 fractional bits
        for (int bit = 0; bit != 24; ++bit) {
            auto const square = y * y;
            auto const carry = square >> 63;
            log2_y = log2_y << 1 | carry;
            y = square >> (31 + carry);
        }
        auto const minus_log2_u = (static_cast<std::uint64_t>(zeros + 1) << 24) - log2_y;
        constexpr std::uint64_t ln2 = 2977044472;         // 32 fractional bits
        auto const minus_ln_u = minus_log2_u * ln2 >> 36; // 20 fractional bits
        auto const m = static_cast<std::uint64_t>(mean.count());
        return std::chrono::nanoseconds((m >> 20) * minus_ln_u +
                                        ((m & 0xfffff) * minus_ln_u >> 20));
    }

    /// Fills `bytes` with random bytes.
    void fill(std::span<std::byte> bytes) noexcept
    {
        std::uint64_t word = 0;
        for (std::size_t i = 0; i != bytes.size(); ++i, word >>= 8) {
            if (i % 8 == 0)
                word = (*this)();
            bytes[i] = static_cast<std::byte>(word);
        }
    }

private:
    static std::uint64_t splitmix(std::uint64_t& x) noexcept
    {
        auto z = x += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    std::array<std::uint64_t, 4> state_;
};

} // namespace perdure::simulation

#endif
