#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/system.sh

usage() {
    cat <<'USAGE'
benchmarks/run.sh: builds and runs the benchmarks and writes their tables to benchmarks/RESULTS.md.

  benchmarks/run.sh            all of them; installs the peers (RocksDB, LevelDB) where Debian has them
  benchmarks/run.sh ring wal   only these; the others keep their tables
  benchmarks/run.sh --print    to the screen, without changing RESULTS.md

Each program measures ours, the peers and the floors in turns in one run. On a shared machine believe the ratios.
USAGE
}

print= names=()
while (( $# )); do
    case $1 in
        --help|-h) usage; exit 0 ;;
        --print) print=yes; shift ;;
        -*) echo "benchmarks/run.sh: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
        *) names+=("$1"); shift ;;
    esac
done

refresh_package_lists
need_build_tools
need /usr/include/rocksdb/db.h librocksdb-dev
need /usr/include/leveldb/db.h libleveldb-dev
need /usr/include/lz4.h liblz4-dev
need /usr/include/zstd.h libzstd-dev
need /usr/include/openssl/evp.h libssl-dev
install_needed

build=build/benchmarks
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPERDURE_BUILD_BENCHMARKS=ON >/dev/null
if (( ! ${#names[@]} )); then
    for fragment in benchmarks/*.cmake; do names+=("$(basename "$fragment" .cmake)"); done
fi
targets=()
for name in "${names[@]}"; do
    [[ -e benchmarks/$name.cmake ]] || { echo "there is no benchmark '$name'" >&2; exit 2; }
    targets+=("benchmark_$name")
done
say "building ${names[*]}"
cmake --build "$build" --target "${targets[@]}"

mkdir -p benchmarks/results
for name in "${names[@]}"; do
    say "$name"
    out=$(mktemp)
    "$build/benchmarks/benchmark_$name" | tee "$out"
    if [[ -z $print ]]; then
        {
            echo "# $name"
            echo
            echo "\`benchmarks/run.sh $name\`, $(date -u +%Y-%m-%d), $(nproc) cores of $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1) (shared),"
            echo "$(. /etc/os-release; echo "$PRETTY_NAME"), $(g++ --version | head -1), -O3."
            echo
            echo '```'
            cat "$out"
            echo '```'
        } >"benchmarks/results/$name.md"
    fi
    rm -f "$out"
done

if [[ -z $print ]]; then
    {
        echo "# Benchmark results"
        echo
        echo "Written by \`benchmarks/run.sh\`: each section by one program, in one run, from ours, the peers and the floors in turns."
        echo "The machine is shared and noisy; the ratios are what counts."
        for result in benchmarks/results/*.md; do
            echo
            sed "1s/^# /## /" "$result"
        done
        missing=()
        for fragment in benchmarks/*.cmake; do
            name=$(basename "$fragment" .cmake)
            [[ -e benchmarks/results/$name.md ]] || missing+=("$name")
        done
        if (( ${#missing[@]} )); then printf '\nNot measured yet: %s.\n' "${missing[*]}"; fi
    } >benchmarks/RESULTS.md
    say "benchmarks/RESULTS.md is written"
fi
