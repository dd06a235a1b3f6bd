// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_CONNECTION_HPP
#define PERDURE_SIMULATION_DETAIL_CONNECTION_HPP

#include <perdure/simulation/detail/network.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace perdure::simulation::detail {

/** A TCP connection: the kernels' state at both ends, side 0 being the one that connects.
 *
 *  Segments of one direction arrive in order; the first that is lost or meets a cut link is sent
 *  again, ever more rarely, and breaks the connection after stream_timeout. A segment needs both
 *  directions of the link, because its acknowledgement comes back. A segment to a side that is gone
 *  is answered by a reset; while the machine has no power by nothing.
 */
class connection final : public tcp_connection, public std::enable_shared_from_this<connection> {
public:
    using tcp = asio::ip::tcp;

    connection(network& n, machine& from, machine& to, tcp::endpoint source, tcp::endpoint target)
        : network_(n), sides_{side(from, source), side(to, target)}
    {
        sides_[1].gone = true; // until it is accepted by its machine
    }

    tcp::endpoint const& local(int i) const noexcept { return at(i).endpoint; }
    tcp::endpoint const& remote(int i) const noexcept { return at(1 - i).endpoint; }

    /// Waiting operations of a side, in the lane of its process.
    struct waiting {
        detail::lane* lane = nullptr;
        lane::ticket connect = lane::none, read = lane::none, write = lane::none;
    };
    waiting& waits(int i) noexcept { return at(i).waits; }

    // ---- opening

    void connect()
    {
        begin_trying(at(0));
        at(0).retry_after = std::chrono::seconds(1); // for the first packet (RFC 6298, section 2)
        after(delay(), [](connection& c) { c.try_connect(); });
    }
    /// The accepting side is connected from the beginning, the other when it knows.
    bool is_connected(int i) const noexcept { return i == 1 || connected_; }
    error_code const& failure(int i) const noexcept { return at(i).broken; }

    // ---- transfer

    bool has_received(int i) const { return !at(i).received.empty(); }
    bool is_readable(int i) const { return !at(i).received.empty() || at(i).ended || at(i).broken; }
    /// Takes what has come, at most `out`.
    std::size_t read(int i, std::span<std::byte> out, error_code& ec)
    {
        auto& s = at(i);
        if (s.received.empty()) {
            ec = s.broken  ? s.broken
                 : s.ended ? error_code(asio::error::eof)
                           : asio::error::would_block;
            return 0;
        }
        auto const n = shorten(s, std::min(out.size(), s.received.size()));
        auto const end = s.received.begin() + static_cast<std::ptrdiff_t>(n);
        std::copy(s.received.begin(), end, out.begin());
        s.received.erase(s.received.begin(), end);
        // The sender learns of the room a little later.
        after(delay(), [i](connection& c) { c.wake(c.at(1 - i), c.at(1 - i).waits.write); });
        return n;
    }

    bool is_writable(int i) const { return at(i).broken || at(i).finished || room(i) != 0; }
    /// Takes as much as there is room for.
    std::size_t write(int i, std::span<std::byte const> in, error_code& ec)
    {
        auto& s = at(i);
        if (s.broken || s.finished) {
            ec = s.broken ? s.broken : error_code(asio::error::broken_pipe);
            return 0;
        }
        auto const n = shorten(s, std::min<std::size_t>(in.size(), room(i)));
        if (n != 0)
            enqueue(i,
                    {std::vector(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n)), false});
        return n;
    }
    std::size_t room(int i) const
    {
        auto const used = at(i).unsent + at(1 - i).received.size();
        auto const window = static_cast<std::size_t>(network_.options().stream_window);
        return window > used ? window - used : 0;
    }

    // ---- ends

    /// No more will be written; what was written still arrives.
    void finish(int i)
    {
        if (!std::exchange(at(i).finished, true) && !at(i).broken)
            enqueue(i, {{}, true});
    }
    /// The process has closed its side or was killed: its kernel goes on sending, and refuses what
    /// comes.
    void close(int i)
    {
        auto& s = at(i);
        s.waits = {};
        if (std::exchange(s.gone, true))
            return;
        if (s.received.empty() && !s.broken && is_connected(i))
            finish(i);
        else
            abort(i);
    }
    /// The side is gone, and the peer hears of it by a reset.
    void abort(int i)
    {
        at(i).gone = true;
        at(i).outgoing.clear();
        reset_peer(i);
    }
    bool is_on(int i, machine const& m) const noexcept override { return at(i).host == &m; }
    void lose_power(int i) override
    {
        auto& s = at(i);
        s.waits = {};
        if (std::exchange(s.gone, true))
            return;
        s.outgoing.clear();
        s.received.clear();
        if (network_.random().chance(network_.options().reset_on_crash))
            reset_peer(i);
    }
    void lose_process(int i) override { close(i); }

    /// The kernel of the accepting machine has taken the connection in.
    void accept() noexcept { at(1).gone = false; }
    void refuse() override
    {
        after(delay(), [](connection& c) {
            c.fail(0, asio::error::connection_refused, event::connection_refused);
        });
    }

private:
    struct segment {
        std::vector<std::byte> bytes;
        bool last;
    };
    struct side {
        side(machine& m, tcp::endpoint e) : host(&m), endpoint(std::move(e)) {}

        machine* host;
        tcp::endpoint endpoint;
        waiting waits{};
        std::vector<std::byte> received{};
        bool ended = false;    // everything that the peer sent is in `received`
        bool finished = false; // nothing more may be written
        bool gone = false;     // nobody is there any more
        error_code broken{};
        std::deque<segment> outgoing{};
        std::size_t unsent = 0; // bytes in `outgoing`
        duration arrival{};     // of the newest segment, if nothing goes wrong
        duration tried_since{};
        duration retry_after{};
        bool under_way = false;
    };

    side& at(int i) noexcept { return sides_[static_cast<std::size_t>(i)]; }
    side const& at(int i) const noexcept { return sides_[static_cast<std::size_t>(i)]; }

    duration now() const noexcept { return at(0).host->now(); }
    network_options options() const
    {
        return at(0).host == at(1).host ? network::loopback() : network_.options();
    }
    duration delay() { return network_.draw_delay(options()); }

    template <class F>
    void after(duration d, F f)
    {
        network_.lane().post_after(d, [self = shared_from_this(), f] { f(*self); });
    }
    void wake(side& s, lane::ticket t)
    {
        if (s.waits.lane)
            s.waits.lane->complete(t, {});
    }
    std::size_t shorten(side& s, std::size_t n)
    {
        auto const shorter = network_.random().below(std::max<std::size_t>(n, 1));
        if (!network_.random().chance(options().shortened_transfer) || shorter == 0)
            return n;
        s.host->record(event::transfer_shortened);
        return static_cast<std::size_t>(shorter);
    }

    // A packet and its answer can pass between the machines now.
    bool passes(int from)
    {
        auto const& a = *at(from).host;
        auto const& b = *at(1 - from).host;
        auto const& links = network_.links();
        auto const lost = network_.random().chance(options().loss);
        return !lost && b.powered && !b.clock.is_suspended() && a.powered &&
               !links.is_cut(a.id, b.id) && !links.is_cut(b.id, a.id);
    }
    void begin_trying(side& s)
    {
        s.tried_since = now();
        s.retry_after = network_.options().retransmit_after;
    }
    // False if it has been tried for too long.
    template <class Again>
    bool try_again(int i, duration limit, Again again)
    {
        auto& s = at(i);
        if (now() - s.tried_since >= limit) {
            fail(i, asio::error::timed_out, event::connection_timed_out);
            return false;
        }
        s.host->record(event::segment_retransmitted, at(1 - i).host->id);
        after(s.retry_after, again);
        s.retry_after = std::min<duration>(s.retry_after * 2, std::chrono::minutes(2));
        return true;
    }

    void try_connect()
    {
        if (at(0).gone || at(0).broken)
            return;
        if (!passes(0) || !network_.arrive(*at(1).host, *this, at(1).endpoint)) {
            // Linux gives a connection request up after 127 s.
            auto const limit =
                std::min<duration>(network_.options().stream_timeout, std::chrono::seconds(127));
            try_again(0, limit, [](connection& c) { c.try_connect(); });
            return;
        }
        if (at(1).gone)
            return; // refused
        after(delay(), [](connection& c) { c.connected(); });
    }
    void connected()
    {
        connected_ = true;
        if (at(0).gone)
            return reset_peer(0);
        at(0).host->record(event::connection_opened, at(1).host->id);
        wake(at(0), at(0).waits.connect);
        send(0);
        send(1);
    }

    void enqueue(int i, segment s)
    {
        auto& from = at(i);
        from.unsent += s.bytes.size();
        from.arrival = std::max(from.arrival, now() + delay());
        from.outgoing.push_back(std::move(s));
        send(i);
    }
    void send(int i)
    {
        auto& s = at(i);
        if (!connected_ || s.outgoing.empty() || std::exchange(s.under_way, true))
            return;
        begin_trying(s);
        after(std::max(s.arrival - now(), duration()), [i](connection& c) { c.try_send(i); });
    }
    void try_send(int i)
    {
        auto& s = at(i);
        auto& peer = at(1 - i);
        if (s.outgoing.empty() || s.broken) {
            s.under_way = false;
            return;
        }
        if (!passes(i)) {
            try_again(i, network_.options().stream_timeout, [i](connection& c) { c.try_send(i); });
            return;
        }
        s.under_way = false;
        if (peer.gone) {
            s.outgoing.clear();
            after(delay(), [i](connection& c) {
                c.fail(i, asio::error::connection_reset, event::connection_reset);
            });
            return;
        }
        auto const first = std::move(s.outgoing.front());
        s.outgoing.pop_front();
        s.unsent -= first.bytes.size();
        peer.received.insert(peer.received.end(), first.bytes.begin(), first.bytes.end());
        peer.ended = first.last;
        peer.host->record(event::bytes_delivered, s.host->id, first.bytes.size(),
                          digest(first.bytes));
        wake(peer, peer.waits.read);
        send(i);
    }

    // The peer is told that the connection is gone, if that reaches it.
    void reset_peer(int i)
    {
        after(delay(), [i](connection& c) {
            auto const& links = c.network_.links();
            if (!links.is_cut(c.at(i).host->id, c.at(1 - i).host->id))
                c.fail(1 - i, asio::error::connection_reset, event::connection_reset);
        });
    }
    void fail(int i, error_code ec, event what)
    {
        auto& s = at(i);
        if (s.gone || s.broken)
            return;
        s.broken = ec;
        s.outgoing.clear();
        s.host->record(what, at(1 - i).host->id);
        for (auto const t : {s.waits.connect, s.waits.read, s.waits.write})
            wake(s, t);
    }

    network& network_;
    std::array<side, 2> sides_;
    bool connected_ = false;
};

/// The kernel's side of an acceptor.
struct listening final : tcp_listener {
    static constexpr std::size_t backlog = 128;

    listening(detail::lane& l, asio::ip::tcp::endpoint const& e) : lane(&l) { local = e; }

    bool arrive(tcp_connection& c) override
    {
        if (accepted.size() >= backlog)
            return false;
        auto& arrived = static_cast<connection&>(c);
        arrived.accept();
        accepted.push_back(arrived.shared_from_this());
        wake();
        return true;
    }
    /// Each connection completes one waiting operation, which then takes it.
    void wake()
    {
        for (auto const t : waits) {
            if (promised == accepted.size())
                return;
            promised += lane->complete(t, {});
        }
    }
    /// Null if the port was closed meanwhile.
    std::shared_ptr<connection> take()
    {
        if (accepted.empty())
            return nullptr;
        auto first = std::move(accepted.front());
        accepted.pop_front();
        --promised;
        return first;
    }
    /// Those that nobody has accepted are gone.
    void close() override
    {
        promised = 0;
        for (auto const& c : std::exchange(accepted, {}))
            c->abort(1);
    }

    detail::lane* lane;
    std::deque<std::shared_ptr<connection>> accepted{};
    std::size_t promised = 0; // of these, to operations that are about to complete
    std::vector<lane::ticket> waits{};
};

} // namespace perdure::simulation::detail

#endif
