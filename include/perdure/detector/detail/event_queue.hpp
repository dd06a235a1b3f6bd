// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_DETAIL_EVENT_QUEUE_HPP
#define PERDURE_DETECTOR_DETAIL_EVENT_QUEUE_HPP

#include <perdure/detector/event.hpp>
#include <perdure/detector/heartbeat.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace perdure::detail {

/// Events that nobody has fetched yet. If too many gather, only each peer's latest is kept.
class event_queue {
public:
    std::size_t size() const noexcept { return events_.size(); }

    void push(peer_event const& event) { events_.push_back(event); }

    /// The oldest one, or nothing. O(1).
    std::optional<peer_event> poll()
    {
        if (events_.empty())
            return std::nullopt;
        auto event = std::move(events_.front());
        events_.pop_front();
        return event;
    }

    /// Keeps the latest event of each peer for which `watched(node)`; it says how many of the peer's
    /// it stands for. Returns how many were replaced by later ones. O(n).
    template <class Watched>
    std::uint64_t keep_latest(Watched&& watched)
    {
        std::uint64_t skipped = 0;
        boost::unordered_flat_map<node_id, std::size_t> latest;
        for (std::size_t i = 0; i != events_.size(); ++i) {
            auto const [place, first] = latest.try_emplace(events_[i].node, i);
            if (!first) {
                events_[i].skipped += events_[place->second].skipped + 1;
                ++skipped;
                place->second = i;
            }
        }
        std::deque<peer_event> kept;
        for (std::size_t i = 0; i != events_.size(); ++i)
            if (latest[events_[i].node] == i && watched(events_[i].node))
                kept.push_back(events_[i]);
        events_ = std::move(kept);
        return skipped;
    }

private:
    std::deque<peer_event> events_;
};

} // namespace perdure::detail

#endif
