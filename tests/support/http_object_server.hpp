// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_HTTP_OBJECT_SERVER_HPP
#define PERDURE_TESTS_SUPPORT_HTTP_OBJECT_SERVER_HPP

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace test {

/** A store of objects in memory, served over HTTP: GET with Range, PUT only with If-None-Match: * or If-Match, DELETE.
 *
 *  No append, no rename, no list. One thread a connection, on the loopback interface.
 */
class http_object_server {
    using tcp = boost::asio::ip::tcp;
    using error_code = boost::system::error_code;

public:
    http_object_server()
        : acceptor_(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
          port_(acceptor_.local_endpoint().port()),
          accepting_([this] { accept(); })
    {
    }
    ~http_object_server()
    {
        stopping_ = true;
        error_code ignored;
        // Wakes the accepting thread, which then ends.
        tcp::socket(io_).connect({boost::asio::ip::address_v4::loopback(), port_}, ignored);
        accepting_.join();
        {
            std::lock_guard const lock(mutex_);
            for (auto& c : connections_)
                c.socket.shutdown(tcp::socket::shutdown_both, ignored);
        }
        for (auto& c : connections_)
            c.thread.join();
    }

    std::string port() const { return std::to_string(port_); }

    /// The n-th request from now on takes effect, and its connection ends without an answer.
    void lose_answer(std::uint64_t n)
    {
        std::lock_guard const lock(mutex_);
        lose_at_ = requests_ + n;
    }
    /// From now on it does not say the tags of what it stores, as many do.
    void hide_tags()
    {
        std::lock_guard const lock(mutex_);
        tags_hidden_ = true;
    }
    std::uint64_t requests()
    {
        std::lock_guard const lock(mutex_);
        return requests_;
    }
    std::size_t objects()
    {
        std::lock_guard const lock(mutex_);
        return objects_.size();
    }

private:
    struct object {
        std::string bytes;
        std::uint64_t version = 0;
    };
    struct connection {
        tcp::socket socket;
        std::thread thread;
    };

    void accept()
    {
        for (;;) {
            error_code ec;
            tcp::socket socket(io_);
            acceptor_.accept(socket, ec);
            if (stopping_ || ec)
                return;
            std::lock_guard const lock(mutex_);
            auto& c = connections_.emplace_back(connection{std::move(socket), {}});
            c.thread = std::thread([this, &c] { serve(c.socket); });
        }
    }

    void serve(tcp::socket& socket)
    {
        namespace http = boost::beast::http;
        boost::beast::flat_buffer buffer;
        error_code ec;
        for (;;) {
            http::request_parser<http::string_body> parser;
            parser.body_limit(std::uint64_t{1} << 30);
            http::read(socket, buffer, parser, ec);
            if (ec)
                return;
            bool lost = false;
            auto answer = handle(parser.get(), lost);
            if (lost) {
                socket.shutdown(tcp::socket::shutdown_both, ec);
                return;
            }
            answer.prepare_payload();
            http::write(socket, answer, ec);
            if (ec)
                return;
        }
    }

    template <class Request>
    boost::beast::http::response<boost::beast::http::string_body> handle(Request const& request,
                                                                         bool& lost)
    {
        namespace http = boost::beast::http;
        std::lock_guard const lock(mutex_);
        lost = ++requests_ == lose_at_;
        http::response<http::string_body> answer{http::status::ok, 11};
        std::string const key(request.target());
        auto const at = objects_.find(key);
        auto const tag = [](object const& o) { return '"' + std::to_string(o.version) + '"'; };
        switch (request.method()) {
        case http::verb::get:
            if (at == objects_.end()) {
                answer.result(http::status::not_found);
            } else if (auto const range = std::string(request[http::field::range]);
                       !range.empty()) {
                unsigned long long first = 0, last = 0;
                std::sscanf(range.c_str(), "bytes=%llu-%llu", &first, &last);
                if (first >= at->second.bytes.size()) {
                    answer.result(http::status::range_not_satisfiable);
                } else {
                    answer.result(http::status::partial_content);
                    answer.body() = at->second.bytes.substr(first, last - first + 1);
                }
            } else {
                answer.body() = at->second.bytes;
                answer.set(http::field::etag, tag(at->second));
            }
            break;
        case http::verb::put: {
            bool const only_new = request[http::field::if_none_match] == "*";
            std::string const wanted(request[http::field::if_match]);
            bool const holds = only_new ? at == objects_.end()
                                        : at != objects_.end() && wanted == tag(at->second);
            if (!only_new && wanted.empty()) {
                answer.result(http::status::bad_request); // Nothing is overwritten without a condition.
            } else if (!holds) {
                answer.result(http::status::precondition_failed);
            } else {
                auto& o = objects_[key];
                o = {request.body(), ++version_};
                if (!tags_hidden_)
                    answer.set(http::field::etag, tag(o));
            }
            break;
        }
        case http::verb::delete_:
            answer.result(objects_.erase(key) != 0 ? http::status::no_content
                                                   : http::status::not_found);
            break;
        default:
            answer.result(http::status::method_not_allowed);
        }
        return answer;
    }

    boost::asio::io_context io_;
    tcp::acceptor acceptor_;
    std::uint16_t port_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_; // what follows
    std::list<connection> connections_;
    std::map<std::string, object> objects_;
    std::uint64_t version_ = 0, requests_ = 0, lose_at_ = 0;
    bool tags_hidden_ = false;
    std::thread accepting_;
};

} // namespace test

#endif
