// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Truncation of the end at every position, with a power cut before and after each operation on the
// disk: the log is the whole one or the cut one, and no position is given twice. What a power cut
// leaves of what was not synced (names, sizes, pages, sectors of torn pages) is drawn, 40 times each;
// 2000 times with the environment variable PERDURE_THOROUGH.

#include "support/catch.hpp"
#include "wal/plain_log.hpp"
#include <perdure/simulation/disk.hpp>
#include <perdure/simulation/disk_files.hpp>

#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace perdure;

namespace {

using perdure::simulation::disk_files;
using crash_log = plain_log<disk_files>;
using contents = std::vector<crash_log::record>;

contents read(crash_log& log)
{
    error_code ec;
    auto out = log.read(ec);
    CHECK(!ec);
    return out;
}

// Small segments: each page that is not synced doubles the crash states for each of its sectors.
wal_options small()
{
    auto o = crash_log::defaults();
    o.segment_bytes = 8192;
    return o;
}

// 24 records in several segments: groups of one to four, one of them left to the system only.
contents fill(crash_log& log)
{
    for (int i = 1; i <= 24;) {
        std::vector<std::string> group;
        for (int n = i % 4 + 1; n != 0 && i <= 24; --n, ++i)
            group.push_back(std::to_string(i) + std::string(250, '.'));
        log.append(group, i < 24);
    }
    REQUIRE(log.chain.size() >= 3);
    return read(log);
}

contents cut(contents const& all, position last)
{
    contents out;
    for (auto const& r : all)
        if (r.first <= last)
            out.push_back(r);
    return out;
}

// What may be forgotten, to see that the search finds it.
enum class bug { none, no_file_sync, no_directory_sync };

class careless_files : public disk_files {
public:
    careless_files(simulation::disk& d, bug b) : disk_files(d), bug_(b) {}
    class file : public disk_files::file {
    public:
        file() = default;
        file(disk_files::file f, bug b) : disk_files::file(std::move(f)), bug_(b) {}
        void sync(sync_mode mode, error_code& ec)
        {
            ec = {};
            if (bug_ != bug::no_file_sync)
                disk_files::file::sync(mode, ec);
        }

    private:
        bug bug_ = bug::none;
    };
    file open(std::string const& path, open_mode mode, error_code& ec)
    {
        return file(disk_files::open(path, mode, ec), bug_);
    }
    void sync_directory(std::string const& path, error_code& ec)
    {
        ec = {};
        if (bug_ != bug::no_directory_sync)
            disk_files::sync_directory(path, ec);
    }

private:
    bug bug_;
};

struct findings {
    std::size_t states = 0;
    std::size_t whole = 0;
    std::size_t cut = 0;
    std::string violation;
    std::mt19937 random{7};
};

// The log is on the disk, synced. Truncates at `last`, and looks at every crash on the way.
void search(simulation::disk const& before, position last, contents const& all, bug b,
            findings& found)
{
    auto const expected = cut(all, last);
    simulation::disk d = before;
    plain_log<careless_files> log(careless_files(d, b), small());
    log.open();
    REQUIRE(!log.error);
    position const given = log.next() - 1;
    bool done = false;
    auto look = [&](simulation::disk const& left) {
        if (!found.violation.empty())
            return;
        ++found.states;
        simulation::disk copy = left;
        crash_log after(disk_files(copy), small());
        auto const report = after.open();
        auto const fail = [&](std::string const& why) {
            found.violation =
                "cut at " + std::to_string(last) + ": " + why + " | " + to_string(report);
        };
        if (after.error)
            return fail("not opened");
        error_code ec;
        auto const content = after.read(ec);
        if (ec)
            return fail("not readable");
        bool const is_cut = content == expected;
        if (!is_cut && (content != all || done))
            return fail("neither the whole nor the cut log: " + std::to_string(content.size()));
        ++(is_cut ? found.cut : found.whole);
        if (after.next() != given + 1)
            return fail("gives position " + std::to_string(after.next()));
        after.append({"behind"});
        after.append({"the crash"});
        auto const longer = after.read(ec);
        if (ec || after.error || longer.size() != content.size() + 2)
            return fail("does not work after the crash");
    };
    std::set<std::uint64_t> seen;
    auto draw = [&](simulation::disk const& now) {
        for (int i = std::getenv("PERDURE_THOROUGH") ? 2000 : 40; i != 0; --i) {
            simulation::disk left = now;
            left.watch(nullptr);
            left.crash({}, [&](simulation::crash_question, std::size_t answers) {
                return static_cast<std::size_t>(found.random() % answers);
            });
            if (seen.insert(left.digest()).second)
                look(left);
        }
    };
    d.watch([&](simulation::disk const& now, simulation::interval) {
        draw(now);
    });
    log.truncate(last);
    d.watch(nullptr);
    REQUIRE(!log.error);
    done = true;
    seen.clear();
    draw(d);
    if (b == bug::none) {
        // And goes on: what is appended after the cut is durable like everything else.
        log.append({"next"});
        error_code ec;
        auto content = log.read(ec);
        CHECK(content.back() == crash_log::record{given + 1, "next"});
    }
}

} // namespace

TEST_CASE("truncation: no power cut leaves anything but the whole or the cut log", "[wal][sim]")
{
    simulation::disk d;
    contents all;
    {
        crash_log log(disk_files(d), small());
        log.open();
        all = fill(log);
    }
    findings found;
    for (position last = 0; last != 24; ++last)
        search(d, last, all, bug::none, found);
    CHECK(found.violation == "");
    CHECK(found.whole > 500);
    CHECK(found.cut > 500);
    std::cout << found.states << " states: " << found.whole << " whole, " << found.cut << " cut\n";
}

TEST_CASE("truncation: the search finds a sync that is left out", "[wal][sim]")
{
    simulation::disk d;
    contents all;
    {
        crash_log log(disk_files(d), small());
        log.open();
        all = fill(log);
    }
    for (auto const b : {bug::no_file_sync, bug::no_directory_sync}) {
        findings found;
        search(d, 15, all, b, found);
        CHECK(found.violation != "");
    }
}
