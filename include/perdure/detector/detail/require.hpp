// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_DETAIL_REQUIRE_HPP
#define PERDURE_DETECTOR_DETAIL_REQUIRE_HPP

#include <chrono>
#include <cstddef>
#include <sstream>
#include <stdexcept>
#include <string>

namespace perdure::detail {

// Bad configuration: says which field, its value and the rule.
template <class Value>
void require_option(bool holds, char const* field, Value const& value, char const* rule)
{
    if (holds)
        return;
    std::ostringstream text;
    if constexpr (requires { value.count(); })
        text << field << " is "
             << std::chrono::duration_cast<std::chrono::nanoseconds>(value).count() << " ns";
    else
        text << field << " is " << value;
    text << "; it must be " << rule;
    throw std::invalid_argument(text.str());
}

// Every duration of a configuration is bounded, so that sums with a time_point cannot overflow.
inline constexpr std::chrono::hours longest_duration{24 * 366 * 10};

inline void require_duration(std::chrono::nanoseconds value, char const* field)
{
    require_option(value > std::chrono::nanoseconds(0) && value <= longest_duration, field, value,
                   "above 0 and at most ten years");
}

inline void require_duration_or_zero(std::chrono::nanoseconds value, char const* field)
{
    require_option(value >= std::chrono::nanoseconds(0) && value <= longest_duration, field, value,
                   "at least 0 and at most ten years");
}

inline void require_window(std::size_t value, char const* field)
{
    require_option(value >= 1 && value <= 65536, field, value, "at least 1 and at most 65536");
}

} // namespace perdure::detail

#endif
