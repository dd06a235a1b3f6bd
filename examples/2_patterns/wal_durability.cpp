// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Choosing durability: what an acknowledgement is worth, and what it costs.
//
// A child process appends 1000 records one after the other, counts what was acknowledged, and is
// killed with SIGKILL. The parent opens the log and counts what is there:
//
//   memory    acknowledged at once; the last records may be lost with the process
//   os        survives the process, not a loss of power
//   disk      survives both, and every record waits for the disk
//   together  all 1000 are left to the operating system, and then one wait makes all durable: a
//             loss of power may lose what nobody was told of yet
//
// Prints a row for each; the times show what the disk costs here.

#include <perdure/wal/basic_wal.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace asio = boost::asio;
using perdure::durability;

namespace {

constexpr int record_count = 1000;

/// What the child tells the parent before it dies.
struct news {
    int acknowledged = 0;
    double milliseconds = 0;
};

perdure::wal_options options()
{
    perdure::wal_options o;
    o.directory = "wal_durability";
    return o;
}

asio::awaitable<void> append_all(perdure::wal& log, durability how, bool wait_at_end, news& told)
{
    auto const begin = std::chrono::steady_clock::now();
    perdure::position last = 0;
    for (int i = 0; i != record_count; ++i) {
        std::string const record = "order " + std::to_string(i);
        last = co_await log.async_append(perdure::as_bytes(record), how, asio::use_awaitable);
        told.acknowledged += !wait_at_end;
    }
    if (wait_at_end) {
        co_await log.async_wait_durable(last, asio::use_awaitable);
        told.acknowledged = record_count; // Only now may anybody be told.
    }
    std::chrono::duration<double, std::milli> const took =
        std::chrono::steady_clock::now() - begin;
    told.milliseconds = took.count();
}

[[noreturn]] void child(durability how, bool wait_at_end, int to_parent)
{
    news told;
    asio::io_context io;
    perdure::wal log(io, options());
    log.open();
    asio::co_spawn(io, append_all(log, how, wait_at_end, told), [&](std::exception_ptr) {
        if (::write(to_parent, &told, sizeof told) != sizeof told)
            std::perror("write");
        ::raise(SIGKILL); // No destructor runs, nothing is closed.
    });
    io.run();
    std::_Exit(1);
}

bool show(char const* name, durability how, bool wait_at_end)
{
    std::filesystem::remove_all(options().directory);
    int ends[2];
    if (::pipe(ends) != 0)
        return false;
    pid_t const pid = ::fork();
    if (pid == 0)
        child(how, wait_at_end, ends[1]);
    ::close(ends[1]);
    news told;
    bool const heard = ::read(ends[0], &told, sizeof told) == sizeof told;
    ::close(ends[0]);
    ::waitpid(pid, nullptr, 0);
    if (!heard)
        return false;

    asio::io_context io;
    perdure::wal log(io, options());
    log.open();
    int found = 0;
    log.replay(log.first_position(),
               [&](perdure::position, std::span<std::byte const>) { ++found; });
    int const lost = std::max(0, told.acknowledged - found);
    std::printf("%-10s %12d %6d lost %10.1f ms\n", name, told.acknowledged, lost,
                told.milliseconds);
    return how == durability::memory || lost == 0;
}

} // namespace

int main()
{
    std::printf("%-10s %12s %11s %13s\n", "durability", "acknowledged", "after kill", "time");
    std::fflush(stdout);
    bool good = show("memory", durability::memory, false);
    good = show("os", durability::os, false) && good;
    good = show("disk", durability::disk, false) && good;
    good = show("together", durability::os, true) && good;
    return good ? 0 : 1;
}
