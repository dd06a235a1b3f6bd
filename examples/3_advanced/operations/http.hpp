// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef OPERATIONS_HTTP_HPP
#define OPERATIONS_HTTP_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace operations {

namespace asio = boost::asio;

struct request {
    std::string method, target;
};

struct response {
    int status = 200;
    std::string body;
    char const* type = "text/plain; charset=utf-8";
};

/** As much of HTTP/1.1 as probes and scrapes need, on the service's own loop: a request line and headers of at most 8 KiB
 *  within five seconds, no body, one request a connection. A service that has an HTTP server already hangs the same three
 *  targets into that; with Boost.Beast, `handle` becomes the body of its request handler.
 */
class http_endpoint {
public:
    using handler = std::function<asio::awaitable<response>(request)>;

    http_endpoint(asio::any_io_executor executor, unsigned short port, handler handle)
        : acceptor_(executor, {asio::ip::address_v4::loopback(), port}), handle_(std::move(handle))
    {
    }

    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    /// Requests that are being answered.
    int under_way() const { return under_way_; }
    /// No new connections; those that are open are answered.
    void stop_accepting()
    {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
    }

    /// Until stop_accepting(). *this outlives it and what it answers.
    asio::awaitable<void> run()
    {
        for (;;) {
            auto [ec, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
            if (ec == asio::error::operation_aborted || !acceptor_.is_open())
                co_return;
            if (!ec)
                asio::co_spawn(acceptor_.get_executor(), answer(std::move(socket)), asio::detached);
        }
    }

private:
    asio::awaitable<void> answer(asio::ip::tcp::socket socket)
    {
        ++under_way_;
        // A client that says nothing, or reads nothing, is dropped.
        asio::steady_timer limit(socket.get_executor(), std::chrono::seconds(5));
        limit.async_wait([&socket](boost::system::error_code ec) {
            boost::system::error_code ignored;
            if (!ec)
                socket.close(ignored);
        });
        std::string text;
        auto [ec, size] = co_await asio::async_read_until(socket, asio::dynamic_buffer(text, 8192),
                                                          "\r\n\r\n",
                                                          asio::as_tuple(asio::use_awaitable));
        response out{400, "bad request\n"};
        auto const line = text.substr(0, text.find("\r\n"));
        auto const first = line.find(' '), second = line.rfind(' ');
        if (!ec && first != std::string::npos && second > first &&
            line.compare(second + 1, 5, "HTTP/") == 0) {
            request in{line.substr(0, first), line.substr(first + 1, second - first - 1)};
            out = co_await handle_(std::move(in));
        }
        if (socket.is_open()) {
            auto const head = "HTTP/1.1 " + std::to_string(out.status) + (out.status < 300 ? " OK" : " No") +
                              "\r\nContent-Type: " + out.type + "\r\nContent-Length: " +
                              std::to_string(out.body.size()) + "\r\nConnection: close\r\n\r\n";
            co_await asio::async_write(socket, asio::buffer(head + out.body),
                                       asio::as_tuple(asio::use_awaitable));
        }
        limit.cancel();
        --under_way_;
    }

    asio::ip::tcp::acceptor acceptor_;
    handler handle_;
    int under_way_ = 0;
};

} // namespace operations

#endif
