// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_CATCH_HPP
#define PERDURE_TESTS_SUPPORT_CATCH_HPP

// One source for Catch2 v3 and v2.13. Use WithinAbs and WithinRel, never Approx; compare strings with find.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_message.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
namespace Catch {
inline auto rngSeed()
{
    return getSeed();
}
} // namespace Catch
#else
#include <catch2/catch.hpp>
#define SKIP(message)                                                                              \
    do {                                                                                           \
        WARN("skipped: " << message);                                                              \
        return;                                                                                    \
    } while (false)
#endif

#endif
