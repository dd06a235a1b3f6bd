// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_HTTP_OBJECT_CLIENT_HPP
#define PERDURE_SNAPSHOT_HTTP_OBJECT_CLIENT_HPP

#include <perdure/snapshot/object_backend.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <utility>
#include <vector>

namespace perdure {

namespace detail {
namespace http = boost::beast::http;
}

/// Where the store answers, and what every request carries.
struct http_object_options {
    /// A name or an address.
    std::string host = "localhost";
    /// Of the server.
    std::string port = "80";
    std::string path = "/"; ///< Before every key: "/bucket/".
    std::chrono::seconds timeout{30}; ///< Of each read and write on the connection.
    /// Sent with every request, such as an authorization.
    std::vector<std::pair<std::string, std::string>> headers{};
    std::size_t body_bytes_max = std::size_t{64} << 20; ///< Longer answers are refused.
};

/** Objects over HTTP/1.1: GET with Range, PUT with If-None-Match and If-Match, DELETE; models `object_client`.
 *
 *  Blocking, one connection that is kept and opened again where it broke. What S3 wants beyond it, signed requests, a
 *  client of your own adds; object_backend asks for no more than this.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class http_object_client {
    using tcp = asio::ip::tcp;

public:
    /// Connects when it is first used.
    explicit http_object_client(http_object_options options)
        : options_(std::move(options)), io_(std::make_unique<asio::io_context>(1))
    {
    }

    /// A whole object, and the tag of what it is now.
    std::vector<std::byte> get(std::string const& key, std::string& tag, error_code& ec)
    {
        auto answer = exchange(detail::http::verb::get, key, {}, {}, ec);
        if (ec || !accept(answer, {200}, ec))
            return {};
        tag = std::string(answer[detail::http::field::etag]);
        return std::move(answer.body());
    }

    /// Fills `out` from `offset` on and returns how many bytes; fewer only at the end.
    std::size_t get_range(std::string const& key, std::uint64_t offset, std::span<std::byte> out,
                          error_code& ec)
    {
        ec = {};
        if (out.empty())
            return 0;
        auto const range = "bytes=" + std::to_string(offset) + '-' +
                           std::to_string(offset + out.size() - 1);
        auto const answer = exchange(detail::http::verb::get, key, {}, {detail::http::field::range, range}, ec);
        if (ec)
            return 0;
        if (answer.result_int() == 416) // Behind the end.
            return 0;
        if (!accept(answer, {206}, ec))
            return 0;
        auto const n = std::min(out.size(), answer.body().size());
        std::copy_n(answer.body().begin(), n, out.begin());
        return n;
    }

    /// Stores an object if there is none of its name.
    put_outcome put_new(std::string const& key, std::span<std::byte const> bytes, error_code& ec)
    {
        return put(key, bytes, {detail::http::field::if_none_match, "*"}, ec);
    }
    /// Replaces an object if `tag` is still its tag; an empty one is never.
    put_outcome put_if(std::string const& key, std::string const& tag,
                       std::span<std::byte const> bytes, error_code& ec)
    {
        ec = {};
        // Servers need not say the tag of what they stored, and without one the request would have no condition: it
        // has to be read first.
        if (tag.empty())
            return {};
        return put(key, bytes, {detail::http::field::if_match, tag}, ec);
    }

    /// Takes an object away; no error if there is none.
    void remove(std::string const& key, error_code& ec)
    {
        auto const answer = exchange(detail::http::verb::delete_, key, {}, {}, ec);
        if (!ec && answer.result_int() != 404)
            accept(answer, {200, 204}, ec);
    }

private:
    using body = detail::http::vector_body<std::byte>;
    using response = detail::http::response<body>;
    using header = std::pair<detail::http::field, std::string>;

    put_outcome put(std::string const& key, std::span<std::byte const> bytes, header condition,
                    error_code& ec)
    {
        auto const answer = exchange(detail::http::verb::put, key, bytes, condition, ec);
        if (ec || answer.result_int() == 412)
            return {};
        if (!accept(answer, {200, 201, 204}, ec))
            return {};
        return {true, std::string(answer[detail::http::field::etag])};
    }

    static bool accept(response const& answer, std::initializer_list<unsigned> good, error_code& ec)
    {
        namespace errors = boost::system::errc;
        for (unsigned const code : good)
            if (answer.result_int() == code)
                return true;
        switch (answer.result_int()) {
        case 404:
            ec = make_error_code(errors::no_such_file_or_directory);
            break;
        case 401:
        case 403:
            ec = make_error_code(errors::permission_denied);
            break;
        case 507:
            ec = errc::no_space;
            break;
        case 429:
        case 503:
            ec = errc::overloaded;
            break;
        default:
            ec = make_error_code(errors::io_error);
        }
        return false;
    }

    response exchange(detail::http::verb verb, std::string const& key, std::span<std::byte const> bytes,
                      header extra, error_code& ec)
    {
        detail::http::request<detail::http::span_body<std::byte const>> request{verb, options_.path + key, 11};
        request.set(detail::http::field::host, options_.host);
        for (auto const& [name, value] : options_.headers)
            request.set(name, value);
        if (!extra.second.empty())
            request.set(extra.first, extra.second);
        request.body() = {bytes.data(), bytes.size()};
        request.prepare_payload();
        bool const kept = socket_ && socket_->is_open();
        if (!kept)
            connect(ec);
        response answer;
        if (!kept && ec)
            return answer;
        answer = try_once(request, ec);
        // A kept connection may have been closed meanwhile; reading may be repeated, writing its caller decides.
        if (ec && kept && verb == detail::http::verb::get) {
            connect(ec);
            if (!ec)
                answer = try_once(request, ec);
        }
        return answer;
    }

    template <class Request>
    response try_once(Request const& request, error_code& ec)
    {
        ec = {};
        detail::http::write(*socket_, request, ec);
        detail::http::response_parser<body> parser;
        parser.body_limit(options_.body_bytes_max);
        boost::beast::flat_buffer buffer;
        if (!ec)
            detail::http::read(*socket_, buffer, parser, ec);
        if (ec || !parser.get().keep_alive())
            socket_.reset();
        return ec ? response() : parser.release();
    }

    void connect(error_code& ec)
    {
        tcp::resolver resolver(*io_);
        socket_.emplace(*io_);
        auto const found = resolver.resolve(options_.host, options_.port, ec);
        if (!ec)
            asio::connect(*socket_, found, ec);
        if (ec) {
            socket_.reset();
            return;
        }
        error_code ignored;
        socket_->set_option(tcp::no_delay(true), ignored);
        timeval const limit{static_cast<time_t>(options_.timeout.count()), 0};
        ::setsockopt(socket_->native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(socket_->native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }

    http_object_options options_;
    std::unique_ptr<asio::io_context> io_;
    std::optional<tcp::socket> socket_;
};

} // namespace perdure

#endif
