// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_EVENT_HPP
#define PERDURE_SIMULATION_EVENT_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace perdure::simulation {

/// What can happen in a simulated cluster. Those from `message_lost` on are faults and their
/// results.
enum class event : std::uint8_t {
    handler_ran,
    process_started,
    message_sent,
    message_delivered,
    connection_opened,
    bytes_delivered, ///< of a stream
    job_started,     ///< a file job
    file_written,
    file_synced,
    directory_synced,
    name_changed, ///< a creation, rename or removal

    // -- network
    message_lost,
    message_blocked, ///< by a partition
    message_duplicated,
    message_reordered, ///< delivered before one that was sent earlier on the same link
    message_corrupted,
    message_overflowed, ///< the link or the receiver's buffer was full
    message_unclaimed,  ///< nobody listened at its port
    link_clogged,
    send_refused, ///< try_send took fewer messages than it was given
    segment_retransmitted,
    transfer_shortened, ///< a stream read or wrote less than it could have
    connection_refused,
    connection_reset,
    connection_timed_out,
    link_cut,
    partition_healed,

    // -- process and clock
    process_crashed, ///< the machine lost power
    process_killed,  ///< the process ended, its machine did not
    process_frozen,
    process_thawed,
    machine_suspended,
    machine_resumed,
    clock_stepped,
    clock_drifted,

    // -- disk
    read_failed,
    write_failed,
    sync_failed,
    disk_stalled,
    disk_full,
    bit_flipped,
    disk_wiped,
    job_interrupted,   ///< a crash came while a file job was running
    write_interrupted, ///< a crash came while bytes were being written
    page_lost,         ///< its un-synced bytes are gone after a crash
    page_kept,         ///< they had reached the disk all the same
    page_torn,         ///< some of its sectors had
    page_dropped,      ///< its bytes were given up by a failed sync
    size_lost,         ///< an un-synced change of a file's size is gone after a crash
    size_kept,
    name_lost, ///< an un-synced creation, rename or removal is gone after a crash
    name_kept,
};

/// How many kinds of events there are.
inline constexpr std::size_t event_count = static_cast<std::size_t>(event::name_kept) + 1;

/// The name in plain words: "message lost".
constexpr char const* to_string(event e) noexcept
{
    switch (e) {
    case event::handler_ran:
        return "handler ran";
    case event::process_started:
        return "process started";
    case event::message_sent:
        return "message sent";
    case event::message_delivered:
        return "message delivered";
    case event::connection_opened:
        return "connection opened";
    case event::bytes_delivered:
        return "bytes delivered";
    case event::job_started:
        return "file job started";
    case event::file_written:
        return "file written";
    case event::file_synced:
        return "file synced";
    case event::directory_synced:
        return "directory synced";
    case event::name_changed:
        return "name changed";
    case event::message_lost:
        return "message lost";
    case event::message_blocked:
        return "message blocked by a partition";
    case event::message_duplicated:
        return "message duplicated";
    case event::message_reordered:
        return "message reordered";
    case event::message_corrupted:
        return "message corrupted";
    case event::message_overflowed:
        return "message dropped by a full buffer";
    case event::message_unclaimed:
        return "message to a port where nobody listens";
    case event::link_clogged:
        return "link clogged";
    case event::send_refused:
        return "send refused for a while";
    case event::segment_retransmitted:
        return "segment retransmitted";
    case event::transfer_shortened:
        return "read or write shortened";
    case event::connection_refused:
        return "connection refused";
    case event::connection_reset:
        return "connection reset";
    case event::connection_timed_out:
        return "connection timed out";
    case event::link_cut:
        return "link cut";
    case event::partition_healed:
        return "partition healed";
    case event::process_crashed:
        return "crashed (power lost)";
    case event::process_killed:
        return "killed";
    case event::process_frozen:
        return "frozen";
    case event::process_thawed:
        return "thawed";
    case event::machine_suspended:
        return "suspended";
    case event::machine_resumed:
        return "resumed";
    case event::clock_stepped:
        return "clock stepped";
    case event::clock_drifted:
        return "clock drift changed";
    case event::read_failed:
        return "read failed";
    case event::write_failed:
        return "write failed";
    case event::sync_failed:
        return "sync failed";
    case event::disk_stalled:
        return "disk stalled";
    case event::disk_full:
        return "disk full";
    case event::bit_flipped:
        return "bit flipped on disk";
    case event::disk_wiped:
        return "disk wiped";
    case event::job_interrupted:
        return "file job interrupted by a crash";
    case event::write_interrupted:
        return "write interrupted by a crash";
    case event::page_lost:
        return "un-synced page lost";
    case event::page_kept:
        return "un-synced page kept";
    case event::page_torn:
        return "un-synced page torn";
    case event::page_dropped:
        return "page dropped by a failed sync";
    case event::size_lost:
        return "un-synced file size lost";
    case event::size_kept:
        return "un-synced file size kept";
    case event::name_lost:
        return "un-synced name lost";
    case event::name_kept:
        return "un-synced name kept";
    }
    return "unknown event";
}

/// How often each event happened. Add the counters of many runs to see what a campaign really
/// tested.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class counters {
public:
    std::uint64_t& operator[](event e) noexcept { return counts_[static_cast<std::size_t>(e)]; }
    std::uint64_t operator[](event e) const noexcept
    {
        return counts_[static_cast<std::size_t>(e)];
    }

    counters& operator+=(counters const& other) noexcept
    {
        for (std::size_t i = 0; i != event_count; ++i)
            counts_[i] += other.counts_[i];
        return *this;
    }
    friend bool operator==(counters const&, counters const&) = default;

    /// Calls `f(event, count)` for every event in the order of the enumeration.
    template <class F>
    void for_each(F f) const
    {
        for (std::size_t i = 0; i != event_count; ++i)
            f(static_cast<event>(i), counts_[i]);
    }

private:
    std::array<std::uint64_t, event_count> counts_{};
};

/// One line per event that happened, the count in front.
inline std::string to_string(counters const& all)
{
    std::string text;
    all.for_each([&](event e, std::uint64_t count) {
        if (count == 0)
            return;
        auto number = std::to_string(count);
        text.append(number.size() < 10 ? 10 - number.size() : 0, ' ').append(number);
        text.append("  ").append(to_string(e)).append("\n");
    });
    return text;
}

} // namespace perdure::simulation

#endif
