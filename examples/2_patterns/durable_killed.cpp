// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// A key-value state that survives kill -9, and commands that take effect once.
//
// Starts itself as a server again and again, kills it with SIGKILL while it works, and each time
// gives the command that got no answer once more. In the end it opens the state and counts.
// Prints what each life recovered, and whether anything acknowledged is missing or was done twice.

#include <perdure/durable/durable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace asio = boost::asio;

struct deposit {
    std::string account;
    long amount = 0;
    void serialize(auto& archive, unsigned) { archive& account& amount; }
};

struct accounts {
    static constexpr bool exactly_once = true; // remembers what each client's last commands came to
    std::map<std::string, long> balance;
    long apply(deposit const& d) { return balance[d.account] += d.amount; }
    void serialize(auto& archive, unsigned) { archive& balance; }
};

using bank = perdure::durable<accounts, deposit>;

perdure::durable_options options()
{
    perdure::durable_options o;
    o.directory = "killed.state";
    o.snapshot_every_bytes = 20'000; // small, so that a short run has some
    o.snapshots.type = "accounts";
    return o;
}

// One life: goes on with command `next`, and says through the pipe what is on disk.
asio::awaitable<void> serve(asio::io_context& io, std::uint64_t next, int acknowledged)
{
    bank state(io, options());
    auto const report = co_await state.async_open(asio::use_awaitable);
    std::cout << "  " << report.commands_replayed << " commands replayed on snapshot "
              << report.loaded.id << '\n'
              << std::flush;
    for (;; ++next) {
        perdure::client_command const by{1, next};
        deposit command{"account " + std::to_string(next % 10), 1};
        co_await state.async_execute_once(by, command, asio::use_awaitable);
        if (::write(acknowledged, &next, sizeof next) != sizeof next)
            co_return;
    }
}

void run(asio::awaitable<void> life, asio::io_context& io)
{
    asio::co_spawn(io, std::move(life), [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    });
    io.run();
}

int main()
{
    std::filesystem::remove_all("killed.state");
    std::uint64_t last = 0; // the last command that was acknowledged
    for (int life = 1; life <= 6; ++life) {
        int ends[2];
        if (::pipe(ends) != 0)
            return 1;
        std::cout << "life " << life << " begins with command " << last + 1 << '\n' << std::flush;
        pid_t const child = ::fork();
        if (child == 0) {
            ::close(ends[0]);
            asio::io_context io;
            run(serve(io, last + 1, ends[1]), io);
            ::_exit(0);
        }
        ::close(ends[1]);
        // Some time after its first answer, in the middle of things.
        if (::read(ends[0], &last, sizeof last) != sizeof last)
            return 1;
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + 17 * life));
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        while (::read(ends[0], &last, sizeof last) == sizeof last) {
        }
        ::close(ends[0]);
    }

    asio::io_context io;
    long total = 0;
    run(
        [](asio::io_context& loop, std::uint64_t unanswered, long& sum) -> asio::awaitable<void> {
            bank state(loop, options());
            co_await state.async_open(asio::use_awaitable);
            // Whether or not it had reached the disk: given again it has one effect.
            perdure::client_command const by{1, unanswered};
            deposit command{"account " + std::to_string(unanswered % 10), 1};
            co_await state.async_execute_once(by, command, asio::use_awaitable);
            for (auto const& [name, balance] : state.state().balance)
                sum += balance;
            co_await state.async_close(asio::use_awaitable);
        }(io, last + 1, total),
        io);
    std::cout << last << " commands were acknowledged and one was not; the accounts hold " << total
              << '\n';
    bool const right = last != 0 && total == static_cast<long>(last) + 1;
    std::cout << (right ? "nothing is missing, nothing was done twice\n" : "WRONG\n");
    return right ? 0 : 1;
}
