#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/system.sh

if [[ ${1:-} == --help || ${1:-} == -h ]]; then
    echo "examples/tools/choosing_avoidance.sh [NODES [ZONES [FAILED]]]: compares ways to place data; see docs/choosing_avoidance.md."
    exit 0
fi
need g++ g++
need /usr/include/xxhash.h libxxhash-dev
need_boost
if (( ${#perdure_packages[@]} )); then refresh_package_lists; install_needed; fi
mkdir -p build
g++ -std=c++20 -O2 -I include examples/tools/choosing_avoidance.cpp -o build/choosing_avoidance
exec build/choosing_avoidance "$@"
