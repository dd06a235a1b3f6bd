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
  tests/fuzz.sh --record [...]         add what was run to tests/fuzz/RESULTS.md
  tests/fuzz.sh --list                 the fuzzers; several may run side by side

Each is two programs. One searches, with the checks of the standard library's bounds and of undefined behaviour; the other,
with AddressSanitizer, then runs all that the first kept, and searches on for a tenth of the time. What is found is kept as
build/fuzz/found/FUZZER-*; run it again by build/fuzz/tests/fuzz/fuzz_FUZZER_address FILE.
Exit status: 0 nothing found, 1 something was found, 2 wrong usage.
USAGE
}

seconds=0 record=0 fuzzers=()
mapfile -t all < <(sed -n 's/^perdure_fuzzer(\([a-z_0-9]*\).*/\1/p' tests/fuzz/CMakeLists.txt)
while (( $# )); do
    case $1 in
        --seconds) seconds=${2:-}; shift 2 || { usage >&2; exit 2; } ;;
        --record) record=1; shift ;;
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
mkdir -p "$found"
# Of allocations only the newest are remembered, and none with where it was made: the input that breaks something is kept, and shows
# it under the defaults.
export ASAN_OPTIONS=quarantine_size_mb=4:thread_local_quarantine_size_kb=64:malloc_context_size=0:allocator_release_to_os_interval_ms=-1
# Longer inputs are slower, and the corpus has few of them: while searching they are cut to this size.
search=(-max_len=4096 -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=256 -entropic=0 -print_final_stats=1)

# stat <name>: a figure that libFuzzer printed at the end of its log
stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
coverage() { sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1; }
# run <program> <seconds>: adds to ran; false if something was found. Time is the processor's: the machine may have other work.
run() {
    local begin
    begin=$(awk '{print $16 + $17}' /proc/$$/stat)
    if ! nice "$build/tests/fuzz/fuzz_$1" -max_total_time="$2" "${search[@]}" -artifact_prefix="$found/$1-" "$work" "$kept" >"$log" 2>&1; then
        echo "$1: FOUND SOMETHING"
        grep -E 'violated|ERROR|SUMMARY|written' "$log" || true
        return 1
    fi
    ran=$(stat number_of_executed_units)
    cpu=$((cpu + $(awk '{print $16 + $17}' /proc/$$/stat) - begin))
}

for f in "${fuzzers[@]}"; do
    cmake --build "$build" --target "fuzz_$f" "fuzz_${f}_address" | tail -1
    kept=tests/fuzz/corpus/$f work=$build/work/$f log=$build/$f.log
    mkdir -p "$kept" "$work"
    runs=0 address=0 cpu=0 before=-1 begin=$SECONDS
    while :; do
        slice=$((seconds ? seconds : 600))
        if ! run "$f" "$slice"; then status=1; break; fi
        runs=$((runs + ran)) now=$(coverage)
        if ! run "${f}_address" $((slice / 10 + 1)); then status=1; break; fi
        runs=$((runs + ran)) address=$((address + ran))
        line="$runs inputs, $address of them with AddressSanitizer, $((SECONDS - begin)) s, $((cpu / $(getconf CLK_TCK))) s of processor, coverage $now edges"
        echo "$f: $line"
        (( seconds )) && break
        (( now == before && runs >= 10000000 )) && break
        before=$now
    done
    if (( record && runs )); then
        echo "| $(date -u +%F) | $f | $(sed 's/, coverage/ |&/; s/ |, coverage/ | coverage/' <<<"$line") | $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1) |" \
            >>tests/fuzz/RESULTS.md
    fi
    # The smallest set of inputs with the same coverage.
    merged=$build/merged/$f
    rm -rf "$merged" && mkdir -p "$merged"
    if "$build/tests/fuzz/fuzz_$f" -set_cover_merge=1 -max_len=8192 "$merged" "$kept" "$work" >"$build/$f.merge.log" 2>&1; then
        find "$kept" -type f -delete
        cp "$merged"/* "$kept"
    fi
done
exit $status
