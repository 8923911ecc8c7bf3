#!/bin/sh
# SPDX-License-Identifier: MIT
# All tests in one command: install what is missing, build, run.
#
# usage: tests/run.sh [--no-install] [--all]
#   (default)  dev build: unit tests, lints, a short exploration; at most 5 minutes
#   --all      also AddressSanitizer, ThreadSanitizer, long exploration, clang, clang-tidy, release,
#              the report in a browser, a whole survey; at most 15 minutes after installation
# A stage that cannot run is named with its reason and counted; a skip is never a pass.
set -eu

cd "$(dirname "$0")/.."
. bench/packages.sh

install=
all=
for arg in "$@"; do
    case $arg in
    --no-install) install=--no-install ;;
    --all) all=yes ;;
    *)
        sed -n 's/^# \{0,1\}//; 3,9p' "$0" >&2
        exit 2
        ;;
    esac
done

packages_build_needs
packages_need module cmocka libcmocka-dev
packages_need command python3 python3
packages_need command git git
if [ -n "$all" ]; then
    packages_need command clang clang
    packages_need command clang-tidy clang-tidy
    packages_need command clang-format clang-format
    packages_need command strace strace
    # Ubuntu's chromium package is a snap, and snapd is a daemon: the browser stage says so instead.
    if [ "$(. /etc/os-release 2>/dev/null && printf %s "${ID-}")" = debian ]; then
        packages_need command chromium chromium
    fi
fi
packages_install $install

jobs=$(nproc)
passed=0
failed=0
skipped=0
mkdir -p build
summary=build/test-summary.txt
: >"$summary"

note() { # note WORD STAGE TEXT
    printf '%-7s %-12s %s\n' "$1" "$2" "$3" | tee -a "$summary"
}

# stage NAME COMMAND...: run it, keep its output in build/stage-NAME.log, show the end of a failure.
stage() {
    name=$1
    shift
    start=$(date +%s)
    printf '== %s\n' "$name"
    if "$@" >"build/stage-$name.log" 2>&1; then
        passed=$((passed + 1))
        note passed "$name" "$(($(date +%s) - start)) s"
    else
        code=$?
        if [ "$code" = 77 ]; then
            skipped=$((skipped + 1))
            note skipped "$name" "$(tail -n 1 "build/stage-$name.log")"
        else
            failed=$((failed + 1))
            note FAILED "$name" "exit $code; build/stage-$name.log"
            tail -n 60 "build/stage-$name.log"
        fi
    fi
    grep -E '^[0-9]+% tests passed|^Total Test time' "build/stage-$name.log" || true
    sed -n '/^The following tests did not run/,$p' "build/stage-$name.log" | grep -i skipped || true
}

build() { # build PRESET [OPTIONS]
    preset=$1
    shift
    cmake --preset "$preset" "$@" && cmake --build --preset "$preset"
}

build_and_test() { # build_and_test PRESET [CTEST OPTIONS]
    preset=$1
    shift
    build "$preset" -DPN_TESTS=ON && ctest --preset "$preset" -j "$jobs" "$@"
}

clang_build() {
    cmake -S . -B build/clang -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
        -DCMAKE_BUILD_TYPE=Debug -DPN_WERROR=ON -DPN_CHECK_LEVEL=2 -DCMAKE_EXPORT_COMPILE_COMMANDS=ON &&
        cmake --build build/clang && ctest --test-dir build/clang -L unit -j "$jobs" --output-on-failure
}

tidy() {
    # -n 1 keeps both cores busy to the end: files differ tenfold in how long they take.
    git ls-files -z -- '*.c' ':!bench/peers' ':!tests' |
        xargs -0 -n 1 -P "$jobs" clang-tidy --quiet -p build/clang
}

survey() {
    if ! [ -x build/release/pinion ]; then
        echo "no release build"
        return 77
    fi
    rm -rf build/survey
    code=0
    build/release/pinion survey --quick -o build/survey || code=$?
    # 4 is an honest answer on a noisy machine: the report must be there all the same.
    { [ "$code" = 0 ] || [ "$code" = 4 ]; } && test -s build/survey/report.html && test -s build/survey/results.json
}

stage dev build_and_test dev -LE 'browser|survey'
if [ -n "$all" ]; then
    stage asan build_and_test asan -L unit
    stage tsan build_and_test tsan -L unit
    stage explore build_and_test explore -L explore
    stage clang clang_build
    stage tidy tidy
    stage release build_and_test release -L 'unit|install'
    stage browser ctest --preset dev -L browser --no-tests=error
    stage survey survey
fi

printf '\n'
cat "$summary"
printf 'stages: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
