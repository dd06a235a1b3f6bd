// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_UNAVAILABILITY_HPP
#define PERDURE_AVAILABILITY_UNAVAILABILITY_HPP

#include <perdure/availability/units.hpp>

#include <concepts>

// The unavailability U is what every formula here computes, never 1 - A: at nine nines 1 - A keeps
// seven digits of U, at fifteen nines three, and at seventeen none.
namespace perdure::availability {

/// A number in [0, 1]. @throws std::invalid_argument
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class probability {
public:
    /// @throws std::invalid_argument unless the value lies in [0, 1]
    constexpr explicit probability(double value) : value_(value)
    {
        detail::require(detail::within(value, 0, 1), "probability", value, "it must lie in [0, 1]");
    }
    /// In [0, 1].
    [[nodiscard]] constexpr double value() const { return value_; }
    /// 1 - value(), with the digits that the value has left there.
    [[nodiscard]] constexpr probability complement() const { return probability(1 - value_); }

    friend constexpr auto operator<=>(probability const&, probability const&) = default;
    friend constexpr bool operator==(probability const&, probability const&) = default;
    friend constexpr auto operator<=>(probability const& a, double b) { return a.value_ <=> b; }
    friend constexpr bool operator==(probability const& a, double b) { return a.value_ == b; }

private:
    double value_;
};

class unavailability;

/// A model that has a long-run unavailability: `model.steady_state()` returns an unavailability.
template <class Model>
concept steady_state_model = requires(Model const& model) {
    {
        model.steady_state()
    } -> std::same_as<unavailability>;
};

/** The share of time in which something is down, or the probability of finding it down. In [0, 1].
 *
 *  Its own type, so that 0.001 (down) and 0.999 (up) cannot be mixed up in a formula.
 *  @throws std::invalid_argument from the constructors.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class unavailability {
public:
    constexpr explicit unavailability(double down) : value_(down)
    {
        detail::require(detail::within(down, 0, 1), "unavailability", down,
                        "it must lie in [0, 1]");
    }
    constexpr explicit unavailability(probability down) : value_(down.value()) {}
    /// The long-run unavailability of `model`.
    template <steady_state_model Model>
    constexpr explicit unavailability(Model const& model) : unavailability(model.steady_state())
    {
    }
    /// 1 - `up`, with the digits that `up` still has: 0.999999999 gives 1e-9 with a relative error
    /// of 3e-8.
    static constexpr unavailability from_availability(double up)
    {
        detail::require(detail::within(up, 0, 1), "availability", up, "it must lie in [0, 1]");
        return unavailability(1 - up);
    }

    /// In [0, 1].
    [[nodiscard]] constexpr double value() const { return value_; }
    /// 1 - value(). For showing to people; a value below 1e-16 is lost in it.
    [[nodiscard]] constexpr double availability() const { return 1 - value_; }
    /// -log10 of the value: 3.3 for 5e-4; infinite for 0.
    [[nodiscard]] constexpr double nines() const
    {
        return value_ == 0 ? detail::infinity : 0 - detail::log10(value_);
    }
    /// Expected time down within `period`.
    [[nodiscard]] constexpr duration downtime(duration period) const { return value_ * period; }

    constexpr operator probability() const { return probability(value_); }

    friend constexpr auto operator<=>(unavailability const&, unavailability const&) = default;
    friend constexpr bool operator==(unavailability const&, unavailability const&) = default;
    friend constexpr auto operator<=>(unavailability const& a, double b) { return a.value_ <=> b; }
    friend constexpr bool operator==(unavailability const& a, double b) { return a.value_ == b; }

private:
    double value_;
};

/** The largest n with u <= 10^-n, compared with the power of ten itself and not with a rounded
 *  logarithm.
 *
 *  unavailability(1e-4) has 4; the next double above it has 3. At most 30, also for u = 0.
 */
constexpr int whole_nines(unavailability u)
{
    // Literals are the doubles nearest to the powers of ten; products would not be.
    constexpr double powers[] = {1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,  1e-8,
                                 1e-9,  1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16,
                                 1e-17, 1e-18, 1e-19, 1e-20, 1e-21, 1e-22, 1e-23, 1e-24,
                                 1e-25, 1e-26, 1e-27, 1e-28, 1e-29, 1e-30};
    int n = 0;
    for (double power : powers) {
        if (u.value() > power) {
            break;
        }
        ++n;
    }
    return n;
}
template <steady_state_model Model>
constexpr int whole_nines(Model const& model)
{
    return whole_nines(model.steady_state());
}

} // namespace perdure::availability

#endif
