# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# Sourced by tests/run.sh and examples/run.sh: finds what is missing on this system and installs it.

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

# need <command or file> <Debian package> : remembers the package when the thing is missing.
perdure_packages=()
need() {
    if [[ $1 == /* ]]; then [[ -e $1 ]] && return; else command -v "$1" >/dev/null && return; fi
    perdure_packages+=("$2")
}

# offered <Debian package>: apt can install it. apt's tools take a name that they do not know and that holds a + for a regular
# expression, and then answer for others.
offered() {
    apt-cache policy "$1" 2>/dev/null | awk -v name="$1:" '
        $0 == name { getline; getline; found = $1 == "Candidate:" && $2 != "(none)" } END { exit !found }'
}

boost_version() {
    local header=/usr/include/boost/version.hpp
    if [[ -e $header ]]; then awk '/#define BOOST_VERSION/ {print $3}' "$header"; else echo 0; fi
}

# need_boost: Boost 1.81 or newer with the compiled Serialization library. Debian 12's default is older, so it names 1.81.
# PERDURE_BOOST=1.88 asks for that one, where the system has several.
need_boost() {
    if [[ -n ${PERDURE_BOOST:-} ]]; then
        need "/usr/share/doc/libboost$PERDURE_BOOST-dev" "libboost$PERDURE_BOOST-dev"
        need "/usr/share/doc/libboost-serialization$PERDURE_BOOST-dev" "libboost-serialization$PERDURE_BOOST-dev"
        return
    fi
    if (( $(boost_version) >= 108100 )) && compgen -G '/usr/lib/*/libboost_serialization.so' >/dev/null; then return; fi
    if offered libboost1.81-dev; then
        perdure_packages+=(libboost1.81-dev libboost-serialization1.81-dev)
    else
        perdure_packages+=(libboost-dev libboost-serialization-dev)
    fi
}

need_build_tools() {
    need g++ g++
    need cmake cmake
    need ninja ninja-build
    need ccache ccache
    need /usr/include/xxhash.h libxxhash-dev
    need /usr/include/pugixml.hpp libpugixml-dev
    need /usr/include/cereal/cereal.hpp libcereal-dev
    need /usr/include/lz4.h liblz4-dev
    need /usr/include/zstd.h libzstd-dev
    need /usr/include/openssl/md5.h libssl-dev
    need_boost
}

# install_needed: installs what was remembered, or says exactly what to install and stops.
install_needed() {
    (( ${#perdure_packages[@]} )) || return 0
    local sudo=
    if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 && -z $(command -v sudo) ]]; then
        echo "This system lacks what perdure is built with, and this script cannot install it here." >&2
        echo "Install these, under the names your system gives them, then run this command again:" >&2
        echo "  a C++20 compiler (GCC 12, Clang 16 or newer), CMake 3.25, ninja, Boost 1.81 with Serialization," >&2
        echo "  xxHash (headers), pugixml, Catch2 (2.13.5 or 3) for the tests" >&2
        echo "In Debian's names: ${perdure_packages[*]}" >&2
        exit 3
    fi
    [[ $(id -u) == 0 ]] || sudo=sudo
    say "installing ${perdure_packages[*]}"
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${perdure_packages[@]}" \
        || { echo "installing ${perdure_packages[*]} failed; see the lines above" >&2; exit 3; }
}

# apt's lists may be missing on a bare system, and without them nothing can be looked up.
refresh_package_lists() {
    command -v apt-get >/dev/null || return 0
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null && return 0
    local sudo=
    [[ $(id -u) == 0 ]] || sudo=$(command -v sudo) || return 0
    say "reading package lists"
    $sudo apt-get update -q || true
}
