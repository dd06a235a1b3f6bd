#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# The release check list. It tags, uploads and changes nothing: it says what is ready and what is not.
set -uo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'USAGE'
scripts/release.sh: verifies all that a release of the checked out commit needs.

  scripts/release.sh            everything, tests/full.sh and bare systems included: hours
  scripts/release.sh --quick    what takes minutes: versions, documents, packages, reference; no compiler matrix
  scripts/release.sh --documents  what takes seconds: versions, documents, reference; compiles nothing

Exit status: 0 ready, 1 something is not.
USAGE
}
quick= documents=
case ${1:-} in '') ;; --quick) quick=yes ;; --documents) quick=yes documents=yes ;; --help|-h) usage; exit 0 ;; *) usage >&2; exit 2 ;; esac

rows=() failed=0
check() { # <what> <command...>
    local what=$1 log begin=$SECONDS result=ready
    shift
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        result='NOT READY' failed=1
        echo "---- $what"; tail -n 15 "$log"
    fi
    rm -f "$log"
    rows+=("$(printf '%-9s %6d s  %-62s %s' "$result" $((SECONDS - begin)) "$what" "$*")")
    echo "${rows[-1]}"
}

version=$(sed -n 's/^  VERSION \([0-9.]*\)$/\1/p' CMakeLists.txt)
config=$(awk '/#define PERDURE_VERSION_/ {printf "%s%s", dot, $3; dot = "."}' include/perdure/config.hpp)
clean() { local changed; changed=$(git status --porcelain) && [[ -z $changed ]] || { git status --short; return 1; }; }
same_version() { [[ -n $version && $version == "$config" ]] || { echo "CMakeLists.txt says $version, config.hpp $config"; return 1; }; }
untagged() { if git rev-parse -q --verify "refs/tags/v$version" >/dev/null; then echo "v$version exists"; return 1; fi; }
dated() { grep -qE "^## $version \([0-9]{4}-[0-9]{2}-[0-9]{2}\)" CHANGELOG.md || { grep -n "^## $version" CHANGELOG.md; echo "the entry needs its date"; return 1; }; }
formats_grow_only() { # Golden files of the last release are still there, byte for byte.
    local last
    last=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || { echo "no earlier release"; return 0; }
    local changed
    changed=$(git diff --diff-filter=MDR --name-only "$last" -- tests/data) || return 1
    [[ -z $changed ]] || { echo "golden files differ from $last:"; echo "$changed"; return 1; }
}
verified_now() { # The bare systems were tried with the library as it is.
    local commit
    commit=$(sed -n 's/^Commit \([0-9a-f]*\),.*/\1/p' docs/verified.md 2>/dev/null)
    [[ -n $commit ]] || { echo "docs/verified.md names no commit; run tests/bare.sh --write"; return 1; }
    # What fuzzing adds needs no new trial, nor what the trial does not run.
    git diff --quiet "$commit" -- include cmake CMakeLists.txt examples tests scripts ':!tests/fuzz/corpus' ':!tests/fuzz/RESULTS.md' ':!tests/full.sh' ':!tests/foreign.sh' ':!scripts/release.sh' || { echo "the library changed since $commit; run tests/bare.sh --write"; return 1; }
}

check "the work tree is clean" clean
check "CMakeLists.txt and config.hpp agree on version $version" same_version
check "v$version is not tagged yet" untagged
check "CHANGELOG.md has an entry for $version, with its date" dated
check "golden files of the last release are unchanged" formats_grow_only
check "licences, guards, includes, links, quoted code" python3 tests/tidy/tidy.py
check "the recipe and the port, ready for their registries" packaging/check.py --release
check "the reference: no warning, nothing public without a comment" python3 scripts/reference.py
if [[ -z $documents ]]; then
    check "users' projects, with the oldest CMake" tests/packages/oldest_cmake.sh
    check "conan create" packaging/conan/run.sh
    check "the vcpkg port, as far as it can be tried" packaging/vcpkg/run.sh
fi
check "bare systems were tried with the library as it is" verified_now
if [[ -z $quick ]]; then
    check "every compiler, sanitizer and long search" tests/full.sh
    check "formats on other machines" tests/foreign.sh
    check "README on bare systems" tests/bare.sh
fi
printf '%s\n' '' "Release $version at $(git log -1 --format='%h, %s')" "${rows[@]}"
if (( failed )); then echo "$version is not ready"; else echo "$version is ready: tag v$version, then fill the archive's hash into recipe and port"; fi
exit $failed
