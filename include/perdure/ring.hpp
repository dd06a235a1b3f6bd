// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_HPP
#define PERDURE_RING_HPP

// The rings of others, ring/envoy.hpp and ring/ketama.hpp, are included by name.

#include <perdure/ring/bounded_loads.hpp>
#include <perdure/ring/choose_k.hpp>
#include <perdure/ring/dx_hash.hpp>
#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/jump_hash.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/maglev.hpp>
#include <perdure/ring/moved_ranges.hpp>
#include <perdure/ring/multi_probe_hash.hpp>
#include <perdure/ring/node_index.hpp>
#include <perdure/ring/published.hpp>
#include <perdure/ring/redis_slots.hpp>
#include <perdure/ring/rendezvous_hash.hpp>
#include <perdure/ring/slot_table.hpp>

#endif
