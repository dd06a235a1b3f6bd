// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef OPERATIONS_SERVICE_HPP
#define OPERATIONS_SERVICE_HPP

#include "http.hpp"
#include "metrics.hpp"
#include "systemd.hpp"

#include <perdure/config.hpp>
#include <perdure/detector/detector.hpp>
#include <perdure/detector/heartbeat_sender.hpp>
#include <perdure/durable.hpp>
#include <perdure/world/shutdown.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <charconv>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace operations {

using namespace std::chrono_literals;

struct counter {
    long value = 0;
    long apply(long by) { return value += by; }
    void serialize(auto& archive, unsigned) { archive& value; }
};

struct service_options {
    std::string directory = "operations.state";
    std::string settings_file; ///< Read at the start and at SIGHUP; none if empty.
    unsigned short http_port = 0;
    perdure::node_id node = 1;
    std::vector<perdure::node_id> peers;                 ///< Watched here.
    std::vector<asio::ip::udp::endpoint> peers_listen{}; ///< Where they watch this node.
    /// How long to go on serving after /readyz has begun to say no: until the load balancers have noticed.
    std::chrono::milliseconds notice{3000};
    /// For the requests under way then: a client that never ends its own must not cost the last snapshot.
    std::chrono::milliseconds drain_at_most{10000};
    /// All of stopping, the notice included. Kubernetes kills after 30 s, systemd after 90 s unless told otherwise.
    std::chrono::milliseconds stop_within{20000};
};

/** A durable counter that watches its peers, as an orchestrator wants a service to be.
 *
 *  /healthz   200 while the loop turns and the log works: "do not restart me". Nothing else belongs into it: if a dependency
 *             that all instances share were asked here, its outage would restart them all.
 *  /readyz    200 from the end of recovery to the beginning of stopping: "send me requests".
 *  /metrics   for Prometheus.
 *  POST /add  adds one, and answers when that is on disk.
 *
 *  SIGHUP reads the timeouts again, SIGTERM and SIGINT stop: say no to new requests, finish those under way, take leave of
 *  the peers, take a last snapshot, close the log; in bounded time.
 */
class service {
public:
    enum class phase { recovering, ready, stopping, stopped };

    service(asio::io_context& io, service_options options)
        : io_(io), options_(std::move(options)),
          total_(io, {.directory = options_.directory}),
          detector_(io.get_executor(), detector_options(options_)), supervisor_(io.get_executor()),
          http_(io.get_executor(), options_.http_port,
                [this](request r) { return handle(std::move(r)); }),
          signals_(io, SIGTERM, SIGINT), reload_(io, SIGHUP)
    {
        asio::co_spawn(io_, run(), [this](std::exception_ptr e) {
            if (e)
                failed_ = e;
            if (e)
                io_.stop();
        });
    }

    unsigned short port() const { return http_.port(); }
    phase now() const { return phase_; }
    perdure::detector::estimator_options const& timeouts() const { return estimator_; }
    asio::ip::udp::endpoint heartbeats() const { return detector_.local_endpoint(); }
    /// How stopping went.
    perdure::shutdown_report const& stopped() const { return stopped_; }
    void rethrow() const
    {
        if (failed_)
            std::rethrow_exception(failed_);
    }

private:
    static perdure::detector_options detector_options(service_options const&)
    {
        perdure::detector_options o;
        o.listener.listen = {asio::ip::address_v4::loopback(), 0};
        o.listener.cluster = 42;
        return o;
    }

    asio::awaitable<void> run()
    {
        supervisor_.notify("STATUS=recovering");
        asio::co_spawn(io_, http_.run(), asio::detached); // Probes are answered while it recovers.
        asio::co_spawn(io_, watchdog(), asio::detached);
        auto const report = co_await total_.async_open(asio::use_awaitable);
        std::cout << "recovered: " << report << std::endl;
        read_settings();
        detector_.open();
        if (!options_.peers_listen.empty()) {
            perdure::heartbeat_sender_options beats;
            beats.cluster = 42;
            beats.node = options_.node;
            beats.interval = 50ms;
            beats.listeners = options_.peers_listen;
            sender_.emplace(io_, beats).open();
        }
        for (auto const peer : options_.peers)
            detector_.add_peer(peer);
        asio::co_spawn(io_, watch_peers(), asio::detached);
        asio::co_spawn(io_, reload(), asio::detached);
        phase_ = phase::ready;
        supervisor_.notify("READY=1\nSTATUS=serving");

        auto const signal = co_await signals_.async_wait(asio::use_awaitable);
        std::cout << "signal " << signal << ": stopping" << std::endl;
        co_await stop();
    }

    //[ graceful_stop
    /// Leave, drain, last snapshot, close; whatever happens it is over after stop_within.
    asio::awaitable<void> stop()
    {
        phase_ = phase::stopping; // /readyz says no from here on.
        supervisor_.notify("STOPPING=1");
        asio::steady_timer notice(io_, options_.notice);
        perdure::shutdown_steps steps;
        steps.then("serving on until the load balancers have noticed", notice.async_wait(asio::deferred))
            .then("taking leave of the peers", [this] { leave(); })
            .then("finishing the requests under way", asio::co_spawn(io_, drain(), asio::deferred),
                  options_.drain_at_most)
            .then("taking the last snapshot", total_.async_snapshot())
            .then("closing the log", total_.async_close())
            .on_begin([this](std::string_view step) {
                supervisor_.notify("STATUS=" + std::string(step));
                std::cout << "stopping: " << step << std::endl;
            });
        stopped_ = co_await perdure::async_shutdown(io_, std::move(steps), options_.stop_within,
                                                    asio::use_awaitable);
        phase_ = phase::stopped;
        std::cout << stopped_ << ", total " << total_.state().value << std::endl;
        reload_.cancel();
        watchdog_timer_.cancel();
        if (!stopped_.in_good_order())
            io_.stop(); // Nothing that was acknowledged is lost: it is on disk already.
    }
    //]

    void leave()
    {
        if (sender_)
            sender_->leave(); // They know at once, and need not suspect first.
        detector_.close();
    }

    asio::awaitable<void> drain()
    {
        http_.stop_accepting();
        asio::steady_timer timer(io_);
        while (http_.under_way() != 0) {
            timer.expires_after(5ms);
            co_await timer.async_wait(asio::use_awaitable);
        }
    }

    /// Beats only while the loop turns and the log takes commands; systemd restarts what stops beating.
    asio::awaitable<void> watchdog()
    {
        auto const interval = supervisor::watchdog_interval();
        while (interval > 0us && phase_ != phase::stopped) {
            if (!log_failed_)
                supervisor_.notify("WATCHDOG=1");
            watchdog_timer_.expires_after(interval);
            co_await watchdog_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
        }
    }

    asio::awaitable<void> watch_peers()
    {
        for (;;) {
            auto const [ec, event] =
                co_await detector_.async_wait_event(asio::as_tuple(asio::use_awaitable));
            if (ec)
                co_return;
            std::cout << event << std::endl;
            ++peer_events_;
        }
    }

    asio::awaitable<void> reload()
    {
        for (;;) {
            auto const [ec, signal] =
                co_await reload_.async_wait(asio::as_tuple(asio::use_awaitable));
            if (ec)
                co_return;
            read_settings();
        }
    }

    /// Lines `name = milliseconds`. A bad file changes nothing and is reported: a running service does not die of it.
    void read_settings()
    {
        if (options_.settings_file.empty())
            return;
        auto estimator = estimator_;
        auto monitor = monitor_;
        try {
            std::ifstream file(options_.settings_file);
            std::string name, equals;
            for (long value = 0; file >> name >> equals >> value;) {
                auto const time = std::chrono::milliseconds(value);
                if (name == "acceptable_pause_ms")
                    estimator.acceptable_pause = time;
                else if (name == "expected_interval_ms")
                    estimator.expected_interval = time;
                else if (name == "down_after_ms")
                    monitor.down_after = time;
                else
                    throw std::invalid_argument("there is no setting " + name);
            }
            if (!file.eof())
                throw std::invalid_argument(options_.settings_file + " cannot be read to its end");
            detector_.set_estimator_options(estimator); // Both throw on a bad value.
            detector_.set_monitor_options(monitor);
        } catch (std::exception const& e) {
            detector_.set_estimator_options(estimator_); // Also where only the second was bad.
            std::cout << "settings unchanged: " << e.what() << std::endl;
            return;
        }
        estimator_ = estimator;
        monitor_ = monitor;
        std::cout << "settings: acceptable_pause "
                  << std::chrono::duration_cast<std::chrono::milliseconds>(estimator.acceptable_pause).count()
                  << " ms, down_after "
                  << std::chrono::duration_cast<std::chrono::milliseconds>(monitor.down_after).count() << " ms"
                  << std::endl;
    }

    asio::awaitable<response> handle(request r)
    {
        if (r.target == "/healthz")
            co_return response{log_failed_ ? 503 : 200, log_failed_ ? "the log failed\n" : "ok\n"};
        if (r.target == "/readyz") {
            static char const* const why[] = {"recovering\n", "ready\n", "stopping\n", "stopped\n"};
            co_return response{phase_ == phase::ready ? 200 : 503, why[static_cast<int>(phase_)]};
        }
        if (r.target == "/metrics")
            co_return response{200, metrics(), "text/plain; version=0.0.4; charset=utf-8"};
        if (r.target == "/add" && r.method == "POST") {
            if (phase_ == phase::recovering || phase_ == phase::stopped)
                co_return response{503, "not ready\n"};
            auto const [ec, total] =
                co_await total_.async_execute(1, asio::as_tuple(asio::use_awaitable));
            ++(ec ? failed_calls_ : good_calls_);
            if (!ec)
                co_return response{200, std::to_string(total) + "\n"};
            // A failed log takes nothing more; the next incarnation recovers what was acknowledged.
            log_failed_ = ec == perdure::errc::log_failed;
            co_return response{503, ec.message() + "\n"};
        }
        co_return response{404, "there are /healthz, /readyz, /metrics and POST /add\n"};
    }

    std::string metrics() const
    {
        metrics_text m;
        m.gauge("perdure_build_info", "The version of perdure.", 1,
                {{"version", std::to_string(PERDURE_VERSION_MAJOR) + "." +
                                 std::to_string(PERDURE_VERSION_MINOR)}});
        m.counter("perdure_calls_total", "Requests to add, by outcome.",
                  static_cast<double>(good_calls_), {{"outcome", "ok"}});
        m.counter("perdure_calls_total", "", static_cast<double>(failed_calls_),
                  {{"outcome", "failed"}});
        auto const log = total_.counters();
        m.counter("perdure_log_records_total", "Commands written to the log.",
                  static_cast<double>(log.records));
        m.counter("perdure_log_appended_bytes_total", "Bytes written to the log, with all overhead.",
                  static_cast<double>(log.bytes));
        m.counter("perdure_log_syncs_total", "Syncs of segments with records.",
                  static_cast<double>(log.syncs));
        m.gauge("perdure_snapshot_failed", "1 while the last background snapshot had failed.",
                total_.snapshot_error() ? 1 : 0);
        std::map<std::string, int> states{{"unknown", 0}, {"up", 0}, {"suspect", 0}, {"down", 0}};
        for (auto const peer : options_.peers)
            if (auto const status = detector_.status(peer))
                ++states[std::string(name_of(*status))];
        for (auto const& [state, count] : states)
            m.gauge("perdure_members", "Watched peers by status.", count, {{"state", state}});
        m.counter("perdure_member_events_total", "Changes of a peer's status.",
                  static_cast<double>(peer_events_));
        m.counter("perdure_detector_stalls_total", "How often this process itself was late.",
                  static_cast<double>(detector_.counters().stalls));
        m.gauge("perdure_detector_acceptable_pause_seconds", "A setting that SIGHUP reads again.",
                std::chrono::duration<double>(estimator_.acceptable_pause).count());
        return m.str();
    }

    static char const* name_of(perdure::peer_status s)
    {
        switch (s) {
        case perdure::peer_status::up: return "up";
        case perdure::peer_status::suspect: return "suspect";
        case perdure::peer_status::down: return "down";
        default: return "unknown";
        }
    }

    asio::io_context& io_;
    service_options options_;
    perdure::durable<counter, long> total_;
    perdure::detector detector_;
    std::optional<perdure::heartbeat_sender> sender_;
    supervisor supervisor_;
    http_endpoint http_;
    asio::signal_set signals_, reload_;
    asio::steady_timer watchdog_timer_{io_};
    perdure::detector::estimator_options estimator_{};
    perdure::monitor_options monitor_{};
    phase phase_ = phase::recovering;
    bool log_failed_ = false;
    std::uint64_t good_calls_ = 0, failed_calls_ = 0, peer_events_ = 0;
    perdure::shutdown_report stopped_{};
    std::exception_ptr failed_;
};

} // namespace operations

#endif
