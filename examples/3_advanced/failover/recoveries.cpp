// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// How long does a recovery of the failover service take, and would we have known? In the simulator a
// storage process loses power under load, its detector notices, something starts it again, it loads
// its snapshot, replays its log, is heard, and catches up with what it missed.
//
//   failover_recoveries                    200 recoveries, and 50 before them to learn from
//   failover_recoveries --recoveries 1000 --seed 7
//
// The prediction takes the detection from the settings of detector and heartbeats, the decision and
// the longest log from the configuration, and from the 50: what a replayed command costs, and how long
// loading, being heard and catching up take. It knows nothing of the 200. Fails if the two disagree,
// or if a prediction that forgets a phase agrees as well. Times are the simulated cluster's.

#include "simulated_cluster.hpp"
#include <perdure/availability/recovery_time.hpp>
#include <perdure/availability/text.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace failover;
namespace availability = perdure::availability;
using seconds = availability::duration;

namespace {

constexpr auto heartbeat_interval = 100ms;
constexpr auto decision = 200ms;
constexpr std::uint64_t snapshot_every_bytes = 250'000;
constexpr std::size_t content_bytes = 2000;

std::string content(std::string const& key, std::uint64_t version)
{
    std::string text = key + " version " + std::to_string(version) + " ";
    text.resize(content_bytes, '.');
    return text;
}

perdure::simulation::options cluster_options()
{
    perdure::simulation::options o;
    o.network.delay_min = 100us;
    o.network.delay_tail = 1ms;
    o.disk.read_min = 5ms; // A disk behind a network: what is read counts.
    o.disk.read_tail = 5ms;
    return o;
}

/// The detector of the demonstration, told how often to expect a heartbeat.
sim_driver::detector_type::options_type detector_settings()
{
    auto o = sim_driver::detector_options({});
    o.estimator.expected_interval = heartbeat_interval;
    return o;
}

/// One recovery, by what passed between its stations.
struct recovery {
    seconds detection{}; ///< From the loss of power until the detector says "down".
    seconds took{};      ///< From the start until the state is back; with the replay.
    std::uint64_t commands = 0;
    seconds after{}; ///< From there until it is heard and has caught up.
    seconds total{};
};

/// Five storage processes and the driver, under load.
class cluster_under_load {
public:
    explicit cluster_under_load(std::uint64_t seed) : cluster_(seed, cluster_options()), ledger_(content)
    {
        for (std::size_t i = 0; i != 40; ++i)
            keys_.push_back("key/" + std::to_string(i));
        for (node_id id = 1; id != sim_nodes; ++id)
            nodes_[id] = {cluster_.address(name(id)), node_port};
        driver_map_ = {cluster_.address("driver"), map_port};
        detector_ = {cluster_.address("driver"), detector_port};
        for (node_id id = 1; id != sim_nodes; ++id)
            start_node(id);
        start_driver();
        until("the first map", [this] { return driver_->moves->settled(); });
        driver_->work->start();
        cluster_.run_for(5s);
    }

    recovery lose_power_and_recover()
    {
        cluster_.run_for(500ms + std::chrono::nanoseconds(cluster_.random().below(2'500'000'000)));
        auto const id = static_cast<node_id>(1 + cluster_.random().below(sim_nodes - 1));
        auto& seen = seen_[id];
        seen = {};
        auto const begin = cluster_.now();
        cluster_.crash(name(id));
        until("the detection", [&] { return seen.down.has_value(); });
        cluster_.run_for(*seen.down + decision - cluster_.now());
        auto const started = cluster_.now();
        cluster_.restart(name(id));
        until("the end of the replay", [&] { return seen.recovered.has_value(); });
        until("its heartbeat", [&] { return seen.up.has_value(); });
        until("the end of catching up", [this] { return driver_->moves->settled(); });
        auto const end = cluster_.now();
        if (ledger_.violation_count() != 0)
            throw std::runtime_error(ledger_.violations().front());
        return {seconds(*seen.down - begin), seconds(*seen.recovered - started), seen.commands,
                seconds(end - *seen.recovered), seconds(end - begin)};
    }

private:
    struct stations {
        std::optional<perdure::simulation::duration> down, recovered, up;
        std::uint64_t commands = 0;
    };

    static std::string name(node_id id) { return "node" + std::to_string(id); }

    // Asks every millisecond: settled() looks at every slot.
    void until(std::string const& what, auto condition)
    {
        for (auto const limit = cluster_.now() + 60s; !condition(); cluster_.run_for(1ms))
            if (cluster_.now() > limit)
                throw std::runtime_error(what + " did not come about within 60 s");
    }

    void start_node(node_id id)
    {
        storage_options o;
        o.id = id;
        o.directory = "/data";
        o.addresses = nodes_;
        o.detector = detector_;
        o.heartbeat_interval = heartbeat_interval;
        o.snapshot_every_bytes = snapshot_every_bytes;
        o.log.segment_bytes = 64 * 1024;
        cluster_.add(name(id), [this, o](perdure::simulation::world w) mutable {
            // Steady time begins anew when a machine does: no boot id.
            o.boot = cluster_.incarnations(name(o.id));
            auto node = std::make_shared<sim_node>(sim_world(w), o);
            asio::co_spawn(w.get_executor(),
                           node->run([this, id = o.id](perdure::durable_report const& r) {
                               seen_[id].recovered = cluster_.now();
                               seen_[id].commands = r.commands_replayed;
                           }),
                           [id = o.id](std::exception_ptr error) { node_failed(id, error); });
            return node;
        });
    }

    // Where it lost power in the middle of something there is nothing to say.
    static void node_failed(node_id id, std::exception_ptr error)
    {
        try {
            if (error)
                std::rethrow_exception(error);
        } catch (boost::system::system_error const& e) {
            if (e.code() != asio::error::operation_aborted)
                std::fprintf(stderr, "%s could not recover: %s\n", name(id).c_str(), e.what());
        }
    }

    void start_driver()
    {
        cluster_.add("driver", [this](perdure::simulation::world w) {
            workload_options load;
            load.loaders = 2;
            load.overwriters = 8;
            load.overwriter_pause = 80ms;
            load.forward_one_in = 1'000'000'000;
            driver_ = std::make_shared<sim_driver>(driver_map_, detector_, coordinator_options(),
                                                   sim_world(w), nodes_, ledger_, keys_, keys_,
                                                   client_options(), load);
            driver_->detector.set_estimator_options(detector_settings().estimator);
            driver_->detector.open();
            for (node_id id = 1; id != sim_nodes; ++id) {
                driver_->detector.add_peer(id);
                driver_->moves->add(id);
            }
            asio::co_spawn(w.get_executor(), watch(driver_), ignore_lost_connections{});
            asio::co_spawn(w.get_executor(), coordinate(driver_), ignore_lost_connections{});
            return driver_;
        });
    }

    asio::awaitable<void> watch(std::shared_ptr<sim_driver> driver)
    {
        for (;;) {
            auto const event = co_await driver->detector.async_wait_event(asio::use_awaitable);
            auto const id = static_cast<node_id>(event.node);
            if (event.change == perdure::peer_change::down) {
                seen_[id].down = cluster_.now();
                driver->moves->node_is_down(id);
            } else if (event.change != perdure::peer_change::suspect) {
                seen_[id].up = cluster_.now();
                driver->moves->node_is_up(id);
            }
        }
    }

    static asio::awaitable<void> coordinate(std::shared_ptr<sim_driver> driver)
    {
        sim_world::timer timer(driver->world);
        timer.expires_after(1s); // Until all processes were heard.
        co_await timer.async_wait(asio::use_awaitable);
        co_await driver->moves->run();
    }

    perdure::simulation::cluster cluster_;
    ledger ledger_;
    std::vector<std::string> keys_;
    address_book nodes_;
    asio::ip::tcp::endpoint driver_map_;
    asio::ip::udp::endpoint detector_;
    std::map<node_id, stations> seen_;
    std::shared_ptr<sim_driver> driver_;
};

/// After the last heartbeat that arrives: the estimator's deadline for regular heartbeats, and
/// down_after on top.
seconds silence_until_down()
{
    auto const options = detector_settings();
    perdure::phi_accrual estimator(options.estimator);
    perdure::heartbeat_arrival arrival{};
    for (int i = 0; i != 1000; ++i) {
        arrival.at += heartbeat_interval;
        ++arrival.sequence;
        estimator.handle_heartbeat(arrival);
    }
    return seconds(*estimator.deadline() - arrival.at) + options.monitor.down_after;
}

availability::recovery_phase detection()
{
    return availability::detection_phase(heartbeat_interval, silence_until_down());
}

/// A heartbeat is on its way for a while.
availability::recovery_phase network()
{
    auto const o = cluster_options().network;
    auto on_the_way = availability::random_phase(
        "network", availability::phase_type::exponential(o.delay_tail));
    on_the_way.fixed = o.delay_min;
    return on_the_way;
}

double per_command(std::vector<recovery> const& known)
{
    auto const n = static_cast<double>(known.size());
    double commands = 0, took = 0;
    for (auto const& k : known) {
        commands += static_cast<double>(k.commands) / n;
        took += k.took.count() / n;
    }
    double both = 0, square = 0; // Least squares: took = load + commands * each.
    for (auto const& k : known) {
        double const away = static_cast<double>(k.commands) - commands;
        both += away * (k.took.count() - took);
        square += away * away;
    }
    return std::max(both / square, 1e-9);
}

availability::recovery_phase learnt(std::vector<recovery> const& known, double each)
{
    std::vector<seconds> rest;
    for (auto const& k : known)
        rest.push_back(std::max(
            k.took - seconds(each * static_cast<double>(k.commands)) + k.after, seconds(0)));
    return availability::measured_phase("loading, being heard, catching up", rest);
}

seconds mean_of(std::vector<seconds> const& all)
{
    return std::accumulate(all.begin(), all.end(), seconds(0)) / static_cast<double>(all.size());
}

bool measure(std::uint64_t seed, std::size_t count)
{
    using availability::to_text;
    cluster_under_load cluster(seed);
    std::vector<recovery> known;
    while (known.size() != 50)
        known.push_back(cluster.lose_power_and_recover());
    double const each = per_command(known);

    std::vector<availability::recovery_phase> const phases{
        detection(), availability::fixed_phase("network", cluster_options().network.delay_min +
                                                              cluster_options().network.delay_tail),
        availability::fixed_phase("decision", decision),
        availability::replaying_phase(snapshot_every_bytes, content_bytes / each),
        learnt(known, each)};
    availability::recovery_time const predicted(phases);
    availability::recovery_time const heard_of({detection(), network()});

    std::vector<seconds> total, detected;
    for (std::size_t i = 0; i != count; ++i) {
        auto const r = cluster.lose_power_and_recover();
        total.push_back(r.total);
        detected.push_back(r.detection);
    }
    std::sort(total.begin(), total.end());

    std::printf("Phases of a recovery, as predicted\n");
    for (auto const& p : predicted.phases())
        std::printf("  %-36s %s on average\n", p.name.c_str(), to_text(p.mean()).c_str());
    std::printf("\n%zu recoveries        predicted    measured\n", total.size());
    std::printf("  mean                %-12s %s\n", to_text(predicted.mean()).c_str(),
                to_text(mean_of(total)).c_str());
    bool good = true;
    for (double const p : {0.05, 0.25, 0.5, 0.75, 0.95}) {
        auto const rank = static_cast<std::size_t>(p * static_cast<double>(count - 1) + 0.5);
        auto const expected = predicted.quantile(p);
        good = good && std::abs(total[rank] / expected - 1) < 0.05;
        std::printf("  %2.0f %% are done by    %-12s %s\n", 100 * p, to_text(expected).c_str(),
                    to_text(total[rank]).c_str());
    }
    std::printf("%s\n", good ? "Every quantile is within 5 % of the prediction."
                             : "A quantile is more than 5 % off.");

    // Of the settings alone, nothing learnt.
    auto const by_settings = availability::check_prediction(heard_of, detected);
    std::printf("\nDetection, from the settings alone: gap %.3f, as large by chance in %.0f %% of cases\n",
                by_settings.distance, 100 * by_settings.p_value);
    good = good && by_settings.p_value > 0.001;
    // Smirnov's test of two samples, since the prediction is made of 50 itself.
    double const allowed = 1.36 * std::sqrt(1. / 50 + 1. / static_cast<double>(count));
    double const gap = availability::check_prediction(predicted, total).distance;
    std::printf("The whole: gap %.3f; by chance alone it is below %.3f in 19 of 20 cases\n", gap,
                allowed);
    good = good && gap <= allowed;
    for (std::size_t forgotten : {0U, 2U, 3U, 4U}) {
        auto some = phases;
        some.erase(some.begin() + static_cast<std::ptrdiff_t>(forgotten));
        double const wrong =
            availability::check_prediction(availability::recovery_time(some), total).distance;
        std::printf("  without %-36s gap %.3f: %s\n", phases[forgotten].name.c_str(), wrong,
                    wrong > allowed ? "refuted" : "NOT refuted");
        good = good && wrong > allowed;
    }
    std::printf("%s\n", good ? "The model stands." : "FAILED: the model does not stand.");
    return good;
}

} // namespace

int main(int argc, char** argv)
{
    std::uint64_t seed = 1;
    std::size_t count = 200;
    for (int i = 1; i + 1 < argc; i += 2) {
        auto const value = std::strtoull(argv[i + 1], nullptr, 10);
        if (std::strcmp(argv[i], "--seed") == 0)
            seed = value;
        else if (std::strcmp(argv[i], "--recoveries") == 0 && value >= 20)
            count = value;
        else {
            std::fputs("usage: failover_recoveries [--recoveries N] [--seed N], N at least 20\n",
                       stderr);
            return 2;
        }
    }
    try {
        return measure(seed, count) ? 0 : 1;
    } catch (std::exception const& e) {
        std::fprintf(stderr, "failover_recoveries: %s\n", e.what());
        return 1;
    }
}
