#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""same_trace.py PROGRAM SEED...: the same seed gives the same trace in processes with different address layouts.

Runs `PROGRAM --no-bugs --seeds 1 --first SEED` several times: with addresses drawn by the system, with none drawn, with
another allocator behaviour, and with a larger environment (which moves the stack). The program prints its trace's hash, and
an address of its heap and of its stack; the addresses must differ between the runs, the hashes must not.
"""

import os
import re
import shutil
import subprocess
import sys

program, seeds = sys.argv[1], sys.argv[2:]
layouts = [
    ("as the system draws them", [], {}),
    ("as the system draws them again", [], {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0", "MALLOC_PERTURB_": "170"}),
    ("every allocation of its own mapping", [], {"MALLOC_MMAP_THRESHOLD_": "4096", "PERDURE_PADDING": "x" * 100_000}),
]
if shutil.which("setarch"):
    layouts.append(("not drawn", ["setarch", "-R"], {}))

failed = 0
for seed in seeds:
    traces, addresses = {}, set()
    for name, prefix, environment in layouts:
        command = prefix + [program, "--no-bugs", "--seeds", "1", "--first", seed]
        run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
        if prefix and "failed to set personality" in run.stderr:
            continue  # Not allowed in some containers.
        found = re.search(r"^trace (\w+), heap (\w+), stack (\w+)$", run.stdout, re.M)
        if run.returncode or not found:
            sys.exit(f"seed {seed}, addresses {name}: {' '.join(command)} failed:\n{run.stdout}{run.stderr}")
        traces.setdefault(found[1], []).append(name)
        addresses.add(found.groups()[1:])
    if len(addresses) < 2:
        sys.exit(f"seed {seed}: the layouts do not differ, so this run shows nothing: {addresses}")
    if len(traces) != 1:
        failed += 1
        print(f"seed {seed}: different traces: {traces}\n  replay: {program} --no-bugs --seeds 1 --first {seed}")
    else:
        print(f"seed {seed}: trace {next(iter(traces))} in {len(layouts)} processes, {len(addresses)} layouts")
sys.exit(1 if failed else 0)
