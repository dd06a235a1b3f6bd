// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_HEARTBEAT_LISTENER_HPP
#define PERDURE_DETECTOR_HEARTBEAT_LISTENER_HPP

#include <perdure/detector/authentication.hpp>
#include <perdure/detector/detail/throw_if_not_open.hpp>
#include <perdure/detector/heartbeat.hpp>
#include <perdure/detector/heartbeat_codec.hpp>
#include <perdure/error.hpp>
#include <perdure/fwd.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/ip/udp.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace perdure {

/// Where to listen, to which cluster, and with which keys.
struct heartbeat_listener_options {
    /// Where to listen; port 0 lets the system choose.
    asio::ip::udp::endpoint listen{asio::ip::udp::v4(), 0};
    /// Heartbeats of other clusters are counted and dropped.
    cluster_id cluster = 0;
    /// The keys of which one must have signed; without keys, heartbeats must be unsigned.
    authentication keys{};
};

/// What came in; everything but `heartbeats` was dropped.
struct heartbeat_listener_counters {
    std::uint64_t heartbeats = 0; ///< Well-formed ones of this cluster, handed on.
    std::uint64_t wrong_cluster = 0; ///< Dropped: of another cluster.
    std::uint64_t not_authentic = 0; ///< Dropped: without a signature by one of the keys.
    std::uint64_t unreadable =
        0; ///< Too short, too long, damaged, malformed, or of a newer major version.
    std::uint64_t receive_errors = 0; ///< Failed receives; the listener goes on.
};

/** Receives heartbeats over UDP in batches, and lets through what is intact, authentic and of the
 *  cluster.
 *
 *  A detector has one inside. It stands alone for those who feed a monitor of their own.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class World>
class basic_heartbeat_listener {
    static_assert(has_datagrams<World>,
                  "a listener needs a World with datagrams");

public:
    using executor_type = typename World::executor_type;

    /// A closed listener; open() binds it.
    basic_heartbeat_listener(World const& world, heartbeat_listener_options options)
        : options_(std::move(options)),
          socket_(world),
          executor_(world.get_executor()),
          storage_(std::make_unique<storage>())
    {
    }

    executor_type get_executor() const { return executor_; }

    /// As they were given.
    heartbeat_listener_options const& options() const noexcept { return options_; }

    /// Opens and binds the socket.
    void open(error_code& ec) { socket_.open(options_.listen, ec); }
    void open()
    {
        error_code ec;
        open(ec);
        detail::throw_if_not_open(ec, "heartbeat_listener::open", options_.listen);
    }
    /// Stops receiving and frees the port. A pending wait completes with operation_aborted. May be
    /// called again.
    void close()
    {
        error_code ignored;
        socket_.close(ignored);
    }

    /// Where it is bound.
    asio::ip::udp::endpoint local_endpoint() const
    {
        error_code ignored;
        return socket_.local_endpoint(ignored);
    }

    /// What became of the datagrams, since the listener was made.
    heartbeat_listener_counters counters() const { return counters_; }

    /** Reads one batch of what is waiting and calls, for each good one in the order of arrival,
     *  `on_heartbeat(heartbeat const&, endpoint const&)`.
     *
     *  @returns how many datagrams were read, good or not: below batch_size, nothing more is
     *      waiting.
     */
    template <class OnHeartbeat>
    std::size_t receive(OnHeartbeat&& on_heartbeat, error_code& ec)
    {
        std::array<incoming_datagram, batch_size> slots;
        for (std::size_t i = 0; i != batch_size; ++i)
            slots[i].storage = (*storage_)[i];
        auto const count = socket_.try_receive(slots, ec);
        counters_.receive_errors += ec.failed();
        for (std::size_t i = 0; i != count; ++i) {
            auto const& slot = slots[i];
            error_code why;
            auto const h = slot.truncated ? (why = errc::too_large, heartbeat{})
                                          : decode_heartbeat(slot.storage.first(slot.size),
                                                             options_.keys, why);
            if (why == errc::not_authentic) {
                ++counters_.not_authentic;
            } else if (why) {
                ++counters_.unreadable;
            } else if (h.cluster != options_.cluster) {
                ++counters_.wrong_cluster;
            } else {
                ++counters_.heartbeats;
                on_heartbeat(h, slot.peer);
            }
        }
        return count;
    }

    /// Waits until something can be read: void(error_code), as the World's datagram socket does.
    template <asio::completion_token_for<void(error_code)> Token = asio::deferred_t>
    [[nodiscard]] auto async_wait(Token&& token = {})
    {
        return socket_.async_wait(asio::ip::udp::socket::wait_read, std::forward<Token>(token));
    }

    static constexpr std::size_t batch_size = 64; ///< Datagrams that one receive takes at most.

private:
    // One byte more than a message may have, so that a longer one is seen to be longer.
    using storage = std::array<std::array<std::byte, heartbeat_size_max + 1>, batch_size>;

    heartbeat_listener_options options_;
    typename World::datagram_socket socket_;
    executor_type executor_;
    std::unique_ptr<storage> storage_;
    heartbeat_listener_counters counters_;
};

} // namespace perdure

#endif
