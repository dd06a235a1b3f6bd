// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// What other logs are tested for, with system calls that fail, fall short or stall under real files. See
// scenarios.cpp.

#include "support/catch.hpp"
#include "wal/faulty_log.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <sys/stat.h>

using namespace perdure;
using namespace std::chrono_literals;
namespace filesystem = std::filesystem;

namespace {

constexpr std::uint64_t small = 8192;

/// Appends until one is refused, or `n` were taken.
void append_many(faulty_log& f, int n)
{
    for (int i = 0; i != n; ++i)
        if (f.appended(std::to_string(i) + std::string(600, '.')).ec)
            return;
}

/// Opens the log anew without faults: what was acknowledged is there, and it can be appended to.
void check_reopened(temporary_directory const& d, std::map<position, std::string> const& acknowledged)
{
    faulty_log f(d, small);
    error_code ec;
    auto const report = f.log.open(ec);
    INFO(report);
    REQUIRE(!ec);
    auto const found = read_all(f.log);
    for (auto const& [p, text] : acknowledged) {
        INFO("position " << p);
        REQUIRE(found.contains(p));
        CHECK(found.at(p) == text);
    }
    CHECK(!f.appended("after").ec);
}

/// A life over several segments in which the n-th call of a kind fails, once or for good, for every n.
/// Returns how many calls there were.
std::uint64_t search(system_call call, int error, std::uint64_t times)
{
    for (std::uint64_t n = 1;; ++n) {
        INFO(to_string(call) << " number " << n << " fails with " << error);
        temporary_directory d;
        std::map<position, std::string> acknowledged;
        bool happened = false;
        {
            faulty_log f(d, small);
            f.faults->fail(call, error, n, times);
            error_code ec;
            f.log.open(ec);
            if (!ec) {
                append_many(f, 30);
                f.log.async_close([](error_code) {});
                f.run();
                acknowledged = f.acknowledged;
            }
            happened = f.faults->all_happened();
        }
        check_reopened(d, acknowledged);
        if (!happened)
            return n - 1;
    }
}

int files_with(temporary_directory const& d, std::string const& part)
{
    int n = 0;
    std::error_code none;
    for (auto const& e : filesystem::directory_iterator(d / "log", none))
        n += e.path().filename().string().find(part) != std::string::npos;
    return n;
}

} // namespace

// -- failed syncs and stalls: Rebello et al., CuttleFS ------------------------------------------------

TEST_CASE("scenario P3: a group of which a part was written before the failure is whole or not there",
          "[wal][asio]")
{
    std::string const large(20'000, 'x');
    for (std::uint64_t written = 0; written <= 20'480; written += 1024) {
        INFO(written << " bytes were written");
        temporary_directory d;
        bool fitted = false;
        {
            faulty_log f(d);
            f.log.open();
            REQUIRE(!f.appended("durable").ec);
            if (written != 0)
                f.faults->shorten(system_call::pwritev, written);
            f.faults->fail(system_call::pwritev, EIO, written != 0 ? 2 : 1);
            auto const r = f.appended(large);
            fitted = !f.faults->all_happened();
            CHECK(r.ec == (fitted ? error_code() : make_error_code(errc::log_failed)));
        }
        faulty_log again(d);
        again.log.open();
        auto const found = read_all(again.log);
        std::map<position, std::string> const without{{1, "durable"}}, whole{{1, "durable"}, {2, large}};
        CHECK((found == whole || (!fitted && found == without)));
    }
}

TEST_CASE("scenario P4: a sync of a directory or of a new segment fails", "[wal][asio]")
{
    CHECK(search(system_call::fsync, EIO, 1) > 10);
}

TEST_CASE("scenario P4: a sync that fails is told by the opening, or when the segment that it was for is needed",
          "[wal][asio]")
{
    // An opening, and then what makes the next segment: it syncs the file, and the directory with its name.
    auto const syncs = [] {
        temporary_directory d;
        faulty_log f(d, small);
        f.log.open();
        f.run();
        return f.faults->calls(system_call::fsync);
    }();
    REQUIRE(syncs > 4);
    for (std::uint64_t n = 1; n <= syncs; ++n) {
        INFO("sync " << n << " of " << syncs << " fails");
        temporary_directory d;
        faulty_log f(d, small);
        f.faults->fail(system_call::fsync, EIO, n);
        error_code ec;
        f.log.open(ec);
        REQUIRE(ec.failed() == (n + 2 <= syncs));
        if (ec) {
            CHECK(ec == boost::system::errc::io_error);
            continue;
        }
        f.run();
        REQUIRE(f.faults->all_happened());
        append_many(f, 60);
        if (n != syncs) { // The file, which is made again.
            CHECK(f.acknowledged.size() == 60);
            continue;
        }
        // Whether the name will be there after a crash is not known: nothing in that segment is acknowledged.
        CHECK(f.results.back()->ec == errc::log_failed);
        CHECK(f.log.failure() == boost::system::errc::io_error); // And not what trying again came to.
        CHECK(f.acknowledged.size() < 20);
        f.log.async_close([&](error_code e) { ec = e; });
        f.run();
        CHECK(ec == errc::log_failed);
    }
}

TEST_CASE("scenario P5: closing a file reports an error", "[wal][asio]")
{
    CHECK(search(system_call::close, EIO, 1) > 3);
}

TEST_CASE("scenario P5: who needs a segment behind one that closes with an error, or closes the log, is told",
          "[wal][asio]")
{
    temporary_directory d;
    std::map<position, std::string> acknowledged;
    {
        faulty_log f(d, small);
        f.log.open();
        f.run(); // The next segment is ready: what is closed next is the one in use.
        f.faults->fail(system_call::close, EIO);
        append_many(f, 60);
        CHECK(f.faults->all_happened());
        CHECK(f.results.back()->ec == errc::log_failed);
        CHECK(f.log.failure() == boost::system::errc::io_error);
        CHECK(f.acknowledged.size() < 20);
        acknowledged = f.acknowledged;
    }
    check_reopened(d, acknowledged);
    error_code ec;
    faulty_log f(d, small);
    f.log.open();
    f.run();
    f.faults->fail(system_call::close, EIO);
    f.log.async_close([&](error_code e) { ec = e; });
    f.run();
    CHECK(f.faults->all_happened());
    CHECK(ec == boost::system::errc::io_error);
}

TEST_CASE("scenario P7: the file system becomes read-only, or is over its quota, and stays so",
          "[wal][asio]")
{
    auto const [call, error] = GENERATE(table<system_call, int>({{system_call::pwritev, EROFS},
                                                                 {system_call::open, EROFS},
                                                                 {system_call::fdatasync, EROFS},
                                                                 {system_call::pwritev, EDQUOT},
                                                                 {system_call::open, EDQUOT}}));
    temporary_directory d;
    std::map<position, std::string> acknowledged;
    {
        faulty_log f(d, small);
        f.log.open();
        append_many(f, 5);
        f.run();
        f.faults->fail(call, error, 1, call_faults::for_ever);
        append_many(f, 60);
        CHECK(f.results.back()->ec == (error == EDQUOT ? errc::no_space : errc::log_failed));
        if (error == EROFS)
            CHECK(f.log.failure() == boost::system::errc::read_only_file_system);
        acknowledged = f.acknowledged;
        CHECK(acknowledged.size() < 65);
        CHECK(acknowledged.size() >= 5);
        if (call != system_call::open) // Else it cannot be read either.
            CHECK(read_all(f.log).size() >= acknowledged.size());
    }
    check_reopened(d, acknowledged);
}

TEST_CASE("scenario P7: the directory is taken away, and comes back", "[wal][asio]")
{
    temporary_directory d;
    std::map<position, std::string> acknowledged;
    {
        faulty_log f(d, small);
        f.log.open();
        append_many(f, 5);
        filesystem::rename(d / "log", d / "elsewhere");
        append_many(f, 60);
        CHECK(f.results.back()->ec == errc::log_failed);
        CHECK(f.log.failure() == boost::system::errc::no_such_file_or_directory);
        acknowledged = f.acknowledged;
        CHECK(acknowledged.size() < 65);
    }
    filesystem::rename(d / "elsewhere", d / "log");
    check_reopened(d, acknowledged);
}

TEST_CASE("scenario P8: a sync hangs: the loop goes on, appends wait for room, and the watchdog tells it once",
          "[wal][asio]")
{
    temporary_directory d;
    auto o = faulty_log::options(d, 64 * 1024);
    o.waiting_bytes_max = 8192;
    o.stall_after = 20ms;
    o.after_failure = after_failure::continue_elsewhere;
    o.second_directory = d / "second"; // A stall is no failure: it is not used.
    faulty_log f(o);
    f.log.open();
    f.run();
    f.faults->hold(system_call::fdatasync);
    for (int i = 0; i != 40; ++i)
        f.append(std::to_string(i) + std::string(1000, '.'));
    boost::asio::steady_timer tick(f.io);
    int ticks = 0;
    std::function<void()> const again = [&] {
        tick.expires_after(1ms);
        tick.async_wait([&](error_code) {
            if (++ticks != 100)
                return again();
            CHECK(f.acknowledged.empty());
            CHECK(f.log.next_position() < 41); // The others wait for room, and have no position.
            REQUIRE(f.events.size() == 1);
            CHECK(f.events[0].kind == wal_event_kind::disk_stalled);
            f.faults->release();
        });
    };
    again();
    f.run();
    CHECK(ticks == 100);
    CHECK(f.acknowledged.size() == 40);
    REQUIRE(f.events.size() == 2);
    CHECK(f.events[1].kind == wal_event_kind::disk_answered);
    CHECK(f.events[1].took >= 100ms);
    CHECK(filesystem::is_empty(d / "second"));
}

// -- etcd -------------------------------------------------------------------------------------------

TEST_CASE("scenario E5: the copy of a damaged segment may be read by nobody who may not read the segment",
          "[wal][asio]")
{
    auto const before = ::umask(077);
    temporary_directory d;
    std::string segment;
    {
        faulty_log f(d);
        f.log.open();
        append_many(f, 10);
        segment = d / "log/" + wal_format::segment_name(1);
    }
    {
        std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(6000);
        file << "damage";
    }
    auto o = faulty_log::options(d, 64 * 1024);
    o.mode = recovery_mode::point_in_time;
    faulty_log f(o);
    auto const report = f.log.open();
    ::umask(before);
    INFO(report);
    REQUIRE(report.set_aside.size() == 1);
    auto const copy = filesystem::status(d / "log/" + report.set_aside[0]).permissions();
    CHECK(copy == (filesystem::perms::owner_read | filesystem::perms::owner_write));
    CHECK(!f.appended("after").ec);
}

TEST_CASE("scenario E11: a log whose first segment cannot be given its name is not there, and can be made",
          "[wal][asio]")
{
    for (auto const call : {system_call::rename_no_replace, system_call::fallocate, system_call::fsync}) {
        INFO(to_string(call));
        temporary_directory d;
        faulty_log f(d);
        f.faults->fail(call, EACCES);
        error_code ec;
        auto const report = f.log.open(ec);
        REQUIRE(f.faults->all_happened());
        CHECK(ec == boost::system::errc::permission_denied);
        CHECK(report.outcome == recovery_outcome::refused);
        CHECK(!f.log.is_open());
        CHECK(files_with(d, ".new") == 0);
        if (call != system_call::fsync)
            CHECK(files_with(d, ".seg") == 0);
        f.log.open(ec); // The same object.
        CHECK(!ec);
        CHECK(f.appended("first").at == 1);
    }
}

TEST_CASE("scenario E12: a segment that no disk can hold is an error of opening, and leaves nothing",
          "[wal][asio]")
{
    temporary_directory d;
    {
        faulty_log f(d, std::numeric_limits<std::int64_t>::max());
        error_code ec;
        auto const report = f.log.open(ec);
        CHECK(ec);
        CHECK(report.outcome == recovery_outcome::refused);
        CHECK(files_with(d, ".seg") + files_with(d, ".new") == 0);
    }
    check_reopened(d, {});
}

TEST_CASE("scenario E15: segments that go while they are read are an error, and none that a hold keeps go",
          "[wal][asio]")
{
    bool const holds = GENERATE(false, true);
    temporary_directory d;
    faulty_log f(d, small);
    f.log.open();
    append_many(f, 60);
    error_code ec;
    basic_log_hold<faulty_world> hold;
    if (holds)
        hold = f.log.hold(1, "reader", ec);
    REQUIRE(!ec);
    std::map<position, std::string> found;
    std::optional<error_code> ended;
    f.log.async_replay(
        1,
        [&](position p, std::span<std::byte const> b) {
            if (found.empty())
                f.log.async_trim(50, [](error_code) {});
            found[p] = std::string(as_text(b));
        },
        [&](error_code e, position) { ended = e; });
    f.run();
    REQUIRE(ended);
    CHECK(ended->failed() == !holds);
    CHECK(found.size() == (holds ? 60 : found.rbegin()->first)); // In order, and none left out.
    for (auto const& [p, text] : found)
        CHECK(text == f.acknowledged.at(p));
}

// -- braft, RocksDB, LevelDB ----------------------------------------------------------------------------

TEST_CASE("scenario BR5, RecoverWriteError: what cannot be read or written is an error of opening, once",
          "[wal][asio]")
{
    struct row {
        system_call call;
        int error;
    };
    auto const r = GENERATE(row{system_call::open, EACCES}, row{system_call::preadv, EIO},
                            row{system_call::pwritev, EIO}, row{system_call::fdatasync, EIO});
    int refused = 0;
    for (std::uint64_t n = 1;; ++n) {
        INFO(to_string(r.call) << " number " << n << " of an opening fails");
        temporary_directory d;
        std::map<position, std::string> acknowledged;
        {
            faulty_log f(d, small);
            f.log.open();
            append_many(f, 20);
            acknowledged = f.acknowledged;
        }
        faulty_log f(d, small);
        f.faults->fail(r.call, r.error, n);
        error_code ec;
        auto const report = f.log.open(ec);
        if (!f.faults->all_happened())
            break;
        if (!ec) // It did not matter.
            continue;
        ++refused;
        CHECK(ec.value() == r.error);
        CHECK(report.outcome == recovery_outcome::refused);
        CHECK(report.detail.find(d / "log") != std::string::npos); // It says which file.
        CHECK(report.detail.find(ec.message()) != std::string::npos);
        f.log.open(ec);
        REQUIRE(!ec);
        CHECK(read_all(f.log) == acknowledged);
    }
    CHECK((refused > 0 || r.call == system_call::fdatasync)); // It syncs whole files.
}

TEST_CASE("scenario NewFileErrorDuringWrite: without a next segment appending fails, and works again",
          "[wal][asio]")
{
    temporary_directory d;
    std::map<position, std::string> acknowledged;
    {
        faulty_log f(d, small);
        f.log.open();
        f.run();
        f.faults->fail(system_call::open, EMFILE, 1, call_faults::for_ever);
        append_many(f, 100);
        CHECK(f.results.back()->ec == errc::log_failed);
        CHECK(f.log.failure() == boost::system::errc::too_many_files_open);
        CHECK(f.acknowledged.size() >= 10); // The segment that was prepared was filled.
        acknowledged = f.acknowledged;
    }
    check_reopened(d, acknowledged);
}

TEST_CASE("scenario AsyncWalPrecreate: a next segment that could not be prepared is made when it is needed",
          "[wal][asio]")
{
    temporary_directory d;
    faulty_log f(d, small);
    f.faults->fail(system_call::rename_no_replace, EIO, 2); // The first one is the opening's.
    f.log.open();
    f.run();
    REQUIRE(f.faults->all_happened());
    append_many(f, 60);
    CHECK(f.acknowledged.size() == 60);
    CHECK(read_all(f.log) == f.acknowledged);
}

TEST_CASE("scenario SyncWalPartialFailure: a full segment cannot be synced: nothing in it becomes durable",
          "[wal][asio]")
{
    temporary_directory d;
    {
        faulty_log f(d, small);
        f.log.open();
        REQUIRE(!f.appended("durable").ec);
        f.faults->fail(system_call::fdatasync, EIO);
        bool failed = false;
        for (int i = 0; i != 30 && !failed; ++i)
            failed = f.appended(std::string(600, '.'), durability::os).ec.failed();
        CHECK(failed);
        CHECK(f.faults->all_happened());
        CHECK(f.log.durable_position() == 1);
        std::optional<error_code> waited;
        f.log.async_wait_durable(2, [&](error_code ec, position) { waited = ec; });
        f.run();
        CHECK(waited.value() == errc::log_failed);
    }
    check_reopened(d, {{1, "durable"}});
}
