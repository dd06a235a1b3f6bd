// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_CLUSTER_HPP
#define PERDURE_SIMULATION_CLUSTER_HPP

#include <perdure/simulation/detail/incarnation.hpp>
#include <perdure/simulation/detail/network.hpp>
#include <perdure/simulation/options.hpp>
#include <perdure/simulation/random.hpp>
#include <perdure/simulation/trace.hpp>
#include <perdure/simulation/world.hpp>

#include <boost/asio/ip/address_v4.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace perdure::simulation {

/** A cluster of simulated machines, each with one named process: virtual time, a network, disks,
 *  faults.
 *
 *  Everything follows from the seed, the options and the program; a run can be repeated exactly.
 *  Processes live in run_for() and run_until(); between them the test looks at them and makes
 *  faults happen. Time jumps from event to event, so that a year without events passes at once.
 *
 *      simulation::cluster c(seed);
 *      c.add("a", [](simulation::world w) { return std::make_shared<service<simulation::world>>(w);
 * }); c.run_for(1s); c.crash("a"); c.restart("a");
 *
 *  An exception that leaves a handler leaves run_for() too.
 *
 *  @par Thread safety  A cluster and everything in it belong to one thread. Distinct clusters are
 *   independent.
 */
class cluster {
public:
    /// @throws std::invalid_argument for options out of range, naming field, value and rule.
    explicit cluster(std::uint64_t seed, simulation::options o = {})
        : all_{seed, (validate(o), std::move(o))},
          network_(all_),
          own_(all_.timeline),
          random_(seed, "test")
    {
    }
    cluster(cluster const&) = delete;
    cluster& operator=(cluster const&) = delete;
    /// Every process ends where it is.
    ~cluster()
    {
        for (auto& p : processes_)
            stop(*p);
    }

    // ---- processes

    /** Adds a process and starts it.
     *
     *  `main(world)` is called at every start. What it returns is kept until the process crashes,
     *  is killed, or the cluster ends, and is then destroyed; by that time the world is dead.
     *
     *  @throws std::invalid_argument if the name is taken or empty.
     */
    template <std::invocable<world> Main>
    void add(std::string const& name, Main main)
    {
        auto& p = machine_of(name);
        if (p.main)
            throw std::invalid_argument("simulation::cluster: there is already a process named '" +
                                        name + "'");
        p.main = [main = std::move(main)](world w) mutable -> std::unique_ptr<keepsake> {
            using result = std::invoke_result_t<Main&, world>;
            if constexpr (std::is_void_v<result>) {
                std::invoke(main, std::move(w));
                return nullptr;
            } else {
                return std::make_unique<kept<result>>(std::invoke(main, std::move(w)));
            }
        };
        start(p);
    }

    /// The machine loses power: the process is gone, and of its disk remains what the options draw.
    /// Nothing if it is down.
    void crash(std::string_view name) { end(process_named(name), event::process_crashed); }
    /// The process ends without notice (SIGKILL); its machine keeps running and loses nothing.
    /// Nothing if it is down.
    void kill(std::string_view name) { end(process_named(name), event::process_killed); }
    /// Starts the process again on its disk; one that is up is killed first.
    void restart(std::string_view name)
    {
        auto& p = process_named(name);
        kill(name);
        after_handler(p, [this, &p] { start(p); });
    }
    /// Whether the process runs; a frozen one does. Throws std::out_of_range for an unknown name.
    bool is_up(std::string_view name) { return process_named(name).incarnation != nullptr; }
    /** Replaces the disk by an empty one.
     *
     *  @throws std::logic_error if the process is up.
     */
    void wipe(std::string_view name)
    {
        auto& p = process_named(name);
        if (p.incarnation)
            throw std::logic_error("simulation::cluster: wipe('" + p.name +
                                   "'): the process is up; crash or kill it first");
        p.disk = simulation::disk();
        p.record(event::disk_wiped);
    }
    /// How often it was started.
    std::uint32_t incarnations(std::string_view name) { return process_named(name).incarnations; }

    /// The process stops as by SIGSTOP: it handles nothing, its clock goes on, messages wait in its
    /// buffers.
    void freeze(std::string_view name)
    {
        auto& p = running_process(name, "freeze");
        if (std::exchange(p.frozen, true))
            return;
        p.incarnation->lane().pause();
        p.record(event::process_frozen);
    }
    /// Lets a frozen process go on; what was due meanwhile is late. Nothing happens to one that is
    /// not frozen.
    void thaw(std::string_view name)
    {
        auto& p = running_process(name, "thaw");
        if (!std::exchange(p.frozen, false))
            return;
        p.record(event::process_thawed);
        resume_if_awake(p);
    }
    /// The machine sleeps: as frozen, and now() stands still while now_with_suspend() goes on.
    void suspend(std::string_view name)
    {
        auto& p = running_process(name, "suspend");
        if (p.clock.is_suspended())
            return;
        p.incarnation->lane().pause();
        p.clock.suspend(now());
        p.record(event::machine_suspended);
        clock_changed(p);
    }
    /// Wakes the machine that suspend() put to sleep; nothing happens to one that is awake.
    void resume(std::string_view name)
    {
        auto& p = running_process(name, "resume");
        if (!p.clock.is_suspended())
            return;
        p.clock.resume(now());
        p.record(event::machine_resumed);
        clock_changed(p);
        resume_if_awake(p);
    }

    // ---- network

    /** Each group reaches only itself. Processes that no group names form a group together.
     *
     *  It replaces the partition before it; what block() has cut stays so. A process that is added later
     *  is in no group: it reaches all, until partition() is called again.
     */
    void partition(std::initializer_list<std::initializer_list<std::string_view>> groups)
    {
        std::vector<std::vector<std::uint32_t>> ids;
        std::vector<std::uint32_t> rest;
        for (auto const& p : processes_)
            rest.push_back(p->id);
        for (auto const& group : groups) {
            ids.emplace_back();
            for (auto const name : group) {
                ids.back().push_back(process_named(name).id);
                std::erase(rest, ids.back().back());
            }
        }
        ids.push_back(std::move(rest));
        network_.links().end_partition();
        for (std::size_t i = 0; i != ids.size(); ++i)
            for (std::size_t k = 0; k != i; ++k)
                network_.links().partition(ids[i], ids[k]);
        all_.trace.record({now(), event::link_cut});
    }
    /// Cuts one process off from all others.
    void isolate(std::string_view name) { partition({{name}}); }
    /// Nothing goes from one to the other any more; the other direction stays as it is.
    void block(std::string_view from, std::string_view to)
    {
        auto& source = process_named(from);
        auto& target = process_named(to);
        network_.links().cut(source.id, target.id);
        source.record(event::link_cut, target.id);
    }
    /// Ends what block() began.
    void unblock(std::string_view from, std::string_view to)
    {
        network_.links().mend(process_named(from).id, process_named(to).id);
    }
    /// Ends every partition and every block().
    void heal()
    {
        network_.links().mend_all();
        all_.trace.record({now(), event::partition_healed});
    }

    // ---- clocks

    /** From now on the machine's clock gains `ppm` microseconds a second (negative: loses).
     *
     *  @throws std::invalid_argument beyond +-500000.
     */
    void set_drift(std::string_view name, std::int64_t ppm)
    {
        auto& p = process_named(name);
        if (ppm < -500'000 || ppm > 500'000)
            throw std::invalid_argument("simulation::cluster: a drift of " + std::to_string(ppm) +
                                        " ppm; allowed are -500000 to 500000");
        p.clock.set_drift(ppm, now());
        p.record(event::clock_drifted, 0, static_cast<std::uint64_t>(ppm));
        clock_changed(p);
    }
    /** The machine's clock jumps forward.
     *
     *  @throws std::invalid_argument for a jump back, which a steady clock never makes.
     */
    void step_clock(std::string_view name, duration forward)
    {
        auto& p = process_named(name);
        if (forward < duration())
            throw std::invalid_argument("simulation::cluster: step_clock by " +
                                        detail::field_text(forward) +
                                        "; a steady clock never goes back");
        p.clock.step(forward, now());
        p.record(event::clock_stepped, 0, static_cast<std::uint64_t>(forward.count()));
        clock_changed(p);
    }

    // ---- time

    /// Virtual time since the cluster was made.
    duration now() const noexcept { return all_.timeline.now(); }

    /// Runs everything that is due within `d`.
    void run_for(duration d)
    {
        auto const end = now() + d;
        while (step(end)) {
        }
        all_.timeline.advance_to(end);
    }
    /// Runs until `reached()`, which is asked after every event; false if that takes longer than
    /// `limit`.
    [[nodiscard]] bool run_until(std::predicate auto reached, duration limit)
    {
        auto const end = now() + limit;
        while (!reached())
            if (!step(end)) {
                all_.timeline.advance_to(end);
                return false;
            }
        return true;
    }
    /// Calls `f()` when `d` has passed; the test's own events, such as a crash at a given time.
    void after(duration d, std::invocable auto f)
    {
        own_.schedule(detail::make_operation(std::move(f)), now() + d);
    }

    // ---- what it is made of

    /// The seed that replays this run.
    std::uint64_t seed() const noexcept { return all_.seed; }
    /// The faults and times that this cluster draws from.
    simulation::options const& options() const noexcept { return all_.options; }
    /// What happened so far, and how often.
    simulation::trace& trace() noexcept { return all_.trace; }
    simulation::trace const& trace() const noexcept { return all_.trace; }
    /// How often everything happened so far.
    simulation::counters const& counters() const noexcept { return all_.trace.counters(); }
    /// For the test's own draws; the simulator never draws from it.
    random_stream& random() noexcept { return random_; }

    /// The world of the process as it runs now. @throws std::logic_error if it is down.
    world world_of(std::string_view name)
    {
        return world(running_process(name, "world_of").incarnation);
    }

    /// 10.0.0.1 for the first machine, and so on. A name that is new gets a machine; add() then
    /// starts a process on it.
    asio::ip::address_v4 address(std::string const& name) { return machine_of(name).address; }
    /// The disk of the machine, to look at it, to put files there, or to let bits rot. A name that
    /// is new gets a machine.
    simulation::disk& disk(std::string const& name)
    {
        auto& p = machine_of(name);
        p.disk.settle(now());
        return p.disk;
    }

private:
    struct keepsake {
        virtual ~keepsake() = default;
    };
    template <class T>
    struct kept final : keepsake {
        explicit kept(T&& v) : value(std::forward<T>(v)) {}
        T value;
    };
    struct process final : detail::machine {
        using machine::machine;
        std::function<std::unique_ptr<keepsake>(world)> main;
        detail::incarnation_ptr incarnation; // null while it is down
        std::unique_ptr<keepsake> owned;
        bool frozen = false;
    };

    process* find(std::string_view name) noexcept
    {
        for (auto& p : processes_)
            if (p->name == name)
                return p.get();
        return nullptr;
    }
    process& machine_of(std::string const& name)
    {
        if (name.empty())
            throw std::invalid_argument("simulation::cluster: a process needs a name");
        if (auto* const p = find(name))
            return *p;
        auto const id = static_cast<std::uint32_t>(processes_.size() + 1);
        all_.trace.name(id, name);
        processes_.push_back(
            std::make_unique<process>(all_, id, name, asio::ip::address_v4(0x0a000000 + id)));
        network_.add(*processes_.back());
        return *processes_.back();
    }
    process& process_named(std::string_view name)
    {
        auto* const p = find(name);
        if (!p || !p->main)
            throw std::invalid_argument("simulation::cluster: there is no process named '" +
                                        std::string(name) + "'");
        return *p;
    }
    process& running_process(std::string_view name, char const* what)
    {
        auto& p = process_named(name);
        if (!p.incarnation)
            throw std::logic_error("simulation::cluster: " + std::string(what) + "('" + p.name +
                                   "'): the process is down");
        return p;
    }

    void start(process& p)
    {
        ++p.incarnations;
        if (!std::exchange(p.powered, true))
            p.clock.boot(detail::machine::draw_origin(p.random), now());
        p.incarnation = new detail::incarnation(p);
        p.record(event::process_started, 0, p.incarnations);
        auto const previous = std::exchange(running_, &p);
        try {
            p.owned = p.main(world(p.incarnation));
        } catch (...) {
            running_ = previous;
            stop(p);
            throw;
        }
        running_ = previous;
        refuse_escape(p);
    }
    void end(process& p, event how)
    {
        after_handler(p, [this, &p, how] {
            auto const power = how == event::process_crashed;
            if (!p.incarnation && !(power && p.powered))
                return;
            p.record(how);
            if (p.incarnation && p.incarnation->file_jobs().is_running(now()))
                p.record(event::job_interrupted);
            if (power)
                lose_power(p);
            else
                p.disk.kill(now());
            stop(p);
        });
    }
    void lose_power(process& p)
    {
        network_.lose_power(p);
        auto const report = p.disk.crash(now(), drawn_crash(p.disk_random, all_.options.disk));
        static_cast<detail::machine&>(p).record(report);
        p.powered = false;
    }
    void stop(process& p)
    {
        if (!p.incarnation)
            return;
        network_.lose_process(p);
        p.incarnation->end();
        p.owned.reset();
        p.incarnation.reset();
        p.frozen = false;
        if (p.clock.is_suspended())
            p.clock.resume(p.now());
    }
    // A process cannot be ended while one of its handlers is on the stack: that one comes to its
    // end first.
    void after_handler(process& p, std::function<void()> f)
    {
        if (running_ == &p)
            after_handler_.push_back(std::move(f));
        else
            f();
    }
    static void resume_if_awake(process& p)
    {
        if (!p.frozen && !p.clock.is_suspended())
            p.incarnation->lane().resume();
    }
    void clock_changed(process& p)
    {
        if (p.incarnation)
            p.incarnation->lane().reschedule([&](detail::operation const& op) {
                return op.expiry ? std::optional(p.clock.when(*op.expiry, now())) : std::nullopt;
            });
    }

    bool step(duration end)
    {
        if (running_ || running_own_)
            throw std::logic_error(
                "simulation::cluster: run_for or run_until was called from inside a handler");
        auto const before = now();
        auto next = all_.timeline.next(end);
        if (!next)
            return false;
        auto const id = next->where->process();
        count_instant(before, id);
        all_.trace.record({now(), event::handler_ran, id});
        if (id == 0)
            run(running_own_, true, std::move(*next));
        else
            run(running_, processes_[id - 1].get(), std::move(*next));
        while (!after_handler_.empty()) {
            auto const f = std::move(after_handler_.front());
            after_handler_.erase(after_handler_.begin());
            f();
        }
        if (id != 0)
            refuse_escape(*processes_[id - 1]);
        return true;
    }
    template <class T>
    static void run(T& running, T value, detail::timeline::step next)
    {
        struct restore {
            T& running;
            ~restore() { running = T(); }
        } const guard{running};
        running = value;
        next.what.release()->complete(next.result);
    }
    void count_instant(duration before, std::uint32_t id)
    {
        if (now() != before)
            handlers_at_instant_ = 0;
        if (++handlers_at_instant_ > all_.options.handlers_per_instant_max)
            throw std::runtime_error(
                "simulation::cluster: " + std::to_string(handlers_at_instant_) +
                " handlers ran at the same instant, the last of them of " +
                (id == 0 ? "the cluster" : "'" + processes_[id - 1]->name + "'") +
                "; something posts itself again and again without waiting for time to pass");
    }
    static void refuse_escape(process& p)
    {
        if (!p.incarnation)
            return;
        if (auto const what = p.incarnation->escape(); !what.empty())
            throw std::logic_error("simulation::cluster: process '" + p.name +
                                   "' left the simulation: " + what);
    }

    detail::surroundings all_;
    detail::network network_;
    detail::lane own_; // of the test
    random_stream random_;
    std::vector<std::unique_ptr<process>> processes_; // number i + 1 at place i
    process* running_ = nullptr;                      // whose handler is on the stack
    bool running_own_ = false;
    std::vector<std::function<void()>> after_handler_;
    std::uint64_t handlers_at_instant_ = 0;
};

} // namespace perdure::simulation

#endif
