#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: build.sh CARGO SOURCE TARGET PROGRAM
# Builds the Rust slot program into PROGRAM. What cannot be built (no registry, an old compiler) is
# not an error of the build: PROGRAM.why says it in one line, and `pinion bench queues` repeats it.
set -u
cargo=$1 source=$2 target=$3 program=$4
log=$target/build.log
mkdir -p "$target" || exit 1
build() {
    # The same instruction set as the other programs: whatever the user's shell says.
    (cd "$source" && unset RUSTFLAGS CARGO_BUILD_TARGET &&
        CARGO_NET_RETRY=1 CARGO_TARGET_DIR=$target timeout 300 "$cargo" build --release --locked "$@") >"$log" 2>&1
}
# Offline first: what is fetched already needs no network.
if build --offline || build; then
    rm -f "$program.why"
    cmp -s "$target/release/pinion-queues-rust" "$program" || cp "$target/release/pinion-queues-rust" "$program"
else
    rm -f "$program"
    printf 'cargo: %s\n' "$(grep -m 1 '^error' "$log" | tr -d '"\\' | cut -c 1-120)" >"$program.why"
    printf 'note: the Rust queues are not built: %s\n' "$(cat "$program.why")" >&2
fi
