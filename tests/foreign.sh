#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# What two machines must agree on, on machines of another kind: the tests of formats, hashes and golden files, compiled for
# a big-endian and for a 32-bit machine and run by qemu's user mode. Not part of tests/run.sh: it takes minutes and brings
# two cross compilers.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'USAGE'
tests/foreign.sh: runs the tests of formats, hashes and golden files on other machines, by qemu.

  tests/foreign.sh                      s390x (big-endian, 64 bits) and armhf (little-endian, 32 bits)
  tests/foreign.sh s390x                one of them
  tests/foreign.sh s390x ring/known_answers wal/format     only these tests
USAGE
}

case ${1:-} in
    s390x|armhf) machines=("$1"); shift ;;
    --help|-h) usage; exit 0 ;;
    '') machines=(s390x armhf) ;;
    *) usage >&2; exit 2 ;;
esac
source scripts/system.sh
refresh_package_lists
need_build_tools
if ! compgen -G '/usr/include/catch2/catch*.hpp' >/dev/null; then perdure_packages+=(catch2); fi
declare -A triplet=([s390x]=s390x-linux-gnu [armhf]=arm-linux-gnueabihf) emulator=([s390x]=qemu-s390x [armhf]=qemu-arm)
for m in "${machines[@]}"; do
    need "${triplet[$m]}-g++" "g++-${triplet[$m]}"
    need "${emulator[$m]}" qemu-user
done
install_needed

# The label says which tests hold a format; hashes and rings are held by the others.
tests=("$@")
if (( ! ${#tests[@]} )); then
    tests=(bytes/hash bytes/codec bytes/crc32c ring/known_answers ring/compatible)
    while IFS=: read -r file line; do
        [[ $line =~ perdure_test\(([a-z_0-9]+)\.cpp.*[[:space:]]format ]] || continue
        test=$(basename "$(dirname "$file")")/${BASH_REMATCH[1]}
        case $test in availability/*|fuzz/*) ;; *) tests+=("$test") ;; esac
    done < <(grep -r 'perdure_test(.*format' tests --include=CMakeLists.txt --include='*.cmake')
fi

place=$PWD/build/foreign
mkdir -p "$place"
catch_v3=$(compgen -G '/usr/include/catch2/catch_all.hpp' || true)
launcher=$(command -v ccache || true)
failed=0 rows=()
for m in "${machines[@]}"; do
    there=$place/$m
    mkdir -p "$there/include" "$there/debs" "$there/lists/partial"
    # Headers that are the same for every machine; the rest of this machine's headers must stay away.
    ln -sfn /usr/include/boost "$there/include/boost"
    ln -sfn /usr/include/catch2 "$there/include/catch2"
    ln -sf /usr/include/xxhash.h "$there/include/xxhash.h"
    # Libraries of the other machine, unpacked and not installed.
    if [[ ! -e $there/.unpacked ]]; then
        say "libraries of $m"
        apt=(apt-get -q -o "Dir::State::lists=$there/lists" -o "APT::Architectures::=amd64" -o "APT::Architectures::=$m"
             -o "APT::Sandbox::User=root")
        "${apt[@]}" update >"$there/apt.log" 2>&1 || true # A list that is being renewed does not matter; a missing package does.
        serialization=$(dpkg-query -W -f '${Package}\n' 'libboost-serialization1.*-dev' | tail -1)
        wanted=("$serialization:$m" "libssl-dev:$m" "liblz4-dev:$m" "libzstd-dev:$m")
        if [[ -n $catch_v3 ]]; then wanted+=("catch2:$m"); fi
        (cd "$there/debs" && "${apt[@]}" download "${wanted[@]}" >>"$there/apt.log" 2>&1) || { cat "$there/apt.log"; exit 3; }
        for deb in "$there"/debs/*.deb; do dpkg -x "$deb" "$there/root"; done
        touch "$there/.unpacked"
    fi
    for header in openssl lz4.h lz4hc.h lz4frame.h zstd.h zstd_errors.h zdict.h; do
        [[ -e $there/root/usr/include/$header ]] && ln -sfn "$there/root/usr/include/$header" "$there/include/$header"
    done
    compile=(nice -n 5 $launcher "${triplet[$m]}-g++" -std=c++20 -O1 -w -Wno-psabi -DPERDURE_TEST_DATA="\"$PWD/tests/data\"" -I include -I tests
             -isystem "$there/include" -isystem "$there/root/usr/include/${triplet[$m]}")
    [[ -e $there/main.o ]] || "${compile[@]}" -c tests/support/main.cpp -o "$there/main.o"
    for test in "${tests[@]}"; do
        begin=$SECONDS program=$there/${test//\//_} result=passed
        if ! "${compile[@]}" -c "tests/$test.cpp" -o "$program.o" 2>"$program.log"; then
            result='DOES NOT COMPILE'
        elif ! "${triplet[$m]}-g++" -static "$program.o" "$there/main.o" -o "$program" -L "$there/root/usr/lib/${triplet[$m]}" \
            ${catch_v3:+-lCatch2} -lboost_serialization -lcrypto -llz4 -lzstd -pthread -ldl -latomic 2>"$program.log"; then
            result='DOES NOT LINK'
        elif ! (cd "$there" && timeout 3600 "${emulator[$m]}" "$program") >"$program.log" 2>&1; then
            result=FAILED
        fi
        summary=$(tail -n 3 "$program.log" | grep -E 'passed|failed' | tail -1 || true)
        rows+=("$(printf '%-6s %-28s %-16s %4d s  %s' "$m" "$test" "$result" $((SECONDS - begin)) "$summary")")
        echo "${rows[-1]}"
        if [[ $result != passed ]]; then failed=1; grep -vE '^$' "$program.log" | head -40; fi
    done
done
printf '%s\n' '' "${rows[@]}"
exit $failed
