// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include <perdure/snapshot/store.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace asio = boost::asio;
using perdure::errc;
using perdure::error_code;
using perdure::snapshot_info;
using perdure::snapshot_store;

namespace {

// Everything that the ready-made generators can do.
struct collection {
    std::map<std::uint64_t, std::string> ordered;
    std::set<std::string> names;
    std::unordered_map<std::string, std::uint32_t> unordered;
    std::vector<std::uint64_t> numbers;
    std::vector<std::string> words;
    friend bool operator==(collection const&, collection const&) = default;

    auto slices() const
    {
        using perdure::slices_in_turn;
        return slices_in_turn(
            slices_in_turn(perdure::ordered_slices(ordered), perdure::ordered_slices(names)),
            slices_in_turn(perdure::range_slices(unordered),
                           slices_in_turn(perdure::sequence_slices(numbers),
                                          perdure::sequence_slices(words))));
    }
    void load_slices(perdure::portable_iarchive& ar)
    {
        perdure::load_slices_of(ar, ordered);
        perdure::load_slices_of(ar, names);
        perdure::load_slices_of(ar, unordered);
        perdure::load_slices_of(ar, numbers);
        perdure::load_slices_of(ar, words);
    }
};

collection example(std::size_t n)
{
    collection c;
    for (std::size_t i = 0; i != n; ++i) {
        c.ordered[i * 3] = "value " + std::to_string(i);
        c.names.insert("name " + std::to_string(i));
        c.unordered["key " + std::to_string(i)] = static_cast<std::uint32_t>(i);
        c.words.push_back(std::to_string(i * i));
    }
    c.numbers.resize(20 * n, 7);
    return c;
}

// A map to which work goes on while it is saved: each command sets one key.
struct table {
    std::map<std::uint64_t, std::uint64_t> values;
    auto slices() const { return perdure::ordered_slices(values, 16); }
    void load_slices(perdure::portable_iarchive& ar) { perdure::load_slices_of(ar, values); }
};

struct fixture {
    temporary_directory directory;
    asio::io_context io;
    snapshot_store store{io, directory / "s"};
    error_code ec = errc::timed_out;
    snapshot_info info;

    auto done()
    {
        return [this](error_code e, snapshot_info i) {
            ec = e;
            info = std::move(i);
        };
    }
    void run()
    {
        io.restart();
        io.run();
    }
};

// A view of numbers that nobody changes.
struct shared_numbers {
    std::shared_ptr<std::vector<std::uint64_t> const> owned;
    perdure::sequence_slices<std::vector<std::uint64_t>> inner;
    std::set<std::thread::id>* threads = nullptr;

    bool operator()(perdure::portable_oarchive& ar)
    {
        if (threads)
            threads->insert(std::this_thread::get_id());
        return inner(ar);
    }
};

// A loop's executor. Where `returns_late` is set, execute() returns only when it has run, and more.
struct late_executor {
    asio::io_context* io;
    static inline thread_local std::function<void()> returns_late;

    asio::execution_context& query(asio::execution::context_t) const noexcept { return *io; }
    static constexpr asio::execution::blocking_t::never_t
    query(asio::execution::blocking_t) noexcept
    {
        return {};
    }
    template <class F>
    void execute(F f) const
    {
        asio::post(*io, std::move(f));
        if (returns_late)
            returns_late();
    }
    friend bool operator==(late_executor const&, late_executor const&) = default;
};

struct numbers {
    std::vector<std::uint64_t> all;
    auto slices() const { return perdure::sequence_slices(all); }
    void load_slices(perdure::portable_iarchive& ar) { perdure::load_slices_of(ar, all); }
};

} // namespace

TEST_CASE("snapshot slices: what the generators write is read back, of any size", "[snapshot][asio]")
{
    for (std::size_t const n : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{30'000}}) {
        CAPTURE(n);
        fixture f;
        auto const state = example(n);
        f.store.async_save_in_slices(state.slices(), 5, {}, f.done());
        f.run();
        REQUIRE(!f.ec);
        auto const loaded = f.store.load_newest<collection>(perdure::slices_codec{});
        REQUIRE(loaded.value);
        CHECK(*loaded.value == state);
        CHECK(loaded.info.position == 5);
        // Encoded at once the bytes are the same.
        f.store.async_save(state, 5, perdure::slices_codec{}, f.done());
        f.run();
        CHECK(!f.ec);
        CHECK(f.store.load_newest<collection>(perdure::slices_codec{}).info.raw_size ==
              loaded.info.raw_size);
        // As another type or codec it is refused.
        error_code ec;
        CHECK(!f.store.load_newest<int>(ec).value);
        CHECK(ec == errc::wrong_type);
    }
}

TEST_CASE("snapshot slices: other work runs between them, and chunks wait for the disk",
          "[snapshot][asio]")
{
    fixture f;
    numbers state;
    state.all.resize(2'000'000, 1); // 16 MB
    struct counting {
        perdure::sequence_slices<std::vector<std::uint64_t>> inner;
        int* calls;
        bool operator()(perdure::portable_oarchive& ar)
        {
            ++*calls;
            return inner(ar);
        }
    };
    int calls = 0, turns = 0, most_calls_in_a_turn = 0, before = 0;
    f.store.async_save_in_slices(counting{perdure::sequence_slices(state.all, 1000), &calls}, 1,
                                 {.calls = 10}, f.done());
    std::function<void()> other_work = [&] {
        ++turns;
        most_calls_in_a_turn = std::max(most_calls_in_a_turn, calls - before);
        before = calls;
        if (f.ec == errc::timed_out)
            asio::post(f.io, other_work);
    };
    other_work();
    f.run();
    CHECK(!f.ec);
    CHECK(calls == 2001);
    CHECK(turns > 200);
    CHECK(most_calls_in_a_turn <= 20);
    CHECK(f.store.load_newest<numbers>(perdure::slices_codec{}).value->all == state.all);
}

TEST_CASE("snapshot slices: a fuzzy snapshot and a replay from where it began give the state",
          "[snapshot][asio]")
{
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        fixture f;
        table state;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> log; // key, value; 0 removes
        std::mt19937_64 random(seed);
        auto const apply = [](table& t, std::pair<std::uint64_t, std::uint64_t> c) {
            if (c.second == 0)
                t.values.erase(c.first);
            else
                t.values[c.first] = c.second;
        };
        auto const execute = [&] {
            log.emplace_back(random() % 3000, random() % 4);
            apply(state, log.back());
        };
        for (int i = 0; i != 4000; ++i)
            execute();
        auto const begin = log.size();
        auto const before = state.values;
        f.store.async_save_in_slices(state.slices(), begin, {.calls = 1}, f.done());
        std::function<void()> work = [&] {
            for (int i = 0; i != 20; ++i)
                execute();
            if (f.ec == errc::timed_out)
                asio::post(f.io, work);
        };
        work();
        f.run();
        REQUIRE(!f.ec);
        auto loaded = f.store.load_newest<table>(perdure::slices_codec{});
        REQUIRE(loaded.value);
        CHECK(loaded.value->values != before); // It is fuzzy,
        CHECK(loaded.value->values != state.values);
        for (auto i = loaded.info.position; i != log.size(); ++i)
            apply(*loaded.value, log[i]);
        CHECK(loaded.value->values == state.values); // and the replay repairs it.
    }
}

TEST_CASE("snapshot slices: a view is encoded on other threads, and parts side by side",
          "[snapshot][asio][threads]")
{
    temporary_directory const directory;
    asio::io_context io;
    asio::thread_pool pool(3);
    snapshot_store store(io, directory / "s");
    std::vector<std::shared_ptr<std::vector<std::uint64_t> const>> states;
    std::vector<std::set<std::thread::id>> threads(5);
    std::vector<shared_numbers> parts;
    for (std::uint64_t i = 0; i != 5; ++i) {
        states.push_back(std::make_shared<std::vector<std::uint64_t>>(100'000 * i, i));
        parts.push_back({states[i], perdure::sequence_slices(*states[i]), &threads[i]});
    }
    error_code ec = errc::timed_out;
    store.async_save_partitions(parts, 9, pool.get_executor(),
                                [&](error_code e, snapshot_info) { ec = e; });
    io.run();
    REQUIRE(!ec);
    for (auto const& t : threads)
        CHECK(!t.contains(std::this_thread::get_id()));
    perdure::loaded_snapshot<std::vector<numbers>> loaded;
    store.async_load_partitions<numbers>(pool.get_executor(), [&](error_code e, auto l) {
        ec = e;
        loaded = std::move(l);
    });
    io.restart();
    io.run();
    REQUIRE(!ec);
    REQUIRE(loaded.value->size() == 5);
    for (std::size_t i = 0; i != 5; ++i)
        CHECK((*loaded.value)[i].all == *states[i]);
    CHECK(loaded.info.position == 9);

    store.async_save_view(shared_numbers{states[2], perdure::sequence_slices(*states[2])}, 10,
                          pool.get_executor(), [&](error_code e, snapshot_info) { ec = e; });
    io.restart();
    io.run();
    REQUIRE(!ec);
    CHECK(store.load_newest<numbers>(perdure::slices_codec{}).value->all == *states[2]);
    // A pool that takes no more work: the parts were not decoded, and the snapshot is not blamed.
    pool.stop();
    pool.join();
}

TEST_CASE("snapshot slices: a save ends on the loop, however late another thread returns from it",
          "[snapshot][asio][threads]")
{
    temporary_directory const directory;
    asio::io_context io;
    auto const work = asio::make_work_guard(io);
    asio::thread_pool pool(1);
    perdure::system_world const world{asio::any_io_executor(late_executor{&io})};
    snapshot_store store(world, directory / "s");
    std::atomic<bool> loop_is_done{false};
    std::atomic<std::size_t> destroyed_on_loop{0}, destroyed_elsewhere{0};
    struct generator {
        std::shared_ptr<int> value;
        std::atomic<bool>* loop_is_done;
        bool operator()(perdure::portable_oarchive& ar)
        {
            late_executor::returns_late = [until = loop_is_done] { until->wait(false); };
            ar << *value;
            return false;
        }
    };
    std::shared_ptr<int> value(new int(1), [&, loop = std::this_thread::get_id()](int* p) {
        delete p;
        ++(std::this_thread::get_id() == loop ? destroyed_on_loop : destroyed_elsewhere);
    });
    std::size_t saved = 0;
    store.async_save_view(generator{std::move(value), &loop_is_done}, 1, pool.get_executor(),
                          [&](error_code ec, snapshot_info) { saved += !ec; });
    while (saved == 0)
        io.run_one();
    io.poll();
    loop_is_done = true;
    loop_is_done.notify_all();
    // What the loop does with the store meanwhile must meet nobody.
    for (int i = 0; i != 100; ++i)
        store.async_save(i, 2, [&](error_code ec, snapshot_info) { saved += !ec; });
    pool.join();
    CHECK(destroyed_on_loop == 1);
    CHECK(destroyed_elsewhere == 0);
    while (saved != 101)
        io.run_one();
}

TEST_CASE("snapshot slices: a generator that throws, and a cancelled save, leave nothing",
          "[snapshot][asio]")
{
    fixture f;
    int left = 50;
    auto const thrower = [&left](perdure::portable_oarchive& ar) {
        ar << std::string(100'000, 'x');
        if (--left == 0)
            throw std::runtime_error("cannot");
        return true;
    };
    f.store.async_save_in_slices(thrower, 1, {}, f.done());
    f.run();
    CHECK(f.ec == errc::cannot_encode);

    asio::cancellation_signal signal;
    auto const endless = [](perdure::portable_oarchive& ar) {
        ar << std::string(10'000, 'x');
        return true;
    };
    asio::steady_timer timer(f.io, std::chrono::milliseconds(20));
    timer.async_wait([&](error_code) { signal.emit(asio::cancellation_type::total); });
    f.store.async_save_in_slices(endless, 1, {},
                                 asio::bind_cancellation_slot(signal.slot(), f.done()));
    f.run();
    CHECK(f.ec == asio::error::operation_aborted);
    error_code ec;
    CHECK(!f.store.load_newest<numbers>(ec, perdure::slices_codec{}).value);
    CHECK(ec == errc::no_snapshot);
    CHECK(test::names_in(f.directory / "s") == std::vector<std::string>{"LOCK"});
}

TEST_CASE("snapshot slices: store and loop may be destroyed while a slice is due", "[snapshot][asio]")
{
    temporary_directory const directory;
    for (int turns = 0; turns != 12; ++turns) {
        auto io = std::make_unique<asio::io_context>();
        auto store = std::make_unique<snapshot_store>(*io, directory / "s");
        bool called = false;
        store->async_save_in_slices(
            [](perdure::portable_oarchive& ar) {
                ar << std::string(200'000, 'x');
                return true;
            },
            1, {}, [&](error_code ec, snapshot_info) { called = ec == asio::error::operation_aborted; });
        for (int i = 0; i != turns; ++i)
            io->run_one();
        if (turns % 2 == 0) {
            io.reset();
            store.reset();
            CHECK(!called);
        } else {
            store.reset();
            io->run();
            CHECK(called);
        }
    }
}

TEST_CASE("snapshot slices: options with which nothing could be saved are named", "[snapshot][asio]")
{
    fixture f;
    numbers const state{{1, 2, 3}};
    try {
        f.store.async_save_in_slices(state.slices(), 1, {.chunks_ahead = 0}, f.done());
        FAIL("not refused");
    } catch (std::invalid_argument const& e) {
        CHECK(std::string(e.what()).find("chunks_ahead is 0") != std::string::npos);
    }
    f.store.async_save_in_slices(state.slices(), 1, {.chunks_ahead = 1}, f.done());
    f.run();
    CHECK(!f.ec);
}

TEST_CASE("snapshot slices: counts that lie are refused before memory is reserved",
          "[snapshot][core]")
{
    perdure::memory_sink sink;
    perdure::portable_oarchive ar(sink);
    ar << (std::uint64_t{1} << 40);
    ar.flush();
    for (int kind = 0; kind != 3; ++kind) {
        perdure::memory_source source(sink.bytes());
        perdure::portable_iarchive in(source);
        std::vector<std::uint64_t> bulk;
        std::vector<std::string> words;
        std::map<int, int> map;
        CHECK_THROWS_AS(kind == 0   ? perdure::load_slices_of(in, bulk)
                        : kind == 1 ? perdure::load_slices_of(in, words)
                                    : perdure::load_slices_of(in, map),
                        boost::system::system_error);
    }
}
