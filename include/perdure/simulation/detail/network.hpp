// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_NETWORK_HPP
#define PERDURE_SIMULATION_DETAIL_NETWORK_HPP

#include <perdure/simulation/detail/links.hpp>
#include <perdure/simulation/detail/machine.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace perdure::simulation::detail {

/// The kernel's side of an open datagram socket.
struct datagram_port {
    struct datagram {
        asio::ip::udp::endpoint peer;
        std::vector<std::byte> bytes;
    };
    struct wait {
        detail::lane::ticket ticket; // Qualified: a member below has the same name.
        bool for_reading;
    };

    detail::lane* lane;
    asio::ip::udp::endpoint local;
    std::deque<datagram> received{};
    std::vector<wait> waits{};
    duration writable_at{};
};

/// A TCP connection, as far as the network needs to know it.
class tcp_connection {
public:
    virtual ~tcp_connection() = default;
    virtual bool is_on(int side, machine const& m) const noexcept = 0;
    virtual void lose_power(int side) = 0;
    virtual void lose_process(int side) = 0;
    virtual void refuse() = 0;
};

/// A port that accepts connections.
class tcp_listener {
public:
    virtual ~tcp_listener() = default;
    /// False if there is no room for it now.
    virtual bool arrive(tcp_connection& c) = 0;
    virtual void close() = 0;
    asio::ip::tcp::endpoint local;
};

/** Carries datagrams between machines; streams go through its links too.
 *
 *  It knows which machines there are and which of their ports are open, and draws every message's
 *  fate.
 */
class network {
public:
    using udp = asio::ip::udp;
    using tcp = asio::ip::tcp;

    explicit network(surroundings& all)
        : all_(all), lane_(all.timeline), random_(all.seed, "network")
    {
    }

    void add(machine& m)
    {
        machines_.push_back(&m);
        m.network = this;
    }
    /// Null if no machine has this address.
    machine* find(asio::ip::address const& a, machine& asking) const
    {
        if (!a.is_v4())
            return nullptr;
        if (a.is_loopback())
            return &asking;
        for (auto* const m : machines_)
            if (m->address == a.to_v4())
                return m;
        return nullptr;
    }

    detail::links& links() noexcept { return links_; }
    detail::lane& lane() noexcept { return lane_; }
    random_stream& random() noexcept { return random_; }
    network_options const& options() const noexcept { return all_.options.network; }

    // ---- ports

    /// Opens a port for datagrams; null with an error.
    std::shared_ptr<datagram_port> bind(machine& m, udp::endpoint local, detail::lane& owner,
                                        error_code& ec)
    {
        if (!choose_port(m, local, ports_, ec))
            return nullptr;
        return ports_[{m.id, local.port()}] =
                   std::make_shared<datagram_port>(datagram_port{&owner, local});
    }
    void unbind(machine& m, datagram_port const& p) { ports_.erase({m.id, p.local.port()}); }

    /// Opens a port for connections; false with an error.
    template <class Listener>
    std::shared_ptr<Listener> listen(machine& m, tcp::endpoint local, detail::lane& owner,
                                     error_code& ec)
    {
        if (!choose_port(m, local, listeners_, ec))
            return nullptr;
        auto const l = std::make_shared<Listener>(owner, local);
        listeners_[{m.id, local.port()}] = l;
        return l;
    }
    void unlisten(machine& m, tcp::endpoint const& local)
    {
        if (auto const l = listeners_.extract({m.id, local.port()}))
            l.mapped()->close();
    }
    /// A port for the connecting side.
    tcp::endpoint choose_source(machine& m, tcp::endpoint const& target) const
    {
        tcp::endpoint source(target.address().is_loopback() ? target.address() : m.address, 0);
        error_code ec;
        choose_port(m, source, listeners_, ec);
        return source;
    }
    void add(std::shared_ptr<tcp_connection> const& c)
    {
        std::erase_if(connections_, [](auto const& w) { return w.expired(); });
        connections_.push_back(c);
    }
    /// A connection request has come to `m`; false if it has to come again.
    bool arrive(machine& m, tcp_connection& c, tcp::endpoint const& target)
    {
        auto const i = listeners_.find({m.id, target.port()});
        if (i != listeners_.end() && (i->second->local.address().is_unspecified() ||
                                      i->second->local.address() == target.address()))
            return i->second->arrive(c);
        c.refuse();
        return true;
    }

    /// The machine's process has ended: its kernel closes what was open.
    void lose_process(machine& m)
    {
        for (auto i = listeners_.begin(); i != listeners_.end();)
            if (i->first.first == m.id) {
                i->second->close();
                i = listeners_.erase(i);
            } else {
                ++i;
            }
        std::erase_if(ports_, [&](auto const& p) { return p.first.first == m.id; });
        for_each_side(m, [](tcp_connection& c, int side) { c.lose_process(side); });
    }
    /// The machine has gone out: nobody closes anything. Call it before lose_process().
    void lose_power(machine& m)
    {
        for_each_side(m, [](tcp_connection& c, int side) { c.lose_power(side); });
    }

    /// Checks the address and finds a free port if none is given, among those in `taken`.
    template <class Endpoint, class Table>
    static bool choose_port(machine& m, Endpoint& local, Table const& taken, error_code& ec)
    {
        ec = {};
        auto const a = local.address();
        if (!a.is_v4())
            ec = asio::error::address_family_not_supported;
        else if (!a.is_unspecified() && !a.is_loopback() && a.to_v4() != m.address)
            ec = boost::system::errc::make_error_code(boost::system::errc::address_not_available);
        else if (local.port() != 0 && taken.contains({m.id, local.port()}))
            ec = asio::error::address_in_use;
        // As on Linux from 32768 to 60999, in order; a new incarnation does not start over.
        constexpr unsigned first = 32768, count = 28232;
        for (unsigned tries = 0; !ec && local.port() == 0; ++tries) {
            auto const candidate = static_cast<std::uint16_t>(first + m.ports_given++ % count);
            if (tries == count)
                ec = asio::error::address_in_use;
            else if (!taken.contains({m.id, candidate}))
                local.port(candidate);
        }
        return !ec;
    }

    // ---- datagrams

    void send(machine& from, udp::endpoint source, udp::endpoint const& target,
              std::span<std::byte const> bytes)
    {
        auto* const to = find(target.address(), from);
        from.record(event::message_sent, to ? to->id : 0, bytes.size(), digest(bytes));
        if (source.address().is_unspecified())
            source.address(target.address().is_loopback() ? target.address() : from.address);
        if (!to)
            return from.record(event::message_unclaimed);
        auto const o = to == &from ? loopback() : options();
        auto& link = links_.between(from.id, to->id);
        auto const number = ++link.sent;
        // Every message costs the same draws, whatever the options.
        auto const lost = random_.chance(o.loss);
        auto const doubled = random_.chance(o.duplication);
        delay_link(from, *to, link, o);
        if (links_.is_cut(from.id, to->id))
            return from.record(event::message_blocked, to->id);
        transmit({&from, to, number, {source, target}}, o, bytes, lost);
        if (doubled && !lost) {
            from.record(event::message_duplicated, to->id);
            transmit({&from, to, number, {source, target}}, o, bytes, false);
        }
    }

    /// A message's time on the way, without the clog.
    duration draw_delay(network_options const& o)
    {
        return o.delay_min + random_.exponential(o.delay_tail);
    }

    /// A machine talking to itself: no faults.
    static network_options loopback()
    {
        network_options o;
        o.delay_min = o.delay_tail = std::chrono::microseconds(5);
        return o;
    }

private:
    using port_id = std::pair<std::uint32_t, std::uint16_t>; // machine, port

    template <class F>
    void for_each_side(machine& m, F f)
    {
        for (auto const& weak : connections_)
            if (auto const c = weak.lock())
                for (int const side : {0, 1})
                    if (c->is_on(side, m))
                        f(*c, side);
    }

    struct route {
        machine* from;
        machine* to;
        std::uint64_t number;
        std::pair<udp::endpoint, udp::endpoint> ends;
    };

    void delay_link(machine& from, machine& to, links::link& link, network_options const& o)
    {
        auto const length = random_.exponential(o.clog_mean);
        if (!random_.chance(o.clog))
            return;
        from.record(event::link_clogged, to.id, static_cast<std::uint64_t>(length.count()));
        link.clogged_until = std::max(link.clogged_until, from.now()) + length;
    }

    void transmit(route const& r, network_options const& o, std::span<std::byte const> bytes,
                  bool lost)
    {
        auto& link = links_.between(r.from->id, r.to->id);
        auto const delay = draw_delay(o);
        auto const damage = random_();
        auto const damaged = random_.chance(o.corruption);
        if (lost)
            return r.from->record(event::message_lost, r.to->id);
        if (link.on_the_way >= o.link_capacity)
            return r.from->record(event::message_overflowed, r.to->id);
        std::vector<std::byte> copy(bytes.begin(), bytes.end());
        if (damaged && !copy.empty())
            corrupt(copy, damage, r);
        ++link.on_the_way;
        lane_.schedule(make_operation([this, r, copy = std::move(copy)]() mutable {
                           deliver(r, std::move(copy));
                       }),
                       std::max(r.from->now(), link.clogged_until) + delay);
    }

    // Flips one to four bits.
    static void corrupt(std::vector<std::byte>& bytes, std::uint64_t damage, route const& r)
    {
        random_stream where(damage);
        for (auto n = 1 + where.below(4); n != 0; --n)
            bytes[static_cast<std::size_t>(where.below(bytes.size()))] ^=
                static_cast<std::byte>(1 << where.below(8));
        r.from->record(event::message_corrupted, r.to->id);
    }

    void deliver(route const& r, std::vector<std::byte> bytes)
    {
        auto& link = links_.between(r.from->id, r.to->id);
        --link.on_the_way;
        auto const& [source, target] = r.ends;
        if (links_.is_cut(r.from->id, r.to->id))
            return r.to->record(event::message_blocked, r.from->id);
        auto const i = ports_.find({r.to->id, target.port()});
        auto const open = i != ports_.end() && !r.to->clock.is_suspended() &&
                          (i->second->local.address().is_unspecified() ||
                           i->second->local.address() == target.address());
        if (!open)
            return r.to->record(event::message_unclaimed, r.from->id);
        auto& port = *i->second;
        if (port.received.size() >= options().receive_capacity)
            return r.to->record(event::message_overflowed, r.from->id);
        if (r.number < link.newest_delivered)
            r.to->record(event::message_reordered, r.from->id);
        link.newest_delivered = std::max(link.newest_delivered, r.number);
        r.to->record(event::message_delivered, r.from->id, bytes.size(), digest(bytes));
        port.received.push_back({source, std::move(bytes)});
        for (auto const& w : port.waits)
            if (w.for_reading)
                port.lane->complete(w.ticket, {});
    }

    surroundings& all_;
    detail::lane lane_;
    random_stream random_;
    detail::links links_;
    std::vector<machine*> machines_;
    std::map<port_id, std::shared_ptr<datagram_port>> ports_;
    std::map<port_id, std::shared_ptr<tcp_listener>> listeners_;
    std::vector<std::weak_ptr<tcp_connection>> connections_; // in the order of their beginnings
};

} // namespace perdure::simulation::detail

#endif
