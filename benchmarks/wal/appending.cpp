// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Appending at full speed: many in flight on one loop, many threads, and without syncs.

#include "log.hpp"
#include "peers.hpp"
#include "slow_calls.hpp"

#include <map>

namespace benchmark {

using namespace perdure;

void measure_group_commit(plan const& p)
{
    print_title("Durable appends of 100 bytes, N in flight on one loop");
    raw_file raw(p.directory);
    asio::io_context io(1);
    wal log(io, options_in(p.make("log")));
    log.open();
    clients all(io, log);
    bare_clients bare(io, raw, true);
    for (int const n : {1, 4, 16, 64, 256, 1024}) {
        samples floor, ours, coroutines, without_log;
        for (int turn = 0; turn != p.turns(12); ++turn) {
            floor.add(raw.cycle(record_size * static_cast<std::size_t>(n), p.smoke ? 2 : 200));
            ours.add(n / all.by_callback(n, durability::disk, p.seconds(0.05)));
            coroutines.add(n / all.by_coroutine(n, durability::disk, p.seconds(0.05)));
            without_log.add(n / bare.by_coroutine(n, p.seconds(0.05)));
        }
        double const f = 1e6 * floor.median();
        double const bar = f + 50 + 0.3 * n;
        for (auto const* s : {&ours, &coroutines}) {
            double const us = 1e6 * s->median();
            print_line("N = " + std::to_string(n) + (s == &ours ? ", callbacks" : ", coroutines") +
                           ": a cycle",
                       text("%.0f us (%.0f k/s)", us, 1e3 * n / us),
                       s == &ours ? text("raw write+sync %.0f us", f)
                                  : text("raw write+sync %.0f us; bare coroutines that wait for it %.0f us", f,
                                         1e6 * without_log.median()),
                       text("<= %.0f us", bar), verdict(us <= bar));
        }
    }

    print_title("The same on a disk whose sync takes 3 ms: share of N x raw syncs/s");
    asio::io_context slow_io(1);
    constexpr double sync_seconds = 0.003;
    using slow_wal = basic_wal<basic_system_world<slow_calls>>;
    slow_wal slow_log(basic_system_world<slow_calls>(slow_io, slow_calls(sync_seconds)),
                      options_in(p.make("slow")));
    slow_log.open();
    clients slow(slow_io, slow_log);
    for (int const n : {1, 64, 1024}) {
        samples floor, ours;
        for (int turn = 0; turn != p.turns(5); ++turn) {
            floor.add(raw.cycle(record_size * static_cast<std::size_t>(n), p.smoke ? 2 : 40,
                                sync_seconds));
            ours.add(slow.by_callback(n, durability::disk, p.seconds(0.2)));
        }
        double const share = ours.median() * floor.median() / n;
        print_line("N = " + std::to_string(n), text("%.0f k/s", ours.median() / 1e3),
                   text("raw write+sync %.2f ms", 1e3 * floor.median()), ">= 0.9",
                   (text("%.3f ", share) + verdict(share >= 0.9)).c_str());
    }
}

void measure_threads(plan const& p)
{
    raw_file raw(p.directory);
    asio::io_context io(1);
    wal log(io, options_in(p.make("log")));
    log.open();
    clients all(io, log);
    auto const record = make_record();
    std::string_view const bytes(reinterpret_cast<char const*>(record.data()), record.size());
    std::map<std::string, std::unique_ptr<peer>> peers;
    peers["RocksDB"] = open_rocksdb(p.make("rocksdb"));
    peers["LevelDB"] = open_leveldb(p.make("leveldb"));
    samples floor, loop, threads;
    std::map<std::string, samples> peers_256, peers_64;
    for (int turn = 0; turn != p.turns(9); ++turn) {
        floor.add(raw.cycle(record_size, p.smoke ? 2 : 100));
        loop.add(all.by_callback(256, durability::disk, p.seconds(0.15)));
        for (auto& [name, peer] : peers)
            if (peer)
                peers_256[name].add(rate_of_threads(p.smoke ? 4 : 256, p.seconds(0.25),
                                                    [&] { peer->append(bytes, true); }));
        threads.add(rate_of_threads(p.smoke ? 4 : 64, p.seconds(0.25),
                                    [&] { log.append(record, durability::disk); }));
        for (auto& [name, peer] : peers)
            if (peer)
                peers_64[name].add(rate_of_threads(p.smoke ? 4 : 64, p.seconds(0.25),
                                                   [&] { peer->append(bytes, true); }));
    }
    double const sync_ms = 1e3 * floor.median();
    print_title("Durable appends of 100 bytes, against the logs inside databases");
    auto const compare = [&](char const* measure, samples const& ours, std::map<std::string, samples>& theirs,
                             std::map<std::string, double> const& bars) {
        for (auto const& [name, bar] : bars) {
            if (theirs[name].empty()) {
                print_line(measure, text("%.0f k/s", ours.median() / 1e3), name + " is not installed",
                           text(">= %.2gx", bar), "-");
                continue;
            }
            double const ratio = ours.median() / theirs[name].median();
            print_line(measure, text("%.0f k/s", ours.median() / 1e3),
                       name + text(" %.1f k/s", theirs[name].median() / 1e3), text(">= %.2gx", bar),
                       (text("%.1fx ", ratio) + verdict(ratio >= bar)).c_str());
        }
    };
    print_line("(a raw write+sync)", text("%.3f ms", sync_ms), "", "", "");
    bool const quick = sync_ms < 0.5;
    compare("256 in flight on one loop, their 256 threads", loop, peers_256,
            {{"RocksDB", quick ? 8 : 2}, {"LevelDB", quick ? 5 : 2}});
    compare("64 blocking threads", threads, peers_64, {{"RocksDB", 1.5}, {"LevelDB", 1}});
}

void measure_unsynced(plan const& p)
{
    print_title("Appends of 100 bytes left to the operating system, 1024 in flight on one loop");
    asio::io_context io(1);
    wal log(io, options_in(p.make("log")));
    log.open();
    clients all(io, log);
    auto const record = make_record();
    std::string_view const bytes(reinterpret_cast<char const*>(record.data()), record.size());
    auto rocksdb = open_rocksdb(p.make("rocksdb"));
    raw_file raw(p.directory);
    bare_clients bare(io, raw, false);
    samples ours, coroutines, bare_callbacks, bare_coroutines, one, four;
    perdure::position trimmed = 0;
    for (int turn = 0; turn != p.turns(9); ++turn) {
        ours.add(all.by_callback(1024, durability::os, p.seconds(0.3)));
        coroutines.add(all.by_coroutine(1024, durability::os, p.seconds(0.3)));
        bare_callbacks.add(bare.by_callback(1024, p.seconds(0.1)));
        bare_coroutines.add(bare.by_coroutine(1024, p.seconds(0.1)));
        if (rocksdb) {
            one.add(rate_of_threads(1, p.seconds(0.2), [&] { rocksdb->append(bytes, false); }));
            four.add(rate_of_threads(4, p.seconds(0.2), [&] { rocksdb->append(bytes, false); }));
        }
        // The log is kept short, outside the measure.
        log.async_append(record, [&](error_code, position at) { trimmed = at; });
        io.restart();
        io.run_for(std::chrono::seconds(2));
        log.async_trim(trimmed, [](error_code) {});
        io.restart();
        io.run_for(std::chrono::milliseconds(200));
    }
    for (auto const* s : {&ours, &coroutines})
        print_line(s == &ours ? "callbacks" : "coroutines", text("%.2f M/s", s->median() / 1e6),
                   text("bare ones that share a write on a thread: %.2f M/s",
                        (s == &ours ? bare_callbacks : bare_coroutines).median() / 1e6),
                   ">= 3 M/s", verdict(s->median() >= 3e6));
    if (rocksdb) {
        double const theirs = std::max(one.median(), four.median());
        print_line("callbacks", text("%.2f M/s", ours.median() / 1e6),
                   text("RocksDB %.2f M/s (1 thread), %.2f M/s (4)", one.median() / 1e6,
                        four.median() / 1e6),
                   ">= 8x",
                   (text("%.1fx ", ours.median() / theirs) + verdict(ours.median() >= 8 * theirs)).c_str());
    }
}

} // namespace benchmark
