// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_WAL_FAULTY_LOG_HPP
#define PERDURE_TESTS_WAL_FAULTY_LOG_HPP

#include "support/temporary_directory.hpp"
#include <perdure/wal/basic_wal.hpp>
#include <perdure/world/faulty_calls.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using faulty_world = perdure::basic_system_world<perdure::faulty_calls>;
using faulty_wal = perdure::basic_wal<faulty_world>;

/// A log in real files whose system calls fail as planned, and what became of every append.
struct faulty_log {
    struct outcome {
        perdure::error_code ec;
        perdure::position at;
    };

    explicit faulty_log(temporary_directory const& d, std::uint64_t segment_bytes = 64 * 1024)
        : faulty_log(options(d, segment_bytes))
    {
    }
    explicit faulty_log(perdure::wal_options o)
        : log(faulty_world(io, perdure::faulty_calls({faults})), watched(std::move(o)))
    {
    }

    static perdure::wal_options options(temporary_directory const& d, std::uint64_t segment_bytes)
    {
        perdure::wal_options o;
        o.directory = d / "log";
        o.segment_bytes = segment_bytes;
        o.record_bytes_max = 1 << 20;
        o.idle_seal_after = std::chrono::milliseconds(0);
        return o;
    }

    void append(std::string const& text, perdure::durability how = perdure::durability::disk)
    {
        auto& slot = results.emplace_back();
        log.async_append(perdure::as_bytes(text), how,
                         [&slot, text, this](perdure::error_code ec, perdure::position p) {
                             slot = outcome{ec, p};
                             if (!ec && p != 0)
                                 acknowledged[p] = text;
                         });
    }
    void run()
    {
        io.restart();
        io.run();
    }
    /// What became of the last append.
    outcome appended(std::string const& text, perdure::durability how = perdure::durability::disk)
    {
        append(text, how);
        run();
        return results.back().value();
    }

    boost::asio::io_context io;
    std::shared_ptr<perdure::call_faults> faults = std::make_shared<perdure::call_faults>();
    faulty_wal log;
    std::vector<perdure::wal_event> events;
    std::deque<std::optional<outcome>> results;
    std::map<perdure::position, std::string> acknowledged;

private:
    perdure::wal_options watched(perdure::wal_options o)
    {
        o.on_event = [this](perdure::wal_event const& e) { events.push_back(e); };
        return o;
    }
};

inline std::map<perdure::position, std::string> read_all(faulty_wal& log)
{
    std::map<perdure::position, std::string> out;
    log.replay(log.first_position(), [&](perdure::position p, std::span<std::byte const> b) {
        out[p] = std::string(perdure::as_text(b));
    });
    return out;
}

#endif
