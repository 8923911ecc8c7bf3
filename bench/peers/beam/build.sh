#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: build.sh OUTDIR
# The launcher OUTDIR/pinion-peer-beam, its modules in OUTDIR/ebin, its NIF in OUTDIR/priv. Gleam's
# part is built where its compiler is on PATH.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/ebin" "$1/priv"
out=$(cd "$1" && pwd)
root=$(erl -noinput -boot no_dot_erlang -start_epmd false \
    -eval 'io:put_chars(filename:join(code:root_dir(), "usr/include")), halt().')
[ -f "$root/erl_nif.h" ] || {
    echo "error: package erlang-dev: no erl_nif.h in $root" >&2
    exit 1
}
command -v "${CC:-cc}" >/dev/null || {
    echo "error: no C compiler for the NIF" >&2
    exit 1
}
erlc -Werror -I "$source/src" -o "$out/ebin" "$source"/src/*.erl
cp "$source/src/pinion_beam.app" "$out/ebin/"
rm -f "$out/ebin/pinion_worker.beam" "$out/ebin/pinion_crew.beam"
if command -v gleam >/dev/null; then
    rm -rf "$out/gleam"
    cp -R "$source/gleam" "$out/gleam"
    (cd "$out/gleam" && gleam build --target erlang)
    cp "$out/gleam/build/dev/erlang/pinion_worker/ebin"/*.beam "$out/ebin/"
fi
${CC:-cc} -O2 -fPIC -shared -Wall -Wextra -I "$root" -o "$out/priv/pb_nif.so" "$source/c_src/pb_nif.c"
cp "$source/pinion-peer-beam.sh" "$out/pinion-peer-beam.new"
chmod 755 "$out/pinion-peer-beam.new"
mv "$out/pinion-peer-beam.new" "$out/pinion-peer-beam"
