// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_STATE_MACHINE_HPP
#define PERDURE_DURABLE_STATE_MACHINE_HPP

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
 *  For snapshots the state must also be serializable by Boost.Serialization.
 */
template <class S, class Command>
concept state_machine = std::default_initializable<S> && std::movable<S> &&
                        requires(S& s, Command const& c) { s.apply(c); };

/** How commands become records of the log and back.
 *
 *  | expression          | meaning                                                       |
 *  |---------------------|---------------------------------------------------------------|
 *  | `Codec::encode(c)`  | the record's bytes                                            |
 *  | `Codec::decode(bytes)` | the command, or nullopt if the bytes are none; must not throw |
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

/// What applying a command gives; void if nothing.
template <class State, class Command>
using apply_result = decltype(std::declval<State&>().apply(std::declval<Command const&>()));

} // namespace perdure

#endif
