// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_SYSTEM_SOCKETS_HPP
#define PERDURE_WORLD_SYSTEM_SOCKETS_HPP

#include <perdure/fwd.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/detail/attached.hpp>

#include <boost/asio/associator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <sys/socket.h>
#include <utility>

namespace perdure {

namespace detail {

// Common to the sockets below: an Asio socket that may be destroyed before or after its context.
template <class Socket>
class system_socket {
public:
    using executor_type = asio::any_io_executor;

    executor_type get_executor() const noexcept { return executor_; }

    bool is_open() const noexcept
    {
        auto const* s = socket();
        return s && s->is_open();
    }
    /// The descriptor, or -1 if it is closed.
    int native_handle() const noexcept
    {
        auto* const s = socket();
        return s && s->is_open() ? s->native_handle() : -1;
    }
    auto local_endpoint(error_code& ec) const
    {
        auto const* s = socket_or(ec);
        return s ? s->local_endpoint(ec) : typename Socket::endpoint_type{};
    }
    void cancel()
    {
        error_code ignored;
        if (auto* s = socket())
            s->cancel(ignored);
    }
    void close(error_code& ec)
    {
        ec = {};
        if (auto* s = socket())
            s->close(ec);
    }

protected:
    template <class... Args>
    explicit system_socket(executor_type executor, Args&&... args)
        : socket_(std::make_unique<attached<Socket>>(executor, std::forward<Args>(args)...)),
          executor_(std::move(executor))
    {
    }

    Socket* socket() const noexcept { return socket_ ? socket_->get() : nullptr; }

    // The socket, or an error once the context has shut down.
    Socket* socket_or(error_code& ec) const noexcept
    {
        auto* s = socket();
        ec = s ? error_code() : error_code(asio::error::bad_descriptor);
        return s;
    }

    // Opens it and takes the steps; if one fails, it is closed again.
    template <class... Steps>
    void open_and(typename Socket::protocol_type const& protocol, error_code& ec, Steps... steps)
    {
        auto* s = socket_or(ec);
        if (!s)
            return;
        s->open(protocol, ec);
        if (ec)
            return; // It may have been open before, and stays so.
        if (((steps(*s, ec), !ec) && ...))
            return;
        error_code ignored;
        s->close(ignored);
    }

    template <class Start>
    auto initiation(Start start) const
    {
        return attached_initiation{socket_.get(), executor_, std::move(start)};
    }

private:
    std::unique_ptr<attached<Socket>> socket_;
    executor_type executor_;
};

} // namespace detail

/** Datagrams over UDP, in batches of recvmmsg and sendmmsg. See has_datagrams for the expressions.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class system_datagram_socket : public detail::system_socket<asio::ip::udp::socket> {
public:
    template <class Calls>
    /// A closed socket.
    explicit system_datagram_socket(basic_system_world<Calls> const& w)
        : system_socket(w.get_executor(), w.get_executor())
    {
    }

    void open(asio::ip::udp::endpoint const& local, error_code& ec)
    {
        open_and(
            local.protocol(), ec, [](auto& s, error_code& e) { s.non_blocking(true, e); },
            [&](auto& s, error_code& e) { s.bind(local, e); });
    }

    std::size_t try_receive(std::span<incoming_datagram> slots, error_code& ec)
    {
        auto* const s = socket_or(ec);
        std::array<mmsghdr, batch> messages;
        std::array<iovec, batch> vectors;
        std::size_t received = 0;
        while (s && received < slots.size()) {
            auto const part = slots.subspan(received, std::min(batch, slots.size() - received));
            for (std::size_t i = 0; i < part.size(); ++i) {
                vectors[i] = {part[i].storage.data(), part[i].storage.size()};
                messages[i] = {};
                messages[i].msg_hdr.msg_name = part[i].peer.data();
                messages[i].msg_hdr.msg_namelen = static_cast<socklen_t>(part[i].peer.capacity());
                messages[i].msg_hdr.msg_iov = &vectors[i];
                messages[i].msg_hdr.msg_iovlen = 1;
            }
            int const n = ::recvmmsg(s->native_handle(), messages.data(),
                                     static_cast<unsigned>(part.size()), MSG_DONTWAIT, nullptr);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0) {
                report(ec);
                break;
            }
            auto const count = static_cast<std::size_t>(n);
            for (std::size_t i = 0; i < count; ++i) {
                part[i].peer.resize(messages[i].msg_hdr.msg_namelen);
                part[i].size = messages[i].msg_len;
                part[i].truncated = (messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
            }
            received += count;
            if (count < part.size())
                break;
        }
        return received;
    }

    std::size_t try_send(std::span<outgoing_datagram const> datagrams, error_code& ec)
    {
        auto* const s = socket_or(ec);
        std::array<mmsghdr, batch> messages;
        std::array<iovec, batch> vectors;
        std::size_t sent = 0;
        while (s && sent < datagrams.size()) {
            auto const part = datagrams.subspan(sent, std::min(batch, datagrams.size() - sent));
            for (std::size_t i = 0; i < part.size(); ++i) {
                vectors[i] = {const_cast<std::byte*>(part[i].bytes.data()), part[i].bytes.size()};
                messages[i] = {};
                messages[i].msg_hdr.msg_name =
                    const_cast<asio::detail::socket_addr_type*>(part[i].peer.data());
                messages[i].msg_hdr.msg_namelen = static_cast<socklen_t>(part[i].peer.size());
                messages[i].msg_hdr.msg_iov = &vectors[i];
                messages[i].msg_hdr.msg_iovlen = 1;
            }
            int const n =
                ::sendmmsg(s->native_handle(), messages.data(), static_cast<unsigned>(part.size()),
                           MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0) {
                report(ec);
                break;
            }
            sent += static_cast<std::size_t>(n);
        }
        return sent;
    }

    template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
    [[nodiscard]] auto async_wait(asio::ip::udp::socket::wait_type what, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code)>(
            initiation([](auto& s, auto&& handler, auto w) {
                s.async_wait(w, std::forward<decltype(handler)>(handler));
            }),
            token, what);
    }

private:
    static constexpr std::size_t batch = 64;

    static void report(error_code& ec)
    {
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            ec.assign(errno, boost::system::system_category());
    }
};

/** A byte stream over TCP, without Nagle's delay. Models AsyncReadStream and AsyncWriteStream; see
 *  has_streams for the expressions.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class system_stream : public detail::system_socket<asio::ip::tcp::socket> {
public:
    using lowest_layer_type = system_stream; ///< For asio::ssl::stream and its like.

    template <class Calls>
    explicit system_stream(basic_system_world<Calls> const& w)
        : system_socket(w.get_executor(), w.get_executor())
    {
    }
    /// Takes over a connected socket.
    explicit system_stream(asio::ip::tcp::socket socket)
        : system_socket(socket.get_executor(), std::move(socket))
    {
        error_code ignored;
        if (is_open())
            this->socket()->set_option(asio::ip::tcp::no_delay(true), ignored);
    }

    lowest_layer_type& lowest_layer() noexcept { return *this; }
    lowest_layer_type const& lowest_layer() const noexcept { return *this; }

    asio::ip::tcp::endpoint remote_endpoint(error_code& ec) const
    {
        auto const* s = socket_or(ec);
        return s ? s->remote_endpoint(ec) : asio::ip::tcp::endpoint{};
    }
    void shutdown(error_code& ec)
    {
        if (auto* s = socket_or(ec))
            s->shutdown(asio::ip::tcp::socket::shutdown_send, ec);
    }

    template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
    [[nodiscard]] auto async_connect(asio::ip::tcp::endpoint const& peer, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code)>(
            initiation([](auto& s, auto&& handler, asio::ip::tcp::endpoint const& to) {
                error_code failed; // If it cannot be opened, async_connect says so.
                if (!s.is_open())
                    s.open(to.protocol(), failed);
                if (!failed)
                    s.set_option(asio::ip::tcp::no_delay(true), failed);
                s.async_connect(to, std::forward<decltype(handler)>(handler));
            }),
            token, peer);
    }

    template <class Buffers,
              asio::completion_token_for<void(error_code, std::size_t)> Token = asio::deferred_t>
    [[nodiscard]] auto async_read_some(Buffers const& buffers, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            initiation([](auto& s, auto&& handler, auto const& b) {
                s.async_read_some(b, std::forward<decltype(handler)>(handler));
            }),
            token, buffers);
    }

    template <class Buffers,
              asio::completion_token_for<void(error_code, std::size_t)> Token = asio::deferred_t>
    [[nodiscard]] auto async_write_some(Buffers const& buffers, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            initiation([](auto& s, auto&& handler, auto const& b) {
                s.async_write_some(b, std::forward<decltype(handler)>(handler));
            }),
            token, buffers);
    }
};

namespace detail {

// Turns the accepted socket into a stream.
template <class Handler>
struct accept_handler {
    Handler handler;

    void operator()(error_code ec, asio::ip::tcp::socket socket)
    {
        std::move(handler)(ec, system_stream(std::move(socket)));
    }
};

} // namespace detail

/** Accepts byte streams over TCP. See has_streams for the expressions.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class system_acceptor : public detail::system_socket<asio::ip::tcp::acceptor> {
public:
    template <class Calls>
    /// A closed acceptor.
    explicit system_acceptor(basic_system_world<Calls> const& w)
        : system_socket(w.get_executor(), w.get_executor())
    {
    }

    void open(asio::ip::tcp::endpoint const& local, error_code& ec)
    {
        using tcp_acceptor = asio::ip::tcp::acceptor;
        open_and(
            local.protocol(), ec,
            [](auto& a, error_code& e) { a.set_option(tcp_acceptor::reuse_address(true), e); },
            [&](auto& a, error_code& e) { a.bind(local, e); },
            [](auto& a, error_code& e) { a.listen(tcp_acceptor::max_listen_connections, e); });
    }

    template <asio::completion_token_for<void(error_code, system_stream)> Token = asio::deferred_t>
    [[nodiscard]] auto async_accept(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, system_stream)>(
            initiation([](auto& s, auto&& handler) {
                s.async_accept(detail::accept_handler<std::decay_t<decltype(handler)>>{
                    std::forward<decltype(handler)>(handler)});
            }),
            token);
    }
};

} // namespace perdure

template <template <class, class> class Associator, class Handler, class Default>
struct boost::asio::associator<Associator, perdure::detail::accept_handler<Handler>, Default>
    : Associator<Handler, Default> {
    static auto get(perdure::detail::accept_handler<Handler> const& h) noexcept
    {
        return Associator<Handler, Default>::get(h.handler);
    }
    static auto get(perdure::detail::accept_handler<Handler> const& h, Default const& d) noexcept
    {
        return Associator<Handler, Default>::get(h.handler, d);
    }
};

#endif
