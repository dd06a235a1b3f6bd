// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/durable/durable.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace {

namespace asio = boost::asio;
using perdure::errc;
using perdure::error_code;

// The whole history is the state, so that a command that is lost, doubled or out of order shows.
struct history {
    std::vector<std::string> entries;
    std::size_t apply(std::string const& entry)
    {
        entries.push_back(entry);
        return entries.size();
    }
    void serialize(auto& archive, unsigned) { archive& entries; }
};

using store = perdure::durable<history, std::string>;

struct fixture {
    temporary_directory directory;
    asio::io_context io;
    std::optional<store> state;
    perdure::durable_report report;

    perdure::durable_options options(std::uint64_t snapshot_every_bytes = 0) const
    {
        perdure::durable_options o;
        o.directory = directory / "state";
        o.snapshot_every_bytes = snapshot_every_bytes;
        o.log.idle_seal_after = {};
        o.log.segment_bytes = 64 * 1024;
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

    // Many at once; checks that results come in order.
    void execute(int first, int last)
    {
        std::size_t before = state->state().entries.size();
        int completed = 0;
        for (int i = first; i <= last; ++i)
            state->async_execute("entry " + std::to_string(i),
                                 [&, i](error_code ec, std::size_t n) {
                                     CHECK(!ec);
                                     CHECK(n == before + static_cast<std::size_t>(i - first) + 1);
                                     ++completed;
                                 });
        run();
        CHECK(completed == last - first + 1);
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

    void check_entries(int last) const
    {
        REQUIRE(state->state().entries.size() == static_cast<std::size_t>(last));
        for (int i = 1; i <= last; ++i)
            CHECK(state->state().entries[static_cast<std::size_t>(i) - 1] ==
                  "entry " + std::to_string(i));
        CHECK(state->applied() == static_cast<perdure::position>(last));
    }

    std::vector<std::filesystem::path> snapshots() const
    {
        std::vector<std::filesystem::path> found;
        for (auto const& e : std::filesystem::directory_iterator(directory / "state/snapshots")) {
            std::error_code vanished; // One being made may be published meanwhile.
            auto const size = e.file_size(vanished);
            if (!vanished && size > 100 && e.path().string().find("corrupt") == std::string::npos)
                found.push_back(e.path());
        }
        std::sort(found.begin(), found.end());
        return found;
    }
};

void flip_a_byte(std::filesystem::path const& path)
{
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    auto const middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
    file.seekg(middle);
    char c = static_cast<char>(file.get());
    file.seekp(middle);
    file.put(static_cast<char>(c ^ 0x40));
}

} // namespace

TEST_CASE("durable: commands are applied in order and are there after reopening", "[durable][asio]")
{
    fixture f;
    REQUIRE(!f.open(f.options()));
    CHECK(f.report.commands_replayed == 0);
    f.execute(1, 100);
    f.check_entries(100);
    SECTION("closed in good order")
    {
        CHECK(!f.close());
    }
    SECTION("destroyed without closing") {}
    REQUIRE(!f.open(f.options()));
    CHECK(f.report.commands_replayed == 100);
    CHECK(f.report.loaded.id == 0);
    f.check_entries(100);
    f.execute(101, 120);
    f.check_entries(120);
}

TEST_CASE("durable: a snapshot shortens the replay", "[durable][asio]")
{
    fixture f;
    REQUIRE(!f.open(f.options()));
    f.execute(1, 50);
    REQUIRE(!f.snapshot());
    f.execute(51, 60);
    REQUIRE(!f.open(f.options()));
    CHECK(f.report.loaded.position == 51);
    CHECK(f.report.commands_replayed == 10);
    f.check_entries(60);
}

TEST_CASE(
    "durable: the log is kept back to the older of two snapshots, so a bad one costs only replay",
    "[durable][asio]")
{
    fixture f;
    REQUIRE(!f.open(f.options()));
    int last = 0;
    for (int round = 0; round != 4; ++round) {
        f.execute(last + 1, last + 2500); // Several segments, so that trimming removes some.
        last += 2500;
        REQUIRE(!f.snapshot());
    }
    REQUIRE(!f.close());
    auto const files = f.snapshots();
    REQUIRE(files.size() == 2);

    SECTION("the newest is bad")
    {
        flip_a_byte(files[1]);
        REQUIRE(!f.open(f.options()));
        CHECK(f.report.snapshots.passed.size() == 1);
        CHECK(f.report.loaded.position == static_cast<std::uint64_t>(last - 2500 + 1));
        CHECK(f.report.commands_replayed == 2500);
        f.check_entries(last);
    }
    SECTION("all are bad: the log no longer reaches back, and opening says so instead of starting "
            "from nothing")
    {
        flip_a_byte(files[0]);
        flip_a_byte(files[1]);
        CHECK(f.open(f.options()) == errc::no_good_snapshot);
        CHECK(f.state->state().entries.empty());
        std::size_t calls = 0;
        f.state->async_execute("x", [&](error_code ec, std::size_t) {
            CHECK(ec == errc::closed);
            ++calls;
        });
        f.run();
        CHECK(calls == 1);
    }
    SECTION("the log is gone: the snapshot alone is not taken for the state")
    {
        std::filesystem::remove_all(f.directory / "state/log");
        CHECK(f.open(f.options()) == errc::acknowledged_data_lost);
    }
    SECTION("the snapshots are another state's: they are not taken for this one's")
    {
        fixture other;
        REQUIRE(!other.open(other.options(2000)));
        other.execute(1, 1000);
        other.state.reset();
        other.run();
        REQUIRE_FALSE(other.snapshots().empty());
        std::filesystem::remove_all(f.directory / "state/snapshots");
        std::filesystem::copy(other.directory / "state/snapshots", f.directory / "state/snapshots");
        CHECK(f.open(f.options()) == errc::wrong_log);
        CHECK(f.report.detail == "the snapshots in " + f.options().directory + "/snapshots belong to another log");
        CHECK(f.state->state().entries.empty());
    }
}

TEST_CASE("durable: snapshots are taken in the background when enough was logged",
          "[durable][asio]")
{
    fixture f;
    REQUIRE(!f.open(f.options(2000)));
    f.execute(1, 1000);
    CHECK(!f.state->snapshot_error());
    CHECK_FALSE(f.snapshots().empty());
    REQUIRE(!f.open(f.options(2000)));
    CHECK(f.report.loaded.id != 0);
    f.check_entries(1000);
}

TEST_CASE("durable: many short lives, each killed after one command, do not make the log grow without end",
          "[durable][asio]")
{
    fixture f;
    auto const every = 64 * 1024;
    std::size_t longest = 0;
    for (int life = 1; life <= 40; ++life) {
        REQUIRE(!f.open(f.options(every)));
        f.execute(life, life);
        std::size_t segments = 0;
        for (auto const& e : std::filesystem::directory_iterator(f.directory / "state/log"))
            segments += e.path().extension() == ".seg" ? 1 : 0;
        longest = std::max(longest, segments);
    }
    f.check_entries(40);
    CHECK(longest <= 10); // Twice `every` and four segments, one more to see it, two until it helps, one made ahead.
    CHECK(f.snapshots().size() == 2);
}

TEST_CASE("durable: a record that is no command fails the opening, which says which and why", "[durable][asio]")
{
    fixture f;
    auto const opened_on = [&](std::span<std::byte const> record) {
        perdure::wal_options o = f.options().log;
        o.directory = f.directory / "state/log";
        perdure::wal log(f.io, o);
        log.open();
        log.async_append(record, [](error_code ec, perdure::position) { CHECK(!ec); });
        log.async_close([](error_code) {});
        f.run();
        return f.open(f.options());
    };
    auto const command = perdure::archive_command_codec<std::string>::encode("entry 1");
    SECTION("another program's")
    {
        CHECK(opened_on(perdure::as_bytes("not an archive")) == errc::cannot_decode);
        CHECK(f.report.detail == "record 1 of the log was not written by a durable state");
    }
    SECTION("of another type")
    {
        CHECK(opened_on(perdure::encode_durable_record({.command = perdure::as_bytes("x")})) ==
              errc::cannot_decode);
        CHECK(f.report.detail ==
              "record 1 of the log cannot be read as a command: has its type changed?");
    }
    SECTION("newer")
    {
        CHECK(opened_on(perdure::encode_durable_record({.version = 2, .command = command})) == errc::unsupported_version);
        CHECK(f.report.detail == "record 1 of the log is a command of a newer program");
    }
    SECTION("a client's, where no sessions are kept")
    {
        CHECK(opened_on(perdure::encode_durable_record({.from = perdure::client_command{7, 1}, .command = command})) ==
              errc::cannot_decode);
        CHECK(f.report.detail == "record 1 of the log came by async_execute_once, for which "
                                 "State::exactly_once has to be true");
    }
    SECTION("while a good one is applied")
    {
        CHECK(!opened_on(perdure::encode_durable_record({.command = command})));
        f.check_entries(1);
    }
}

TEST_CASE("durable: an operation before opening or after closing is refused", "[durable][asio]")
{
    fixture f;
    f.state.emplace(f.io, f.options());
    std::vector<error_code> seen;
    auto const note = [&](error_code ec, auto&&...) { seen.push_back(ec); };
    f.state->async_execute("early", note);
    f.state->async_snapshot(note);
    f.state->async_close(note);
    f.run();
    CHECK(seen == std::vector<error_code>(3, errc::closed));
    REQUIRE(!f.open(f.options()));
    f.state->async_execute("entry 1", note);
    f.state->async_close(note);
    f.state->async_execute("late", note);
    f.run();
    REQUIRE(seen.size() == 6);
    CHECK(!seen[3]);
    f.check_entries(1);
    CHECK(std::count(seen.begin() + 3, seen.end(), error_code(errc::closed)) == 1);
}

TEST_CASE("durable: a second opening of an object is refused, and does not disturb the first",
          "[durable][asio]")
{
    fixture f;
    f.state.emplace(f.io, f.options());
    std::vector<error_code> seen;
    auto const note = [&](error_code ec, auto&&...) { seen.push_back(ec); };
    f.state->async_open(note);
    f.state->async_open(note); // While the first is under way.
    f.run();
    REQUIRE(seen.size() == 2);
    CHECK(std::count(seen.begin(), seen.end(), error_code()) == 1);
    CHECK(std::count(seen.begin(), seen.end(), error_code(errc::already_open)) == 1);
    f.state->async_open(note);
    f.state->async_execute("entry 1", note);
    f.run();
    CHECK(seen[2] == errc::already_open);
    CHECK(!seen.at(3));
    f.state->async_close(note);
    f.run();
    f.state->async_open(note);
    f.run();
    CHECK(seen.back() == errc::closed);
}

TEST_CASE("durable: a second opening of the directory is refused", "[durable][asio]")
{
    fixture f;
    REQUIRE(!f.open(f.options()));
    store second(f.io, f.options());
    error_code result;
    second.async_open([&](error_code ec, perdure::durable_report) { result = ec; });
    f.run();
    CHECK(result == errc::locked);
    f.execute(1, 1);
}

TEST_CASE("durable: without a directory it is refused, and touches nothing", "[durable][asio]")
{
    asio::io_context io;
    CHECK_THROWS_WITH((store(io, perdure::durable_options())),
                      "durable_options::directory is empty; name a directory for the state");
}
