// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The failover service in the simulator: the storage processes, the driver and a second client run on
// simulated machines that lose power, freeze and are cut off from one another, one seed at a time.
//
//   failover_simulation                     200 seeds, then every planted bug until it is caught
//   failover_simulation --seeds 1000        more seeds
//   failover_simulation --first 17 --seeds 1          replays seed 17
//   failover_simulation --bug 3 --first 17 --seeds 1  replays it with planted bug 3
//
// Each seed has at least one loss of power that catches data that was not synced, one partition with acknowledged
// writes on both sides, one freeze, one join and one restart, in an order and at times of its own; one in three also has a
// process whose log cannot be read in one place.
//
// Prints how often each fault and each branch of recovery was hit, and fails if one never was.

#include "rot.hpp"
#include "simulated_cluster.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <set>
#include <string>

using namespace failover;

namespace {

constexpr std::size_t keys_per_client = 40;

struct outcome {
    std::optional<std::string> violation;
    std::uint64_t trace = 0;
};

/// One seed: everything that happens follows from it.
class run {
public:
    run(std::uint64_t seed, branches& seen, perdure::simulation::counters& happened)
        : cluster_(seed, cluster_options()),
          seen_(seen),
          happened_(happened),
          ledger_(content),
          promises_(ledger_)
    {
        for (std::size_t i = 0; i != keys_per_client; ++i) {
            driver_keys_.push_back("driver/" + std::to_string(i));
            client_keys_.push_back("client/" + std::to_string(i));
        }
        all_keys_ = driver_keys_;
        all_keys_.insert(all_keys_.end(), client_keys_.begin(), client_keys_.end());
        for (node_id id = 1; id <= sim_nodes; ++id)
            nodes_[id] = {cluster_.address(name(id)), node_port};
        driver_map_ = {cluster_.address("driver"), map_port};
        detector_ = {cluster_.address("driver"), detector_port};
    }

    outcome go()
    {
        for (node_id id = 1; id != sim_nodes; ++id)
            start_node(id);
        start_driver();
        wait("that the first map is there", 20s,
             [this] { return driver_ && driver_->moves->settled(); });
        start_client();
        driver_->work->start();
        cluster_.run_for(1s);
        for (node_id id = 1; id != sim_nodes; ++id)
            cluster_.set_drift(name(id), static_cast<std::int64_t>(random(401)) - 200);

        // Each fault once in every seed, in an order and at times of its own; some overlap.
        std::vector<int> faults{0, 1, 2, 3};
        if (random(3) == 0)
            faults.push_back(4);
        for (std::size_t i = faults.size(); i > 1; --i)
            std::swap(faults[i - 1], faults[random(i)]);
        for (int fault : faults) {
            switch (fault) {
            case 0:
                power_loss();
                break;
            case 1:
                partition();
                break;
            case 2:
                freeze();
                break;
            case 3:
                join();
                break;
            case 4:
                rot();
                break;
            }
            cluster_.run_for(between(100ms, 3s));
        }
        cluster_.heal();
        if (frozen_)
            thaw();
        for (node_id id = 1; id <= sim_nodes; ++id)
            if (started_.contains(id) && !cluster_.is_up(name(id)))
                cluster_.restart(name(id));
        cluster_.run_for(1s);
        driver_->work->stop();
        client_->work->stop();
        wait("that the writers have finished", 120s,
             [this] { return driver_->work->finished() && client_->work->finished(); });
        *readers_stop_ = true;
        wait("that every slot is where it belongs", 120s,
             [this] { return driver_->moves->settled(); });
        driver_->moves->repair_all();
        cluster_.run_for(200ms);
        wait("that every process has caught up", 120s,
             [this] { return driver_->moves->settled(); });
        verify();

        count_retries(*driver_);
        count_retries(*client_);
        count_moves(driver_->moves->moves(), seen_, ledger_);
        seen_.repeated_writes += promises_.repeated();
        happened_ += cluster_.counters();
        outcome result;
        result.trace = cluster_.trace().hash();
        if (ledger_.violation_count() != 0)
            result.violation = ledger_.violations().front();
        return result;
    }

    void count_retries(sim_client const& client)
    {
        for (auto const& s : client.work->samples())
            seen_.retried_writes += s.attempts > 1;
    }

private:
    static std::string name(node_id id) { return "node" + std::to_string(id); }

    std::size_t random(std::size_t below)
    {
        return static_cast<std::size_t>(cluster_.random().below(below));
    }
    perdure::simulation::duration between(perdure::simulation::duration low,
                                          perdure::simulation::duration high)
    {
        return low + std::chrono::nanoseconds(
                         cluster_.random().below(static_cast<std::uint64_t>((high - low).count())));
    }

    void wait(std::string const& what, perdure::simulation::duration limit, auto condition)
    {
        bool const reached = cluster_.run_until(
            [&] { return condition() || ledger_.violation_count() != 0; }, limit);
        if (!reached)
            ledger_.violation(
                what + " did not come about within " +
                std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limit).count()) +
                " s");
        if (ledger_.violation_count() != 0)
            throw std::runtime_error(ledger_.violations().front());
    }

    void start_node(node_id id)
    {
        started_.insert(id);
        storage_options o;
        o.id = id;
        o.directory = "/data";
        o.addresses = nodes_;
        o.detector = detector_;
        o.heartbeat_interval = 30ms;
        o.snapshot_every_bytes = 100'000;
        o.log.segment_bytes = 64 * 1024;
        o.check_epochs = planted != bug::ignore_the_epoch;
        o.promised = [this, id](put_request const& put, std::uint64_t revision) {
            promises_.note(id, put, revision);
        };
        o.lost = [this, id](perdure::position_range range) {
            if (rotten_ != id)
                ledger_.violation("process " + std::to_string(id) +
                                  " lost records, and nothing had happened to its disk");
            seen_.records_lost += range.count();
        };
        cluster_.add(name(id), [this, o](perdure::simulation::world w) mutable {
            o.boot = cluster_.incarnations(name(o.id));
            auto node = std::make_shared<sim_node>(sim_world(w), o);
            asio::co_spawn(
                w.get_executor(),
                node->run([this, raw = node.get(), id = o.id](perdure::durable_report const& r) {
                    recovered(id, raw->state(), r);
                }),
                [this, id = o.id](std::exception_ptr error) { node_failed(id, error); });
            return node;
        });
    }

    void recovered(node_id id, store_state const& state, perdure::durable_report const& r)
    {
        recovered_.insert(id);
        if (r.commands_fetched != 0) {
            promises_.check_restored(id, state);
            restored_ = true;
        } else {
            promises_.check(id, state);
        }
        if (cluster_.incarnations(name(id)) > 1) {
            seen_.recovered_from_snapshot += r.loaded.id != 0;
            seen_.recovered_from_log += r.commands_replayed != 0;
            seen_.recovered_from_nothing += r.loaded.id == 0;
            seen_.torn_tail += r.log.outcome == perdure::recovery_outcome::torn_tail;
            seen_.clean_tail += r.log.outcome != perdure::recovery_outcome::torn_tail;
        }
    }

    void node_failed(node_id id, std::exception_ptr error)
    {
        try {
            if (error)
                std::rethrow_exception(error);
        } catch (boost::system::system_error const& e) {
            if (e.code() != asio::error::operation_aborted)
                ledger_.violation("process " + std::to_string(id) +
                                  " could not recover: " + e.what());
        }
    }

    void start_driver()
    {
        cluster_.add("driver", [this](perdure::simulation::world w) {
            coordinator_options moves;
            moves.repair = planted != bug::skip_repair_after_thaw;
            driver_ = std::make_shared<sim_driver>(driver_map_, detector_, moves, sim_world(w),
                                                   nodes_, ledger_, driver_keys_, all_keys_,
                                                   client_options_now(), load());
            driver_->detector.open();
            for (node_id id = 1; id != sim_nodes; ++id) {
                driver_->detector.add_peer(id);
                driver_->moves->add(id);
            }
            asio::co_spawn(w.get_executor(), sim_driver::watch(driver_), ignore_lost_connections{});
            asio::co_spawn(w.get_executor(), coordinate(driver_), ignore_lost_connections{});
            asio::co_spawn(w.get_executor(), sim_client::read(driver_, readers_stop_),
                           ignore_lost_connections{});
            return driver_;
        });
    }

    // Waits for all processes, so that the first map is a whole one.
    static asio::awaitable<void> coordinate(std::shared_ptr<sim_driver> driver)
    {
        sim_world::timer timer(driver->world);
        timer.expires_after(1s);
        co_await timer.async_wait(asio::use_awaitable);
        co_await driver->moves->run();
    }

    void start_client()
    {
        cluster_.add("client", [this](perdure::simulation::world w) {
            client_ = std::make_shared<sim_client>(sim_world(w), nodes_, ledger_, client_keys_,
                                                   all_keys_, client_options_now(), load());
            client_->client.use(driver_->moves->map());
            client_->work->start();
            asio::co_spawn(w.get_executor(), follow_maps(client_, driver_map_),
                           ignore_lost_connections{});
            asio::co_spawn(w.get_executor(), sim_client::read(client_, readers_stop_),
                           ignore_lost_connections{});
            return client_;
        });
    }

    static client_options client_options_now()
    {
        client_options o;
        if (planted == bug::acknowledge_with_one_owner)
            o.acknowledging_owners = 1;
        return o;
    }

    static workload_options load()
    {
        workload_options o;
        o.loaders = 4;
        o.overwriters = 4;
        o.loader_pause = 5ms;
        o.overwriter_pause = 5ms;
        o.forward_one_in = 4;
        return o;
    }

    // -- faults ----------------------------------------------------------------------------------

    // Until one has caught data that was not synced.
    void power_loss()
    {
        for (auto const before = unsynced_pages();
             unsynced_pages() == before && ledger_.violation_count() == 0;) {
            auto const id = static_cast<node_id>(1 + random(sim_nodes - 1));
            if (frozen_ == id)
                thaw();
            cluster_.crash(name(id));
            cluster_.run_for(between(50ms, 4s));
            cluster_.restart(name(id));
            cluster_.run_for(between(500ms, 1s));
        }
    }

    // A record that was on disk long ago, and is not in a snapshot, becomes unreadable while its process is down. It is
    // older than any call that still counts on it.
    void rot()
    {
        for (restored_ = false; !restored_ && ledger_.violation_count() == 0;) {
            if (frozen_)
                thaw();
            auto const id = static_cast<node_id>(1 + random(sim_nodes - 1));
            stored_files files;
            for (auto const& path : cluster_.disk(name(id)).paths())
                files[path] = cluster_.disk(name(id)).contents(path);
            auto const at = cold_record(files, 48);
            if (!at) {
                cluster_.run_for(200ms);
                continue;
            }
            cluster_.crash(name(id));
            cluster_.run_for(1s);
            cluster_.disk(name(id)).flip(at->path, at->offset);
            rotten_ = id;
            promises_.damaged(id);
            recovered_.erase(id);
            cluster_.restart(name(id));
            wait("that process " + std::to_string(id) + " has recovered", 60s,
                 [this, id] { return recovered_.contains(id); });
            rotten_.reset();
            cluster_.run_for(between(100ms, 500ms));
        }
    }

    std::uint64_t unsynced_pages() const
    {
        using perdure::simulation::event;
        auto const& happened = cluster_.counters();
        return happened[event::page_lost] + happened[event::page_torn] + happened[event::page_kept];
    }

    // The driver with two or three of the nodes on one side, the client with the others on the other; until writes
    // were acknowledged on both.
    void partition()
    {
        for (bool both = false; !both && ledger_.violation_count() == 0;) {
            std::vector<std::string> nodes, sides[2] = {{"driver"}, {"client"}};
            for (node_id id = 1; id != sim_nodes; ++id)
                nodes.push_back(name(id));
            for (std::size_t i = nodes.size(); i > 1; --i)
                std::swap(nodes[i - 1], nodes[random(i)]);
            auto const few = random(2);
            for (std::size_t i = 0; i != nodes.size(); ++i)
                sides[i < 2 ? few : 1 - few].push_back(nodes[i]);
            for (auto const& a : sides[0])
                for (auto const& b : sides[1]) {
                    cluster_.block(a, b);
                    cluster_.block(b, a);
                }
            auto const driver_writes = driver_->work->samples().size(),
                       client_writes = client_->work->samples().size();
            cluster_.run_for(between(500ms, 3s));
            both = driver_->work->samples().size() > driver_writes &&
                   client_->work->samples().size() > client_writes;
            seen_.writes_on_both_sides += both;
            // It does not heal everywhere at once: one can be reached from one side only.
            cluster_.heal();
            cluster_.block("client", nodes.front());
            cluster_.run_for(between(100ms, 1s));
            cluster_.heal();
            cluster_.run_for(between(500ms, 1s));
        }
    }

    void freeze()
    {
        auto const id = static_cast<node_id>(1 + random(sim_nodes - 1));
        if (!cluster_.is_up(name(id)))
            return;
        cluster_.freeze(name(id));
        frozen_ = id;
        cluster_.run_for(between(100ms, 4s));
        if (frozen_ && random(4) != 0)
            thaw(); // Else it stays frozen through the next faults.
    }

    void thaw()
    {
        bool const replaced = driver_->moves->map() && !owns_anything(*frozen_);
        seen_.thaws_after_replacement += replaced;
        cluster_.thaw(name(*frozen_));
        frozen_.reset();
    }

    bool owns_anything(node_id id) const
    {
        for (auto const& s : driver_->moves->map()->slots)
            if (contains(s.owners, id))
                return true;
        return false;
    }

    void join()
    {
        if (started_.contains(sim_nodes))
            return;
        start_node(sim_nodes);
        driver_->detector.add_peer(sim_nodes);
        driver_->moves->add(sim_nodes);
        ++seen_.joins;
    }

    void verify()
    {
        bool done = false;
        asio::co_spawn(driver_->world.get_executor(),
                       verify_copies(driver_->to_nodes, *driver_->moves->map(), ledger_),
                       [&done](std::exception_ptr) { done = true; });
        wait("verifying", 120s, [&done] { return done; });
        for (node_id const id : started_) {
            bool answered = false;
            driver_->to_nodes[id].async_call(
                encode(stats_request{}), 2s, [this, &answered](perdure::error_code ec, bytes body) {
                    answered = true;
                    if (auto const r = ec ? std::nullopt : decode_reply(body)) {
                        seen_.refused_by_epoch += r->stats.refused;
                        seen_.forwards_refused += r->stats.forwards_refused;
                        seen_.values_pulled += r->stats.pulled;
                        seen_.values_restored += r->stats.values_restored;
                    }
                });
            wait("an answer", 10s, [&answered] { return answered; });
        }
    }

    perdure::simulation::cluster cluster_;
    branches& seen_;
    perdure::simulation::counters& happened_;
    ledger ledger_;
    promises promises_;
    std::vector<std::string> driver_keys_, client_keys_, all_keys_;
    address_book nodes_;
    asio::ip::tcp::endpoint driver_map_;
    asio::ip::udp::endpoint detector_;
    std::shared_ptr<sim_driver> driver_;
    std::shared_ptr<sim_client> client_;
    std::shared_ptr<bool> readers_stop_ = std::make_shared<bool>(false);
    std::set<node_id> started_;
    std::optional<node_id> frozen_, rotten_;
    std::set<node_id> recovered_;
    bool restored_ = false;
};

outcome run_seed(std::uint64_t seed, branches& seen, perdure::simulation::counters& happened)
{
    run r(seed, seen, happened);
    try {
        return r.go();
    } catch (std::exception const& e) {
        outcome result;
        result.violation = e.what();
        return result;
    }
}

bool require_seen(char const* what, std::uint64_t count)
{
    std::printf("  %10llu  %s%s\n", static_cast<unsigned long long>(count), what,
                count == 0 ? "   <-- never: FAILED" : "");
    return count != 0;
}

int usage()
{
    std::puts("failover_simulation [--seeds N] [--first SEED] [--bug N] [--no-bugs]");
    return 2;
}

} // namespace

int main(int argc, char** argv)
{
    std::uint64_t seeds = 200, first = 1;
    std::optional<bug> only;
    bool bugs = true;
    for (int i = 1; i < argc; ++i) {
        std::string const a = argv[i];
        if (a == "--no-bugs") {
            bugs = false;
            continue;
        }
        if (i + 1 == argc)
            return usage();
        auto const value = std::strtoull(argv[++i], nullptr, 10);
        if (a == "--seeds")
            seeds = value;
        else if (a == "--first")
            first = value;
        else if (a == "--bug" && value >= 1 && value <= every_bug.size())
            only = every_bug[value - 1];
        else
            return usage();
    }

    branches seen;
    perdure::simulation::counters happened;
    bool failed = false;
    if (!only) {
        std::uint64_t passed = 0;
        for (std::uint64_t seed = first; seed != first + seeds; ++seed) {
            auto const result = run_seed(seed, seen, happened);
            if (result.violation) {
                failed = true;
                std::printf("seed %llu FAILED: %s\n  replay: failover_simulation --no-bugs --seeds "
                            "1 --first %llu\n",
                            static_cast<unsigned long long>(seed), result.violation->c_str(),
                            static_cast<unsigned long long>(seed));
            } else {
                ++passed;
                if (seeds == 1) { // The addresses show a test that two processes were laid out differently.
                    auto const heap = std::make_unique<int>();
                    std::printf("trace %016llx, heap %p, stack %p\n",
                                static_cast<unsigned long long>(result.trace),
                                static_cast<void const*>(heap.get()),
                                static_cast<void const*>(&result));
                }
            }
        }
        std::printf(
            "%llu of %llu seeds passed: nothing acknowledged was lost, no read went back in time\n",
            static_cast<unsigned long long>(passed), static_cast<unsigned long long>(seeds));
        if (seeds >= 50) {
            using perdure::simulation::event;
            std::puts("faults");
            for (event e :
                 {event::process_crashed, event::page_lost, event::page_torn,
                  event::write_interrupted, event::name_lost, event::process_frozen,
                  event::process_thawed, event::message_lost, event::message_blocked,
                  event::message_duplicated, event::message_reordered, event::segment_retransmitted,
                  event::connection_reset, event::clock_drifted})
                failed |= !require_seen(to_string(e), happened[e]);
            std::puts("recovery");
            failed |= !require_seen("recovered from a snapshot", seen.recovered_from_snapshot);
            failed |= !require_seen("recovered with records from the log", seen.recovered_from_log);
            failed |= !require_seen("recovered without a snapshot", seen.recovered_from_nothing);
            failed |= !require_seen("torn tail dropped", seen.torn_tail);
            failed |= !require_seen("tail found whole", seen.clean_tail);
            failed |= !require_seen("partitions with acknowledged writes on both sides",
                                    seen.writes_on_both_sides);
            failed |=
                !require_seen("requests refused because of an old epoch", seen.refused_by_epoch);
            failed |= !require_seen("writes of a process itself refused because of an old epoch",
                                    seen.forwards_refused);
            failed |= !require_seen("thaws of a process that had been replaced",
                                    seen.thaws_after_replacement);
            failed |= !require_seen("values pulled from other owners", seen.values_pulled);
            failed |= !require_seen("copies of slots moved, each planned and made once",
                                    seen.slots_moved);
            failed |= !require_seen("moves dropped for a newer plan", seen.moves_dropped);
            failed |= !require_seen("processes joined", seen.joins);
            failed |= !require_seen("writes acknowledged after a retry", seen.retried_writes);
            failed |= !require_seen("writes that came to a process again, with one effect",
                                    seen.repeated_writes);
            failed |= !require_seen("records that could not be read any more", seen.records_lost);
            failed |= !require_seen("values that other owners gave in their place",
                                    seen.values_restored);
        }
    }
    if (bugs || only) {
        std::puts("planted bugs");
        for (std::size_t i = 0; i != every_bug.size(); ++i) {
            if (only && every_bug[i] != *only)
                continue;
            planted = every_bug[i];
            branches ignored;
            perdure::simulation::counters also_ignored;
            bool caught = false;
            auto const tries = only ? seeds : 60;
            for (std::uint64_t seed = first; !caught && seed != first + tries; ++seed)
                if (auto const result = run_seed(seed, ignored, also_ignored); result.violation) {
                    caught = true;
                    std::printf("  caught: %s: seed %llu: %s\n", name_of(planted),
                                static_cast<unsigned long long>(seed), result.violation->c_str());
                }
            if (!caught) {
                failed = true;
                std::printf("  NOT CAUGHT: %s, in %llu seeds\n", name_of(planted),
                            static_cast<unsigned long long>(tries));
            }
        }
        planted = bug::none;
    }
    return failed;
}
