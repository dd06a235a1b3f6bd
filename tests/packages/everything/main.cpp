// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Everything is linked; three headers are enough to see that the targets fit together.
#include <perdure/availability/two_state.hpp>
#include <perdure/config.hpp>
#include <perdure/snapshot/file.hpp>

#include <cstdio>

int main()
{
    perdure::save("consumer.snapshot", 42);
    std::printf("perdure %d.%d, loaded %d\n", PERDURE_VERSION_MAJOR, PERDURE_VERSION_MINOR,
                perdure::load<int>("consumer.snapshot"));
}
