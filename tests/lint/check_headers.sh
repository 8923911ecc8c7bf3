#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: check_headers.sh ROOT CC
# Every public header compiles alone, as C11, without warnings.
set -eu
root=$1
cc=$2
includes=
for room in topology runtime bench tuning reports; do
    includes="$includes -I$root/$room/include"
done
status=0
for header in "$root"/*/include/pinion/*.h; do
    # shellcheck disable=SC2086 # includes is a list of options
    printf '#include <pinion/%s>\n' "$(basename "$header")" |
        "$cc" -std=c11 -Wall -Wextra -Wconversion -Wshadow -Wundef -Werror -fsyntax-only $includes -x c - ||
        { printf '%s does not stand alone\n' "$header"; status=1; }
done
exit $status
