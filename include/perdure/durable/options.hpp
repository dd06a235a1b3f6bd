// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_OPTIONS_HPP
#define PERDURE_DURABLE_OPTIONS_HPP

#include <perdure/durable/sessions.hpp>
#include <perdure/snapshot/options.hpp>
#include <perdure/snapshot/slices.hpp>
#include <perdure/wal/options.hpp>
#include <perdure/wal/position.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure {

namespace asio = boost::asio;

/// How far an opening has come.
struct durable_progress {
    /// What an opening does, in this order.
    enum class stage : std::uint8_t {
        opening_log,      ///< Finds the log's end.
        loading_snapshot, ///< Reads and decodes the newest good one.
        replaying,        ///< Applies the records behind the snapshot.
        fetching,         ///< Waits for `lost_ranges`.
    };
    /// What it does now.
    stage at = stage::opening_log;
    position next = 0;  ///< While replaying: the record that comes next.
    position until = 0; ///< Where replaying ends.
    friend bool operator==(durable_progress const&, durable_progress const&) = default;
};

/// In a few words, for people.
constexpr std::string_view to_string(durable_progress::stage s) noexcept
{
    switch (s) {
    case durable_progress::stage::opening_log:
        return "opening the log";
    case durable_progress::stage::loading_snapshot:
        return "loading a snapshot";
    case durable_progress::stage::replaying:
        return "replaying";
    case durable_progress::stage::fetching:
        return "fetching lost records";
    }
    return "unknown stage";
}

/** Gives the records at positions that this log lost, from a copy that has them: `source(range, done)`.
 *
 *  Calls `done(error_code, records)` once, now or later, on the durable state's executor; without an error with exactly
 *  one record for each position, in order, byte for byte as they were logged.
 *
 *  A copy whose log is another one gives records of its own (encode_durable_record) that come to a state which may stand
 *  in place of the lost one: say all that it has in the first record, and records without effect for the other positions.
 *  What clients of async_execute_once gave in the lost range is then forgotten.
 */
using range_source = std::function<void(
    position_range, std::function<void(error_code, std::vector<std::vector<std::byte>>)>)>;

/// Where a durable state lives and how often a snapshot of it is taken.
struct durable_options {
    /// Holds two directories, `log` and `snapshots`. One object at a time has it open.
    std::string directory;

    /** A snapshot is taken in the background when this many bytes of commands were logged since the last one; 0: never.
     *
     *  More bytes mean a longer replay on recovery, fewer mean more writing: each snapshot costs about the
     *  size of the encoded state. One is also taken after an opening that found the log longer on the disk than twice
     *  this and four segments, as many short lives of the process make it.
     */
    std::uint64_t snapshot_every_bytes = 64U << 20;

    wal_options log{};            ///< Its directory is filled in.
    /** Set `type`, such as "accounts/1": it is recorded in snapshots and log, and a program that has another type there
     *  is refused with errc::wrong_type. A log that was written without one is read, and says it from then on. `log_id` is
     *  filled in: snapshots of another log are refused with errc::wrong_log.
     */
    snapshot_options snapshots{};

    /** A first guess of how long the process runs before it fails; 0: only bytes decide when a snapshot is taken.
     *
     *  With it a snapshot is also due after the interval that is best for the measured cost of a snapshot, the measured
     *  speed of replay, and the failures so far, of which the guess counts as one (availability::snapshot_interval).
     *  Failures are openings after the log was not closed; their history is kept in the snapshots.
     */
    std::chrono::duration<double> mean_time_between_failures{0};

    session_options sessions{}; ///< For async_execute_once.

    slice_options slices{}; ///< For fuzzy_state, and viewable_state without an executor.

    /// Where views are encoded, such as a thread pool's executor; empty: on the loop, in slices.
    asio::any_io_executor snapshot_executor{};

    /** Fills in what the log lost. With it, opening reads the whole log and does not refuse one with losses; without
     *  it, the log's mode decides.
     *
     *  A snapshot is taken before the opening ends, so that the loss is healed here too.
     */
    range_source lost_ranges{};

    /// Called on the loop while opening, at most once for some thousand records.
    std::function<void(durable_progress const&)> on_progress{};
};

namespace detail {

// Throws std::invalid_argument naming field, value and rule. Log and snapshots check their own.
inline durable_options checked(durable_options o)
{
    if (o.directory.empty())
        throw std::invalid_argument(
            "durable_options::directory is empty; name a directory for the state");
    if (o.sessions.clients == 0)
        throw std::invalid_argument("session_options::clients is 0; at least 1 must be remembered, "
                                    "or no command is done only once");
    auto const mtbf = o.mean_time_between_failures.count();
    if (!(mtbf >= 0 && mtbf <= std::numeric_limits<double>::max()))
        throw std::invalid_argument("durable_options::mean_time_between_failures is " + std::to_string(mtbf) +
                                    " s; it must be finite and not below 0");
    check(o.slices);
    return o;
}

} // namespace detail

} // namespace perdure

#endif
