#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""Prints for every scenario that other logs are tested for where it is tested here, or why it is not. One that is
neither is an error.

The scenarios are those of LevelDB's and RocksDB's log, recovery, corruption and fault-injection tests, of Pebble's
walSync, etcd's wal and snap, SQLite's walcksum and walslow, Redis' AOF, braft's segment log and RocksDB's backup engine;
P1 to P8 are what CuttleFS and stalled disks do; I1 to I7 hold after every damage.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import coverage  # noqa: E402

# Name, what happens, and the tests that are not named after it: file and a part of the test's name.
SCENARIOS = [
    ("F1", "an empty log"), ("F2", "empty records"), ("F3", "many records"), ("F4", "records of many blocks"),
    ("F5", "a block ends behind a header"), ("F6", "a block ends behind a record"), ("F7", "a block with a trailer"),
    ("F8", "open again and append"), ("F9", "random sizes"), ("F10", "reading fails"),
    ("F11", "unknown type that must be known"), ("F12", "unknown type that may be skipped"), ("F13", "a torn header"),
    ("F14", "a wrong length"), ("F15", "a torn body"), ("F16", "a wrong checksum"), ("F17", "a middle without a begin"),
    ("F18", "a begin without an end"), ("F19", "a torn last fragment"), ("F20", "halves of two records"),
    ("F21", "reading from anywhere"),
    ("F22", "short reads and interrupts", ("world/posix_files.cpp", "short and interrupted transfers go on")),
    ("F23", "following a live log", ("wal/keeping.cpp", "passes every durable record once, while they are appended")),
    ("F24", "a recycled file"), ("F25", "appending after a torn tail"),

    ("chain", "a missing, cut or emptied segment, modes 0 to 4"),
    ("PostPITRCorruptionWALsRetained", "opened with losses, and again"),
    ("CrashDuringRecovery", "power cut while recovering", ("wal/crash_search.cpp", "while recovering from a power cut")),
    ("SyncWalPartialFailure", "one of several files cannot be synced"),
    ("WriteOptionSyncTest", "a sync covers the segments before"), ("ManualLogSync", "a sync on demand"),
    ("WALWithChecksumHandoff", "bytes change on their way"),
    ("WALWriteErrorNoRecovery", "a failed write is final"),
    ("EmptyWalReopen", "no records, many openings"), ("RecoveryToleratesEmptyFutureWal", "a prepared segment"),
    ("AsyncWalPrecreate", "preparing fails"),

    ("CorruptionTest.Recovery", "two bad bytes"), ("RecoverWriteError", "opening cannot write"),
    ("NewFileErrorDuringWrite", "no next file"), ("SequenceNumberRecovery", "writing after a repair"),
    ("MultipleLogFiles", "an old segment comes back"), ("NoLogFiles", "all segments are gone"),
    ("ManifestMissing", "what names the log is gone"), ("FaultInjection", "loss of all that is not synced"),

    ("E1", "preallocated zeros"), ("E2", "what a new segment repeats"), ("E3", "an emptied segment"),
    ("E4", "a zeroed record"), ("E5", "repair of a cut record"), ("E6", "a zeroed rest"), ("E7", "a zeroed middle"),
    ("E8", "a length beyond the file"), ("E9", "a gap in the positions"), ("E10", "unfinished creation"),
    ("E11", "a rename fails"), ("E12", "a file too large"), ("E13", "reading while it is open"),
    ("E14", "the decoder's table"), ("E15", "a file vanishes while it is read"),
    ("TestFailback", "the newest snapshot is bad", ("snapshot/store.cpp", "every truncation and every changed byte of the newest")),
    ("ErrNoSnapshot", "no snapshot is good", ("snapshot/store.cpp", "a damaged snapshot is put aside, kept")),
    ("NewestAvailable", "the log has what the snapshot needs", ("durable/durable.cpp", "back to the older of two snapshots")),

    ("W1", "a whole log"), ("W2", "one bad group at the end"), ("W3", "bad groups confirm nothing"),
    ("W4", "a later claim"), ("W5", "a later claim behind many bad ones"), ("W6", "a later claim of less"),
    ("W7", "another log's number"), ("W8", "zeros, lengths, versions"), ("W9", "the first watermark"),

    ("S1", "another checksum"), ("S2", "a rollback"), ("R1", "an unclean end"), ("R2", "an open group"),
    ("BR1", "a segment one byte short"), ("BR2", "another segment's bytes behind the end"), ("BR3", "garbage behind the end"),
    ("BR4", "the checksum's kind changes"), ("BR5", "files that may not be read"), ("BR6", "names that lead elsewhere"),
    ("BK1", "bad generations", ("snapshot/store.cpp", "a damaged snapshot is put aside, kept"),
     ("snapshot/store.cpp", "leftovers of killed saves are cleaned")),
    ("BK2", "damage of the same size"), ("BK3", "a copy without what was not synced"),

    ("P1", "a sync fails once"),
    ("P2", "the cache shows what is not on disk"),
    ("P3", "a part of a group was written"), ("P4", "a sync of a directory fails"), ("P5", "closing fails"),
    ("P6", "no space"),
    ("P7", "no quota, read-only, no directory"), ("P8", "a sync hangs"),

    ("I1", "an exact prefix, or a subset in salvage"), ("I2", "nothing acknowledged goes silently"),
    ("I3", "nothing is invented"), ("I4", "appending after it works"),
    ("I5", "a second opening repairs nothing", ("wal/crash_search.cpp", "while recovering from a power cut")),
    ("I6", "the report counts"), ("I7", "memory is bounded"),
    ("states", "every crash state", ("wal/crash_search.cpp", "no power cut loses what was acknowledged")),
    ("soak", "killed again and again", ("wal/kill_soak.cpp", "killed again and again")),
]

LEFT_OUT = [
    ("WriteBatchWalTermination, WalTermTest", "records behind a mark that are not logged", "a group has no such mark: all its records are logged"),
    ("LargeManifestCompacted", "a large manifest", "there is no manifest: segments name their log and what came before"),
    ("E11 .broken", "the directory gets another name", "what was made is removed; see E11"),
    ("P8 failover", "writing elsewhere while a sync hangs", "a stall is told and no failure: two histories would have to be merged; see continue_elsewhere"),
]


def main():
    tests = pathlib.Path(__file__).resolve().parent.parent
    titles = {}
    for path in sorted(tests.rglob("*.cpp")):
        text = path.read_text()
        # A title may be several literals, and stand behind the name of a macro of templates.
        for found in re.finditer(r'TEST_CASE\(\s*((?:"[^"]*"\s*)+)', text):
            title = "".join(re.findall(r'"([^"]*)"', found[1]))
            line = text.count("\n", 0, found.start()) + 1
            titles.setdefault(str(path.relative_to(tests)), []).append((line, title))
    def find(name, *elsewhere):
        places = [f"{path}:{line}" for path, all in titles.items() for line, title in all
                  if title.startswith("scenario ") and name in re.split(r"[ ,:]+", title.split(":")[0])]
        for path, part in elsewhere:
            found = [line for line, title in titles.get(path, []) if part in title]
            places += [f"{path}:{found[0]}" if found else f"MISSING {path} '{part}'"]
        return places or ["MISSING"]

    return coverage.report(SCENARIOS, find, LEFT_OUT, (31, 42), "scenarios")


if __name__ == "__main__":
    sys.exit(main())
