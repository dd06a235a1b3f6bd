// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_DETECTOR_HPP
#define PERDURE_DETECTOR_DETECTOR_HPP

#include <perdure/detector/detail/throw_if_not_open.hpp>
#include <perdure/detector/event.hpp>
#include <perdure/detector/heartbeat_listener.hpp>
#include <perdure/detector/monitor.hpp>
#include <perdure/detector/phi_accrual.hpp>
#include <perdure/error.hpp>
#include <perdure/fwd.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/system_world.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace perdure {

/// What a detector listens to, and how it judges.
template <class Estimator>
struct basic_detector_options {
    static_assert(estimator<Estimator>,
                  "Estimator has to be copyable, constructible from its options_type, and to have handle_heartbeat, "
                  "deadline, level, threshold, samples, reset, options and set_options; see the concept estimator");

    heartbeat_listener_options listener{}; ///< Where and how heartbeats are received.
    monitor_options monitor{}; ///< How peers are watched.
    typename Estimator::options_type estimator{}; ///< When silence becomes suspicious.
};

/** Listens to heartbeats over UDP and reports when a peer comes up, is suspected, goes down, or
 *  restarts.
 *
 *  It works from open() until it is destroyed or closed, whether somebody waits for events or not;
 *  events are kept until they are fetched, at most the latest of each peer when very many pile up.
 *
 *  @tparam Estimator   the model that judges one peer; see the concept `estimator`.
 *  @par Model          that of `monitor`, which takes every decision; this class only feeds it.
 *  @par Cost           one socket, one timer, no thread. See monitor.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe; use it from its executor,
 *                      which on a loop with several threads has to be a strand.
 *  @par Object lifetimes  may be destroyed before or after the event loop; waits then complete with
 *                      `operation_aborted`, or are destroyed with the loop.
 */
template <class Estimator, class World>
class basic_detector {
    static_assert(estimator<Estimator>,
                  "Estimator has to be copyable, constructible from its options_type, and to have handle_heartbeat, "
                  "deadline, level, threshold, samples, reset, options and set_options; see the concept estimator");
    static_assert(has_time<World> && has_datagrams<World>,
                  "a detector needs a World with time and datagrams");

public:
    using executor_type = typename World::executor_type;
    using options_type = basic_detector_options<Estimator>;
    using estimator_options = typename Estimator::options_type;

    /** @param source  an execution context, an executor, or a World.
     *  Throws `std::invalid_argument` naming the field, its value and the rule.
     */
    template <world_source<World> Source>
    explicit basic_detector(Source&& source, options_type options = {})
        : impl_(std::make_shared<impl>(World(std::forward<Source>(source)), std::move(options)))
    {
    }
    basic_detector(basic_detector&&) = default;
    basic_detector& operator=(basic_detector&& other)
    {
        if (impl_ && this != &other)
            impl_->close();
        impl_ = std::move(other.impl_);
        return *this;
    }
    ~basic_detector()
    {
        if (impl_)
            impl_->close();
    }

    executor_type get_executor() const { return impl_->world.get_executor(); }

    /// Opens the socket and begins to listen.
    void open(error_code& ec) { impl_->open(ec); }
    void open()
    {
        error_code ec;
        open(ec);
        detail::throw_if_not_open(ec, "detector::open", impl_->listener.options().listen);
    }

    /// Stops listening. Waits complete with `operation_aborted`; those that begin later too, once they have fetched
    /// the events that are left. It may be opened again.
    void close() { impl_->close(); }

    /// Where it listens; senders need it.
    asio::ip::udp::endpoint local_endpoint() const { return impl_->listener.local_endpoint(); }

    /** Watches a node. Its status is unknown until it is heard or the startup grace is over.
     *  @returns false, without effect, if it is watched already or `peers_max` peers are.
     */
    bool add_peer(node_id node)
    {
        bool const added = impl_->monitor.add_peer(node, impl_->world.now());
        impl_->settle();
        return added;
    }

    /// Stops watching a node, without an event; events not yet fetched may still come.
    bool remove_peer(node_id node) { return impl_->monitor.remove_peer(node); }

    /// Changes the model's parameters of all peers, and keeps their histories.
    void set_estimator_options(estimator_options const& options)
    {
        impl_->monitor.set_estimator_options(options, impl_->world.now());
        impl_->settle();
    }

    /// Changes the monitor's options.
    void set_monitor_options(monitor_options const& options)
    {
        impl_->monitor.set_options(options, impl_->world.now());
        impl_->settle();
    }

    /// Nothing if the node is not watched.
    std::optional<peer_status> status(node_id node) const { return impl_->monitor.status(node); }

    /// What is known of a peer now; nothing if it is not watched.
    std::optional<peer_evidence> evidence(node_id node) const
    {
        return impl_->monitor.evidence(node, impl_->world.now());
    }

    /// How many peers are watched.
    std::size_t peers_count() const { return impl_->monitor.peers_count(); }
    /// What became of the heartbeats, since the detector was made.
    monitor_counters counters() const { return impl_->monitor.counters(); }
    /// What became of the datagrams, since the detector was made.
    heartbeat_listener_counters listener_counters() const { return impl_->listener.counters(); }

    /** Waits for the next event. Of several waits each gets an event of its own, in their order.
     *
     *  @par Completion signature        void(error_code, peer_event)
     *  @par Errors                      asio::error::operation_aborted if cancelled or closed; the
     *                                   socket's error if it can no longer be waited for (the
     *                                   detector tries again at its next timeout, at the latest
     *                                   after `pulse`).
     *  @par Per-operation cancellation  terminal, partial, total: no event is lost, the next wait
     *                                   gets it.
     *  @par Executor                    the handler's associated executor, else get_executor();
     *                                   never inline. Its work is tracked.
     *  @par Object lifetimes            *this may be destroyed; the wait completes with
     *                                   operation_aborted.
     */
    template <asio::completion_token_for<void(error_code, peer_event)> Token = asio::deferred_t>
    [[nodiscard]] auto async_wait_event(Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, peer_event)>(initiation{impl_}, token);
    }

    /// Waits complete with `operation_aborted`. The detector goes on, and no event is lost.
    void cancel() { impl_->waiting.cancel_all(); }

private:
    struct impl : std::enable_shared_from_this<impl> {
        impl(World w, options_type o)
            : world(std::move(w)),
              listener(world, std::move(o.listener)),
              timer(world),
              monitor(o.monitor, o.estimator),
              waiting(world.get_executor())
        {
        }

        void open(error_code& ec)
        {
            listener.open(ec);
            if (ec)
                return;
            opened = true;
            closed = false;
            listen();
            settle();
        }

        void close()
        {
            opened = false;
            closed = true;
            armed.reset();
            ++arming;
            timer.cancel();
            listener.close();
            waiting.cancel_all();
        }

        void listen()
        {
            listening = true;
            listener.async_wait([weak = this->weak_from_this(), number = ++listens](error_code ec) {
                auto const self = weak.lock();
                if (!self || !self->opened || self->listens != number)
                    return; // Also a wait that an earlier close ended.
                self->listening = false;
                if (ec) {
                    // Without a pause a socket that is broken for good would keep the loop busy, so
                    // the timer tries again.
                    self->failure = ec;
                } else {
                    self->read(datagrams_in_turn);
                    self->listen();
                }
                self->settle();
            });
        }

        // Reads until nothing is waiting or so many datagrams have come.
        void read(std::size_t datagrams_max)
        {
            for (std::size_t count = 0; count < datagrams_max;) {
                error_code ec;
                auto const now = world.now();
                auto const batch = listener.receive(
                    [&](heartbeat const& h, asio::ip::udp::endpoint const&) {
                        monitor.handle_heartbeat(h, now);
                    },
                    ec);
                count += batch;
                if (ec || batch < listener.batch_size)
                    return;
            }
        }

        // After every input: does what the monitor asks for.
        void settle()
        {
            if (!opened)
                return;
            for (int turn = 0; turn != 4 && monitor.wants_drain(); ++turn) {
                read(datagrams_in_drain);
                monitor.handle_drained(world.now());
            }
            deliver();
            arm();
        }

        void deliver()
        {
            if (failure && !waiting.empty())
                waiting.complete_front(std::exchange(failure, error_code()), peer_event());
            while (!waiting.empty()) {
                auto event = monitor.poll_event();
                if (!event)
                    break;
                waiting.complete_front(error_code(), std::move(*event));
            }
            if (closed)
                waiting.cancel_all(); // Nothing more will come.
        }

        void arm()
        {
            // A monitor that still wants a drain was stalled again and again; the loop gets its
            // turn.
            auto next =
                monitor.wants_drain() ? std::optional(world.now()) : monitor.next_deadline();
            // Also if no peer can be lost: one may come up.
            if (!next && !listening)
                next = world.now() + monitor.options().pulse;
            // A timer that is set too early finds nothing to do and is set anew, which costs less
            // than setting it for every heartbeat.
            if (!next || (armed && *armed <= *next))
                return;
            armed = next;
            timer.expires_at(*next);
            timer.async_wait([weak = this->weak_from_this(), number = ++arming](error_code ec) {
                auto const self = weak.lock();
                if (ec || !self || !self->opened || self->arming != number)
                    return;
                self->armed.reset();
                self->monitor.handle_timeout(self->world.now());
                if (!self->listening)
                    self->listen();
                self->settle();
            });
        }

        World world;
        basic_heartbeat_listener<World> listener;
        typename World::timer timer;
        perdure::monitor<Estimator> monitor;
        waiter_queue<void(error_code, peer_event)> waiting;
        std::optional<time_point> armed;
        std::uint64_t arming = 0;
        std::uint64_t listens = 0;
        error_code failure;
        bool opened = false;
        bool closed = false; // and not opened again
        bool listening = false;

        // Other handlers of the loop get a turn after this many.
        static constexpr std::size_t datagrams_in_turn = 1024;
        // More than a socket's buffer usually holds; bounds the drain when they come faster than
        // read.
        static constexpr std::size_t datagrams_in_drain = 65536;
    };

    struct initiation {
        using executor_type = typename World::executor_type;
        executor_type get_executor() const { return driver->world.get_executor(); }

        template <class Handler>
        void operator()(Handler&& handler) const
        {
            driver->waiting.push(std::forward<Handler>(handler));
            driver->deliver();
        }

        std::shared_ptr<impl> driver;
    };

    std::shared_ptr<impl> impl_;
};

} // namespace perdure

#endif
