// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_RPC_HPP
#define FAILOVER_RPC_HPP

#include <perdure/bytes/codec.hpp>
#include <perdure/bytes/crc32c.hpp>
#include <perdure/error.hpp>
#include <perdure/world/concepts.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

// Requests and replies over a World's streams.
//
//   frame    [u32 size of payload][u32 CRC32C of payload][payload]
//   payload  [u64 request id][body]

namespace failover {

namespace asio = boost::asio;
using perdure::errc;
using perdure::error_code;
using bytes = std::vector<std::byte>;

inline constexpr std::size_t frame_bytes_max = 64U << 20;
inline constexpr std::size_t waiting_bytes_max = 64U << 20;

/// For co_spawn: a lost connection ends a coroutine in silence; anything else is a bug and ends the program.
struct ignore_lost_connections {
    void operator()(std::exception_ptr error) const
    {
        try {
            if (error)
                std::rethrow_exception(error);
        } catch (boost::system::system_error const&) {
        }
    }
};

/// Whole frames over a stream; sends are queued and written many at a time.
template <class World>
class framed_stream : public std::enable_shared_from_this<framed_stream<World>> {
public:
    explicit framed_stream(typename World::stream stream) : stream_(std::move(stream)) {}

    /// False, and nothing sent, when the stream is closed or its peer reads too slowly.
    bool send(std::uint64_t id, std::span<std::byte const> body)
    {
        if (closed_ || waiting_bytes_ > waiting_bytes_max)
            return false;
        bytes frame(8);
        perdure::byte_writer payload(frame);
        payload.u64(id);
        payload.bytes(body);
        auto const content = std::span<std::byte const>(frame).subspan(8);
        perdure::store_little<std::uint32_t>(frame.data(),
                                             static_cast<std::uint32_t>(content.size()));
        perdure::store_little<std::uint32_t>(frame.data() + 4, perdure::crc32c(content));
        waiting_bytes_ += frame.size();
        waiting_.push_back(std::move(frame));
        write();
        return true;
    }

    /// The next payload; throws system_error when the stream has ended or its bytes cannot be believed.
    asio::awaitable<bytes> receive()
    {
        std::array<std::byte, 8> header;
        co_await asio::async_read(stream_, asio::buffer(header), asio::use_awaitable);
        auto const size = perdure::load_little<std::uint32_t>(header.data());
        if (size < 8 || size > frame_bytes_max)
            throw boost::system::system_error(errc::too_large);
        bytes payload(size);
        co_await asio::async_read(stream_, asio::buffer(payload), asio::use_awaitable);
        if (perdure::crc32c(payload) != perdure::load_little<std::uint32_t>(header.data() + 4))
            throw boost::system::system_error(errc::checksum_mismatch);
        co_return payload;
    }

    void close()
    {
        closed_ = true;
        error_code ignored;
        stream_.close(ignored);
    }

private:
    void write()
    {
        if (!writing_.empty() || waiting_.empty())
            return;
        writing_.swap(waiting_);
        waiting_bytes_ = 0;
        std::vector<asio::const_buffer> buffers;
        for (bytes const& frame : writing_)
            buffers.push_back(asio::buffer(frame));
        asio::async_write(stream_, buffers,
                          [self = this->shared_from_this()](error_code ec, std::size_t) {
                              self->writing_.clear();
                              if (ec)
                                  self->close();
                              else
                                  self->write();
                          });
    }

    typename World::stream stream_;
    std::vector<bytes> waiting_, writing_;
    std::size_t waiting_bytes_ = 0;
    bool closed_ = false;
};

/** One peer to whom requests are sent; connects when needed and again after a failure.
 *
 *  Calls to a peer that is frozen or gone end with `errc::timed_out` or the connection's error;
 *  whether the peer acted on them is then unknown.
 */
template <class World>
class rpc_client : public std::enable_shared_from_this<rpc_client<World>> {
public:
    using handler = asio::any_completion_handler<void(error_code, bytes)>;

    rpc_client(World world, asio::ip::tcp::endpoint peer)
        : world_(world), peer_(peer), timer_(world)
    {
    }

    /// Completes with the reply's body. Never inline.
    void async_call(std::span<std::byte const> body, std::chrono::nanoseconds timeout, handler done)
    {
        auto const id = next_id_++;
        pending_.emplace(id, call{std::move(done), world_.now(), world_.now() + timeout});
        if (stream_) {
            if (!stream_->send(id, body))
                complete(pending_.find(id), errc::overloaded, {});
        } else {
            unsent_.emplace_back(id, bytes(body.begin(), body.end()));
            if (!connecting_)
                asio::co_spawn(world_.get_executor(), run(this->shared_from_this()),
                               ignore_lost_connections{});
        }
        if (!sweeping_)
            sweep();
    }

    asio::awaitable<bytes> call_and_wait(bytes body, std::chrono::nanoseconds timeout)
    {
        return asio::async_initiate<asio::use_awaitable_t<> const, void(error_code, bytes)>(
            [self = this->shared_from_this(), body = std::move(body), timeout](auto done) {
                self->async_call(body, timeout, handler(std::move(done)));
            },
            asio::use_awaitable);
    }

    /// Ends every call with `operation_aborted` and disconnects.
    void close()
    {
        if (stream_)
            std::exchange(stream_, nullptr)->close();
        fail_all(asio::error::operation_aborted);
        timer_.cancel();
    }

private:
    struct call {
        handler done;
        perdure::time_point begun, deadline;
    };

    asio::awaitable<void> run(std::shared_ptr<rpc_client> /*keeps this alive*/)
    {
        error_code failure;
        typename World::stream stream(world_);
        connecting_ = &stream;
        co_await stream.async_connect(peer_, asio::redirect_error(asio::use_awaitable, failure));
        connecting_ = nullptr;
        if (failure) {
            fail_all(failure);
            co_return;
        }
        auto const mine = std::make_shared<framed_stream<World>>(std::move(stream));
        stream_ = mine;
        for (auto& [id, body] : std::exchange(unsent_, {}))
            if (pending_.contains(id))
                mine->send(id, body);
        try {
            for (;;) {
                bytes const payload = co_await mine->receive();
                heard_ = world_.now();
                perdure::byte_reader reader(payload);
                auto const id = reader.u64();
                if (auto found = pending_.find(id); found != pending_.end())
                    complete(found, {}, bytes(payload.begin() + 8, payload.end()));
            }
        } catch (boost::system::system_error const& e) {
            failure = e.code();
        }
        mine->close();
        if (stream_ == mine) {
            stream_ = nullptr;
            fail_all(failure);
        }
    }

    void complete(typename std::map<std::uint64_t, call>::iterator at, error_code ec, bytes reply)
    {
        auto done = std::move(at->second.done);
        pending_.erase(at);
        asio::post(world_.get_executor(), asio::append(std::move(done), ec, std::move(reply)));
    }

    void disconnect()
    {
        error_code ignored;
        if (connecting_)
            connecting_->close(ignored);
        if (stream_) {
            std::exchange(stream_, nullptr)->close();
            fail_all(errc::timed_out);
        }
    }

    void fail_all(error_code ec)
    {
        unsent_.clear();
        while (!pending_.empty())
            complete(pending_.begin(), ec, {});
    }

    // One timer for all calls: it runs only while calls are pending.
    void sweep()
    {
        sweeping_ = !pending_.empty();
        if (!sweeping_)
            return;
        timer_.expires_after(std::chrono::milliseconds(25));
        timer_.async_wait([weak = this->weak_from_this()](error_code ec) {
            auto const self = weak.lock();
            if (!self || ec)
                return;
            bool silent = false;
            for (auto at = self->pending_.begin(); at != self->pending_.end();) {
                auto const current = at++;
                if (current->second.deadline <= self->world_.now()) {
                    silent = silent || current->second.begun > self->heard_;
                    self->complete(current, errc::timed_out, {});
                }
            }
            // Nothing came during a whole call: the connection may wait for minutes to send again. Start anew.
            if (silent)
                self->disconnect();
            self->sweep();
        });
    }

    World world_;
    asio::ip::tcp::endpoint peer_;
    typename World::timer timer_;
    std::shared_ptr<framed_stream<World>> stream_;
    std::deque<std::pair<std::uint64_t, bytes>> unsent_;
    std::map<std::uint64_t, call> pending_;
    std::uint64_t next_id_ = 1;
    typename World::stream* connecting_ = nullptr; ///< While it connects.
    perdure::time_point heard_{};                  ///< When the latest reply came.
    bool sweeping_ = false;
};

/// Answers requests: `body -> awaitable<reply body>`, each in a coroutine of its own.
template <class World>
class rpc_server : public std::enable_shared_from_this<rpc_server<World>> {
public:
    using responder = std::function<asio::awaitable<bytes>(bytes)>;

    rpc_server(World world, asio::ip::tcp::endpoint local, responder respond)
        : world_(world), acceptor_(world), respond_(std::move(respond))
    {
        error_code ec;
        acceptor_.open(local, ec);
        if (ec)
            throw boost::system::system_error(ec, "listening");
    }

    void start()
    {
        asio::co_spawn(world_.get_executor(), accept(this->shared_from_this()),
                       ignore_lost_connections{});
    }

    asio::ip::tcp::endpoint endpoint()
    {
        error_code ec;
        return acceptor_.local_endpoint(ec);
    }

    void close()
    {
        error_code ignored;
        acceptor_.close(ignored);
    }

private:
    asio::awaitable<void> accept(std::shared_ptr<rpc_server> self)
    {
        for (;;) {
            auto [ec, stream] =
                co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
            if (ec == asio::error::operation_aborted)
                co_return;
            if (ec)
                continue;
            auto connection = std::make_shared<framed_stream<World>>(std::move(stream));
            asio::co_spawn(world_.get_executor(), serve(self, connection),
                           ignore_lost_connections{});
        }
    }

    asio::awaitable<void> serve(std::shared_ptr<rpc_server> self,
                                std::shared_ptr<framed_stream<World>> connection)
    {
        for (;;) {
            bytes payload = co_await connection->receive();
            asio::co_spawn(world_.get_executor(), answer(self, connection, std::move(payload)),
                           ignore_lost_connections{});
        }
    }

    asio::awaitable<void> answer(std::shared_ptr<rpc_server> /*keeps this alive*/,
                                 std::shared_ptr<framed_stream<World>> connection, bytes payload)
    {
        perdure::byte_reader reader(payload);
        auto const id = reader.u64();
        bytes const reply = co_await respond_(bytes(payload.begin() + 8, payload.end()));
        connection->send(id, reply);
    }

    World world_;
    typename World::acceptor acceptor_;
    responder respond_;
};

} // namespace failover

#endif
