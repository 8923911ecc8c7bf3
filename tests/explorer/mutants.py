#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: mutants.py --programs DIR --table FILE --reasons FILE [--update] [--jobs N] [--only TEXT]

Run every mutant of the files that the explorer compiles until some case kills it, and compare with
the committed table: the same mutants, each killed, or alive with a written reason. A mutant that is
new or gone, alive without a reason, or killed although a reason says that it cannot be, is a failure.
--update writes the table. Mutants are listed by the cases themselves (--list-mutants).
"""
import argparse
import concurrent.futures
import fnmatch
import pathlib
import re
import subprocess
import sys
import time

# Executions per case: a short look at every case first, then longer ones. Most mutants die in the first
# hundred; of those that have a reason, the looks are all there is.
ROUNDS = (200, 2000, 40000)
REASON_ROUNDS = (1000,)
LISTING = 2000
SECONDS = 2  # at most, per case and round: the whole runtime runs a thousand executions a second
SEED = "1"
TIMEOUT = 60


def run(program, *options):
    """-> (exit code, output); a program that does not end was stopped"""
    try:
        done = subprocess.run([str(program), "--seed", SEED, "--seconds", str(SECONDS), *options],
                              capture_output=True, text=True, timeout=TIMEOUT, check=False)
        return done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        return -1, "no end"


def list_mutants(programs):
    """-> {mutant: [programs that reach its site]}, the quickest program first"""
    found = {}
    speed = {}
    for program in programs:
        start = time.monotonic()
        code, output = run(program, "--executions", str(LISTING), "--list-mutants")
        speed[program] = time.monotonic() - start
        if code != 0:
            sys.exit(f"{program.name} fails without any mutant:\n{output}")
        for name, how in re.findall(r"^mutant (\S+) (\S+)$", output, re.M):
            reached = found.setdefault(name, [])
            if how == "reached" and program not in reached:
                reached.append(program)
    # A case that is named after the file comes first: it was written for it.
    for name, reached in found.items():
        stem = name.split(".")[0]
        reached.sort(key=lambda p: (stem not in p.name, speed[p]))
    return found


def kill(name, programs, rounds):
    """-> None, or (case, executions, what it said)"""
    for executions in rounds:
        for program in programs:
            code, output = run(program, "--mutant", name, "--executions", str(executions))
            if code == 2:
                sys.exit(f"{program.name} --mutant {name}:\n{output}")
            if code != 0:
                said = re.match(r"[^:]*: (.*), in execution (\d+)", output)
                case = program.name.removeprefix("explore_")
                return (case, int(said[2]), said[1]) if said else (case, 1, f"exit code {code}")
    return None


def read_reasons(path):
    """Lines `= reason` and, under each, patterns of mutants -> [(pattern, reason)]"""
    reasons = []
    reason = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("= "):
            reason = line[2:]
        elif reason is None:
            sys.exit(f"{path}:{number}: a mutant before the first reason (`= ...`)")
        else:
            reasons.append((line, reason))
    return reasons


def size_class(executions):
    """1, <= 10, <= 100, ...: the exact number changes with every edit"""
    limit = 1
    while executions > limit:
        limit *= 10
    return "1" if limit == 1 else f"<= {limit}"


def render(results):
    killed = sum(1 for r in results.values() if r[0] == "killed")
    lines = ["# Mutants", "",
             "Written by `mutants.py --update`, checked by the test `explore.mutants`. A mutant is one",
             "atomic access of the product with a weaker order, without its fence, barrier or grace",
             "period, or a compare-and-swap that claims success; its name is file:function:n-th",
             "access. Executions are of one seed, in classes.", "",
             f"{len(results)} mutants: {killed} killed, {len(results) - killed} equivalent.", "",
             "| mutant | killed by | executions | how, or why it is equivalent |",
             "|---|---|---|---|"]
    for name, (state, case, size, why) in sorted(results.items()):
        why = why.replace("|", "\\|")
        lines.append(f"| {name} | {case if state == 'killed' else '(equivalent)'} | {size} | {why} |")
    return "\n".join(lines) + "\n"


def read_table(path):
    """-> {mutant: (state, case)}"""
    rows = {}
    if path.exists():
        for row in re.findall(r"^\| (\S+) \| (\S+) \|", path.read_text(), re.M):
            if ":" in row[0]:
                rows[row[0]] = ("equivalent" if row[1] == "(equivalent)" else "killed", row[1])
    return rows


def judge(mutants, reasons, jobs):
    """-> ({mutant: (state, case, class, why)}, [complaints])"""
    def one(item):
        name, programs = item
        why = next((r for pattern, r in reasons if fnmatch.fnmatchcase(name, pattern)), None)
        return name, why, kill(name, programs, ROUNDS if why is None else REASON_ROUNDS)

    results = {}
    complaints = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, why, death in pool.map(one, mutants.items()):
            if death is not None and why is not None:
                complaints.append(f"{name}: has a reason to live, but {death[0]} kills it: {death[2]}")
            elif death is not None:
                results[name] = ("killed", death[0], size_class(death[1]), death[2])
            elif why is not None:
                results[name] = ("equivalent", "", "", why)
            elif not mutants[name]:
                complaints.append(f"{name}: no case reaches it, and there is no reason in the file")
            else:
                cases = ", ".join(p.name.removeprefix("explore_") for p in mutants[name])
                complaints.append(f"{name}: alive, and without a reason ({cases})")
    for pattern, _ in reasons:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in mutants):
            complaints.append(f"{pattern}: a reason for a mutant that does not exist")
    return results, complaints


def compare(results, table):
    complaints = []
    for name, (state, *_) in results.items():
        was = table.get(name)
        if was is None:
            complaints.append(f"{name}: not in the table")
        elif was[0] != state:
            complaints.append(f"{name}: {state}, in the table {was[0]}")
    complaints += [f"{name}: in the table, but there is no such mutant"
                   for name in table if name not in results]
    return complaints


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--table", type=pathlib.Path, required=True)
    parser.add_argument("--reasons", type=pathlib.Path, required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("cases", nargs="+")
    args = parser.parse_args()
    start = time.monotonic()
    mutants = list_mutants([args.programs / f"explore_{case}" for case in args.cases])
    if args.only:
        mutants = {name: cases for name, cases in mutants.items() if args.only in name}
    results, complaints = judge(mutants, read_reasons(args.reasons), args.jobs)
    if args.update and not complaints:
        args.table.write_text(render(results))
    elif not args.only and not complaints:
        complaints += compare(results, read_table(args.table))
    killed = sum(1 for r in results.values() if r[0] == "killed")
    for complaint in sorted(complaints):
        print(complaint)
    print(f"mutants: {len(mutants)}, killed {killed}, equivalent {len(results) - killed}, "
          f"complaints {len(complaints)}, {time.monotonic() - start:.0f} s")
    if complaints:
        print("after a change of the files under test: tests/explorer/README.md, \"Mutants\"")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
