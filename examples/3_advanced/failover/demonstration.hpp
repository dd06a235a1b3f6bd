// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_DEMONSTRATION_HPP
#define FAILOVER_DEMONSTRATION_HPP

#include "coordinator.hpp"
#include "forecast.hpp"
#include "ledger.hpp"
#include "options.hpp"
#include "processes.hpp"
#include "quorum_client.hpp"
#include "report.hpp"
#include "rot.hpp"
#include "timeline.hpp"
#include "tree.hpp"
#include "workload.hpp"
#include <perdure/availability/history.hpp>
#include <perdure/detector.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace failover {

using namespace std::chrono_literals;

/** The driver process: starts the storage processes, watches them, moves the map, writes and reads under
 *  load, injects the faults, and judges in the end.
 */
class demonstration {
public:
    using World = perdure::system_world;

    demonstration(options o, tree source)
        : options_(std::move(o)),
          tree_(std::move(source)),
          world_(io_),
          addresses_(free_addresses(io_, nodes_at_end)),
          peers_(world_, addresses_),
          detector_(world_, detector_options()),
          ledger_([this](std::string const& key, std::uint64_t version) {
              return content_of(tree_, key, version);
          }),
          client_(peers_, std::make_shared<shard_map const>(), patience())
    {
        coordinator<World>::events events;
        events.published = [this](auto map) { client_.use(std::move(map)); };
        events.tells = [this](std::string const& what) { timeline_.say(what); };
        events.sizes = [this] { return sizes_of_slots(ledger_.keys(), tree_); };
        coordinator_ =
            std::make_shared<coordinator<World>>(peers_, coordinator_options{}, std::move(events));
    }

    /// The exit status.
    int run()
    {
        asio::signal_set interrupt(io_, SIGINT, SIGTERM);
        interrupt.async_wait([this](error_code ec, int) {
            if (!ec) {
                timeline_.say("interrupted: stopping all processes");
                status_ = interrupted;
                io_.stop();
            }
        });
        asio::co_spawn(io_, act(), [this](std::exception_ptr error) {
            try {
                if (error)
                    std::rethrow_exception(error);
            } catch (std::exception const& e) {
                timeline_.say(std::string("the run failed: ") + e.what());
            }
            io_.stop();
        });
        io_.run();
        for (auto& [id, p] : processes_)
            p.child.kill_and_wait();
        return status_;
    }

    static constexpr int interrupted = 130;

private:
    static constexpr node_id nodes_at_start = 5, nodes_at_end = 6;
    static constexpr node_id rotten_process = 3; ///< Its log loses a record before it is restarted.

    struct process {
        child_process child;
        bool up = false; ///< As the detector sees it.
        perdure::time_point
            fault_at{}; ///< When it was last killed or frozen, until it is up again.
        /// From its first heartbeat on; down times begin with the silence, not with its detection.
        std::optional<perdure::availability::recorder<>> observed;
    };

    static perdure::detector::options_type detector_options()
    {
        perdure::detector::options_type o;
        o.listener.listen = asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0);
        o.listener.cluster = cluster;
        o.monitor.down_after = forecast::down_after;
        return o;
    }

    static client_options patience()
    {
        client_options o;
        o.give_up_after = forecast::patience;
        return o;
    }

    // -- processes -------------------------------------------------------------------------------

    std::string data_of(node_id id) const
    {
        return (options_.data / ("process-" + std::to_string(id))).string();
    }

    static std::string text(auto const& endpoint)
    {
        return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
    }

    void start(node_id id)
    {
        std::filesystem::create_directories(data_of(id));
        std::vector<std::string> arguments{"--storage",  std::to_string(id),
                                           "--data",     data_of(id),
                                           "--detector", text(detector_.local_endpoint())};
        for (auto const& [n, address] : addresses_) {
            arguments.push_back("--address");
            arguments.push_back(text(address));
        }
        processes_[id].child =
            child_process::run_self(std::move(arguments), data_of(id) + "/output.txt");
    }

    void kill(node_id id)
    {
        processes_.at(id).fault_at = world_.now();
        processes_.at(id).child.kill_and_wait();
    }

    // -- detection -------------------------------------------------------------------------------

    asio::awaitable<void> watch()
    {
        for (;;) {
            auto const event = co_await detector_.async_wait_event(asio::use_awaitable);
            auto const id = static_cast<node_id>(event.node);
            auto& p = processes_.at(id);
            using perdure::peer_change;
            switch (event.change) {
            case peer_change::suspect: {
                if (p.fault_at != perdure::time_point{})
                    timeline_.say(name(id) + " is suspected, " + ms(world_.now() - p.fault_at) +
                                  " after the fault");
                else
                    timeline_.say(name(id) + " is suspected after " + ms(event.evidence.silence) +
                                  " of silence");
                break;
            }
            case peer_change::down:
                if (p.fault_at != perdure::time_point{})
                    detection_times_.push_back(world_.now() - p.fault_at);
                timeline_.say(name(id) + " is down: silent for " + ms(event.evidence.silence));
                p.up = false;
                if (p.observed)
                    p.observed->handle_down(event.at - event.evidence.silence);
                say_live();
                coordinator_->node_is_down(id);
                break;
            case peer_change::up:
            case peer_change::restarted:
                if (p.observed) {
                    // One that was restarted may be back before it was missed.
                    if (event.change == peer_change::restarted)
                        p.observed->handle_down(event.at - event.evidence.silence);
                    p.observed->handle_up(event.at);
                    timeline_.say(name(id) + (event.change == peer_change::restarted
                                                  ? " is back as a new process"
                                                  : " is heard again, the same process"));
                } else {
                    p.observed.emplace(event.at);
                }
                if (p.observed->until(world_.now()).failures > 0)
                    say_live();
                p.up = true;
                p.fault_at = {};
                coordinator_->node_is_up(id);
                if (event.change == peer_change::restarted)
                    asio::co_spawn(io_, tell_recovery(id), ignore_lost_connections{});
                break;
            }
        }
    }

    /// What has been seen of all processes until now.
    perdure::availability::history seen_until(perdure::time_point now) const
    {
        perdure::availability::history all;
        for (auto const& [id, p] : processes_)
            if (p.observed)
                all += p.observed->until(now);
        return all;
    }
    /// The availability as the events so far tell it, beside the model's.
    void say_live()
    {
        timeline_.say(live_availability(forecast_, seen_until(world_.now())));
    }

    asio::awaitable<void> tell_recovery(node_id id)
    {
        auto const s = co_await stats(id);
        if (!s)
            co_return;
        char line[200];
        std::snprintf(
            line, sizeof line,
            "%s recovered %llu values from its snapshot and %llu records from its log in %.1f ms",
            name(id).c_str(), static_cast<unsigned long long>(s->recovered_from_snapshot),
            static_cast<unsigned long long>(s->recovered_from_log),
            static_cast<double>(s->recovery_microseconds) / 1000);
        timeline_.say(line);
        if (s->records_lost != 0) {
            timeline_.say(name(id) + " had lost " + std::to_string(s->records_lost) +
                          " records; the other owners gave it " +
                          std::to_string(s->values_restored) + " values in their place");
            records_lost_ += s->records_lost;
        }
        recoveries_.push_back(static_cast<double>(s->recovery_microseconds) / 1e6);
    }

    asio::awaitable<std::optional<node_stats>> stats(node_id id)
    {
        try {
            bytes message = encode(stats_request{});
            auto const body = co_await peers_[id].call_and_wait(std::move(message), 2s);
            if (auto const decoded = decode_reply(body))
                co_return decoded->stats;
        } catch (boost::system::system_error const&) {
        }
        co_return std::nullopt;
    }

    // What a process counted goes with it, so it is asked before it is killed.
    asio::awaitable<void> add_up(node_id id)
    {
        if (auto const s = co_await stats(id)) {
            puts_ += s->puts;
            syncs_ += s->syncs;
            refused_ += s->refused;
            repeated_ += s->repeated;
        }
    }

    // -- the play --------------------------------------------------------------------------------

    asio::awaitable<void> pause(std::chrono::nanoseconds d)
    {
        World::timer timer(world_);
        timer.expires_after(d);
        co_await timer.async_wait(asio::use_awaitable);
    }

    // Throws when it does not come about in time: the run has failed then.
    asio::awaitable<void> until(std::string what, std::chrono::nanoseconds limit, auto condition)
    {
        auto const deadline = world_.now() + limit;
        while (!condition()) {
            if (world_.now() > deadline)
                throw std::runtime_error(
                    what + " did not come about within " +
                    std::to_string(
                        std::chrono::duration_cast<std::chrono::seconds>(limit).count()) +
                    " s");
            co_await pause(20ms);
        }
    }

    asio::awaitable<void> until_settled()
    {
        co_await until("that every slot is where it belongs and every process has caught up", 60s,
                       [this] { return coordinator_->settled(); });
    }

    asio::awaitable<void> act()
    {
        detector_.open();
        asio::co_spawn(io_, watch(), ignore_lost_connections{});
        for (node_id id = 1; id <= nodes_at_start; ++id) {
            detector_.add_peer(id);
            start(id);
            coordinator_->add(id);
        }
        co_await until("that five processes are up", 30s,
                       [this] { return up_count() == nodes_at_start; });
        asio::co_spawn(io_, coordinator_->run(), ignore_lost_connections{});
        co_await until_settled();
        print_forecast(forecast_);
        timeline_.say("five storage processes are up; every file goes to three of them, two on "
                      "disk acknowledge it");

        began_ = world_.now();
        workload_options load;
        std::vector<std::string> keys;
        for (auto const& [path, content] : tree_.files)
            keys.push_back(path);
        load.loader_pause =
            options_.minutes
                ? 0us
                : forecast::load_time / std::max(1L, static_cast<long>(keys.size() / load.loaders));
        workload_ =
            std::make_shared<workload<World>>(peers_, client_, ledger_, std::move(keys), load);
        workload_->forward_by({1, 2, 3, 4, 5});
        workload_->start();
        asio::co_spawn(io_, progress(), ignore_lost_connections{});

        if (options_.minutes)
            co_await random_faults();
        else
            co_await fixed_faults();

        co_await until("that every file is written once", 120s,
                       [this] { return workload_->loaded() == workload_->keys(); });
        workload_->stop();
        co_await until("that the writers have finished", 60s,
                       [this] { return workload_->finished(); });
        ended_ = world_.now();

        timeline_.say("comparing the copies once more, then reading every one of them back");
        coordinator_->repair_all();
        co_await pause(50ms);
        co_await until_settled();
        for (auto& [id, p] : processes_)
            co_await add_up(id);
        co_await verify_copies(peers_, *coordinator_->map(), ledger_);
        coordinator_->stop();
        judge();
    }

    asio::awaitable<void> fixed_faults()
    {
        auto const at = [this](std::chrono::nanoseconds t) {
            return pause(std::max<std::chrono::nanoseconds>(0ns, began_ + t - world_.now()));
        };
        co_await at(forecast::kill_at);
        first_fault_ = world_.now();
        co_await add_up(2);
        timeline_.fault("SIGKILL to process 2");
        kill(2);
        co_await at(forecast::restart_at);
        co_await until_settled();
        timeline_.fault("process 2 is started again");
        start(2);
        co_await until("that process 2 is up", 20s, [this] { return processes_.at(2).up; });
        co_await until_settled();

        co_await at(forecast::freeze_at);
        timeline_.fault("SIGSTOP to process 4: it stands still and will not know it");
        processes_.at(4).fault_at = world_.now();
        processes_.at(4).child.send(SIGSTOP);
        co_await at(forecast::thaw_at);
        co_await until_settled();
        timeline_.fault("SIGCONT to process 4: it goes on with what it was doing, by its old map");
        processes_.at(4).child.send(SIGCONT);
        co_await until("that process 4 is heard", 20s, [this] { return processes_.at(4).up; });
        co_await until_settled();
        if (auto const s = co_await stats(4))
            timeline_.say(
                "process 4 had " + std::to_string(s->forwards_refused) +
                " requests of its own refused by others, whose epoch was newer, and refused " +
                std::to_string(s->refused) + " older ones itself");

        co_await at(forecast::join_at);
        timeline_.fault("process 6 joins");
        detector_.add_peer(6);
        start(6);
        coordinator_->add(6);
        auto const before = coordinator_->map();
        co_await until("that process 6 is up", 20s, [this] { return up_count() == nodes_at_end; });
        co_await pause(100ms);
        co_await until_settled();
        joined_share_ = share_moved_to(6, *before, *coordinator_->map());
        char line[120];
        std::snprintf(line, sizeof line,
                      "process 6 owns its share: %.1f %% of all copies moved, 1/6 is 16.7 %%",
                      100 * joined_share_);
        timeline_.say(line);

        co_await at(forecast::rolling_at);
        timeline_.fault("all processes are restarted, one by one");
        rolling_began_ = world_.now();
        for (node_id id = 1; id <= nodes_at_end; ++id) {
            co_await add_up(id);
            kill(id);
            if (id == rotten_process && damage_log(data_of(id), 200))
                timeline_.fault("a record in the log of " + name(id) + " cannot be read any more");
            start(id);
            auto& p = processes_.at(id);
            co_await until("that " + name(id) + " is back", 20s,
                           [&p] { return p.fault_at == perdure::time_point{} && p.up; });
            co_await until_settled();
        }
        last_fault_ = world_.now();
        co_await pause(forecast::after);
    }

    asio::awaitable<void> random_faults()
    {
        std::mt19937_64 random(options_.seed);
        auto const exponential = [&random](std::chrono::duration<double> mean) {
            double const u = (static_cast<double>(random() >> 11) + 1) / 9007199254740993.0;
            return std::chrono::duration_cast<std::chrono::nanoseconds>(-mean * std::log(u));
        };
        first_fault_ = {};
        auto const end = world_.now() + std::chrono::minutes(options_.minutes);
        struct plan {
            perdure::time_point at;
            bool broken = false, frozen = false;
        };
        std::map<node_id, plan> plans;
        for (node_id id = 1; id <= nodes_at_start; ++id)
            plans[id].at = world_.now() + exponential(forecast::random_mtbf);
        while (world_.now() < end) {
            for (auto& [id, next] : plans) {
                if (world_.now() < next.at)
                    continue;
                auto& p = processes_.at(id);
                if (!next.broken) {
                    if (first_fault_ == perdure::time_point{})
                        first_fault_ = world_.now();
                    next.frozen = random() % 2 == 0;
                    timeline_.fault((next.frozen ? "SIGSTOP to " : "SIGKILL to ") + name(id));
                    if (next.frozen) {
                        p.fault_at = world_.now();
                        p.child.send(SIGSTOP);
                    } else {
                        kill(id);
                    }
                    next.at = world_.now() + exponential(forecast::random_mttr);
                } else {
                    timeline_.fault(next.frozen ? "SIGCONT to " + name(id)
                                                : name(id) + " is started again");
                    if (next.frozen)
                        p.child.send(SIGCONT);
                    else
                        start(id);
                    next.at = world_.now() + exponential(forecast::random_mtbf);
                }
                next.broken = !next.broken;
            }
            co_await pause(20ms);
        }
        for (auto& [id, last] : plans)
            if (last.broken) {
                if (last.frozen)
                    processes_.at(id).child.send(SIGCONT);
                else
                    start(id);
            }
        last_fault_ = world_.now();
        if (first_fault_ == perdure::time_point{})
            first_fault_ = last_fault_;
        co_await until("that all processes are up", 30s,
                       [this] { return up_count() == nodes_at_start; });
        co_await until_settled();
        co_await pause(forecast::after);
    }

    asio::awaitable<void> progress()
    {
        while (!workload_->finished()) {
            co_await pause(options_.minutes ? 10s : 2s);
            char line[200];
            std::snprintf(line, sizeof line,
                          "  ... %zu of %zu files stored, %llu writes acknowledged (%.0f MB), %llu "
                          "reads checked",
                          workload_->loaded(), workload_->keys(),
                          static_cast<unsigned long long>(ledger_.writes_acknowledged()),
                          static_cast<double>(workload_->bytes_written()) / 1e6,
                          static_cast<unsigned long long>(ledger_.reads_checked()));
            timeline_.say(line);
            for (auto& [id, p] : processes_)
                if (p.child.has_ended())
                    timeline_.say(name(id) + " ended by itself; see " + data_of(id) +
                                  "/output.txt");
        }
    }

    // -- judgement -------------------------------------------------------------------------------

    void judge()
    {
        std::printf("\nResult\n");
        std::printf("  acknowledged writes   %llu of %zu files, %.0f MB\n",
                    static_cast<unsigned long long>(ledger_.writes_acknowledged()),
                    workload_->keys(), static_cast<double>(workload_->bytes_written()) / 1e6);
        std::printf("  verified copies       %llu, byte for byte, on every owner\n",
                    static_cast<unsigned long long>(ledger_.copies_checked()));
        std::printf("  verified reads        %llu, during the faults\n",
                    static_cast<unsigned long long>(ledger_.reads_checked()));
        std::printf("  lost, old, different  %llu\n",
                    static_cast<unsigned long long>(ledger_.violation_count()));
        for (auto const& v : ledger_.violations())
            std::printf("    %s\n", v.c_str());
        std::printf("  writes given up       %llu, after %lld s of tries\n",
                    static_cast<unsigned long long>(workload_->failed()),
                    static_cast<long long>(forecast::patience.count()));
        std::printf("  syncs                 %llu for %llu writes at the owners%s\n",
                    static_cast<unsigned long long>(syncs_), static_cast<unsigned long long>(puts_),
                    options_.minutes ? ", without those of processes that were killed"
                                     : ", counted at the system calls");
        std::printf("  refused by epoch      %llu requests of an older map\n",
                    static_cast<unsigned long long>(refused_));
        std::printf("  sent again            %llu writes that had taken effect; they had no second one\n",
                    static_cast<unsigned long long>(repeated_));
        std::printf("  records lost          %llu of one log, replaced from the other owners\n",
                    static_cast<unsigned long long>(records_lost_));
        std::printf("  detection times      ");
        for (auto const d : detection_times_)
            std::printf(" %.0f", milliseconds(d));
        std::printf(" ms\n");
        if (!options_.minutes)
            std::printf("  moved by the join     %.1f %% of all copies; 1/6 is 16.7 %%\n",
                        100 * joined_share_);
        std::printf("  moves of the plans    %s%s\n", coordinator_->moves().text().c_str(),
                    coordinator_->moves().adds_up() ? "" : "; they do not add up");
        std::printf("\nWriting\n");
        auto const& samples = workload_->samples();
        print(summarise("before", samples, began_, first_fault_));
        print(summarise("during", samples, first_fault_, last_fault_));
        if (!options_.minutes)
            print(summarise("rolling", samples, rolling_began_, last_fault_));
        print(summarise("after", samples, last_fault_, ended_));
        std::printf("\nAvailability\n");
        print_comparison(forecast_, seen_until(ended_), samples);
        status_ = ledger_.violation_count() == 0 && workload_->failed() == 0 ? 0 : 1;
        if (!coordinator_->moves().adds_up())
            status_ = 1;
        if (!options_.minutes && (joined_share_ < 0.9 / 6 || joined_share_ > 1.1 / 6)) {
            std::printf("the share that moved is not within 10 %% of 1/6\n");
            status_ = 1;
        }
        std::printf("\n%s\n", status_ == 0 ? "Nothing that was acknowledged was lost."
                                           : "FAILED: see above.");
    }

    std::size_t up_count() const
    {
        return static_cast<std::size_t>(std::count_if(processes_.begin(), processes_.end(),
                                                      [](auto const& p) { return p.second.up; }));
    }
    static std::string name(node_id id) { return "process " + std::to_string(id); }
    static std::string ms(std::chrono::nanoseconds d)
    {
        return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) +
               " ms";
    }

    options options_;
    tree tree_;
    timeline timeline_;
    forecast forecast_{options_.minutes};
    asio::io_context io_{1};
    World world_;
    address_book addresses_;
    std::map<node_id, process> processes_;
    peers<World> peers_;
    perdure::detector detector_;
    ledger ledger_;
    quorum_client<World> client_;
    std::shared_ptr<coordinator<World>> coordinator_;
    std::shared_ptr<workload<World>> workload_;

    perdure::time_point began_{}, first_fault_{}, rolling_began_{}, last_fault_{}, ended_{};
    std::vector<std::chrono::nanoseconds> detection_times_;
    std::vector<double> recoveries_;
    double joined_share_ = 0;
    std::uint64_t puts_ = 0, syncs_ = 0, refused_ = 0, repeated_ = 0, records_lost_ = 0;
    int status_ = 1;
};

} // namespace failover

#endif
