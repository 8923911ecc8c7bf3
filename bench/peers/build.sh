#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: build.sh tokio|beam SOURCE SCRATCH PROGRAM
# Builds a peer into PROGRAM. What cannot be built (no tool, no registry, an old compiler) is not an
# error of the build: PROGRAM.why says it in one line, and `pinion peers` repeats it.
set -u
name=$1 source=$2 scratch=$3 program=$4
log=$scratch/build.log
mkdir -p "$scratch" "$(dirname "$program")" || exit 1

cargo_build() {
    # The instruction set of every other program here, whatever the user's shell says. Tokio shows its
    # poll counts and its blocking pool to `pinion peers inspect` only with this switch.
    (cd "$source" && unset CARGO_BUILD_TARGET && RUSTFLAGS=${PEER_RUSTFLAGS---cfg tokio_unstable} CARGO_NET_RETRY=1 \
        CARGO_TARGET_DIR=$scratch timeout 600 "$cargo" build --release --locked "$@") >"$log" 2>&1
}

tokio() {
    cargo=$(command -v cargo || command -v "$HOME/.cargo/bin/cargo") || {
        why='package cargo'
        return 1
    }
    # Offline first: what is fetched already needs no network.
    if cargo_build --offline || cargo_build; then
        cmp -s "$scratch/release/pinion-peer-tokio" "$program" ||
            cp "$scratch/release/pinion-peer-tokio" "$program"
        return
    fi
    why="cargo: $(grep -m 1 '^error' "$log" | tr -d '"\\' | cut -c 1-120)"
    return 1
}

beam() {
    command -v erlc >/dev/null || {
        why='package erlang-base'
        return 1
    }
    "$source/build.sh" "$(dirname "$program")" >"$log" 2>&1 && return
    why="erlc: $(grep -m 1 -i 'error' "$log" | tr -d '"\\' | cut -c 1-120)"
    return 1
}

case $name in
tokio | beam) ;;
*) exit 2 ;;
esac
if [ -d "$source" ] && "$name"; then
    rm -f "$program.why"
else
    rm -f "$program"
    printf '%s\n' "${why:-its sources are not here}" >"$program.why"
    printf 'note: the peer %s is not built: %s (log: %s)\n' "$name" "$(cat "$program.why")" "$log" >&2
fi
