#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# Proves README on systems that nobody prepared. Needs root and debootstrap; each system is made once, under build/bare.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'USAGE'
tests/bare.sh: makes bare Debian systems and runs README's commands in each, from a clean clone of the checked out commit.

  tests/bare.sh                              Debian 12 and 13, both README commands
  tests/bare.sh trixie                       only that one (bookworm is 12, trixie is 13)
  tests/bare.sh trixie -- COMMAND            another command in the clone, e.g. tests/run.sh --filter '^ring/'
  tests/bare.sh --reader [SYSTEM]            as a reader of README: the time from nothing to a running ring, and to a
                                             running durable counter
  --boost VERSION      that Boost, where the system has several (Debian 13: 1.83 and 1.88)
  --write              keeps what was printed in docs/verified.md

The compiler cache of this machine is shared with the systems (it makes a second run short and changes no result) unless
CCACHE_DISABLE is set.
USAGE
}

systems=() command=() boost= write= reader=
while (( $# )); do
    case $1 in
        bookworm|trixie|forky) systems+=("$1"); shift ;;
        --boost) boost=${2:?"--boost needs a version"}; shift 2 ;;
        --write) write=yes; shift ;;
        --reader) reader=yes; shift ;;
        --) shift; command=("$@"); break ;;
        --help|-h) usage; exit 0 ;;
        *) echo "tests/bare.sh: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
    esac
done
(( ${#systems[@]} )) || systems=(bookworm trixie)
[[ $(id -u) == 0 ]] || { echo "tests/bare.sh must run as root: it makes and enters root file systems" >&2; exit 2; }
source scripts/system.sh
refresh_package_lists
need debootstrap debootstrap
need git git
need unshare util-linux
install_needed

checkout=$PWD place=$PWD/build/bare
mkdir -p "$place"
# The mirror that this system uses, so that no address stands here.
mirror=$(awk '$1 == "URIs:" {print $2; exit} $1 == "deb" {for (i = 2; i <= NF; ++i) if ($i ~ /^https?:/) {print $i; exit}}' \
    $(find /etc/apt/sources.list.d /etc/apt/sources.list -name 'debian*' -o -name 'sources.list' 2>/dev/null | sort))
[[ -n $mirror ]] || { echo "no Debian mirror found in /etc/apt" >&2; exit 3; }

make_system() { # <suite>
    local there=$place/$1${reader:+-reader}
    [[ -e $there/.made ]] && return
    say "making a bare Debian $1"
    rm -rf "$there"
    debootstrap --variant=minbase --include=ca-certificates "$1" "$there" "$mirror" >"$place/$1.log" 2>&1 \
        || { tail -20 "$place/$1.log"; exit 3; }
    touch "$there/.made"
}

# enter <suite> <command...>: in a mount namespace of its own, so that nothing stays mounted whatever happens.
enter() {
    local there=$place/$1${reader:+-reader}
    shift
    cp /etc/resolv.conf "$there/etc/resolv.conf"
    local cache=
    if [[ -z ${CCACHE_DISABLE:-} ]] && command -v ccache >/dev/null; then
        cache=$(ccache --get-config cache_dir)
        mkdir -p "$there/ccache" "$cache"
    fi
    PERDURE_THERE=$there PERDURE_CACHE=$cache unshare --mount --pid --fork --kill-child bash -c '
        mount --make-rprivate /
        mount -t proc proc "$PERDURE_THERE/proc"
        mount --rbind /dev "$PERDURE_THERE/dev"
        if [[ -n $PERDURE_CACHE ]]; then mount --bind "$PERDURE_CACHE" "$PERDURE_THERE/ccache"; fi
        there=$PERDURE_THERE cache=$PERDURE_CACHE
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
            ${cache:+CCACHE_DIR=/ccache CCACHE_BASEDIR=/ CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content} \
            ${PERDURE_BOOST:+PERDURE_BOOST=$PERDURE_BOOST} chroot "$there" "$@"' bash "$@"
}

clone() { # <suite>: a clean clone of the commit, as a reader would make one
    rm -rf "$place/$1${reader:+-reader}/perdure"
    git clone -q --no-hardlinks "file://$checkout" "$place/$1${reader:+-reader}/perdure"
    git -C "$place/$1${reader:+-reader}/perdure" checkout -q --detach "$(git rev-parse HEAD)"
}

versions_of() { # <suite>
    enter "$1" bash -c '
        . /etc/os-release; printf "%s; " "$PRETTY_NAME"
        printf "%s; " "$(g++ --version | head -1)"
        printf "CMake %s; " "$(cmake --version | sed -n "s/cmake version //p")"
        printf "Boost %s; " "$(sed -n "s/#define BOOST_LIB_VERSION \"\(.*\)\"/\1/p" /usr/include/boost/version.hpp | tr _ .)"
        dpkg-query -W -f "\${Package} \${Version}; " catch2 libxxhash-dev 2>/dev/null
        echo'
}

pages=()
run_in() { # <suite> <title> <command...>
    local suite=$1 title=$2 log begin status=0
    shift 2
    log=$place/$suite${reader:+-reader}.out begin=$SECONDS
    say "$suite: $title"
    # The processor's time too: it says what the command costs where others use the machine.
    local TIMEFORMAT='%U %S' load took processor
    load=$(cut -d' ' -f1 /proc/loadavg)
    { time PERDURE_BOOST=$boost enter "$suite" bash -c 'cd /perdure && exec "$@"' bash "$@" >"$log" 2>&1; } 2>"$log.time" || status=$?
    processor=$(awk '{printf "%.0f", $1 + $2}' "$log.time")
    took="status $status, $((SECONDS - begin)) s, $processor s of the processor, load $load when it began"
    tail -n 25 "$log"
    echo "$suite: $title: $took"
    local shown
    shown=$(grep -vE '^\[[0-9]+/[0-9]+\]|^ *[0-9]+/[0-9]+ Test|^ +Start|^(Get|Hit|Fetched|Reading|Building dep|Preparing|Unpacking|Selecting|Setting up|Suggested|Recommended|The following|Need to|[0-9]+ upgraded)' "$log" |
        sed 's/\x1b\[[0-9;]*m//g' | tail -n 40)
    pages+=("### \`$title\`

${took^}.

\`\`\`
$shown
\`\`\`
")
    return "$status"
}

# What a reader does: the lines that README shows, as they stand; the first empty line ends the ring.
reader_of() { # <suite>
    local suite=$1 lines ring durable
    lines=$(sed -n '/^<!-- reader -->/,/^```$/p' README.md | sed '1,2d; $d; s/sudo //g')
    ring=${lines%%$'\n\n'*} durable=${lines#*$'\n\n'}
    run_in "$suite" "ring: from nothing to a running program" bash -exc "export DEBIAN_FRONTEND=noninteractive; $ring
        test ! -e /usr/include/boost" || return 1
    run_in "$suite" "durable counter: from there to a running program" bash -exc "export DEBIAN_FRONTEND=noninteractive; $durable"
}

failed=0
page="# Verified on bare systems

Written by \`tests/bare.sh --write\`: each system was made by debootstrap with nothing but the base, the commit cloned into it,
and the commands run there. Lines of the package manager and of single compilations and tests are left out.

Commit $(git log -1 --format='%h, %s'), run on $(date -u +%Y-%m-%d) on $(nproc) cores of
$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), with a compiler cache shared with the machine: times are not
those of a first run.
"
for suite in "${systems[@]}"; do
    if [[ -n $reader ]]; then rm -rf "$place/$suite-reader"; fi # Nothing of an earlier run may help.
    make_system "$suite"
    clone "$suite"
    pages=()
    if [[ -n $reader ]]; then
        reader_of "$suite" || failed=1
    elif (( ${#command[@]} )); then
        run_in "$suite" "${command[*]}" "${command[@]}" || failed=1
    else
        run_in "$suite" examples/run.sh examples/run.sh || failed=1
        run_in "$suite" tests/run.sh tests/run.sh || failed=1
    fi
    versions=$(versions_of "$suite" 2>/dev/null || true)
    echo "$versions"
    page+="
## Debian $suite

${versions%; }

$(printf '%s\n' "${pages[@]}")"
done
if [[ -n $write ]]; then
    if [[ -n $reader ]]; then page=${page/'# Verified on bare systems'/'# From README to a running program, on bare systems'}; target=docs/verified_reader.md
    else target=docs/verified.md; fi
    printf '%s\n' "$page" >"$target"
    say "wrote $target"
fi
exit $failed
