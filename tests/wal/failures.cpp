// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The disk fails under an open log.

#include "support/catch.hpp"
#include "wal/faulty_log.hpp"

#include <boost/asio/steady_timer.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

using namespace perdure;
using namespace std::chrono_literals;
using fixture = faulty_log;

TEST_CASE("scenario P1, WALWriteErrorNoRecovery: a failed sync or write is final, and what was durable stays readable",
          "[wal][asio]")
{
    // The next sync would succeed, and prove nothing.
    auto const call = GENERATE(system_call::fdatasync, system_call::pwritev);
    temporary_directory d;
    {
        fixture f(d);
        f.log.open();
        f.append("durable");
        f.run();
        f.faults->fail(call, EIO);
        f.append("lost 1");
        f.append("lost 2");
        f.run();
        REQUIRE(f.results.size() == 3);
        CHECK(!f.results[0]->ec);
        for (int i : {1, 2}) {
            auto const& r = *f.results[static_cast<std::size_t>(i)];
            CHECK(r.ec == errc::log_failed);
            CHECK(r.at == static_cast<position>(i + 1)); // It may be written.
        }
        CHECK(f.log.durable_position() == 1);
        auto const syncs = f.faults->calls(system_call::fdatasync);
        f.append("refused");
        f.run();
        CHECK(f.results.back()->ec == errc::log_failed);
        CHECK(f.results.back()->at == 0);
        CHECK(f.faults->calls(system_call::fdatasync) == syncs);
        error_code closing;
        f.log.async_close([&](error_code ec) { closing = ec; });
        f.run();
        CHECK(closing == errc::log_failed);
    }
    fixture again(d);
    auto const report = again.log.open();
    INFO(report);
    auto const all = read_all(again.log);
    CHECK(all.at(1) == "durable");
}

TEST_CASE("scenario P2: what a failed sync left in the cache is written again before it is served",
          "[wal][asio]")
{
    // The record can be read after the failed sync, but is not on disk.
    temporary_directory d;
    {
        fixture f(d);
        f.log.open();
        f.append("durable");
        f.run();
        f.faults->fail(system_call::fdatasync, EIO);
        f.append("only in the cache");
        f.run();
        CHECK(f.results.back()->ec == errc::log_failed);
    }
    fixture again(d);
    auto const report = again.log.open();
    INFO(report);
    CHECK(report.outcome == recovery_outcome::recovered);
    CHECK(report.durable < report.recovered.last);
    CHECK(read_all(again.log).at(2) == "only in the cache");
    // It stands in the new segment now.
    std::string newest;
    for (auto const& e : std::filesystem::directory_iterator(d / "log"))
        if (e.path().extension() == ".seg" && e.file_size() > 4096) { // One being made may vanish; a segment stays.
            std::ifstream in(e.path(), std::ios::binary);
            std::string const text((std::istreambuf_iterator<char>(in)), {});
            if (text.find("only in the cache") != std::string::npos)
                newest = std::max(newest, e.path().filename().string());
        }
    CHECK(newest > "wal-00000000000000000001.seg");
}

TEST_CASE("scenario P6: lack of space fails what waits, loses nothing, and passes", "[wal][asio]")
{
    temporary_directory d;
    auto const call = GENERATE(system_call::fallocate, system_call::pwritev);
    auto const error = GENERATE(ENOSPC, EDQUOT);
    std::map<position, std::string> acknowledged;
    {
        fixture f(d, 8192);
        f.log.open();
        f.run(); // The next segment is made.
        int refused = 0;
        for (int i = 0; i != 60; ++i) {
            if (i == 25)
                f.faults->fail(call, error, 1, 3);
            f.append("record " + std::to_string(i) + std::string(200, '.'));
            f.run();
            auto const& r = *f.results.back();
            if (r.ec) {
                ++refused;
                CHECK(r.ec == errc::no_space);
                CHECK(r.at == 0);
                CHECK(f.log.durable_position() + 1 == f.log.next_position());
            }
        }
        CHECK(f.faults->all_happened());
        CHECK(refused > 0);
        CHECK(refused <= 3);
        CHECK(read_all(f.log) == f.acknowledged);
        CHECK(f.log.next_position() == f.acknowledged.size() + 1);
        acknowledged = f.acknowledged;
        CHECK(acknowledged.size() == static_cast<std::size_t>(60 - refused));
    }
    fixture again(d, 8192);
    INFO(again.log.open());
    CHECK(read_all(again.log) == acknowledged);
}

TEST_CASE("wal: who waits for an older record is told when there was no space to sync it, and may wait again",
          "[wal][asio]")
{
    temporary_directory d;
    fixture f(d);
    f.log.open();
    REQUIRE(!f.appended("older", durability::os).ec);
    f.faults->fail(system_call::pwritev, ENOSPC);
    std::optional<fixture::outcome> waited;
    auto const wait = [&] {
        f.log.async_wait_durable(1, [&](error_code ec, position p) { waited = fixture::outcome{ec, p}; });
    };
    f.append("refused");
    wait();
    f.run();
    CHECK(f.results.back()->ec == errc::no_space);
    CHECK(f.results.back()->at == 0);
    CHECK(waited.value().ec == errc::no_space);
    CHECK(waited.value().at == 1); // It is written all the same.
    wait();
    f.run();
    CHECK(!waited.value().ec);
    CHECK(read_all(f.log) == std::map<position, std::string>{{1, "older"}});
}

TEST_CASE("wal: a second directory that is the first one by another name is refused", "[wal][asio]")
{
    temporary_directory d;
    std::filesystem::create_directory(d / "log");
    std::filesystem::create_directory_symlink(d / "log", d / "link");
    for (auto const& name : {d / "log/", d / "./log", d / "link", d / "log/../log"}) {
        INFO(name);
        auto o = fixture::options(d, 64 * 1024);
        o.second_directory = name;
        fixture f(o);
        error_code ec;
        auto const report = f.log.open(ec);
        CHECK(ec == boost::system::errc::invalid_argument);
        CHECK(report.detail.find(name) != std::string::npos);
    }
    auto o = fixture::options(d, 64 * 1024);
    o.second_directory = d / "second";
    fixture f(o);
    f.log.open();
    CHECK(!f.appended("one").ec);
}

TEST_CASE("scenario P1, P3, P4, P5, P6, P7: any one system call fails, and no acknowledged record is lost",
          "[wal][asio]")
{
    // The n-th call of opening, appending over several segments, trimming, closing.
    int const error = GENERATE(EIO, ENOSPC);
    for (std::uint64_t n = 1;; ++n) {
        INFO("call " << n << " fails with " << error);
        temporary_directory d;
        std::map<position, std::string> acknowledged;
        position front = 1;
        bool happened = false;
        {
            fixture f(d, 8192);
            f.faults->fail_any(error, n);
            error_code ec;
            auto const report = f.log.open(ec);
            if (ec) {
                CHECK(report.outcome == recovery_outcome::refused);
                CHECK(!report.detail.empty());
            } else {
                for (int i = 0; i != 16; ++i) {
                    f.append("record " + std::to_string(i) + std::string(600, '.'));
                    if (i % 3 == 0)
                        f.append("small");
                    f.run();
                    if (i == 12)
                        f.log.async_trim(10, [&](error_code) {});
                }
                f.log.async_close([](error_code) {});
                f.run();
                front = f.log.first_position();
                acknowledged = f.acknowledged;
                for (auto const& r : f.results)
                    CHECK(r.has_value());
            }
            happened = f.faults->all_happened();
        }
        fixture again(d, 8192);
        error_code ec;
        auto const report = again.log.open(ec);
        INFO(report);
        REQUIRE(!ec);
        auto const all = read_all(again.log);
        for (auto const& [p, text] : acknowledged)
            if (p >= front && (!all.contains(p) || all.at(p) != text))
                FAIL_CHECK("position " << p << " is gone");
        again.append("after");
        again.run();
        CHECK(!again.results.back()->ec);
        if (!happened) {
            CHECK(n > 60);
            break;
        }
    }
}

TEST_CASE("wal: a stalled disk does not block the loop, and appends wait for room", "[wal][asio]")
{
    temporary_directory d;
    fixture f(d);
    f.log.open();
    f.run();
    f.faults->hold(system_call::fdatasync);
    std::string const big(1 << 20, 'x'); // Four of them fill what may wait.
    for (int i = 0; i != 12; ++i)
        f.append(big);
    asio::steady_timer tick(f.io);
    int ticks = 0;
    std::function<void()> again = [&] {
        tick.expires_after(1ms);
        tick.async_wait([&](error_code) {
            if (++ticks == 20)
                f.faults->release();
            else
                again();
        });
    };
    again();
    f.run();
    CHECK(ticks == 20);
    for (auto const& r : f.results)
        CHECK((r && !r->ec));
    CHECK(f.log.counters().groups >= 3);
    CHECK(f.log.counters().groups <= 6);
}

TEST_CASE("wal: a log that continues elsewhere loses nothing, whichever write or sync fails",
          "[wal][asio]")
{
    auto const call = GENERATE(system_call::fdatasync, system_call::pwritev);
    int const variant = GENERATE(0, 1, 2);
    bool const second = variant == 1;
    bool const by_thread = variant == 2;
    for (std::uint64_t n = 1;; ++n) {
        INFO(to_string(call) << " number " << n << " fails, second directory " << second
                             << ", by a thread " << by_thread);
        temporary_directory d;
        auto o = fixture::options(d, 8192);
        o.after_failure = after_failure::continue_elsewhere;
        if (second)
            o.second_directory = d / "second";
        bool happened = false;
        std::map<position, std::string> acknowledged;
        {
            fixture f(o);
            f.log.open();
            f.run();
            f.faults->fail(call, EIO, n);
            for (int i = 0; i != 14; ++i) {
                auto const how = i % 3 == 2 ? durability::disk : durability::os;
                auto const text = "record " + std::to_string(i) + std::string(700, '.');
                if (by_thread) {
                    acknowledged[f.log.append(as_bytes(text), how)] = text;
                    if (i % 4 == 0)
                        f.run();
                } else {
                    f.append(text, how);
                    f.run();
                    REQUIRE(!f.results.back()->ec);
                }
            }
            f.run();
            if (!by_thread)
                acknowledged = f.acknowledged;
            CHECK(acknowledged.size() == 14);
            CHECK(read_all(f.log) == acknowledged);
            happened = f.faults->all_happened();
            // The next segment is made beside the group, and a failure there is tried again.
            CHECK(f.log.counters().failures <= happened);
            REQUIRE(f.events.size() == f.log.counters().failures);
            for (auto const& e : f.events) {
                CHECK(e.kind == wal_event_kind::continued);
                CHECK(e.cause == boost::system::errc::io_error);
                CHECK(e.directory == (second ? o.second_directory : o.directory));
            }
        }
        o.mode = n % 2 == 0 ? recovery_mode::tail : recovery_mode::strict;
        fixture again(o);
        error_code ec;
        auto const report = again.log.open(ec);
        INFO(report);
        REQUIRE(!ec);
        CHECK(read_all(again.log) == acknowledged);
        if (!happened) {
            CHECK(n > 4);
            break;
        }
    }
}

TEST_CASE("wal: a log that cannot continue elsewhere either fails, and says what is durable",
          "[wal][asio]")
{
    temporary_directory d;
    auto o = fixture::options(d, 64 * 1024);
    o.after_failure = after_failure::continue_elsewhere;
    fixture f(o);
    f.log.open();
    f.append("durable");
    f.run();
    f.faults->fail(system_call::fdatasync, EIO, 1, 2);
    f.append("lost");
    f.run();
    CHECK(f.results.back()->ec == errc::log_failed);
    CHECK(f.log.durable_position() == 1);
    REQUIRE(f.events.size() == 1);
    CHECK(f.events[0].kind == wal_event_kind::failed);
    CHECK(f.log.failure() == boost::system::errc::io_error);
}
