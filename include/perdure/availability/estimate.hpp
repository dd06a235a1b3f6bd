// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_ESTIMATE_HPP
#define PERDURE_AVAILABILITY_ESTIMATE_HPP

#include <perdure/availability/detail/require.hpp>

namespace perdure::availability {

/** How sure an interval is to contain the true value, and on which side it is open.
 *
 *  `two_sided(0.95)` leaves 2.5 % on either side; `lower(0.95)` is a lower bound alone and leaves
 *  5 % below it.
 *  @throws std::invalid_argument unless 0 < level < 1.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class confidence {
public:
    /// An interval with (1 - level) / 2 left on either side. 0 < level < 1.
    static constexpr confidence two_sided(double level)
    {
        return confidence(level, (1 - level) / 2, (1 - level) / 2);
    }
    /// A lower bound alone: above it lies the true value with probability `level`.
    static constexpr confidence lower(double level) { return confidence(level, 1 - level, 0); }
    /// An upper bound alone: below it lies the true value with probability `level`.
    static constexpr confidence upper(double level) { return confidence(level, 0, 1 - level); }

    /// Probability that the interval contains the true value; between 0 and 1, both excluded.
    [[nodiscard]] constexpr double level() const { return level_; }
    /// Probability left below the lower bound; 0 when there is no lower bound.
    [[nodiscard]] constexpr double below() const { return below_; }
    /// Probability left above the upper bound; 0 when there is no upper bound.
    [[nodiscard]] constexpr double above() const { return above_; }

    friend constexpr bool operator==(confidence const&, confidence const&) = default;

private:
    constexpr confidence(double level, double below, double above)
        : level_(level), below_(below), above_(above)
    {
        detail::require(level > 0 && level < 1, "confidence", level,
                        "it must lie between 0 and 1, both excluded");
    }

    double level_, below_, above_;
};

/// A value with the interval that contains the true one with `sure`. A side that is not bounded, or
/// that the data cannot bound, holds the end of the quantity's range.
template <class Quantity>
struct estimate {
    Quantity value;  ///< the best single figure
    Quantity lower;  ///< the interval's lower end
    Quantity upper;  ///< the interval's upper end
    confidence sure; ///< how sure the interval is, and on which sides it is bounded

    /// Whether x lies in the interval, its ends included.
    [[nodiscard]] constexpr bool contains(Quantity const& x) const
    {
        return lower <= x && x <= upper;
    }
};

} // namespace perdure::availability

#endif
