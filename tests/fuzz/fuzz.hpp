// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_FUZZ_FUZZ_HPP
#define PERDURE_TESTS_FUZZ_FUZZ_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

/// The entry of a fuzzer: libFuzzer calls it, or replay.cpp with the kept corpus.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace fuzz {

/// Ends the program, so that the fuzzer keeps the input.
inline void require(bool holds, char const* what)
{
    if (holds)
        return;
    std::fprintf(stderr, "fuzz: violated: %s\n", what);
    std::abort();
}

inline std::span<std::byte const> bytes(std::uint8_t const* data, std::size_t size) noexcept
{
    return {reinterpret_cast<std::byte const*>(data), size};
}

} // namespace fuzz

#endif
