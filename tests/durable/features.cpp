// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/durable/durable.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using perdure::client_command;
using perdure::errc;
using perdure::error_code;
using perdure::position;

struct assignment {
    std::uint64_t key = 0, value = 0;
    void serialize(auto& archive, unsigned) { archive& key& value; }
};

// Commands set a key and return what it was; snapshots in slices while commands go on.
struct table {
    static constexpr bool exactly_once = true;
    static constexpr bool replay_is_idempotent = true;
    std::map<std::uint64_t, std::uint64_t> values;
    std::uint64_t apply(assignment const& a) { return std::exchange(values[a.key], a.value); }
    void serialize(auto& archive, unsigned) { archive& values; }
    auto slices() const { return perdure::ordered_slices(values, 8); }
    void load_slices(perdure::portable_iarchive& ar) { perdure::load_slices_of(ar, values); }
};

using store = perdure::durable<table, assignment>;

struct fixture {
    temporary_directory directory;
    asio::io_context io;
    std::optional<store> state;
    perdure::durable_report report;

    perdure::durable_options options() const
    {
        perdure::durable_options o;
        o.directory = directory / "state";
        o.snapshot_every_bytes = 0;
        o.log.idle_seal_after = {};
        o.log.segment_bytes = 8192;
        return o;
    }
    void run()
    {
        io.restart();
        io.run();
    }
    error_code open(perdure::durable_options o)
    {
        state.reset();
        run();
        state.emplace(io, std::move(o));
        error_code result = asio::error::fault;
        state->async_open([&](error_code ec, perdure::durable_report r) {
            result = ec;
            report = std::move(r);
        });
        run();
        return result;
    }
    struct answer {
        error_code ec = asio::error::fault;
        std::uint64_t result = 0;
    };
    answer once(client_command by, assignment a)
    {
        answer got;
        state->async_execute_once(by, a, [&](error_code ec, std::uint64_t r) { got = {ec, r}; });
        run();
        return got;
    }
    void set(std::uint64_t key, std::uint64_t value)
    {
        state->async_execute({key, value}, [](error_code ec, std::uint64_t) { CHECK(!ec); });
    }
    error_code snapshot()
    {
        error_code result = asio::error::fault;
        state->async_snapshot([&](error_code ec, perdure::snapshot_info) { result = ec; });
        run();
        return result;
    }
    error_code close()
    {
        error_code result = asio::error::fault;
        state->async_close([&](error_code ec) { result = ec; });
        run();
        return result;
    }
    std::vector<std::filesystem::path> segments() const
    {
        std::vector<std::filesystem::path> found;
        for (auto const& e : std::filesystem::directory_iterator(directory / "state/log"))
            if (e.path().extension() == ".seg")
                found.push_back(e.path());
        std::sort(found.begin(), found.end());
        return found;
    }
};

} // namespace

TEST_CASE("durable: a command that is given again has one effect and the same result, across crashes and snapshots",
          "[durable][asio]")
{
    fixture f;
    auto o = f.options();
    o.sessions = {.clients = 3, .results = 4};
    REQUIRE(!f.open(o));
    CHECK(f.once({7, 1}, {1, 10}).result == 0);
    CHECK(f.once({7, 2}, {1, 11}).result == 10);
    CHECK(f.once({8, 1}, {1, 12}).result == 11);
    auto const check_repeats = [&] {
        CHECK(f.once({7, 1}, {1, 10}).result == 0);
        CHECK(f.once({7, 2}, {1, 11}).result == 10);
        CHECK(f.once({8, 1}, {1, 12}).result == 11);
        CHECK(f.state->state().values == std::map<std::uint64_t, std::uint64_t>{{1, 12}});
        CHECK(f.state->applied() == 3);
        CHECK(f.state->clients() == 2);
    };
    check_repeats();
    SECTION("a sequence number that is none, as a client may send it")
    {
        CHECK(f.once({7, 0}, {1, 13}).ec == asio::error::invalid_argument);
        CHECK(f.once({9, 0}, {1, 13}).ec == asio::error::invalid_argument);
        check_repeats();
        f.set(2, 20); // Also behind a command that is under way; else no program could read the log again.
        CHECK(f.once({9, 0}, {1, 13}).ec == asio::error::invalid_argument);
        REQUIRE(!f.open(o));
        CHECK(f.state->state().values == std::map<std::uint64_t, std::uint64_t>{{1, 12}, {2, 20}});
    }
    SECTION("from the log")
    {
        REQUIRE(!f.open(o));
        check_repeats();
    }
    SECTION("from a snapshot")
    {
        REQUIRE(!f.snapshot());
        REQUIRE(!f.open(o));
        CHECK(f.report.loaded.id != 0);
        check_repeats();
    }
    SECTION("given twice before the first is durable")
    {
        std::vector<std::uint64_t> results;
        for (int i = 0; i != 3; ++i)
            f.state->async_execute_once({8, 2}, {1, 13}, [&](error_code ec, std::uint64_t r) {
                CHECK(!ec);
                results.push_back(r);
            });
        f.run();
        CHECK(results == std::vector<std::uint64_t>{12, 12, 12});
        REQUIRE(!f.open(o));
        CHECK(f.once({8, 2}, {1, 13}).result == 12);
        CHECK(f.state->state().values.at(1) == 13);
    }
    SECTION("a client's first commands, given together")
    {
        std::vector<std::uint64_t> results;
        for (std::uint64_t n : {1u, 2u, 3u, 2u, 1u})
            f.state->async_execute_once({9, n}, {5, n}, [&](error_code ec, std::uint64_t r) {
                CHECK(!ec);
                results.push_back(r);
            });
        f.run();
        CHECK(results == std::vector<std::uint64_t>{0, 1, 2, 1, 0});
        REQUIRE(!f.open(o));
        CHECK(f.state->state().values.at(5) == 3);
        CHECK(f.once({9, 2}, {5, 2}).result == 1);
    }
    SECTION("results and clients are remembered within bounds")
    {
        for (std::uint64_t n = 3; n <= 9; ++n)
            CHECK(!f.once({7, n}, {2, n}).ec);
        CHECK(f.once({7, 5}, {2, 99}).ec == errc::result_forgotten);
        CHECK(f.once({7, 6}, {2, 99}).result == 5);
        CHECK(!f.once({9, 1}, {3, 1}).ec);
        CHECK(!f.once({10, 1}, {3, 2}).ec); // A fourth: client 8 lies furthest back.
        CHECK(f.state->clients() == 3);
        CHECK(f.once({8, 2}, {4, 1}).ec == errc::session_expired);
        auto const before = f.state->state().values;
        REQUIRE(!f.open(o));
        CHECK(f.state->state().values == before);
        CHECK(f.state->clients() == 3);
        CHECK(f.once({8, 2}, {4, 1}).ec == errc::session_expired);
        CHECK(f.once({7, 6}, {2, 99}).result == 5);
    }
}

TEST_CASE("durable: an error of the system says where it comes from", "[durable][asio]")
{
    fixture f;
    auto const part = GENERATE("log", "snapshots");
    std::filesystem::create_directories(f.directory / "state");
    std::ofstream(f.directory / (std::string("state/") + part)) << "a file where a directory should be";
    auto const ec = f.open(f.options());
    REQUIRE(ec);
    CHECK(f.report.detail == f.options().directory + "/" + part + ": " + ec.message());
    std::ostringstream line;
    line << f.report;
    CHECK(line.str().ends_with("; " + f.report.detail));
}

TEST_CASE("durable: a log of another type is refused, without a snapshot too, and nothing is changed",
          "[durable][asio]")
{
    fixture f;
    auto o = f.options();
    REQUIRE(!f.open(o)); // Says nothing, as logs of older programs.
    f.set(1, 10);
    f.run();
    o.snapshots.type = "tables/1";
    REQUIRE(!f.open(o)); // So it is read, and says it from now on.
    f.set(2, 20);
    f.run();
    f.state.reset();
    f.run();
    auto const before = f.segments();
    o.snapshots.type = "tables/2";
    CHECK(f.open(o) == errc::wrong_type);
    CHECK(f.report.log.detail == f.report.log.segment + " holds 'tables/1', not 'tables/2'");
    CHECK(std::count(before.begin(), before.end(),
                     f.directory / ("state/log/" + f.report.log.segment)) == 1);
    CHECK(f.state->state().values.empty());
    CHECK(f.segments() == before);
    o.snapshots.type = "";
    o.log.type = "tables/1"; // The log's own name, for those who give it another one.
    REQUIRE(!f.open(o));
    CHECK(f.state->state().values == std::map<std::uint64_t, std::uint64_t>{{1, 10}, {2, 20}});
    o.log.type = std::string(64, 't');
    CHECK_THROWS_AS(f.open(o), std::invalid_argument);
}

TEST_CASE("durable: a question sees the commands that were given before it", "[durable][asio]")
{
    fixture f;
    error_code early;
    f.state.emplace(f.io, f.options());
    f.state->async_query([](table const&) { return 1; }, [&](error_code ec, int) { early = ec; });
    f.run();
    CHECK(early == errc::closed);
    REQUIRE(!f.open(f.options()));
    std::vector<std::size_t> seen;
    auto const ask = [&] {
        f.state->async_query([](table const& t) { return t.values.size(); },
                             [&](error_code ec, std::size_t n) {
                                 CHECK(!ec);
                                 seen.push_back(n);
                             });
    };
    ask();
    f.set(1, 1);
    f.set(2, 1);
    ask();
    f.set(3, 1);
    ask();
    CHECK(seen.empty());
    f.run();
    CHECK(seen == std::vector<std::size_t>{0, 2, 3});
}

TEST_CASE("durable: commands go on while a snapshot is taken in slices, and recovery gives the state",
          "[durable][asio]")
{
    fixture f;
    auto o = f.options();
    o.slices.calls = 1;
    o.log.segment_bytes = 1 << 20;
    REQUIRE(!f.open(o));
    for (std::uint64_t i = 0; i != 20'000; ++i)
        f.set(i, 1);
    f.run();
    bool taken = false;
    f.state->async_snapshot([&](error_code ec, perdure::snapshot_info) {
        CHECK(!ec);
        taken = true;
    });
    // Clients that each give one command after another.
    std::uint64_t meanwhile = 0;
    std::vector<std::vector<std::uint64_t>> results(8);
    std::function<void(std::size_t)> work = [&](std::size_t client) {
        if (taken)
            return;
        ++meanwhile;
        f.state->async_execute_once({client, results[client].size() + 1},
                                    {meanwhile * 37 % 25'000, meanwhile},
                                    [&, client](error_code ec, std::uint64_t r) {
                                        CHECK(!ec);
                                        results[client].push_back(r);
                                        work(client);
                                    });
    };
    for (std::size_t client = 0; client != results.size(); ++client)
        work(client);
    f.run();
    CHECK(meanwhile > 8);
    auto const expected = f.state->state().values;
    REQUIRE(!f.open(o));
    CHECK(f.report.loaded.position == 20'001);
    CHECK(f.report.commands_replayed == meanwhile);
    CHECK(f.state->state().values == expected);
    // Results of that time are those that were given, although the state was ahead of the replay.
    for (std::size_t client = 0; client != results.size(); ++client)
        for (auto n = results[client].size(); n != 0 && n + 8 > results[client].size(); --n)
            CHECK(f.once({client, n}, {0, 0}).result == results[client][n - 1]);
}

TEST_CASE("durable: records that the log lost are fetched from elsewhere, and the loss is healed",
          "[durable][asio]")
{
    fixture f;
    REQUIRE(!f.open(f.options()));
    for (std::uint64_t i = 0; i != 1500; ++i) {
        f.set(i % 97, i);
        if (i % 20 == 0)
            f.run();
    }
    f.run();
    auto const expected = f.state->state().values;
    REQUIRE(!f.close());
    f.state.reset();
    f.run();

    // Another copy of the records, as a replica has them.
    std::map<position, std::vector<std::byte>> copy;
    {
        auto o = f.options().log;
        o.directory = f.directory / "state/log";
        perdure::wal log(f.io, o);
        log.open();
        log.replay(1, [&](position at, std::span<std::byte const> r) {
            copy[at].assign(r.begin(), r.end());
        });
    }
    f.run();
    auto const files = f.segments();
    REQUIRE(files.size() > 5);
    { // Rot in the middle of the second file.
        std::fstream file(files[1], std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(5000);
        file.write("rotten rotten rotten", 20);
    }
    // Without help the opening refuses.
    CHECK(f.open(f.options()) == errc::acknowledged_data_lost);

    auto o = f.options();
    std::vector<perdure::position_range> asked;
    std::function<void(error_code, std::vector<std::vector<std::byte>>)> kept;
    error_code failure;
    bool too_few = false;
    o.lost_ranges = [&](perdure::position_range range, auto done) {
        asked.push_back(range);
        kept = done;
        asio::post(f.io, [&, range, done] { // later, as a network would
            std::vector<std::vector<std::byte>> records;
            for (auto at = range.first; at <= range.last - (too_few ? 1 : 0); ++at)
                records.push_back(copy.at(at));
            done(failure, std::move(records));
            done({}, {}); // A second answer has no effect.
        });
    };
    failure = asio::error::host_unreachable;
    CHECK(f.open(o) == asio::error::host_unreachable);
    failure = {};
    too_few = true;
    CHECK(f.open(o) == errc::acknowledged_data_lost);
    too_few = false;
    std::vector<perdure::durable_progress::stage> stages;
    o.on_progress = [&](perdure::durable_progress const& p) {
        if (stages.empty() || stages.back() != p.at)
            stages.push_back(p.at);
    };
    REQUIRE(!f.open(o));
    CHECK(f.state->state().values == expected);
    CHECK(f.report.commands_fetched > 0);
    CHECK(f.report.commands_fetched < 500);
    CHECK(f.report.commands_replayed == 1500);
    CHECK(f.state->applied() == 1500);
    using stage = perdure::durable_progress::stage;
    CHECK(stages == std::vector<stage>{stage::opening_log, stage::loading_snapshot, stage::replaying,
                                       stage::fetching});
    f.set(1000, 1);
    f.run();
    kept({}, {}); // Much later: no effect.

    // Healed: nothing is asked for any more.
    asked.clear();
    REQUIRE(!f.open(o));
    CHECK(asked.empty());
    CHECK(f.state->state().values.size() == expected.size() + 1);
    REQUIRE(!f.close());
    REQUIRE(!f.open(f.options()));
    CHECK(f.state->state().values.size() == expected.size() + 1);
}

TEST_CASE("durable: with a guess of its failures a state finds its interval between snapshots",
          "[durable][asio]")
{
    fixture f;
    auto o = f.options();
    o.mean_time_between_failures = std::chrono::hours(1);
    REQUIRE(!f.open(o));
    CHECK(!f.state->snapshot_interval());
    for (std::uint64_t i = 0; i != 3000; ++i)
        f.set(i, 1);
    f.run();
    // The first one came early, to be measured.
    REQUIRE(f.state->snapshot_interval());
    auto const first = f.state->snapshot_interval()->count();
    CHECK(first > 0.01);
    CHECK(first < 3600 * 2);
    CHECK(!f.state->snapshot_error());
    // Ten lives that end badly make it shorter, and are remembered in snapshots.
    for (int life = 0; life != 10; ++life) {
        REQUIRE(!f.open(o));
        REQUIRE(!f.snapshot());
    }
    auto o2 = o;
    REQUIRE(!f.open(o2));
    REQUIRE(!f.snapshot());
    // One failure in about 1 h / 12 now.
    perdure::detail::snapshot_schedule calm(o2);
    calm.opened({}, {}, false, 0);
    calm.begun(perdure::time_point(std::chrono::seconds(1)));
    calm.ended(perdure::time_point(std::chrono::seconds(3)), true);
    // sqrt(2 * 2 s * 3601 s), about: the guess is one failure in an hour.
    CHECK(calm.interval(perdure::time_point(std::chrono::seconds(3)))->count() > 119);
    CHECK(calm.interval(perdure::time_point(std::chrono::seconds(3)))->count() < 121);
    perdure::detail::snapshot_schedule shaky(o2);
    shaky.opened({}, {0, 11}, false, 0);
    shaky.begun(perdure::time_point(std::chrono::seconds(1)));
    shaky.ended(perdure::time_point(std::chrono::seconds(3)), true);
    CHECK(shaky.interval(perdure::time_point(std::chrono::seconds(3)))->count() > 34);
    CHECK(shaky.interval(perdure::time_point(std::chrono::seconds(3)))->count() < 35);
    CHECK(!shaky.due(perdure::time_point(std::chrono::seconds(100)))); // Nothing was logged.
    shaky.logged(1);
    CHECK(!shaky.due(perdure::time_point(std::chrono::seconds(20))));
    CHECK(shaky.due(perdure::time_point(std::chrono::seconds(100))));
}
