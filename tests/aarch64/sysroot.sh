#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: sysroot.sh DIR
# Unpack the arm64 libraries that the build needs into DIR. The machine is left as it is: apt works with
# lists, cache and status of its own below DIR (no foreign architecture is added, nothing is installed,
# no root is needed); keys and sources are the machine's. Exit 77 with the reason where that cannot work.
set -eu
mkdir -p "$1"
dir=$(cd "$1" && pwd)
[ ! -e "$dir/complete" ] || exit 0

cannot() {
    printf 'not run: %s\n' "$1"
    exit 77
}
for tool in apt-get apt-cache dpkg-deb; do
    command -v "$tool" >/dev/null || cannot "there is no $tool here"
done

own=$dir/apt
mkdir -p "$own/state/lists/partial" "$own/cache/archives/partial" "$own/packages"
: >"$own/status"
APT_CONFIG=$own/apt.conf
export APT_CONFIG
cat >"$APT_CONFIG" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Dir::State "$own/state";
Dir::State::status "$own/status";
Dir::Cache "$own/cache";
END

timeout 60 apt-get update -q || cannot "no lists of arm64 packages to be had (apt-get update failed)"
developer='liburcu-dev libnuma-dev libhwloc-dev libjansson-dev libinih-dev libbenchmark-dev libcmocka-dev'
cd "$own/packages"
# shellcheck disable=SC2086 # a list of names
timeout 60 apt-get download -q $developer || cannot "apt-get could not download the arm64 libraries"
# The library behind each: what it depends on in just its own version.
libraries=
for package in *.deb; do
    libraries="$libraries $(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed -n 's/^ *\(lib[^ ]*\) (= .*/\1/p')"
done
# shellcheck disable=SC2086
timeout 60 apt-get download -q $libraries || cannot "apt-get could not download the arm64 libraries"
for package in *.deb; do
    dpkg-deb -x "$package" "$dir"
done
rm -rf "$own/state" "$own/cache"
: >"$dir/complete"
