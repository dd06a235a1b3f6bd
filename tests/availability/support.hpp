// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_AVAILABILITY_SUPPORT_HPP
#define PERDURE_TESTS_AVAILABILITY_SUPPORT_HPP

#include "support/catch.hpp"
#include <perdure/availability/unavailability.hpp>

#include <cstdint>
#include <ostream>
#include <sstream>
#include <string>

namespace perdure::tests {

using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

/// Half a unit in the last printed place of a published number, as a relative tolerance: "1.50e-07"
/// -> 3.3e-3.
struct published {
    char const* digits;

    [[nodiscard]] double value() const { return std::stod(digits); }
    [[nodiscard]] bool agrees(double x) const
    {
        std::string const text = digits;
        auto const mantissa = text.substr(0, text.find_first_of("eE"));
        auto const dot = mantissa.find('.');
        auto const places = dot == std::string::npos ? 0 : mantissa.size() - dot - 1;
        double step = 0.5 * 1.0000001;
        for (std::size_t i = 0; i < places; ++i) {
            step /= 10;
        }
        if (mantissa.size() != text.size()) {
            step *= std::stod("1" + text.substr(mantissa.size()));
        }
        double const difference = x - value();
        return difference <= step && -difference <= step;
    }
    friend std::ostream& operator<<(std::ostream& out, published const& p)
    {
        return out << p.digits;
    }
};

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every system, unlike std::
/// distributions.
class random_numbers {
public:
    explicit random_numbers(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next()
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }

private:
    std::uint64_t state_;
};

/// What() of the exception that `f` throws; empty if it throws nothing.
template <class Exception, class F>
std::string message_of(F&& f)
{
    try {
        f();
    } catch (Exception const& e) {
        return e.what();
    }
    return {};
}

} // namespace perdure::tests

namespace Catch {

template <>
struct StringMaker<perdure::availability::unavailability> {
    static std::string convert(perdure::availability::unavailability u)
    {
        return StringMaker<double>::convert(u.value());
    }
};
template <>
struct StringMaker<perdure::availability::probability> {
    static std::string convert(perdure::availability::probability p)
    {
        return StringMaker<double>::convert(p.value());
    }
};

} // namespace Catch

#endif
