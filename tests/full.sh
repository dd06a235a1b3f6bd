#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# The full matrix and the long runs: what is too slow for .ci/run. Prints a table; hours on two cores.
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/system.sh

usage() {
    cat <<'USAGE'
tests/full.sh: every compiler that Debian has of those we support, both sanitizers, and the long searches.

  tests/full.sh                 everything
  tests/full.sh --compilers     only the table of compilers, each with every test
  tests/full.sh --table         the short table: each compiler compiles every header in two files of one program and
                                builds and runs the tutorial; on Debian 13 with another Boost by
                                `tests/bare.sh trixie --boost 1.88 -- tests/full.sh --table`; with
                                names behind it, only those compilers
  tests/full.sh --searches      only the long searches: 2 000 seeds of the failover simulation and of durable state, 2 000 kills of
                                a process that logs, every damage to a log, 20 000 random clusters placed, and the
                                demonstration for five minutes with random faults
USAGE
}

what=${1:-all}
case $what in all|--compilers|--searches|--table) ;; --help|-h) usage; exit 0 ;; *) usage >&2; exit 2 ;; esac

failed=0 rows=()
row() { rows+=("$(printf '%-34s %-8s %6d s' "$1" "$2" "$3")"); }
try() {
    local name=$1 begin=$SECONDS
    shift
    if "$@"; then row "$name" passed $((SECONDS - begin)); else row "$name" FAILED $((SECONDS - begin)); failed=1; fi
}

# The programs of some tests. By ctest each would end at its time limit in tests/CMakeLists.txt: ctest's --timeout is for
# tests that have none.
programs() {
    local program
    for program; do
        [[ -f $program && -x $program ]] || { echo "$program is not built" >&2; return 1; }
        echo "$program"
        timeout 4h "$program" || return 1
    done
}

boost=$(awk '/#define BOOST_LIB_VERSION/ {gsub(/"/, "", $3); gsub(/_/, ".", $3); print $3}' /usr/include/boost/version.hpp 2>/dev/null)
compilers=(g++-12 g++-13 g++-14 g++-15 clang++-16 clang++-17 clang++-18 clang++-19 clang++-20)

# One cell of the table. Not the tests, which --compilers runs, but everything that a user includes.
short() {
    local compiler=$1 build=build/table-${1//+/x}-$boost log linker=
    log=$(mktemp)
    # A compiler beside the system's may bring an older C++ library to link with than the system's Boost was built with (g++-13
    # of Debian 13). The one that programs are run with has what is missing.
    if ! "$compiler" -x c++ - -Wl,--no-as-needed -lboost_serialization -o "$log" <<<'int main() {}' 2>/dev/null; then
        linker=-Wl,--allow-shlib-undefined
    fi
    if ! { cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_CXX_COMPILER="$compiler" \
               -DCMAKE_EXE_LINKER_FLAGS="$linker" \
               -DPERDURE_BUILD_TESTS=ON -DPERDURE_BUILD_EXAMPLES=ON &&
           targets=$(ninja -C "$build" -t targets all | sed -n 's/^\(example_1_tutorial_[a-z_]*\): .*/\1/p') &&
           ninja -C "$build" test_headers_linked $targets &&
           ctest --test-dir "$build" --output-on-failure --no-tests=error -R '^(headers/linked|example/1_tutorial/)'; } >"$log" 2>&1; then
        grep -E 'error|Error|FAILED|failed' "$log" | head -20
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

if [[ $what == --table ]]; then
    if (( $# > 1 )); then compilers=("${@:2}"); fi
    refresh_package_lists
    need_build_tools
    need python3 python3
    if ! compgen -G '/usr/include/catch2/catch*.hpp' >/dev/null; then perdure_packages+=(catch2); fi
    for compiler in "${compilers[@]}"; do
        package=${compiler/clang++/clang}
        if offered "$package"; then need "$compiler" "$package"; fi
    done
    install_needed
    boost=$(awk '/#define BOOST_LIB_VERSION/ {gsub(/"/, "", $3); gsub(/_/, ".", $3); print $3}' /usr/include/boost/version.hpp)
    for compiler in "${compilers[@]}"; do
        if command -v "$compiler" >/dev/null; then
            try "$compiler, Boost $boost" short "$compiler"
            echo "${rows[-1]}"
        fi
    done
    printf '%s\n' '' "$(. /etc/os-release; echo "$PRETTY_NAME")" "${rows[@]}"
    exit $failed
fi
if [[ $what != --searches ]]; then
    for compiler in "${compilers[@]}"; do
        package=${compiler/clang++/clang}
        if command -v "$compiler" >/dev/null || offered "$package"; then
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
    try "log: 2 000 kills" env PERDURE_CYCLES=2000 build/dev/tests/wal/test_wal_kill_soak
    PERDURE_THOROUGH=1 try "log: damage and truncation, thorough" programs build/dev/tests/wal/test_wal_{every_damage,truncation}
    PERDURE_THOROUGH=1 try "power cuts, thorough" programs build/dev/tests/{wal/test_wal_{crash_search,packing},durable/test_durable_crash_search,snapshot/test_snapshot_crash}
    PERDURE_SEEDS=2000 try "durable state, 2 000 seeds" programs build/dev/tests/durable/test_durable_*
    PERDURE_SEEDS=20000 try "placement, 20 000 random clusters" programs build/dev/tests/placement/test_placement_*
    try "failover, random faults, 5 minutes" examples/run.sh --minutes 5
fi
printf '%s\n' "${rows[@]}"
exit $failed
