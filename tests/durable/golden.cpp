// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// States that releases have kept, in tests/data/durable, are opened by every later one. Never change them: add new ones,
// with PERDURE_WRITE_GOLDEN set, which makes those that are missing.

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/durable/durable.hpp>
#include <perdure/snapshot/slices.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
using perdure::errc;
using perdure::error_code;

struct assignment {
    std::uint64_t key = 0, value = 0;
    void serialize(auto& archive, unsigned) { archive& key& value; }
};

// Returns what was there before.
struct table {
    static constexpr bool exactly_once = true;
    std::map<std::uint64_t, std::uint64_t> values;
    std::uint64_t apply(assignment const& a) { return std::exchange(values[a.key], a.value); }
    void serialize(auto& archive, unsigned) { archive& values; }
};

// The same, saved while commands go on.
struct sliced_table : table {
    static constexpr bool replay_is_idempotent = true;
    auto slices() const { return perdure::ordered_slices(values, 16); }
    void load_slices(perdure::portable_iarchive& ar) { perdure::load_slices_of(ar, values); }
};

template <class State>
class program {
public:
    explicit program(std::string directory) : state_(io_, options(std::move(directory))) {}

    perdure::durable_report open()
    {
        perdure::durable_report result;
        state_.async_open([&](error_code ec, perdure::durable_report const& r) {
            CHECK(!ec);
            result = r;
        });
        run();
        return result;
    }
    std::pair<error_code, std::uint64_t> once(std::uint64_t client, std::uint64_t number, assignment a)
    {
        std::pair<error_code, std::uint64_t> result;
        state_.async_execute_once({client, number}, a, [&](error_code ec, std::uint64_t r) { result = {ec, r}; });
        run();
        return result;
    }
    void execute(assignment a)
    {
        state_.async_execute(a, [](error_code ec, std::uint64_t) { CHECK(!ec); });
        run();
    }
    void snapshot()
    {
        state_.async_snapshot([](error_code ec, perdure::snapshot_info const&) { CHECK(!ec); });
        run();
    }
    auto const& values() const { return state_.state().values; }

private:
    static perdure::durable_options options(std::string directory)
    {
        perdure::durable_options o;
        o.directory = std::move(directory);
        o.snapshot_every_bytes = 0;
        o.log.idle_seal_after = {};
        o.log.segment_bytes = 8192;
        o.log.owner = "golden"; // It stands in a file.
        o.snapshots.type = "table/1";
        return o;
    }
    void run()
    {
        io_.restart();
        io_.run();
    }

    asio::io_context io_;
    perdure::durable<State, assignment> state_;
};

template <class State>
void check_golden(std::string const& name)
{
    namespace fs = std::filesystem;
    fs::path const golden = fs::path(PERDURE_TEST_DATA) / "durable" / name;
    if (std::getenv("PERDURE_WRITE_GOLDEN") != nullptr && !fs::exists(golden)) {
        program<State> p(golden.string());
        p.open();
        for (std::uint64_t i = 1; i <= 50; ++i)
            p.execute({i, i * i});
        CHECK(p.once(7, 1, {1, 100}).second == 1);
        p.snapshot();
        CHECK(p.once(7, 2, {1, 200}).second == 100);
        CHECK(p.once(8, 1, {2, 300}).second == 4);
        for (std::uint64_t i = 51; i <= 60; ++i)
            p.execute({i, i * i});
    } // Not closed.
    REQUIRE(fs::exists(golden));
    temporary_directory const d;
    fs::copy(golden, d / "state", fs::copy_options::recursive);
    program<State> p(d / "state");
    auto const report = p.open();
    CHECK(report.loaded.position == 52);
    CHECK(report.commands_replayed == 12);
    CHECK(p.values().size() == 60);
    CHECK(p.values().at(1) == 200);
    CHECK(p.values().at(2) == 300);
    for (std::uint64_t i = 3; i <= 60; ++i)
        CHECK(p.values().at(i) == i * i);
    // Clients that give a command again get what they were told, from the log and from the snapshot.
    CHECK(p.once(7, 1, {1, 0}) == std::pair(error_code(), std::uint64_t{1}));
    CHECK(p.once(7, 2, {1, 0}) == std::pair(error_code(), std::uint64_t{100}));
    CHECK(p.once(8, 1, {2, 0}) == std::pair(error_code(), std::uint64_t{4}));
    CHECK(p.once(8, 2, {2, 5}) == std::pair(error_code(), std::uint64_t{300}));
    CHECK(p.values().at(1) == 200);
}

} // namespace

TEST_CASE("durable: a state with snapshot, log and clients, as released", "[durable][format]")
{
    check_golden<table>("whole-1.0");
}

TEST_CASE("durable: a state that was saved in slices, as released", "[durable][format]")
{
    check_golden<sliced_table>("sliced-1.0");
}
