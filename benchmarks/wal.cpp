// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* What the write-ahead log costs, against the logs inside RocksDB and LevelDB and against floors.
 *
 *   group:     durable appends of 100 bytes with N in flight on one loop. Floor: the same bytes
 *              written and synced in one go; for coroutines also N bare ones that wait for that on
 *              another thread. And the same on a disk whose sync takes 3 ms.
 *   threads:   256 in flight on one loop against 256 threads of the peers; 64 threads against 64.
 *   unsynced:  appends left to the operating system, 1024 in flight, all checksums and the chain on.
 *              Floor: bare callbacks and coroutines that copy, checksum, and share a write on another thread.
 *   single:    one at a time. Floors: a raw write+sync, and the same behind a bare thread hop.
 *   stall:     what the loop notices while the disk stalls for a second under load. Floors: an idle
 *              loop, and one that only keeps copies of the records.
 *   replay:    reading 256-byte records back. Floor: read() and one checksum over all bytes.
 *   reopen:    opening after a clean stop.
 *
 * RocksDB only writes its log (PutLogData); LevelDB also puts the record into its table in memory,
 * and RocksDB does so when it is reopened, because neither can do otherwise. The measures of a group
 * take turns, because the machine's other load changes; medians of all turns, wall-clock time.
 *
 *     benchmark_wal [--smoke] [--only NAME] [--directory DIR] [--log-gigabytes N]
 */

#include "wal/setup.hpp"

#include <cstring>
#include <string_view>

int main(int argc, char** argv)
{
    benchmark::plan plan;
    std::string_view only;
    std::string directory = "benchmark_wal.XXXXXX";
    for (int i = 1; i < argc; ++i) {
        std::string_view const a = argv[i];
        if (a == "--smoke") {
            plan.smoke = true;
        } else if (i + 1 < argc && a == "--only") {
            only = argv[++i];
        } else if (i + 1 < argc && a == "--directory") {
            directory = std::string(argv[++i]) + "/benchmark_wal.XXXXXX";
        } else if (i + 1 < argc && a == "--log-gigabytes") {
            plan.log_gigabytes = std::atof(argv[++i]);
        } else {
            std::fprintf(stderr, "benchmark_wal: unknown argument '%s'; allowed are --smoke, --only NAME, "
                                 "--directory DIR, --log-gigabytes N\n", argv[i]);
            return 2;
        }
    }
    if (!::mkdtemp(directory.data()))
        benchmark::fail("mkdtemp");
    plan.directory = directory;
    struct {
        char const* name;
        void (*run)(benchmark::plan const&);
    } const measures[] = {
        {"group", benchmark::measure_group_commit},     {"threads", benchmark::measure_threads},
        {"unsynced", benchmark::measure_unsynced},      {"single", benchmark::measure_one_at_a_time},
        {"stall", benchmark::measure_stall},            {"replay", benchmark::measure_replay},
        {"reopen", benchmark::measure_reopen},
    };
    for (auto const& m : measures) {
        if (!only.empty() && only != m.name)
            continue;
        m.run(plan);
        for (auto const& e : std::filesystem::directory_iterator(directory))
            std::filesystem::remove_all(e.path());
    }
    std::filesystem::remove_all(directory);
}
