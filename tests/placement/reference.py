#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""A second, slow implementation of the mapping in docs/formats/placement.md, compared with the golden files.

  reference.py <directory of the golden files>

Exit status: 0 equal, 1 different, 77 there is no xxHash library to load.
"""

import collections
import ctypes
import ctypes.util
import math
import sys
from pathlib import Path


def load_xxhash():
    name = ctypes.util.find_library("xxhash")
    if name is None:
        print("no xxHash library; skipped")
        sys.exit(77)
    function = ctypes.CDLL(name).XXH3_64bits_withSeed
    function.restype = ctypes.c_uint64
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    return lambda data, seed: function(data, len(data), seed)


XXH3 = load_xxhash()


def hash_key(key, seed=0):
    data = key.encode() if isinstance(key, str) else key.to_bytes(8, "little")
    return XXH3(data, seed)


def log2_table(i):
    m, log = (256 + i) << 55, 0
    for bit in range(47, -1, -1):
        square = m * m
        if square >> 127:
            log |= 1 << bit
            m = square >> 64
        else:
            m = square >> 63
    return log if i < 256 else 1 << 48


LOG = [log2_table(i) for i in range(257)]


def draw(x):
    x = max(x, 1)
    zeros = 64 - x.bit_length()
    m = x << zeros
    i, f = (m >> 55) & 255, (m << 9) & (2**64 - 1)
    curvature = 812165106069599 // (513 + 2 * i) ** 2
    log = LOG[i] + (f * (LOG[i + 1] - LOG[i]) >> 64) + ((f * (2**64 - 1 - f) >> 64) * curvature >> 64)
    return max(1, ((zeros + 1) << 48) - log)


class Node:
    def __init__(self, name, zone, rack, weight, seed):
        self.name, self.weight, self.seed = name, weight, hash_key(name, seed)
        self.places = (zone,), (zone, rack), (zone, rack, name)  # no hosts are given


def room(nodes, limits):
    counts = collections.Counter(n.places[2] for n in nodes)
    for level in (2, 1, 0):
        inner, counts = counts, collections.Counter()
        for place, count in inner.items():
            counts[place[:level]] += min(count, limits[level])
    return counts[()]


def fit(order, limits, copies, chosen):
    for n in order:
        if len(chosen) < copies and n not in chosen and all(
                sum(o.places[level] == n.places[level] for o in chosen) < limits[level] for level in range(3)):
            chosen.append(n)


def owners(nodes, copies, wanted, slots, scatter):
    wanted = [min(limit or copies, copies) for limit in wanted]
    placed = min(copies, len(nodes))
    widest = [copies, copies, wanted[2]]
    for level in (2, 1, 0):
        widest[level] = wanted[level]
        while min(copies, room(nodes, widest)) < placed:
            widest[level] += 1
    time = lambda slot, n: (float(draw(hash_key(slot, n.seed))) / n.weight, n.name)
    sets = make_sets(nodes, placed, widest, scatter) if scatter else None
    for slot in range(slots):
        order = sorted(nodes, key=lambda n: time(slot, n))
        if sets:
            members = max(sets, key=lambda s: hash_key(slot, s[0]))[1]
            yield [n for n in order if n in members]
            continue
        chosen = []
        for wider in range(17):
            fit(order, [min(w + wider, most) for w, most in zip(wanted, widest)], placed, chosen)
        yield [n for n in order if n in chosen]


def make_sets(nodes, copies, limits, scatter):
    roles = max(1, scatter // (copies - 1))
    count = -(-len(nodes) * roles // copies)
    total = 0.0
    for n in nodes:
        total += n.weight
    may = {n: math.ceil(float(len(nodes) * roles) * n.weight / total * (1 - 1e-12)) for n in nodes}
    anchors = sorted(nodes, key=lambda n: hash_key(0, n.seed))
    sets = sorted(((hash_key(1 + i // len(nodes), anchors[i % len(nodes)].seed), [anchors[i % len(nodes)]])
                   for i in range(count)), key=lambda s: s[0])
    used = collections.Counter(s[1][0] for s in sets)
    for at, (seed, members) in enumerate(sets):
        def waits(zone):
            left = sum(max(0, may[n] - used[n]) for n in nodes if n.places[0] == zone)
            return left < sum(limits[0] - (s[1][0].places[0] == zone) for s in sets[at:])
        waiting = {n.places[0]: waits(n.places[0]) for n in nodes}
        key = lambda n: (used[n] >= may[n], waiting[n.places[0]],
                         used[n] / n.weight if used[n] >= may[n] else 0, hash_key(seed, n.seed), nodes.index(n))
        fit(sorted(nodes, key=key), limits, copies, members)
        for n in members[1:]:
            used[n] += 1
    return sets


def cluster(count, zones, racks, seed, weight=lambda i: 1.0):
    nodes = [Node(f"node-{i}", f"zone-{i % zones}", f"rack-{i // zones % racks}", weight(i), seed) for i in range(count)]
    return sorted(nodes, key=lambda n: n.name.encode())


def main():
    directory = Path(sys.argv[1])
    tenths = lambda i: 0.1 * (1 + i)
    wrong = 0
    for file, nodes, scatter in (("equal", cluster(24, 4, 2, 0), 0), ("weighted", cluster(24, 4, 2, 77, tenths), 0),
                                 ("relaxed", cluster(6, 2, 2, 77), 0), ("scatter", cluster(24, 4, 2, 77, tenths), 4)):
        lines = [" ".join(n.name for n in slot) for slot in owners(nodes, 3, (1, 0, 1), 1024, scatter)]
        rank = {n.name: i for i, n in enumerate(nodes)}
        seed = hash_key(1024)
        for n in nodes:
            seed = hash_key(n.name, seed)
        table = b"".join(rank[name].to_bytes(2, "little") for line in lines for name in line.split())
        lines.append(f"fingerprint {XXH3(table, seed)}")
        golden = (directory / f"{file}.txt").read_text().splitlines()
        different = sum(a != b for a, b in zip(lines, golden)) + abs(len(lines) - len(golden))
        print(f"{file}: {len(golden)} lines, {different} differ")
        wrong += different
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
