#!/bin/sh
# SPDX-License-Identifier: MIT
# All tests in one command: install what is missing, build, run.
#
# usage: tests/run.sh [--no-install] [--all]
#   (default)  dev build: unit tests, lints, a short exploration; at most 5 minutes
#   --all      also AddressSanitizer, ThreadSanitizer (queues: of both compilers), long exploration, clang,
#              clang-tidy, release, long histories, queues of other libraries, the queues on aarch64 in qemu,
#              the report in a browser, a whole survey; at most 15 minutes after installation
# A stage, test or case that cannot run is named with its reason and counted; a skip is never a pass.
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
        sed -n 's/^# \{0,1\}//; 3,10p' "$0" >&2
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
    packages_peers_needs
    packages_need command erlc erlang-base
    distribution=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID-}" "${VERSION_ID-}") || true
    # Each release of the two has rules of its own; the project is written to 14, where that can be had.
    case $distribution in
    'debian 12' | 'ubuntu 24.04')
        packages_need command clang-tidy-14 clang-tidy-14
        packages_need command clang-format-14 clang-format-14
        ;;
    esac
    # Debian's cross compiler and emulator; the arm64 libraries themselves are unpacked below build/.
    case $distribution in
    debian*)
        packages_need command aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
        packages_need command qemu-aarch64 qemu-user
        ;;
    esac
    # The package chromium brings a message bus, which is a daemon; Ubuntu's is a snap, and so is snapd.
    case $distribution in
    debian*) packages_need command 'chromium-headless-shell chromium google-chrome' chromium-headless-shell ;;
    esac
fi
packages_install $install

jobs=$(nproc)
passed=0
failed=0
skipped=0
not_run=0
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
    log=build/stage-$name.log
    start=$(date +%s)
    printf '== %s\n' "$name"
    end=0 # not `code`, which the stages use
    "$@" >"$log" 2>&1 || end=$?
    said="$(($(date +%s) - start)) s"
    tests=$(grep -E '^[0-9]+% tests passed|^explored: ' "$log" | tail -n 2 | paste -sd ';' | sed 's/;/; /')
    case $end in
    0)
        passed=$((passed + 1))
        note passed "$name" "$said${tests:+; $tests}"
        ;;
    77)
        skipped=$((skipped + 1))
        note skipped "$name" "$(grep '^not run: ' "$log" | tail -n 1 | cut -c 10-)"
        return
        ;;
    *)
        failed=$((failed + 1))
        note FAILED "$name" "$said; exit $end; $log${tests:+; $tests}"
        tail -n 60 "$log"
        ;;
    esac
    while read -r line; do
        [ -n "$line" ] || continue
        not_run=$((not_run + 1))
        note '' 'not run' "$line"
    done <<EOF
$(sed -n 's/^not run: //p' "$log")
EOF
}

# cannot WHY: a stage's way out where it cannot run here.
cannot() {
    printf 'not run: %s\n' "$1"
    return 77
}

build() { # build PRESET [OPTIONS]
    preset=$1
    shift
    cmake --preset "$preset" "$@" && cmake --build --preset "$preset"
}

# What ctest counts as passed although it, or a case in it, was skipped: name and reason, from its log.
tests_not_run() { # tests_not_run BUILD
    awk '
        / Test: / { test = $NF; listing = 0 }
        /^skipped: / { print "not run: " test ": " substr($0, 10) }
        /^\[  SKIPPED \] .*[0-9]+ test\(s\)/ { listing = 1 }
        /^\[  SKIPPED \]/ && !listing {
            print "not run: " test "." $4 ": " (before ~ /^\[/ ? "no reason given" : before)
        }
        { before = $0 }' "$1/Testing/Temporary/LastTest.log"
}

layout= # what a test is started with; see sanitized

run_tests() { # run_tests BUILD [CTEST OPTIONS]
    build=$1
    shift
    code=0
    $layout ctest --test-dir "$build" -j "$jobs" --output-on-failure --no-tests=error "$@" || code=$?
    tests_not_run "$build"
    return $code
}

build_and_test() { # build_and_test PRESET [CTEST OPTIONS]
    preset=$1
    shift
    build "$preset" -DPN_TESTS=ON && run_tests "build/$preset" "$@"
}

# sanitized COMMAND...: in an address space laid out without chance, which is what the sanitizers' shadow
# memory is made for; with more randomness than they know of, they stop at the start.
sanitized() {
    if ! setarch "$(uname -m)" -R true; then
        cannot "setarch -R is denied here, and the sanitizers need an address space laid out without chance"
        return
    fi
    layout="setarch $(uname -m) -R"
    out=0
    "$@" || out=$?
    layout=
    return $out
}

# The queues under the other compiler's sanitizers: they do not see the same things.
clang_queues() { # clang_queues BUILD SANITIZERS
    cmake -S . -B "$1" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPN_WERROR=ON -DPN_CHECK_LEVEL=1 -DPN_SANITIZE="$2" &&
        cmake --build "$1" --target queue_tests && run_tests "$1" -L queues
}

clang_sanitizers() {
    clang_queues build/clang-tsan thread && clang_queues build/clang-asan address,undefined
}

# Build and protocol on the other architecture; weak memory is the explorer's part, qemu has little of it.
aarch64() {
    for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
        if ! command -v "$tool" >/dev/null; then
            cannot "$tool not found"
            return
        fi
    done
    out=0
    tests/aarch64/sysroot.sh build/aarch64-sysroot || out=$?
    [ "$out" = 0 ] || return "$out"
    cmake -S . -B build/aarch64 -G Ninja -DCMAKE_TOOLCHAIN_FILE=tests/aarch64/toolchain.cmake \
        -DCMAKE_BUILD_TYPE=Debug -DPN_WERROR=ON &&
        cmake --build build/aarch64 --target queue_tests explorers pinion_tuning pinion_reports &&
        run_tests build/aarch64 -L 'queues|explore'
}

clang_build() {
    cmake -S . -B build/clang -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
        -DCMAKE_BUILD_TYPE=Debug -DPN_WERROR=ON -DPN_CHECK_LEVEL=2 -DCMAKE_EXPORT_COMPILE_COMMANDS=ON &&
        cmake --build build/clang && run_tests build/clang -L queues # the rest ran above, under gcc
}

# The explorer compiles the files of runtime/ itself: nothing else has to be built.
explore() {
    cmake --preset explore -DPN_TESTS=ON && cmake --build --preset explore --target explorers &&
        run_tests build/explore -L explore && explored build/explore
}

# How much was searched: a line per search, and the sum.
explored() { # explored BUILD
    awk '/ executions (from seed|with up to) / {
            print
            for (i = 2; i <= NF; i++) if ($i == "executions") sum += $(i - 1)
            n++
        }
        END { printf "explored: %d executions in %d searches\n", sum, n }' \
        "$1/Testing/Temporary/LastTest.log"
}

tidy() {
    tool=clang-tidy-14
    if ! command -v "$tool" >/dev/null; then
        cannot "$tool not found (others judge by other rules)"
        return
    fi
    # Each file once, as it ships: the tool's second look at a file in one process sees va_lists that
    # nobody started, and the explorer's forms cost as long again.
    mkdir -p build/tidy
    python3 - <<'EOF' || return
import json
once = {}
for command in json.load(open("build/clang/compile_commands.json")):
    if "-DPN_EXPLORE" not in command["command"] and "-DPN_CHAOS" not in command["command"]:
        once.setdefault(command["file"], command)
json.dump(list(once.values()), open("build/tidy/compile_commands.json", "w"))
EOF
    # -n 1 keeps both cores busy to the end: files differ tenfold in how long they take.
    git ls-files -z -- '*.c' ':!bench/peers' ':!tests' |
        xargs -0 -n 1 -P "$jobs" "$tool" --quiet -p build/tidy
}

survey() {
    if ! [ -x build/release/pinion ]; then
        cannot "no release build"
        return
    fi
    rm -rf build/survey
    code=0
    # That all of it runs and is reported; what this machine is like is not the question here.
    build/release/pinion survey --quick --budget 40s -o build/survey || code=$?
    # 4 is an honest answer on a noisy machine: the report must be there all the same.
    case $code in
    0) ;;
    4) printf 'not run: a verdict that counts: %s\n' "too noisy here, as the report says" ;;
    *) return "$code" ;;
    esac
    test -s build/survey/report.html && test -s build/survey/results.json
}

# Other runtimes: the same work in every mode, and one round of every queue of other libraries in every
# workload, as short as it can be: that all of them run, not how fast.
peers() {
    if ! [ -x build/release/pinion ]; then
        cannot "no release build"
        return
    fi
    build/release/pinion peers --build
    build/release/pinion peers | sed -n 's/^\([a-z]*\)  *missing: /not run: \1: /p'
    build/release/pinion peers --check --sets 3 || return
    run_tests build/release -L peers || return
    rm -rf build/peers
    build/release/pinion bench queues --peers --rounds 1 --ms 20 -q -o build/peers || return
    sed -n 's/.*"queue":"\([^"]*\)".*"reason":"\([^"]*\)".*"status":"not measured".*/not run: \1: \2/p' \
        build/peers/queues.jsonl
}

browser() {
    code=0
    run_tests build/dev -L browser || code=$?
    # ctest passes what was skipped; here there is nothing else.
    if [ "$code" = 0 ] && [ -n "$(tests_not_run build/dev)" ]; then
        return 77
    fi
    return "$code"
}

stage dev build_and_test dev -LE 'browser|survey|long'
if [ -n "$all" ]; then
    stage asan sanitized build_and_test asan -L unit
    stage tsan sanitized build_and_test tsan -L unit
    stage clang-san sanitized clang_sanitizers
    stage explore explore
    stage clang clang_build
    stage tidy tidy
    stage release build_and_test release -L 'unit|install' -LE 'explore|lint'
    stage histories run_tests build/release -L histories
    stage aarch64 aarch64
    stage peers peers
    stage browser browser
    stage survey survey
fi

printf '\n'
cat "$summary"
printf 'stages: %d passed, %d failed, %d skipped; not run inside them: %d\n' \
    "$passed" "$failed" "$skipped" "$not_run"
[ "$failed" = 0 ]
