// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include <perdure/fwd.hpp>
#if defined(BOOST_VERSION) || defined(BOOST_CONFIG_HPP)
#error "fwd.hpp includes something of Boost"
#endif

#include <memory>

// A host's own header needs no more than the declarations.
struct host {
    std::shared_ptr<perdure::wal> log;
    std::shared_ptr<perdure::detector> detector;
    std::shared_ptr<perdure::snapshot_store> snapshots;
    std::shared_ptr<perdure::durable<host, int>> state;
    perdure::hash_ring* ring = nullptr;
    perdure::simulation::cluster* cluster = nullptr;
};

#include "every_header.hpp"

int other_file();

int main()
{
    return host().ring ? 1 : other_file();
}
