// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_CONCEPTS_HPP
#define PERDURE_WORLD_CONCEPTS_HPP

#include <perdure/time.hpp>
#include <perdure/world/files.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

// It would break every compound requirement into three lines.
// clang-format off
namespace perdure {

/** A World is a cheap, copyable handle to what one incarnation of one process sees.
 *
 *  `system_world` is the real one; `simulation::world` is a process of a simulated cluster. A
 *  service that is a template on World runs unchanged on both. The concept is split, and a driver
 *  requires only what it uses:
 *
 *      has_executor       typename W::executor_type, w.get_executor(): where handlers run
 *      has_time           w.now(), typename W::timer
 *      has_suspend_clock  w.now_with_suspend(): also counts while the machine sleeps
 *      has_entropy        w.entropy(): 64 unpredictable bits
 *      has_files          typename W::files, w.blocking_files(), w.async_file_job(job, token)
 *      has_datagrams      typename W::datagram_socket
 *      has_streams        typename W::stream, typename W::acceptor
 *
 *  Time, timers and sockets are used from the World's executor only. A World outlives nothing.
 *  Objects made from it hold what they need, and may be destroyed before or after their execution
 *  context; once that has shut down, they do nothing. Every completion token has the default
 *  asio::deferred.
 */
template <class W>
concept has_executor = std::copyable<W> && requires(W const& w) {
    typename W::executor_type;
    requires std::convertible_to<typename W::executor_type, asio::any_io_executor>;
    { w.get_executor() } -> std::same_as<typename W::executor_type>;
};

/** Timers model Asio's waitable timers.
 *
 *      typename W::timer(w)  a timer that has not been set; destroying it cancels its waits
 *      t.expires_at(p)       sets it and cancels its waits
 *      t.expires_after(d)    the same, counted from now
 *      t.expiry()            the time it was set to
 *      t.cancel()            its waits complete with operation_aborted
 *      t.async_wait(token)   void(error_code); honours the associated cancellation slot
 */
template <class W>
concept has_time = has_executor<W> && requires(W const& w, typename W::timer& t,
                                               std::chrono::nanoseconds d, void (*h)(error_code)) {
    { w.now() } -> std::same_as<time_point>;
    requires std::constructible_from<typename W::timer, W const&>;
    t.expires_at(time_point{});
    t.expires_after(d);
    { t.expiry() } -> std::convertible_to<time_point>;
    t.cancel();
    t.async_wait(h);
};

template <class W>
concept has_suspend_clock = requires(W const& w) {
    { w.now_with_suspend() } -> std::same_as<time_point>;
};

template <class W>
concept has_entropy = requires(W const& w) {
    { w.entropy() } -> std::same_as<std::uint64_t>;
};

namespace detail {
// The simplest file job: gets the blocking operations, reports by error_code.
template <class Files>
using plain_file_job = void (*)(Files&, error_code&);
} // namespace detail

/** Files are used by *jobs*: a job is one batch of blocking operations that runs off the loop.
 *
 *      typename W::files             models world_file_operations
 *      w.async_file_job(job, token)  runs job(files&, error_code&); void(error_code), or
 *                                    void(error_code, R) if it returns R (default-constructible
 *                                    and movable)
 *      w.blocking_files()            the same operations on the calling thread, for opening and
 *                                    for tools
 *
 *  Jobs of one World and its copies run one at a time, in the order in which they were initiated.
 *  A job owns its buffers and shares nothing with the loop while it runs. It must not throw.
 *
 *  Cancellation (terminal, partial, total): a job that has not started completes with
 *  operation_aborted and has done nothing; one that has started completes truthfully. When the
 *  execution context is shut down, jobs that have not started are destroyed, and the running one is
 *  awaited and its handler destroyed.
 */
template <class W>
concept has_files =
    has_executor<W> && world_file_operations<typename W::files> &&
    requires(W const& w, detail::plain_file_job<typename W::files> job, void (*h)(error_code)) {
        { w.blocking_files() } -> std::same_as<typename W::files>;
        w.async_file_job(job, h);
    };

/** A World on which a thread may wait for another one: the real one. A simulated process has one
 *  thread, and would wait for itself. `W::yield_thread()` lets others run.
 */
template <class W>
concept blocks_threads = has_files<W> && requires {
    requires W::blocks_threads;
    W::yield_thread();
};

/// One datagram to send. The bytes need to live until try_send returns.
struct outgoing_datagram {
    asio::ip::udp::endpoint peer; ///< Where it goes.
    std::span<std::byte const> bytes; ///< What it carries; may be empty.
};

/// Room for one received datagram. The caller sets `storage`, try_receive sets the rest.
struct incoming_datagram {
    std::span<std::byte> storage; ///< Where the datagram is put.
    asio::ip::udp::endpoint peer{}; ///< Where it came from.
    std::size_t size = 0;   ///< Bytes received into `storage`.
    bool truncated = false; ///< The datagram was longer than `storage`; the rest is lost.
};

/** Datagrams come and go in batches, and waiting is separate from receiving.
 *
 *      typename W::datagram_socket(w)  a closed socket
 *      s.open(local, ec)          opens and binds it; port 0 lets the system choose
 *      s.local_endpoint(ec)       where it is bound
 *      s.try_receive(slots, ec)   receives what is waiting, at most slots.size(); 0 and no error
 *                                 if nothing is
 *      s.try_send(batch, ec)      sends from the front and returns how many went: all, or fewer
 *                                 and no error if the rest would block, or fewer and the error
 *                                 of the next one
 *      s.async_wait(what, token)  void(error_code), when readable or writable
 *                                 (asio::socket_base::wait_type)
 *      s.cancel()                 its waits complete with operation_aborted
 *      s.close(ec)                closes it and cancels its waits
 */
template <class W>
concept has_datagrams =
    has_executor<W> &&
    requires(W const& w, typename W::datagram_socket& s, asio::ip::udp::endpoint at,
             std::span<incoming_datagram> in, std::span<outgoing_datagram const> out,
             asio::ip::udp::socket::wait_type what, error_code& ec, void (*h)(error_code)) {
        requires std::constructible_from<typename W::datagram_socket, W const&>;
        s.open(at, ec);
        { s.local_endpoint(ec) } -> std::same_as<asio::ip::udp::endpoint>;
        { s.try_receive(in, ec) } -> std::same_as<std::size_t>;
        { s.try_send(out, ec) } -> std::same_as<std::size_t>;
        s.async_wait(what, h);
        s.cancel();
        s.close(ec);
    };

/** Streams model Asio's AsyncReadStream and AsyncWriteStream, so that TLS fits on top.
 *
 *      typename W::stream(w)       a closed stream; movable; destroying it closes it
 *      s.async_connect(peer, token)             void(error_code)
 *      s.async_read_some(buffers, token)        void(error_code, std::size_t)
 *      s.async_write_some(buffers, token)       void(error_code, std::size_t)
 *      s.shutdown(ec)              no more will be sent; the peer reads asio::error::eof
 *      s.remote_endpoint(ec), s.cancel(), s.close(ec), s.is_open(), s.get_executor(),
 *      s.lowest_layer(), executor_type, lowest_layer_type      as for Asio's sockets
 *
 *      typename W::acceptor(w)     a closed acceptor
 *      a.open(local, ec)           opens, binds and listens; port 0 lets the system choose
 *      a.async_accept(token)       void(error_code, typename W::stream)
 *      a.local_endpoint(ec), a.cancel(), a.close(ec)           as for Asio's sockets
 */
template <class W>
concept has_streams =
    has_executor<W> &&
    requires(W const& w, typename W::stream& s, typename W::acceptor& a, asio::ip::tcp::endpoint at,
             asio::mutable_buffer in, asio::const_buffer out, error_code& ec, void (*h)(error_code),
             void (*io)(error_code, std::size_t),
             void (*accepted)(error_code, typename W::stream)) {
        requires std::constructible_from<typename W::stream, W const&>;
        requires std::movable<typename W::stream>;
        typename W::stream::executor_type;
        typename W::stream::lowest_layer_type;
        { s.get_executor() } -> std::convertible_to<asio::any_io_executor>;
        { s.lowest_layer() } -> std::same_as<typename W::stream::lowest_layer_type&>;
        requires std::constructible_from<typename W::acceptor, W const&>;
        s.async_connect(at, h);
        s.async_read_some(in, io);
        s.async_write_some(out, io);
        s.shutdown(ec);
        { s.remote_endpoint(ec) } -> std::same_as<asio::ip::tcp::endpoint>;
        { s.is_open() } -> std::same_as<bool>;
        s.cancel();
        s.close(ec);
        a.open(at, ec);
        { a.local_endpoint(ec) } -> std::same_as<asio::ip::tcp::endpoint>;
        a.async_accept(accepted);
        a.cancel();
        a.close(ec);
    };

/// All of a World.
template <class W>
concept complete_world = has_time<W> && has_suspend_clock<W> && has_entropy<W> && has_files<W> &&
                         has_datagrams<W> && has_streams<W>;

/** What a driver's constructor accepts: an execution context, an executor, or a World.
 *
 *  Who uses the system's world never sees World: `wal log(io_context, options)`.
 */
template <class Source, class World>
concept world_source = std::constructible_from<World, Source>;

} // namespace perdure
// clang-format on

#endif
