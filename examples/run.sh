#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/system.sh

usage() {
    cat <<'USAGE'
examples/run.sh: builds and runs the failover demonstration; installs what is missing on Debian and Ubuntu.

  examples/run.sh                    stores the first 100 MB of the system's C and C++ headers
  examples/run.sh DIRECTORY          stores that directory tree instead
  examples/run.sh --minutes 5        draws faults from exponential times for five minutes
  examples/run.sh --help             this text; `examples/run.sh -- --help` shows the program's own options

Exit status: 0 nothing acknowledged was lost, 1 something was, 2 wrong usage, 3 something cannot be installed here.
USAGE
}

case ${1:-} in
    --help|-h) usage; exit 0 ;;
    --) shift ;;
esac

refresh_package_lists
need_build_tools
install_needed

build=build/examples
say "configuring $build"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPERDURE_BUILD_EXAMPLES=ON >"$log" 2>&1 \
    || { cat "$log"; exit 3; }
say "building the demonstration"
cmake --build "$build" --target failover
say "running it"
rm -f "$log"
trap - EXIT
exec "$build/examples/3_advanced/failover/failover" "$@"
