#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# The full matrix and the long runs: what is too slow for .ci/run. Prints a table; hours on two cores.
set -uo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'USAGE'
tests/full.sh: every compiler that Debian has of those we support, both sanitizers, and the long searches.

  tests/full.sh                 everything
  tests/full.sh --compilers     only the table of compilers
  tests/full.sh --searches      only the long searches: 2 000 seeds of the failover simulation and the demonstration
                                for five minutes with random faults
USAGE
}

what=${1:-all}
case $what in all|--compilers|--searches) ;; --help|-h) usage; exit 0 ;; *) usage >&2; exit 2 ;; esac

failed=0 rows=()
row() { rows+=("$(printf '%-34s %-8s %6d s' "$1" "$2" "$3")"); }
try() {
    local name=$1 begin=$SECONDS
    shift
    if "$@"; then row "$name" passed $((SECONDS - begin)); else row "$name" FAILED $((SECONDS - begin)); failed=1; fi
}

boost=$(awk '/#define BOOST_LIB_VERSION/ {gsub(/"/, "", $3); gsub(/_/, ".", $3); print $3}' /usr/include/boost/version.hpp 2>/dev/null)
if [[ $what != --searches ]]; then
    for compiler in g++-12 g++-13 g++-14 g++-15 clang++-16 clang++-17 clang++-18 clang++-19 clang++-20; do
        package=${compiler/clang++/clang}
        if command -v "$compiler" >/dev/null || apt-cache show "$package" >/dev/null 2>&1; then
            try "$compiler, Boost ${boost:-of the system}" tests/run.sh --compiler "$compiler"
        else
            row "$compiler" absent 0
        fi
    done
    try "address and undefined" tests/run.sh --sanitizer address --all
    try "thread" tests/run.sh --sanitizer thread
fi
if [[ $what != --compilers ]]; then
    try "failover simulation, 2 000 seeds" build/dev/examples/3_advanced/failover/failover_simulation --seeds 2000
    try "failover, random faults, 5 minutes" examples/run.sh --minutes 5
fi
printf '%s\n' "${rows[@]}"
exit $failed
