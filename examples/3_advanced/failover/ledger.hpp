// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_LEDGER_HPP
#define FAILOVER_LEDGER_HPP

#include "messages.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace failover {

/** What the writers were promised, kept apart from everything that promised it.
 *
 *  It judges every read against the newest version that was acknowledged before the read began, and
 *  in the end every owner's copy, byte for byte.
 */
class ledger {
public:
    using content_function =
        std::function<std::string(std::string const& key, std::uint64_t version)>;

    explicit ledger(content_function content) : content_(std::move(content)) {}

    std::string content(std::string const& key, std::uint64_t version) const
    {
        return content_(key, version);
    }

    /// The next version to write of a key. One writer a key.
    std::uint64_t begin_write(std::string const& key) { return ++entries_[key].started; }

    void acknowledged(std::string const& key, std::uint64_t version)
    {
        entries_[key].acknowledged = version;
        ++acknowledged_;
    }

    /// The version that a read which begins now may not go below.
    std::uint64_t floor(std::string const& key) const
    {
        auto const found = entries_.find(key);
        return found == entries_.end() ? 0 : found->second.acknowledged;
    }

    void check_read(std::string const& key, std::uint64_t floor, versioned const& got)
    {
        ++reads_;
        auto const& e = entries_[key];
        if (got.version < floor)
            violation("read of " + key + " returned version " + std::to_string(got.version) +
                      ", but version " + std::to_string(floor) + " had been acknowledged");
        else if (got.version > e.started)
            violation("read of " + key + " returned version " + std::to_string(got.version) +
                      ", which was never written");
        else if (got.version != 0 && got.content != content_(key, got.version))
            violation("read of " + key + " returned wrong bytes for version " +
                      std::to_string(got.version));
    }

    /// The final judgement of one owner's copy.
    void check_copy(std::string const& key, node_id owner, versioned const& copy)
    {
        ++copies_;
        auto const& e = entries_[key];
        auto const where = " on process " + std::to_string(owner);
        if (copy.version < e.acknowledged)
            violation((copy.version == 0 ? "missing: " : "old: ") + key + where + " has version " +
                      std::to_string(copy.version) + " of " + std::to_string(e.acknowledged));
        else if (copy.version > e.started ||
                 (copy.version != 0 && copy.content != content_(key, copy.version)))
            violation("different: " + key + where + " at version " + std::to_string(copy.version));
    }

    void violation(std::string what)
    {
        ++violation_count_;
        if (violations_.size() < 20)
            violations_.push_back(std::move(what));
    }

    std::vector<std::string> keys() const
    {
        std::vector<std::string> result;
        for (auto const& [key, e] : entries_)
            if (e.acknowledged != 0)
                result.push_back(key);
        return result;
    }

    std::uint64_t writes_acknowledged() const noexcept { return acknowledged_; }
    std::uint64_t reads_checked() const noexcept { return reads_; }
    std::uint64_t copies_checked() const noexcept { return copies_; }
    std::uint64_t violation_count() const noexcept { return violation_count_; }
    /// The first twenty, in words.
    std::vector<std::string> const& violations() const noexcept { return violations_; }

private:
    struct entry {
        std::uint64_t started = 0, acknowledged = 0;
    };

    content_function content_;
    std::map<std::string, entry> entries_;
    std::uint64_t acknowledged_ = 0, reads_ = 0, copies_ = 0, violation_count_ = 0;
    std::vector<std::string> violations_;
};

} // namespace failover

#endif
