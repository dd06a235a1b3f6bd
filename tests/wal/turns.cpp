// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// What a log does in one turn of the loop, and what it leaves to other turns and to file jobs.

#include "scripted_log.hpp"
#include "support/catch.hpp"
#include "support/tracking_executor.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <stdexcept>
#include <vector>

using namespace perdure;

namespace {

std::span<std::byte const> const record = as_bytes("a record");

wal_format::segment_header header(std::uint64_t sequence)
{
    wal_format::segment_header h;
    h.sequence = sequence;
    h.after = sequence - 1;
    h.salt = sequence * 0x9e3779b97f4a7c15ULL;
    h.allocated_bytes = 8192;
    return h;
}

std::vector<std::byte> copy(std::span<std::byte const> bytes)
{
    return {bytes.begin(), bytes.end()};
}

/// A world whose executor counts what is given to it.
struct counted_world : simulation::disk_world {
    using executor_type = tracking_executor;

    counted_world(boost::asio::io_context& io, simulation::disk& disk)
        : simulation::disk_world(io, simulation::disk_files(disk)), counting(io.get_executor())
    {
    }
    executor_type get_executor() const noexcept { return counting; }

    tracking_executor counting;
};

} // namespace

TEST_CASE("wal: the loop gets to its other work while many appends complete", "[wal][asio]")
{
    scripted_log<> s;
    REQUIRE(s.open());
    int done = 0;
    int seen = -1;
    for (int i = 0; i != 2000; ++i)
        s.log().async_append(record, [&](error_code ec, position p) {
            CHECK(!ec);
            CHECK(p == static_cast<position>(done + 1)); // In order.
            if (done++ == 0)
                boost::asio::post(s.log().get_executor(), [&] { seen = done; });
        });
    s.run();
    CHECK(done == 2000);
    CHECK(s.log().counters().groups == 1);
    CHECK(seen > 1); // Not one a turn.
    CHECK(seen <= 256);
}

TEST_CASE("wal: the handlers of many appends are posted in batches", "[wal][asio]")
{
    boost::asio::io_context io;
    simulation::disk disk;
    counted_world const world(io, disk);
    basic_wal<counted_world> log(world, scripted_log<>::defaults());
    log.open();
    io.poll();
    tracking_executor const theirs(io.get_executor());
    bool const bound = GENERATE(false, true);
    auto const before = world.counting.executed();
    int done = 0;
    auto const handler = [&](error_code ec, position) {
        CHECK(!ec);
        CHECK((bound ? theirs : world.counting).running_here());
        ++done;
    };
    for (int i = 0; i != 2000; ++i)
        if (bound)
            log.async_append(record, boost::asio::bind_executor(theirs, handler));
        else
            log.async_append(record, handler);
    io.restart();
    while (io.poll() != 0)
        io.restart();
    CHECK(done == 2000);
    CHECK(log.counters().groups == 1);
    // A hundred at a time, or more; and the log's own steps.
    auto const batches = bound ? theirs.executed() : world.counting.executed() - before;
    CHECK(batches >= 2000 / 256);
    CHECK(batches <= 2000 / 100 + (bound ? 0 : 10));
    CHECK((bound || theirs.executed() == 0));
}

TEST_CASE("wal: if a handler throws, the others are called when the loop runs on", "[wal][asio]")
{
    scripted_log<> s;
    REQUIRE(s.open());
    int done = 0;
    for (int i = 0; i != 500; ++i)
        s.log().async_append(record, [&](error_code ec, position) {
            CHECK(!ec);
            if (++done == 100 || done == 300)
                throw std::runtime_error("a handler's own");
        });
    CHECK_THROWS_AS(s.run(), std::runtime_error);
    CHECK(done == 100);
    CHECK_THROWS_AS(s.run(), std::runtime_error);
    CHECK(done == 300);
    s.run();
    CHECK(done == 500);
}

TEST_CASE("wal: clients that append again when they are resumed share the next group",
          "[wal][asio]")
{
    scripted_log<> s;
    REQUIRE(s.open());
    int done = 0;
    for (int i = 0; i != 1024; ++i)
        s.log().async_append(record, [&](error_code, position) {
            s.log().async_append(record, [&](error_code ec, position) { done += !ec; });
        });
    s.run();
    CHECK(done == 1024);
    CHECK(s.log().counters().records == 2048);
    CHECK(s.log().counters().groups == 2);
}

TEST_CASE("wal: what needs no sync is written while those before it complete", "[wal][asio]")
{
    scripted_log<> s;
    REQUIRE(s.open());
    int done = 0;
    for (int i = 0; i != 1024; ++i)
        s.log().async_append(record, durability::os, [&](error_code, position) {
            s.log().async_append(record, durability::os,
                                 [&](error_code ec, position) { done += !ec; });
        });
    s.run();
    CHECK(done == 1024);
    CHECK(s.log().counters().records == 2048);
    CHECK(s.log().counters().groups > 2);
    // One that waits for the disk shares the next group with all that are resumed with it.
    auto const groups = s.log().counters().groups;
    int both = 0;
    for (int i = 0; i != 1024; ++i) {
        auto const how = i == 500 ? durability::disk : durability::os;
        s.log().async_append(record, how, [&s, &both, how](error_code, position) {
            s.log().async_append(record, how, [&](error_code ec, position) { both += !ec; });
        });
    }
    s.run();
    CHECK(both == 1024);
    CHECK(s.log().counters().groups == groups + 2);
}

TEST_CASE("wal: a group that changes segments is not gone through on the loop", "[wal][core]")
{
    wal_options options;
    options.segment_bytes = 8192;
    detail::log_writing writing(options);
    detail::opened_log opened;
    opened.chain.push_back({header(1), {}, {1, 5}, 8000, 0, 0});
    opened.sequence_max = 1;
    writing.open(opened);
    writing.name_next(1, 77, 0);
    auto& group = writing.flight().group;
    group.begin(writing.active().header, 6);
    for (int i = 0; i != 10; ++i)
        group.add_record(record);
    auto const before = copy(group.bytes());

    auto plan = writing.plan(1, 0);
    REQUIRE(plan.next);
    CHECK(copy(plan.group.bytes()) == before);
    // The job does it.
    CHECK(plan.seal.segment == *plan.next);
    plan.group.rebind(plan.seal.segment);
    auto const moved = wal_format::decode_frame(plan.group.bytes().data());
    REQUIRE(moved);
    CHECK(moved->epoch == plan.next->epoch());
}

TEST_CASE("wal: a group that was moved is as if it had been begun there", "[wal][core]")
{
    auto const build = [](wal_format::segment_header const& segment) {
        group_builder g;
        g.begin(segment, 7);
        g.add_gap({7, 8});
        for (auto const* text : {"one", "", "a longer record"})
            g.add_record(as_bytes(std::string_view(text)));
        return g;
    };
    auto there = build(header(2));
    auto const digest = there.finish(5, 6, 1, 0);

    auto g = build(header(1));
    g.rebind(header(2));
    CHECK(g.finish(5, 6, 1, 0) == digest);
    CHECK(copy(g.bytes()) == copy(there.bytes()));

    // Also when it was sealed, there or elsewhere, and when it is a copy.
    for (std::uint64_t const from : {1u, 2u}) {
        auto first = build(header(from));
        first.finish(3, 2, 1, 0);
        group_builder sealed;
        sealed.assign(first);
        sealed.rebind(header(2));
        CHECK(sealed.size() == there.size() - group_builder::seal_size);
        CHECK(sealed.finish(5, 6, 1, 0) == digest);
        CHECK(copy(sealed.bytes()) == copy(there.bytes()));
    }
}
