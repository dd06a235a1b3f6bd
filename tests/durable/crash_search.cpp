// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Durable state on a disk whose power is cut before each operation: commands, snapshots in the
// background, trims, a clean close, and opening again. With the environment variable
// PERDURE_THOROUGH more states are tried.

#include "support/careless_files.hpp"
#include "support/catch.hpp"
#include <perdure/durable/durable.hpp>
#include <perdure/simulation/crash_search.hpp>
#include <perdure/simulation/disk_world.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/serialization/vector.hpp>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace perdure;
using simulation::disk;
using simulation::disk_files;
using test::careless_files;
using test::mistake;

// The numbers that were added, in order. Commands are long, so that the log has many segments.
struct numbers {
    std::vector<std::uint64_t> all;
    std::size_t apply(std::vector<std::uint64_t> const& n)
    {
        all.push_back(n.front());
        return all.size();
    }
    void serialize(auto& archive, unsigned) { archive& all; }
};

/// One life of a process.
struct life {
    using world = simulation::basic_disk_world<careless_files>;
    using store = basic_durable<numbers, std::vector<std::uint64_t>, world>;

    explicit life(careless_files files, std::uint64_t seed = 1)
        : state(world(io, std::move(files), seed), options())
    {
        state.async_open([this](error_code ec, durable_report r) {
            error = ec;
            report = std::move(r);
        });
        run();
    }
    static durable_options options()
    {
        durable_options o;
        o.directory = "d";
        o.snapshot_every_bytes = 0;
        o.log.segment_bytes = 8192;
        o.log.record_bytes_max = 4096;
        o.log.waiting_bytes_max = 4096;
        o.log.idle_seal_after = std::chrono::milliseconds(0);
        return o;
    }
    bool execute(std::uint64_t n)
    {
        state.async_execute(std::vector<std::uint64_t>(70, n), [this](error_code ec, std::size_t) { error = ec; });
        run();
        return !error;
    }
    bool snapshot()
    {
        state.async_snapshot([this](error_code ec, snapshot_info) { error = ec; });
        run();
        return !error;
    }
    bool close()
    {
        state.async_close([this](error_code ec) { error = ec; });
        run();
        return !error;
    }
    void run()
    {
        io.restart();
        io.run();
    }

    boost::asio::io_context io;
    store state;
    error_code error;
    durable_report report;
};

std::string check(disk& left, std::uint64_t acknowledged, std::uint64_t begun)
{
    std::uint64_t found = 0;
    {
        life l{disk_files(left), 77};
        if (l.error)
            return "it does not open: " + l.error.message();
        for (auto const n : l.state.state().all)
            if (n != ++found)
                return "command " + std::to_string(n) + " stands at " + std::to_string(found);
        if (found < acknowledged)
            return "an acknowledged command is gone: " + std::to_string(acknowledged);
        if (found > begun)
            return "a command that was never given";
        if (!l.execute(found + 1))
            return "it does not go on: " + l.error.message();
    }
    life again{disk_files(left), 78};
    if (again.error)
        return "it does not open again: " + again.error.message();
    return again.state.state().all.size() == found + 1 ? "" : "the next command is gone";
}

/// The lives of a state, with a mistake below it. `d` is as they leave it.
simulation::crash_search_report search(disk& d, mistake m = mistake::none)
{
    std::uint64_t acknowledged = 0, begun = 0;
    bool const thorough = std::getenv("PERDURE_THOROUGH") != nullptr;
    simulation::crash_search search(
        d, [&](disk& left) { return check(left, acknowledged, begun); },
        {thorough ? 1000u : 25u, thorough ? 50u : 5u, 1});
    auto const add = [&](life& l) {
        ++begun;
        CHECK(l.execute(begun));
        acknowledged = begun;
    };
    {
        life l({search.files(), m});
        REQUIRE(!l.error);
        for (int i = 0; i != 40; ++i) {
            add(l);
            if (i % 10 == 9)
                CHECK(l.snapshot()); // And trims behind the one before.
        }
    }
    {
        life l({search.files(), m}, 2);
        REQUIRE(!l.error);
        CHECK(l.report.loaded.id != 0);
        add(l);
        CHECK(l.close());
    }
    life l({search.files(), m}, 3);
    add(l);
    search.cut();
    return search.report();
}

} // namespace

TEST_CASE("durable: no power cut loses an acknowledged command, whatever was under way",
          "[durable][sim]")
{
    disk d;
    auto const report = search(d);
    INFO(report);
    CHECK(report.ok());
    CHECK(!d.exists("d/log/wal-00000000000000000001.seg")); // It was trimmed.
    CHECK(report.cuts > 150);
    CHECK(report.states > 1000);
}

TEST_CASE("durable: the search finds a state that does not sync what it should", "[durable][sim]")
{
    auto const found = [](mistake m) {
        disk d;
        return search(d, m).failure;
    };
    CHECK(found(mistake::appends_not_synced) == "an acknowledged command is gone: 1");
    // The log was trimmed behind a snapshot whose name is lost.
    CHECK(found(mistake::snapshots_not_synced) == "it does not open: acknowledged data cannot be read back");
    CHECK(found(mistake::directories_not_synced) == "it does not open: a segment of the log is missing");
    CHECK(found(mistake::files_not_synced) == "it does not open: a checksum does not match its bytes");
}
