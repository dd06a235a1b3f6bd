// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// A replica follows a live log: it gets every record once, as soon as it is on disk, and the log keeps
// what the replica has yet to read, also when the service trims. Then the service cuts off the end of
// its log, as consensus asks of a member whose records were not agreed upon, and the replica is told.
//
// Prints who holds the log, what the replica has read, and what became of the cut records. Each run
// begins with an empty log.

#include <perdure/wal/basic_wal.hpp>
#include <perdure/wal/log_follower.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <filesystem>
#include <iostream>
#include <string>

namespace asio = boost::asio;
using perdure::position;

namespace {

// Any asynchronous sink in place of the terminal makes this the sending half of replication.
asio::awaitable<void> replicate(perdure::log_follower& follower)
{
    for (;;) {
        auto const [ec] = co_await follower.async_next(asio::as_tuple(asio::use_awaitable));
        if (ec == perdure::errc::log_truncated) {
            std::cout << "replica: forget everything behind position " << follower.cut_at() << '\n';
            follower.resume_at(follower.cut_at() + 1);
            continue;
        }
        if (ec) {
            std::cout << "replica: ends, " << ec.message() << '\n';
            co_return;
        }
        follower.visit([](position p, std::span<std::byte const> record) {
            std::cout << "replica: " << p << " \"" << perdure::as_text(record) << "\"\n";
        });
        follower.release_read(); // The log may give these up.
    }
}

asio::awaitable<void> serve(perdure::wal& log)
{
    for (int i = 1; i <= 6; ++i) {
        auto const record = "order " + std::to_string(i);
        co_await log.async_append(perdure::as_bytes(record), asio::use_awaitable);
    }
    // A snapshot holds the first four. A follower that is slow keeps what it needs.
    co_await log.async_trim(4, asio::use_awaitable);
    for (auto const& hold : log.holds())
        std::cout << "service: " << hold.who << " needs the log from " << hold.from << " on\n";

    // The last two were never agreed upon.
    co_await log.async_truncate(4, asio::use_awaitable);
    std::string const agreed = "order 5, agreed";
    auto const at = co_await log.async_append(perdure::as_bytes(agreed), asio::use_awaitable);
    std::cout << "service: positions are not given twice, the next one is " << at << '\n';

    // The newest record first, without reading the log from its begin.
    perdure::error_code ec;
    log.replay_backward(log.next_position(), [](position p, std::span<std::byte const> record) {
        std::cout << "service: the last record is " << p << " \"" << perdure::as_text(record)
                  << "\"\n";
        return false;
    }, ec);
    co_await log.async_close(asio::use_awaitable);
}

} // namespace

int main()
{
    std::filesystem::remove_all("wal_follow");
    asio::io_context io;
    perdure::wal log(io, {.directory = "wal_follow"});
    log.open();
    perdure::log_follower follower(log, log.first_position(), "replica 7");
    asio::co_spawn(io, replicate(follower), asio::detached);
    asio::co_spawn(io, serve(log), asio::detached);
    io.run();
}
