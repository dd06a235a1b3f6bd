// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_SESSIONS_HPP
#define PERDURE_DURABLE_SESSIONS_HPP

#include <perdure/durable/record.hpp>
#include <perdure/error.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

namespace perdure {

/// How many clients' commands are told apart, and for how long.
struct session_options {
    /// Clients that are remembered, at least 1. Beyond it, the one whose last command lies furthest back in the log is
    /// forgotten. It may be changed between openings: records say what held for them.
    std::uint32_t clients = 10'000;
    /// Results that are kept for each client: as many commands as it has under way at once.
    std::uint32_t results = 8;
};

/** Which commands of which clients were applied, and their results: part of a durable state.
 *
 *  A pure function of the log, so that recovery comes to the same.
 *
 *  @par Complexity  logarithmic in the number of clients.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class client_sessions {
public:
    /// What to do with a client's command.
    enum class verdict : std::uint8_t {
        apply,     ///< It is new.
        repeated,  ///< It was applied; its result is kept.
        forgotten, ///< It was applied, or a later one was; its result is not kept.
        unknown,   ///< The client is not known, and this is not its first command.
    };

    /// What is to be done with a command.
    verdict judge(client_command const& c) const
    {
        auto const at = sessions_.find(c.client);
        if (at == sessions_.end())
            return c.sequence == 1 ? verdict::apply : verdict::unknown;
        if (c.sequence > at->second.last)
            return verdict::apply;
        return at->second.results.contains(c.sequence) ? verdict::repeated : verdict::forgotten;
    }

    /// The result of a command that is `repeated`.
    std::string const& result_of(client_command const& c) const
    {
        return sessions_.at(c.client).results.at(c.sequence);
    }

    /// A command was applied as the record at `position`.
    void applied(client_command const& c, std::uint64_t position, std::string result,
                 session_options const& limits)
    {
        auto& s = sessions_[c.client];
        if (s.used != 0)
            by_use_.erase(s.used);
        s.used = position;
        s.last = c.sequence;
        s.results.emplace(c.sequence, std::move(result));
        while (s.results.size() > limits.results)
            s.results.erase(s.results.begin());
        by_use_.emplace(position, c.client);
        while (sessions_.size() > limits.clients) {
            sessions_.erase(by_use_.begin()->second);
            by_use_.erase(by_use_.begin());
        }
    }

    std::size_t size() const noexcept { return sessions_.size(); }

    /// Writes all sessions.
    template <class Archive>
    void save(Archive& ar) const
    {
        ar << static_cast<std::uint64_t>(sessions_.size());
        for (auto const& [client, s] : sessions_)
            ar << client << s.last << s.used << s.results;
    }
    /// Replaces all sessions by those of an archive.
    template <class Archive>
    void load(Archive& ar)
    {
        *this = {};
        std::uint64_t count = 0;
        ar >> count;
        for (; count != 0; --count) {
            std::uint64_t client = 0;
            session s;
            ar >> client >> s.last >> s.used >> s.results;
            by_use_.emplace(s.used, client);
            sessions_.emplace(client, std::move(s));
        }
    }

private:
    struct session {
        std::uint64_t last = 0; // the highest sequence number that was applied
        std::uint64_t used = 0; // the position of its record
        std::map<std::uint64_t, std::string> results;
    };

    std::map<std::uint64_t, session> sessions_;
    std::map<std::uint64_t, std::uint64_t> by_use_; // client by position
};

} // namespace perdure

#endif
