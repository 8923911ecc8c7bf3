#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The BEAM peer does the work that every runtime does, says what it did, and listens to nobody.

usage: check_beam.py PROGRAM PINION [SEED]     exit 0; 1 with a line for each failure; 77 nothing to test

The reference for drawn parameters is `PINION run --design shared`. Nothing here depends on time but the
deadline of a run. What both peers are asked alike is in ../peers-tokio/check.py.
"""
import os
import pathlib
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peers-tokio"))
import check  # noqa: E402
from check import FIELDS, FIRST, SECOND, adds_up, call, expect, lines, result, summary  # noqa: E402

COMPARABLE = ("beam", "beam:spawn")


def check_values(program, modes):
    for design in COMPARABLE + (("beam:gleam",) if "gleam" in modes else ()):
        expect(result(summary(program, design, FIRST)) == ("000027050ac42ebd", 20000, 0), f"{design}: first value")
        got = summary(program, design, SECOND)
        expect(result(got) == ("000026d0be2550a1", 19905, 95), f"{design}: second value")
        expect(got and got["restarts"] == got["lost"], f"{design}: a restart for every crash")
    naive = summary(program, "beam:naive", FIRST)
    expect(result(naive) == ("000027050ac42ebd", 20000, 0), "beam:naive: first value")
    literal = summary(program, "beam:literal", ["jobs=400", "warm=0"])
    expect(literal and literal["done"] == 400 and adds_up(literal), "beam:literal ends its jobs")
    loses = summary(program, "beam:naive", ["jobs=20000", "crash_ppm=2000"])
    expect(loses and adds_up(loses) and loses["collateral"] > 0, "beam:naive counts what a crash throws away")


def check_drawn(program, pinion, seed):
    rng = random.Random(seed)
    for _ in range(6):
        params = [p for p in check.draw(rng) if not p.startswith("producers_as")]
        want = result(summary(pinion, "shared", params))
        design = rng.choice(COMPARABLE)
        more = [f"offload={rng.choice(('none', 'block', 'cpu'))}", f"collector={rng.choice(('sharded', 'shared'))}"]
        got = summary(program, design, params + more)
        expect(got and result(got) == want and adds_up(got), f"{design} {params + more}: {result(got)}, not {want}")


def check_ways(program):
    for design, more in (("beam", "keys=64 state=1000"), ("beam", "pattern=pingpong workers=8"),
                         ("beam", "rate=200000 arrival=poisson"), ("beam+pace=0", "rate=200000"),
                         ("beam+chunk=3+mqd=on_heap", "queue=2 batch=4"),
                         ("beam+sbwt=default+sbt=u", "cores=1")):
        got = summary(program, design, FIRST + more.split())
        expect(got and got["checksum"] == "000027050ac42ebd", f"{design} {more}: {got and got['checksum']}")
    chain = [summary(program, design, FIRST + "pattern=big workers=8 crash_ppm=5000".split()) for design in COMPARABLE]
    expect(result(chain[0]) == result(chain[1]) and chain[0]["lost"] == 94, "chains go on after a crash")
    bounded = summary(program, "beam", ["jobs=5000", "payload=4096", "queue_bytes=40000", "workers=2"])
    expect(bounded and bounded["queue_effective"] == 8 and bounded["queue_full"] > 0, "queue_bytes bounds")
    greedy = summary(program, "beam", FIRST + "greedy_ppm=1000 greedy_units=100000 collector=shared".split())
    expect(greedy and greedy["collected"] == greedy["done"] and greedy["short_p99_ns"] > 0, "collected, short jobs")
    drops = summary(program, "beam", ["jobs=20000", "drop=1", "queue=4", "units=2000"])
    expect(drops and adds_up(drops) and drops["dropped"] == drops["queue_full"] > 0, "drop=1 drops, and counts it")


def check_failures(program):
    base = "jobs=30000 warm=1000 workers=8 units=5000 fail_at_ms=60".split()
    for kind, victims, lost, restarts in (("one", 1, 1, 1), ("all", 8, None, 8), ("init", 1, 1, 7),
                                          ("supervisor", 8, None, 8), ("hang", 1, 1, 1)):
        supervise = "loop" if kind == "all" else "tree"
        s = summary(program, "beam", base + [f"fail_kind={kind}", f"supervise={supervise}"])
        if s is None:
            continue
        expect((s["victims"], s["restarts"]) == (victims, restarts) and lost in (None, s["lost"]) and adds_up(s),
               f"fail_kind={kind}: victims {s['victims']}, lost {s['lost']}, restarts {s['restarts']}")
        expect(s["detect_ns"] is not None and s["restart_ns"] is not None, f"fail_kind={kind}: not detected")
        expect(kind != "hang" or s["detect_ns"] > 100e6, "the heartbeat waits for 100 ms")
    too_many = call(program, "run", "jobs=20000", "crash_ppm=50000", "restarts_max=3", "--summary")
    expect(too_many.returncode == 1 and lines(too_many)[-1]["failed"], "the restart intensity ends the run")


def check_events(program):
    done = call(program, "run", "--inspect", "20", "jobs=3000", "crash_ppm=3000", "units=100000", "queue=16")
    events = lines(done)
    expect({e["event"] for e in events} >= set(FIELDS) | {"queue_full", "inspect"}, "every event is there")
    for event in events:
        missing = FIELDS.get(event["event"], set()) - set(event)
        common = event.get("schema") == 1 and event.get("runtime") == "beam:tuned" and event.get("t_ns") is not None
        expect(common and not missing, f"{event['event']}: {missing or 'schema, runtime or t_ns'}")
        if missing or not common:
            break
    last = events[-1]
    counts = {kind: sum(e["event"] == kind for e in events) for kind in FIELDS}
    expect(last["event"] == "summary" and counts["job_done"] == last["samples"] == last["done"], "one line per job")
    expect(counts["worker_crash"] == last["lost"] == counts["worker_restart"] > 0, "one line per crash")
    expect(sum(n for _, n in last["histogram"]["counts"]) == last["samples"], "the histogram has every sample")
    looks = [e for e in events if e["event"] == "inspect"]
    expect(any(e["queues"] and e["queues"][0]["length"] > 0 for e in looks), "inspect sees a queue")
    log = lines(call(program, "run", "jobs=3000", "warm=100", "log=1"))
    expect(sum(e["event"] == "job_done" for e in log) == 3000, "log=1: a line for every job")


def sockets_of(pid):
    links = (os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    return {m.group(1) for m in map(re.compile(r"socket:\[(\d+)\]").fullmatch, links) if m}


def listening():
    """Inodes of all sockets in state LISTEN, of TCP and, as any of them can be sent to, of UDP."""
    found = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        try:
            with open(f"/proc/net/{name}", encoding="ascii") as table:
                rows = [line.split() for line in list(table)[1:]]
        except FileNotFoundError:
            continue
        found |= {row[9] for row in rows if name.startswith("udp") or row[3] == "0A"}
    return found


def check_protocol(program):
    child = subprocess.Popen([program, "run", "--stdin-go", "--summary", "jobs=2000"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    expect('"ready"' in child.stdout.readline(), "ready comes first")
    with open(f"/proc/{child.pid}/comm", encoding="ascii") as comm:
        expect(comm.read().startswith("beam"), "the pid that was started is the virtual machine's")
    expect(not sockets_of(child.pid) & listening(), "nothing listens")
    epmd = [pid for pid in os.listdir("/proc") if pid.isdigit() and started_epmd(pid, child.pid)]
    expect(not epmd, f"epmd was started: {epmd}")
    out, _ = child.communicate("\n", timeout=30)
    expect(child.returncode == 0 and '"summary"' in out, "go, then the summary")
    left = call(program, "run", "--stdin-go", "--summary", "jobs=2000")
    expect(left.returncode == 0 and [e["event"] for e in lines(left)] == ["ready"], "no go: a quiet end")
    about, unit = lines(call(program, "about"))[0], lines(call(program, "unit"))[0]
    absent = {a["mode"]: a["reason"] for a in about["absent"]}
    expect(about["runtime"] == "beam" and len(about["modes"]) + len(absent) == 5 and about["versions"]["otp"], "about")
    expect(unit["ns_per_unit"] > 0 and unit["rounds"] > 1, "unit")
    touch = lines(call(program, "touch", "payload=4096", "alloc=64"))[0]
    expect(touch["fill_ns"] > 0 and touch["read_ns"] > 0 and touch["alloc_ns"] > 0, "touch")
    for mode, reason in absent.items():
        done = call(program, "run", "--design", f"beam:{mode}", "jobs=1")
        expect(done.returncode == 3 and reason in done.stderr, f"{mode}: exit {done.returncode}, {done.stderr!r}")
    return about["modes"]


def started_epmd(pid, parent):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            text = stat.read()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "(epmd)" in text and text.rsplit(")", 1)[1].split()[1] == str(parent)


def check_refusals(program):
    all_bad = (["jobs=0"], ["jobs=1x"], ["nothing=1"], ["payload=6"], ["producers_as=thread"],
               ["--design", "beam:fast"], ["--design", "beam+sbwt=maybe"], ["--design", "beam:spawn", "keys=4"],
               ["--no-such"], ["pattern=pingpong"], ["--design", "beam:spawn", "fail_at_ms=5"], ["--inspect", "0"])
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda bad: call(program, "run", *bad), all_bad))
    for bad, done in zip(all_bad, ends):
        one_line = done.stderr.count("\n") == 1 and not done.stdout
        expect(done.returncode == 2 and one_line, f"{bad}: exit {done.returncode}, {done.stderr!r}")


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 2
    program, pinion = sys.argv[1:3]
    for path in (program, pinion):
        if not os.access(path, os.X_OK):
            print(f"skipped: {path} is not built")
            return 77
    seed = int(sys.argv[3] if len(sys.argv) > 3 else os.environ.get("PINION_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}", flush=True)
    check_values(program, check_protocol(program))
    check_drawn(program, pinion, seed)
    check_ways(program)
    check_failures(program)
    check_events(program)
    check_refusals(program)
    return 1 if check.failures else 0


if __name__ == "__main__":
    sys.exit(main())
