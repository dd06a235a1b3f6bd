// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// What of a log is kept, and for whom: holds, retention, truncation of the end, followers.

#include "support/catch.hpp"
#include <perdure/wal/log_follower.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace asio = boost::asio;
using namespace perdure;

namespace {

struct directory {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() /
        ("perdure-keeping-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    directory() { std::filesystem::remove_all(path); }
    ~directory() { std::filesystem::remove_all(path); }
    static inline int count = 0;
};

struct fixture {
    directory where; // Removed last, when the loop and its flusher are gone.
    asio::io_context io;
    std::optional<wal> log;
    std::uint64_t now_ms = 1'000'000;

    recovery_report open(retention_limits const& keep = {})
    {
        log.reset();
        wal_options o;
        o.directory = where.path.string();
        o.segment_bytes = 16 * 1024;
        o.idle_seal_after = std::chrono::milliseconds(0);
        o.retention = keep;
        o.unix_time_ms = [this] { return now_ms; };
        log.emplace(io, o);
        return log->open();
    }
    // Until nothing is under way.
    void run()
    {
        io.restart();
        io.run();
    }
    // Until `done`; for 20 s at most, and that is a failure.
    template <class Done>
    void run_until(Done done)
    {
        io.restart();
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!done() && std::chrono::steady_clock::now() < end)
            io.run_one_for(std::chrono::milliseconds(100));
        CHECK(done());
    }
    // For a little while: what waits for what does not come goes on waiting.
    void run_a_while()
    {
        io.restart();
        io.run_for(std::chrono::milliseconds(30));
    }
    void append(int n, std::size_t size = 1000)
    {
        for (int i = 0; i != n; ++i) {
            auto const text = std::to_string(log->next_position()) + std::string(size, '.');
            bool done = false;
            // One sync for all of them, for speed.
            auto const how = i + 1 == n ? durability::disk : durability::os;
            log->async_append(as_bytes(text), how, [&](error_code ec, position) {
                CHECK(!ec);
                done = true;
            });
            run_until([&] { return done; });
        }
    }
    error_code trim(position up_to)
    {
        error_code result = asio::error::would_block;
        log->async_trim(up_to, [&](error_code ec) { result = ec; });
        run_until([&] { return result != asio::error::would_block; });
        return result;
    }
    error_code truncate(position last)
    {
        error_code result = asio::error::would_block;
        log->async_truncate(last, [&](error_code ec) { result = ec; });
        run_until([&] { return result != asio::error::would_block; });
        return result;
    }
    std::size_t segments() const
    {
        std::size_t n = 0;
        for (auto const& e : std::filesystem::directory_iterator(where.path))
            n += e.path().extension() == ".seg" ? 1 : 0;
        return n;
    }
    std::vector<position> positions(position from = 0)
    {
        std::vector<position> out;
        log->replay(from == 0 ? log->first_position() : from,
                    [&](position p, std::span<std::byte const> bytes) {
                        out.push_back(p);
                        auto const text = as_text(bytes);
                        CHECK(text.substr(0, text.find('.')) == std::to_string(p));
                    });
        return out;
    }
};

std::vector<position> from_to(position first, position last)
{
    std::vector<position> out;
    for (; first <= last; ++first)
        out.push_back(first);
    return out;
}

} // namespace

TEST_CASE("keeping: a hold keeps what a trim would remove, and says for whom", "[wal][asio]")
{
    fixture f;
    f.open();
    f.append(100);
    auto const files = f.segments();
    error_code ec;
    auto slow = f.log->hold(20, "replica 7", ec);
    REQUIRE(!ec);
    auto slower = f.log->hold(5, "snapshot in progress", ec);
    REQUIRE(!ec);
    CHECK(!f.trim(90));
    f.run();
    CHECK(f.log->first_position() == 5);
    CHECK(f.log->trim_wanted() == 91);
    CHECK(f.segments() == files);
    CHECK(f.log->holds() ==
          std::vector<hold_info>{{"snapshot in progress", 5}, {"replica 7", 20}});
    CHECK(f.positions() == from_to(5, 100));

    // Released, the trim goes on by itself, up to the next hold.
    slower.release();
    f.run();
    CHECK(f.log->first_position() == 20);
    CHECK(f.segments() < files);
    CHECK(f.positions() == from_to(20, 100));
    slow.move_to(60);
    f.run();
    CHECK(f.log->first_position() == 60);
    { auto gone = std::move(slow); }
    f.run();
    CHECK(f.log->first_position() == 91);
    CHECK(f.log->holds().empty());
    CHECK(f.positions() == from_to(91, 100));

    f.log->hold(90, "too late", ec);
    CHECK(ec == errc::position_out_of_range);
    f.log->hold(102, "too early", ec);
    CHECK(ec == errc::position_out_of_range);
    auto at_end = f.log->hold(101, "at the end", ec);
    CHECK(!ec);
    // The front is where the trim said when the log is opened anew.
    f.open();
    CHECK(f.log->first_position() == 91);
    at_end.move_to(99); // Of a log that is gone: nothing happens.
}

TEST_CASE("keeping: retention by records, bytes and age", "[wal][asio]")
{
    fixture f;
    retention_limits keep;
    std::size_t most = 0;
    SECTION("records")
    {
        keep.records_max = 30;
        most = 30 + 2 * 12;
    }
    SECTION("bytes")
    {
        keep.bytes_max = 40'000;
        most = 40 + 2 * 12;
    }
    SECTION("age")
    {
        keep.age_max = std::chrono::milliseconds(30'000);
        most = 30 + 2 * 12;
    }
    f.open(keep);
    for (int i = 0; i != 200; i += 4) {
        for (int k = 0; k != 4; ++k) {
            f.append(1);
            f.now_ms += 1000;
        }
        auto const kept = f.log->next_position() - f.log->first_position();
        CHECK(kept <= most);
        if (i >= 60)
            CHECK(kept >= 27);
    }
    CHECK(f.segments() <= 8);
    CHECK(f.positions() == from_to(f.log->first_position(), 200));
    error_code ec;
    auto const held = f.log->hold(f.log->first_position(), "reader", ec);
    auto const first = f.log->first_position();
    f.now_ms += 100'000;
    f.append(100);
    CHECK(f.log->first_position() == first);
    // Also at opening, where nobody holds.
    f.now_ms += 100'000;
    f.open(keep);
    f.run();
    CHECK(f.log->first_position() > first);
    CHECK(f.segments() <= 8);
}

TEST_CASE("keeping: the limits are judged segment by segment", "[wal][core]")
{
    std::vector<chain_segment> chain(4);
    for (std::size_t i = 0; i != 4; ++i) {
        chain[i].link.last = 10 * i;
        chain[i].positions = {10 * i + 1, 10 * i + 10};
        chain[i].used_bytes = 1000;
        chain[i].begun_ms = 1000 * (i + 1);
    }
    CHECK(retention_front(chain, {}, 9000) == 1);
    CHECK(retention_front(chain, {.records_max = 30}, 0) == 11);
    CHECK(retention_front(chain, {.records_max = 31}, 0) == 1);
    CHECK(retention_front(chain, {.records_max = 1}, 0) == 31); // The segment in use stays.
    CHECK(retention_front(chain, {.bytes_max = 3000}, 0) == 11);
    CHECK(retention_front(chain, {.bytes_max = 3001}, 0) == 1);
    CHECK(retention_front(chain, {.bytes_max = 1}, 0) == 31);
    using std::chrono::milliseconds;
    CHECK(retention_front(chain, {.age_max = milliseconds(1000)}, 3000) == 1);
    CHECK(retention_front(chain, {.age_max = milliseconds(999)}, 3000) == 11);
    CHECK(retention_front(chain, {.age_max = milliseconds(1)}, 100'000) == 31);
    CHECK(retention_front(chain, {.age_max = milliseconds(1)}, 0) == 1); // No clock.
    CHECK(retention_front(chain, {.age_max = milliseconds(1)}, 10) == 1); // Set back.
    chain[2].begun_ms = 0;
    CHECK(retention_front(chain, {.age_max = milliseconds(1)}, 100'000) == 11);
}

TEST_CASE("keeping: truncation drops the end, and gives no position twice", "[wal][asio]")
{
    fixture f;
    f.open();
    f.append(100);
    REQUIRE(f.segments() > 5);
    position const last = GENERATE(position{0}, position{15}, position{50}, position{99});
    CHECK(!f.truncate(last));
    CHECK(f.log->next_position() == 101);
    CHECK(f.positions() == from_to(1, last));
    f.append(30);
    auto expected = from_to(1, last);
    for (position p = 101; p <= 130; ++p)
        expected.push_back(p);
    CHECK(f.positions() == expected);
    CHECK(f.positions(120) == from_to(120, 130));
    // Again, through the gap, and behind it.
    CHECK(!f.truncate(110));
    f.append(1);
    expected = from_to(1, last);
    for (position p = 101; p <= 110; ++p)
        expected.push_back(p);
    expected.push_back(131);
    CHECK(f.positions() == expected);
    auto const report = f.open();
    CHECK(report.outcome == recovery_outcome::recovered);
    CHECK(report.lost.empty());
    CHECK(f.positions() == expected);
    CHECK(f.log->next_position() == 132);
}

TEST_CASE("keeping: truncation inside a group keeps the begin of the group", "[wal][asio]")
{
    fixture f;
    f.open();
    std::vector<std::string> texts;
    for (int i = 1; i <= 8; ++i)
        texts.push_back(std::to_string(i) + ".");
    std::vector<std::span<std::byte const>> records;
    for (auto const& t : texts)
        records.push_back(as_bytes(t));
    f.log->async_append_group(records, [](error_code ec, position) { CHECK(!ec); });
    f.run();
    CHECK(!f.truncate(5));
    CHECK(f.positions() == from_to(1, 5));
    f.append(1);
    CHECK(f.positions() == std::vector<position>{1, 2, 3, 4, 5, 9});
}

TEST_CASE("keeping: appends around a truncation are before or behind it as they were started",
          "[wal][asio]")
{
    fixture f;
    f.open();
    f.append(10);
    std::vector<std::string> order;
    auto append = [&] {
        auto const at = f.log->next_position();
        (void)at;
        f.log->async_append(as_bytes(std::string_view("11.")), [&](error_code ec, position p) {
            CHECK(!ec);
            order.push_back("append " + std::to_string(p));
        });
    };
    append(); // 11
    f.log->async_truncate(7, [&](error_code ec) {
        CHECK(!ec);
        order.push_back("truncate");
    });
    f.log->async_append(as_bytes(std::string_view("12.")), [&](error_code ec, position p) {
        CHECK(!ec);
        order.push_back("append " + std::to_string(p));
    });
    f.run();
    CHECK(order == std::vector<std::string>{"append 11", "truncate", "append 12"});
    CHECK(f.positions() == std::vector<position>{1, 2, 3, 4, 5, 6, 7, 12});

    CHECK(!f.trim(5));
    CHECK(f.truncate(4) == errc::position_out_of_range);
    CHECK(!f.truncate(5));
    CHECK(f.positions().empty());
    CHECK(!f.truncate(1000)); // Behind the end.
    f.append(1);
    CHECK(f.positions() == std::vector<position>{13});
}

TEST_CASE("keeping: a closing log completes its truncations", "[wal][asio]")
{
    fixture f;
    f.open();
    f.append(10);
    int done = 0;
    f.log->async_truncate(7, [&](error_code ec) {
        CHECK(!ec);
        ++done;
    });
    f.log->async_append(as_bytes(std::string_view("x")),
                        [&](error_code ec, position) { CHECK(ec == errc::closed); ++done; });
    f.log->async_close([&](error_code ec) {
        CHECK(!ec);
        ++done;
    });
    f.run();
    CHECK(done == 3);
    auto const report = f.open();
    CHECK(report.outcome == recovery_outcome::clean);
    CHECK(f.positions() == from_to(1, 7));
    CHECK(f.log->next_position() == 11);
}

TEST_CASE("keeping: a destroyed log aborts its truncations", "[wal][asio]")
{
    fixture f;
    f.open();
    f.append(10);
    int aborted = 0;
    for (position p : {position{7}, position{5}})
        f.log->async_truncate(p, [&](error_code ec) {
            CHECK(ec == asio::error::operation_aborted);
            ++aborted;
        });
    f.log.reset();
    f.run();
    CHECK(aborted == 2);
    f.open();
    CHECK(f.positions() == from_to(1, 10));
}

TEST_CASE("follower: passes every durable record once, while they are appended", "[wal][asio]")
{
    fixture f;
    f.open();
    f.append(40);
    position const from = GENERATE(position{1}, position{17}, position{41});
    std::vector<position> seen;
    basic_log_follower follower(*f.log, from, "replica");
    asio::co_spawn(
        f.io,
        [&]() -> asio::awaitable<void> {
            while (follower.next_position() <= 200) {
                co_await follower.async_next(asio::use_awaitable);
                CHECK(follower.next_position() <= f.log->durable_position() + 1);
                follower.visit([&](position p, std::span<std::byte const> bytes) {
                    seen.push_back(p);
                    auto const text = as_text(bytes);
                    CHECK(text.substr(0, text.find('.')) == std::to_string(p));
                });
                follower.release_read();
            }
        },
        asio::detached);
    asio::co_spawn(
        f.io,
        [&]() -> asio::awaitable<void> {
            for (position p = 41; p <= 200; ++p) {
                auto const text = std::to_string(p) + std::string(1000, '.');
                co_await f.log->async_append(
                    as_bytes(text), p % 8 == 0 ? durability::disk : durability::os,
                    asio::use_awaitable);
                if (p % 50 == 0)
                    co_await f.log->async_trim(p - 10, asio::use_awaitable);
            }
        },
        asio::detached);
    f.run();
    f.append(1); // The last ones were perhaps left to the system.
    CHECK(seen.front() == from);
    seen.resize(std::min<std::size_t>(seen.size(), 200 - from + 1));
    CHECK(seen == from_to(from, 200));
    CHECK(f.log->holds().size() == 1);
    CHECK(f.log->first_position() > 100);
}

TEST_CASE("follower: is told when what it read was cut off", "[wal][asio]")
{
    fixture f;
    f.open();
    f.append(30);
    basic_log_follower follower(*f.log, 1, "replica");
    error_code last;
    auto next = [&] {
        last = asio::error::would_block;
        follower.async_next([&](error_code ec) { last = ec; });
    };
    auto read_up_to = [&](position end) {
        std::vector<position> seen;
        while (seen.empty() || seen.back() < end) {
            next();
            f.run_until([&] { return last != asio::error::would_block; });
            REQUIRE(!last);
            follower.visit([&](position p, auto) { seen.push_back(p); });
        }
        next();
        f.run_a_while();
        CHECK(last == asio::error::would_block); // It waits.
        return seen;
    };
    CHECK(read_up_to(30) == from_to(1, 30));
    CHECK(!f.truncate(20));
    f.run_until([&] { return last == errc::log_truncated; });
    CHECK(follower.cut_at() == 20);
    follower.resume_at(21);
    f.append(2);
    CHECK(read_up_to(32) == std::vector<position>{31, 32});

    // A cut ahead of it is none of its business.
    basic_log_follower early(*f.log, 5, "early");
    CHECK(!f.truncate(31));
    f.run_until([&] { return last == errc::log_truncated; });
    std::vector<position> seen;
    early.async_next([&](error_code ec) {
        CHECK(!ec);
        early.visit([&](position p, auto) { seen.push_back(p); });
    });
    f.run_until([&] { return !seen.empty(); });
    CHECK(seen.front() == 5);
}

TEST_CASE("follower: cancellation loses nothing, and destroying it ends its wait", "[wal][asio]")
{
    fixture f;
    f.open();
    f.append(3);
    std::optional<basic_log_follower<>> follower;
    follower.emplace(*f.log, position{4}, "replica");
    asio::cancellation_signal signal;
    error_code result;
    auto next = [&] {
        result = asio::error::would_block;
        follower->async_next(asio::bind_cancellation_slot(
            signal.slot(), [&](error_code ec) { result = ec; }));
        f.run_a_while();
    };
    next();
    CHECK(result == asio::error::would_block);
    signal.emit(asio::cancellation_type::total);
    f.run_a_while();
    CHECK(result == asio::error::operation_aborted);
    next();
    f.append(1);
    f.run_until([&] { return !result; });
    CHECK(follower->next_position() == 5);
    next();
    CHECK(f.log->holds().size() == 1);
    follower.reset();
    f.run_a_while();
    CHECK(result == asio::error::operation_aborted);
    CHECK(f.log->holds().empty());

    // What is durable is read before a follower is told that the log was closed.
    follower.emplace(*f.log, position{1}, "replica");
    f.log->async_close([](error_code ec) { CHECK(!ec); });
    f.run();
    next();
    CHECK(!result);
    CHECK(follower->next_position() == 5);
    next();
    CHECK(result == errc::closed);
    follower.reset();
    follower.reset();
}
