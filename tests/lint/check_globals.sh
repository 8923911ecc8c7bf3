#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: check_globals.sh ARCHIVE...
# No file-level mutable state in the libraries, but what is named here with its reason.
set -eu
# pn_this_core: the per-thread core pointer. pn_crash_*: the crash handler's slot and flight recorder.
# The -fstack-protector and LTO symbols of the compiler live in other sections and do not show.
# DW: what a C++ compiler points to exception handlers with. _ZN9benchmark8internalL18stream_init_anchorE:
# the guard that Google Benchmark's header puts into each file that includes it; ours is one.
allowed='^(pn_this_core|pn_crash_[a-z_]*|DW|_ZN9benchmark8internalL18stream_init_anchorE)$'
table=$(mktemp)
trap 'rm -f "$table"' EXIT
# Archives of link-time code (clang's) have no table to read.
if ! objdump -t "$@" >"$table" 2>&1 || ! grep -q 'g .* F \.text' "$table"; then
    echo "skipped: objdump finds no symbols in $1"
    exit 77
fi
found=$(awk '
    /file format/ { member = $1 }
    $NF !~ /^\./ && / O / {
        for (i = 1; i <= NF; i++)
            if ($i ~ /^\.(data|bss|tdata|tbss)/ && $i !~ /^\.data\.rel\.ro/) { print member, $NF; break }
    }' "$table" | while read -r member symbol; do
    name=${symbol%%.*}
    printf '%s\n' "$name" | grep -Eq "$allowed" || printf '%s %s\n' "$member" "$symbol"
done)
if [ -n "$found" ]; then
    printf 'file-level mutable state:\n%s\n' "$found"
    exit 1
fi
