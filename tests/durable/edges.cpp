// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/durable/durable.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using perdure::client_command;
using perdure::durable_progress;
using perdure::errc;
using perdure::error_code;

// Cannot be serialized with a value of 13.
struct assignment {
    std::uint64_t key = 0, value = 0;
    void serialize(auto& archive, unsigned)
    {
        if (value == 13)
            throw std::domain_error("13");
        archive& key& value;
    }
};

// Commands set a key and return what it was, as a number or as a text.
template <class Result>
struct table {
    static constexpr bool exactly_once = true;
    std::map<std::uint64_t, std::uint64_t> values;
    Result apply(assignment const& a)
    {
        auto const before = std::exchange(values[a.key], a.value);
        if constexpr (std::is_same_v<Result, std::string>)
            return "it was " + std::to_string(before);
        else
            return before;
    }
    void serialize(auto& archive, unsigned) { archive& values; }
};

template <class Result>
struct program {
    asio::io_context io;
    std::optional<perdure::durable<table<Result>, assignment>> state;

    explicit program(perdure::durable_options o) { state.emplace(io, std::move(o)); }
    void run()
    {
        io.restart();
        io.run();
    }
    error_code open()
    {
        error_code result = asio::error::fault;
        state->async_open([&](error_code ec, perdure::durable_report const&) { result = ec; });
        run();
        return result;
    }
    // Started and not awaited: run() has them done together.
    void once(client_command by, assignment a)
    {
        state->async_execute_once(
            by, a, [this](error_code ec, Result r) { answers.emplace_back(ec, std::move(r)); });
    }
    void execute(assignment a)
    {
        state->async_execute(
            a, [this](error_code ec, Result r) { answers.emplace_back(ec, std::move(r)); });
    }
    std::vector<std::pair<error_code, Result>> answers{};
};

using numbers = program<std::uint64_t>;
using values = std::map<std::uint64_t, std::uint64_t>;

perdure::durable_options options(std::string const& directory)
{
    perdure::durable_options o;
    o.directory = directory;
    o.snapshot_every_bytes = 0;
    o.log.idle_seal_after = {};
    o.log.segment_bytes = 8192;
    return o;
}

// Counts, and cannot be read with one value.
struct picky {
    static inline std::uint64_t refused = 0;
    std::uint64_t count = 0;
    std::uint64_t apply(std::uint64_t by) { return count += by; }
    void serialize(auto& archive, unsigned)
    {
        archive& count;
        if (refused != 0 && count == refused)
            throw std::domain_error("refused");
    }
};

} // namespace

TEST_CASE("durable: a command that cannot be encoded is refused, and holds up no other", "[durable][asio]")
{
    temporary_directory const directory;
    numbers p(options(directory / "state"));
    REQUIRE(!p.open());
    p.execute({1, 10});
    p.execute({1, 13});
    p.once({7, 1}, {2, 13});
    p.execute({1, 11});
    p.run();
    REQUIRE(p.answers.size() == 4);
    CHECK(!p.answers[0].first);
    CHECK(p.answers[1].first == errc::cannot_encode);
    CHECK(p.answers[2].first == errc::cannot_encode);
    CHECK(!p.answers[3].first);
    CHECK(p.answers[3].second == 10);
    error_code closed = asio::error::fault;
    p.state->async_close([&](error_code ec) { closed = ec; });
    p.run();
    CHECK(!closed);
    numbers again(options(directory / "state"));
    p.state.reset();
    p.run();
    REQUIRE(!again.open());
    CHECK(again.state->state().values == values{{1, 11}});
}

TEST_CASE("durable: with another bound of clients a replay comes to the same state", "[durable][asio]")
{
    temporary_directory const directory;
    auto o = options(directory / "state");
    auto const [before, after] = GENERATE(std::pair(10u, 1u), std::pair(1u, 10u));
    o.sessions.clients = before;
    values state;
    bool refused = false;
    {
        numbers p(o);
        REQUIRE(!p.open());
        p.once({7, 1}, {1, 10});
        p.once({8, 1}, {2, 20});
        p.once({7, 2}, {1, 11}); // Done if client 7 is remembered; under way with others, so it is logged in any case.
        p.run();
        REQUIRE(p.answers.size() == 3);
        refused = p.answers[2].first.failed();
        state = p.state->state().values;
    }
    CHECK(refused == (before == 1));
    CHECK(state.at(1) == (refused ? 10 : 11));
    o.sessions.clients = after;
    numbers p(o);
    REQUIRE(!p.open());
    CHECK(p.state->state().values == state);
    p.once({9, 1}, {3, 30});
    p.run();
    CHECK(p.state->clients() == (after == 1 ? 1 : 2));
}

TEST_CASE("durable: a state that remembers no client is refused", "[durable][asio]")
{
    asio::io_context io;
    auto o = options("unused");
    o.sessions.clients = 0;
    using state = perdure::durable<table<std::uint64_t>, assignment>;
    CHECK_THROWS_WITH(state(io, o), "session_options::clients is 0; at least 1 must be remembered, "
                                    "or no command is done only once");
}

TEST_CASE("durable: a mean time between failures that is no time is refused", "[durable][asio]")
{
    asio::io_context io;
    auto const seconds = GENERATE(-1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN());
    auto o = options("unused");
    o.mean_time_between_failures = std::chrono::duration<double>(seconds);
    using state = perdure::durable<table<std::uint64_t>, assignment>;
    CHECK_THROWS_WITH(state(io, o), "durable_options::mean_time_between_failures is " + std::to_string(seconds) +
                                        " s; it must be finite and not below 0");
}

TEST_CASE("durable: results that an older program kept as another type are forgotten", "[durable][asio]")
{
    temporary_directory const directory;
    auto const o = options(directory / "state");
    bool const saved = GENERATE(true, false);
    {
        numbers older(o);
        REQUIRE(!older.open());
        older.execute({1, 5});
        older.once({7, 1}, {1, 10});
        older.run();
        if (saved) {
            older.state->async_snapshot([](error_code ec, perdure::snapshot_info) { CHECK(!ec); });
            older.run();
        }
        older.execute({2, 1});
        older.once({7, 1}, {1, 10}); // Given again while another is under way, so it is in the log again.
        older.run();
        REQUIRE(older.answers.size() == 4);
        CHECK(older.answers[1].second == 5);
        CHECK(older.answers[3].second == 5);
    }
    program<std::string> newer(o);
    REQUIRE(!newer.open());
    CHECK(newer.state->state().values == values{{1, 10}, {2, 1}});
    newer.once({7, 1}, {1, 10});
    newer.once({7, 2}, {1, 11});
    newer.once({7, 2}, {1, 11});
    newer.run();
    REQUIRE(newer.answers.size() == 3);
    if (saved)
        CHECK(newer.answers[0].first == errc::result_forgotten);
    else
        CHECK(newer.answers[0].second == "it was 5"); // The replay made it anew.
    CHECK(newer.answers[1].second == "it was 10");
    CHECK(newer.answers[2].second == "it was 10");
    CHECK(newer.state->state().values == values{{1, 11}, {2, 1}});
}

TEST_CASE("durable: opening, saving and closing cannot be called back", "[durable][asio]")
{
    temporary_directory const directory;
    numbers p(options(directory / "state"));
    std::vector<error_code> results;
    asio::cancellation_signal signal;
    auto const record = [&] {
        return asio::bind_cancellation_slot(
            signal.slot(), [&](error_code ec, auto const&...) { results.push_back(ec); });
    };
    p.state->async_open(record());
    signal.emit(asio::cancellation_type::all);
    p.run();
    p.execute({1, 10});
    p.state->async_snapshot(record());
    signal.emit(asio::cancellation_type::all);
    p.run();
    p.execute({1, 11});
    p.state->async_close(record());
    signal.emit(asio::cancellation_type::all);
    p.execute({1, 12});
    p.run();
    CHECK(results == std::vector<error_code>(3));
    REQUIRE(p.answers.size() == 3);
    CHECK(!p.answers[1].first);
    CHECK(p.answers[2].first == errc::closed);
}

TEST_CASE("durable: it may be destroyed while it tells its progress", "[durable][asio]")
{
    temporary_directory const directory;
    auto o = options(directory / "state");
    {
        numbers p(o);
        REQUIRE(!p.open());
        for (std::uint64_t i = 0; i != 10; ++i)
            p.execute({i, i});
        p.run();
    }
    using stage = durable_progress::stage;
    auto const where =
        GENERATE(stage::opening_log, stage::loading_snapshot, stage::replaying);
    int told = 0;
    std::optional<numbers> p;
    o.on_progress = [&](durable_progress const& at) {
        ++told;
        if (at.at == where)
            p->state.reset();
    };
    p.emplace(o);
    CHECK(p->open() == asio::error::operation_aborted);
    CHECK(told == static_cast<int>(where) + 1);
}

TEST_CASE("durable: behind a snapshot that was passed over, one that rots costs nothing",
          "[durable][asio]")
{
    temporary_directory const dir;
    // Opens, adds 300 and takes a snapshot. Returns the count that it found.
    auto const life = [&](error_code& result) {
        asio::io_context io;
        perdure::durable_options options{.directory = dir.path()};
        options.log.segment_bytes = 8192;
        perdure::durable<picky, std::uint64_t> state(io, options);
        std::uint64_t found = 0;
        state.async_open([&](error_code ec, perdure::durable_report const&) {
            result = ec;
            if (ec)
                return;
            found = state.state().count;
            for (int i = 0; i != 299; ++i)
                state.async_execute(1, [](error_code, std::uint64_t) {});
            state.async_execute(1, [&](error_code, std::uint64_t) {
                state.async_snapshot([&](error_code e, perdure::snapshot_info const&) {
                    result = e;
                    state.async_close([](error_code) {});
                });
            });
        });
        io.run();
        return found;
    };
    auto const path = [&](int id) {
        return dir.path() + "/snapshots/snapshot-0000000000000000000" + std::to_string(id) + ".snap";
    };
    error_code ec;
    CHECK(life(ec) == 0);
    CHECK(life(ec) == 300);
    picky::refused = 600; // The second snapshot.
    CHECK(life(ec) == 600);
    CHECK(!ec);
    {
        std::fstream rotten(path(3), std::ios::in | std::ios::out | std::ios::binary);
        rotten.seekp(300);
        rotten.write("rotten", 6);
        REQUIRE(rotten.good());
    }
    // From the first snapshot and the log, which has to reach back to it.
    CHECK(life(ec) == 900);
    CHECK(!ec);
    CHECK(life(ec) == 1200);
    CHECK(!ec);
    picky::refused = 0;
}
