// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// On the real system: a process that appends is killed at random moments, and what it was told to be
// durable is there; and a real file system that is full.
//
//     PERDURE_CYCLES=2000 tests/wal/test_wal_kill_soak     (50 without)
//     PERDURE_SEED=17 ...                                  replays one

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/wal/basic_wal.hpp>

#include <boost/asio/io_context.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <map>
#include <poll.h>
#include <random>
#include <string>
#include <sys/mount.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace perdure;

namespace {

std::uint64_t number_from(char const* variable, std::uint64_t otherwise)
{
    auto const* const text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

wal_options options(std::string const& directory)
{
    wal_options o;
    o.directory = directory;
    o.segment_bytes = 64 * 1024;
    o.idle_seal_after = std::chrono::milliseconds(1);
    return o;
}

/// What the record at a position is, whoever appends it.
std::string record_at(position p)
{
    return "record " + std::to_string(p) + std::string(p * 7919 % 900, static_cast<char>('a' + p % 26));
}

/// At every so many positions the process trims, and keeps so many records.
constexpr position trimmed_every = 200, trimmed_behind = 100;

/// The process that will be killed: several appends under way, every completion told to the pipe.
[[noreturn]] void append_until_killed(std::string const& directory, int pipe)
{
    boost::asio::io_context io;
    wal log(io, options(directory));
    log.open();
    std::function<void()> append = [&] {
        auto const p = log.next_position();
        log.async_append(as_bytes(record_at(p)), [&](error_code ec, position at) {
            if (ec || ::write(pipe, &at, sizeof at) != sizeof at)
                ::_exit(3);
            if (at % trimmed_every == 0)
                log.async_trim(at - trimmed_behind, [](error_code) {});
            append();
        });
    };
    for (int i = 0; i != 8; ++i)
        append();
    io.run();
    ::_exit(4); // It never ends by itself.
}

struct soak {
    std::uint64_t acknowledged = 0, cycles = 0, torn = 0, behind = 0, without_any = 0;
    position last = 0; ///< The last position that was acknowledged.
    position front = 1; ///< The first one that was there when it was last looked at.

    void cycle(std::string const& directory, std::mt19937_64& random)
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        auto const child = ::fork(); // This process has one thread now.
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(ends[0]);
            try {
                append_until_killed(directory, ends[1]);
            } catch (...) {
                ::_exit(5);
            }
        }
        ::close(ends[1]);
        // Mostly while it appends, sometimes while it opens.
        auto const sometime = random() % 5;
        auto const moment = std::chrono::microseconds(random() % 20'000);
        if (pollfd first{ends[0], POLLIN, 0}; sometime != 0)
            ::poll(&first, 1, 10'000);
        std::this_thread::sleep_for(moment);
        ::kill(child, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status)); // It failed by itself otherwise.
        position told = 0;
        std::uint64_t count = 0;
        for (position p = 0; ::read(ends[0], &p, sizeof p) == sizeof p; ++count)
            told = std::max(told, p);
        ::close(ends[0]);
        last = std::max(last, told);
        acknowledged += count;
        without_any += count == 0;
        ++cycles;
        judge(directory);
    }

    void judge(std::string const& directory)
    {
        boost::asio::io_context io;
        wal log(io, options(directory));
        auto const report = log.open();
        INFO(report);
        CHECK(report.outcome != recovery_outcome::damaged);
        CHECK(report.lost.empty());
        torn += report.outcome == recovery_outcome::torn_tail;
        CHECK(log.next_position() > last);
        // It tells of a position before it trims there, so nothing behind the last such trim may be gone.
        auto const asked_at = last / trimmed_every * trimmed_every;
        CHECK(log.first_position() <= (asked_at == 0 ? 1 : asked_at - trimmed_behind + 1));
        CHECK(log.first_position() >= front); // A trim that was seen is not undone.
        front = log.first_position();
        position next = log.first_position();
        std::uint64_t wrong = 0;
        log.replay(next, [&](position p, std::span<std::byte const> bytes) {
            wrong += p != next || as_text(bytes) != record_at(p);
            next = p + 1;
        });
        CHECK(wrong == 0);
        CHECK(next == log.next_position());
        behind += next - 1 - last; // Written, and not acknowledged in time.
        position at = 0;
        log.async_append(as_bytes(record_at(next)), [&](error_code ec, position p) {
            CHECK(!ec);
            at = p;
        });
        io.run();
        CHECK(at == next);
        last = at;
    }
};

/// A file system of its own in memory, if this user may mount one.
class small_file_system {
public:
    explicit small_file_system(std::string path) : path_(std::move(path))
    {
        std::filesystem::create_directories(path_);
        mounted_ = ::mount("perdure-test", path_.c_str(), "tmpfs", 0, "size=1m") == 0;
        if (!mounted_)
            why_not_ = std::generic_category().message(errno);
    }
    ~small_file_system()
    {
        if (mounted_)
            ::umount2(path_.c_str(), MNT_DETACH);
    }
    explicit operator bool() const { return mounted_; }
    std::string const& why_not() const { return why_not_; }

private:
    std::string path_;
    std::string why_not_;
    bool mounted_ = false;
};

} // namespace

TEST_CASE("wal: a process that appends is killed again and again, and nothing acknowledged is lost",
          "[wal][asio]")
{
    auto const cycles = number_from("PERDURE_CYCLES", 50);
    auto const seed = number_from("PERDURE_SEED", std::random_device()());
    INFO("replay the moments of the kills: PERDURE_SEED=" << seed << " PERDURE_CYCLES=" << cycles);
    std::mt19937_64 random(seed);
    temporary_directory d;
    soak s;
    while (s.cycles != cycles)
        s.cycle(d / "log", random);
    std::cout << s.cycles << " kills, " << s.acknowledged << " records acknowledged, " << s.torn
              << " torn tails, " << s.behind << " records written and not acknowledged, "
              << s.without_any << " kills before any acknowledgement\n";
    CHECK(s.acknowledged > 4 * cycles); // The search has been where it should go.
    if (s.last > 5 * trimmed_every)
        CHECK(s.front > 1);
}

TEST_CASE("wal: a real file system that is full refuses appends, and takes them again after a trim",
          "[wal][asio]")
{
    temporary_directory d;
    small_file_system const small(d / "small");
    if (!small)
        SKIP("a small file system cannot be mounted here: " << small.why_not());
    std::map<position, std::string> acknowledged;
    std::uint64_t refused = 0;
    position trimmed_up_to = 0;
    {
        boost::asio::io_context io;
        wal log(io, options(d / "small/log"));
        log.open();
        auto const append = [&](int i) {
            auto const text = std::to_string(i) + std::string(2000, '.');
            log.async_append(as_bytes(text), [&, text](error_code ec, position p) {
                if (!ec)
                    acknowledged[p] = text;
                else
                    CHECK(ec == errc::no_space);
                CHECK((ec.failed() == (p == 0))); // Refused means not written.
                refused += ec.failed();
            });
            io.restart();
            io.run();
        };
        int tries = 0;
        while (refused != 5) {
            REQUIRE(tries < 2000);
            append(tries++);
        }
        auto const before = acknowledged.size();
        CHECK(before > 200);
        CHECK(log.next_position() == before + 1);
        // Nothing is trimmed that is not wanted; the seal that says so needs a little space itself.
        error_code trimmed;
        trimmed_up_to = before / 2;
        log.async_trim(trimmed_up_to, [&](error_code ec) { trimmed = ec; });
        io.restart();
        io.run();
        INFO("trim: " << trimmed.message());
        for (int i = 0; i != 50; ++i)
            append(10'000 + i);
        INFO("refused " << refused << ", acknowledged " << acknowledged.size());
        CHECK(acknowledged.size() > before + 40);
    }
    boost::asio::io_context io;
    wal log(io, options(d / "small/log"));
    auto const report = log.open();
    INFO(report);
    std::map<position, std::string> found;
    log.replay(log.first_position(), [&](position p, std::span<std::byte const> b) {
        found[p] = std::string(as_text(b));
    });
    for (auto const& [p, text] : acknowledged)
        if (p >= log.first_position() && found[p] != text)
            FAIL_CHECK("position " << p << " is gone");
    CHECK(log.first_position() <= trimmed_up_to + 1);
    CHECK(log.next_position() == acknowledged.rbegin()->first + 1);
}
