// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_DETAIL_SAVE_STATE_HPP
#define PERDURE_DURABLE_DETAIL_SAVE_STATE_HPP

#include <perdure/durable/detail/durable_image.hpp>
#include <perdure/durable/options.hpp>
#include <perdure/durable/sessions.hpp>
#include <perdure/durable/state_machine.hpp>
#include <perdure/wal/position.hpp>

#include <utility>

namespace perdure::detail {

/* Begins a snapshot of a state in the way that its type offers: from a view, in slices while it changes, or whole.
 *
 * The state has every record before `next`. at_end(sessions) gives, for a state that changes meanwhile, the position that it
 * has reached and its clients' sessions then.
 */
template <class Snapshots, class State, class AtEnd, class Handler>
void save_state(Snapshots& snapshots, State const& state, client_sessions const& sessions,
                failure_history const& history, position next, durable_options const& options, AtEnd at_end,
                Handler done)
{
    if constexpr (viewable_state<State>) {
        auto as_now = [next](client_sessions const& then) { return std::pair(next, &then); };
        durable_slices slices(version_of<State>(), history, sessions, state.view(), as_now);
        if (options.snapshot_executor)
            snapshots.async_save_view(std::move(slices), next, options.snapshot_executor, std::move(done));
        else
            snapshots.async_save_in_slices(std::move(slices), next, options.slices, std::move(done));
    } else if constexpr (fuzzy_state<State>) {
        snapshots.async_save_in_slices(
            durable_slices(version_of<State>(), history, sessions, state.slices(), std::move(at_end)), next,
            options.slices, std::move(done));
    } else {
        durable_image<State> image;
        image.state = &state;
        image.sessions = sessions;
        image.history = history;
        image.complete = next;
        snapshots.async_save(image, next, durable_codec{}, std::move(done));
    }
}

} // namespace perdure::detail

#endif
