// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_DISK_NAMES_HPP
#define PERDURE_SIMULATION_DETAIL_DISK_NAMES_HPP

#include <perdure/simulation/crash_choice.hpp>
#include <perdure/simulation/detail/disk_file.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace perdure::simulation::detail {

/// A name in a directory. Files and directories are numbers; 0 is none.
struct disk_name {
    std::uint64_t directory = 0;
    std::string name;
    friend auto operator<=>(disk_name const&, disk_name const&) = default;
};

/** The names of a disk: as a reader sees them, as they are on the disk for certain, and the changes
 *  between.
 *
 *  A change (creation, removal, rename) is atomic and is on the disk for certain once one of its
 *  directories was synced. Of the others any subset may be: POSIX promises no order, and file
 *  systems differ.
 */
class disk_names {
public:
    using table = std::map<disk_name, std::uint64_t>;

    std::uint64_t find(disk_name const& n) const { return find(seen_, n); }
    table const& seen() const noexcept { return seen_; }

    /// Binds each name to a number, all at once.
    void bind(stamp s, std::vector<std::pair<disk_name, std::uint64_t>> const& names)
    {
        change c{s.when, {}};
        for (auto const& [name, number] : names) {
            c.bindings.push_back({name, find(seen_, name), number});
            put(seen_, name, number);
        }
        changes_.push_back(std::move(c));
    }

    /// A sync of `directory` that began at `t` has succeeded.
    void sync(std::uint64_t directory, duration t)
    {
        // An earlier change of a directory that a rename ties to this one must not come after it.
        std::set<std::uint64_t> directories{directory};
        std::vector<bool> synced(changes_.size());
        for (auto i = changes_.size(); i-- != 0;) {
            auto const& c = changes_[i];
            if (c.when.end > t)
                continue;
            synced[i] = std::any_of(c.bindings.begin(), c.bindings.end(), [&](auto const& b) {
                return directories.contains(b.name.directory);
            });
            if (synced[i])
                for (auto const& b : c.bindings)
                    directories.insert(b.name.directory);
        }
        std::vector<change> rest;
        for (std::size_t i = 0; i != changes_.size(); ++i)
            if (synced[i])
                apply(durable_, changes_[i]);
            else
                rest.push_back(std::move(changes_[i]));
        changes_ = std::move(rest);
    }

    template <crash_chooser Choose>
    void crash(duration t, Choose& choose, crash_report& report)
    {
        undo_after(t);
        for (auto const& c : changes_) {
            auto const kept = choose(crash_question::name, 2) != 0;
            ++(kept ? report.names_kept : report.names_lost);
            if (kept)
                apply(durable_, c);
        }
        changes_.clear();
        seen_ = durable_;
    }

    /// The process ends at `t`: what it had not begun by then has not happened.
    void undo_after(duration t)
    {
        for (auto i = changes_.size(); i-- != 0;) {
            if (changes_[i].when.begin <= t)
                continue;
            for (auto const& b : changes_[i].bindings)
                put(seen_, b.name, b.before);
            changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }

    /// All numbers that a name has or may have again.
    std::set<std::uint64_t> in_use() const
    {
        std::set<std::uint64_t> numbers;
        for (auto const& [name, number] : seen_)
            numbers.insert(number);
        for (auto const& [name, number] : durable_)
            numbers.insert(number);
        for (auto const& c : changes_)
            for (auto const& b : c.bindings) {
                numbers.insert(b.before);
                numbers.insert(b.after);
            }
        return numbers;
    }

private:
    struct binding {
        disk_name name;
        std::uint64_t before, after;
    };
    struct change {
        interval when;
        std::vector<binding> bindings;
    };

    static std::uint64_t find(table const& t, disk_name const& n)
    {
        auto const i = t.find(n);
        return i == t.end() ? 0 : i->second;
    }
    static void put(table& t, disk_name const& n, std::uint64_t number)
    {
        if (number)
            t[n] = number;
        else
            t.erase(n);
    }
    static void apply(table& t, change const& c)
    {
        for (auto const& b : c.bindings)
            put(t, b.name, b.after);
    }

    table seen_;
    table durable_;
    std::vector<change> changes_;
};

} // namespace perdure::simulation::detail

#endif
