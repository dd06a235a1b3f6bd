#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# What can be tried of the vcpkg port without vcpkg: its rules are checked, its portfile runs with stand-ins for vcpkg's
# functions, a user's project is built against the result, and the git registry is assembled.
set -euo pipefail
cd "$(dirname "$0")/../.."
checkout=$PWD place=$PWD/build/vcpkg
rm -rf "$place"
mkdir -p "$place"
packaging/check.py
cmake -DSOURCE="$checkout" -DBINARY="$place" -DMAKE="$(command -v ninja)" -P packaging/vcpkg/portfile_run.cmake
cmake -S tests/packages/ring -B "$place/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$place/packages" \
    -DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON -DCMAKE_BUILD_TYPE=Debug >"$place/log" 2>&1
cmake --build "$place/consumer" >>"$place/log" || { cat "$place/log"; exit 1; }
"$place/consumer/consumer"
GIT_AUTHOR_NAME=perdure GIT_AUTHOR_EMAIL=perdure@example.org GIT_COMMITTER_NAME=perdure GIT_COMMITTER_EMAIL=perdure@example.org \
    packaging/vcpkg/registry.sh "$place/registry"
