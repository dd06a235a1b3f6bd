// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/world/system_sockets.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <exception>
#include <memory>
#include <netinet/tcp.h>
#include <optional>
#include <string>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using perdure::error_code;
using perdure::incoming_datagram;
using perdure::outgoing_datagram;
using perdure::system_acceptor;
using perdure::system_datagram_socket;
using perdure::system_stream;
using perdure::system_world;

namespace {

udp::endpoint const any_udp(asio::ip::address_v4::loopback(), 0);
tcp::endpoint const any_tcp(asio::ip::address_v4::loopback(), 0);

std::span<std::byte const> bytes(std::string const& s)
{
    return std::as_bytes(std::span(s));
}

/// Room for datagrams of up to `size` bytes.
class slots {
public:
    slots(std::size_t count, std::size_t size) : memory_(count * size), slots_(count)
    {
        for (std::size_t i = 0; i < count; ++i)
            slots_[i].storage = std::span(memory_).subspan(i * size, size);
    }
    operator std::span<incoming_datagram>() { return slots_; }
    incoming_datagram const& operator[](std::size_t i) const { return slots_[i]; }
    std::string text(std::size_t i) const
    {
        return {reinterpret_cast<char const*>(slots_[i].storage.data()), slots_[i].size};
    }

private:
    std::vector<std::byte> memory_;
    std::vector<incoming_datagram> slots_;
};

void wait_readable(asio::io_context& io, system_datagram_socket& s)
{
    std::optional<error_code> result;
    s.async_wait(udp::socket::wait_read, [&](error_code ec) { result = ec; });
    CHECK(!result);
    io.restart();
    io.run();
    CHECK((result && !*result));
}

} // namespace

TEST_CASE("system_datagram_socket: batches go and come whole, larger than one system call",
          "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    error_code ec;
    system_datagram_socket a(world);
    system_datagram_socket b(world);
    CHECK_FALSE(a.is_open());
    a.open(any_udp, ec);
    b.open(any_udp, ec);
    REQUIRE(!ec);
    CHECK(a.is_open());
    auto const to = b.local_endpoint(ec);
    CHECK(to.port() != 0);

    slots in(200, 100);
    CHECK(b.try_receive(in, ec) == 0);
    CHECK(!ec);

    std::vector<std::string> texts;
    std::vector<outgoing_datagram> out;
    for (int i = 0; i < 150; ++i)
        texts.push_back(i == 7 ? "" : "datagram " + std::to_string(i));
    for (auto const& t : texts)
        out.push_back({to, bytes(t)});
    CHECK(a.try_send(out, ec) == 150);
    CHECK(!ec);
    wait_readable(io, b);
    CHECK(b.try_receive(in, ec) == 150);
    CHECK(!ec);
    for (std::size_t i = 0; i < 150; ++i) {
        CHECK(in.text(i) == texts[i]);
        CHECK(in[i].peer == a.local_endpoint(ec));
        CHECK_FALSE(in[i].truncated);
    }
    CHECK(b.try_receive(in, ec) == 0);
    CHECK(!ec);

    // Fewer slots than datagrams: the rest stays.
    CHECK(a.try_send(std::span(out).first(5), ec) == 5);
    wait_readable(io, b);
    slots two(2, 100);
    CHECK(b.try_receive(two, ec) == 2);
    CHECK(b.try_receive(two, ec) == 2);
    CHECK(b.try_receive(two, ec) == 1);
    CHECK(two.text(0) == texts[4]);
}

TEST_CASE("system_datagram_socket: what does not fit its slot is cut and says so", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    error_code ec;
    system_datagram_socket s(world);
    s.open(any_udp, ec);
    auto const self = s.local_endpoint(ec);
    std::string const exact(8, 'e');
    std::string const longer(9, 'l');
    outgoing_datagram const out[] = {{self, bytes(exact)}, {self, bytes(longer)}};
    CHECK(s.try_send(out, ec) == 2);
    wait_readable(io, s);
    slots in(2, 8);
    CHECK(s.try_receive(in, ec) == 2);
    CHECK_FALSE(in[0].truncated);
    CHECK(in[1].truncated);
    CHECK(in[1].size == 8);
}

TEST_CASE("system_datagram_socket: an error tells which datagram could not be sent",
          "[world][asio]")
{
    asio::io_context io;
    error_code ec;
    system_datagram_socket s{system_world(io)};
    s.open(any_udp, ec);
    auto const self = s.local_endpoint(ec);
    std::string const fits = "fits";
    std::string const too_large(70'000, 'x');
    outgoing_datagram const out[] = {
        {self, bytes(fits)}, {self, bytes(too_large)}, {self, bytes(fits)}};
    CHECK(s.try_send(out, ec) == 1);
    CHECK(ec == asio::error::message_size);
    CHECK(s.try_send({}, ec) == 0);
    CHECK(!ec);
}

TEST_CASE("system_datagram_socket: addresses may be of version 6", "[world][asio]")
{
    asio::io_context io;
    error_code ec;
    system_datagram_socket s{system_world(io)};
    s.open({asio::ip::address_v6::loopback(), 0}, ec);
    if (ec)
        SKIP("no IPv6 here");
    auto const self = s.local_endpoint(ec);
    std::string const text = "six";
    outgoing_datagram const out[] = {{self, bytes(text)}};
    CHECK(s.try_send(out, ec) == 1);
    wait_readable(io, s);
    slots in(1, 8);
    CHECK(s.try_receive(in, ec) == 1);
    CHECK(in[0].peer == self);
}

TEST_CASE("system_datagram_socket: an address in use is an error and leaves it closed",
          "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    error_code ec;
    system_datagram_socket first(world);
    first.open(any_udp, ec);
    system_datagram_socket second(world);
    second.open(first.local_endpoint(ec), ec);
    CHECK(ec == asio::error::address_in_use);
    CHECK_FALSE(second.is_open());
    first.open(any_udp, ec);
    CHECK(ec == asio::error::already_open);
    CHECK(first.is_open());
    second.open(any_udp, ec);
    CHECK(!ec);
}

TEST_CASE("system_datagram_socket: cancelling, closing and destroying end its waits",
          "[world][asio]")
{
    auto const how = GENERATE(0, 1, 2, 3);
    asio::io_context io;
    error_code ec;
    auto s = std::make_unique<system_datagram_socket>(system_world(io));
    s->open(any_udp, ec);
    asio::cancellation_signal signal;
    std::optional<error_code> result;
    s->async_wait(udp::socket::wait_read,
                  asio::bind_cancellation_slot(signal.slot(), [&](error_code e) { result = e; }));
    io.poll();
    switch (how) {
    case 0:
        s->cancel();
        break;
    case 1:
        s->close(ec);
        break;
    case 2:
        s.reset();
        break;
    case 3:
        signal.emit(asio::cancellation_type::terminal);
        break;
    }
    CHECK(!result);
    io.run();
    REQUIRE(result);
    CHECK(*result == asio::error::operation_aborted);
}

TEST_CASE("system_datagram_socket: closed, it reports errors and completes waits with one",
          "[world][asio]")
{
    asio::io_context io;
    error_code ec;
    system_datagram_socket s{system_world(io)};
    slots in(1, 8);
    CHECK(s.try_receive(in, ec) == 0);
    CHECK(ec == asio::error::bad_descriptor);
    std::string const text = "x";
    outgoing_datagram const out[] = {{any_udp, bytes(text)}};
    CHECK(s.try_send(out, ec) == 0);
    CHECK(ec == asio::error::bad_descriptor);
    s.local_endpoint(ec);
    CHECK(ec == asio::error::bad_descriptor);
    std::optional<error_code> result;
    s.async_wait(udp::socket::wait_read, [&](error_code e) { result = e; });
    CHECK(!result);
    io.run();
    CHECK((result && *result == asio::error::bad_descriptor));
    s.cancel();
    s.close(ec);
    CHECK(!ec);
}

namespace {

struct connection {
    system_stream client;
    system_stream server;
};

connection connect(asio::io_context& io, system_world const& world)
{
    error_code ec;
    system_acceptor acceptor(world);
    acceptor.open(any_tcp, ec);
    REQUIRE(!ec);
    connection c{system_stream(world), system_stream(world)};
    int done = 0;
    acceptor.async_accept([&](error_code e, system_stream s) {
        CHECK(!e);
        c.server = std::move(s);
        ++done;
    });
    c.client.async_connect(acceptor.local_endpoint(ec), [&](error_code e) {
        CHECK(!e);
        ++done;
    });
    CHECK(done == 0);
    io.restart();
    io.run();
    CHECK(done == 2);
    return c;
}

void run(asio::io_context& io, asio::awaitable<void> a)
{
    std::exception_ptr thrown;
    asio::co_spawn(io, std::move(a), [&](std::exception_ptr e) { thrown = e; });
    io.restart();
    io.run();
    if (thrown)
        std::rethrow_exception(thrown);
}

} // namespace

TEST_CASE("system_stream: bytes go both ways, and the end is an end", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    auto c = connect(io, world);
    error_code ec;
    CHECK(c.client.is_open());
    CHECK(c.client.remote_endpoint(ec) == c.server.local_endpoint(ec));
    CHECK(c.server.remote_endpoint(ec) == c.client.local_endpoint(ec));
    std::string received;
    run(io, [](connection& cn, std::string& to) -> asio::awaitable<void> {
        std::string const text(300'000, 'x');
        auto const from = cn.client.get_executor();
        asio::co_spawn(
            from,
            [](system_stream& s, std::string const& t) -> asio::awaitable<void> {
                co_await asio::async_write(s, asio::buffer(t), asio::use_awaitable);
                error_code e;
                s.shutdown(e);
                CHECK(!e);
            }(cn.client, text),
            [](std::exception_ptr e) { CHECK_FALSE(e); });
        error_code e;
        co_await asio::async_read(cn.server, asio::dynamic_buffer(to),
                                  asio::redirect_error(asio::use_awaitable, e));
        CHECK(e == asio::error::eof);
        CHECK(to == text);
        // The other direction is still open.
        to.resize(2);
        co_await asio::async_write(cn.server, asio::buffer("ok", 2), asio::use_awaitable);
        co_await asio::async_read(cn.client, asio::buffer(to), asio::use_awaitable);
        CHECK(to == "ok");
    }(c, received));
}

TEST_CASE("system_stream: small writes are not held back", "[world][asio]")
{
    // Nagle's delay shows as the option only: loopback acknowledges at once.
    asio::io_context io;
    system_world const world(io);
    auto c = connect(io, world);
    for (auto* s : {&c.client, &c.server}) {
        int value = 0;
        socklen_t size = sizeof value;
        REQUIRE(::getsockopt(s->native_handle(), IPPROTO_TCP, TCP_NODELAY, &value, &size) == 0);
        CHECK(value != 0);
    }
}

TEST_CASE("system_stream: nobody there is an error", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    error_code ec;
    system_acceptor acceptor(world);
    acceptor.open(any_tcp, ec);
    auto const nobody = acceptor.local_endpoint(ec);
    acceptor.close(ec);
    system_stream s(world);
    error_code result;
    s.async_connect(nobody, [&](error_code e) { result = e; });
    io.run();
    CHECK(result == asio::error::connection_refused);
}

TEST_CASE("system_stream: closing one end ends the other; moving keeps it", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    auto c = connect(io, world);
    auto moved = std::make_unique<system_stream>(std::move(c.client));
    CHECK_FALSE(c.client.is_open());
    CHECK(moved->is_open());
    error_code ec;
    c.client.cancel(); // A moved-from stream is closed.
    c.client.close(ec);
    CHECK(!ec);
    c.client.shutdown(ec);
    CHECK(ec == asio::error::bad_descriptor);
    std::optional<error_code> ended;
    char byte;
    c.server.async_read_some(asio::buffer(&byte, 1), [&](error_code e, std::size_t n) {
        CHECK(n == 0);
        ended = e;
    });
    io.restart();
    io.poll();
    CHECK(!ended);
    moved.reset();
    io.restart();
    io.run();
    CHECK((ended && *ended == asio::error::eof));
}

TEST_CASE("system_stream, system_acceptor: cancellation ends what waits, in every way",
          "[world][asio]")
{
    auto const how = GENERATE(0, 1, 2, 3);
    asio::io_context io;
    system_world const world(io);
    auto c = connect(io, world);
    auto acceptor = std::make_unique<system_acceptor>(world);
    error_code ec;
    acceptor->open(any_tcp, ec);
    asio::cancellation_signal read_signal;
    asio::cancellation_signal accept_signal;
    std::optional<error_code> read;
    std::optional<error_code> accepted;
    char byte;
    c.server.async_read_some(asio::buffer(&byte, 1),
                             asio::bind_cancellation_slot(
                                 read_signal.slot(), [&](error_code e, std::size_t) { read = e; }));
    acceptor->async_accept(
        asio::bind_cancellation_slot(accept_signal.slot(), [&](error_code e, system_stream s) {
            accepted = e;
            CHECK_FALSE(s.is_open());
        }));
    io.restart();
    io.poll();
    switch (how) {
    case 0:
        c.server.cancel();
        acceptor->cancel();
        break;
    case 1:
        c.server.close(ec);
        acceptor->close(ec);
        break;
    case 2:
        c.server = system_stream(world);
        acceptor.reset();
        break;
    case 3:
        read_signal.emit(asio::cancellation_type::terminal);
        accept_signal.emit(asio::cancellation_type::terminal);
        break;
    }
    CHECK((!read && !accepted));
    io.restart();
    io.run();
    CHECK((read && *read == asio::error::operation_aborted));
    CHECK((accepted && *accepted == asio::error::operation_aborted));
}

TEST_CASE("system_acceptor: an accepted stream completes on the handler's executor",
          "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    auto const strand = asio::make_strand(io);
    error_code ec;
    system_acceptor acceptor(world);
    acceptor.open(any_tcp, ec);
    bool on_strand = false;
    acceptor.async_accept(asio::bind_executor(
        strand, [&](error_code, system_stream) { on_strand = strand.running_in_this_thread(); }));
    system_stream s(world);
    s.async_connect(acceptor.local_endpoint(ec), [](error_code) {});
    io.run();
    CHECK(on_strand);
}

TEST_CASE("system_acceptor: a port can be taken again at once, and not twice", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    error_code ec;
    tcp::endpoint at;
    {
        system_acceptor acceptor(world);
        acceptor.open(any_tcp, ec);
        at = acceptor.local_endpoint(ec);
        system_stream s(world);
        s.async_connect(at, [](error_code) {});
        acceptor.async_accept([](error_code, system_stream) {});
        io.run(); // The server's end closes first and leaves the port in TIME_WAIT.
    }
    system_acceptor again(world);
    again.open(at, ec);
    CHECK(!ec);
    system_acceptor twice(world);
    twice.open(at, ec);
    CHECK(ec == asio::error::address_in_use);
    CHECK_FALSE(twice.is_open());
}

TEST_CASE("system sockets: after their loop they do nothing and can be destroyed", "[world][asio]")
{
    auto io = std::make_unique<asio::io_context>();
    system_world const world(*io);
    error_code ec;
    auto c = connect(*io, world);
    system_acceptor acceptor(world);
    acceptor.open(any_tcp, ec);
    system_datagram_socket datagrams(world);
    datagrams.open(any_udp, ec);
    auto const witness = std::make_shared<int>();
    auto const never = [witness](auto&&...) { FAIL("called"); };
    char byte;
    auto const start_all = [&] {
        c.client.async_read_some(asio::buffer(&byte, 1), never);
        acceptor.async_accept(never);
        datagrams.async_wait(udp::socket::wait_read, never);
    };
    start_all();
    auto const uses_alive = witness.use_count();
    io.reset();
    CHECK(witness.use_count() == uses_alive - 3);
    CHECK_FALSE(c.client.is_open());
    CHECK_FALSE(acceptor.is_open());
    start_all();
    c.client.async_connect(any_tcp, never);
    c.client.async_write_some(asio::buffer(&byte, 1), never);
    CHECK(witness.use_count() == uses_alive - 3);
    datagrams.open(any_udp, ec);
    CHECK(ec == asio::error::bad_descriptor);
    acceptor.open(any_tcp, ec);
    CHECK(ec == asio::error::bad_descriptor);
    slots in(1, 8);
    CHECK(datagrams.try_receive(in, ec) == 0);
    CHECK(ec == asio::error::bad_descriptor);
    c.client.shutdown(ec);
    CHECK(ec == asio::error::bad_descriptor);
    c.client.cancel();
    acceptor.close(ec);
    CHECK(!ec);
}
