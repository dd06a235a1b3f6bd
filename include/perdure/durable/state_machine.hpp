// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_STATE_MACHINE_HPP
#define PERDURE_DURABLE_STATE_MACHINE_HPP

#include <perdure/snapshot/slices.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

namespace perdure {

/** A state that is a function of its commands.
 *
 *  | expression | meaning                                                                              |
 *  |------------|--------------------------------------------------------------------------------------|
 *  | `State()`  | the state before the first command                                                   |
 *  | `s.apply(c)` | takes a command over and returns its result, or nothing. Deterministic: no clock, no randomness, no I/O, since replay must come to the same state. Must not throw: by then the command is durable |
 *
 *  For snapshots the state must also be serializable by Boost.Serialization, and may say more:
 *
 *  | expression                         | meaning                                                        |
 *  |------------------------------------|----------------------------------------------------------------|
 *  | `s.slices()`, `s.load_slices(ar)`  | with `replay_is_idempotent`: snapshots are taken a slice at a time while commands go on |
 *  | `S::replay_is_idempotent`          | true: applying commands again that the state already holds, in their order, comes to the same state |
 *  | `s.view()`, `s.load_slices(ar)`    | a slice_generator that owns an immutable view: snapshots are encoded elsewhere |
 *  | `S::exactly_once`                  | true: `async_execute_once` remembers results, which are then serializable too |
 *  | `S::previous_version`              | the type before this one: see has_previous_version             |
 */
template <class S, class Command>
concept state_machine = std::default_initializable<S> && std::movable<S> &&
                        requires(S& s, Command const& c) { s.apply(c); };

/** How commands become records of the log and back.
 *
 *  | expression          | meaning                                                       |
 *  |---------------------|---------------------------------------------------------------|
 *  | `Codec::encode(c)`  | the record's bytes; may throw, and then the command is refused |
 *  | `Codec::decode(bytes)` | the command, or nullopt if the bytes are none; must not throw |
 *  | `Codec::version()`, `Codec::decode(bytes, version)` | optional: the version that encode writes, from 1; and reading an older one |
 */
template <class Codec, class Command>
concept command_codec = requires(Command const& c, std::span<std::byte const> bytes) {
    {
        Codec::encode(c)
    } -> std::convertible_to<std::vector<std::byte>>;
    {
        Codec::decode(bytes)
    } -> std::same_as<std::optional<Command>>;
};

/// Snapshots of the state are taken in slices while commands go on.
template <class S>
concept fuzzy_state = loads_slices<S> && requires(S const& s) {
    requires S::replay_is_idempotent;
    {
        s.slices()
    } -> slice_generator;
};

/// Snapshots of the state are encoded from a view.
template <class S>
concept viewable_state = loads_slices<S> && requires(S const& s) {
    {
        s.view()
    } -> slice_generator;
};

/// Commands of known clients take effect once, however often they are given.
template <class S>
concept exactly_once_state = requires { requires S::exactly_once; };

/// What applying a command gives; void if nothing.
template <class State, class Command>
using apply_result = decltype(std::declval<State&>().apply(std::declval<Command const&>()));

} // namespace perdure

#endif
