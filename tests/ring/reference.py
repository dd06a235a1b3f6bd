#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""A second, slow implementation of docs/formats/hashes.md, compared with the golden files.

  reference.py <directory of the golden files>

Exit status: 0 equal, 1 different, 77 there is no xxHash library to load.
"""

import bisect
import ctypes
import ctypes.util
import math
import sys
from fractions import Fraction
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
    data = key.encode() if isinstance(key, str) else (key % 2**64).to_bytes(8, "little")
    return XXH3(data, seed)


def distinct(series, count):
    found = []
    for node in series:
        if node not in found:
            found.append(node)
        if len(found) == count:
            return found
    return found


class HashRing:
    def __init__(self, weights, points_per_weight=100):
        self.circle = []
        for node, weight in weights.items():
            count = max(1, int(Fraction(weight) * points_per_weight + Fraction(1, 2)))
            self.circle += [(hash_key(r, hash_key(node)), node) for r in range(count)]
        self.circle.sort()

    def order(self, h, count):
        i = bisect.bisect_left(self.circle, (h, ""))
        return distinct((self.circle[(i + k) % len(self.circle)][1] for k in range(len(self.circle))), count)


def splitmix(z):
    mask = 2 ** 64 - 1
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
    z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
    return z ^ z >> 31


def level_word(h, toss):
    return h if toss == 0 else splitmix((h + toss * 0x9E3779B97F4A7C15) % 2 ** 64)


def level_factor(level):
    return splitmix(level * 0x9E3779B97F4A7C15 % 2 ** 64) | 1


def level_draws(h, levels):
    tosses = [0] * (levels + 1)
    while True:
        slot = 0
        for level in range(levels, 0, -1):
            toss = tosses[level]
            tosses[level] += 1
            word = level_word(h, toss)
            if word >> (level - 1) & 1:
                slot = 2 ** (level - 1) + (word * level_factor(level) % 2 ** 64 >> 33) % 2 ** (level - 1)
                break
        yield slot


class DxHash:
    def __init__(self, nodes):  # {slot: node}
        self.nodes = nodes
        self.levels = max(nodes).bit_length()

    def order(self, h, count):
        return distinct((self.nodes[s] for s in level_draws(h, self.levels) if s in self.nodes), count)


class Rendezvous:
    def __init__(self, weights):
        self.weights = weights

    def order(self, h, count):
        score = {n: hash_key(h, hash_key(n)) for n in self.weights}
        return sorted(self.weights, key=lambda n: (-score[n], n))[:count]


class WeightedRendezvous(Rendezvous):
    def order(self, h, count):
        # In floating point: nearer to the truth than two scores of these keys are to one another.
        time = {n: (64 - math.log2(max(1, hash_key(h, hash_key(n))))) / w for n, w in self.weights.items()}
        return sorted(self.weights, key=lambda n: time[n])[:count]


class Rehash:
    """The order of preference of what looks up one node only."""

    def order(self, h, count):
        series = (self.owner(h if a == 0 else hash_key(a, h)) for a in range(16 * self.size()))
        return distinct(series, count)


def jump(key, count):
    bucket, following = -1, 0
    while following < count:
        bucket = following
        key = (key * 2862933555777941757 + 1) % 2**64
        following = int((bucket + 1) * (2.0**31 / ((key >> 33) + 1)))
    return bucket


class JumpHash(Rehash):
    def __init__(self, count):
        self.count = count

    def size(self):
        return self.count

    def owner(self, h):
        return f"node-{jump(h, self.count)}"


class Maglev(Rehash):
    def __init__(self, weights, entries=65537):
        self.weights = weights
        self.table = [None] * entries
        turns = []
        for node in sorted(weights):
            seed = hash_key(node)
            turns.append([node, hash_key(0, seed) % entries, hash_key(1, seed) % (entries - 1) + 1, 0])
        heaviest, filled, round_ = max(weights.values()), 0, 0
        while filled < entries:
            round_ += 1
            for turn in turns:
                node, at, skip, target = turn
                if filled == entries or round_ * (weights[node] / heaviest) < target:
                    continue
                while self.table[at] is not None:
                    at = (at + skip) % entries
                self.table[at] = node
                turn[1], turn[3], filled = at, target + 1, filled + 1

    def size(self):
        return len(self.weights)

    def owner(self, h):
        return self.table[h * len(self.table) >> 64]


class MultiProbe(Rehash):
    def __init__(self, nodes, probes=21):
        self.points = sorted((hash_key(0, hash_key(n)), n) for n in nodes)
        self.probes = probes

    def size(self):
        return len(self.points)

    def owner(self, h):
        best = None
        for i in range(self.probes):
            probe = h if i == 0 else hash_key(i, h)
            j = bisect.bisect_left(self.points, (probe, "")) % len(self.points)
            point, node = self.points[j]
            best = min(best or (2**65, ""), ((point - probe) % 2**64, node))
        return best[1]


class SlotTable(Rehash):
    def __init__(self, slots=16384):
        self.weights, self.owners = {}, [None] * slots

    def change(self, node, weight):
        self.weights.pop(node, None)
        if weight is not None:
            self.weights[node] = weight
        order, slots = sorted(self.weights), len(self.owners)
        total = 0.0
        for n in order:
            total += self.weights[n]
        share = {n: slots * self.weights[n] / total for n in order}
        have = {n: self.owners.count(n) for n in order}
        quota = {n: int(share[n]) for n in order}
        rest = {n: share[n] - int(share[n]) for n in order}
        claims = sorted(order, key=lambda n: (not (rest[n] > 0 and have[n] > int(share[n])), -rest[n], n))
        for i in range(slots - sum(quota.values())):
            quota[claims[i % len(claims)]] += 1
        takers = []
        while True:
            round_ = [n for n in order if have[n] < quota[n]]
            if not round_:
                break
            for n in round_:
                have[n] += 1
            takers += round_
        takers.reverse()
        for s, owner in enumerate(self.owners):
            if owner in have and have[owner] <= quota[owner]:
                continue
            if owner in have:
                have[owner] -= 1
            self.owners[s] = takers.pop()

    def size(self):
        return len(self.weights)

    def owner(self, h):
        return self.owners[h * len(self.owners) >> 64]

    def order(self, h, count):
        slots = len(self.owners)
        return super().order(h // (2**64 // slots) * (2**64 // slots), count)


def compare(directory, name, owner_of):
    text = (directory / f"{name}.txt").read_text()
    golden = " ".join(l for l in text.splitlines() if not l.startswith("#")).split()
    wrong = [k for k in range(10000) if golden[k] != str(owner_of(f"key-{k}"))]
    print(f"{name}: {len(golden)} keys, {len(wrong)} differ")
    return len(golden) == 10000 and not wrong


def main():
    directory = Path(sys.argv[1])
    names = [f"node-{i}" for i in range(10)]
    equal_weights = {n: 1 for n in names}
    other_weights = equal_weights | {"node-2": 2, "node-5": 0.3}
    table = SlotTable()
    for node in names:
        table.change(node, 1)
    table.change("node-4", None)
    table.change("node-2", 2)
    hashes = {
        "hash_ring": HashRing({f"node-{i}": 1 if i < 8 else 0.5 * (i - 6) for i in range(10)}),
        "choose_k": DxHash(dict(enumerate(names))),
        "dx_hash": DxHash({i: n for i, n in enumerate(names) if i not in (3, 7)}),
        "jump_hash": JumpHash(10),
        "maglev": Maglev(other_weights),
        "multi_probe_hash": MultiProbe(names),
        "rendezvous_hash": Rendezvous(equal_weights),
        "slot_table": table,
        "weighted_rendezvous_hash": WeightedRendezvous(other_weights),
    }
    equal = True
    for name, h in hashes.items():
        equal &= compare(directory, name, lambda key: h.order(hash_key(key), 1)[0][5:])
        equal &= compare(directory, name + "_third_copy", lambda key: h.order(hash_key(key), 3)[2][5:])
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
