#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""What including a header costs: preprocessed lines, ours and those of what it includes, and with --seconds the time.

  tests/headers/cost.py [--compiler g++] [--seconds] [HEADER...]
  tests/headers/cost.py --check         only the limits: every header of the pure parts, and the umbrella of each part

A line counts when it is neither empty nor a directive. Limits: the headers of the ring and of the availability
calculations (cores: no event loop) stay below 60 000 lines, but for the exceptions named below; and no header of ours
adds more than 20 % to the lines of what it includes. Lines of the standard library differ from one to the next: the first
limit is that of GCC 12's, and is held there. --seconds compiles, in turns, a file with the header alone, one with only what the
header includes from elsewhere ("below"), and one with <vector> and <string> alone ("beyond" is the time more than that): medians
of the processor's time, of nine rounds for headers that are named, else of three. Goals of the ring are printed with it; being
seconds of this machine, they fail nothing.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import statistics
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
include = root / "include"
seconds_goals = {"perdure/ring.hpp": 0.5, "perdure/ring/hash_ring.hpp": 0.5}
pure = ("ring", "placement", "availability", "bytes")
core_limit = 60_000
share_limit = 0.20
# Dearer than a core should be: the limit, and why.
boost_math = (112_000, "the incomplete gamma and beta functions of Boost.Math are 102 000 lines by themselves")
exceptions = {
    "perdure/availability.hpp": (200_000, "the whole part"),
    "perdure/availability/structure/cut_sets.hpp": (150_000, "counts sets in Boost.Multiprecision's integers"),
    **dict.fromkeys(("perdure/availability/" + h + ".hpp" for h in (
        "acceptance", "bernoulli", "burn_monitor", "comparison", "live", "observed", "posterior", "proportion", "trend")),
        boost_math),
    **dict.fromkeys(("perdure/availability/" + h + ".hpp" for h in (
        "copysets", "structure/fault_tree_of", "markov/explore", "markov/passage", "markov/redundant", "markov/steady")),
        (66_000, "takes ranges, or names states by a std::function, on top of durations")),
}


def preprocess(compiler, header):
    """Lines of ours and of others, and what ours includes from elsewhere."""
    run = subprocess.run([compiler, "-std=c++20", "-E", "-I", str(include), "-x", "c++", "-"],
                         input=f"#include <{header}>\n", capture_output=True, text=True)
    if run.returncode:
        return header, None, None, None, run.stderr
    prefix, ours, others, mine = str(include) + "/", 0, 0, False
    foreign, stack = [], []
    for line in run.stdout.split("\n"):
        if line.startswith("#"):
            marker = re.match(r'# \d+ "([^"]*)"(.*)', line)
            if marker:
                entering = " 1" in marker[2]
                now = marker[1].startswith(prefix)
                if entering and mine and not now:
                    foreign.append(marker[1])
                mine = now
        elif line and not line.isspace():
            if mine:
                ours += 1
            else:
                others += 1
    return header, ours, others, foreign, None


def seconds(compiler, texts, rounds):
    """Of the processor in user mode, for each text: medians of tries in turns, since others use the machine too."""
    spent = [[] for _ in texts]
    for _ in range(rounds):
        for text, all_tries in zip(texts, spent):
            begin = os.times()
            subprocess.run([compiler, "-std=c++20", "-O2", "-c", "-o", os.devnull, "-I", str(include), "-x", "c++", "-"],
                           input=text, text=True, check=True, capture_output=True)
            all_tries.append(os.times().children_user - begin.children_user)
    return [statistics.median(tries) for tries in spent]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--seconds", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("headers", nargs="*")
    options = parser.parse_args()
    every = sorted(p.relative_to(include).as_posix() for p in include.rglob("*.hpp") if "detail" not in p.parts)
    headers = options.headers or every
    if options.check:
        headers = [h for h in every if h.count("/") < 2 or h.split("/")[1] in pure]

    version = subprocess.run([options.compiler, "-dumpversion"], capture_output=True, text=True).stdout
    absolute = version.split(".")[0] == "12"
    breaches, rows = [], []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda h: preprocess(options.compiler, h), headers))
    for header, ours, others, foreign, errors in results:
        if errors is not None:
            print(f"{header}: does not preprocess:\n{errors}")
            return 1
        part = header.split("/")[-1 if header.count("/") == 0 else 1].removesuffix(".hpp")
        share = ours / others if others else float("inf")
        limit, why = exceptions.get(header, (core_limit, ""))
        if absolute and part in pure and ours + others > limit:
            breaches.append(f"{header}: {ours + others} lines; at most {limit} for this one" + (f" ({why})" if why else ""))
        # A header that includes nothing costs only itself.
        if share > share_limit and ours > 200:
            breaches.append(f"{header}: {ours} lines of ours on {others} of others are {share:.0%}; at most {share_limit:.0%}")
        row = f"{header:<56} {ours + others:>8} {ours:>7} {share:>6.1%}" if others else f"{header:<56} {ours:>8} {ours:>7}      -"
        if options.seconds:
            mine, below, base = seconds(options.compiler, [
                f"#include <{header}>\n", "".join(f'#include "{f}"\n' for f in dict.fromkeys(foreign)),
                "#include <vector>\n#include <string>\n"], 9 if options.headers else 3)
            row += f" {mine:>7.2f} {below:>7.2f} {mine / below - 1:>6.0%} {mine - base:>7.2f}"
            if header in seconds_goals:
                row += f"  goal {seconds_goals[header]} s: {'met' if mine - base <= seconds_goals[header] else 'NOT MET'}"
        rows.append(row)
    if not options.check:
        print(f"{'header':<56} {'lines':>8} {'ours':>7} {'added':>6}" + (f" {'s':>7} {'below':>7} {'added':>6} {'beyond':>7}" if options.seconds else ""))
        print("\n".join(rows))
    print("\n".join(breaches) or f"{len(headers)} headers are within the limits")
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
