// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_CHANCE_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_CHANCE_HPP

#include <cstddef>
#include <span>
#include <vector>

namespace perdure::availability {

/** The probability that something is so, and the probability that it is not, each with all of its digits.
 *
 *  Models of dependable systems mix 1e-12 and 1 - 1e-12 in one formula, and a double holds the first to sixteen digits but
 *  the second to four. A chance carries both numbers, and every operation below makes each of the two from products and sums
 *  of numbers that are not negative. Nothing is ever subtracted, so an expression of n independent inputs has a relative
 *  error of about n units in the last place on both numbers, down to the smallest normal double.
 *
 *  @par Invariant      yes >= 0, no >= 0, yes + no = 1 up to rounding.
 */
struct chance {
    double yes = 0; ///< P(it happens)
    double no = 1;  ///< P(it does not happen)

    constexpr chance() = default; ///< never
    /// `no` becomes 1 - p: right when p is what was measured and is small or moderate.
    constexpr chance(double p) : yes(p), no(1 - p) {}
    constexpr chance(double p, double complement) : yes(p), no(complement) {}
    /// The chance of the opposite of something that has the small probability `u`: {1 - u, u}.
    static constexpr chance complement_of(double u) { return {1 - u, u}; }

    constexpr chance operator!() const { return {no, yes}; }
    friend constexpr bool operator==(chance const&, chance const&) = default;
};

/// Both of two independent things.
constexpr chance both(chance a, chance b)
{
    return {a.yes * b.yes, a.no + a.yes * b.no};
}
/// At least one of two independent things.
constexpr chance either(chance a, chance b)
{
    return {a.yes + a.no * b.yes, a.no * b.no};
}
/// Exactly one of two independent things.
constexpr chance exactly_one(chance a, chance b)
{
    return {a.yes * b.no + a.no * b.yes, a.yes * b.yes + a.no * b.no};
}
/// `then` where `condition` is so, else `otherwise`: Shannon's expansion.
constexpr chance choose(chance condition, chance then, chance otherwise)
{
    return {condition.yes * then.yes + condition.no * otherwise.yes,
            condition.yes * then.no + condition.no * otherwise.no};
}

namespace detail {

/// Turns ways[0], ..., ways[m], the probabilities of exactly 0, ..., m - 1 and of m or more, over one more input.
constexpr void count_one_more(std::span<double> ways, chance input)
{
    auto const m = ways.size() - 1;
    ways[m] += ways[m - 1] * input.yes;
    for (std::size_t j = m - 1; j >= 1; --j) {
        ways[j] = ways[j] * input.no + ways[j - 1] * input.yes;
    }
    ways[0] *= input.no;
}

/// At least `k` of the inputs, 1 <= k <= n. `ways` is scratch memory of at least min(k, n - k + 1) + 1 numbers.
constexpr chance at_least(std::size_t k, std::span<chance const> inputs, std::span<double> ways)
{
    auto const n = inputs.size();
    // Count whichever of "so" and "not so" needs fewer: k so, or n - k + 1 not so.
    bool const count_no = n - k + 1 < k;
    ways = ways.first((count_no ? n - k + 1 : k) + 1);
    for (auto& w : ways) {
        w = 0;
    }
    ways[0] = 1;
    for (auto input : inputs) {
        count_one_more(ways, count_no ? !input : input);
    }
    double below = 0;
    for (std::size_t j = ways.size() - 1; j-- > 0;) {
        below += ways[j];
    }
    chance const counted{ways.back(), below};
    return count_no ? !counted : counted;
}

} // namespace detail

/** At least `k` of independent inputs. k = 0 is certain, k > n impossible.
 *  @par Complexity     O(n min(k, n - k + 1)) time; one allocation.
 */
constexpr chance at_least(std::size_t k, std::span<chance const> inputs)
{
    if (k == 0) {
        return {1, 0};
    }
    if (k > inputs.size()) {
        return {0, 1};
    }
    std::vector<double> ways(inputs.size() + 2);
    return detail::at_least(k, inputs, ways);
}

} // namespace perdure::availability

#endif
