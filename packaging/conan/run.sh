#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# Runs `conan create` on the recipe as it stands, with Conan 2 from its Python package.
#   packaging/conan/run.sh                        with the compilers that are installed
#   packaging/conan/run.sh g++-12 clang++-16      with these
#
# The release archive is made from the commit that is checked out, so the recipe's own source(), package() and
# test_package run. Boost and the others come from the system, in both ways that Conan knows: as platform requirements,
# and as packages that wrap the system's (packaging/conan/wrappers), where the recipe's components meet those of the
# other packages as they do in Conan's registry. Last, the folder is used as a local recipes index, as README says.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/system.sh
checkout=$PWD place=$PWD/build/conan
refresh_package_lists
need_build_tools
need python3 python3
python3 -c 'import ensurepip' 2>/dev/null || perdure_packages+=(python3-venv)
install_needed

mkdir -p "$place"
if [[ ! -x $place/venv/bin/conan ]]; then
    python3 -m venv "$place/venv"
    "$place/venv/bin/pip" install -q 'conan>=2.2,<3'
fi
PATH=$place/venv/bin:$PATH
export CONAN_HOME=$place/home CMAKE_CXX_COMPILER_LAUNCHER=ccache
rm -rf "$place/home" "$place/index"
conan --version
conan remote disable '*' >/dev/null 2>&1

version=$(sed -n 's/^  VERSION //p' CMakeLists.txt)
cp -r packaging/conan "$place/index"
git archive --prefix="perdure-$version/" -o "$place/v$version.tar.gz" HEAD
sed -i "s|url: .*|url: \"file://$place/v$version.tar.gz\"|; s|sha256: .*|sha256: \"$(sha256sum "$place/v$version.tar.gz" | cut -d' ' -f1)\"|" \
    "$place/index/recipes/perdure/all/conandata.yml"

boost=$(awk '/#define BOOST_LIB_VERSION/ {gsub(/"/, "", $3); gsub(/_/, ".", $3); print $3}' /usr/include/boost/version.hpp)
[[ $boost == *.*.* ]] || boost=$boost.0
step() { echo "== $1"; shift; "$@" >"$place/log" 2>&1 || { cat "$place/log"; exit 1; }; }
refused() {
    local what=$1 why=$2
    shift 2
    if "$@" >"$place/log" 2>&1 || ! grep -q "$why" "$place/log"; then cat "$place/log"; echo "FAILED: $what was not refused"; exit 1; fi
    echo "== refused: $what"
}

# profile <name> <compiler> <major> <C++ standard> <program>
profile() {
    cat >"$place/$1" <<PROFILE
[settings]
os=Linux
arch=$(uname -m | sed 's/aarch64/armv8/')
compiler=$2
compiler.version=$3
compiler.libcxx=libstdc++11
compiler.cppstd=$4
build_type=Release
[conf]
tools.build:compiler_executables={"cpp": "$5", "c": "$5"}
PROFILE
}
as_platform() {
    printf '[replace_requires]\nboost/*: boost/%s\nxxhash/*: xxhash/system\npugixml/*: pugixml/system\nlz4/*: lz4/system\nzstd/*: zstd/system\nopenssl/*: openssl/system\n' "$boost"
    printf '[platform_requires]\nboost/%s\nxxhash/system\npugixml/system\nlz4/system\nzstd/system\nopenssl/system\n' "$boost"
}
as_wrapped() {
    printf '[replace_requires]\nboost/*: boost/system\nxxhash/*: xxhash/system\npugixml/*: pugixml/system\nlz4/*: lz4/system\nzstd/*: zstd/system\nopenssl/*: openssl/system\n'
}
for library in boost xxhash pugixml lz4 zstd openssl; do
    step "wrapping the system's $library" conan export packaging/conan/wrappers --name "$library" --version system
done

options=$(sed -n 's/^        "\(with_[a-z0-9]*\)": \[True, False\],/\1/p' packaging/conan/recipes/perdure/all/conanfile.py)
all=() none=()
for option in $options; do all+=(-o "&:$option=True"); none+=(-o "&:$option=False"); done
compilers=("$@")
if (( ! ${#compilers[@]} )); then
    for c in g++-12 g++-13 g++-14 g++-15 clang++-16 clang++-17 clang++-18 clang++-19 clang++-20; do
        if command -v "$c" >/dev/null; then compilers+=("$c"); fi
    done
fi
recipe=$place/index/recipes/perdure/all
for compiler in "${compilers[@]}"; do
    kind=${compiler%%-*} major=${compiler##*-}
    [[ $kind == g++ ]] && kind=gcc || kind=clang
    profile platform "$kind" "$major" 20 "$compiler"
    cp "$place/platform" "$place/wrapped"
    as_platform >>"$place/platform"
    as_wrapped >>"$place/wrapped"
    step "$compiler, platform requirements" conan create "$recipe" --version "$version" -pr:a "$place/platform" -nr
    grep -E '^(user:1|loaded)' "$place/log"
    step "$compiler, wrapped packages, every option" \
        conan create "$recipe" --version "$version" -pr:a "$place/wrapped" -nr --build=missing "${all[@]}"
    grep -E '^(user:1|loaded)' "$place/log"
    step "$compiler, wrapped packages, no option" \
        conan create "$recipe" --version "$version" -pr:a "$place/wrapped" -nr --build=missing "${none[@]}"
    grep -E '^user:1' "$place/log"
done

# What does not compile is refused before anything is built.
profile old gcc 11 20 g++; as_wrapped >>"$place/old"
refused "GCC 11" "needs gcc 12" conan create "$recipe" --version "$version" -pr:a "$place/old" -nr --build=missing
profile old gcc 12 17 g++; as_wrapped >>"$place/old"
refused "C++17" "C++" conan create "$recipe" --version "$version" -pr:a "$place/old" -nr --build=missing

# As a user does who has only the checkout: the folder as a remote.
conan remove 'perdure/*' -c >/dev/null
conan remote add perdure "$place/index" --type=local-recipes-index >/dev/null 2>&1
step "as a local recipes index" conan install --requires "perdure/$version" -pr:a "$place/wrapped" --build=missing -r perdure \
    --output-folder "$place/consumer"
if find "$CONAN_HOME"/p/b/perdu*/p "$CONAN_HOME"/p/perdu*/p -name '*.cmake' -o -name '*.pc' 2>/dev/null | grep -q .; then
    echo "FAILED: the package holds CMake or pkg-config files"; exit 1
fi
echo "passed"
