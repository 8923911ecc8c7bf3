#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a sample again, on this machine: quick, the main job, in 4 minutes; queues, the benchmark of
# queues beside other libraries', in 4; peers, the points of the standing targets against other
# runtimes, in 12.
#
# usage: reports/samples/make.sh [quick|queues|peers [PINION]]     default: quick build/release/pinion
#
# The run is kept as the command made it, or not at all.
set -eu

cd "$(dirname "$0")"
sample=${1:-quick}
pinion=$(realpath "${2:-../../build/release/pinion}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# A relative directory: the manifest keeps the command, and a sample names no path of a machine.
code=0
case $sample in
quick) (cd "$work" && "$pinion" survey --quick -o quick) || code=$? ;;
# 7 rounds: the fewest with an interval are 6, and more than 8 make a file of over 1 MiB.
queues) (cd "$work" && "$pinion" bench queues --peers --rounds 7 --ms 20 -o queues) || code=$? ;;
# 8 rounds; a slot's line is 2 KB, so the file is larger than the others'.
peers) (cd "$work" && "$pinion" sweep --preset peers-points -o peers) || code=$? ;;
*)
    echo "make.sh: no sample '$sample': quick, queues or peers" >&2
    exit 2
    ;;
esac
if [ "$code" != 0 ] && [ "$code" != 4 ]; then
    exit "$code"
fi
"$pinion" report "$work/$sample" >"$work/verdict"
# Short names are words, too: a host or a user is looked for as a whole value.
for word in "\"$(uname -n)\"" ">$(uname -n)<" "\"$(id -un)\"" "$HOME" "$work" "$PWD"; do
    if grep -rnF -e "$word" "$work/$sample" >"$work/found"; then
        cut -c1-160 "$work/found" >&2
        echo "make.sh: the sample would hold '$word'" >&2
        exit 1
    fi
done
limit=1024
[ "$sample" != peers ] || limit=4096
big=$(find "$work/$sample" -type f -size +${limit}k)
if [ -n "$big" ]; then
    echo "make.sh: over $limit KiB: $big" >&2
    exit 1
fi

chmod -R u=rwX,go=rX "$work/$sample"
chmod 755 "$work/$sample/rerun.sh"
rm -rf "$sample"
mv "$work/$sample" "$sample"
du -sk "$sample"
[ "$code" = 0 ] || echo "make.sh: the machine was too noisy (exit 4): better made again" >&2
exit "$code"
