// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/simulation/cluster.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace simulation = perdure::simulation;
using namespace std::chrono_literals;
using perdure::error_code;
using simulation::event;
using tcp = asio::ip::tcp;
using stream = simulation::world::stream;
using acceptor = simulation::world::acceptor;

static_assert(perdure::has_streams<simulation::world>);
static_assert(perdure::complete_world<simulation::world>);

asio::awaitable<void> echo(stream s)
{
    std::array<char, 1000> buffer;
    for (;;) {
        error_code ec;
        auto const n = co_await s.async_read_some(asio::buffer(buffer),
                                                  asio::redirect_error(asio::use_awaitable, ec));
        if (ec)
            co_return;
        co_await asio::async_write(s, asio::buffer(buffer, n),
                                   asio::redirect_error(asio::use_awaitable, ec));
        if (ec)
            co_return;
    }
}

asio::awaitable<void> serve(simulation::world w)
{
    acceptor a(w);
    error_code ec;
    a.open({tcp::v4(), 80}, ec);
    REQUIRE(!ec);
    for (;;) {
        auto s = co_await a.async_accept(asio::use_awaitable);
        asio::co_spawn(w.get_executor(), echo(std::move(s)), asio::detached);
    }
}

// What two ends of one connection saw; both are driven by the test.
struct pair {
    simulation::cluster c;
    std::optional<acceptor> listener;
    std::optional<stream> a, b;
    explicit pair(simulation::options o = {}, std::uint64_t seed = 1) : c(seed, o)
    {
        c.add("a", [](simulation::world) {});
        c.add("b", [](simulation::world) {});
        connect();
    }
    ~pair()
    {
        a.reset();
        b.reset();
    }
    void connect()
    {
        listener.emplace(c.world_of("b"));
        error_code ec;
        listener->open({tcp::v4(), 80}, ec);
        REQUIRE(!ec);
        a.emplace(c.world_of("a"));
        std::optional<error_code> connected;
        a->async_connect({c.address("b"), 80}, [&](error_code e) { connected = e; });
        listener->async_accept([&](error_code e, stream s) {
            REQUIRE(!e);
            b.emplace(std::move(s));
        });
        REQUIRE(c.run_until([&] { return connected && b; }, 1h));
        REQUIRE(!*connected);
    }
    // The result of one operation, or "waits" if it has none within `limit`.
    struct outcome {
        bool done = false;
        error_code ec;
        std::size_t n = 0;
        std::string text() const
        {
            return !done                                  ? "waits"
                   : ec == asio::error::eof               ? "eof"
                   : ec == asio::error::connection_reset  ? "reset"
                   : ec == asio::error::timed_out         ? "timed out"
                   : ec == asio::error::broken_pipe       ? "broken pipe"
                   : ec == asio::error::operation_aborted ? "aborted"
                   : ec                                   ? ec.message()
                                                          : std::to_string(n);
        }
    };
    std::shared_ptr<outcome> start_read(stream& s, std::string& to, std::size_t most = 1000)
    {
        auto o = std::make_shared<outcome>();
        auto buffer = std::make_shared<std::string>(most, ' ');
        s.async_read_some(asio::buffer(*buffer), [o, buffer, &to](error_code ec, std::size_t n) {
            *o = {true, ec, n};
            to += buffer->substr(0, n);
        });
        return o;
    }
    std::string read(stream& s, std::string& to, simulation::duration limit = 1s)
    {
        auto const o = start_read(s, to);
        static_cast<void>(c.run_until([&] { return o->done; }, limit));
        auto const text = o->text();
        if (!o->done)
            s.cancel();
        c.run_for(0s);
        return text;
    }
    std::string read(stream& s, simulation::duration limit = 1s)
    {
        std::string ignored;
        return read(s, ignored, limit);
    }
    std::string write(stream& s, std::string text, simulation::duration limit = 1s)
    {
        auto o = std::make_shared<outcome>();
        auto buffer = std::make_shared<std::string>(std::move(text));
        s.async_write_some(asio::buffer(*buffer), [o, buffer](error_code ec, std::size_t n) {
            *o = {true, ec, n};
        });
        static_cast<void>(c.run_until([&] { return o->done; }, limit));
        auto const result = o->text();
        if (!o->done)
            s.cancel();
        c.run_for(0s);
        return result;
    }
};

} // namespace

TEST_CASE("stream: coroutines talk over it, whatever the network does to segments",
          "[simulation][sim]")
{
    auto o = GENERATE(simulation::calm(), simulation::lossy(), simulation::hostile());
    o.network.partition_interval = {}; // of their own
    o.process = {};
    o.network.shortened_transfer = 0.3;
    o.network.stream_window = 3000;
    simulation::cluster c(7, o);
    std::string sent, received;
    c.add("server",
          [](simulation::world w) { asio::co_spawn(w.get_executor(), serve(w), asio::detached); });
    c.add("client", [&](simulation::world w) {
        asio::co_spawn(
            w.get_executor(),
            [](simulation::world world, tcp::endpoint peer, std::string& out,
               std::string& in) -> asio::awaitable<void> {
                stream s(world);
                co_await s.async_connect(peer, asio::use_awaitable);
                for (int i = 0; i != 50; ++i) {
                    std::string const message = std::to_string(i) +
                                                std::string(static_cast<std::size_t>(i * 40), 'x') +
                                                '\n';
                    out += message;
                    co_await asio::async_write(s, asio::buffer(message), asio::use_awaitable);
                    std::string answer(message.size(), ' ');
                    co_await asio::async_read(s, asio::buffer(answer), asio::use_awaitable);
                    in += answer;
                }
            }(w, {c.address("server"), 80}, sent, received),
            [](std::exception_ptr e) {
                if (e)
                    std::rethrow_exception(e);
            });
    });
    CHECK(c.run_until([&] { return sent.size() > 49000 && sent == received; }, 1h));
    CHECK(c.counters()[event::connection_opened] == 1);
    CHECK(c.counters()[event::transfer_shortened] > 0);
    CHECK((c.counters()[event::segment_retransmitted] > 0) == (o.network.loss > 0));
}

TEST_CASE("stream: both ends know their endpoints", "[simulation][sim]")
{
    pair p;
    error_code ec;
    CHECK(p.a->remote_endpoint(ec) == tcp::endpoint(p.c.address("b"), 80));
    CHECK(p.b->local_endpoint(ec) == tcp::endpoint(p.c.address("b"), 80));
    CHECK(p.b->remote_endpoint(ec) == p.a->local_endpoint(ec));
    CHECK(p.a->local_endpoint(ec).address() == p.c.address("a"));
}

TEST_CASE("stream: bytes go in order through gathered and scattered buffers", "[simulation][sim]")
{
    pair p;
    std::string const one = "one ", two = "two ", three = "three";
    std::array const out{asio::buffer(one), asio::buffer(std::string_view()), asio::buffer(two),
                         asio::buffer(three)};
    std::size_t written = 0, read = 0;
    p.a->async_write_some(out, [&](error_code, std::size_t n) { written = n; });
    CHECK(written == 0); // never inline
    p.c.run_for(1s);
    CHECK(written == 13);
    std::string x(5, ' '), y(100, ' ');
    std::array const in{asio::buffer(x), asio::buffer(y)};
    p.b->async_read_some(in, [&](error_code, std::size_t n) { read = n; });
    CHECK(read == 0);
    p.c.run_for(1s);
    CHECK(read == 13);
    CHECK(x + y.substr(0, 8) == "one two three");
    bool nothing = false;
    p.b->async_read_some(asio::buffer(y, 0),
                         [&](error_code ec, std::size_t n) { nothing = !ec && n == 0; });
    p.c.run_for(0s);
    CHECK(nothing);
}

TEST_CASE("stream: a writer waits when the reader does not read, and goes on when it does",
          "[simulation][sim]")
{
    simulation::options o;
    o.network.stream_window = 1000;
    pair p(o);
    CHECK(p.write(*p.a, std::string(700, 'x')) == "700");
    CHECK(p.write(*p.a, std::string(700, 'y')) == "300");
    CHECK(p.write(*p.a, "z") == "waits");
    std::string text;
    CHECK(p.read(*p.b, text) != "waits");
    p.c.run_for(1s);
    CHECK(p.write(*p.a, "z") == "1");
    while (p.read(*p.b, text) != "waits") {
    }
    CHECK(text == std::string(700, 'x') + std::string(300, 'y') + "z");
}

TEST_CASE("stream: shutdown and close end what was written, and the other direction stays",
          "[simulation][sim]")
{
    pair p;
    error_code ec;
    CHECK(p.write(*p.a, "last") == "4");
    p.a->shutdown(ec);
    CHECK(p.write(*p.a, "x") == "broken pipe");
    CHECK(p.read(*p.b) == "4");
    CHECK(p.read(*p.b) == "eof");
    CHECK(p.read(*p.b) == "eof");
    CHECK(p.write(*p.b, "answer") == "6");
    p.b->close(ec);
    CHECK_FALSE(p.b->is_open());
    std::string text;
    CHECK(p.read(*p.a, text) == "6");
    CHECK(text == "answer");
    CHECK(p.read(*p.a) == "eof");
}

TEST_CASE("stream: writing to a closed peer, and closing with bytes unread, is a reset",
          "[simulation][sim]")
{
    {
        pair p;
        p.b.reset();
        p.c.run_for(1s);
        CHECK(p.read(*p.a) == "eof");
        CHECK(p.write(*p.a, "into nothing") == "12");
        p.c.run_for(1s);
        CHECK(p.write(*p.a, "x") == "reset");
        CHECK(p.c.counters()[event::connection_reset] == 1);
    }
    {
        pair p;
        CHECK(p.write(*p.a, "unread") == "6");
        p.c.run_for(1s);
        p.b.reset();
        p.c.run_for(1s);
        CHECK(p.read(*p.a) == "reset");
    }
}

TEST_CASE("stream: a connection to a closed port is refused, to no machine unreachable, to a dead "
          "one timed out",
          "[simulation][sim]")
{
    pair p;
    auto const connect = [&](tcp::endpoint peer) {
        stream s(p.c.world_of("a"));
        std::optional<error_code> result;
        s.async_connect(peer, [&](error_code ec) { result = ec; });
        CHECK_FALSE(result);
        auto const begin = p.c.now();
        CHECK(p.c.run_until([&] { return result.has_value(); }, 1h));
        return std::pair(result.value_or(error_code()), p.c.now() - begin);
    };
    CHECK(connect({p.c.address("b"), 81}).first == asio::error::connection_refused);
    CHECK(connect({asio::ip::make_address_v4("10.9.9.9"), 80}).first ==
          asio::error::host_unreachable);
    p.c.kill("b"); // the machine answers
    CHECK(connect({p.c.address("b"), 80}).first == asio::error::connection_refused);
    p.c.crash("b");
    auto const [ec, time] = connect({p.c.address("b"), 80});
    CHECK(ec == asio::error::timed_out);
    CHECK(time > 100s);
    CHECK(time < 300s);
    CHECK(p.c.counters()[event::connection_refused] == 2);
    CHECK(p.c.counters()[event::connection_timed_out] == 1);
}

TEST_CASE("stream: a connection that fails can be tried again on the same object",
          "[simulation][sim]")
{
    pair p;
    stream s(p.c.world_of("a"));
    error_code ec;
    s.async_connect({p.c.address("b"), 81}, [&](error_code e) { ec = e; });
    p.c.run_for(1s);
    CHECK(ec == asio::error::connection_refused);
    s.async_connect({p.c.address("b"), 80}, [&](error_code e) { ec = e; });
    p.c.run_for(1s);
    CHECK_FALSE(ec);
    s.async_connect({p.c.address("b"), 80}, [&](error_code e) { ec = e; });
    p.c.run_for(1s);
    CHECK(ec == asio::error::already_connected);
}

TEST_CASE("stream: a request that is lost is repeated until somebody listens", "[simulation][sim]")
{
    pair p;
    p.c.crash("b");
    p.listener.reset();
    p.b.reset();
    stream s(p.c.world_of("a"));
    std::optional<error_code> result;
    s.async_connect({p.c.address("b"), 80}, [&](error_code ec) { result = ec; });
    p.c.run_for(5s);
    CHECK_FALSE(result);
    p.c.restart("b");
    acceptor again(p.c.world_of("b"));
    error_code ec;
    again.open({tcp::v4(), 80}, ec);
    p.c.run_for(5s);
    REQUIRE(result);
    CHECK_FALSE(*result);
}

TEST_CASE("stream: the peers of a killed process see its end, those of a lost machine only when "
          "they write",
          "[simulation][sim]")
{
    SECTION("killed")
    {
        pair p;
        CHECK(p.write(*p.b, "said before") == "11");
        p.c.kill("b");
        CHECK(p.read(*p.a) == "11");
        CHECK(p.read(*p.a) == "eof");
    }
    SECTION("lost power, and nobody says so")
    {
        simulation::options o;
        o.network.reset_on_crash = 0;
        pair p(o);
        p.c.crash("b");
        CHECK(p.read(*p.a, 24h) == "waits");
        CHECK(p.write(*p.a, "x") == "1");
        CHECK(p.read(*p.a, 1h) == "timed out");
        CHECK(p.c.counters()[event::segment_retransmitted] > 5);
    }
    SECTION("lost power and came back")
    {
        simulation::options o;
        o.network.reset_on_crash = 0;
        pair p(o);
        p.c.crash("b");
        p.c.restart("b");
        CHECK(p.read(*p.a, 24h) == "waits");
        CHECK(p.write(*p.a, "x") == "1");
        CHECK(p.read(*p.a, 1h) == "reset");
    }
    SECTION("lost power, and a reset comes")
    {
        simulation::options o;
        o.network.reset_on_crash = 1;
        pair p(o);
        p.c.crash("b");
        CHECK(p.read(*p.a) == "reset");
    }
}

TEST_CASE("stream: a short partition delays it, a long one breaks it, in one direction too",
          "[simulation][sim]")
{
    auto const one_way = GENERATE(false, true);
    simulation::options o;
    o.network.stream_timeout = 60s;
    pair p(o);
    auto const cut = [&] {
        if (one_way)
            p.c.block("b", "a"); // acknowledgements do not come back
        else
            p.c.partition({{"a"}, {"b"}});
    };
    cut();
    CHECK(p.write(*p.a, "late") == "4");
    CHECK(p.read(*p.b, 10s) == "waits");
    p.c.heal();
    CHECK(p.read(*p.b, 60s) == "4");
    CHECK(p.c.counters()[event::segment_retransmitted] > 0);
    cut();
    CHECK(p.write(*p.a, "lost") == "4");
    CHECK(p.read(*p.a, 1h) == "timed out");
    CHECK(p.write(*p.a, "x") == "timed out");
    CHECK(p.read(*p.b, 24h) == "waits"); // it knows nothing
    p.c.heal();
    CHECK(p.write(*p.b, "x") == "1");
    CHECK(p.c.counters()[event::connection_timed_out] == 1);
}

TEST_CASE("stream: a frozen process does not break a connection", "[simulation][sim]")
{
    pair p;
    p.c.freeze("b");
    CHECK(p.write(*p.a, "abc") == "3");
    p.c.run_for(10h);
    p.c.thaw("b");
    CHECK(p.read(*p.b) == "3");
}

TEST_CASE("stream: every cancellation leaves it usable and loses no byte", "[simulation][sim]")
{
    auto const type = GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial,
                               asio::cancellation_type::total);
    simulation::options o;
    o.network.stream_window = 10;
    pair p(o);
    asio::cancellation_signal read, write;
    std::string log, in(100, ' ');
    auto const note = [&](char name) {
        return [&log, name](error_code ec, std::size_t n) {
            log += name + (ec == asio::error::operation_aborted ? "-"
                           : ec                                 ? "?"
                                                                : std::to_string(n));
        };
    };
    p.b->async_read_some(asio::buffer(in), asio::bind_cancellation_slot(read.slot(), note('r')));
    CHECK(p.write(*p.a, "0123456789") == "10");
    p.c.run_for(1s);
    CHECK(log == "r10");
    read.emit(type); // too late
    p.c.run_for(1s);
    log.clear();
    p.b->async_read_some(asio::buffer(in), asio::bind_cancellation_slot(read.slot(), note('r')));
    read.emit(asio::cancellation_type::none);
    p.c.run_for(1s);
    CHECK(log.empty());
    read.emit(type);
    CHECK(log.empty());
    p.c.run_for(1s);
    CHECK(log == "r-");
    CHECK(p.write(*p.a, "0123456789") == "10");
    p.a->async_write_some(asio::buffer(in), asio::bind_cancellation_slot(write.slot(), note('w')));
    p.c.run_for(1s);
    CHECK(log == "r-");
    write.emit(type);
    p.c.run_for(1s);
    CHECK(log == "r-w-");
    std::string text;
    CHECK(p.read(*p.b, text) == "10");
    CHECK(text == "0123456789");
    CHECK(p.read(*p.b, text) == "waits");
}

TEST_CASE("acceptor: cancelling an accept loses no connection, closing it resets those that wait",
          "[simulation][sim]")
{
    pair p;
    std::vector<std::string> ended;
    asio::cancellation_signal signal;
    auto const accept = [&](std::string name) {
        return [&ended, name](error_code ec, stream s) {
            ended.push_back(name + (ec == asio::error::operation_aborted ? " aborted"
                                    : ec                                 ? " failed"
                                    : s.is_open()                        ? " open"
                                                                         : " closed"));
        };
    };
    p.listener->async_accept(asio::bind_cancellation_slot(signal.slot(), accept("one")));
    p.listener->async_accept(accept("two"));
    signal.emit(asio::cancellation_type::total);
    CHECK(ended.empty());
    p.c.run_for(1s);
    CHECK(ended == std::vector<std::string>{"one aborted"});
    auto const connect = [&](stream& s) {
        s.async_connect({p.c.address("b"), 80}, [](error_code ec) { CHECK_FALSE(ec); });
        p.c.run_for(1s);
    };
    stream first(p.c.world_of("a")), second(p.c.world_of("a"));
    connect(first);
    CHECK(ended.back() == "two open");
    connect(second);
    p.listener->async_accept(accept("three"));
    p.listener->async_accept(accept("four"));
    p.c.run_for(1s);
    CHECK(ended.back() == "three open");
    p.listener->cancel();
    p.c.run_for(1s);
    CHECK(ended.back() == "four aborted");
    stream third(p.c.world_of("a"));
    connect(third);
    error_code ec;
    p.listener->close(ec);
    CHECK(p.read(third) == "reset");
    p.listener->async_accept(accept("five"));
    p.c.run_for(1s);
    CHECK(ended.back() == "five failed");
    p.listener->open({tcp::v4(), 80}, ec);
    CHECK_FALSE(ec);
}

TEST_CASE("acceptor: connections beyond the backlog try again", "[simulation][sim]")
{
    pair p;
    std::vector<stream> all;
    int connected = 0;
    for (int i = 0; i != 200; ++i) {
        all.emplace_back(p.c.world_of("a"));
        all.back().async_connect({p.c.address("b"), 80}, [&](error_code ec) { connected += !ec; });
    }
    p.c.run_for(500ms);
    CHECK(connected == 128);
    std::vector<stream> accepted;
    for (int i = 0; i != 200; ++i)
        p.listener->async_accept([&](error_code, stream s) { accepted.push_back(std::move(s)); });
    p.c.run_for(10s);
    CHECK(connected == 200);
    CHECK(accepted.size() == 200);
}

TEST_CASE("stream: using it in the wrong state is an error", "[simulation][sim]")
{
    pair p;
    stream s(p.c.world_of("a"));
    error_code ec;
    CHECK(p.read(s) == error_code(asio::error::bad_descriptor).message());
    CHECK(p.write(s, "x") == error_code(asio::error::bad_descriptor).message());
    s.shutdown(ec);
    CHECK(ec == asio::error::bad_descriptor);
    s.remote_endpoint(ec);
    CHECK(ec == asio::error::bad_descriptor);
    s.async_connect({p.c.address("b"), 80}, [](error_code) {});
    s.remote_endpoint(ec);
    CHECK(ec == asio::error::not_connected);
    acceptor a(p.c.world_of("b"));
    a.open({tcp::v4(), 80}, ec);
    CHECK(ec == asio::error::address_in_use);
    a.local_endpoint(ec);
    CHECK(ec == asio::error::bad_descriptor);
}

TEST_CASE("stream: a connect that is cancelled, and a stream that is closed while connecting, "
          "leave nothing",
          "[simulation][sim]")
{
    pair p;
    p.listener->async_accept([](error_code, stream) {});
    error_code ec;
    {
        stream s(p.c.world_of("a"));
        s.async_connect({p.c.address("b"), 80}, [&](error_code e) { ec = e; });
        s.cancel();
        CHECK_FALSE(ec);
        p.c.run_for(0s);
        CHECK(ec == asio::error::operation_aborted);
    }
    ec = {};
    stream s(p.c.world_of("a"));
    s.async_connect({p.c.address("b"), 80}, [&](error_code e) { ec = e; });
    s.close(ec);
    p.c.run_for(1s);
    CHECK(ec == asio::error::operation_aborted);
}

TEST_CASE("stream: a dead process sends and receives nothing", "[simulation][sim]")
{
    pair p;
    int ran = 0;
    std::string buffer(10, 'x');
    p.a->async_read_some(asio::buffer(buffer), [&](error_code, std::size_t) { ++ran; });
    p.listener->async_accept([&](error_code, stream) { ++ran; });
    p.c.crash("a");
    p.c.crash("b");
    error_code ec;
    p.a->shutdown(ec);
    CHECK(ec == asio::error::operation_aborted);
    p.a->async_write_some(asio::buffer(buffer), [&](error_code, std::size_t) { ++ran; });
    p.listener->open({tcp::v4(), 81}, ec);
    CHECK(ec == asio::error::operation_aborted);
    p.a->cancel();
    p.a->close(ec);
    p.listener->cancel();
    p.c.run_for(1h);
    CHECK(ran == 0);
}
