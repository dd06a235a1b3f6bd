// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// One append at a time, and what a loop notices of a disk that stalls.

#include "../support/measure.hpp"
#include "log.hpp"

#include <perdure/world/faulty_calls.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

namespace benchmark {

using namespace perdure;

namespace {

/// A thread that does one piece of work at a time for another one: the least that any hop costs.
class bare_thread {
public:
    ~bare_thread()
    {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }
    void run(std::function<void()> const& work)
    {
        std::unique_lock lock(mutex_);
        work_ = &work;
        wake_.notify_one();
        done_.wait(lock, [this] { return !work_; });
    }

private:
    void loop()
    {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return stop_ || work_; });
            if (stop_)
                return;
            auto const& work = *work_;
            lock.unlock();
            work();
            lock.lock();
            work_ = nullptr;
            done_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    std::function<void()> const* work_ = nullptr;
    bool stop_ = false;
    std::thread thread_{[this] { loop(); }};
};

asio::awaitable<void> append_one_by_one(wal& log, int count, samples& out)
{
    auto const record = make_record();
    for (int i = 0; i != count; ++i) {
        auto const begin = steady::now();
        co_await log.async_append(record, asio::use_awaitable);
        out.add(1e6 * seconds_since(begin));
    }
}

} // namespace

void measure_one_at_a_time(plan const& p)
{
    print_title("Durable appends of 100 bytes, one at a time");
    raw_file raw(p.directory);
    asio::io_context io(1);
    wal log(io, options_in(p.make("log")));
    log.open();
    auto const record = make_record();
    bare_thread other;
    std::function<void()> const append = [&] { raw.append(record.data(), record.size(), true); };
    samples floor, hop, blocking, coroutine;
    int const count = p.smoke ? 1 : 5;
    auto const time = [count](samples& s, auto once) {
        for (int i = 0; i != count; ++i) {
            auto const begin = steady::now();
            once();
            s.add(1e6 * seconds_since(begin));
        }
    };
    for (int turn = 0; turn != p.turns(240); ++turn)
        // The order changes, because one measure leaves the disk warm for the next.
        for (int i = 0; i != 4; ++i)
            switch ((turn + i) % 4) {
            case 0: time(floor, append); break;
            case 1: time(blocking, [&] { log.append(record, durability::disk); }); break;
            case 2: time(hop, [&] { other.run(append); }); break;
            case 3:
                // Stopped when it is done: the log's idle timer would keep the loop at work.
                asio::co_spawn(io, append_one_by_one(log, count, coroutine),
                               [&io](std::exception_ptr) { io.stop(); });
                io.restart();
                io.run();
            }
    double const f = floor.median();
    double const h = hop.median();
    print_line("blocking caller, p50", text("%.1f us", blocking.median()),
               text("raw write+sync %.1f us", f), text("<= %.1f us", f + 5),
               verdict(blocking.median() <= f + 5));
    print_line("coroutine, p50", text("%.1f us", coroutine.median()),
               text("the same behind a bare thread hop %.1f us", h), text("<= %.1f us", h + 15),
               verdict(coroutine.median() <= h + 15));
    print_line("p10 (least disturbed): blocking, coroutine",
               text("%.1f us, %.1f us", blocking.quantile(0.1), coroutine.quantile(0.1)),
               text("raw %.1f us, hop %.1f us", floor.quantile(0.1), hop.quantile(0.1)), "", "");
    print_line("p99: blocking, coroutine",
               text("%.0f us, %.0f us", blocking.quantile(0.99), coroutine.quantile(0.99)),
               text("raw %.0f us, hop %.0f us", floor.quantile(0.99), hop.quantile(0.99)), "", "");
}

namespace {

constexpr std::size_t waiting_bytes = 4u << 20;

/// What a loop notices in `seconds`: how late a 1 ms timer comes, and the longest turn.
struct loop_watch {
    samples late_us;
    samples slices_us;

    void run(asio::io_context& io, double seconds, std::function<void()> const& each_tick)
    {
        asio::steady_timer timer(io);
        auto const begin = steady::now();
        auto due = begin + std::chrono::milliseconds(1);
        std::function<void()> const arm = [&] {
            timer.expires_at(due);
            timer.async_wait([&](error_code) {
                late_us.add(1e6 * seconds_since(due));
                if (seconds_since(begin) >= seconds)
                    return;
                each_tick();
                due = std::max(due + std::chrono::milliseconds(1), steady::now());
                arm();
            });
        };
        arm();
        io.restart();
        // One handler a turn: its processor time is what others on the loop wait for.
        while (seconds_since(begin) < seconds) {
            double const before = thread_ns();
            if (io.run_one_for(std::chrono::milliseconds(5)) == 0)
                continue;
            slices_us.add((thread_ns() - before) / 1e3);
        }
        timer.cancel();
        io.restart();
        io.run_for(std::chrono::milliseconds(300));
    }
};

/// The least that any log does while the disk stalls: a copy of each record is kept, and a thread writes
/// and syncs what was kept once the disk answers.
loop_watch watch_bare_copies(plan const& p, asio::io_context& io)
{
    auto const record = make_record();
    raw_file raw(p.directory);
    std::deque<std::vector<std::byte>> copies;
    std::atomic<std::size_t> kept{0};
    std::atomic<bool> over{false};
    std::thread writer([&] {
        std::vector<std::byte> const bytes(waiting_bytes, std::byte{'x'});
        std::this_thread::sleep_for(std::chrono::duration<double>(p.seconds(1)));
        for (std::size_t written = 0; !over;) {
            kept.wait(written);
            auto const n = std::min(kept - written, bytes.size());
            raw.append(bytes.data(), n, true);
            written += n;
        }
    });
    loop_watch watch;
    watch.run(io, p.seconds(1.3), [&] {
        for (int i = 0; i != 100; ++i)
            copies.emplace_back(record.begin(), record.end());
        kept += 100 * record.size();
        kept.notify_one();
    });
    over = true;
    ++kept; // It may sleep.
    kept.notify_one();
    writer.join();
    return watch;
}

} // namespace

void measure_stall(plan const& p)
{
    print_title("A loop that appends 100 k/s of 100 bytes while the disk stalls for 1 s");
    auto const record = make_record();
    samples idle_late, copies_late, stall_late;
    struct {
        samples longest, p999;
        void add(samples const& slices)
        {
            longest.add(slices.quantile(1));
            p999.add(slices.quantile(0.999));
        }
    } slices, idle_slices, copies_slices;
    long events = 0;
    for (int turn = 0; turn != p.turns(5); ++turn) {
        asio::io_context io(1);
        auto faults = std::make_shared<call_faults>();
        auto o = options_in(p.make("log"));
        o.waiting_bytes_max = waiting_bytes;
        o.stall_after = std::chrono::milliseconds(100);
        o.on_event = [&](wal_event const& e) { events += e.kind == wal_event_kind::disk_stalled; };
        basic_wal<basic_system_world<faulty_calls>> log(
            basic_system_world<faulty_calls>(io, faulty_calls({faults})), o);
        log.open();
        loop_watch idle;
        idle.run(io, p.seconds(1), [] {});
        auto const copying = watch_bare_copies(p, io);
        // 13 MB in all, of which 4 MB may wait: most appends wait for room.
        faults->hold(system_call::fdatasync);
        long done = 0;
        long started = 0;
        std::thread release([&] {
            std::this_thread::sleep_for(std::chrono::duration<double>(p.seconds(1)));
            faults->release();
        });
        loop_watch stalled;
        stalled.run(io, p.seconds(1.3), [&] {
            for (int i = 0; i != 100; ++i, ++started)
                log.async_append(record, [&](error_code ec, position) { done += !ec; });
        });
        release.join();
        while (done != started)
            if (io.restart(), io.run_one_for(std::chrono::seconds(5)) == 0)
                fail("appends are missing");
        idle_late.add(idle.late_us.quantile(0.999));
        copies_late.add(copying.late_us.quantile(0.999));
        stall_late.add(stalled.late_us.quantile(0.999));
        slices.add(stalled.slices_us);
        idle_slices.add(idle.slices_us);
        copies_slices.add(copying.slices_us);
    }
    // What an idle loop meets, and one beside a thread that writes, is the machine's: interrupts, page
    // faults, what its host takes, and a kernel that lets nobody else run while it writes.
    print_line("longest slice on the loop, processor time", text("%.0f us", slices.longest.median()),
               text("an idle loop %.0f us, bare copies and a writing thread %.0f us",
                    idle_slices.longest.median(), copies_slices.longest.median()),
               "<= 200 us", verdict(slices.longest.median() <= 200));
    print_line("p99.9 of the slices", text("%.0f us", slices.p999.median()),
               text("an idle loop %.0f us, bare copies and a writing thread %.0f us",
                    idle_slices.p999.median(), copies_slices.p999.median()),
               "", "");
    print_line("1 ms timer, p99.9 late", text("%.0f us", stall_late.median()),
               text("an idle loop %.0f us, bare copies and a writing thread %.0f us", idle_late.median(),
                    copies_late.median()),
               text("<= %.0f us", idle_late.median() + 1000),
               verdict(stall_late.median() <= idle_late.median() + 1000));
    print_line("events that report the stall", std::to_string(events), "", "", "");
}

} // namespace benchmark
