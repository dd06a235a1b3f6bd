#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/system.sh

usage() {
    cat <<'USAGE'
tests/fuzz.sh: builds the fuzzers with Clang, runs them, and keeps the inputs that reach new code in tests/fuzz/corpus.

  tests/fuzz.sh [FUZZER...]            each until 10 minutes bring no new coverage and 10 000 000 inputs were run; hours
  tests/fuzz.sh --seconds 60 [...]     each for that long
  tests/fuzz.sh --list                 the fuzzers

An input that breaks something is kept as build/fuzz/found/FUZZER-*; run it again by
build/fuzz/tests/fuzz/fuzz_FUZZER FILE. Exit status: 0 nothing found, 1 something was found, 2 wrong usage.
USAGE
}

seconds=0 fuzzers=()
mapfile -t all < <(sed -n 's/^perdure_fuzzer(\([a-z_0-9]*\).*/\1/p' tests/fuzz/CMakeLists.txt)
while (( $# )); do
    case $1 in
        --seconds) seconds=${2:-}; shift 2 || { usage >&2; exit 2; } ;;
        --list) printf '%s\n' "${all[@]}"; exit 0 ;;
        --help|-h) usage; exit 0 ;;
        -*) echo "tests/fuzz.sh: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
        *) fuzzers+=("$1"); shift ;;
    esac
done
[[ $seconds =~ ^[0-9]+$ ]] || { echo "--seconds is '$seconds'; a number of seconds" >&2; exit 2; }
(( ${#fuzzers[@]} )) || fuzzers=("${all[@]}")

refresh_package_lists
need_build_tools
need clang++-16 clang-16
if ! compgen -G '/usr/lib/llvm-16/lib/clang/16/lib/linux/libclang_rt.fuzzer-*' >/dev/null; then perdure_packages+=(libclang-rt-16-dev); fi
install_needed

build=build/fuzz found=$PWD/build/fuzz/found status=0
cmake --preset fuzz -B "$build" >/dev/null
for f in "${fuzzers[@]}"; do cmake --build "$build" --target "fuzz_$f" | tail -1; done
mkdir -p "$found"

# stat <name>: a figure that libFuzzer printed at the end of its log
stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
coverage() { sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1; }

for f in "${fuzzers[@]}"; do
    kept=tests/fuzz/corpus/$f work=$build/work/$f log=$build/$f.log
    mkdir -p "$kept" "$work"
    runs=0 before=-1 begin=$SECONDS
    while :; do
        slice=$(( seconds ? seconds : 600 ))
        if ! nice "$build/tests/fuzz/fuzz_$f" -max_total_time=$slice -max_len=8192 -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=256 \
            -print_final_stats=1 -artifact_prefix="$found/$f-" "$work" "$kept" >"$log" 2>&1; then
            echo "$f: FOUND SOMETHING"
            grep -E 'violated|ERROR|SUMMARY|written' "$log" || true
            status=1
            break
        fi
        runs=$(( runs + $(stat number_of_executed_units) ))
        now=$(coverage)
        echo "$f: $runs runs in $((SECONDS - begin)) s, coverage $now edges, $(stat average_exec_per_sec) runs/s, memory $(stat peak_rss_mb) MiB"
        (( seconds )) && break
        (( now == before && runs >= 10000000 )) && break
        before=$now
    done
    # The smallest set of inputs with the same coverage.
    rm -rf "$build/merged" && mkdir -p "$build/merged"
    if "$build/tests/fuzz/fuzz_$f" -set_cover_merge=1 -max_len=8192 "$build/merged" "$kept" "$work" >"$build/merge.log" 2>&1; then
        find "$kept" -type f -delete
        cp "$build"/merged/* "$kept"
    fi
done
exit $status
