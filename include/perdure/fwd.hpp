// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_FWD_HPP
#define PERDURE_FWD_HPP

// What a host names in its own headers, declared with its default arguments and not defined: include
// this there, and a part's header where the part is used. Includes nothing of Boost.

#include <perdure/config.hpp>

#include <string>

namespace perdure {

// world: what a process sees of its surroundings
struct posix_calls;
template <class Calls = posix_calls>
class basic_system_world;
using system_world = basic_system_world<>;

// detector: which peers are up
class phi_accrual;
template <class Estimator>
struct basic_detector_options;
template <class Estimator = phi_accrual, class World = system_world>
class basic_detector;
template <class World = system_world>
class basic_heartbeat_sender;
template <class World = system_world>
class basic_heartbeat_listener;
/// The estimator is phi-accrual, the world the system's.
using detector = basic_detector<>;
using detector_options = basic_detector_options<phi_accrual>;
using heartbeat_sender = basic_heartbeat_sender<>;
using heartbeat_listener = basic_heartbeat_listener<>;

// wal, snapshot, durable: how state comes back
template <class World = system_world>
class basic_wal;
template <class World = system_world>
class basic_log_hold;
template <class World = system_world>
class basic_log_follower;
template <class World = system_world>
class basic_log_scrubber;
template <class World = system_world>
class basic_snapshot_store;
template <class Command>
struct archive_command_codec;
template <class State, class Command, class World = system_world,
          class Codec = archive_command_codec<Command>, class Log = basic_wal<World>,
          class Snapshots = basic_snapshot_store<World>>
class basic_durable;
/// On the system's world: `wal log(io_context, {.directory = "log"})`.
using wal = basic_wal<>;
using log_follower = basic_log_follower<>;
using log_scrubber = basic_log_scrubber<>;
using snapshot_store = basic_snapshot_store<>;
template <class State, class Command>
using durable = basic_durable<State, Command>;

// ring: who owns a key
struct key_hasher;
template <class Node = std::string, class Hash = key_hasher>
class basic_hash_ring;
template <class Node = std::string, class Hash = key_hasher>
class basic_slot_table;
template <class Node = std::string, class Hash = key_hasher>
class basic_maglev;
template <class Node = std::string, class Hash = key_hasher>
class basic_dx_hash;
template <class Node = std::string, class Hash = key_hasher>
class basic_multi_probe_hash;
template <class Node = std::string, class Hash = key_hasher, bool Weighted = false>
class basic_rendezvous_hash;
template <class Hash = key_hasher>
class basic_jump_hash;
template <class Hash = key_hasher>
class basic_choose_k;
template <class Rules>
class basic_compatible_ring;
class envoy_maglev;
template <class T>
class published;
using hash_ring = basic_hash_ring<>;
using slot_table = basic_slot_table<>;
using maglev = basic_maglev<>;
using dx_hash = basic_dx_hash<>;
using multi_probe_hash = basic_multi_probe_hash<>;
using rendezvous_hash = basic_rendezvous_hash<>;
using weighted_rendezvous_hash = basic_rendezvous_hash<std::string, key_hasher, true>;
using jump_hash = basic_jump_hash<>;
using choose_k = basic_choose_k<>;

// placement: where the replicas are
class placement_map;
class replica_ring;
class replica_inventory;
class movement_queue;
struct movement_plan;

// simulation: would it hold
namespace simulation {
class cluster;
class world;
class disk_files;
template <class Files = disk_files>
class basic_disk_world;
} // namespace simulation

} // namespace perdure

#endif
