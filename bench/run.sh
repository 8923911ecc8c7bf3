#!/bin/sh
# SPDX-License-Identifier: MIT
# The main job in one command: install what is missing, build, measure this machine, report.
#
# usage: bench/run.sh [--no-install] [--full] [options of `pinion survey`]
set -eu

cd "$(dirname "$0")/.."
. bench/packages.sh

install=
preset=--quick
while [ $# -gt 0 ]; do
    case $1 in
    --no-install) install=--no-install ;;
    --full) preset=--full ;;
    --help | -h)
        sed -n 's/^# \{0,1\}//; 3,5p' "$0"
        exit 0
        ;;
    *) break ;;
    esac
    shift
done

packages_build_needs
packages_install $install

build=build/release
mkdir -p "$build" || exit 3
log=$build/run.log
printf 'building release (log: %s) ...\n' "$log" >&2
if ! { cmake --preset release -DPN_TESTS=OFF && cmake --build --preset release; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    printf '%s: the build failed; the whole log is %s\n' "$0" "$log" >&2
    exit 1
fi
exec "$build/pinion" survey "$preset" "$@"
