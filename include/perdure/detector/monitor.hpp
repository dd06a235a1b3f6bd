// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* The monitor watches any number of peers with one timer.
 *
 * Every peer has a deadline, computed anew from each heartbeat by its estimator. A wheel keeps for
 * every peer a time that is not later than its deadline. A heartbeat moves the deadline and leaves
 * the wheel alone; only when the kept time comes up is it moved to where the deadline has got
 * meanwhile. So a heartbeat costs one lookup and no search, and a peer costs one move a detection
 * time.
 *
 * Two rules keep the observer from blaming its peers for its own trouble:
 *
 * - Before a verdict the monitor asks for what is waiting to be read (wants_drain), because the
 *   heartbeat that acquits the peer may lie in the socket's buffer.
 * - When a timeout comes later than asked for by more than `stall_tolerance`, the observer was
 *   stalled: starved, stopped, suspended. It could hear nobody, so everybody gets a full detection
 *   time from the end of the stall. Time that was not stalled still counts: a peer is judged at the
 *   latest when its silence without the stalls reaches `stall_patience` detection times, so an
 *   observer that stalls again and again does judge in the end.
 *
 * Invariants (check_invariants):
 *   1. the index and the peers agree;
 *   2. a peer has a kept time exactly if it is not down;
 *   3. no kept time is later than the peer's deadline;
 *   4. the wheel of the kept times is intact;
 *   5. the count of silent peers is the number of peers that are suspect or down;
 *   6. a peer that is up was heard.
 */

#ifndef PERDURE_DETECTOR_MONITOR_HPP
#define PERDURE_DETECTOR_MONITOR_HPP

#include <perdure/detector/detail/deadline_wheel.hpp>
#include <perdure/detector/detail/event_queue.hpp>
#include <perdure/detector/detail/require.hpp>
#include <perdure/detector/estimator.hpp>
#include <perdure/detector/event.hpp>
#include <perdure/detector/heartbeat.hpp>
#include <perdure/time.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace perdure {

/// How a monitor judges, beside the model of its estimators.
struct monitor_options {
    /// A peer of which nothing was ever heard is suspected this long after it was added.
    std::chrono::nanoseconds startup_grace{std::chrono::seconds(5)};
    /// A suspected peer is declared down this long after the deadline that it missed; may be 0.
    std::chrono::nanoseconds down_after{std::chrono::seconds(1)};
    /// A timeout that comes later than this after next_deadline() counts as a stall of the
    /// observer.
    std::chrono::nanoseconds stall_tolerance{std::chrono::milliseconds(100)};
    /// While a peer can be lost, the monitor wants a timeout at least this often, to notice stalls.
    std::chrono::nanoseconds pulse{std::chrono::seconds(1)};
    /// After so many detection times of silence, stalls not counted, a peer is judged in spite of
    /// stalls; in [2, 1000].
    unsigned stall_patience = 3;
    /// Whether a heartbeat of a node that nobody added makes it a peer. It stays one until it is removed, so with
    /// peers that come and go remove those that are down, before there are peers_max.
    bool admit_unknown = false;
    /// How many peers may be watched, in [1, 2^31].
    std::size_t peers_max = 1'000'000;
    /// Above this many unfetched events (or twice the peers, if that is more) only each peer's
    /// latest is kept.
    std::size_t events_max = 65536;
};

/// What became of a heartbeat.
enum class heartbeat_outcome : std::uint8_t {
    accepted,     ///< Newer than all before. The peer's deadline moved.
    duplicate,    ///< Came before. Counted, else without effect; so are all of those below.
    late,         ///< Older than the newest of its boot.
    old_boot,     ///< Of an earlier boot of the node.
    unknown_peer, ///< Of a node that is not watched.
};

/// What a monitor has seen since it was made.
struct monitor_counters {
    std::uint64_t accepted = 0; ///< News of a peer, given to its estimator.
    std::uint64_t duplicates = 0; ///< Dropped: the sequence number had been seen.
    std::uint64_t late = 0; ///< Overtaken by a newer one of the same boot: no news, yet not lost.
    std::uint64_t old_boot = 0; ///< Dropped: of a boot before the present one.
    std::uint64_t unknown_peer = 0; ///< Dropped: of a node that is not watched.
    std::uint64_t stalls = 0; ///< How often the observer itself was late.
    /// By how much the observer itself was late, all stalls together.
    std::chrono::nanoseconds stalled{0};
    std::uint64_t events_skipped =
        0; ///< Replaced by later ones of the same peer before they were fetched.
};

/** Watches peers and reports when one comes up, is suspected, goes down, or was restarted.
 *
 *  Sans-I/O: reads no clock and arms no timer. After every input call, while wants_drain() is true,
 *  read everything that is waiting, pass it on and call handle_drained(); fetch events with
 *  poll_event() until there are none; then see to it that handle_timeout() is called at
 *  next_deadline().
 *
 *  @tparam Estimator   the model that judges one peer; see the concept `estimator`.
 *  @par Model          peers crash, stop, hang or restart; messages are lost, delayed, duplicated
 *                      and reordered. Lying peers are not tolerated. A suspicion may be a mistake,
 *                      and a peer that is suspect or down is up again with its next heartbeat.
 *  @par Complexity     handle_heartbeat: O(1), plus O(log n) if the deadline moved to earlier than
 *                      kept; no allocation once the peer is known and its window is full. A
 *                      detection time of a peer costs O(log n). next_deadline() may come before the
 *                      earliest deadline; handle_timeout() then only tidies up. Memory O(n).
 *  @par Determinism    equal inputs give equal outputs, bit for bit.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <estimator Estimator>
class monitor {
public:
    using estimator_options = typename Estimator::options_type;

    /// Throws `std::invalid_argument` naming the field, its value and the rule.
    monitor(monitor_options options, estimator_options const& model)
        : options_(checked(options)), prototype_(model)
    {
    }

    // Commands.

    /** Watches a node. Its status is unknown until it is heard or the startup grace is over.
     *  @returns false, without effect, if it is watched already or `peers_max` peers are.
     */
    bool add_peer(node_id node, time_point now)
    {
        now = advance(now);
        return add(node, now) != nullptr;
    }

    /// Stops watching a node, without an event; events not yet fetched may still come.
    /// @returns false if it was not watched.
    bool remove_peer(node_id node)
    {
        auto const found = index_.find(node);
        if (found == index_.end())
            return false;
        auto const slot = found->second;
        silent_ -= silent(peers_[slot].status);
        kept_.erase(slot);
        index_.erase(found);
        peers_[slot] = peer(prototype_);
        free_.push_back(slot);
        return true;
    }

    /// Changes the model's parameters of all peers, and keeps their histories. O(n log n).
    void set_estimator_options(estimator_options const& model, time_point now)
    {
        advance(now);
        prototype_.set_options(model);
        for (auto const& [node, slot] : index_) {
            peers_[slot].estimator.set_options(model);
            keep_earliest(peers_[slot]);
        }
    }

    /// Changes the options. A peer that was never heard has the new startup grace from when it was
    /// added.
    void set_options(monitor_options options, time_point now)
    {
        advance(now);
        options_ = checked(options);
        for (auto const& [node, slot] : index_)
            keep_earliest(peers_[slot]);
    }

    // Inputs. A `now` before an earlier one counts as that one.

    heartbeat_outcome handle_heartbeat(heartbeat const& h, time_point now)
    {
        now = advance(now);
        peer* found = find(h.node);
        if (!found && options_.admit_unknown)
            found = add(h.node, now);
        if (!found) {
            ++counters_.unknown_peer;
            return heartbeat_outcome::unknown_peer;
        }
        peer& p = *found;
        if (p.heard && h.boot < p.boot) {
            ++p.old_boot;
            ++counters_.old_boot;
            return heartbeat_outcome::old_boot;
        }
        if (p.heard && h.boot == p.boot && h.sequence <= p.last_sequence)
            return handle_old(p, h.sequence);
        ++counters_.accepted;
        handle_news(p, h, now);
        return heartbeat_outcome::accepted;
    }

    /// Call it at next_deadline(), or as soon after it as possible.
    void handle_timeout(time_point now)
    {
        now = advance(now);
        if (move_kept(now))
            ask_for_drain(now);
    }

    /// What was waiting when wants_drain() turned true has been passed on. Verdicts are made here.
    void handle_drained(time_point now)
    {
        assert(drain_);
        auto const stalls = counters_.stalls;
        now = advance(now);
        if (counters_.stalls != stalls)
            return; // Stalled again while draining: what arrived meanwhile has to be read as well.
        drain_ = false;
        learn_ = true;
        while (auto const slot = move_kept(judge_at_))
            condemn(peers_[*slot], now);
    }

    // Outputs.

    /// True: read everything that is waiting, pass it to handle_heartbeat(), and call
    /// handle_drained().
    bool wants_drain() const { return drain_; }

    /// The oldest event not yet taken, or nothing. O(1).
    std::optional<peer_event> poll_event() { return events_.poll(); }

    /// Absolute; nothing if no peer can be lost, because none is watched or all are down.
    std::optional<time_point> next_deadline() const
    {
        if (kept_.empty())
            return std::nullopt;
        return std::min(kept_.next(), last_now_ + options_.pulse);
    }

    // Queries.

    /// Nothing if the node is not watched.
    std::optional<peer_status> status(node_id node) const
    {
        auto const* p = find(node);
        return p ? std::optional(p->status) : std::nullopt;
    }

    /// What the monitor knows of a peer at `now`; nothing if it is not watched.
    std::optional<peer_evidence> evidence(node_id node, time_point now) const
    {
        auto const* p = find(node);
        return p ? std::optional(evidence_of(*p, std::max(now, last_now_))) : std::nullopt;
    }

    /// How many peers are watched. O(1).
    std::size_t peers_count() const { return index_.size(); }
    /// How many of them are suspected or down now. O(1).
    std::size_t silent_count() const { return silent_; }
    /// What became of the heartbeats, since the monitor was made.
    monitor_counters counters() const { return counters_; }
    monitor_options options() const { return options_; }
    /// The parameters that the estimator of a new peer gets.
    estimator_options model_options() const { return prototype_.options(); }

    /// For tests: the number of the first invariant that does not hold, 0 if all do. O(n).
    int check_invariants() const
    {
        std::size_t silent_peers = 0;
        if (index_.size() + free_.size() != peers_.size())
            return 1;
        for (auto const& [node, slot] : index_) {
            if (slot >= peers_.size() || peers_[slot].node != node)
                return 1;
            auto const& p = peers_[slot];
            if (kept_.contains(slot) != (p.status != peer_status::down))
                return 2;
            if (kept_.contains(slot) &&
                (p.kept > deadline_of(p) || kept_.lower_bound(slot) > p.kept))
                return 3;
            silent_peers += silent(p.status);
            if (p.status == peer_status::up && !p.heard)
                return 6;
        }
        if (!kept_.valid())
            return 4;
        return silent_peers == silent_ ? 0 : 5;
    }

private:
    using slot_type = detail::deadline_wheel::slot_type;

    // What a heartbeat touches stands together in one line of the cache, the estimator follows.
    struct alignas(64) peer {
        explicit peer(Estimator const& e) : estimator(e) {}

        boot_id boot = 0;
        std::uint64_t last_sequence = 0;
        std::uint64_t seen = 0;                     // bit i: last_sequence - i has come
        time_point since{};                         // last heard, or added if never heard
        time_point kept{};                          // as in kept_, unless down
        std::chrono::nanoseconds stalled_before{0}; // stalled_total_ at `since`
        peer_status status = peer_status::unknown;
        peer_cause silent_cause = peer_cause::never_heard;
        bool heard = false;
        std::uint32_t old_boot = 0;
        Estimator estimator;
        node_id node = 0;
        std::uint64_t first_sequence = 0;
        std::uint64_t missing = 0; // of the numbers from first_sequence to last_sequence
        std::uint32_t duplicates = 0;
        std::uint32_t late = 0;
    };

    static monitor_options checked(monitor_options const& o)
    {
        detail::require_duration(o.startup_grace, "monitor_options::startup_grace");
        detail::require_duration_or_zero(o.down_after, "monitor_options::down_after");
        detail::require_duration(o.stall_tolerance, "monitor_options::stall_tolerance");
        detail::require_duration(o.pulse, "monitor_options::pulse");
        detail::require_option(o.stall_patience >= 2 && o.stall_patience <= 1000,
                               "monitor_options::stall_patience", o.stall_patience,
                               "at least 2 and at most 1000");
        detail::require_option(o.peers_max >= 1 && o.peers_max <= std::size_t(1) << 31,
                               "monitor_options::peers_max", o.peers_max,
                               "at least 1 and at most 2^31");
        return o;
    }

    static bool silent(peer_status s)
    {
        return s == peer_status::suspect || s == peer_status::down;
    }

    peer* find(node_id node)
    {
        auto const found = index_.find(node);
        return found == index_.end() ? nullptr : &peers_[found->second];
    }
    peer const* find(node_id node) const { return const_cast<monitor*>(this)->find(node); }
    slot_type slot_of(peer const& p) const { return static_cast<slot_type>(&p - peers_.data()); }

    peer* add(node_id node, time_point now)
    {
        if (index_.size() >= options_.peers_max || index_.contains(node))
            return nullptr;
        if (free_.empty()) {
            peers_.emplace_back(prototype_);
            free_.push_back(static_cast<slot_type>(peers_.size() - 1));
        }
        auto const slot = free_.back();
        index_.emplace(node, slot);
        free_.pop_back();
        auto& p = peers_[slot];
        p.node = node;
        p.since = now;
        p.stalled_before = stalled_total_;
        keep(p, deadline_of(p));
        return &p;
    }

    // Every input passes here: time never goes back, and lateness of the observer is noticed.
    time_point advance(time_point now)
    {
        now = std::max(now, last_now_);
        if (auto const asked = next_deadline()) {
            auto const expected = std::max(*asked, last_now_);
            if (now - expected > options_.stall_tolerance) {
                stalled_total_ += now - expected;
                stall_end_ = now;
                counters_.stalled += now - expected;
                ++counters_.stalls;
                learn_ = false;
                ask_for_drain(now);
            }
        }
        last_now_ = now;
        return now;
    }

    void ask_for_drain(time_point now)
    {
        drain_ = true;
        judge_at_ = now;
    }

    // When the peer's present status is lost, stalls of the observer considered.
    time_point deadline_of(peer const& p) const
    {
        auto deadline = p.heard ? *p.estimator.deadline() : p.since + options_.startup_grace;
        if (p.status == peer_status::suspect)
            deadline = std::max(deadline, p.since) + options_.down_after;
        if (p.since >= stall_end_)
            return deadline;
        auto const detection_time = deadline - p.since;
        auto const stalled = stalled_total_ - p.stalled_before;
        std::chrono::nanoseconds const most = 10 * detail::longest_duration / options_.stall_patience;
        auto const latest =
            deadline + stalled + (options_.stall_patience - 1) * std::min(detection_time, most);
        return std::max(deadline, std::min(stall_end_ + detection_time, latest));
    }

    void keep(peer& p, time_point at)
    {
        p.kept = at;
        kept_.set(slot_of(p), at, last_now_);
    }

    // Moves kept times that have come up by `until` to where the deadlines have got meanwhile.
    // Returns the peer whose deadline is the earliest, if it has passed by then.
    std::optional<slot_type> move_kept(time_point until)
    {
        kept_.pour(until, [&](slot_type slot) {
            auto& p = peers_[slot];
            return p.kept = deadline_of(p);
        });
        while (!kept_.near().empty() && kept_.near().top().at <= until) {
            auto const [at, slot] = kept_.near().top();
            auto const deadline = deadline_of(peers_[slot]);
            if (deadline == at)
                return slot;
            keep(peers_[slot], deadline);
        }
        return std::nullopt;
    }

    // Precondition: the peer has a kept time unless it is down.
    void keep_earliest(peer& p)
    {
        if (p.status == peer_status::down)
            return;
        auto const deadline = deadline_of(p);
        if (deadline < p.kept)
            keep(p, deadline);
    }

    peer_evidence evidence_of(peer const& p, time_point now) const
    {
        peer_evidence v;
        v.cause = silent(p.status) ? p.silent_cause
                  : p.heard        ? peer_cause::heartbeat
                                   : peer_cause::never_heard;
        v.before = p.status;
        v.boot = p.boot;
        v.last_sequence = p.last_sequence;
        v.silence = now - p.since;
        v.limit = deadline_of(p) - p.since;
        v.observer_stalled = stalled_total_ - p.stalled_before;
        v.level = p.estimator.level(now);
        v.threshold = p.estimator.threshold();
        v.samples = p.estimator.samples();
        count(p, v);
        return v;
    }

    void count(peer const& p, peer_evidence& v) const
    {
        v.received = p.heard ? p.last_sequence - p.first_sequence + 1 - p.missing : 0;
        v.missing = p.missing;
        v.duplicates = p.duplicates;
        v.late = p.late;
        v.old_boot = p.old_boot;
        v.peers_silent = silent_;
        v.peers_watched = index_.size();
    }

    heartbeat_outcome handle_old(peer& p, std::uint64_t sequence)
    {
        auto const age = p.last_sequence - sequence;
        if (age < 64 && (p.seen >> age & 1) != 0) {
            ++p.duplicates;
            ++counters_.duplicates;
            return heartbeat_outcome::duplicate;
        }
        if (age < 64) {
            p.seen |= std::uint64_t(1) << age;
            if (sequence < p.first_sequence)
                p.missing += p.first_sequence - sequence; // those from it on, and now one has come
            p.first_sequence = std::min(p.first_sequence, sequence);
            --p.missing;
        }
        ++p.late;
        ++counters_.late;
        return heartbeat_outcome::late;
    }

    void handle_news(peer& p, heartbeat const& h, time_point now)
    {
        auto const before = p.status;
        bool const restarted = p.heard && h.boot != p.boot;
        bool const changes = restarted || before != peer_status::up || h.leaving;
        peer_evidence evidence;
        if (changes)
            evidence = evidence_of(p, now);
        if (restarted)
            p.estimator.reset();
        if (restarted || !p.heard) {
            evidence.previous_boot = p.boot;
            p.boot = h.boot;
            p.first_sequence = h.sequence;
            p.seen = 1;
            p.missing = 0;
            p.duplicates = p.late = p.old_boot = 0;
        } else {
            auto const step = h.sequence - p.last_sequence;
            p.seen = step < 64 ? p.seen << step | 1 : 1;
            if (step != 1)
                p.missing += step - 1;
        }
        p.heard = true;
        p.last_sequence = h.sequence;
        p.since = now;
        p.stalled_before = stalled_total_;
        p.estimator.handle_heartbeat({h.sequence, now, h.interval, learn_});
        // Some models know heartbeats that are too late to be news: they end no suspicion.
        bool const stale =
            !h.leaving && !restarted && silent(before) && *p.estimator.deadline() <= now;
        p.status = h.leaving ? peer_status::down : stale ? before : peer_status::up;
        silent_ += silent(p.status);
        silent_ -= silent(before);
        if (h.leaving) {
            p.silent_cause = peer_cause::left;
            kept_.erase(slot_of(p));
        } else if (before == peer_status::down && !stale) {
            keep(p, deadline_of(p));
        } else {
            keep_earliest(p);
        }
        if (!changes || stale || (h.leaving && before == peer_status::down))
            return;
        evidence.boot = h.boot;
        evidence.last_sequence = h.sequence;
        evidence.cause = h.leaving   ? peer_cause::left
                         : restarted ? peer_cause::new_boot
                                     : peer_cause::heartbeat;
        count(p, evidence);
        push({h.node,
              h.leaving   ? peer_change::down
              : restarted ? peer_change::restarted
                          : peer_change::up,
              now, evidence, 0});
    }

    // The peer's deadline has passed.
    void condemn(peer& p, time_point now)
    {
        auto evidence = evidence_of(p, now);
        p.silent_cause = p.heard ? peer_cause::silence : peer_cause::never_heard;
        evidence.cause = p.silent_cause;
        bool const down = p.status == peer_status::suspect;
        silent_ += !down;
        p.status = down ? peer_status::down : peer_status::suspect;
        if (down)
            kept_.erase(slot_of(p));
        else
            keep(p, deadline_of(p));
        evidence.peers_silent = silent_;
        push({p.node, down ? peer_change::down : peer_change::suspect, now, evidence, 0});
    }

    void push(peer_event const& event)
    {
        events_.push(event);
        if (events_.size() > std::max(options_.events_max, 2 * index_.size()))
            counters_.events_skipped +=
                events_.keep_latest([this](node_id node) { return index_.contains(node); });
    }

    monitor_options options_;
    Estimator prototype_;
    boost::unordered_flat_map<node_id, slot_type> index_;
    std::vector<peer> peers_;
    std::vector<slot_type> free_;
    detail::deadline_wheel kept_;
    detail::event_queue events_;
    monitor_counters counters_;
    std::size_t silent_ = 0;
    time_point last_now_ = time_point::min();
    time_point judge_at_{};
    bool drain_ = false;
    bool learn_ = true;
    time_point stall_end_ = time_point::min();
    std::chrono::nanoseconds stalled_total_{0};
};

} // namespace perdure

#endif
