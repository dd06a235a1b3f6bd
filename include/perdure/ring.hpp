// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_HPP
#define PERDURE_RING_HPP

#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/moved_ranges.hpp>
#include <perdure/ring/node_index.hpp>
#include <perdure/ring/published.hpp>

#endif
