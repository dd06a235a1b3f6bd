// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_HEARTBEAT_SENDER_HPP
#define PERDURE_DETECTOR_HEARTBEAT_SENDER_HPP

#include <perdure/detector/authentication.hpp>
#include <perdure/detector/detail/require.hpp>
#include <perdure/detector/detail/throw_if_not_open.hpp>
#include <perdure/detector/heartbeat.hpp>
#include <perdure/detector/heartbeat_codec.hpp>
#include <perdure/detector/heartbeat_schedule.hpp>
#include <perdure/error.hpp>
#include <perdure/fwd.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/ip/udp.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace perdure {

/** A boot id from the wall clock, in microseconds.
 *
 *  Right as long as nobody sets the clock back between two starts of the node. A counter that the
 *  node keeps durably is right always.
 */
template <class Calls>
boot_id make_boot_id(basic_system_world<Calls> const&)
{
    return static_cast<boot_id>(std::chrono::duration_cast<std::chrono::microseconds>(
                                    std::chrono::system_clock::now().time_since_epoch())
                                    .count());
}

/// In other Worlds, from steady time: right while the machine runs. A loss of power may set that time back; then give
/// heartbeat_sender_options::boot a counter that the node keeps durably.
template <has_time World>
boot_id make_boot_id(World const& world)
{
    return 1 + static_cast<boot_id>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        world.now().time_since_epoch())
                                        .count());
}

/// Who sends, to whom, how often, and with which key.
struct heartbeat_sender_options {
    cluster_id cluster = 0; ///< Must equal the listeners'.
    node_id node = 0; ///< Who sends; unique in the cluster.
    /// Greater than at every earlier start of the node; 0 takes make_boot_id().
    boot_id boot = 0;
    /// Between heartbeats, at least 1 ms and at most an hour.
    std::chrono::microseconds interval{std::chrono::milliseconds(250)};
    /// The address to send from; port 0 lets the system choose.
    asio::ip::udp::endpoint from{asio::ip::udp::v4(), 0};
    /// Who listens. More can be added later.
    std::vector<asio::ip::udp::endpoint> listeners{};
    /// The first key signs; without keys, heartbeats are unsigned.
    authentication keys{};
};

/// What a sender has done since it was opened.
struct heartbeat_sender_counters {
    std::uint64_t sent = 0;    ///< Datagrams that the system took.
    std::uint64_t dropped = 0; ///< Datagrams for which it had no room at that moment.
    std::uint64_t failed = 0;  ///< Datagrams that it refused; see last_error().
    std::uint64_t skipped = 0; ///< Slots that had passed when the sender's timer was served.
};

/** Sends heartbeats to listeners over UDP, from open() until it is destroyed.
 *
 *  Heartbeats that cannot be sent are dropped and counted: the next one says all that they said.
 *  The sender beats as long as its event loop turns. That is the point: a process whose loop hangs
 *  is not up. What the loop does not show, such as a stuck log, goes into set_progress().
 *
 *  @par Model          at most one socket error is reported per datagram; nothing is repeated.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe; use it from its executor.
 *  @par Object lifetimes  may be destroyed before or after the event loop.
 */
template <class World>
class basic_heartbeat_sender {
    static_assert(has_time<World> && has_datagrams<World>,
                  "a sender needs a World with time and datagrams");

public:
    using executor_type = typename World::executor_type;

    /** @param source  an execution context, an executor, or a World.
     *  Throws `std::invalid_argument` naming the field, its value and the rule.
     */
    template <world_source<World> Source>
    basic_heartbeat_sender(Source&& source, heartbeat_sender_options options)
        : impl_(std::make_shared<impl>(World(std::forward<Source>(source)), std::move(options)))
    {
    }
    basic_heartbeat_sender(basic_heartbeat_sender&&) = default;
    basic_heartbeat_sender& operator=(basic_heartbeat_sender&&) = default;

    executor_type get_executor() const { return impl_->world.get_executor(); }

    /// Opens the socket and begins to send; the first heartbeat goes out as soon as the loop turns.
    void open(error_code& ec) { impl_->open(ec); }
    void open()
    {
        error_code ec;
        open(ec);
        detail::throw_if_not_open(ec, "heartbeat_sender::open", impl_->options.from);
    }

    /// Stops sending, without a word.
    void close() { impl_->close(); }

    /** Sends a last heartbeat that says that the node stops on purpose, and closes. Listeners
     *  report the node down at once; if the heartbeat is lost, as soon as it is missed. Opened again, the node is back.
     */
    void leave() { impl_->leave(); }

    /// From the next heartbeat on, tells listeners how far the node's own work has come.
    void set_progress(work_progress progress) { impl_->content.progress = progress; }

    /// From now on beats at another interval and promises it.
    void set_interval(std::chrono::microseconds interval) { impl_->set_interval(interval); }

    /// Sends to `listener` as well, from the next slot on; nothing happens if it is one already.
    /// O(listeners).
    void add_listener(asio::ip::udp::endpoint const& listener)
    {
        auto& all = impl_->options.listeners;
        if (std::find(all.begin(), all.end(), listener) == all.end())
            all.push_back(listener);
    }
    /// Sends no more to `listener`; nothing happens if it is none. O(listeners).
    void remove_listener(asio::ip::udp::endpoint const& listener)
    {
        std::erase(impl_->options.listeners, listener);
    }

    /// The boot id that the heartbeats carry.
    boot_id boot() const { return impl_->content.boot; }
    /// Where heartbeats are sent from, once started; a default endpoint before.
    asio::ip::udp::endpoint local_endpoint() const
    {
        error_code ignored;
        return impl_->socket.local_endpoint(ignored);
    }
    /// What was sent, since the sender was made.
    heartbeat_sender_counters counters() const
    {
        auto c = impl_->counters;
        c.skipped = impl_->schedule.skipped();
        return c;
    }
    /// Of the latest datagram that the system refused.
    error_code last_error() const { return impl_->last_error; }

private:
    struct impl : std::enable_shared_from_this<impl> {
        impl(World w, heartbeat_sender_options o)
            : world(std::move(w)),
              options(std::move(o)),
              socket(world),
              timer(world),
              schedule(checked(options.interval), world.now())
        {
            content.cluster = options.cluster;
            content.node = options.node;
            content.boot = options.boot != 0 ? options.boot : make_boot_id(world);
            content.interval = options.interval;
        }

        static std::chrono::microseconds checked(std::chrono::microseconds interval)
        {
            detail::require_option(interval >= std::chrono::milliseconds(1) &&
                                       interval <= std::chrono::hours(1),
                                   "heartbeat_sender_options::interval", interval,
                                   "at least 1 ms and at most an hour");
            return interval;
        }

        void open(error_code& ec)
        {
            socket.open(options.from, ec);
            if (ec)
                return;
            opened = true;
            content.leaving = false;
            schedule.set_interval(content.interval, world.now());
            wait();
        }

        void close()
        {
            opened = false;
            error_code ignored;
            timer.cancel();
            socket.close(ignored);
        }

        void leave()
        {
            if (!opened)
                return;
            content.leaving = true;
            send(schedule.take(world.now()));
            close();
        }

        void set_interval(std::chrono::microseconds interval)
        {
            content.interval = checked(interval);
            schedule.set_interval(interval, world.now());
            if (opened)
                wait();
        }

        void wait()
        {
            timer.expires_at(schedule.next_deadline());
            timer.async_wait([weak = this->weak_from_this()](error_code ec) {
                auto const self = weak.lock();
                if (ec || !self || !self->opened)
                    return;
                if (auto const sequence = self->schedule.handle_timeout(self->world.now()))
                    self->send(*sequence);
                self->wait();
            });
        }

        void send(std::uint64_t sequence)
        {
            content.sequence = sequence;
            std::array<std::byte, heartbeat_size_written_max> room;
            auto const bytes = encode_heartbeat(content, options.keys, room);
            outgoing.clear();
            for (auto const& listener : options.listeners)
                outgoing.push_back({listener, bytes});
            std::span<outgoing_datagram const> rest(outgoing);
            while (!rest.empty()) {
                error_code ec;
                auto const count = socket.try_send(rest, ec);
                counters.sent += count;
                rest = rest.subspan(count);
                if (!ec) {
                    counters.dropped += rest.size();
                    return;
                }
                if (rest.empty())
                    return;
                // This listener cannot be reached; the others may be.
                last_error = ec;
                ++counters.failed;
                rest = rest.subspan(1);
            }
        }

        World world;
        heartbeat_sender_options options;
        typename World::datagram_socket socket;
        typename World::timer timer;
        heartbeat_schedule schedule;
        heartbeat content;
        heartbeat_sender_counters counters;
        error_code last_error;
        std::vector<outgoing_datagram> outgoing;
        bool opened = false;
    };

    std::shared_ptr<impl> impl_;
};

} // namespace perdure

#endif
