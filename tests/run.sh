#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/system.sh

usage() {
    cat <<'USAGE'
tests/run.sh: builds and runs perdure's tests; installs what is missing on Debian and Ubuntu.

  tests/run.sh                         everything, with the default compiler
  tests/run.sh --filter wal            only tests whose name matches the regular expression, and what they need is built
  tests/run.sh --sanitizer address     AddressSanitizer and UndefinedBehaviorSanitizer, without the pure arithmetic
  tests/run.sh --sanitizer address --all     with it
  tests/run.sh --sanitizer thread      ThreadSanitizer, on the tests that use threads
  tests/run.sh --compiler clang++-16   another compiler (installed if Debian has it under that name)
  tests/run.sh --quick                 without examples and benchmarks, and only the labels core, asio and headers

Exit status: 0 all passed, 1 a test failed, 2 wrong usage, 3 something cannot be installed here.
USAGE
}

sanitizer= compiler= filter= quick= all=
while (( $# )); do
    case $1 in
        --sanitizer) sanitizer=${2:-}; shift 2 || { usage >&2; exit 2; } ;;
        --compiler) compiler=${2:-}; shift 2 || { usage >&2; exit 2; } ;;
        --filter) filter=${2:-}; shift 2 || { usage >&2; exit 2; } ;;
        --quick) quick=yes; shift ;;
        --all) all=yes; shift ;;
        --help|-h) usage; exit 0 ;;
        *) echo "tests/run.sh: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
    esac
done
case $sanitizer in ''|address|thread) ;; *) echo "--sanitizer is '$sanitizer'; allowed are address and thread" >&2; exit 2 ;; esac

refresh_package_lists
need_build_tools
need python3 python3
if ! compgen -G '/usr/include/catch2/catch*.hpp' >/dev/null; then perdure_packages+=(catch2); fi
if [[ -n $compiler ]] && ! command -v "$compiler" >/dev/null; then
    case $compiler in
        clang++-*) perdure_packages+=("clang-${compiler#clang++-}") ;;
        g++-*) perdure_packages+=("$compiler") ;;
        *) echo "compiler '$compiler' is not installed, and this script does not know its package" >&2; exit 3 ;;
    esac
fi
install_needed

preset=dev
[[ -n $sanitizer ]] && preset=$sanitizer
build=build/$preset
options=()
if [[ -n $compiler ]]; then
    build=build/$preset-${compiler//+/x}
    options+=("-DCMAKE_CXX_COMPILER=$compiler")
fi

if [[ -n $all ]]; then options+=(-DPERDURE_SANITIZE_ALL=ON); fi
if [[ -n $quick ]]; then
    build+=-quick
    options+=(-DPERDURE_BUILD_EXAMPLES=OFF -DPERDURE_BUILD_BENCHMARKS=OFF -DPERDURE_QUICK=ON)
fi

say "configuring $build"
cmake --preset "$preset" -B "$build" "${options[@]}" >"/tmp/perdure-configure.$$" 2>&1 \
    || { cat "/tmp/perdure-configure.$$"; rm -f "/tmp/perdure-configure.$$"; exit 3; }
rm -f "/tmp/perdure-configure.$$"
say "building"
if [[ -n $filter ]]; then
    # Only what these tests run. A path that is no target, such as a script's, is left out.
    mapfile -t programs < <(python3 tests/support/programs.py "$build" "$filter" |
        grep -Fxf - <(ninja -C "$build" -t targets all | sed 's/: [^:]*$//') || true)
    if (( ${#programs[@]} )); then cmake --build "$build" --target "${programs[@]}"; fi
    set -- -R "$filter"
else
    cmake --build "$build"
    set --
fi
say "testing"
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
