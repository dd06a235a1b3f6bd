// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DATAGRAM_SOCKET_HPP
#define PERDURE_SIMULATION_DATAGRAM_SOCKET_HPP

#include <perdure/simulation/detail/completion.hpp>
#include <perdure/simulation/detail/network.hpp>
#include <perdure/world/concepts.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/udp.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

namespace perdure::simulation {

class world;

/** Datagrams over the simulated network (IPv4). See has_datagrams for the expressions.
 *
 *  Messages are delayed, lost, doubled, overtaken and corrupted as network_options say. A message
 *  of more than 65507 bytes is refused with message_size. After the process has crashed, functions
 *  fail with operation_aborted and send nothing.
 *
 *  @par Thread safety  All objects of one cluster belong to one thread.
 */
class datagram_socket {
public:
    using executor_type = asio::any_io_executor;
    using endpoint = asio::ip::udp::endpoint; ///< Addresses are those of Asio.

    explicit datagram_socket(world const& w);
    datagram_socket(datagram_socket&&) noexcept = default;
    datagram_socket& operator=(datagram_socket&& other) noexcept
    {
        if (this != &other) {
            release();
            incarnation_ = std::move(other.incarnation_);
            executor_ = std::move(other.executor_);
            port_ = std::move(other.port_);
        }
        return *this;
    }
    ~datagram_socket() { release(); }

    executor_type get_executor() const noexcept { return executor_; }
    /// Whether it is bound to a port.
    bool is_open() const noexcept { return port_ != nullptr; }

    void open(endpoint const& local, error_code& ec)
    {
        if (!require_alive(ec))
            return;
        if (port_)
            ec = asio::error::already_open;
        else
            port_ = network().bind(machine(), local, incarnation_->lane(), ec);
    }
    endpoint local_endpoint(error_code& ec) const
    {
        return require_open(ec) ? port_->local : endpoint();
    }

    std::size_t try_receive(std::span<incoming_datagram> slots, error_code& ec)
    {
        std::size_t n = 0;
        if (!require_open(ec))
            return n;
        for (; n != slots.size() && !port_->received.empty(); ++n) {
            auto& slot = slots[n];
            auto const& first = port_->received.front();
            slot.peer = first.peer;
            slot.size = std::min(first.bytes.size(), slot.storage.size());
            slot.truncated = slot.size < first.bytes.size();
            if (slot.size != 0)
                std::memcpy(slot.storage.data(), first.bytes.data(), slot.size);
            port_->received.pop_front();
        }
        return n;
    }

    std::size_t try_send(std::span<outgoing_datagram const> batch, error_code& ec)
    {
        if (!require_open(ec) || batch.empty() || machine().now() < port_->writable_at)
            return 0;
        auto& random = network().random();
        auto const taken = static_cast<std::size_t>(random.below(batch.size()));
        if (random.chance(network().options().send_refusal)) {
            batch = batch.first(taken);
            port_->writable_at = machine().now() + std::chrono::milliseconds(1);
            machine().record(event::send_refused);
        }
        std::size_t n = 0;
        for (auto const& d : batch) {
            if (d.bytes.size() > 65507)
                ec = asio::error::message_size;
            else if (!d.peer.address().is_v4())
                ec = asio::error::address_family_not_supported;
            if (ec)
                break;
            network().send(machine(), port_->local, d.peer, d.bytes);
            ++n;
        }
        return n;
    }

    /** Waits until something can be received, or sent, or (wait_error) until it is cancelled.
     *
     *  @par Completion signature        void(error_code)
     *  @par Errors                      asio::error::operation_aborted if cancelled or closed;
     *                                   asio::error::bad_descriptor if it is not open.
     *  @par Per-operation cancellation  terminal, partial, total: nothing is lost.
     *  @par Executor                    the handler's associated executor, else get_executor();
     *        never inline.
     */
    template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
    [[nodiscard]] auto async_wait(asio::ip::udp::socket::wait_type what, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code)>(initiation{this}, token, what);
    }

    void cancel()
    {
        if (!port_ || !incarnation_->is_alive())
            return;
        for (auto const& w : std::exchange(port_->waits, {}))
            incarnation_->lane().cancel(w.ticket);
    }
    void close(error_code& ec)
    {
        ec = {};
        release();
    }

private:
    struct initiation {
        using executor_type = datagram_socket::executor_type;
        datagram_socket* self;

        executor_type get_executor() const noexcept { return self->executor_; }

        template <class Handler>
        void operator()(Handler&& handler, asio::ip::udp::socket::wait_type what) const
        {
            auto const slot = asio::get_associated_cancellation_slot(handler);
            auto const ticket = self->wait(
                what,
                detail::make_handler_operation(std::forward<Handler>(handler), self->executor_,
                                               [](error_code ec) { return std::tuple(ec); }));
            detail::connect_cancellation(slot, detail::cancel_pending{self->incarnation_, ticket});
        }
    };

    detail::machine& machine() const { return incarnation_->machine(); }
    detail::network& network() const { return *machine().network; }

    bool require_alive(error_code& ec) const
    {
        auto const alive = incarnation_ && incarnation_->is_alive();
        ec = alive ? error_code() : error_code(asio::error::operation_aborted);
        return alive;
    }
    bool require_open(error_code& ec) const
    {
        if (!require_alive(ec))
            return false;
        if (!port_)
            ec = asio::error::bad_descriptor;
        return port_ != nullptr;
    }

    detail::lane::ticket wait(asio::ip::udp::socket::wait_type what, detail::operation_ptr op)
    {
        using asio::ip::udp;
        if (!incarnation_->is_alive())
            return detail::lane::none;
        auto& lane = incarnation_->lane();
        if (!port_)
            return lane.schedule(std::move(op), machine().now(), asio::error::bad_descriptor);
        std::erase_if(port_->waits, [&](auto const& w) { return !lane.is_pending(w.ticket); });
        auto const reading = what == udp::socket::wait_read;
        auto const ticket = reading && !port_->received.empty() ? lane.post(std::move(op))
                            : what == udp::socket::wait_write
                                ? lane.schedule(std::move(op), port_->writable_at)
                                : lane.park(std::move(op));
        port_->waits.push_back({ticket, reading});
        return ticket;
    }
    void release() noexcept
    {
        cancel();
        if (port_ && incarnation_->is_alive())
            network().unbind(machine(), *port_);
        port_.reset();
    }

    detail::incarnation_ptr incarnation_;
    executor_type executor_;
    std::shared_ptr<detail::datagram_port> port_;
};

} // namespace perdure::simulation

#endif
