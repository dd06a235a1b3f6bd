// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_TEXT_HPP
#define PERDURE_AVAILABILITY_TEXT_HPP

#include <perdure/availability/estimate.hpp>
#include <perdure/availability/unavailability.hpp>

#include <algorithm>
#include <cstdio>
#include <string>

// Quantities as a person writes them, for reports. Not for reading back: use the numbers.
namespace perdure::availability {

/// Three significant digits and the largest fitting unit: "43.2 min", "8.76 h", "250 ms", "never
/// ends" for infinity.
inline std::string to_text(duration t)
{
    double const s = t.count();
    if (s == detail::infinity) {
        return "never ends";
    }
    struct unit {
        double seconds;
        char const* name;
    };
    constexpr unit units[] = {{365 * 86400.0, "years"},
                              {86400, "d"},
                              {3600, "h"},
                              {60, "min"},
                              {1, "s"},
                              {1e-3, "ms"},
                              {1e-6, "us"}};
    unit best = units[std::size(units) - 1];
    if (s == 0) {
        return "0 s";
    }
    for (auto const& u : units) {
        // Two days are said in hours, two years in days: people compare budgets in the finer unit.
        if (s >= (u.seconds > 60 ? 2 : 1) * u.seconds * 0.9995) {
            best = u;
            break;
        }
    }
    double const x = s / best.seconds;
    char text[64];
    if (x >= 1e6) {
        std::snprintf(text, sizeof text, "%.3g %s", x, best.name);
    } else {
        std::snprintf(text, sizeof text, "%.*f %s",
                      x >= 99.95   ? 0
                      : x >= 9.995 ? 1
                                   : 2,
                      x, best.name);
    }
    return text;
}

template <class Kind>
std::string to_text(mean_time<Kind> t)
{
    return t.is_infinite() ? "infinite" : to_text(t.value());
}

/// The availability in percent with two digits after its last nine: "99.950 %", "99.99971 %". Exact
/// at any number of nines.
inline std::string to_text(unavailability u)
{
    if (u == 0) {
        return "100 %";
    }
    // 100 - 100 u is rounded in decimal, digit by digit, since the double 1 - u has no digits left
    // beyond 16 nines.
    int const places = std::clamp(static_cast<int>(u.nines()), 0, 300);
    char down[400];
    std::snprintf(down, sizeof down, "%.*f", places + 1, 100 * u.value());
    std::string text = down;
    // 100.000 - text
    auto const dot = text.find('.');
    text.insert(0, 3 - std::min<std::size_t>(dot, 3), '0');
    std::string result = "100" + std::string(text.size() - 3, '0');
    result[3] = '.';
    int borrow = 0;
    for (std::size_t i = text.size(); i-- > 0;) {
        if (i == 3) {
            continue;
        }
        int digit = (result[i] - '0') - (text[i] - '0') - borrow;
        borrow = digit < 0 ? 1 : 0;
        result[i] = static_cast<char>('0' + digit + 10 * borrow);
    }
    auto const first = std::min(result.find_first_not_of('0'), std::size_t{2});
    return result.substr(first) + " %";
}

/// "99.95 % (99.90 % to 99.97 %, 90 % sure)".
template <class Quantity>
std::string to_text(estimate<Quantity> const& e)
{
    char sure[32];
    std::snprintf(sure, sizeof sure, ", %.4g %% sure)", 100 * e.sure.level());
    return to_text(e.value) + " (" + to_text(e.lower) + " to " + to_text(e.upper) + sure;
}
/// The interval of an availability runs from the larger unavailability to the smaller.
inline std::string to_text(estimate<unavailability> const& e)
{
    char sure[32];
    std::snprintf(sure, sizeof sure, ", %.4g %% sure)", 100 * e.sure.level());
    return to_text(e.value) + " (" + to_text(e.upper) + " to " + to_text(e.lower) + sure;
}

} // namespace perdure::availability

#endif
