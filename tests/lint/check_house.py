#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the house, checked on the files that git tracks.

usage: check_house.py ROOT          check a checkout; exit 1 and one line for each broken rule
       check_house.py --self-test   plant each violation once and see it caught
"""
import os
import re
import subprocess
import sys
import tempfile

ROOMS = ("topology", "runtime", "bench", "tuning", "reports", "cli")
TOP_LEVEL = set(ROOMS) | {"tests", "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE"}
ARROWS = {
    "topology": set(),
    "runtime": {"topology"},
    "bench": {"runtime", "topology"},
    "tuning": {"topology"},
    "reports": set(),
    "cli": set(ROOMS),
}
MAX_FILE, MAX_PUBLIC_HEADER, MAX_FUNCTION = 500, 249, 60
CODE = (".c", ".h", ".cc")
SCRIPTS = (".sh", ".py", ".cmake", "CMakeLists.txt")
SHIM = "bench/gbench_shim.cc"
# The light one keeps the compiler alone from reordering; membarrier(2) on the other side does the rest.
FENCES = {"pn_fence_seq": ("runtime/rcu.h", "runtime/park.c"),
          "pn_fence_light": ("runtime/membarrier.h", "runtime/claims.h")}
GRAB_BAGS = re.compile(r"(^|[/_])(util|utils|common|misc|helper|helpers)(\.|_|/|$)")
MARKERS = re.compile(r"\b(TODO|FIXME|XXX)\b")
ATOMICS = re.compile(r"\b(atomic_(?!init)\w+|_Atomic|__atomic_\w+|__sync_\w+|memory_order_\w+|volatile)\b")
PRINTS = re.compile(r"\b(v?printf|puts|putchar|perror|v?dprintf|v?syslog|psignal)\s*\("
                    r"|\b(v?fprintf|f?putc|fputs|fwrite)\s*\([^;]*\bstd(out|err)\b|\bstd::c(out|err|log)\b")
ENDS = re.compile(r"(?<![\w.>])(_exit|_Exit|exit|quick_exit|abort)\s*\(")
ATOMIC_HOME = re.compile(r"runtime/atomic\w*\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*(<([^>]+)>|"([^"]+)")')


def tracked(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         check=True, capture_output=True).stdout
    return sorted(p for p in out.decode().split("\0") if p and os.path.isfile(os.path.join(root, p)))


def without_comments(text):
    """Comments and string contents blanked, line structure kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    text = re.sub(r"//[^\n]*", blank, text)
    return re.sub(r'"(?:\\.|[^"\\\n])*"', lambda m: '"' + " " * (len(m.group(0)) - 2) + '"', text)


def public_headers(files):
    """name -> room, for <pinion/name>."""
    table = {}
    for path in files:
        parts = path.split("/")
        if len(parts) == 4 and parts[1:3] == ["include", "pinion"]:
            table[parts[3]] = parts[0]
    return table


def check_includes(path, room, text, headers, problem):
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(2) or match.group(3)
        where = f"{path}:{number}"
        if name.startswith("pinion/"):
            owner = headers.get(name[len("pinion/"):])
            if owner is None:
                problem(f"{where}: <{name}> is no room's public header")
            elif owner != room and owner not in ARROWS[room]:
                problem(f"{where}: {room}/ may not include <{name}> of {owner}/")
        elif ".." in name.split("/"):
            problem(f"{where}: '..' in an include")
        elif name.split("/")[0] in ROOMS:
            allowed = room == "runtime" and name.startswith("runtime/")
            allowed = allowed or (room == "bench" and name == "runtime/atomic.h")
            if not allowed:
                problem(f"{where}: another room's private header {name}")
        if re.match(r"stdatomic|atomic$", name) and not ATOMIC_HOME.match(path):
            problem(f"{where}: {name}: only runtime/atomic.h spells atomics")
        if re.match(r"hwloc", name) and room != "topology":
            problem(f"{where}: only topology/ includes hwloc")
        if re.match(r"numa", name) and room != "topology":
            problem(f"{where}: only topology/ includes libnuma")
        if re.match(r"urcu", name) and path != "runtime/rcu.h":
            problem(f"{where}: only runtime/rcu.h includes liburcu")


def check_functions(path, text, problem):
    """A function body opens at the end of a line that starts in column 0 and closes with } in column 0."""
    start = None
    for number, line in enumerate(text.split("\n"), 1):
        if start is None and re.match(r"[A-Za-z_][^=;]*\)\s*\{\s*$", line):
            start = number
        elif start is None and re.match(r"[ \t]+.*\)\s*\{\s*$", line) and not re.match(
                r"\s*(if|for|while|switch|else|do|\})", line):
            start = number
        elif line.startswith("}"):
            if start is not None and number - start + 1 > MAX_FUNCTION:
                problem(f"{path}:{start}: function of {number - start + 1} lines (limit {MAX_FUNCTION})")
            start = None


def check_code(path, raw, headers, problem):
    room = path.split("/")[0]
    lines = raw.count("\n")
    text = without_comments(raw)
    if lines > MAX_FILE:
        problem(f"{path}: {lines} lines (limit {MAX_FILE})")
    check_functions(path, text, problem)
    if room not in ROOMS:
        return
    if "/include/pinion/" in path and lines > MAX_PUBLIC_HEADER:
        problem(f"{path}: public header of {lines} lines (limit {MAX_PUBLIC_HEADER})")
    check_includes(path, room, raw, headers, problem)
    atomic_home = ATOMIC_HOME.match(path)
    is_main = re.match(r"main_\w+\.c$", os.path.basename(path))
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        match = None if atomic_home else ATOMICS.search(line.replace("__asm__ volatile", ""))
        if match:
            problem(f"{where}: {match.group(0)}: only runtime/atomic.h spells atomics")
        match = None if atomic_home else re.search(r"\bpn_fence_\w+", line)
        if match and path not in FENCES.get(match.group(0), FENCES["pn_fence_seq"]):
            problem(f"{where}: a stand-alone fence outside the files that may hold one")
        if room != "cli" and not is_main and PRINTS.search(line):
            problem(f"{where}: only cli/ prints")
        match = ENDS.search(line)
        if match and not (room == "cli" and is_main):
            problem(f"{where}: {match.group(1)}(): only cli's main program ends the process")
    if path.endswith(".cc") and path != SHIM:
        problem(f"{path}: C++ only in {SHIM}")


def check_room_build(path, raw, problem):
    """A room is one library, pinion_<room>, and links along the arrows only."""
    room = path.split("/")[0]
    text = re.sub(r"#[^\n]*", "", raw)
    if path == f"{room}/CMakeLists.txt" and not re.search(rf"\bpn_room\({room}\)", text):
        problem(f"{path}: no pn_room({room})")
    # cli/packaging/ puts two rooms' objects into the one archive that others link.
    if "add_library" in text and not path.startswith("cli/packaging/"):
        problem(f"{path}: a room is one library; pn_room makes it")
    for owner in re.findall(r"\bpinion_(\w+)", text):
        if owner in ROOMS and owner != room and owner not in ARROWS[room]:
            problem(f"{path}: {room}/ may not link pinion_{owner}")
    for name, home in (("HWLOC", "topology"), ("NUMA", "topology"), ("URCU", "runtime")):
        if f"PkgConfig::{name}" in text and room != home:
            problem(f"{path}: only {home}/ links {name.lower()}")


def check(root):
    problems = []
    files = tracked(root)
    headers = public_headers(files)
    for path in files:
        top = path.split("/")[0]
        if top not in TOP_LEVEL and not top.startswith("."):
            problems.append(f"{path}: '{top}' has no place at the top level")
        if GRAB_BAGS.search(path):
            problems.append(f"{path}: a grab-bag name; name the concept")
        if re.match(r"bench/peers/|reports/samples/\w+/", path) or not path.endswith(CODE + SCRIPTS):
            continue
        with open(os.path.join(root, path), encoding="utf-8") as f:
            raw = f.read()
        if MARKERS.search(raw) and path != "tests/lint/check_house.py":
            problems.append(f"{path}: a word that marks unfinished work")
        if "SPDX-License-Identifier: MIT" not in raw[:200]:
            problems.append(f"{path}:1: no SPDX line")
        if path.endswith(CODE):
            check_code(path, raw, headers, problems.append)
        if top in ROOMS and path.endswith("CMakeLists.txt"):
            check_room_build(path, raw, problems.append)
    for room in ROOMS + ("tests",):
        if os.path.isdir(os.path.join(root, room)) and f"{room}/README.md" not in files:
            problems.append(f"{room}/: no README.md")
    return problems


SPDX = "/* SPDX-License-Identifier: MIT */\n"
# path -> (text, what the lint must say of it; None: nothing)
PLANTED = {
    "stray/file.txt": ("x\n", "no place at the top level"),
    "runtime/utils.c": (SPDX, "grab-bag"),
    "reports/include/pinion/report.h": (SPDX, None),
    "cli/forward.c": (SPDX + "#include <pinion/report.h>\n", None),
    "runtime/back_edge.c": (SPDX + "#include <pinion/report.h>\n", "may not include"),
    "runtime/nobodys.c": (SPDX + "#include <pinion/nobody.h>\n", "no room's public header"),
    "bench/hwloc_outside.c": (SPDX + "#include <hwloc.h>\n", "includes hwloc"),
    "bench/numa_outside.c": (SPDX + "#include <numaif.h>\n", "includes libnuma"),
    "runtime/urcu_outside.c": (SPDX + "#include <urcu-qsbr.h>\n", "includes liburcu"),
    "bench/private_header.c": (SPDX + '#include "runtime/segq.h"\n', "private header"),
    "bench/private_angle.c": (SPDX + "#include <runtime/segq.h>\n", "private header"),
    "bench/climbs.c": (SPDX + '#include "../runtime/segq.h"\n', "'..' in an include"),
    "bench/atomic_user.c": (SPDX + '#include "runtime/atomic.h"\n', None),
    "bench/atomic_header.c": (SPDX + "#include <stdatomic.h>\n", "spells atomics"),
    "runtime/raw_atomic.c": (SPDX + "int f(_Atomic int *p);\n", "spells atomics"),
    "runtime/raw_volatile.c": (SPDX + "int f(volatile int *p);\n", "spells atomics"),
    "runtime/fence.c": (SPDX + "void f(void) {\n    pn_fence_seq();\n}\n", "stand-alone fence"),
    "runtime/light.c": (SPDX + "void f(void) {\n    pn_fence_light();\n}\n", "stand-alone fence"),
    "reports/samples/quick/rerun.sh": ("#!/bin/sh\n", None),
    "runtime/park.c": (SPDX + "void f(void) {\n    pn_fence_seq();\n}\n", None),
    "runtime/prints.c": (SPDX + 'void f(void) {\n    printf("x");\n}\n', "only cli/ prints"),
    "runtime/prints_err.c": (SPDX + 'void f(void) {\n    fputs("x", stderr);\n}\n', "only cli/ prints"),
    "tuning/exits.c": (SPDX + "void f(void) {\n    exit(1);\n}\n", "ends the process"),
    "topology/main_exits.c": (SPDX + "void f(void) {\n    _exit(1);\n}\n", "ends the process"),
    "cli/main_exits.c": (SPDX + "void f(void) {\n    exit(1);\n}\n", None),
    "cli/no_spdx.c": ("int x;\n", "no SPDX"),
    "tests/no_spdx.sh": ("#!/bin/sh\n", "no SPDX"),
    "cli/long_function.c": (SPDX + "void f(void) {\n" + "    g();\n" * 59 + "}\n", "function of 61 lines"),
    "cli/full_function.c": (SPDX + "void f(void) {\n" + "    g();\n" * 58 + "}\n", None),
    "cli/long_file.c": (SPDX + "/* */\n" * 500, "501 lines"),
    "tuning/include/pinion/long.h": (SPDX + "/* */\n" * 249, "public header of 250 lines"),
    "bench/other.cc": (SPDX, "C++ only in"),
    "cli/marker.c": (SPDX + "/* TO" + "DO */\n", "unfinished work"),
    "tuning/CMakeLists.txt": ("# SPDX-License-Identifier: MIT\npn_room(tuning)\n"
                              "target_link_libraries(pinion_tuning PUBLIC pinion_topology)\n", None),
    "topology/CMakeLists.txt": ("# SPDX-License-Identifier: MIT\npn_room(topology)\n"
                                "target_link_libraries(pinion_topology PUBLIC pinion_runtime)\n",
                                "may not link pinion_runtime"),
    "bench/CMakeLists.txt": ("# SPDX-License-Identifier: MIT\npn_room(bench)\nadd_library(pinion_more x.c)\n",
                             "a room is one library"),
    "reports/CMakeLists.txt": ("# SPDX-License-Identifier: MIT\n", "no pn_room(reports)"),
    "cli/CMakeLists.txt": ("# SPDX-License-Identifier: MIT\npn_room(cli)\n"
                           "target_link_libraries(pinion_cli PRIVATE PkgConfig::HWLOC)\n", "links hwloc"),
    "tuning/README.md": ("x\n", None),
}


def self_test():
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(["git", "-C", root, "init", "-q"], check=True)
        for path, (text, _) in PLANTED.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(text)
        found = check(root)
    wrong = []
    for path, (_, expected) in PLANTED.items():
        said = [line for line in found if line.startswith(path + ":")]
        if expected is None and said:
            wrong.append(f"an innocent file was blamed: {said[0]}")
        elif expected is not None and not any(expected in line for line in said):
            wrong.append(f"{path}: '{expected}' was not said, but {said}")
    for room in ("bench", "tests"):
        if f"{room}/: no README.md" not in found:
            wrong.append(f"the missing README of {room}/ was not noticed")
    for line in wrong:
        print(f"self-test: {line}")
    return 1 if wrong else 0


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    if sys.argv[1] == "--self-test":
        return self_test()
    problems = check(sys.argv[1])
    for line in problems:
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
