// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_STREAM_HPP
#define PERDURE_SIMULATION_STREAM_HPP

#include <perdure/simulation/detail/completion.hpp>
#include <perdure/simulation/detail/connection.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cassert>
#include <cstddef>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

namespace perdure::simulation {

class world;
class acceptor;

/** A byte stream over the simulated network. Models AsyncReadStream and AsyncWriteStream; see
 *  has_streams.
 *
 *  Bytes arrive in order and unchanged, in pieces as the network has them. Lost segments are sent
 *  again; a link that stays cut breaks the connection after network_options::stream_timeout. A peer
 *  that loses power tells nobody (but see reset_on_crash): who only reads waits for ever. One read
 *  and one write may be under way.
 *
 *  @par Thread safety  All objects of one cluster belong to one thread.
 */
class stream {
public:
    using executor_type = asio::any_io_executor;
    using endpoint = asio::ip::tcp::endpoint; ///< Addresses are those of Asio.
    using lowest_layer_type = stream; ///< For layers over it.

    explicit stream(world const& w);
    stream(stream&&) noexcept = default;
    stream& operator=(stream&& other) noexcept
    {
        if (this != &other) {
            release();
            incarnation_ = std::move(other.incarnation_);
            executor_ = std::move(other.executor_);
            connection_ = std::move(other.connection_);
            side_ = other.side_;
        }
        return *this;
    }
    ~stream() { release(); }

    executor_type get_executor() const noexcept { return executor_; }
    lowest_layer_type& lowest_layer() noexcept { return *this; }
    lowest_layer_type const& lowest_layer() const noexcept { return *this; }

    bool is_open() const noexcept { return connection_ != nullptr; }
    endpoint local_endpoint(error_code& ec) const
    {
        return require_connected(ec) ? connection_->local(side_) : endpoint();
    }
    endpoint remote_endpoint(error_code& ec) const
    {
        return require_connected(ec) ? connection_->remote(side_) : endpoint();
    }

    /** Connects to `peer`.
     *
     *  @par Completion signature        void(error_code)
     *  @par Errors                      connection_refused, timed_out, already_connected,
     *                                   host_unreachable (no machine has that address),
     *                                   operation_aborted if cancelled: close the stream then.
     *  @par Per-operation cancellation  terminal, partial, total.
     *  @par Executor                    the handler's associated executor, else get_executor();
     *        never inline.
     */
    template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
    [[nodiscard]] auto async_connect(endpoint const& peer, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code)>(initiate_connect{this}, token, peer);
    }

    /** Reads what has come, at least one byte.
     *
     *  @par Completion signature        void(error_code, std::size_t)
     *  @par Errors                      asio::error::eof, connection_reset, timed_out,
     *                                   not_connected; operation_aborted if cancelled, and no byte
     *                                   is lost.
     *  @par Per-operation cancellation  terminal, partial, total.
     *  @par Executor                    the handler's associated executor, else get_executor();
     *        never inline.
     */
    template <class Buffers,
              asio::completion_token_for<void(error_code, std::size_t)> Token = asio::deferred_t>
    [[nodiscard]] auto async_read_some(Buffers const& buffers, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(initiate_read{this},
                                                                          token, buffers);
    }

    /** Writes as much as there is room for, at least one byte.
     *
     *  @par Completion signature        void(error_code, std::size_t)
     *  @par Errors                      broken_pipe after shutdown(), connection_reset, timed_out,
     *                                   not_connected; operation_aborted if cancelled, and nothing
     *                                   was written.
     *  @par Per-operation cancellation  terminal, partial, total.
     *  @par Executor                    the handler's associated executor, else get_executor();
     *        never inline.
     */
    template <class Buffers,
              asio::completion_token_for<void(error_code, std::size_t)> Token = asio::deferred_t>
    [[nodiscard]] auto async_write_some(Buffers const& buffers, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(initiate_write{this},
                                                                          token, buffers);
    }

    /// No more will be written; the peer reads eof behind what was.
    void shutdown(error_code& ec)
    {
        if (require_connected(ec))
            connection_->finish(side_);
    }
    void cancel()
    {
        if (!connection_ || !incarnation_->is_alive())
            return;
        auto const& waits = connection_->waits(side_);
        for (auto const t : {waits.connect, waits.read, waits.write})
            incarnation_->lane().cancel(t);
    }
    /// Closes it; what was written still arrives, unless something is left unread: then the peer
    /// sees a reset.
    void close(error_code& ec)
    {
        ec = {};
        release();
    }

private:
    friend class acceptor;
    using ticket = detail::lane::ticket;

    stream(detail::incarnation_ptr p, executor_type e) noexcept
        : incarnation_(std::move(p)), executor_(std::move(e))
    {
    }
    stream(detail::incarnation_ptr p, executor_type e, std::shared_ptr<detail::connection> c)
        : incarnation_(std::move(p)), executor_(std::move(e)), connection_(std::move(c)), side_(1)
    {
        connection_->waits(side_).lane = &incarnation_->lane();
    }

    // Parks or posts a handler that ends in `finish(error_code)`; returns its ticket.
    template <class Handler, class Finish>
    ticket start(Handler&& handler, bool ready, error_code failure, Finish finish)
    {
        auto const slot = asio::get_associated_cancellation_slot(handler);
        auto op = detail::make_handler_operation(std::forward<Handler>(handler), executor_,
                                                 std::move(finish));
        if (!incarnation_->is_alive())
            return detail::lane::none;
        auto& lane = incarnation_->lane();
        auto const t = failure ? lane.schedule(std::move(op), {}, failure)
                       : ready ? lane.post(std::move(op))
                               : lane.park(std::move(op));
        detail::connect_cancellation(slot, detail::cancel_pending{incarnation_, t});
        return t;
    }

    struct initiate_connect {
        using executor_type = stream::executor_type;
        stream* self;
        executor_type get_executor() const noexcept { return self->executor_; }

        template <class Handler>
        void operator()(Handler&& handler, endpoint const& peer) const
        {
            auto const failure = self->begin_connect(peer);
            auto const t = self->start(std::forward<Handler>(handler), false, failure,
                                       [c = self->connection_](error_code ec) {
                                           return std::tuple(ec ? ec : c->failure(0));
                                       });
            if (!failure && self->connection_)
                self->connection_->waits(0).connect = t;
        }
    };
    struct initiate_read {
        using executor_type = stream::executor_type;
        stream* self;
        executor_type get_executor() const noexcept { return self->executor_; }

        template <class Handler, class Buffers>
        void operator()(Handler&& handler, Buffers const& buffers) const
        {
            error_code failure;
            auto const connected = self->require_connected(failure);
            auto const ready = connected && (self->connection_->is_readable(self->side_) ||
                                             asio::buffer_size(buffers) == 0);
            assert(!connected || !self->incarnation_->lane().is_pending(
                                     self->connection_->waits(self->side_).read));
            auto const t =
                self->start(std::forward<Handler>(handler), ready, failure,
                            [c = self->connection_, side = self->side_, buffers](error_code ec) {
                                auto const n = ec ? 0 : read(*c, side, buffers, ec);
                                return std::tuple(ec, n);
                            });
            if (connected)
                self->connection_->waits(self->side_).read = t;
        }
    };
    struct initiate_write {
        using executor_type = stream::executor_type;
        stream* self;
        executor_type get_executor() const noexcept { return self->executor_; }

        template <class Handler, class Buffers>
        void operator()(Handler&& handler, Buffers const& buffers) const
        {
            error_code failure;
            auto const connected = self->require_connected(failure);
            auto const ready = connected && (self->connection_->is_writable(self->side_) ||
                                             asio::buffer_size(buffers) == 0);
            assert(!connected || !self->incarnation_->lane().is_pending(
                                     self->connection_->waits(self->side_).write));
            auto const t =
                self->start(std::forward<Handler>(handler), ready, failure,
                            [c = self->connection_, side = self->side_, buffers](error_code ec) {
                                auto const n = ec ? 0 : write(*c, side, buffers, ec);
                                return std::tuple(ec, n);
                            });
            if (connected)
                self->connection_->waits(self->side_).write = t;
        }
    };

    template <class Buffers>
    static std::size_t read(detail::connection& c, int side, Buffers const& buffers, error_code& ec)
    {
        // One piece of memory at a time, as long as it is filled.
        std::size_t total = 0;
        for (auto i = asio::buffer_sequence_begin(buffers); i != asio::buffer_sequence_end(buffers);
             ++i) {
            asio::mutable_buffer const b(*i);
            if (b.size() == 0)
                continue;
            if (total != 0 && !c.has_received(side))
                break;
            auto const n = c.read(side, {static_cast<std::byte*>(b.data()), b.size()}, ec);
            total += n;
            if (n < b.size())
                break;
        }
        return total;
    }
    template <class Buffers>
    static std::size_t write(detail::connection& c, int side, Buffers const& buffers,
                             error_code& ec)
    {
        std::size_t total = 0;
        for (auto i = asio::buffer_sequence_begin(buffers); i != asio::buffer_sequence_end(buffers);
             ++i) {
            asio::const_buffer const b(*i);
            if (b.size() == 0)
                continue;
            auto const n = c.write(side, {static_cast<std::byte const*>(b.data()), b.size()}, ec);
            total += n;
            if (n < b.size())
                break;
        }
        return total;
    }

    bool require_connected(error_code& ec) const
    {
        if (!incarnation_ || !incarnation_->is_alive())
            ec = asio::error::operation_aborted;
        else if (!connection_)
            ec = asio::error::bad_descriptor;
        else if (!connection_->is_connected(side_))
            ec = asio::error::not_connected;
        else
            ec = {};
        return !ec;
    }
    error_code begin_connect(endpoint const& peer)
    {
        if (!incarnation_->is_alive())
            return asio::error::operation_aborted;
        if (connection_ && connection_->is_connected(side_))
            return asio::error::already_connected;
        if (connection_ && !connection_->failure(side_))
            return asio::error::already_started;
        auto& m = incarnation_->machine();
        auto* const target = m.network->find(peer.address(), m);
        if (!target)
            return asio::error::host_unreachable;
        connection_ = std::make_shared<detail::connection>(*m.network, m, *target,
                                                           m.network->choose_source(m, peer), peer);
        connection_->waits(0).lane = &incarnation_->lane();
        side_ = 0;
        m.network->add(connection_);
        connection_->connect();
        return {};
    }
    void release() noexcept
    {
        cancel();
        if (connection_ && incarnation_->is_alive())
            connection_->close(side_);
        connection_.reset();
    }

    detail::incarnation_ptr incarnation_;
    executor_type executor_;
    std::shared_ptr<detail::connection> connection_;
    int side_ = 0;
};

} // namespace perdure::simulation

#endif
