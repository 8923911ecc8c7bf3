#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The worker in C, Erlang, Gleam and Rust, cut from the sources that are compiled, into README.md.

usage: side_by_side.py [--check] [--seconds "C=1.5, Erlang=2"]

Without an option README.md's part between its two marks is written anew. --check: exit 1 if it is not what the
sources say; build times are taken as they stand there. --seconds: new build times, in seconds of CPU.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
README = HERE / "README.md"
BEGIN, END = "<!-- side by side: written by side_by_side.py -->", "<!-- end -->"
SECONDS = re.compile(r"^Build times, seconds of CPU: (.*)\.$", re.M)
MARKED = (re.compile(r"^(%%|//) \[worker$"), re.compile(r"^(%%|//) worker\]$"))


def function(head, indent=""):
    """From a function's first line to its closing brace in the same column."""
    return re.compile("^" + indent + head + r"\("), re.compile("^" + indent + r"}$")


# Name, fence, [(file, what of it)]
LANGUAGES = (
    ("C", "c", [("bench/design_shared.c", function("static enum pn_job_rc run")),
                ("bench/design_shared.c", function("static enum pn_job_rc resume")),
                ("bench/job.c", function("enum pn_job_rc pn_job_run")),
                ("bench/job.c", function("static inline enum pn_job_rc end"))]),
    ("Erlang", "erlang", [("bench/peers/beam/src/pb_worker.erl", MARKED),
                          ("bench/peers/beam/src/pb_job.erl", MARKED)]),
    ("Gleam", "gleam", [("bench/peers/beam/gleam/src/pinion_worker.gleam", MARKED)]),
    ("Rust", "rust", [("bench/peers/tokio/src/worker.rs", MARKED),
                      ("bench/peers/tokio/src/job.rs", function("pub fn run", "    ")),
                      ("bench/peers/tokio/src/job.rs", function("fn computed", "    "))]),
)


def cut(name, what):
    """Every piece of a file from a line that fits the first pattern to one that fits the second."""
    first, last = what
    pieces, piece = [], None
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if piece is None and first.match(line):
            piece = [] if what is MARKED else [line]
        elif piece is not None and last.match(line):
            pieces.append(piece if what is MARKED else piece + [line])
            piece = None
        elif piece is not None:
            piece.append(line)
    if not pieces or piece is not None:
        sys.exit(f"side_by_side.py: {name}: no piece {first.pattern} ... {last.pattern}")
    return ["\n".join(p).strip("\n") for p in pieces]


def dependencies():
    text = lambda name: (ROOT / name).read_text(encoding="utf-8")
    libraries = re.findall(r"pkg_check_modules\(\w+ REQUIRED IMPORTED_TARGET ([\w-]+)", text("CMakeLists.txt"))
    applications = re.search(r"applications, \[([^]]*)\]", text("bench/peers/beam/src/pinion_beam.app")).group(1)
    gleam = re.search(r"^\[dependencies\]\n((?:\w.*\n)*)", text("bench/peers/beam/gleam/gleam.toml"), re.M)
    crates = text("bench/peers/tokio/Cargo.lock").count("[[package]]") - 1
    direct = re.search(r"^\[dependencies\]\n((?:\w.*\n)*)", text("bench/peers/tokio/Cargo.toml"), re.M).group(1)
    return {
        "C": f"{len(libraries)} libraries of the whole program: {', '.join(libraries)}",
        "Erlang": f"OTP applications {applications}; a NIF of its own in C",
        "Gleam": f"{len(gleam.group(1).splitlines()) if gleam else 'no'} packages; Erlang's mailboxes and books",
        "Rust": f"{crates} crates, of which named here: {', '.join(re.findall(r'^([a-z][-a-z_]*)', direct, re.M))}",
    }


def written(seconds):
    times = dict(part.split("=") for part in seconds.split(", "))
    needs = dependencies()
    pieces = {name: [p for file, what in parts for p in cut(file, what)] for name, _, parts in LANGUAGES}
    out = [BEGIN, "", "| | lines shown | needs | build, CPU s |", "|---|---|---|---|"]
    for name, _, _ in LANGUAGES:
        lines = sum(bool(line.strip()) for piece in pieces[name] for line in piece.splitlines())
        out.append(f"| {name} | {lines} | {needs[name]} | {times.get(name, 'unknown')} |")
    out += ["", f"Build times, seconds of CPU: {seconds}.", ""]
    for name, fence, parts in LANGUAGES:
        files = ", ".join(dict.fromkeys(f"`{file}`" for file, _ in parts))
        out += [f"### {name}", "", f"From {files}.", "", f"```{fence}", "\n\n".join(pieces[name]), "```", ""]
    return "\n".join(out + [END])


def main():
    args = sys.argv[1:]
    text = README.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"side_by_side.py: {README}: the marks are not there once each")
    before, rest = text.split(BEGIN)
    now, after = rest.split(END)
    old = SECONDS.search(now)
    seconds = old.group(1) if old else "C=unknown"
    if args[:1] == ["--seconds"] and len(args) == 2:
        seconds = args[1]
    elif args not in ([], ["--check"]):
        sys.exit(__doc__)
    new = before + written(seconds) + after
    if args == ["--check"]:
        if new != text:
            sys.exit("side_by_side.py: README.md is not what the sources say: run bench/peers/side_by_side.py")
        return
    README.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
