#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Tokio peer does the work that every runtime does, and says what it did.

usage: check.py PROGRAM PINION [SEED]     exit 0; 1 with a line for each failure; 77 nothing to test

The reference for drawn parameters is `PINION run --design shared`. Nothing here depends on time but the
deadline of a run.
"""
import json
import os
import random
import subprocess
import sys

COMPARABLE = ("tokio", "tokio:tuned", "tokio:shared", "tokio:spawn", "tokio:tuned+restart=catch",
              "tokio:tuned+restart=watchdog", "tokio:shared+restart=catch")
FIRST = ["jobs=20000"]
SECOND = ("jobs=20000 seed=7 producers=16 workers=100 queue=1024 wlo=0 whi=500 payload=4096 "
          "sleep_ppm=50000 slo=500 shi=2500 crash_ppm=5000").split()
FIELDS = {
    "job_done": {"producer", "i", "worker", "lat_ns", "sleep_ns", "attempt"},
    "worker_crash": {"worker", "producer", "i"},
    "worker_restart": {"worker", "down_ns"},
    "snapshot": {"done", "in_flight", "queued", "rss_kb", "cpu_ns"},
    "summary": set("""jobs done lost collateral dropped restarts queue_full checksum wall_ns cpu_ns producers_as
        bound queue_effective queue_kind detect_ns restart_ns recovery_ns baseline_per_s rss_recovered_kb
        worker_min_jobs worker_max_jobs longest_gap_ns p50_ns p95_ns p99_ns p999_ns max_ns samples sleep_mean_ns
        rss_kb hwm_kb half1_ns half2_ns spin_ns spin_reason busy_ns histogram payload_mode batch turn versions
        flags pacing_mean_ns""".split()),
}
failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what, flush=True)


def call(*argv, stdin=""):
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60)


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def summary(program, design, params, *more):
    """None if the program failed, which is then noted."""
    done = call(program, "run", "--design", design, "--json", "--summary", *more, *params)
    text = f"{design} {' '.join(params)}"
    expect(done.returncode == 0, f"{text}: exit {done.returncode}: {done.stderr.strip()}")
    found = [line for line in lines(done) if line["event"] == "summary"] if done.returncode == 0 else []
    expect(len(found) == 1 or done.returncode != 0, f"{text}: {len(found)} summaries")
    return found[0] if found else None


def adds_up(s):
    return s["done"] + s["lost"] + s["dropped"] + s["collateral"] == s["jobs"]


def result(s):
    return s and (s["checksum"], s["done"], s["lost"])


def check_values(program):
    for design in COMPARABLE:
        expect(result(summary(program, design, FIRST)) == ("000027050ac42ebd", 20000, 0), f"{design}: first value")
        expect(result(summary(program, design, SECOND)) == ("000026d0be2550a1", 19905, 95), f"{design}: second value")
    naive = summary(program, "tokio:naive", FIRST)
    expect(result(naive) == ("000027050ac42ebd", 20000, 0), "tokio:naive: first value")
    literal = summary(program, "tokio:literal", ["jobs=400", "warm=0"])
    expect(literal and literal["done"] == 400 and adds_up(literal), "tokio:literal ends its jobs")
    loses = summary(program, "tokio:naive", ["jobs=20000", "crash_ppm=2000"])
    expect(loses and adds_up(loses) and loses["collateral"] > 0, "tokio:naive counts what a crash throws away")


def draw(rng):
    wlo = rng.choice((0, 10, 100))
    slo = rng.choice((0, 100))
    return [f"seed={rng.randrange(1 << 40)}", f"jobs={rng.randrange(1, 6000)}", f"warm={rng.choice((0, 500))}",
            f"producers={rng.randrange(1, 20)}", f"workers={rng.randrange(1, 40)}",
            f"queue={rng.choice((1, 7, 64, 1024))}", f"wlo={wlo}", f"whi={wlo + rng.choice((0, 300))}",
            f"payload={rng.choice((0, 4, 64, 4096, 16384))}", f"alloc={rng.choice((0, 1, 5000))}",
            f"sleep_ppm={rng.choice((0, 20000))}", f"slo={slo}", f"shi={slo + rng.choice((0, 900))}",
            f"crash_ppm={rng.choice((0, 10000))}", f"greedy_ppm={rng.choice((0, 2000))}", "greedy_units=70000",
            f"block_ppm={rng.choice((0, 1000))}", "block_us=200", f"batch={rng.choice((1, 1, 5, 32))}",
            f"producers_as={rng.choice(('task', 'thread'))}", f"supervise={rng.choice(('tree', 'loop'))}",
            f"rate={rng.choice((0, 0, 20000))}"]


def check_drawn(program, pinion, seed):
    rng = random.Random(seed)
    for _ in range(8):
        params = draw(rng)
        want = result(summary(pinion, "shared", params))
        for design in ("tokio:tuned", rng.choice(("tokio:shared", "tokio:tuned+restart=catch"))):
            more = [f"offload={rng.choice(('none', 'block', 'cpu'))}", f"collector={rng.choice(('sharded', 'shared'))}"]
            got = summary(program, design, params + more)
            expect(got and result(got) == want and adds_up(got), f"{design} {params + more}: {result(got)}, not {want}")


def check_ways(program):
    """What the reference cannot be asked for yet, against the first value."""
    value = "000027050ac42ebd"
    for design, more in (("tokio:tuned", "keys=64 state=1000"), ("tokio:naive", "keys=7 state=64"),
                         ("tokio:tuned", "pattern=pingpong workers=8"), ("tokio:shared", "pattern=pingpong"),
                         ("tokio:tuned", "pattern=big workers=8"), ("tokio:spawn", "pattern=big"),
                         ("tokio:tuned", "rate=200000 arrival=poisson"), ("tokio:tuned+pace=timer", "rate=200000"),
                         ("tokio:tuned", "queue=2 batch=4"), ("tokio:tuned", "cores=1"), ("tokio:tuned", "cores=5")):
        got = summary(program, design, FIRST + more.split())
        expect(got and got["checksum"] == value, f"{design} {more}: {got and got['checksum']}")
    bounded = summary(program, "tokio:tuned", ["jobs=5000", "payload=4096", "queue_bytes=9000", "batch=4"])
    expect(bounded and bounded["done"] == 5000 and bounded["queue_full"] > 0, "queue_bytes bounds, and nothing hangs")
    drops = summary(program, "tokio:naive", ["jobs=20000", "drop=1", "queue=4", "units=2000"])
    expect(drops and adds_up(drops) and drops["dropped"] == drops["queue_full"] > 0, "drop=1 drops, and counts it")


def check_failures(program):
    base = "jobs=60000 warm=1000 workers=8 units=10000 fail_at_ms=60".split()
    for design, kind, victims, lost, restarts in (
            ("tokio:tuned", "one", 1, 1, 1), ("tokio:tuned+restart=catch", "one", 1, 1, 1),
            ("tokio:shared", "all", 8, 0, 8), ("tokio:tuned+restart=catch", "node", 8, 0, 8),
            ("tokio:tuned", "init", 1, 1, 7), ("tokio:tuned", "supervisor", 8, 0, 8),
            ("tokio:tuned+restart=watchdog", "hang", 1, 1, 1)):
        for supervise in ("tree", "loop") if kind in ("one", "init") else ("tree",):
            s = summary(program, design, base + [f"fail_kind={kind}", f"supervise={supervise}"])
            text = f"{design} fail_kind={kind} supervise={supervise}"
            if s is None:
                continue
            expect((s["victims"], s["lost"], s["restarts"]) == (victims, lost, restarts) and adds_up(s),
                   f"{text}: victims {s['victims']}, lost {s['lost']}, restarts {s['restarts']}")
            expect(s["detect_ns"] is not None and s["restart_ns"] is not None, f"{text}: not detected")
    unseen = summary(program, "tokio:tuned", base + ["fail_kind=hang"])
    expect(unseen and unseen["detect_ns"] is None and unseen["collateral"] > 0 and adds_up(unseen)
           and "watchdog" in unseen["failure_reason"], "a hang that nobody sees is said to be one")
    too_many = call(program, "run", "jobs=20000", "crash_ppm=50000", "restarts_max=3", "--summary")
    expect(too_many.returncode == 1 and lines(too_many)[-1]["failed"], "the restart intensity ends the run")


def check_events(program):
    done = call(program, "run", "--design", "tokio:tuned", "--inspect", "20", "jobs=3000", "crash_ppm=3000",
                "units=100000", "queue=16")
    events = lines(done)
    expect({e["event"] for e in events} >= set(FIELDS) | {"queue_full", "inspect"}, "every event is there")
    for event in events:
        missing = FIELDS.get(event["event"], set()) - set(event)
        common = event.get("schema") == 1 and event.get("runtime") == "tokio:tuned" and event.get("t_ns") is not None
        expect(common and not missing, f"{event['event']}: {missing or 'schema, runtime or t_ns'}")
        if missing or not common:
            break
    last = events[-1]
    counts = {kind: sum(e["event"] == kind for e in events) for kind in FIELDS}
    expect(last["event"] == "summary" and counts["job_done"] == last["samples"] == last["done"], "one line per job")
    expect(counts["worker_crash"] == last["lost"] == counts["worker_restart"] > 0, "one line per crash")
    expect(sum(n for _, n in last["histogram"]["counts"]) == last["samples"], "the histogram has every sample")
    log = lines(call(program, "run", "jobs=30000", "warm=1000", "log=1"))
    expect(sum(e["event"] == "job_done" for e in log) == 30000, "log=1: a line for every job")


def check_protocol(program):
    go = lines(call(program, "run", "--stdin-go", "--summary", "jobs=2000", stdin="\n"))
    expect([e["event"] for e in go] == ["ready", "summary"], "ready, go, summary")
    left = call(program, "run", "--stdin-go", "--summary", "jobs=2000")
    expect(left.returncode == 0 and [e["event"] for e in lines(left)] == ["ready"], "no go: a quiet end")
    about, unit = lines(call(program, "about"))[0], lines(call(program, "unit"))[0]
    expect(about["runtime"] == "tokio" and len(about["modes"]) == 5 and about["versions"]["tokio"], "about")
    expect(unit["ns_per_unit"] > 0 and unit["rounds"] > 1, "unit")
    touch = lines(call(program, "touch", "payload=4096", "alloc=64"))[0]
    expect(touch["fill_ns"] > 0 and touch["read_ns"] > 0 and touch["alloc_ns"] > 0, "touch")
    expect(lines(call(program, "touch"))[0]["fill_ns"] is None, "touch of nothing is null")
    for bad in (["jobs=0"], ["jobs=1x"], ["nothing=1"], ["payload=6"], ["arrival=poisson"], ["--design", "tokio:fast"],
                ["--design", "tokio+restart=never"], ["--design", "tokio:shared", "keys=4"], ["--no-such"],
                ["pattern=pingpong"], ["--design", "tokio:spawn", "fail_at_ms=5"], ["fail_kind=all"], ["--inspect", "0"]):
        done = call(program, "run", *bad)
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
    check_values(program)
    check_drawn(program, pinion, seed)
    check_ways(program)
    check_failures(program)
    check_events(program)
    check_protocol(program)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
