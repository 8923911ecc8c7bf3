#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Paired rounds of queues, quick to type while a queue is tuned.

usage: rounds.py BUILD [--rounds N] [--ms M] [--seed S] [--jsonl FILE] PAIR...
  PAIR  A/B@WORKLOAD (ratio of A to B) or A@WORKLOAD (rate alone); globs are not expanded.
Every slot is a fresh process; rounds are shuffled; a ratio is the median over rounds of the ratio inside each
round, with the order-statistic interval of at least 95 % (9 rounds: second to eighth value).
"""
import argparse
import json
import math
import random
import subprocess


def programs(build):
    found = {}
    for name in ("own", "c", "cxx", "rust"):
        try:
            out = subprocess.run([f"{build}/pinion-queues-{name}", "--list"], capture_output=True, text=True)
        except FileNotFoundError:
            continue
        for line in out.stdout.splitlines():
            entry = json.loads(line)
            if "workloads" in entry:
                found[entry["queue"]] = f"{build}/pinion-queues-{name}"
    return found


def interval(values):
    """Median and the narrowest symmetric pair of order statistics that covers it with 95 %."""
    values = sorted(values)
    n, k = len(values), 0
    while k + 1 < n / 2 and 1 - 2 * sum(math.comb(n, i) for i in range(k + 2)) / 2 ** n >= 0.95:
        k += 1
    median = (values[(n - 1) // 2] + values[n // 2]) / 2
    return median, values[k], values[n - 1 - k]


def slot(program, queue, load, ms):
    try:
        out = subprocess.run([program, queue, load, "--ms", str(ms)], capture_output=True, text=True, timeout=20)
        line = json.loads(out.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        line = {"queue": queue, "workload": load, "status": "hang" if isinstance(
            error, subprocess.TimeoutExpired) else "garbage", "mops": None}
    return line


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("pairs", nargs="+")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--ms", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jsonl")
    args = parser.parse_args()
    where = programs(args.build)
    pairs = [(pair.split("@")[0].split("/"), pair.split("@")[1]) for pair in args.pairs]
    todo = sorted({(queue, load) for queues, load in pairs for queue in queues})
    chance = random.Random(args.seed)
    rate = {key: [] for key in todo}
    lines = []
    for number in range(args.rounds):
        for queue, load in chance.sample(todo, len(todo)):
            line = slot(where[queue], queue, load, args.ms)
            lines.append({"round": number, **line})
            rate[queue, load].append(line["mops"])
            if line["status"] != "ok":
                print(f"round {number}: {queue} {load}: {line['status']} {line.get('reason')}")
    if args.jsonl:
        with open(args.jsonl, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(line) + "\n" for line in lines)
    for queues, load in pairs:
        rows = [rate[queue, load] for queue in queues]
        both = [row for row in zip(*rows) if None not in row]
        if not both:
            print(f"{'/'.join(queues)}@{load}: no round without a failure")
            continue
        rates = " ".join(f"{queue} {interval([r[i] for r in both])[0]:.2f} M/s "
                         f"({min(r[i] for r in both):.2f} .. {max(r[i] for r in both):.2f})"
                         for i, queue in enumerate(queues))
        if len(queues) == 2:
            median, low, high = interval([a / b for a, b in both])
            print(f"{'/'.join(queues)}@{load}: {median:.3f} [{low:.3f}, {high:.3f}] n={len(both)}  {rates}")
        else:
            print(f"{queues[0]}@{load}: n={len(both)} {rates}")


if __name__ == "__main__":
    main()
