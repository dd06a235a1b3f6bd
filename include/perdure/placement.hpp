// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_HPP
#define PERDURE_PLACEMENT_HPP

#include <perdure/placement/cluster_node.hpp>
#include <perdure/placement/epoch_fence.hpp>
#include <perdure/placement/hot_keys.hpp>
#include <perdure/placement/load_report.hpp>
#include <perdure/placement/loss.hpp>
#include <perdure/placement/movement_plan.hpp>
#include <perdure/placement/movement_queue.hpp>
#include <perdure/placement/movement_svg.hpp>
#include <perdure/placement/placed_copysets.hpp>
#include <perdure/placement/placement_codec.hpp>
#include <perdure/placement/placement_diff.hpp>
#include <perdure/placement/placement_map.hpp>
#include <perdure/placement/placement_rules.hpp>
#include <perdure/placement/placement_spec.hpp>
#include <perdure/placement/range_plan.hpp>
#include <perdure/placement/replica_inventory.hpp>
#include <perdure/placement/replica_ring.hpp>
#include <perdure/placement/survival.hpp>

#endif
