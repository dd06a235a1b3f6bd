// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_ACCEPTOR_HPP
#define PERDURE_SIMULATION_ACCEPTOR_HPP

#include <perdure/simulation/stream.hpp>

#include <memory>
#include <tuple>
#include <utility>

namespace perdure::simulation {

/** Accepts byte streams over the simulated network. See has_streams for the expressions.
 *
 *  Up to 128 connections wait to be accepted; further ones have to try again, as with TCP.
 *
 *  @par Thread safety  All objects of one cluster belong to one thread.
 */
class acceptor {
public:
    using executor_type = asio::any_io_executor;
    using endpoint = asio::ip::tcp::endpoint; ///< Addresses are those of Asio.

    explicit acceptor(world const& w);
    acceptor(acceptor&&) noexcept = default;
    acceptor& operator=(acceptor&& other) noexcept
    {
        if (this != &other) {
            release();
            incarnation_ = std::move(other.incarnation_);
            executor_ = std::move(other.executor_);
            port_ = std::move(other.port_);
        }
        return *this;
    }
    ~acceptor() { release(); }

    executor_type get_executor() const noexcept { return executor_; }
    bool is_open() const noexcept { return port_ != nullptr; }

    void open(endpoint const& local, error_code& ec)
    {
        if (!require_alive(ec))
            return;
        auto& m = incarnation_->machine();
        if (port_)
            ec = asio::error::already_open;
        else
            port_ = m.network->listen<detail::listening>(m, local, incarnation_->lane(), ec);
    }
    endpoint local_endpoint(error_code& ec) const
    {
        if (require_alive(ec) && !port_)
            ec = asio::error::bad_descriptor;
        return ec ? endpoint() : port_->local;
    }

    /** Waits for the next connection.
     *
     *  @par Completion signature        void(error_code, stream)
     *  @par Errors                      asio::error::operation_aborted if cancelled or closed, and
     *                                   no connection is lost; asio::error::bad_descriptor if it is
     *                                   not open.
     *  @par Per-operation cancellation  terminal, partial, total.
     *  @par Executor                    the handler's associated executor, else get_executor();
     *        never inline.
     */
    template <asio::completion_token_for<void(error_code, stream)> Token = asio::deferred_t>
    [[nodiscard]] auto async_accept(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, stream)>(initiation{this}, token);
    }

    void cancel()
    {
        if (!port_ || !incarnation_->is_alive())
            return;
        for (auto const t : std::exchange(port_->waits, {}))
            incarnation_->lane().cancel(t);
    }
    /// Closes it; connections that nobody has accepted are reset.
    void close(error_code& ec)
    {
        ec = {};
        release();
    }

private:
    struct initiation {
        using executor_type = acceptor::executor_type;
        acceptor* self;
        executor_type get_executor() const noexcept { return self->executor_; }

        template <class Handler>
        void operator()(Handler&& handler) const
        {
            auto const slot = asio::get_associated_cancellation_slot(handler);
            auto finish = [p = self->incarnation_, e = self->executor_,
                           port = self->port_](error_code ec) {
                auto c = ec ? nullptr : port->take();
                if (!c)
                    return std::tuple(ec ? ec : error_code(asio::error::operation_aborted),
                                      stream(p, e));
                return std::tuple(ec, stream(p, e, std::move(c)));
            };
            auto const ticket = self->wait(detail::make_handler_operation(
                std::forward<Handler>(handler), self->executor_, std::move(finish)));
            detail::connect_cancellation(slot, detail::cancel_pending{self->incarnation_, ticket});
        }
    };

    bool require_alive(error_code& ec) const
    {
        auto const alive = incarnation_ && incarnation_->is_alive();
        ec = alive ? error_code() : error_code(asio::error::operation_aborted);
        return alive;
    }
    detail::lane::ticket wait(detail::operation_ptr op)
    {
        if (!incarnation_->is_alive())
            return detail::lane::none;
        auto& lane = incarnation_->lane();
        if (!port_)
            return lane.schedule(std::move(op), {}, asio::error::bad_descriptor);
        std::erase_if(port_->waits, [&](auto t) { return !lane.is_pending(t); });
        auto const ticket = lane.park(std::move(op));
        port_->waits.push_back(ticket);
        port_->wake();
        return ticket;
    }
    void release() noexcept
    {
        cancel();
        if (port_ && incarnation_->is_alive())
            incarnation_->machine().network->unlisten(incarnation_->machine(), port_->local);
        port_.reset();
    }

    detail::incarnation_ptr incarnation_;
    executor_type executor_;
    std::shared_ptr<detail::listening> port_;
};

} // namespace perdure::simulation

#endif
