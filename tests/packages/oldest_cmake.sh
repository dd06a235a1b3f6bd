#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# Installs and consumes perdure with the oldest CMake that consumers may have, 3.16, from its Python package.
#   tests/packages/oldest_cmake.sh            fetches CMake 3.16 into build/cmake-3.16
#   tests/packages/oldest_cmake.sh CMAKE      uses that program
set -euo pipefail
cd "$(dirname "$0")/../.."
checkout=$PWD place=$PWD/build/cmake-3.16
mkdir -p "$place"
cmake=${1:-$place/cmake/data/bin/cmake}
if [[ ! -x $cmake ]]; then
    # The wheel holds a complete program; it is of a time when wheels named a Python version, so it is unpacked by hand.
    python3 -m pip download -q --no-deps --only-binary=:all: --python-version 38 --implementation cp --abi cp38 \
        --platform manylinux1_x86_64 -d "$place" cmake==3.16.8
    python3 -m zipfile -e "$place"/cmake-3.16.8-*.whl "$place"
    chmod +x "$place"/cmake/data/bin/*
fi
"$cmake" --version | head -1

cd "$place"
rm -rf build installed consumer
step() { "$@" >log 2>&1 || { cat log; echo "failed: $*"; exit 1; }; }
step "$cmake" -S "$checkout" -B build -G Ninja
step "$cmake" -DCMAKE_INSTALL_PREFIX="$place/installed" -P build/cmake_install.cmake
diff -r "$checkout/include" installed/include
for project in ring durable_state everything; do
    for way in "-DCMAKE_PREFIX_PATH=$place/installed" "-DPERDURE_CHECKOUT=$checkout"; do
        rm -rf consumer
        options=(-DCMAKE_BUILD_TYPE=Debug "$way")
        if [[ $project == ring ]]; then options+=(-DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON); fi
        step "$cmake" -S "$checkout/tests/packages/$project" -B consumer -G Ninja "${options[@]}"
        step "$cmake" --build consumer
        (cd consumer && step ./consumer)
        echo "$project, ${way%%=*}: $(cat consumer/log)"
    done
done
