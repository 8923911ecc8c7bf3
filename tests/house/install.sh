#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: install.sh BUILD SOURCE CC
# Install into a fresh prefix, then link a program against it, by pkg-config and by CMake.
set -eu
build=$1
source=$2
cc=$3
# Inside the build tree: programs there take its pinion-topo before an older one that is installed.
prefix=$(mktemp -d "$build/install-XXXXXX")
trap 'rm -rf "$prefix"' EXIT
cmake --install "$build" --prefix "$prefix/usr" >"$prefix/log" || { cat "$prefix/log"; exit 1; }
"$prefix/usr/bin/pinion" --version

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name pinion.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # a list of options
"$cc" -std=c11 -D_GNU_SOURCE -o "$prefix/embed" "$source/tests/house/embed.c" $(pkg-config --cflags --libs pinion)
"$prefix/embed"

mkdir "$prefix/consumer"
cp "$source/tests/house/embed.c" "$prefix/consumer/"
cat >"$prefix/consumer/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
project(consumer C)
find_package(pinion REQUIRED)
add_executable(embed embed.c)
target_compile_definitions(embed PRIVATE _GNU_SOURCE)
target_link_libraries(embed pinion::pinion)
CMAKE
cmake -G Ninja -S "$prefix/consumer" -B "$prefix/consumer/build" -DCMAKE_PREFIX_PATH="$prefix/usr" -DCMAKE_C_COMPILER="$cc" >"$prefix/log" &&
    cmake --build "$prefix/consumer/build" >>"$prefix/log" || { cat "$prefix/log"; exit 1; }
"$prefix/consumer/build/embed"
