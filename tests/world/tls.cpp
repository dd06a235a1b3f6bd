// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/world/system_sockets.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <exception>
#include <memory>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string>

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using perdure::error_code;
using perdure::system_acceptor;
using perdure::system_stream;
using perdure::system_world;

namespace {

/// A key and a certificate that it signs itself, made for this test.
void make_identity(ssl::context& context)
{
    std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> const key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    std::unique_ptr<X509, void (*)(X509*)> const certificate(X509_new(), X509_free);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
    REQUIRE(SSL_CTX_use_certificate(context.native_handle(), certificate.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context.native_handle(), key.get()) == 1);
}

asio::awaitable<void> serve(system_acceptor& acceptor, ssl::context& context)
{
    ssl::stream<system_stream> s(co_await acceptor.async_accept(asio::use_awaitable), context);
    co_await s.async_handshake(ssl::stream_base::server, asio::use_awaitable);
    std::string text(5, '\0');
    co_await asio::async_read(s, asio::buffer(text), asio::use_awaitable);
    co_await asio::async_write(s, asio::buffer(text + ", world"), asio::use_awaitable);
}

asio::awaitable<void> talk(system_world world, asio::ip::tcp::endpoint peer, ssl::context& context,
                           std::string& answer)
{
    ssl::stream<system_stream> s(system_stream(world), context);
    co_await s.lowest_layer().async_connect(peer, asio::use_awaitable);
    co_await s.async_handshake(ssl::stream_base::client, asio::use_awaitable);
    co_await asio::async_write(s, asio::buffer("hello", 5), asio::use_awaitable);
    answer.resize(12);
    co_await asio::async_read(s, asio::buffer(answer), asio::use_awaitable);
}

} // namespace

TEST_CASE("system_stream: TLS fits on top", "[world][asio]")
{
    asio::io_context io;
    system_world const world(io);
    ssl::context server(ssl::context::tls_server);
    ssl::context client(ssl::context::tls_client);
    make_identity(server);
    error_code ec;
    system_acceptor acceptor(world);
    acceptor.open({asio::ip::address_v4::loopback(), 0}, ec);
    REQUIRE(!ec);
    std::string answer;
    auto const no_exception = [](std::exception_ptr e) { CHECK_FALSE(e); };
    asio::co_spawn(io, serve(acceptor, server), no_exception);
    asio::co_spawn(io, talk(world, acceptor.local_endpoint(ec), client, answer), no_exception);
    io.run();
    CHECK(answer == "hello, world");
}
