// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include <perdure/snapshot/store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <exception>
#include <thread>

namespace asio = boost::asio;
using perdure::condition;
using perdure::errc;
using perdure::error_code;
using perdure::snapshot_info;
using perdure::snapshot_store;
using namespace test;

namespace {

using state = std::map<std::string, int>;

error_code save(asio::io_context& io, snapshot_store& store, state const& s, std::uint64_t position)
{
    error_code result = errc::timed_out;
    store.async_save(s, position, [&](error_code ec, snapshot_info const&) { result = ec; });
    io.restart();
    io.run();
    return result;
}

void flip(std::string const& path, std::size_t at)
{
    auto b = read_file(path);
    b[at] ^= std::byte{1};
    write_file(path, b);
}

std::string file_of(int id)
{
    std::string const digits = std::to_string(id);
    return "snapshot-" + std::string(20 - digits.size(), '0') + digits + ".snap";
}

// A type whose decoding may fail.
struct moody {
    static inline bool refuse = false;
    static inline int refused = -1; // this value only
    int v = 0;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& v;
        if (Archive::is_loading::value && (refuse || v == refused))
            throw std::runtime_error("not today");
    }
};

} // namespace

TEST_CASE("snapshot_store: the newest state comes back with its position", "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    snapshot_store store(io, dir / "state");
    error_code ec;
    CHECK(!store.load_newest<state>(ec).value);
    CHECK(ec == errc::no_snapshot);
    CHECK(!store.load_newest<state>().value);

    CHECK(!save(io, store, {{"a", 1}}, 10));
    CHECK(!save(io, store, {{"a", 2}}, 20));
    auto const loaded = store.load_newest<state>(ec);
    CHECK(!ec);
    CHECK(loaded.value == state{{"a", 2}});
    CHECK(loaded.info.id == 2);
    CHECK(loaded.info.position == 20);
    CHECK(!loaded.report.fell_back());
    CHECK(loaded.report.candidates == 2);
}

TEST_CASE("snapshot_store: as many generations stay as were asked for", "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    snapshot_store store(io, dir.path(), {.generations = 3});
    for (int i = 1; i <= 6; ++i)
        CHECK(!save(io, store, {{"a", i}}, static_cast<std::uint64_t>(i)));
    error_code ec;
    CHECK(store.ids(ec) == std::vector<std::uint64_t>{4, 5, 6});
    CHECK(names_in(dir.path()) ==
          std::vector<std::string>{"LOCK", file_of(4), file_of(5), file_of(6)});
}

TEST_CASE("snapshot_store: a damaged snapshot is put aside, kept, and its id never used again",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    {
        snapshot_store store(io, dir.path());
        CHECK(!save(io, store, {{"a", 1}}, 10));
        CHECK(!save(io, store, {{"a", 2}}, 20));
    }
    flip(dir / file_of(2), 300);
    {
        snapshot_store store(io, dir.path());
        error_code ec;
        auto const loaded = store.load_newest<state>(ec);
        CHECK(!ec);
        CHECK(loaded.value == state{{"a", 1}});
        CHECK(loaded.info.position == 10);
        REQUIRE(loaded.report.passed.size() == 1);
        CHECK(loaded.report.fell_back());
        CHECK(loaded.report.passed[0].id == 2);
        CHECK(loaded.report.passed[0].reason == condition::corruption);
        CHECK(loaded.report.passed[0].put_aside);
        CHECK(names_in(dir.path()) ==
              std::vector<std::string>{"LOCK", file_of(1), file_of(2) + ".corrupt"});
        CHECK(!save(io, store, {{"a", 3}}, 30));
        CHECK(store.ids(ec) == std::vector<std::uint64_t>{1, 3});
    }
    // All bad: never a silent start from nothing, and not at the next start either.
    flip(dir / file_of(1), 10);
    flip(dir / file_of(3), 10);
    for (int start = 0; start < 2; ++start) {
        snapshot_store store(io, dir.path());
        error_code ec;
        auto const loaded = store.load_newest<state>(ec);
        CHECK(ec == errc::no_good_snapshot);
        CHECK(loaded.report.aside_before == (start == 0 ? 1 : 3));
    }
}

TEST_CASE(
    "snapshot_store: every truncation and every changed byte of the newest gives the older state",
    "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    {
        snapshot_store store(io, dir.path());
        CHECK(!save(io, store, {{"a", 1}}, 10));
        CHECK(!save(io, store, {{"a", 2}}, 20));
    }
    auto const good = read_file(dir / file_of(2));
    auto const falls_back = [&](std::span<std::byte const> damaged) {
        write_file(dir / file_of(2), damaged);
        std::filesystem::remove(dir / (file_of(2) + ".corrupt"));
        snapshot_store store(io, dir.path());
        error_code ec;
        auto const loaded = store.load_newest<state>(ec);
        return (!ec && loaded.value == state{{"a", 1}} && loaded.report.fell_back()) ||
               (ec == errc::unsupported_version && !loaded.value);
    };
    for (std::size_t n = 0; n < good.size(); ++n)
        if (!falls_back(std::span(good).first(n)))
            FAIL("truncated to " << n);
    for (std::size_t at = 0; at < good.size(); ++at) {
        auto changed = good;
        changed[at] ^= std::byte{0x55};
        if (!falls_back(changed))
            FAIL("byte " << at);
    }
}

TEST_CASE("snapshot_store: a snapshot that its type rejects stays, for the program that can read it",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    error_code ec;
    {
        snapshot_store store(io, dir.path());
        error_code done = errc::timed_out;
        for (int i = 1; i <= 2; ++i)
            store.async_save(moody{i}, 1, [&](error_code e, snapshot_info const&) { done = e; });
        io.run();
        CHECK(!done);
    }
    moody::refuse = true;
    {
        snapshot_store store(io, dir.path());
        auto const loaded = store.load_newest<moody>(ec);
        CHECK(ec == errc::no_good_snapshot);
        REQUIRE(loaded.report.passed.size() == 2);
        CHECK(loaded.report.passed[0].reason == errc::cannot_decode);
        CHECK(!loaded.report.passed[0].put_aside);
    }
    moody::refuse = false;
    {
        snapshot_store store(io, dir.path());
        auto const loaded = store.load_newest<moody>(ec);
        CHECK(!ec);
        CHECK(loaded.value->v == 2);
    }
    moody::refuse = true;
    for (int start = 1; start <= 4; ++start) {
        snapshot_store store(io, dir.path());
        auto const loaded = store.load_newest<moody>(ec);
        CHECK(ec == errc::no_good_snapshot);
        CHECK(!loaded.report.passed[0].put_aside);
    }
    moody::refuse = false;
    snapshot_store store(io, dir.path());
    CHECK(store.load_newest<moody>(ec).value->v == 2);
    CHECK(!ec);
}

TEST_CASE("snapshot_store: a snapshot that was passed over does not count as one that is kept",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    error_code ec;
    auto const save_moody = [&](snapshot_store& store, int v) {
        error_code result = errc::timed_out;
        store.async_save(moody{v}, 1, [&](error_code e, snapshot_info const&) { result = e; });
        io.restart();
        io.run();
        return result;
    };
    {
        snapshot_store store(io, dir.path());
        CHECK(!save_moody(store, 1));
        CHECK(!save_moody(store, 2));
    }
    moody::refused = 2;
    {
        snapshot_store store(io, dir.path());
        CHECK(store.load_newest<moody>(ec).value->v == 1);
        CHECK(!save_moody(store, 3));
        CHECK(store.ids(ec) == std::vector<std::uint64_t>{1, 2, 3});
    }
    flip(dir / file_of(3), 300);
    {
        // One rotten snapshot costs nothing but the way back to the one before.
        snapshot_store store(io, dir.path());
        auto const loaded = store.load_newest<moody>(ec);
        CHECK(!ec);
        REQUIRE(loaded.value);
        CHECK(loaded.value->v == 1);
        CHECK(loaded.report.passed.size() == 2);
        // It goes when it is older than all good ones that stay.
        CHECK(!save_moody(store, 4));
        CHECK(store.ids(ec) == std::vector<std::uint64_t>{1, 2, 4});
        CHECK(!save_moody(store, 5));
        CHECK(store.ids(ec) == std::vector<std::uint64_t>{4, 5});
    }
    // One that was passed over and is read after all counts again.
    moody::refused = 5;
    snapshot_store store(io, dir.path());
    CHECK(store.load_newest<moody>(ec).value->v == 4);
    moody::refused = -1;
    CHECK(store.load_newest<moody>(ec).value->v == 5);
    CHECK(!save_moody(store, 6));
    CHECK(store.ids(ec) == std::vector<std::uint64_t>{5, 6});
}

TEST_CASE("snapshot_store: a snapshot that ended two loads is put aside before it is touched",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    {
        snapshot_store store(io, dir.path());
        CHECK(!save(io, store, {{"a", 1}}, 10));
        CHECK(!save(io, store, {{"a", 2}}, 20));
    }
    // What two processes that crashed in serialize leave behind.
    write_file(dir / "snapshot-00000000000000000002.attempt-1", {});
    write_file(dir / "snapshot-00000000000000000002.attempt-2", {});
    snapshot_store store(io, dir.path());
    error_code ec;
    auto const loaded = store.load_newest<state>(ec);
    CHECK(loaded.value == state{{"a", 1}});
    REQUIRE(loaded.report.passed.size() == 1);
    CHECK(loaded.report.passed[0].crashed_before);
    CHECK(loaded.report.passed[0].put_aside);
    CHECK(names_in(dir.path()) ==
          std::vector<std::string>{"LOCK", file_of(1), file_of(2) + ".corrupt"});
}

TEST_CASE("snapshot_store: marks are counted one by one, and only those that are there are removed",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    std::string const stem = "snapshot-00000000000000000001";
    {
        snapshot_store store(io, dir.path());
        CHECK(!save(io, store, {{"a", 1}}, 10));
    }
    // As nobody leaves them: numbers with gaps, and names that are no marks.
    write_file(dir / (stem + ".attempt-4294967295"), {});
    write_file(dir / (stem + ".attempt-01"), {});
    write_file(dir / (stem + ".attempt-2x"), {});
    write_file(dir / (stem + ".attempt-"), {});
    {
        snapshot_store store(io, dir.path());
        error_code ec;
        auto const loaded = store.load_newest<state>(ec);
        CHECK(loaded.value == state{{"a", 1}});
        CHECK(!loaded.report.fell_back());
        CHECK(!std::filesystem::exists(dir / (stem + ".attempt-4294967295")));
    }
    write_file(dir / (stem + ".attempt-4000000000"), {});
    snapshot_store store(io, dir.path());
    for (int i = 2; i <= 3; ++i)
        CHECK(!save(io, store, {{"a", i}}, 10));
    CHECK(names_in(dir.path()) ==
          std::vector<std::string>{"LOCK", stem + ".attempt-", stem + ".attempt-01",
                                   stem + ".attempt-2x", file_of(2), file_of(3)});
}

TEST_CASE("snapshot_store: a stranger's name does not use up the ids", "[snapshot][asio]")
{
    for (std::string const stray :
         {"snapshot-18446744073709551614.bak", "snapshot-18446744073709551614.snap",
          "snapshot-18446744073709551615.pack", "snapshot-04611686018427387905.attempt-1",
          "snapshot-00000000000000000099.snap.bak", "snapshot-00000000000000000099"}) {
        CAPTURE(stray);
        temporary_directory const dir;
        asio::io_context io;
        write_file(dir / stray, {});
        for (int i = 1; i <= 3; ++i) {
            snapshot_store store(io, dir.path());
            CHECK(!save(io, store, {{"a", i}}, 10));
            CHECK(store.load_newest<state>().value == state{{"a", i}});
            CHECK(store.load_newest<state>().info.id == static_cast<std::uint64_t>(i));
        }
        CHECK(std::filesystem::exists(dir / stray));
    }
    // One with the last id is believed, and nothing is saved where it would not be found again.
    temporary_directory const dir;
    asio::io_context io;
    write_file(dir / "snapshot-04611686018427387904.snap.corrupt", {});
    snapshot_store store(io, dir.path());
    CHECK(save(io, store, {{"a", 1}}, 10) == errc::too_large);
}

TEST_CASE("snapshot_store: leftovers of killed saves are cleaned, and a directory has one store",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    write_file(dir / ".tmp-1-snapshot-00000000000000000001.snap", hex({1, 2, 3}));
    snapshot_store store(io, dir.path());
    CHECK(!save(io, store, {}, 1));
    CHECK(names_in(dir.path()) == std::vector<std::string>{"LOCK", file_of(1)});
    snapshot_store second(io, dir.path());
    CHECK(save(io, second, {}, 1) == errc::locked);
    error_code ec;
    static_cast<void>(second.load_newest<state>(ec));
    CHECK(ec == errc::locked);
}

TEST_CASE("snapshot_store: a snapshot of another type or log is refused and not passed over",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    {
        snapshot_store store(io, dir.path(), {.type = "mine", .log_id = {0, 5}});
        CHECK(!save(io, store, {{"a", 1}}, 10));
    }
    error_code ec;
    {
        snapshot_store store(io, dir.path(), {.type = "other"});
        CHECK(!store.load_newest<state>(ec).value);
        CHECK(ec == errc::wrong_type);
    }
    {
        snapshot_store store(io, dir.path(), {.type = "mine", .log_id = {0, 6}});
        static_cast<void>(store.load_newest<state>(ec));
        CHECK(ec == errc::wrong_log);
    }
    {
        snapshot_store store(io, dir.path(), {.type = "mine"});
        CHECK(store.load_newest<state>(ec).value);
        CHECK(!ec);
        CHECK(names_in(dir.path()) == std::vector<std::string>{"LOCK", file_of(1)});
        CHECK(!save(io, store, {{"b", 2}}, 20));
    }
    {
        // One that names no log is read, as from programs that did not say it.
        snapshot_store store(io, dir.path(), {.type = "mine", .log_id = {0, 6}});
        CHECK(store.load_newest<state>(ec).value == state{{"b", 2}});
        CHECK(!ec);
    }
}

TEST_CASE("snapshot_store: bytes that the caller serialized are kept as they are",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    snapshot_store store(io, dir.path());
    bytes big(3'000'000);
    for (std::size_t i = 0; i < big.size(); ++i)
        big[i] = static_cast<std::byte>(i * 7 / 3);
    error_code ec = errc::timed_out;
    snapshot_info saved;
    store.async_save_bytes(big, 5, [&](error_code e, snapshot_info info) {
        ec = e;
        saved = std::move(info);
    });
    io.run();
    CHECK(!ec);
    CHECK(saved.chunks == 3);
    auto const loaded = store.load_newest<bytes>(ec, perdure::bytes_codec{});
    CHECK(!ec);
    CHECK((loaded.value == big));
    CHECK(loaded.info == saved);
    static_cast<void>(store.load_newest<bytes>(ec));
    CHECK(ec == errc::wrong_type);
}

TEST_CASE("snapshot_store: the value is encoded at once, and may change afterwards",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    snapshot_store store(io, dir.path());
    state s{{"a", 1}};
    store.async_save(s, 1, [](error_code ec, snapshot_info const&) { CHECK(!ec); });
    s["a"] = 2;
    io.run();
    CHECK(store.load_newest<state>().value == state{{"a", 1}});
}

TEST_CASE("snapshot_store: works with coroutines, futures and deferred operations",
          "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    snapshot_store store(io, dir.path());
    state const s{{"a", 1}};
    bool done = false;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            auto const info = co_await store.async_save(s, 1);
            CHECK(info.id == 1);
            auto const loaded = co_await store.async_load_newest<state>();
            CHECK(loaded.value == s);
            done = true;
        },
        [](std::exception_ptr e) {
            if (e)
                std::rethrow_exception(e);
        });
    io.run();
    CHECK(done);
    auto future = store.async_save(s, 2, asio::use_future);
    io.restart();
    io.run();
    CHECK(future.get().id == 2);
    auto operation = store.async_save(s, 3);
    io.restart();
    io.run();
    error_code ec;
    CHECK(store.ids(ec).back() == 2); // not yet started
    std::move(operation)([](error_code e, snapshot_info const& info) {
        CHECK(!e);
        CHECK(info.id == 3);
    });
    io.restart();
    io.run();
    CHECK(store.ids(ec).back() == 3);
}

TEST_CASE("snapshot_store: a cancelled save publishes nothing and leaves nothing",
          "[snapshot][asio]")
{
    for (auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                      asio::cancellation_type::total}) {
        temporary_directory const dir;
        asio::io_context io;
        snapshot_store store(io, dir.path());
        asio::cancellation_signal signal;
        error_code result;
        store.async_save_bytes(
            bytes(5'000'000), 1,
            asio::bind_cancellation_slot(
                signal.slot(), [&](error_code ec, snapshot_info const&) { result = ec; }));
        io.run_one();
        signal.emit(type);
        io.run();
        CHECK(result == asio::error::operation_aborted);
        CHECK(names_in(dir.path()) == std::vector<std::string>{"LOCK"});
        error_code ec;
        CHECK(store.ids(ec).empty());
    }
}

TEST_CASE("snapshot_store: destroying the store ends its saves", "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    error_code result;
    {
        snapshot_store store(io, dir.path());
        store.async_save_bytes(bytes(5'000'000), 1,
                               [&](error_code ec, snapshot_info const&) { result = ec; });
    }
    io.run();
    CHECK(result == asio::error::operation_aborted);
    CHECK(names_in(dir.path()) == std::vector<std::string>{"LOCK"});
}

TEST_CASE("snapshot_store: loop and store are destroyed in any order, at any step of a save",
          "[snapshot][asio]")
{
    for (int steps = 0; steps < 12; ++steps)
        for (bool loop_first : {false, true}) {
            temporary_directory const dir;
            auto io = std::make_unique<asio::io_context>();
            auto store = std::make_unique<snapshot_store>(*io, dir.path());
            auto const witness = std::make_shared<int>(0);
            store->async_save_bytes(bytes(5'000'000), 1,
                                    [witness](error_code, snapshot_info const&) {});
            for (int i = 0; i < steps; ++i)
                io->run_one();
            if (loop_first)
                io.reset();
            store.reset();
            io.reset();
            CHECK(witness.use_count() == 1);
        }
}

TEST_CASE("snapshot_store: a handler runs on its executor and never inline", "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::io_context io;
    asio::thread_pool other(1);
    snapshot_store store(io, dir.path());
    std::thread::id ran;
    bool inline_call = true;
    store.async_save(state{}, 1,
                     asio::bind_executor(other, [&](error_code ec, snapshot_info const&) {
                         CHECK(!ec);
                         CHECK(!inline_call);
                         ran = std::this_thread::get_id();
                     }));
    inline_call = false;
    io.run();
    other.join();
    CHECK(ran != std::thread::id());
    CHECK(ran != std::this_thread::get_id());
}

TEST_CASE("snapshot_store: saves from a strand of a loop with four threads", "[snapshot][asio]")
{
    temporary_directory const dir;
    asio::thread_pool pool(4);
    auto const strand = asio::make_strand(pool);
    auto store = std::make_unique<snapshot_store>(asio::any_io_executor(strand), dir.path());
    std::atomic<int> saved{0};
    for (int i = 0; i < 20; ++i)
        asio::post(strand, [&, i] {
            store->async_save(state{{"i", i}}, static_cast<std::uint64_t>(i),
                              [&](error_code ec, snapshot_info const&) {
                                  if (!ec)
                                      ++saved;
                              });
        });
    pool.join();
    CHECK(saved == 20);
    CHECK(store->load_newest<state>().value == state{{"i", 19}});
}

TEST_CASE("snapshot_store: bad options are named", "[snapshot][asio]")
{
    asio::io_context io;
    try {
        snapshot_store store(io, "x", {.generations = 1});
        FAIL("not refused");
    } catch (std::invalid_argument const& e) {
        CHECK(std::string(e.what()).find("generations is 1") != std::string::npos);
    }
}

TEST_CASE("snapshot_store: without a directory it is refused", "[snapshot][asio]")
{
    asio::io_context io;
    CHECK_THROWS_AS(snapshot_store(io, ""), std::invalid_argument);
}
