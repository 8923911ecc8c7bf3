# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Sourced by bench/run.sh and tests/run.sh: find what is missing, say what it costs, install it.
#
# packages_need KIND NAME PACKAGE notes one requirement; packages_install brings what is missing.
# Root is used for apt-get alone: for the one install, and before it for `apt-get update` where the
# machine has no package lists at all (a fresh container), because then no install can work.
# Nothing else changes the machine: no daemon, no kernel package, nothing that opens a port.

packages_missing=
packages_what=

packages_found() {
    case $1 in
    command)
        for packages_one in $2; do
            ! command -v "$packages_one" >/dev/null 2>&1 || return 0
        done
        return 1
        ;;
    module) command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "$2" ;;
    header) printf '#include <%s>\n' "$2" | "${CC:-cc}" -E -x c - >/dev/null 2>&1 ;;
    header++) printf '#include <%s>\n' "$2" | "${CXX:-c++}" -E -x c++ - >/dev/null 2>&1 ;;
    esac
}

# packages_need KIND NAME PACKAGE: KIND is command (any of the names), module (pkg-config),
# header or header++.
packages_need() {
    packages_found "$1" "$2" && return 0
    packages_what="$packages_what $2"
    case " $packages_missing " in
    *" $3 "*) ;;
    *) packages_missing="$packages_missing $3" ;;
    esac
}

packages_build_needs() {
    packages_need command cc gcc
    packages_need command c++ g++
    packages_need header stdio.h libc6-dev
    packages_need command cmake cmake
    packages_need command ninja ninja-build
    packages_need command pkg-config pkg-config
    packages_need module 'hwloc >= 2.5' libhwloc-dev
    packages_need module liburcu-qsbr liburcu-dev
    packages_need module numa libnuma-dev
    packages_need module jansson libjansson-dev
    packages_need module inih libinih-dev
    packages_need module benchmark libbenchmark-dev
}

# The queues that `pinion bench queues --peers` measures beside ours. None is needed to build.
packages_peers_needs() {
    packages_need module libdpdk libdpdk-dev
    packages_need module ck libck-dev
    packages_need header++ concurrentqueue/concurrentqueue.h libconcurrentqueue-dev
    packages_need module tbb libtbb-dev
    packages_need header++ boost/lockfree/queue.hpp libboost-dev
}

# The line that a person can paste, for machines where we may not or cannot install.
packages_say_and_stop() {
    printf '%s: missing:%s\n' "$0" "$packages_what" >&2
    as_root=
    how='with this line'
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null 2>&1; then
            as_root='sudo '
        else
            how='as root with this line'
        fi
    fi
    printf '%s: %s; install them %s and call again:\n' "$0" "$1" "$how" >&2
    printf '  %sapt-get update && %sapt-get install --no-install-recommends%s\n' \
        "$as_root" "$as_root" "$packages_missing" >&2
    exit 3
}

# Five seconds in which Ctrl-C stops everything, where somebody can see them.
packages_pause() {
    [ -t 0 ] && [ -t 2 ] || return 0
    printf '%s: installing in 5 s; Ctrl-C stops\n' "$0" >&2
    sleep 5
}

# packages_install [--no-install]: returns when nothing is missing, else exits 3 with one clear line.
packages_install() {
    packages_missing=${packages_missing# }
    [ -n "$packages_missing" ] || return 0
    packages_missing=" $packages_missing"
    [ "${1-}" != --no-install ] || packages_say_and_stop "--no-install was given"
    command -v apt-get >/dev/null 2>&1 || packages_say_and_stop "there is no apt-get here (names are Debian's)"
    root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || packages_say_and_stop "neither root nor sudo"
        root=sudo
    fi
    first=${packages_missing# }
    first=${first%% *}
    paused=
    if [ -z "$(apt-cache madison "$first" 2>/dev/null)" ]; then
        printf '%s: this machine has no package lists: running apt-get update first\n' "$0" >&2
        packages_pause
        paused=yes
        $root apt-get update -q >&2 || packages_say_and_stop "apt-get update failed; see above"
    fi
    printf '%s: packages to install:%s\n' "$0" "$packages_missing" >&2
    # Asking for the size needs no lock, so no root.
    # shellcheck disable=SC2086 # a list of names
    LC_ALL=C apt-get -o Debug::NoLocking=1 install --no-install-recommends --assume-no $packages_missing 2>/dev/null |
        grep -E '^(Need to get|After this operation)' >&2 || true
    [ -n "$paused" ] || packages_pause
    # shellcheck disable=SC2086
    $root env DEBIAN_FRONTEND=noninteractive apt-get install --no-install-recommends -y -q $packages_missing >&2 ||
        packages_say_and_stop "apt-get could not install them; see above"
}
