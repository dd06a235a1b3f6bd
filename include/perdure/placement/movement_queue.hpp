// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_MOVEMENT_QUEUE_HPP
#define PERDURE_PLACEMENT_MOVEMENT_QUEUE_HPP

#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/movement_plan.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/// How many copies may be under way at once; 0 for no limit.
struct movement_limits {
    std::uint32_t into_node = 2; ///< written to one node
    std::uint32_t out_of_node = 2; ///< read from one node
    /// From one zone to another one, each direction by itself; within a zone there is no limit.
    std::uint32_t on_link = 0;
    std::uint32_t altogether = 0; ///< in the whole cluster
};

/** Runs a plan under limits: what may begin now, the most endangered first.
 *
 *  A core: you copy, it decides. Call start() until it gives nothing, and finish() as copies end:
 *  @code
 *      while (auto i = queue.start()) copy(queue.plan().moves[*i], [=](bool ok) { queue.finish(*i, ok); });
 *  @endcode
 *  A move that waits for a node does not hold back later ones of other nodes. No move is given twice
 *  unless it failed.
 *
 *  @par Complexity  start: amortised O(moves that wait for busy nodes); finish: O(log moves).
 *  @par Thread safety  Distinct objects: safe. One object: not.
 */
class movement_queue {
public:
    /// Takes over a plan; nothing is under way. O(moves + zones^2).
    explicit movement_queue(movement_plan plan, movement_limits const& limits = {})
        : plan_(std::move(plan)), limits_(limits), states_(plan_.moves.size(), state::waiting)
    {
        into_.resize(plan_.nodes.size());
        out_of_.resize(plan_.nodes.size());
        std::map<std::string, std::uint32_t> zones;
        for (auto const& n : plan_.nodes)
            zone_.push_back(
                zones.try_emplace(n.zone, static_cast<std::uint32_t>(zones.size())).first->second);
        zones_ = zones.size();
        links_.resize(zones_ * zones_);
    }

    /// The plan as it was given.
    movement_plan const& plan() const noexcept { return plan_; }

    /// The next move that may begin, as a position in plan().moves; it counts as begun.
    std::optional<std::size_t> start()
    {
        if (limits_.altogether != 0 && under_way_ >= limits_.altogether)
            return {};
        for (auto i = next_; i < states_.size(); ++i) {
            if (states_[i] != state::waiting || !may_begin(plan_.moves[i]))
                continue;
            states_[i] = state::under_way;
            count(plan_.moves[i], 1);
            ++under_way_;
            // What lies before waits for a node that is busy until something finishes.
            next_ = i + 1;
            return i;
        }
        next_ = states_.size();
        return {};
    }

    /// A move ended; one that failed waits again, behind none. False if it was not under way.
    bool finish(std::size_t i, bool done)
    {
        if (i >= states_.size() || states_[i] != state::under_way)
            return false;
        states_[i] = done ? state::done : state::waiting;
        count(plan_.moves[i], -1);
        --under_way_;
        if (done) {
            ++done_;
            bytes_done_ += plan_.moves[i].bytes;
        } else {
            ++failures_;
        }
        while (first_ < states_.size() && states_[first_] == state::done)
            ++first_;
        next_ = first_;
        return true;
    }

    /// Drops what has not begun; what is under way may finish. A newer map made the plan stale.
    void abandon()
    {
        for (auto& s : states_)
            if (s == state::waiting)
                s = state::abandoned;
        next_ = states_.size();
        abandoned_ = true;
    }

    /// Moves that finished well.
    std::size_t done_count() const noexcept { return done_; }
    /// Moves begun and not finished.
    std::size_t under_way_count() const noexcept { return under_way_; }
    /// How many tries failed; a move that fails may be tried again.
    std::size_t failures_count() const noexcept { return failures_; }
    /// Of the moves that finished well; 0 if the plan has no sizes.
    std::uint64_t bytes_done() const noexcept { return bytes_done_; }
    /// Nothing waits and nothing is under way.
    bool finished() const noexcept
    {
        return under_way_ == 0 && (abandoned_ || done_ == states_.size());
    }

private:
    enum class state : std::uint8_t { waiting, under_way, done, abandoned };

    static bool below(std::uint32_t n, std::uint32_t limit) noexcept
    {
        return limit == 0 || n < limit;
    }
    std::size_t link(copy_move const& m) const noexcept
    {
        return zone_[m.from] * zones_ + zone_[m.to];
    }
    bool may_begin(copy_move const& m) const noexcept
    {
        return below(into_[m.to], limits_.into_node) &&
               below(out_of_[m.from], limits_.out_of_node) &&
               (zone_[m.from] == zone_[m.to] || below(links_[link(m)], limits_.on_link));
    }
    void count(copy_move const& m, int by) noexcept
    {
        auto const d = static_cast<std::uint32_t>(by);
        into_[m.to] += d;
        out_of_[m.from] += d;
        links_[link(m)] += d;
    }

    movement_plan plan_;
    movement_limits limits_;
    std::vector<state> states_;
    std::vector<std::uint32_t> into_, out_of_, links_, zone_;
    std::size_t zones_ = 0;
    std::size_t first_ = 0; // all before are done
    std::size_t next_ = 0;  // all before are done, under way, or wait for busy nodes
    std::size_t under_way_ = 0, done_ = 0, failures_ = 0;
    std::uint64_t bytes_done_ = 0;
    bool abandoned_ = false;
};

/// How long a plan would take.
struct movement_estimate {
    double seconds = 0; ///< until the last copy is there
    /// Until the last copy of each danger is there; 0 where there is none.
    std::array<double, dangers_count> seconds_of{};
    std::size_t most_under_way = 0; ///< how many copies run at once at the most
};

/** How long a plan takes under limits, if every copy runs at `bytes_per_second` and begins as soon
 *  as it may. A plan without sizes counts a copy as one byte.
 *
 *  Throws std::invalid_argument if bytes_per_second is not a finite number above 0.
 */
inline movement_estimate estimate(movement_plan const& plan, movement_limits const& limits,
                                  double bytes_per_second)
{
    if (!(bytes_per_second > 0 && bytes_per_second < std::numeric_limits<double>::infinity()))
        detail::throw_bad_value("estimate", "bytes_per_second", std::to_string(bytes_per_second),
                                "it must be a finite number above 0");
    movement_queue queue(plan, limits);
    std::multimap<double, std::size_t> ends;
    movement_estimate e;
    double now = 0;
    for (;;) {
        while (auto const i = queue.start()) {
            auto const bytes = plan.bytes == 0 ? 1.0 : static_cast<double>(plan.moves[*i].bytes);
            ends.emplace(now + bytes / bytes_per_second, *i);
        }
        e.most_under_way = std::max(e.most_under_way, queue.under_way_count());
        if (ends.empty())
            break;
        auto const first = ends.begin();
        now = first->first;
        e.seconds_of[static_cast<std::size_t>(plan.moves[first->second].why)] = now;
        queue.finish(first->second, true);
        ends.erase(first);
    }
    e.seconds = now;
    return e;
}

} // namespace perdure

#endif
