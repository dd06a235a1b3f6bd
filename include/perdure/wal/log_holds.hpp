// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_LOG_HOLDS_HPP
#define PERDURE_WAL_LOG_HOLDS_HPP

#include <perdure/wal/position.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/// Who still needs the records of a log, and from where on.
struct hold_info {
    std::string who;   ///< For people: "replica 7", "snapshot in progress".
    position from = 1; ///< This record and all behind it stay.
    friend bool operator==(hold_info const&, hold_info const&) = default;
};

/** Which records of a log may not be trimmed, and because of whom.
 *
 *  A trim says what is not wanted any more; holds say what is needed all the same. The front of the
 *  log is the lesser of both, and moves on when the hold that blocks it moves or goes.
 *
 *  Holds live in memory: they do not survive the process that took them.
 *
 *  @par Complexity     linear in the number of holds, which is small.
 *  @par Thread safety  distinct objects are independent.
 */
class log_holds {
public:
    /// Names a hold; 0 is none.
    using id = std::uint64_t;

    /// Keeps the records from `from` on; `who` is for people.
    id add(position from, std::string who)
    {
        entries_.push_back({++last_id_, {std::move(who), from}});
        return last_id_;
    }
    /// Forward or backward; the caller checks that the records are still there.
    void move(id n, position from)
    {
        if (auto const e = find(n); e != entries_.end())
            e->info.from = from;
    }
    /// Does nothing if there is no such hold.
    void remove(id n)
    {
        if (auto const e = find(n); e != entries_.end())
            entries_.erase(e);
    }

    bool empty() const noexcept { return entries_.empty(); }

    /// Up to where the front may move, if `wanted` is where trims would have it.
    position limit(position wanted) const noexcept
    {
        for (auto const& e : entries_)
            wanted = std::min(wanted, e.info.from);
        return wanted;
    }

    /// All of them, the one that blocks most first.
    std::vector<hold_info> all() const
    {
        std::vector<hold_info> out;
        for (auto const& e : entries_)
            out.push_back(e.info);
        std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) {
            return a.from < b.from;
        });
        return out;
    }

private:
    struct entry {
        id number;
        hold_info info;
    };
    std::vector<entry>::iterator find(id n)
    {
        return std::find_if(entries_.begin(), entries_.end(),
                            [n](entry const& e) { return e.number == n; });
    }

    std::vector<entry> entries_;
    id last_id_ = 0;
};

} // namespace perdure

#endif
