// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include <perdure/ring.hpp>

#include <cstdio>

#ifdef BOOST_VERSION
#error the ring includes Boost
#endif

int main()
{
    perdure::hash_ring const ring{"one", "two", "three"};
    std::printf("user:1 is on %s\n", ring.node_for("user:1").c_str());
}
