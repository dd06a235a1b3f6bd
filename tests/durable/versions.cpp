// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/durable/durable.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using perdure::errc;
using perdure::error_code;

// Three releases of a program.
struct pay_v1 {
    std::string who;
    int coins = 0;
    void serialize(auto& archive, unsigned) { archive& who& coins; }
};
struct pay { // 2: in cents
    using previous_version = pay_v1;
    std::string who;
    long cents = 0;
    pay() = default;
    pay(std::string w, long c) : who(std::move(w)), cents(c) {}
    explicit pay(pay_v1&& old) : who(std::move(old.who)), cents(100L * old.coins) {}
    void serialize(auto& archive, unsigned) { archive& who& cents; }
};
struct bank_v1 {
    std::map<std::string, int> coins;
    void apply(pay_v1 const& p) { coins[p.who] += p.coins; }
    void serialize(auto& archive, unsigned) { archive& coins; }
};
struct bank_v2 {
    using previous_version = bank_v1;
    std::map<std::string, long> cents;
    bank_v2() = default;
    explicit bank_v2(bank_v1&& old)
    {
        for (auto const& [who, coins] : old.coins)
            cents[who] = 100L * coins;
    }
    void serialize(auto& archive, unsigned) { archive& cents; }
};
// 3: knows its total, and is saved from a view.
struct bank {
    using previous_version = bank_v2;
    std::shared_ptr<std::map<std::string, long> const> cents =
        std::make_shared<std::map<std::string, long> const>();
    long total = 0;
    static inline std::set<std::thread::id> encoded_by;

    bank() = default;
    explicit bank(bank_v2&& old)
        : cents(std::make_shared<std::map<std::string, long> const>(std::move(old.cents)))
    {
        for (auto const& [who, c] : *cents)
            total += c;
    }
    void apply(pay const& p)
    {
        auto next = *cents; // Small here; a program would use a persistent map.
        next[p.who] += p.cents;
        total += p.cents;
        cents = std::make_shared<std::map<std::string, long> const>(std::move(next));
    }
    struct view_slices {
        std::shared_ptr<std::map<std::string, long> const> owned;
        long total;
        perdure::ordered_slices<std::map<std::string, long>> inner{*owned};
        bool begun = false;
        bool operator()(perdure::portable_oarchive& ar)
        {
            encoded_by.insert(std::this_thread::get_id());
            if (!std::exchange(begun, true))
                ar << total;
            return inner(ar);
        }
    };
    view_slices view() const { return {cents, total}; }
    void load_slices(perdure::portable_iarchive& ar)
    {
        std::map<std::string, long> loaded;
        ar >> total;
        perdure::load_slices_of(ar, loaded);
        cents = std::make_shared<std::map<std::string, long> const>(std::move(loaded));
    }
    void serialize(auto& archive, unsigned) // Not used: there is a view.
    {
        archive& total;
    }
};

template <class State, class Command>
struct program {
    asio::io_context io;
    perdure::durable<State, Command> state;
    explicit program(std::string const& directory, asio::any_io_executor elsewhere = {})
        : state(io, options(directory, elsewhere))
    {
    }
    static perdure::durable_options options(std::string const& directory,
                                            asio::any_io_executor elsewhere)
    {
        perdure::durable_options o;
        o.directory = directory;
        o.log.idle_seal_after = {};
        o.snapshot_executor = elsewhere;
        return o;
    }
    void run()
    {
        io.restart();
        io.run();
    }
    error_code open()
    {
        error_code result;
        state.async_open([&](error_code ec, perdure::durable_report const&) { result = ec; });
        run();
        return result;
    }
    void execute(Command c)
    {
        state.async_execute(std::move(c), [](error_code ec) { CHECK(!ec); });
        run();
    }
    void snapshot()
    {
        state.async_snapshot([](error_code ec, perdure::snapshot_info) { CHECK(!ec); });
        run();
    }
};

} // namespace

TEST_CASE("durable: states and commands of older programs are taken up step by step",
          "[durable][asio]")
{
    static_assert(perdure::version_of<bank_v1>() == 1);
    static_assert(perdure::version_of<bank>() == 3);
    static_assert(perdure::version_of<pay>() == 2);
    static_assert(perdure::version_of<std::string>() == 1);
    temporary_directory const directory;
    {
        program<bank_v1, pay_v1> first(directory / "bank");
        REQUIRE(!first.open());
        first.execute({"ann", 3});
        first.snapshot();
        first.execute({"bob", 4}); // Stays in the log.
    }
    asio::thread_pool pool(1);
    {
        program<bank, pay> third(directory / "bank", pool.get_executor());
        REQUIRE(!third.open());
        CHECK(*third.state.state().cents == std::map<std::string, long>{{"ann", 300}, {"bob", 400}});
        CHECK(third.state.state().total == 700);
        third.execute({"ann", 5});
        bank::encoded_by.clear();
        third.snapshot();
        CHECK(bank::encoded_by.size() == 1);
        CHECK(!bank::encoded_by.contains(std::this_thread::get_id()));
        third.execute({"bob", 6});
    }
    {
        program<bank, pay> again(directory / "bank");
        REQUIRE(!again.open());
        CHECK(*again.state.state().cents == std::map<std::string, long>{{"ann", 305}, {"bob", 406}});
        CHECK(again.state.state().total == 711);
        again.snapshot(); // Without an executor: in slices on the loop.
    }
    pool.join();
    // An older program refuses what a newer one wrote, and changes nothing.
    program<bank_v1, pay_v1> first(directory / "bank");
    CHECK(first.open() == errc::unsupported_version);
}

TEST_CASE("durable: a newer command in the log is refused by an older program", "[durable][asio]")
{
    temporary_directory const directory;
    {
        program<bank, pay> third(directory / "bank");
        REQUIRE(!third.open());
        third.execute({"ann", 5});
    }
    {
        program<bank_v1, pay_v1> first(directory / "bank");
        CHECK(first.open() == errc::unsupported_version);
    }
    program<bank, pay> third(directory / "bank");
    CHECK(!third.open());
    CHECK(third.state.state().total == 5);
}

TEST_CASE("durable: the record of a command is as its page says, and other bytes are none",
          "[durable][core][format]")
{
    auto const bytes = perdure::encode_durable_record(
        {.version = 2, .from = perdure::client_command{0x0102, 3}, .command = perdure::as_bytes("xy")});
    std::vector<unsigned> const expected{2, 0, 2, 0, 2, 1, 0, 0, 0, 0, 0,  0,
                                         3, 0, 0, 0, 0, 0, 0, 0, 'x', 'y'};
    REQUIRE(bytes.size() == expected.size());
    for (std::size_t i = 0; i != bytes.size(); ++i)
        CHECK(std::to_integer<unsigned>(bytes[i]) == expected[i]);
    auto const read = perdure::decode_durable_record(bytes);
    REQUIRE(read);
    CHECK(read->from == perdure::client_command{0x0102, 3});
    CHECK(read->version == 2);
    CHECK(perdure::as_text(read->command) == "xy");
    for (std::size_t n = 0; n != 20; ++n)
        CHECK(!perdure::decode_durable_record(std::span(bytes.data(), n)));
    auto const bounded = perdure::encode_durable_record(
        {.version = 2, .from = perdure::client_command{0x0102, 3}, .clients = 10'000, .command = perdure::as_bytes("xy")});
    std::vector<unsigned> bounded_expected = expected;
    bounded_expected[0] = 3;
    bounded_expected.insert(bounded_expected.begin() + 20, {0x10, 0x27, 0, 0});
    REQUIRE(bounded.size() == bounded_expected.size());
    for (std::size_t i = 0; i != bounded.size(); ++i)
        CHECK(std::to_integer<unsigned>(bounded[i]) == bounded_expected[i]);
    auto const bounded_read = perdure::decode_durable_record(bounded);
    REQUIRE(bounded_read);
    CHECK(bounded_read->from == perdure::client_command{0x0102, 3});
    CHECK(bounded_read->clients == 10'000);
    CHECK(perdure::as_text(bounded_read->command) == "xy");
    for (std::size_t n = 0; n != 24; ++n)
        CHECK(!perdure::decode_durable_record(std::span(bounded.data(), n)));
    auto none = bounded;
    std::fill_n(none.begin() + 20, 4, std::byte());
    CHECK(!perdure::decode_durable_record(none));
    auto const plain = perdure::encode_durable_record({.command = perdure::as_bytes("z")});
    CHECK(plain.size() == 5);
    CHECK(perdure::as_text(perdure::decode_durable_record(plain)->command) == "z");
    for (std::size_t const at : {0u, 1u, 2u}) {
        auto other = plain;
        other[at] = std::byte(at == 2 ? 0 : 9);
        CHECK(!perdure::decode_durable_record(other));
    }
}
