// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_EVENT_HPP
#define PERDURE_DETECTOR_EVENT_HPP

#include <perdure/detector/heartbeat.hpp>
#include <perdure/time.hpp>

#include <chrono>
#include <cstdint>
#include <iomanip>
#include <ostream>

namespace perdure {

/// What a monitor holds a peer to be.
enum class peer_status : std::uint8_t {
    unknown, ///< Watched, not yet heard, and the startup grace is not over.
    up,
    suspect, ///< Silent past the estimator's deadline; may come back at any time.
    down,    ///< Suspected for `down_after`, or it said that it leaves.
};

/// What happened to a peer.
enum class peer_change : std::uint8_t {
    up,        ///< First heard, or heard again after it was suspect or down.
    suspect,   ///< Silent past the deadline.
    down,      ///< Silent for `down_after` longer, or left.
    restarted, ///< A later boot of the node was heard; the peer is up without its earlier state.
};

/// Why a monitor decided so.
enum class peer_cause : std::uint8_t {
    heartbeat,   ///< A heartbeat came.
    silence,     ///< None came for too long.
    never_heard, ///< None ever came.
    left,        ///< The peer said that it stops.
    new_boot,    ///< A heartbeat of a later boot came.
};

/// The enumerator's name.
constexpr char const* to_string(peer_status s)
{
    switch (s) {
    case peer_status::unknown:
        return "unknown";
    case peer_status::up:
        return "up";
    case peer_status::suspect:
        return "suspect";
    case peer_status::down:
        return "down";
    }
    return "?";
}

constexpr char const* to_string(peer_change c)
{
    switch (c) {
    case peer_change::up:
        return "up";
    case peer_change::suspect:
        return "suspect";
    case peer_change::down:
        return "down";
    case peer_change::restarted:
        return "restarted";
    }
    return "?";
}

constexpr char const* to_string(peer_cause c)
{
    switch (c) {
    case peer_cause::heartbeat:
        return "heartbeat";
    case peer_cause::silence:
        return "silence";
    case peer_cause::never_heard:
        return "never heard";
    case peer_cause::left:
        return "left";
    case peer_cause::new_boot:
        return "new boot";
    }
    return "?";
}

/** What the monitor knew when it decided. For up and restarted, the silence and the level are those
 *  that the heartbeat ended.
 */
struct peer_evidence {
    peer_cause cause = peer_cause::heartbeat; ///< What made the monitor change its mind.
    peer_status before = peer_status::unknown; ///< The status that the change ended.
    boot_id boot = 0;                          ///< Of the latest heartbeat; 0 if never heard.
    boot_id previous_boot = 0;                 ///< For restarted: the boot before.
    std::uint64_t last_sequence = 0;           ///< Of the latest heartbeat.
    std::chrono::nanoseconds silence{0}; ///< Since the latest heartbeat, or since it is watched.
    std::chrono::nanoseconds limit{
        0}; ///< The silence at which the present status was or would be lost.
    std::chrono::nanoseconds observer_stalled{
        0};                     ///< How much of the silence the observer itself slept.
    double level = 0;           ///< The estimator's suspicion; what it means depends on the model.
    double threshold = 0;       ///< The level at which the peer is suspected.
    std::uint64_t samples = 0;  ///< Arrivals on which the estimate rests.
    std::uint64_t received = 0; ///< Heartbeats of this boot, without duplicates.
    std::uint64_t missing =
        0; ///< Slots of this boot of which no heartbeat came: lost, or never sent.
    std::uint64_t duplicates = 0; ///< Of this boot.
    std::uint64_t late = 0;       ///< Came after a newer one; not news, so they prove nothing.
    std::uint64_t old_boot =
        0; ///< Heartbeats of earlier boots that came since; they prove nothing.
    std::uint64_t peers_silent = 0; ///< How many peers are suspect or down, this one included.
    std::uint64_t peers_watched =
        0; ///< Of how many. Most peers silent at once: doubt the own network first.

    friend bool operator==(peer_evidence const&, peer_evidence const&) = default;
};

/// A change of a peer's status, with its evidence.
struct peer_event {
    node_id node = 0; ///< The peer.
    peer_change change{}; ///< What it became.
    time_point at{}; ///< When the monitor decided, by the observer's clock.
    peer_evidence evidence; ///< What the decision rests on.
    /// Earlier events of this peer that nobody fetched in time and that this one replaces.
    std::uint64_t skipped = 0;

    friend bool operator==(peer_event const&, peer_event const&) = default;
};

/// On one line, without a time.
inline std::ostream& operator<<(std::ostream& out, peer_event const& e)
{
    auto const milliseconds = [](std::chrono::nanoseconds d) {
        return std::chrono::duration<double, std::milli>(d).count();
    };
    auto const& v = e.evidence;
    auto const flags = out.flags();
    auto const precision = out.precision();
    out << std::fixed << std::setprecision(1);
    out << "node " << e.node << ' ' << to_string(e.change) << " (was " << to_string(v.before)
        << "): ";
    switch (v.cause) {
    case peer_cause::heartbeat:
        out << "heard after " << milliseconds(v.silence) << " ms";
        break;
    case peer_cause::silence:
        out << "silent for " << milliseconds(v.silence) << " ms";
        break;
    case peer_cause::never_heard:
        out << "never heard in " << milliseconds(v.silence) << " ms";
        break;
    case peer_cause::left:
        out << "said that it leaves";
        break;
    case peer_cause::new_boot:
        out << "boot " << v.boot << " after boot " << v.previous_boot << ", heard after "
            << milliseconds(v.silence) << " ms";
        break;
    }
    if (v.cause == peer_cause::silence || v.cause == peer_cause::never_heard)
        out << ", limit " << milliseconds(v.limit) << " ms";
    if (v.cause == peer_cause::silence)
        out << ", level " << v.level << " of " << v.threshold << " from " << v.samples
            << " samples, last heartbeat " << v.last_sequence << " of boot " << v.boot;
    if (v.observer_stalled.count() != 0)
        out << ", observer stalled " << milliseconds(v.observer_stalled) << " ms";
    if (v.missing != 0)
        out << ", missing " << v.missing << " of " << v.missing + v.received;
    if (v.old_boot != 0)
        out << ", " << v.old_boot << " from older boots";
    if (e.change == peer_change::suspect || e.change == peer_change::down)
        out << ", silent peers " << v.peers_silent << " of " << v.peers_watched;
    if (e.skipped != 0)
        out << ", replaces " << e.skipped << " unfetched";
    out.flags(flags);
    out.precision(precision);
    return out;
}

inline std::ostream& operator<<(std::ostream& out, peer_status s)
{
    return out << to_string(s);
}

inline std::ostream& operator<<(std::ostream& out, peer_change c)
{
    return out << to_string(c);
}

} // namespace perdure

#endif
