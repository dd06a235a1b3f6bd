// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_DETAIL_APPLY_ONCE_HPP
#define PERDURE_DURABLE_DETAIL_APPLY_ONCE_HPP

#include <perdure/durable/sessions.hpp>
#include <perdure/durable/state_machine.hpp>
#include <perdure/error.hpp>
#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/codec.hpp>
#include <perdure/wal/position.hpp>

#include <string>
#include <type_traits>

namespace perdure::detail {

// What executing a command completes with.
template <class Result>
struct execute_signature_of {
    using type = void(error_code, Result);
};
template <>
struct execute_signature_of<void> {
    using type = void(error_code);
};

/* Applies a client's command, the record at `at`, unless it was applied before; then its result is
 * the one of the first time, or `ec` says why there is none.
 *
 * `command` may be null if it cannot be new.
 */
template <exactly_once_state State, class Command>
apply_result<State, Command> apply_once(State& state, client_sessions& sessions,
                                        client_command const& from, Command const* command,
                                        position at, session_options const& limits, error_code& ec)
{
    using result_type = apply_result<State, Command>;
    switch (sessions.judge(from)) {
    case client_sessions::verdict::apply:
        if constexpr (std::is_void_v<result_type>) {
            state.apply(*command);
            sessions.applied(from, at, {}, limits);
            return;
        } else {
            auto result = state.apply(*command);
            memory_sink sink;
            error_code lost; // A result that cannot be encoded is as one that is not kept: done is done.
            translate_encode([&] { portable_codec{}.encode(result, sink); }, lost);
            sessions.applied(from, at, lost ? std::string() : std::string(as_text(sink.bytes())),
                             limits);
            return result;
        }
    case client_sessions::verdict::repeated:
        if constexpr (std::is_void_v<result_type>) {
            return;
        } else {
            memory_source source(as_bytes(sessions.result_of(from)));
            result_type result{};
            error_code lost; // A program with another type of results may have kept it.
            translate_decode([&] { portable_codec{}.decode(source, result); }, lost);
            if (!lost)
                return result;
            ec = errc::result_forgotten;
        }
        break;
    case client_sessions::verdict::forgotten:
        ec = errc::result_forgotten;
        break;
    case client_sessions::verdict::unknown:
        ec = errc::session_expired;
        break;
    }
    return result_type();
}

} // namespace perdure::detail

#endif
