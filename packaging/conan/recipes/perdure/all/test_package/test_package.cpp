// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include <perdure/ring.hpp>
#ifdef WITH_SNAPSHOT
#include <perdure/snapshot/file.hpp>
#endif

#include <cstdio>

int main()
{
    perdure::hash_ring const ring{"one", "two", "three"};
    std::printf("user:1 is on %s\n", ring.node_for("user:1").c_str());
#ifdef WITH_SNAPSHOT
    perdure::save("test_package.snapshot", 42);
    std::printf("loaded %d\n", perdure::load<int>("test_package.snapshot"));
#endif
}
