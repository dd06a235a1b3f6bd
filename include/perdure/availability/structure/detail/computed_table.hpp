// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_COMPUTED_TABLE_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_COMPUTED_TABLE_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

namespace perdure::availability::detail {

/// Mixes three words; used by tables where only the spread matters.
inline std::uint32_t mix(std::uint32_t a, std::uint32_t b, std::uint32_t c)
{
    std::uint64_t x = a * 0x9e3779b97f4a7c15ULL;
    x ^= b * 0xc2b2ae3d27d4eb4fULL;
    x ^= c * 0x165667b19e3779f9ULL;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9ULL;
    return static_cast<std::uint32_t>(x >> 32);
}

/** Remembers results of an operation on three words; a newer one takes the place of an older one that hashes alike.
 *
 *  A recursion over diagrams is polynomial only as long as results are found again, so the table doubles whenever it was
 *  filled twice over, independently of how many nodes there are (a threshold of 100 inputs has 2 500 nodes and needs far more
 *  results), up to 64 MiB.
 */
class computed_table {
public:
    /// @param never    a first word that is never looked up
    explicit computed_table(std::uint32_t never)
        : entries_(std::size_t{1} << 10, entry{never, 0, 0, 0})
    {
        never_ = never;
    }

    [[nodiscard]] std::uint32_t const* find(std::uint32_t a, std::uint32_t b, std::uint32_t c) const
    {
        auto const& e = entries_[mix(a, b, c) & (entries_.size() - 1)];
        return e.a == a && e.b == b && e.c == c ? &e.result : nullptr;
    }
    std::uint32_t remember(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t result)
    {
        if (++remembered_ > 2 * entries_.size() && entries_.size() < entries_max) {
            grow();
        }
        entries_[mix(a, b, c) & (entries_.size() - 1)] = {a, b, c, result};
        return result;
    }

private:
    static constexpr std::size_t entries_max = std::size_t{1} << 22;

    struct entry {
        std::uint32_t a, b, c, result;
    };

    void grow()
    {
        std::vector<entry> old(2 * entries_.size(), entry{never_, 0, 0, 0});
        old.swap(entries_);
        for (auto const& e : old) {
            if (e.a != never_) {
                entries_[mix(e.a, e.b, e.c) & (entries_.size() - 1)] = e;
            }
        }
        remembered_ = 0;
    }

    std::vector<entry> entries_;
    std::uint32_t never_;
    std::size_t remembered_ = 0;
};

} // namespace perdure::availability::detail

#endif
