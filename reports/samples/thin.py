#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Thins samples.jsonl to what a report reads; to standard output.

usage: thin.py SAMPLES.JSONL

Of every summary go: what the line itself says, null without a reason, and what no page shows. Of closed
loops go the percentiles too (queue depth over rate: never compared). Cores and helper threads stay where the
per-core table is made: the middle x and the first level. make.sh proves that no byte of the report depends
on the rest.
"""
import json
import sys

REPEATED = {"event", "schema", "runtime", "t_ns", "interrupted", "failed"}
NOT_SHOWN = {"half1_ns", "half2_ns", "longest_gap_ns", "worker_min_jobs", "worker_max_jobs", "hwm_kb", "shards",
             "queue_full"}
LATENCY = {"p50_ns", "p95_ns", "p99_ns", "p999_ns", "max_ns", "samples"}
AS_RUN = {"cores", "helpers", "producers_as", "queue_kind", "bound", "queue_effective", "turn", "payload_mode",
          "segments_retired", "segments_recycled", "rss_kb"}


def thin(line, middle):
    summary = line["summary"]
    if summary is None:
        return line
    here = line["role"] == "main" and middle.get(line["sweep"]) == (line["x"], line["by"])
    gone = REPEATED | NOT_SHOWN
    gone |= set() if line["role"] == "latency" else LATENCY
    gone |= set() if here else AS_RUN
    line["summary"] = {k: v for k, v in summary.items() if k not in gone and v is not None and v != []}
    return line


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        lines = [json.loads(text) for text in f]
    middle = {}
    for line in lines:
        if line["role"] == "main":
            xs = sorted({other["x"] for other in lines if other["sweep"] == line["sweep"]}, key=str)
            if all(not isinstance(x, str) for x in xs):
                xs.sort()
            levels = [other["by"] for other in lines if other["sweep"] == line["sweep"] and other["role"] == "main"]
            first = "local" if "local" in levels else levels[0]
            middle[line["sweep"]] = (xs[len(xs) // 2], first)
    for line in lines:
        print(json.dumps(thin(line, middle), sort_keys=True, separators=(",", ":")))


if __name__ == "__main__":
    main()
