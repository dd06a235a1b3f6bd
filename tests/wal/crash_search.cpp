// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The log as users have it, on a disk whose power is cut before each operation: opening, appending
// over several segments, groups, trimming, cutting off the end, closing, opening again, and repair.
//
// What was acknowledged is there, nothing else is, and the log goes on. Breaking the rules of the
// disk on purpose is found. With the environment variable PERDURE_THOROUGH more states are tried.

#include "support/careless_files.hpp"
#include "support/catch.hpp"
#include <perdure/simulation/crash_search.hpp>
#include <perdure/simulation/disk_world.hpp>
#include <perdure/wal/basic_wal.hpp>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

using namespace perdure;

namespace {

using simulation::disk;
using simulation::disk_files;
using test::careless_files;
using test::mistake;

wal_options options()
{
    wal_options o;
    o.directory = "log";
    o.segment_bytes = 8192;
    o.record_bytes_max = 8192;
    o.waiting_bytes_max = 8192;
    o.idle_seal_after = std::chrono::milliseconds(0);
    return o;
}

/// One life of a process: a loop, a log, and blocking calls.
template <class Files = disk_files>
struct life {
    using world = simulation::basic_disk_world<Files>;

    explicit life(Files files, std::uint64_t seed = 1)
        : log(world(io, std::move(files), seed), options())
    {
    }

    position append(std::string const& text)
    {
        position at = 0;
        log.async_append(as_bytes(text), [&](error_code ec, position p) {
            error = ec;
            at = p;
        });
        run();
        return at;
    }
    error_code wait(auto start)
    {
        error_code result;
        start([&](error_code ec) { result = ec; });
        run();
        return result;
    }
    std::map<position, std::string> read(error_code& ec)
    {
        std::map<position, std::string> out;
        log.replay(
            log.first_position(),
            [&](position p, std::span<std::byte const> b) { out[p] = std::string(as_text(b)); },
            ec);
        return out;
    }
    void run()
    {
        io.restart();
        io.run();
    }

    boost::asio::io_context io;
    basic_wal<world> log;
    error_code error;
};

// Minutes instead of seconds.
bool thorough()
{
    return std::getenv("PERDURE_THOROUGH") != nullptr;
}

/// What the log has been asked for and has promised.
struct promises {
    std::map<position, std::string> appended;
    position acknowledged = 0;
    position trim_begun = 0;     ///< Up to here it may be gone.
    position_range cut_begun{};  ///< There whole or not at all.
    position_range cut_done{};   ///< Gone.

    std::string judge(std::map<position, std::string> const& found, position first,
                      position next) const
    {
        for (auto const& [p, text] : found) {
            auto const a = appended.find(p);
            if (a == appended.end() || a->second != text)
                return "a record that was never appended stands at " + std::to_string(p);
            if (cut_done.contains(p))
                return "a record that was cut off is back: " + std::to_string(p);
        }
        if (first > trim_begun + 1)
            return "more was trimmed than asked for";
        std::size_t cut = 0;
        for (auto const& [p, text] : appended) {
            bool const there = found.contains(p);
            cut += cut_begun.contains(p) && !there;
            if (p > acknowledged || p <= trim_begun || cut_begun.contains(p) ||
                cut_done.contains(p))
                continue;
            if (!there)
                return "an acknowledged record is gone: " + std::to_string(p);
        }
        if (cut != 0 && cut != cut_begun.count())
            return "the end is cut off in part";
        if (next <= acknowledged)
            return "an acknowledged position will be given again";
        return "";
    }
};

/// Opens what a power cut left, judges it, and goes on. `deeper`: the power is cut in that, too.
std::string check(disk& left, promises const& p, bool deeper)
{
    auto const open_and_judge = [](disk_files files, promises const& q,
                                   std::optional<promises>& after) -> std::string {
        life l(std::move(files), 77);
        error_code ec;
        auto const report = l.log.open(ec);
        if (ec)
            return "it does not open: " + to_string(report);
        if (report.outcome == recovery_outcome::damaged || !report.lost.empty())
            return "a crash looks like damage: " + to_string(report);
        auto const found = l.read(ec);
        if (ec)
            return "it cannot be read: " + ec.message();
        if (auto wrong = q.judge(found, l.log.first_position(), l.log.next_position());
            !wrong.empty())
            return wrong;
        after = q;
        after->cut_begun = {}; // It has been decided.
        after->appended = found;
        after->acknowledged = found.empty() ? 0 : found.rbegin()->first;
        after->appended[l.log.next_position()] = "after the crash";
        auto const at = l.append("after the crash");
        if (l.error || at == 0)
            return "it does not go on: " + l.error.message();
        after->acknowledged = at;
        return "";
    };
    std::optional<promises> after;
    if (!deeper) {
        if (auto wrong = open_and_judge(disk_files(left), p, after); !wrong.empty())
            return wrong;
        std::optional<promises> ignored;
        return open_and_judge(disk_files(left), *after, ignored);
    }
    // Until the new record is acknowledged, the promises are the old ones and that record may be there.
    std::string inner;
    simulation::crash_search search(
        left,
        [&](disk& again) {
            promises q = p;
            life probe{disk_files(again)};
            error_code ec;
            probe.log.open(ec);
            auto const next = probe.read(ec);
            for (auto const& [at, text] : next)
                if (text == "after the crash")
                    q.appended[at] = text;
            if (ec)
                return "it cannot be read after a second crash: " + ec.message();
            return q.judge(next, probe.log.first_position(), probe.log.next_position());
        },
        {thorough() ? 40u : 6u, 3, 1});
    inner = open_and_judge(search.files(), p, after);
    return inner.empty() ? search.report().failure : inner;
}

void check_contains(std::string const& text, std::string const& part)
{
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
}

/// The life of a log. Its promises follow.
simulation::crash_search_report search(mistake m = mistake::none, bool deeper = false)
{
    disk d;
    promises p;
    std::size_t states = 0;
    simulation::crash_search search(
        d,
        [&](disk& left) { // Deeper takes long: a sample.
            return check(left, p, deeper && (thorough() || ++states % 9 == 0));
        },
        {thorough() ? 1000u : 100u, 10, 1});
    std::string const big(1500, 'x');
    int number = 0;
    auto const append = [&](auto& l, std::string const& text) {
        p.appended[l.log.next_position()] = text;
        auto const at = l.append(text);
        CHECK(!l.error);
        p.acknowledged = at;
    };
    {
        life l{careless_files(search.files(), m)};
        l.log.open();
        l.run();
        for (; number != 6; ++number)
            append(l, std::to_string(number) + big); // Over two segments.
        // Three at once, in one group with one sync.
        position last = 0;
        for (; number != 9; ++number) {
            auto const text = std::to_string(number);
            p.appended[l.log.next_position()] = text;
            l.log.async_append(as_bytes(text), [&](error_code ec, position at) {
                CHECK(!ec);
                last = at;
            });
        }
        l.run();
        p.acknowledged = last;
        p.trim_begun = 4;
        CHECK(!l.wait([&](auto h) { l.log.async_trim(4, h); }));
        CHECK(l.log.first_position() == 5);
        // The process dies here.
    }
    {
        life l{careless_files(search.files(), m), 2};
        l.log.open();
        l.run();
        append(l, "second life" + big);
        append(l, "to be cut off");
        p.cut_begun = {9, 11};
        CHECK(!l.wait([&](auto h) { l.log.async_truncate(8, h); }));
        p.cut_done = std::exchange(p.cut_begun, {});
        append(l, "behind the cut");
        CHECK(!l.wait([&](auto h) { l.log.async_close(h); }));
    }
    {
        life l{careless_files(search.files(), m), 3};
        l.log.open(); // After a clean close.
        l.run();
        append(l, "third life" + big);
    }
    search.cut();
    return search.report();
}

} // namespace

TEST_CASE("wal: no power cut loses what was acknowledged, in a life of a log", "[wal][sim]")
{
    auto const report = search();
    INFO(report);
    CHECK(report.ok());
    CHECK(report.cuts > 60);
    CHECK(report.states > 300);
}

TEST_CASE("wal: no power cut while recovering from a power cut loses anything", "[wal][sim]")
{
    auto const report = search(mistake::none, true);
    INFO(report);
    CHECK(report.ok());
    CHECK(report.cuts > 60);
}

TEST_CASE("wal: the search finds a log that does not sync what it should", "[wal][sim]")
{
    // The log itself tells of the first two, because what it needs to believe its files is gone.
    check_contains(search(mistake::directories_not_synced).failure, "a segment is missing");
    check_contains(search(mistake::files_not_synced).failure,
                   "a segment header is unreadable");
    check_contains(search(mistake::appends_not_synced).failure,
                   "an acknowledged record is gone");
}

TEST_CASE("wal: a power cut while evidence is put aside and a damaged log is opened leaves a log "
          "that opens",
          "[wal][sim]")
{
    disk d;
    std::map<position, std::string> appended;
    {
        life l{disk_files(d)};
        l.log.open();
        for (int i = 0; i != 12; ++i) {
            auto const text = std::to_string(i) + std::string(1200, 'y');
            appended[l.append(text)] = text;
        }
    }
    auto bytes = d.contents("log/wal-00000000000000000001.seg");
    bytes[4096 + 2000] ^= std::byte{1};
    d.put("log/wal-00000000000000000001.seg", bytes);

    auto const mode = GENERATE(recovery_mode::point_in_time, recovery_mode::salvage);
    auto const open = [&](disk_files files, error_code& ec) {
        boost::asio::io_context io;
        auto o = options();
        o.mode = mode;
        basic_wal<simulation::disk_world> log(simulation::disk_world(io, std::move(files), 5), o);
        std::map<position, std::string> found;
        auto const report = log.open(ec);
        if (!ec)
            log.replay(
                log.first_position(),
                [&](position p, std::span<std::byte const> b) { found[p] = std::string(as_text(b)); },
                ec);
        io.run();
        return std::pair(found, report);
    };
    disk whole = d;
    error_code ec;
    auto const [expected, report] = open(disk_files(whole), ec);
    REQUIRE(!ec);
    CHECK(report.outcome == recovery_outcome::damaged);
    CHECK(expected.size() < appended.size());
    CHECK(expected.size() == (mode == recovery_mode::salvage ? 11u : 1u));

    simulation::crash_search search(d, [&](disk& left) -> std::string {
        error_code e;
        auto const [found, r] = open(disk_files(left), e);
        if (e)
            return "it does not open: " + to_string(r);
        return found == expected ? "" : "it holds something else: " + to_string(r);
    });
    open(search.files(), ec);
    search.cut();
    INFO(search.report());
    CHECK(search.report().ok());
    CHECK(search.report().states > 10);
}
