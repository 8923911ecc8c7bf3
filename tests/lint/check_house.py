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
MAX_FILE, MAX_PUBLIC_HEADER, MAX_FUNCTION = 500, 250, 60
CODE = (".c", ".h", ".cc")
GRAB_BAGS = re.compile(r"(^|[/_])(util|utils|common|misc|helper|helpers)(\.|_|/|$)")
MARKERS = re.compile(r"\b(TODO|FIXME|XXX)\b")
ATOMICS = re.compile(r"\b(atomic_(?!init)\w+|_Atomic|__atomic_\w+|__sync_\w+|memory_order_\w+|volatile)\b")
PRINTS = re.compile(r"\b(printf|puts|putchar|perror|vprintf)\s*\(|\bf(printf|puts|putc|write)\s*\([^;]*\bstd(out|err)\b")
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
        elif match.group(3) and "/" in name:
            allowed = room == "runtime" and name.startswith("runtime/")
            allowed = allowed or (room == "bench" and name == "runtime/atomic.h")
            if not allowed:
                problem(f"{where}: another room's private header {name}")
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
    if "SPDX-License-Identifier: MIT" not in raw[:200]:
        problem(f"{path}:1: no SPDX line")
    check_functions(path, text, problem)
    if room not in ROOMS:
        return
    if "/include/pinion/" in path and lines > MAX_PUBLIC_HEADER:
        problem(f"{path}: public header of {lines} lines (limit {MAX_PUBLIC_HEADER})")
    check_includes(path, room, raw, headers, problem)
    atomic_home = re.match(r"runtime/atomic\w*\.h$", path)
    is_main = re.match(r"main_\w+\.c$", os.path.basename(path))
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        match = None if atomic_home else ATOMICS.search(line.replace("__asm__ volatile", ""))
        if match and path != "bench/gbench_shim.cc":
            problem(f"{where}: {match.group(0)}: only runtime/atomic.h spells atomics")
        if not atomic_home and "pn_fence_seq" in line and path not in ("runtime/rcu.h", "runtime/park.c"):
            problem(f"{where}: a stand-alone fence outside runtime/rcu.h and runtime/park.c")
        if room != "cli" and not is_main and PRINTS.search(line):
            problem(f"{where}: only cli/ prints")
        if not is_main and re.search(r"(?<![\w.>])(exit|quick_exit)\s*\(", line):
            problem(f"{where}: only a main program calls exit()")
    if path.endswith(".cc") and path != "bench/gbench_shim.cc":
        problem(f"{path}: C++ only in bench/gbench_shim.cc")


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
        if path.startswith("bench/peers/") or not path.endswith(CODE + (".sh", ".py")):
            continue
        with open(os.path.join(root, path), encoding="utf-8") as f:
            raw = f.read()
        if MARKERS.search(raw) and path != "tests/lint/check_house.py":
            problems.append(f"{path}: a word that marks unfinished work")
        if path.endswith(CODE):
            check_code(path, raw, headers, problems.append)
    for room in ROOMS:
        if os.path.isdir(os.path.join(root, room)) and f"{room}/README.md" not in files:
            problems.append(f"{room}/: no README.md")
    return problems


SPDX = "/* SPDX-License-Identifier: MIT */\n"
PLANTED = {
    "stray.txt": "x\n",
    "runtime/utils.c": SPDX,
    "runtime/back_edge.c": SPDX + "#include <pinion/report.h>\n",
    "reports/include/pinion/report.h": SPDX,
    "bench/hwloc_outside.c": SPDX + "#include <hwloc.h>\n",
    "runtime/urcu_outside.c": SPDX + "#include <urcu-qsbr.h>\n",
    "bench/private_header.c": SPDX + '#include "runtime/segq.h"\n',
    "runtime/raw_atomic.c": SPDX + "int f(_Atomic int *p);\n",
    "runtime/fence.c": SPDX + "void f(void) {\n    pn_fence_seq();\n}\n",
    "runtime/prints.c": SPDX + 'void f(void) {\n    printf("x");\n}\n',
    "tuning/exits.c": SPDX + "void f(void) {\n    exit(1);\n}\n",
    "cli/no_spdx.c": "int x;\n",
    "cli/long_function.c": SPDX + "void f(void) {\n" + "    g();\n" * 60 + "}\n",
    "cli/long_file.c": SPDX + "/* */\n" * 500,
    "bench/other.cc": SPDX,
    "cli/marker.c": SPDX + "/* TO" + "DO */\n",
}


def self_test():
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(["git", "-C", root, "init", "-q"], check=True)
        for path, text in PLANTED.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)) or root, exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(text)
        found = check(root)
    missed = [p for p in PLANTED if p != "reports/include/pinion/report.h"
              and not any(line.startswith(p) for line in found)]
    for path in missed:
        print(f"self-test: the violation in {path} was not caught")
    return 1 if missed else 0


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
