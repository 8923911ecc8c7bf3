#!/bin/sh
# SPDX-License-Identifier: MIT
# What the peers are built with, from the system's packages: Erlang/OTP, and a cargo of Rust 1.71 or later.
#
# usage: install.sh [--dry-run] [--no-install]
# Nothing may listen afterwards: epmd, the port mapper that Erlang's package brings as a socket of systemd,
# is masked first, and the peer starts Erlang with `-start_epmd false`.
set -eu

cd "$(dirname "$0")/../.."
. bench/packages.sh

dry=
ask=
for arg in "$@"; do
    case $arg in
    --dry-run) dry=yes ;;
    --no-install) ask=--no-install ;;
    *)
        sed -n 's/^# \{0,1\}//; 3,8p' "$0" >&2
        exit 2
        ;;
    esac
done

rust_is_new() {
    for cargo in cargo "$HOME/.cargo/bin/cargo"; do
        version=$("$cargo" --version 2>/dev/null | cut -d ' ' -f 2) || continue
        minor=${version#*.}
        [ "${version%%.*}" = 1 ] && [ "${minor%%.*}" -ge 71 ] && return 0
    done
    return 1
}

packages_need command erlc erlang-base
packages_need header erl_nif.h erlang-dev
[ ! -e /usr/lib/erlang/usr/include/erl_nif.h ] || packages_missing=$(printf '%s' "$packages_missing" | sed 's/ erlang-dev//')
if ! rust_is_new; then
    # Debian 12's own cargo is 1.65; its browser's is newer.
    if [ "$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID-}" "${VERSION_ID-}")" = 'debian 12' ]; then
        packages_missing="$packages_missing cargo-web rustc-web"
    else
        packages_missing="$packages_missing cargo rustc"
    fi
    packages_what="$packages_what cargo"
fi
packages_missing=${packages_missing# }

if [ -z "$packages_missing" ]; then
    printf 'everything the peers are built with is here\n'
    exit 0
fi
case $packages_missing in
*erlang*)
    if command -v systemctl >/dev/null 2>&1; then
        as_root=
        [ "$(id -u)" = 0 ] || as_root=sudo
        printf 'masking epmd.service and epmd.socket, so that nothing listens\n'
        [ -n "$dry$ask" ] || $as_root systemctl mask epmd.service epmd.socket >&2
    fi
    ;;
esac
if [ -n "$dry" ]; then
    printf 'would install:%s\n' " $packages_missing"
    exit 0
fi
packages_install $ask
