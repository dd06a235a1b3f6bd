#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""A second, slow implementation of docs/formats/hash_ring.md, compared with the golden files.

  reference.py <directory of the golden files>

Exit status: 0 equal, 1 different, 77 there is no xxHash library to load.
"""

import bisect
import ctypes
import ctypes.util
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


def hash_ring(weights, points_per_weight=100):
    """The circle, for {node: weight}."""
    circle = []
    for node, weight in weights.items():
        count = max(1, int(Fraction(weight) * points_per_weight + Fraction(1, 2)))
        circle += [(hash_key(r, hash_key(node)), node) for r in range(count)]
    return sorted(circle)


def preference(circle, key, count):
    nodes = []
    i = bisect.bisect_left(circle, (hash_key(key), ""))
    while len(nodes) < count:
        node = circle[i % len(circle)][1]
        if node not in nodes:
            nodes.append(node)
        i += 1
    return nodes


def compare(directory, name, owner_of):
    text = (directory / f"{name}.txt").read_text()
    golden = " ".join(l for l in text.splitlines() if not l.startswith("#")).split()
    wrong = [k for k in range(10000) if golden[k] != str(owner_of(f"key-{k}"))]
    print(f"{name}: {len(golden)} keys, {len(wrong)} differ")
    return len(golden) == 10000 and not wrong


def main():
    directory = Path(sys.argv[1])
    weights = {f"node-{i}": 1 if i < 8 else 0.5 * (i - 6) for i in range(10)}
    circle = hash_ring(weights)
    equal = compare(directory, "hash_ring", lambda key: preference(circle, key, 1)[0][5:])
    equal &= compare(directory, "hash_ring_third_copy", lambda key: preference(circle, key, 3)[2][5:])
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
